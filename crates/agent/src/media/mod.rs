//! The voice of an agent without a microphone: silence to the other side, and a count of what
//! comes back.
//!
//! Phones and the boxes between them take a call without packets for dead, and firewalls open only
//! for addresses that are sent from. So an established call sends silence every 20 ms.

mod counts;
mod rtp;
mod stream;

pub(crate) use counts::Counts;
pub(crate) use stream::{Stream, open};
