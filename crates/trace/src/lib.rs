//! What was said: records of messages as they went over the wire, grouped into calls and drawn as
//! ladders.
//!
//! This crate never touches the network. Whoever sends and receives (the simulated network, the
//! runtime, a reader of capture files) makes [`Record`]s; everything here is made from them.
//!
//! Where to begin: [`call::calls`] groups records by Call-ID, [`Ladder`] draws them,
//! [`PcapngWriter`] writes them to a file for Wireshark.

pub mod call;
pub mod ladder;
pub mod pcapng;
pub mod record;
pub mod summary;

pub use call::{Call, calls};
pub use ladder::{Ladder, Names, Style};
pub use pcapng::PcapngWriter;
pub use record::{Capture, Fate, Record};
pub use summary::Summary;
