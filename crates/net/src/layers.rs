//! What lies between a TCP connection and SIP.

use std::net::IpAddr;

use antiphon_sip::Transport;
use ipnet::IpNet;

use crate::tls::Tls;

/// The PROXY protocol, TLS and WebSocket, as far as they are wanted.
#[derive(Debug, Clone, Default)]
pub struct Layers {
    /// Needed by listeners of TLS and secure WebSocket. The handle stays good for
    /// [`Tls::reload`].
    pub tls: Option<Tls>,
    /// WebSocket.
    pub web_socket: WebSocket,
    /// The networks of load balancers. A connection from there must begin with a PROXY header,
    /// version 1 or 2, before TLS; the address in it is the source. From elsewhere such a header is
    /// an error like any other, so nobody else can pretend an address.
    pub load_balancers: Vec<IpNet>,
}

/// How WebSocket handshakes are to be (RFC 7118 §4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSocket {
    /// The web sites whose pages may connect, as `https://example.org`; `None` for all. A client
    /// that sends no Origin is no browser and is not kept out by this (RFC 6455 §10.2).
    pub origins: Option<Vec<Box<str>>>,
    /// The path asked for when we connect.
    pub path: Box<str>,
}

impl Default for WebSocket {
    /// Every origin; `/`.
    fn default() -> Self {
        Self { origins: None, path: "/".into() }
    }
}

impl Layers {
    /// Whether a connection from there begins with a PROXY header.
    pub(crate) fn is_load_balancer(&self, address: IpAddr) -> bool {
        self.load_balancers.iter().any(|network| network.contains(&address))
    }
}

/// Whether a transport is a stream that this crate makes and takes.
pub(crate) const fn is_stream(transport: Transport) -> bool {
    matches!(transport, Transport::Tcp | Transport::Tls | Transport::Ws | Transport::Wss)
}

/// Whether a transport is a WebSocket.
pub(crate) const fn is_web_socket(transport: Transport) -> bool {
    matches!(transport, Transport::Ws | Transport::Wss)
}
