//! What an endpoint is told once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use antiphon_sip::{Limits, Transport};

use super::SourceAddresses;

/// Settings of an endpoint.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// Where it can be reached, and from where it sends. The first that fits the transport and
    /// address family of a target is used.
    pub listeners: Vec<Listener>,
    /// From where packets leave, for listeners on every address of a family. Without it the peers of
    /// those are all told the same address.
    pub sources: Option<Arc<dyn SourceAddresses>>,
    /// How the Call-IDs begin that are made here. One of several endpoints that share the work says
    /// by it which answers are its own; otherwise empty.
    pub own_calls: Box<str>,
    /// The intervals of RFC 3261 §17.1.1.1.
    pub intervals: Intervals,
    /// Limits of parsing.
    pub limits: Limits,
    /// Transactions at most, server and client together. Beyond it new requests are answered 503
    /// with Retry-After without making state. The default bounds memory near 4 GiB.
    pub max_transactions: usize,
    /// How late new requests may come to their turn. When they have come later for 150 ms, or one
    /// comes four times as late, they are answered 503 with Retry-After without making state, until
    /// one comes in time; requests of calls that there are and calls for help are taken all the
    /// same (RFC 7339 §5.10.1). At the door, those that would wait half as long are refused
    /// ([`Endpoint::set_wait`](super::Endpoint::set_wait)). 100 ms: a fifth of T1, after which a
    /// client would send its request again.
    pub shed_after: Duration,
    /// Whether requests say that overload control is understood (RFC 7339 §5.1). What a next hop
    /// then asks for is heeded.
    pub offers_overload_control: bool,
    /// Whether requests over TLS say that others are taken over the same connection (RFC 5923
    /// §8.1). Right for who has a certificate to show to the server that he connects to.
    pub offers_alias: bool,
    /// Whether a request that arrives twice by different ways is answered 482 (§8.2.2.2). Right
    /// for a user agent, wrong for a proxy, where a spiral is legal.
    pub refuse_merged: bool,
    /// Whether responses and CANCELs that belong to no transaction here are told of
    /// ([`Event::StrayResponse`](super::Event), [`Event::StrayCancel`](super::Event)), as whoever
    /// forwards without state wants them (§16.11), and not dropped and refused.
    pub tells_strays: bool,
}

impl Default for EndpointConfig {
    fn default() -> Self {
        Self {
            listeners: Vec::new(),
            sources: None,
            own_calls: "".into(),
            intervals: Intervals::default(),
            limits: Limits::default(),
            max_transactions: 500_000,
            shed_after: Duration::from_millis(100),
            offers_overload_control: false,
            offers_alias: false,
            refuse_merged: false,
            tells_strays: false,
        }
    }
}

/// One address of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The transport.
    pub transport: Transport,
    /// The address that is bound. An unspecified one is every address of its family.
    pub local: SocketAddr,
    /// `host[:port]` as it stands in the Via of requests sent from here, IPv6 in brackets.
    pub sent_by: Box<str>,
}

/// The base intervals of all timers (RFC 3261 §17.1.1.1 and Table 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Intervals {
    /// The estimated round-trip time, 500 ms.
    pub t1: Duration,
    /// The longest interval between retransmissions of non-INVITE requests and INVITE responses,
    /// 4 s.
    pub t2: Duration,
    /// How long a message may stay in the network, 5 s.
    pub t4: Duration,
}

impl Default for Intervals {
    fn default() -> Self {
        Self {
            t1: Duration::from_millis(500),
            t2: Duration::from_secs(4),
            t4: Duration::from_secs(5),
        }
    }
}
