//! Records that are newer than those of the database, in memory.

use std::collections::BTreeMap;
use std::ops::Bound;

/// The newest record of each address-of-record that has changed; none for one that is gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Overlay(BTreeMap<Box<str>, Option<Box<[u8]>>>);

impl Overlay {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// What is known of a record: nothing, that it is gone, or what it is.
    pub(super) fn get(&self, aor: &str) -> Option<Option<&[u8]>> {
        self.0.get(aor).map(Option::as_deref)
    }

    pub(super) fn set(&mut self, aor: &str, record: Option<Box<[u8]>>) {
        match self.0.get_mut(aor) {
            Some(place) => *place = record,
            None => drop(self.0.insert(aor.into(), record)),
        }
    }

    /// Takes over what is newer.
    pub(super) fn extend(&mut self, newer: Self) {
        self.0.extend(newer.0);
    }

    /// Everything after `after`, in order.
    pub(super) fn after<'a>(
        &'a self,
        after: Option<&str>,
    ) -> impl Iterator<Item = (&'a str, Option<&'a [u8]>)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let entries = self.0.range::<str, _>((start, Bound::Unbounded));
        entries.map(|(aor, record)| (&**aor, record.as_deref()))
    }
}
