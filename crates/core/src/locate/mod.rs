//! Where a request goes next (RFC 3263): from the URI of the next hop to a transport, an address and
//! a port.
//!
//! [`Hop`] is what the URI says. If its host is an address, [`Hop::place`] is all there is. If it is
//! a name, a [`Search`] asks the DNS, question by question, and gives one [`Server`] after the other.
//! What is asked goes out as [`Output::Resolve`](crate::node::Output::Resolve) and comes back as an
//! input; nothing here waits. [`Rests`] remembers which servers have failed.

mod addresses;
mod hop;
mod limits;
mod order;
mod question;
mod reach;
mod rests;
mod search;
mod server;

pub use hop::{Hop, HopHost, NoHop};
pub use limits::MAX_SERVERS;
pub use question::{Answer, Naptr, Question, Record, RecordData, RecordKind, Silence, Srv};
pub use reach::Reach;
pub use rests::Rests;
pub use search::{Next, Search, Why};
pub use server::Server;
