//! What an endpoint counts.

use std::collections::BTreeMap;

use antiphon_sip::StatusCode;

/// Numbers since the endpoint was made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counters {
    /// Datagrams and stream messages taken.
    pub received: u64,
    /// Messages handed out to be sent, retransmissions included.
    pub sent: u64,
    /// Keep-alives: empty datagrams, datagrams of line ends alone, pings on streams
    /// (RFC 5626 §3.5.1).
    pub keepalives: u64,
    /// What was no SIP and was dropped.
    pub dropped_not_sip: u64,
    /// Broken responses and ACKs, and broken requests that do not say whom to answer; dropped.
    pub dropped_broken: u64,
    /// Broken requests answered without state, by the status of the answer.
    pub rejected: BTreeMap<StatusCode, u64>,
    /// Responses whose topmost Via is not ours (RFC 3261 §18.1.2) or that match no client
    /// transaction; dropped (RFC 6026 §8.9).
    pub stray_responses: u64,
    /// Requests that were retransmissions.
    pub retransmissions_received: u64,
    /// Requests and responses sent again by Timer A, E or G, or because a retransmission asked
    /// for it.
    pub retransmissions_sent: u64,
    /// New requests answered 503 because there were too many transactions.
    pub overloaded: u64,
    /// New requests answered 503 because what had arrived before them waited too long.
    pub shed: u64,
    /// Requests that were not sent because their next hop had asked for fewer (RFC 7339 §5.5).
    pub kept_back: u64,
    /// Requests answered 482 because they had come by another way before (§8.2.2.2).
    pub merged: u64,
    /// CANCEL requests that matched nothing (§9.2).
    pub cancels_unmatched: u64,
    /// Requests that no role answered in time.
    pub unanswered: u64,
    /// Responses of a role that RFC 4320 §4 forbids to send.
    pub withheld: u64,
    /// Transmissions that could not be delivered.
    pub undelivered: u64,
    /// Server transactions there are now.
    pub server_transactions: usize,
    /// Client transactions there are now.
    pub client_transactions: usize,
}
