//! What a connection is read from and written to, whatever lies below.

use std::future::Future;
use std::io;
use std::time::Duration;

use antiphon_core::flow::Fault;
use antiphon_sip::parse::stream::Frame;
use bytes::Bytes;

use super::activity::Activity;
use crate::refusal::Refusal;

/// The reading half.
pub(super) trait Inbound: Send {
    /// The next frame, and a note of each sign of life. Called again only after a frame.
    fn next(&mut self, activity: &Activity) -> impl Future<Output = Result<Frame, Stop>> + Send;

    /// Reads on, for so long at most, until the peer closes as well. Closing a socket that holds
    /// unread octets resets the connection, and the peer would lose what was written last.
    fn linger(&mut self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// The writing half.
pub(super) trait Outbound: Send {
    /// Writes one message, until the last octet is the kernel's.
    fn write(&mut self, message: Bytes) -> impl Future<Output = io::Result<()>> + Send;

    /// Tells the peer that nothing more comes, and why.
    fn close(&mut self, why: Close) -> impl Future<Output = ()> + Send;
}

/// Why we close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Close {
    /// All is said.
    Done,
    /// The peer's message is too large.
    TooLarge,
    /// The peer breaks the rules of the layer below.
    Broken,
}

/// Why there is no further frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stop {
    /// The peer has closed, or the connection broke.
    Closed,
    /// A message was begun and not ended in time.
    Unfinished,
    /// A message is larger than the limits.
    TooLarge,
    /// The peer breaks the rules of the layer below.
    Broken,
}

impl Stop {
    /// What the peer is told about it; `None` when there is nobody to tell, or nothing.
    pub(super) const fn close(self) -> Option<Close> {
        match self {
            Self::TooLarge => Some(Close::TooLarge),
            Self::Broken => Some(Close::Broken),
            Self::Closed | Self::Unfinished => None,
        }
    }

    pub(super) const fn fault(self) -> Fault {
        match self {
            Self::Unfinished => Fault::TimedOut,
            Self::Closed | Self::TooLarge | Self::Broken => Fault::Closed,
        }
    }

    pub(super) const fn refusal(self) -> Option<Refusal> {
        match self {
            Self::Closed => None,
            Self::Unfinished => Some(Refusal::Unfinished),
            Self::TooLarge => Some(Refusal::TooLarge),
            Self::Broken => Some(Refusal::NotFrames),
        }
    }
}
