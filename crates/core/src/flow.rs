//! Flows: between which two addresses, over which transport, octets travel.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use antiphon_sip::Transport;

/// One connection of a stream transport, numbered by the driver and never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// A flow (RFC 5626 §2): a transport, our address, the peer's address and, for a stream, the
/// connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flow {
    /// The transport.
    pub transport: Transport,
    /// The address of ours that the octets leave from or arrive at: that of the listener, which
    /// for a connection that we opened is the one whose Via it carries.
    pub local: SocketAddr,
    /// The peer's address as we see it.
    pub remote: SocketAddr,
    /// The connection. `None` for datagrams; on a stream it asks for any open connection to
    /// `remote`, or a new one.
    pub connection: Option<ConnectionId>,
}

impl fmt::Display for Flow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} -> {}", self.transport, self.local, self.remote)
    }
}

/// Where a message goes: over which flow, and whom a new connection has to lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    /// The flow.
    pub flow: Flow,
    /// The domain that the peer must prove to be on a secure transport when no connection is named:
    /// the host that the URI of the next hop had before it was resolved (RFC 5922 §7.3). `None`
    /// asks for a peer that proves its address. A WebSocket handshake names it as its Host.
    pub server_name: Option<Arc<str>>,
    /// How long a request may be without any response before it has failed, where that is less than
    /// 64*T1: because there is another server to be tried (RFC 3263 §4.3).
    pub patience: Option<Duration>,
    /// How long a request may wait for its connection to be made before it is given back as
    /// [`Fault::NotYet`], because another address of the same host may be quicker (RFC 8305 §5).
    pub connect_within: Option<Duration>,
    /// Whether only a connection that is open will do, because a new one would lead to nobody, or to
    /// somebody else: whoever connected to us from there takes no connections there.
    pub is_open_flow: bool,
}

impl Destination {
    /// A flow to whoever has this name. It is kept where it counts alone: for a new connection
    /// whose handshake names it.
    #[must_use]
    pub fn named(flow: Flow, name: &str) -> Self {
        let is_asked_for =
            matches!(flow.transport, Transport::Tls | Transport::Ws | Transport::Wss)
                && flow.connection.is_none();
        Self { server_name: is_asked_for.then(|| name.into()), ..flow.into() }
    }

    /// The flow that somebody made to us: datagrams go back the same way, octets of a stream over
    /// the connection that he opened and over no other (RFC 5626 §5.3).
    #[must_use]
    pub fn back(flow: Flow) -> Self {
        Self { is_open_flow: flow.transport.is_reliable(), ..flow.into() }
    }
}

/// To a peer that is known by its address or by its connection.
impl From<Flow> for Destination {
    fn from(flow: Flow) -> Self {
        Self { flow, server_name: None, patience: None, connect_within: None, is_open_flow: false }
    }
}

/// Octets to be sent.
#[derive(Debug, Clone)]
pub struct Transmit {
    /// Where to.
    pub flow: Flow,
    /// What.
    pub octets: bytes::Bytes,
    /// Who wants to know when it cannot be delivered.
    pub ticket: Option<Ticket>,
    /// See [`Destination::server_name`].
    pub server_name: Option<Arc<str>>,
    /// See [`Destination::is_open_flow`].
    pub is_open_flow: bool,
    /// See [`Destination::connect_within`].
    pub connect_within: Option<Duration>,
}

/// Names a transmission, so that its failure can be told
/// ([`Input::Undelivered`](crate::node::Input::Undelivered)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ticket(pub u64);

/// Why octets could not be delivered (RFC 3261 §18.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Fault {
    /// Nobody listens there (connection refused, ICMP port unreachable).
    Refused,
    /// No way there (no route, no such address family here).
    Unreachable,
    /// The connection was not made in time.
    TimedOut,
    /// The connection is not made yet; it goes on being made, for whoever comes back to it.
    NotYet,
    /// The connection is gone.
    Closed,
    /// The peer does not read, and its queue is full.
    Stalled,
    /// No listener of ours has that transport and address.
    NoListener,
    /// The datagram is larger than the network takes.
    TooLarge,
    /// The peer is there but does not speak the transport: its TLS or WebSocket handshake failed.
    Handshake,
    /// The peer could not prove who it is.
    Untrusted(Untrusted),
}

/// What is wrong with the certificate of a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Untrusted {
    /// Its time is over.
    Expired,
    /// Its time has not begun.
    NotYetValid,
    /// It is for other domains than the one that was asked for (RFC 5922 §7.3).
    OtherName,
    /// It vouches for itself and was not given to us as trusted.
    SelfSigned,
    /// No authority that we trust vouches for it.
    UnknownIssuer,
    /// There is none.
    Missing,
    /// Something else: its encoding, its signature, its purpose, a revocation.
    Unusable,
}

impl fmt::Display for Untrusted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Expired => "its certificate has expired",
            Self::NotYetValid => "its certificate is not valid yet",
            Self::OtherName => "its certificate is for another name",
            Self::SelfSigned => "its certificate is self-signed and not trusted",
            Self::UnknownIssuer => "its certificate comes from nobody that is trusted",
            Self::Missing => "it has no certificate",
            Self::Unusable => "its certificate cannot be used",
        })
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Untrusted(reason) => return write!(f, "the peer is not trusted: {reason}"),
            Self::Handshake => "the peer does not speak the transport",
            Self::Refused => "connection refused",
            Self::Unreachable => "network unreachable",
            Self::TimedOut => "connection not made in time",
            Self::NotYet => "no connection yet, another address may be quicker",
            Self::Closed => "connection closed",
            Self::Stalled => "the peer does not read",
            Self::NoListener => "no listener for that transport",
            Self::TooLarge => "datagram too large",
        })
    }
}
