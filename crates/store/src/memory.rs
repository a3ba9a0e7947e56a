//! The room in memory: nothing outlives the process. For tests and for trying things out.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::ops::Bound;
use std::sync::{Mutex, MutexGuard, PoisonError};

use antiphon_core::registrar::{Aor, BindingSet};
use antiphon_core::time::Time;

use crate::codec;
use crate::record::{self, Cursor, Ledger, Records};
use crate::{Bindings, Commit, Reply, StoreError, Swept, Totals};

/// Bindings in memory. Answers everything at once, on the caller's thread.
///
/// The sets are kept in the written form, which takes a fraction of the room of the typed one.
#[derive(Debug, Default)]
pub struct Memory {
    state: Mutex<State>,
}

impl Memory {
    /// An empty room.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing that runs under the lock can leave a record half written.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Debug, Default)]
struct State {
    records: Map,
    ledger: Ledger,
    cursor: Cursor,
}

#[derive(Debug, Default)]
struct Map(BTreeMap<Box<str>, Box<[u8]>>);

impl Bindings for Memory {
    fn bindings(&self, aor: &Aor) -> Result<BindingSet, StoreError> {
        match self.state().records.0.get(aor.as_str()) {
            None => Ok(BindingSet::default()),
            Some(record) => decode(aor, record),
        }
    }

    fn commit(&self, commit: Commit, done: Reply<u64>) {
        let outcome = {
            let State { records, ledger, .. } = &mut *self.state();
            let Ok(outcome) = record::commit(records, ledger, &commit);
            outcome
        };
        done.send(outcome);
    }

    fn sweep(&self, now: Time, done: Reply<Swept>) {
        let swept = {
            let State { records, ledger, cursor } = &mut *self.state();
            let Ok(swept) = record::sweep(records, ledger, cursor, now);
            swept
        };
        done.send(Ok(swept));
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        let Ledger { aors, bindings, .. } = self.state().ledger;
        Ok(Totals { aors, bindings })
    }

    fn page(
        &self,
        after: Option<&Aor>,
        limit: usize,
    ) -> Result<Vec<(Aor, BindingSet)>, StoreError> {
        let state = self.state();
        let page = state.records.after(after.map(Aor::as_str)).take(limit);
        page.map(|(aor, record)| {
            let aor = Aor::from_canonical(aor.clone());
            let set = decode(&aor, record)?;
            Ok((aor, set))
        })
        .collect()
    }
}

fn decode(aor: &Aor, record: &[u8]) -> Result<BindingSet, StoreError> {
    codec::decode(record).map_err(|_| StoreError::Damaged { aor: aor.clone() })
}

impl Map {
    fn after(&self, after: Option<&str>) -> impl Iterator<Item = (&Box<str>, &Box<[u8]>)> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0.range::<str, _>((start, Bound::Unbounded))
    }
}

impl Records for Map {
    type Error = Infallible;

    fn look<R>(&self, aor: &str, look: impl FnOnce(Option<&[u8]>) -> R) -> Result<R, Infallible> {
        Ok(look(self.0.get(aor).map(AsRef::as_ref)))
    }

    fn put(&mut self, aor: &str, record: &[u8]) -> Result<(), Infallible> {
        self.0.insert(aor.into(), record.into());
        Ok(())
    }

    fn remove(&mut self, aor: &str) -> Result<(), Infallible> {
        self.0.remove(aor);
        Ok(())
    }

    fn scan(
        &self,
        after: Option<&str>,
        limit: usize,
        mut look: impl FnMut(&str, &[u8]),
    ) -> Result<(), Infallible> {
        self.after(after).take(limit).for_each(|(aor, record)| look(aor, record));
        Ok(())
    }
}
