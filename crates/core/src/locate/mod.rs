//! Where a request goes next (RFC 3263): from the URI of the next hop to a transport and
//! addresses. What is not known is asked ([`Output::Resolve`](crate::node::Output::Resolve)) and
//! comes back as an input; nothing here waits.

use std::net::{IpAddr, SocketAddr};

use antiphon_sip::{Host, Transport, Uri};

use crate::endpoint::Endpoint;
use crate::flow::Flow;

/// The next hop of a request, before its name is resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Host name or address.
    pub host: HopHost,
    /// The port, the transport's default if the URI gives none.
    pub port: u16,
    /// The transport.
    pub transport: Transport,
}

/// The host of a [`Hop`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HopHost {
    /// An address: nothing is to be asked.
    Address(IpAddr),
    /// A name to be resolved.
    Name(Box<str>),
}

/// Why a URI names no place that a request can be sent to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoHop {
    /// Neither a SIP nor a SIPS URI: 416 (RFC 3261 §8.2.2.1).
    Scheme,
    /// Its `transport` is none that is spoken here.
    Transport,
}

impl Hop {
    /// The hop that a URI names: `maddr` before the host, the `transport` parameter, TLS for
    /// sips, UDP otherwise (RFC 3263 §4.1, for a numeric host or an explicit port).
    ///
    /// # Errors
    /// When the URI names none.
    pub fn of(uri: &Uri<'_>) -> Result<Self, NoHop> {
        let Uri::Sip(uri) = uri else { return Err(NoHop::Scheme) };
        let named = match uri.transport() {
            None => None,
            Some(text) => Some(Transport::from_bytes(text.as_bytes()).ok_or(NoHop::Transport)?),
        };
        let transport = match (uri.secure, named) {
            (false, None) => Transport::Udp,
            (false, Some(transport)) => transport,
            (true, Some(Transport::Ws | Transport::Wss)) => Transport::Wss,
            // sips over TCP means TLS (RFC 3261 §26.2.2); over UDP it means nothing.
            (true, None | Some(Transport::Tcp | Transport::Tls)) => Transport::Tls,
            (true, Some(_)) => return Err(NoHop::Transport),
        };
        let host = match uri.maddr().unwrap_or(uri.host) {
            Host::V4(address) => HopHost::Address(address.into()),
            Host::V6(address) => HopHost::Address(address.into()),
            Host::Name(name) => HopHost::Name(name.into()),
        };
        Ok(Self { host, port: uri.port.unwrap_or(transport.default_port()), transport })
    }

    /// The flow to one address of this hop: from the listener of ours that fits transport and
    /// address family; `None` when there is none.
    #[must_use]
    pub fn flow(&self, address: IpAddr, endpoint: &Endpoint) -> Option<Flow> {
        let remote = SocketAddr::new(address, self.port);
        let listener = endpoint.listener_for(self.transport, remote)?;
        Some(Flow { transport: self.transport, local: listener.local, remote, connection: None })
    }
}
