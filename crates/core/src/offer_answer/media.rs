//! What a side brings along and what both agree on.

use std::net::SocketAddr;

use super::Codec;

/// The numbers of `o=`: one session keeps its id, and its version goes up by one with every
/// description that differs from the one before (RFC 3264 §5, §8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionVersion {
    /// Names the session together with the address; chosen at random, below 2^63 because some
    /// read it as a signed number.
    pub id: u64,
    /// Which description of it this is.
    pub version: u64,
}

impl SessionVersion {
    /// The first description of a session with a number drawn at random.
    #[must_use]
    pub const fn first(random: u64) -> Self {
        Self { id: random >> 1, version: 1 }
    }

    /// The next description.
    #[must_use]
    pub const fn next(self) -> Self {
        Self { id: self.id, version: self.version.saturating_add(1) }
    }
}

/// What this side brings along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalMedia {
    /// Where RTP is awaited.
    pub address: SocketAddr,
    /// Which way media is to flow.
    pub direction: Direction,
}

/// What both sides agree on, seen from this side.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Media {
    /// Where RTP is sent to. `None` when the other side named no address to send to: its host is
    /// a name, or the 0.0.0.0 of an old-style hold (RFC 3264 §8.4).
    pub remote: Option<SocketAddr>,
    /// The codec to send with: the first of those agreed on.
    pub codec: Codec,
    /// Its RTP payload type.
    pub payload: u8,
    /// The payload type of telephone events (RFC 4733), if both know them.
    pub events: Option<u8>,
    /// Which way media flows.
    pub direction: Direction,
    /// Milliseconds of audio in a packet that the other side would like; 20 if it does not say.
    pub ptime: u16,
}

/// Which way media flows, seen from the side that says it (RFC 3264 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Both ways.
    #[default]
    SendRecv,
    /// Only from here.
    SendOnly,
    /// Only to here.
    RecvOnly,
    /// Neither way.
    Inactive,
}

impl Direction {
    const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    const fn new(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    /// The attribute that says it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    pub(super) fn from_attribute(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|direction| direction.as_str() == name)
    }

    /// Whether the side that says it sends.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// Whether the side that says it receives.
    #[must_use]
    pub const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// What this side may say when the other says `remote`: it sends only what the other receives
    /// (RFC 3264 §6.1).
    #[must_use]
    pub const fn against(self, remote: Self) -> Self {
        Self::new(self.sends() && remote.receives(), self.receives() && remote.sends())
    }
}
