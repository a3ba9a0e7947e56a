//! What readers and both writing threads share: the state as it is on disk, and counters.
//!
//! The state is in three layers, the newest first: what the journal's newest generation has, what
//! the generation before has while it is brought into the database, and the database.

use std::cmp::Ordering as Order;
use std::iter::Peekable;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use antiphon_core::registrar::{Aor, BindingSet};

use super::database::{self, Snapshot};
use super::overlay::Overlay;
use crate::record::{Ledger, Records};
use crate::{Reason, StoreError, Totals, codec};

/// What a room did since it was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Activity {
    /// Groups of changes written to disk, with one sync each.
    pub transactions: u64,
    /// Changes that were made in them.
    pub commits: u64,
    /// Changes refused because their version had moved.
    pub conflicts: u64,
    /// Writes that failed, to the journal and to the database.
    pub failures: u64,
    /// Generations of the journal that were brought into the database.
    pub merges: u64,
    /// Times the database was opened anew after a failure.
    pub reopenings: u64,
}

#[derive(Debug)]
pub(super) struct Shared {
    state: RwLock<State>,
    /// The room is being closed: nobody waits for a better moment.
    pub(super) is_closing: AtomicBool,
    pub(super) counters: Counters,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) transactions: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) merges: AtomicU64,
    pub(super) reopenings: AtomicU64,
}

/// Everything that is on disk.
#[derive(Debug)]
pub(super) struct State {
    pub(super) recent: Overlay,
    pub(super) merging: Option<Arc<Overlay>>,
    pub(super) snapshot: Result<Snapshot, Reason>,
    pub(super) ledger: Ledger,
    /// Why what is being merged is not in the database yet, if that failed.
    pub(super) merge_failure: Option<Reason>,
}

impl Shared {
    pub(super) fn new(state: State) -> Self {
        Self {
            state: RwLock::new(state),
            is_closing: AtomicBool::new(false),
            counters: Counters::default(),
        }
    }

    /// Reads. The lock is held by readers together, and for writing only to put something new into
    /// place.
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.state.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn change<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.state.write().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a new snapshot into place, or the reason why there is none. The old one is closed
    /// after the lock was given back.
    pub(super) fn publish(&self, snapshot: Result<Snapshot, Reason>) {
        drop(self.change(|state| std::mem::replace(&mut state.snapshot, snapshot)));
    }

    pub(super) fn activity(&self) -> Activity {
        let Counters { transactions, commits, conflicts, failures, merges, reopenings } =
            &self.counters;
        Activity {
            transactions: transactions.load(Ordering::Relaxed),
            commits: commits.load(Ordering::Relaxed),
            conflicts: conflicts.load(Ordering::Relaxed),
            failures: failures.load(Ordering::Relaxed),
            merges: merges.load(Ordering::Relaxed),
            reopenings: reopenings.load(Ordering::Relaxed),
        }
    }
}

/// Adds one; counters are read for show, so no order is needed between them.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

impl State {
    pub(super) fn bindings(&self, aor: &Aor) -> Result<BindingSet, StoreError> {
        let none = Overlay::default();
        let set = self.look(&none, aor.as_str(), |record| record.map(codec::decode));
        match set.map_err(StoreError::unavailable)? {
            None => Ok(BindingSet::default()),
            Some(set) => set.map_err(|_| StoreError::Damaged { aor: aor.clone() }),
        }
    }

    /// Whether a generation of the journal is being brought into the database, and why that failed
    /// if it did.
    pub(super) fn merge_failure(&self) -> Option<Option<Reason>> {
        self.merging.as_ref().map(|_| self.merge_failure)
    }

    pub(super) const fn totals(&self) -> Totals {
        Totals { aors: self.ledger.aors, bindings: self.ledger.bindings }
    }

    pub(super) fn page(
        &self,
        after: Option<&Aor>,
        limit: usize,
    ) -> Result<Vec<(Aor, BindingSet)>, StoreError> {
        let mut page = Vec::new();
        let mut damaged = None;
        let none = Overlay::default();
        self.scan(&none, after.map(Aor::as_str), limit, |aor, record| {
            let aor = Aor::from_canonical(aor);
            match codec::decode(record) {
                Ok(set) => page.push((aor, set)),
                Err(_) => damaged = Some(StoreError::Damaged { aor }),
            }
        })
        .map_err(StoreError::unavailable)?;
        damaged.map_or(Ok(page), Err)
    }

