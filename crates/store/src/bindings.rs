//! The location service as a trait (RFC 3261 §10.3): read fast, change by compare-and-set.

use antiphon_core::registrar::{Aor, Binding, BindingSet};
use antiphon_core::time::Time;

use crate::{Reply, StoreError};

/// A location service: which contacts an address-of-record is bound to.
///
/// Reading answers at once. Changing is answered through a [`Reply`], which is answered exactly
/// once, on a thread of the store's choosing and perhaps before the method returns: what runs in
/// it must be short and must not wait.
pub trait Bindings: Send + Sync {
    /// The bindings of `aor`, expired ones that were not swept yet among them; an empty set of
    /// version 0 if nothing is stored.
    ///
    /// Meant for a proxy's hot path: it never waits for a writer, though it may have to read a
    /// page from disk.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Damaged`].
    fn bindings(&self, aor: &Aor) -> Result<BindingSet, StoreError>;

    /// Replaces the bindings of an address-of-record, if its version is still the one the caller
    /// decided upon. This is what makes a REGISTER atomic (RFC 3261 §10.3 step 7: "either all of
    /// the bindings are updated or none").
    ///
    /// `done` learns the new version, the one that [`Bindings::bindings`] will show: 0 when the
    /// last binding was taken away. A durable room answers `Ok` only when the change is on disk.
    ///
    /// # Errors
    ///
    /// Through `done`: every kind of [`StoreError`].
    fn commit(&self, commit: Commit, done: Reply<u64>);

    /// Takes away bindings that ended at or before `now`. One call looks at a bounded number of
    /// addresses-of-record, goes on where the last one stopped, and says when it came round.
    ///
    /// Nothing depends on it but space: an expired binding is already not live.
    ///
    /// # Errors
    ///
    /// Through `done`: [`StoreError::Overloaded`] and [`StoreError::Unavailable`].
    fn sweep(&self, now: Time, done: Reply<Swept>);

    /// How much is stored. Does not count by walking.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`].
    fn totals(&self) -> Result<Totals, StoreError>;

    /// At most `limit` addresses-of-record that come after `after`, in order, with their bindings:
    /// one page of a listing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Unavailable`] and [`StoreError::Damaged`].
    fn page(&self, after: Option<&Aor>, limit: usize)
    -> Result<Vec<(Aor, BindingSet)>, StoreError>;
}

/// A change of the bindings of one address-of-record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// Whose bindings.
    pub aor: Aor,
    /// The version of the set that the change was decided upon.
    pub expected_version: u64,
    /// All bindings that there are to be, in the order in which they were first made.
    pub bindings: Vec<Binding>,
}

/// What one call of [`Bindings::sweep`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Swept {
    /// Addresses-of-record looked at.
    pub examined: u64,
    /// Bindings taken away.
    pub removed: u64,
    /// Whether the end was reached, so that the next call begins anew.
    pub finished: bool,
}

/// How much a location service holds, expired bindings that were not swept yet included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Addresses-of-record with at least one binding.
    pub aors: u64,
    /// Bindings.
    pub bindings: u64,
}
