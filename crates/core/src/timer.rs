//! Deadlines: who wants to be woken when.
//!
//! Nobody waits here. An owner keeps the time under which it stands in the table, so that an entry
//! is found without a second index; every operation costs O(log n). The four operations are those
//! a timer wheel has too, should the tree ever be what a profile shows.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::time::Time;

/// How long something that has ended may be remembered beyond its time where nothing else happens,
/// so that a loop is not woken to forget each of many things by itself. A request or response that
/// comes again in that moment is absorbed, as it was the moment before.
pub(crate) const GRAIN: Duration = Duration::from_millis(20);

/// A table of deadlines. Owners that are due at the same time come in their own order, so that
/// the same inputs give the same outputs.
#[derive(Debug, Clone)]
pub struct Deadlines<K> {
    entries: BTreeSet<(Time, K)>,
}

impl<K: Ord + Copy> Deadlines<K> {
    /// An empty table.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: BTreeSet::new() }
    }

    /// Enters an owner. One owner may stand here several times, under different times.
    pub fn insert(&mut self, at: Time, owner: K) {
        self.entries.insert((at, owner));
    }

    /// Takes out the entry that [`insert`](Self::insert) made; nothing happens when it is not
    /// there.
    pub fn remove(&mut self, at: Time, owner: K) {
        self.entries.remove(&(at, owner));
    }

    /// The earliest deadline.
    #[must_use]
    pub fn next(&self) -> Option<Time> {
        self.entries.first().map(|(at, _)| *at)
    }

    /// Takes out the earliest entry if its time has come.
    pub fn pop_due(&mut self, now: Time) -> Option<(Time, K)> {
        let (at, _) = self.entries.first()?;
        if *at > now { None } else { self.entries.pop_first() }
    }

    /// How many entries there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl<K: Ord + Copy> Default for Deadlines<K> {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_due_comes_in_order_and_nothing_before_its_time() {
        let mut table = Deadlines::new();
        for (at, owner) in [(30, 1), (10, 3), (10, 2), (20, 4)] {
            table.insert(Time::from_micros(at), owner);
        }
        table.remove(Time::from_micros(20), 4);
        table.remove(Time::from_micros(21), 4);
        assert_eq!(table.next(), Some(Time::from_micros(10)));
        assert_eq!(table.pop_due(Time::from_micros(9)), None);
        assert_eq!(table.pop_due(Time::from_micros(29)), Some((Time::from_micros(10), 2)));
        assert_eq!(table.pop_due(Time::from_micros(29)), Some((Time::from_micros(10), 3)));
        assert_eq!(table.pop_due(Time::from_micros(29)), None);
        assert_eq!(table.len(), 1);
    }
}
