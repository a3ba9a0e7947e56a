//! Addresses that have changed for good, as a 301 said (RFC 3261 §21.3.2): kept across runs, per
//! local identity, so that later requests go to the new address at once.
//!
//! Whether a 301 may be remembered at all is decided by `antiphon_core::reaction`; the store keeps
//! what it is given, in bounds, and never leads from sips: to sip:.
//!
//! A user agent begins an action with [`Remembered::lookup`]: if there is an entry it tries the
//! entry's [`new`](Moved::new) addresses first and the old one once behind them. After a 301 whose
//! new address answered it calls [`Remembered::insert`]. When a remembered address answers 404, 410
//! or 604 it calls [`Remembered::remove`] with the identity and the [`old`](Moved::old) address of
//! the entry that it looked up.

mod entries;
mod error;
mod file;
mod form;

use antiphon_core::time::Time;
use antiphon_sip::UriBuf;

pub use entries::MemoryRemembered;
pub use error::{Refusal, RememberedError};
pub use file::RememberedFile;

/// An address that has changed for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    /// Whose: the local identity (From) that was told. Nobody else's requests go by it.
    pub identity: UriBuf,
    /// The address that has changed.
    pub old: UriBuf,
    /// Its new addresses, best first.
    pub new: Vec<UriBuf>,
    /// When it was learnt; kept in whole seconds.
    pub learnt: Time,
    /// From whom: the server that answered, as in `tls:192.0.2.1:5061`. For people.
    pub from: String,
}

/// Where changed addresses are kept. Addresses are compared by RFC 3261 §19.1.4.
pub trait Remembered {
    /// What stands in the place of `old` for `identity`, if anything does. When a new address has
    /// changed in its turn, it is the last entry of the chain, of five links at most.
    ///
    /// # Errors
    ///
    /// What keeps the entries from being read. A request can be made without them.
    fn lookup(&self, identity: &UriBuf, old: &UriBuf) -> Result<Option<Moved>, RememberedError>;

    /// Keeps an entry in place of the one that the identity has for that address. Of too many
    /// entries the oldest are forgotten; entries that would lead back are forgotten too.
    ///
    /// # Errors
    ///
    /// [`RememberedError::Refused`] if it must not be kept, or what keeps it from being written.
    fn insert(&self, moved: Moved) -> Result<(), RememberedError>;

    /// Forgets the entry that `identity` has for `old`; says whether there was one.
    ///
    /// # Errors
    ///
    /// What keeps the entries from being written.
    fn remove(&self, identity: &UriBuf, old: &UriBuf) -> Result<bool, RememberedError>;

    /// All entries, the oldest first.
    ///
    /// # Errors
    ///
    /// What keeps the entries from being read.
    fn list(&self) -> Result<Vec<Moved>, RememberedError>;
}
