//! What readers and the writer share: the snapshot of the last commit, and counters.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::embedded::database::Snapshot;
use crate::{Reason, StoreError};

/// What a writer did since its room was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Activity {
    /// Transactions committed to disk.
    pub transactions: u64,
    /// Changes that were made in them.
    pub commits: u64,
    /// Changes refused because their version had moved.
    pub conflicts: u64,
    /// Transactions that failed.
    pub failures: u64,
    /// Times the database was opened anew after a failure.
    pub reopenings: u64,
}

#[derive(Debug)]
pub(super) struct Shared {
    snapshot: RwLock<Result<Snapshot, Reason>>,
    pub(super) counters: Counters,
}

#[derive(Debug, Default)]
pub(super) struct Counters {
    pub(super) transactions: AtomicU64,
    pub(super) commits: AtomicU64,
    pub(super) conflicts: AtomicU64,
    pub(super) failures: AtomicU64,
    pub(super) reopenings: AtomicU64,
}

impl Default for Shared {
    fn default() -> Self {
        let snapshot = RwLock::new(Err(Reason::Stopped));
        Self { snapshot, counters: Counters::default() }
    }
}

impl Shared {
    /// Reads from the last commit. The lock is held by readers together, and by the writer only to
    /// put a new snapshot into place.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&Snapshot) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        match &*self.snapshot.read().unwrap_or_else(PoisonError::into_inner) {
            Ok(snapshot) => read(snapshot),
            Err(reason) => Err(StoreError::unavailable(*reason)),
        }
    }

    /// Puts a new snapshot into place, or the reason why there is none. The old one is closed
    /// after the lock was given back.
    pub(super) fn publish(&self, snapshot: Result<Snapshot, Reason>) {
        let mut place = self.snapshot.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, snapshot);
        drop(place);
        drop(old);
    }

    pub(super) fn activity(&self) -> Activity {
        let Counters { transactions, commits, conflicts, failures, reopenings } = &self.counters;
        Activity {
            transactions: transactions.load(Ordering::Relaxed),
            commits: commits.load(Ordering::Relaxed),
            conflicts: conflicts.load(Ordering::Relaxed),
            failures: failures.load(Ordering::Relaxed),
            reopenings: reopenings.load(Ordering::Relaxed),
        }
    }
}

/// Adds one; counters are read for show, so no order is needed between them.
pub(super) fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
