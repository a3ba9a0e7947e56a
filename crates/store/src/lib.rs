//! What outlives a process: bindings (RFC 3261 §10), subscribers with their HA1 values
//! (RFC 7616 §3.4.2), the server's secret, and a user's remembered addresses (§21.3.2).
//!
//! This crate knows no SIP message and decides nothing: a registrar decides what the bindings of
//! an address-of-record are to be, and the store keeps them if nobody else changed them meanwhile.
//!
//! Where to begin: [`Bindings`] is what a location service does; [`Memory`] and [`Embedded`] are
//! the two rooms that do it, and both pass the same tests. [`Subscribers`] is what authentication
//! asks; [`Accounts`] edits the file that [`SubscriberFile`] reads. [`secret()`] gives the key that
//! nonces are signed with. [`Remembered`] keeps the addresses that a user agent was told have
//! changed for good, [`AlgorithmFile`] how well it was asked for a password, [`BanFile`] the
//! sources that a server does not listen to, [`TrunkFile`] how it finds its trunks.
//!
//! Every file is created for its owner alone (mode 0600 where there are modes), and no password is
//! ever written.

mod algorithms;
mod bans;
mod bindings;
mod codec;
mod embedded;
mod error;
mod files;
mod memory;
mod record;
mod remembered;
mod reply;
mod secret;
mod shared;
mod subscribers;
mod trunks;

pub use algorithms::{AlgorithmFile, SeenAlgorithm};
pub use bans::{BanError, BanFile, StoredBan};
pub use bindings::{Bindings, Commit, Swept, Totals};
pub use embedded::{Activity, Embedded, Settings};
pub use error::{OpenError, Reason, StoreError};
pub use memory::Memory;
pub use remembered::{
    MemoryRemembered, Moved, Refusal, Remembered, RememberedError, RememberedFile,
};
pub use reply::{Answer, Reply};
pub use secret::secret;
pub use subscribers::{
    Account, AccountError, Accounts, Gone, MemorySubscribers, Refreshed, Subscriber,
    SubscriberFile, Subscribers,
};
pub use trunks::{StoredServer, StoredServerState, StoredTrunk, StoredTrunks, TrunkFile};
