//! From octets to messages: datagrams, streams, limits, and what is wrong when it fails.

pub mod scan;
pub mod stream;

mod error;
mod essentials;
mod glance;
mod head;
mod limits;
mod lines;
mod rejected;
pub(crate) mod sixteen;
pub(crate) mod usual;
mod usual_names;

use bytes::Bytes;

pub(crate) use head::offset_in;

pub use error::{ParseError, Rule, Verdict};
pub use glance::Glance;
pub use limits::Limits;
pub use rejected::Rejected;

use crate::message::Message;

/// Parses one datagram (RFC 3261 §18.3): what stands behind the body that Content-Length measures
/// is dropped; without Content-Length the body runs to the end.
///
/// # Errors
/// What is wrong, and as much of the message as could be understood, from which the answer it
/// deserves can be made ([`Rejected::response`]).
pub fn datagram(octets: Bytes, limits: &Limits) -> Result<Message, Box<Rejected>> {
    head::message(octets, limits, head::Framing::Datagram)
}