    /// Shows the newest record of `aor` to `look`, `changes` being newer than all.
    fn look<R>(
        &self,
        changes: &Overlay,
        aor: &str,
        look: impl FnOnce(Option<&[u8]>) -> R,
    ) -> Result<R, Reason> {
        let merging = || self.merging.as_ref().and_then(|merging| merging.get(aor));
        if let Some(known) = changes.get(aor).or_else(|| self.recent.get(aor)).or_else(merging) {
            return Ok(look(known));
        }
        self.snapshot.as_ref().map_err(|reason| *reason)?.look(aor, look)
    }

    /// Shows at most `limit` records after `after`, in order.
    fn scan(
        &self,
        changes: &Overlay,
        after: Option<&str>,
        limit: usize,
        mut look: impl FnMut(&str, &[u8]),
    ) -> Result<(), Reason> {
        if limit == 0 {
            return Ok(());
        }
        let none = Overlay::default();
        let merging = self.merging.as_deref().unwrap_or(&none);
        let newer = newest(changes.after(after), self.recent.after(after));
        let mut newer = newest(newer, merging.after(after)).peekable();
        let rows = self.snapshot.as_ref().map_err(|reason| *reason)?.after(after)?;
        let mut left = limit;
        let mut show = |aor: &str, record: Option<&[u8]>| {
            if let Some(record) = record {
                look(aor, record);
                left -= 1;
            }
            left > 0
        };
        for row in rows {
            let (key, stored) = row.map_err(database::reason)?;
            while let Some((aor, record)) = newer.next_if(|(aor, _)| *aor < key.value()) {
                if !show(aor, record) {
                    return Ok(());
                }
            }
            let shown = match newer.next_if(|(aor, _)| *aor == key.value()) {
                Some((aor, record)) => show(aor, record),
                None => show(key.value(), Some(stored.value())),
            };
            if !shown {
                return Ok(());
            }
        }
        let _ = newer.all(|(aor, record)| show(aor, record));
        Ok(())
    }
}

/// Two layers in one order, the first being the newer.
fn newest<'a, T>(
    first: impl Iterator<Item = (&'a str, T)>,
    second: impl Iterator<Item = (&'a str, T)>,
) -> impl Iterator<Item = (&'a str, T)> {
    let (mut first, mut second) = (first.peekable(), second.peekable());
    std::iter::from_fn(move || match order(&mut first, &mut second) {
        Order::Less => first.next(),
        Order::Greater => second.next(),
        Order::Equal => {
            second.next();
            first.next()
        }
    })
}

/// Which of two comes first; one that is at its end comes last.
fn order<'a, T>(
    first: &mut Peekable<impl Iterator<Item = (&'a str, T)>>,
    second: &mut Peekable<impl Iterator<Item = (&'a str, T)>>,
) -> Order {
    match (first.peek(), second.peek()) {
        (Some((first, _)), Some((second, _))) => first.cmp(second),
        (Some(_), None) => Order::Less,
        (None, _) => Order::Greater,
    }
}

/// The state with changes that are not on disk yet.
pub(super) struct Draft<'a> {
    state: &'a State,
    pub(super) changes: Overlay,
}

impl<'a> Draft<'a> {
    pub(super) fn new(state: &'a State) -> Self {
        Self { state, changes: Overlay::default() }
    }
}

impl Records for Draft<'_> {
    type Error = Reason;

    fn look<R>(&self, aor: &str, look: impl FnOnce(Option<&[u8]>) -> R) -> Result<R, Reason> {
        self.state.look(&self.changes, aor, look)
    }

    fn put(&mut self, aor: &str, record: &[u8]) -> Result<(), Reason> {
        self.changes.set(aor, Some(record.into()));
        Ok(())
    }

    fn remove(&mut self, aor: &str) -> Result<(), Reason> {
        self.changes.set(aor, None);
        Ok(())
    }

    fn scan(
        &self,
        after: Option<&str>,
        limit: usize,
        look: impl FnMut(&str, &[u8]),
    ) -> Result<(), Reason> {
        self.state.scan(&self.changes, after, limit, look)
    }
}
