//! What a role can be told at once.

use std::fmt;

/// The handle names a transaction that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

impl fmt::Display for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transaction has ended")
    }
}

impl std::error::Error for Gone {}

/// Why a request was not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// ACK and CANCEL have no client transaction of their own here: an ACK goes by
    /// [`send_ack`](super::Endpoint::send_ack), a CANCEL by [`cancel`](super::Endpoint::cancel).
    Method,
    /// No listener of ours has that transport and address family, so no Via could be written.
    NoListener,
    /// [`max_transactions`](super::EndpointConfig::max_transactions) are there already.
    TooMany,
    /// The next hop is overloaded and has asked for fewer requests (RFC 7339 §5.5).
    KeptBack,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Method => "ACK and CANCEL are not sent as requests of their own",
            Self::NoListener => "no listener for that transport and address family",
            Self::TooMany => "too many transactions",
            Self::KeptBack => "the next hop is overloaded",
        })
    }
}

impl std::error::Error for RequestError {}
