//! The next hop of a request, as its URI names it.

use std::net::{IpAddr, SocketAddr};

use antiphon_sip::{Host, Transport, Uri};

use super::Server;
use crate::endpoint::Endpoint;
use crate::flow::{Destination, Flow};

/// The next hop of a request, before anything is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Host name or address: TARGET in RFC 3263 §4.
    pub host: HopHost,
    /// The host that the peer must prove to be, where that is another one: `maddr` says where to
    /// look, not who is meant.
    pub domain: Option<HopHost>,
    /// The port, if the URI gives one.
    pub port: Option<u16>,
    /// The transport, if the URI names one.
    pub transport: Option<Transport>,
    /// Whether the hop must be made over TLS (a SIPS URI).
    pub is_secure: bool,
}

/// The host of a [`Hop`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HopHost {
    /// An address: nothing is to be asked.
    Address(IpAddr),
    /// A name to be looked up.
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
    /// The hop that a URI names: `maddr` before the host, its port and `transport` parameter.
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
            (false, named) => named,
            (true, None) => None,
            (true, Some(Transport::Ws | Transport::Wss)) => Some(Transport::Wss),
            // sips over TCP means TLS (RFC 3261 §26.2.2); over UDP it means nothing.
            (true, Some(Transport::Tcp | Transport::Tls)) => Some(Transport::Tls),
            (true, Some(_)) => return Err(NoHop::Transport),
        };
        let (host, domain) = match uri.maddr() {
            Some(maddr) => (maddr.into(), Some(uri.host.into())),
            None => (uri.host.into(), None),
        };
        Ok(Self { host, domain, port: uri.port, transport, is_secure: uri.secure })
    }

    /// The same hop as a SIPS URI would name it, for whoever has agreed on TLS with it (RFC 3329
    /// §2.4). A URI that names the port of plain SIP means the one beside it: the same port cannot
    /// have both.
    #[must_use]
    pub fn secured(self) -> Self {
        let transport = match self.transport {
            None => None,
            Some(Transport::Ws | Transport::Wss) => Some(Transport::Wss),
            Some(_) => Some(Transport::Tls),
        };
        let port = self.port.filter(|port| *port != Transport::Udp.default_port());
        Self { port, transport, is_secure: true, ..self }
    }

    /// The transport when nothing else decides: the one that the URI names, TLS for a SIPS URI, UDP
    /// for a SIP URI (RFC 3263 §4.1).
    #[must_use]
    pub const fn usual_transport(&self) -> Transport {
        match (self.transport, self.is_secure) {
            (Some(transport), _) => transport,
            (None, true) => Transport::Tls,
            (None, false) => Transport::Udp,
        }
    }

    /// The place of a hop whose host is an address: nothing is to be asked (§4.1, §4.2).
    #[must_use]
    pub fn place(&self) -> Option<Server> {
        match self.host {
            HopHost::Address(address) => Some(self.at(address)),
            HopHost::Name(_) => None,
        }
    }

    /// The place when its address is known: the port of the URI, or the transport's own (§4.2).
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Server {
        let transport = self.usual_transport();
        let port = self.port.unwrap_or(transport.default_port());
        Server { transport, address: SocketAddr::new(address, port) }
    }
    /// The way to one server of this hop: from the listener of ours that fits transport and
    /// address family; `None` when there is none.
    #[must_use]
    pub fn destination(&self, server: &Server, endpoint: &Endpoint) -> Option<Destination> {
        server.flow(endpoint).map(|flow| self.over(flow))
    }

    /// This hop over a flow that was found for it. The peer must prove to be the host that the URI
    /// had, not what that resolved to (RFC 5922 §7.3).
    #[must_use]
    pub fn over(&self, flow: Flow) -> Destination {
        match self.domain.as_ref().unwrap_or(&self.host) {
            HopHost::Address(address) if *address == flow.remote.ip() => flow.into(),
            HopHost::Address(address) => Destination::named(flow, &address.to_string()),
            HopHost::Name(name) => Destination::named(flow, name),
        }
    }
}

impl From<Host<'_>> for HopHost {
    fn from(host: Host<'_>) -> Self {
        match host {
            Host::V4(address) => Self::Address(address.into()),
            Host::V6(address) => Self::Address(address.into()),
            Host::Name(name) => Self::Name(name.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::UriBuf;

    use super::*;
    use crate::endpoint::{EndpointConfig, Listener};

    fn endpoint() -> Endpoint {
        let listener = |transport| Listener {
            transport,
            local: "192.0.2.1:5060".parse().unwrap(),
            sent_by: "192.0.2.1:5060".into(),
        };
        let transports = [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Wss];
        let listeners = transports.map(listener).into();
        Endpoint::new(EndpointConfig { listeners, ..EndpointConfig::default() }, [1; 32])
    }

    fn name(uri: &str) -> Option<String> {
        let hop = Hop::of(&UriBuf::parse(uri).unwrap().as_uri()).unwrap();
        let server = hop.at("192.0.2.4".parse().unwrap());
        let to = hop.destination(&server, &endpoint()).unwrap();
        assert_eq!(to.flow.transport, hop.usual_transport());
        to.server_name.map(|name| name.as_ref().into())
    }

    #[test]
    fn the_peer_must_prove_the_host_before_it_was_resolved_rfc5922_7_3() {
        let proves = |uri, expected: &str| assert_eq!(name(uri).as_deref(), Some(expected));
        proves("sips:bob@biloxi.example", "biloxi.example");
        proves("sip:biloxi.example:5099;transport=tls;lr", "biloxi.example");
        proves("sip:biloxi.example;transport=wss", "biloxi.example");
        proves("sips:bob@biloxi.example;maddr=192.0.2.4", "biloxi.example");
        proves("sips:bob@biloxi.example;maddr=other.example", "biloxi.example");
    }

    #[test]
    fn a_numeric_host_is_proved_as_the_address_that_it_is_rfc5922_7_3() {
        assert_eq!(name("sips:bob@192.0.2.4"), None);
        let elsewhere = name("sips:bob@192.0.2.5;maddr=other.example");
        assert_eq!(elsewhere.as_deref(), Some("192.0.2.5"));
    }

    #[test]
    fn what_is_secured_is_as_a_sips_uri_names_it_rfc3329_2_4() {
        let address = "192.0.2.4".parse().unwrap();
        for (plain, transport, port) in [
            ("sip:192.0.2.4", Transport::Tls, 5061),
            ("sip:192.0.2.4:5060;transport=udp", Transport::Tls, 5061),
            ("sip:192.0.2.4:5070;transport=tcp", Transport::Tls, 5070),
            ("sip:192.0.2.4;transport=ws", Transport::Wss, 443),
            ("sips:192.0.2.4:5071", Transport::Tls, 5071),
        ] {
            let hop = Hop::of(&UriBuf::parse(plain).unwrap().as_uri()).unwrap().secured();
            let server = hop.at(address);
            assert_eq!((server.transport, server.address.port()), (transport, port), "{plain}");
            assert!(hop.is_secure);
        }
    }

    #[test]
    fn nothing_is_proved_where_there_is_no_certificate() {
        assert_eq!(name("sip:bob@biloxi.example"), None);
        assert_eq!(name("sip:bob@biloxi.example;transport=tcp"), None);
    }
}
