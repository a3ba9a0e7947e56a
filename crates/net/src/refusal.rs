//! What peers do that is refused.

use std::fmt;

use antiphon_core::flow::Untrusted;

use crate::counters::{Counter, Counters};

/// What was wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Refusal {
    /// More connections than the source, or all together, may have.
    TooManyConnections,
    /// More handshakes at once than are worked on.
    TooManyHandshakes,
    /// No handshake in time.
    NoHandshake,
    /// Something else than a TLS handshake, or one without anything in common.
    NotTls,
    /// Something else than a WebSocket handshake for SIP (RFC 7118 §4.1).
    NotWebSocket,
    /// A page of a web site that may not connect.
    Origin,
    /// A load balancer's connection without PROXY header, or with one that cannot be read.
    NoProxyHeader,
    /// A certificate that is not accepted, or none.
    Untrusted(Untrusted),
    /// A WebSocket message that is larger than SIP messages may be.
    TooLarge,
    /// Octets that are no frames of a WebSocket, or text that is none.
    NotFrames,
    /// A message begun and not ended.
    Unfinished,
    /// A message that is wrong, or no SIP.
    NotSip,
}

impl Refusal {
    pub(crate) const fn counter(self, counters: &Counters) -> &Counter {
        match self {
            Self::TooManyConnections | Self::TooManyHandshakes => &counters.connections_refused,
            Self::NoHandshake => &counters.handshakes_timed_out,
            Self::NotTls | Self::NotWebSocket | Self::Origin | Self::NoProxyHeader => {
                &counters.handshakes_failed
            }
            Self::Untrusted(_) => &counters.peers_untrusted,
            Self::TooLarge => &counters.messages_too_large,
            Self::Unfinished => &counters.messages_unfinished,
            Self::NotSip | Self::NotFrames => &counters.messages_rejected,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted(reason) => return write!(f, "not trusted: {reason}"),
            Self::TooManyConnections => "too many connections",
            Self::TooManyHandshakes => "too many handshakes at once",
            Self::NoHandshake => "no handshake in time",
            Self::NotTls => "no usable TLS handshake",
            Self::NotWebSocket => "no WebSocket handshake for SIP",
            Self::Origin => "a web page from elsewhere",
            Self::NoProxyHeader => "no usable PROXY header",
            Self::TooLarge => "a message that is too large",
            Self::NotFrames => "a WebSocket that breaks its rules",
            Self::Unfinished => "a message that was begun and not ended",
            Self::NotSip => "a message that is wrong or no SIP",
        })
    }
}
