//! Where a response goes, and how the topmost Via tells whence its request came
//! (RFC 3261 §18.2, RFC 3581 §4).

use std::net::SocketAddr;

use antiphon_sip::header::Via;
use antiphon_sip::header::via::SentBy;
use antiphon_sip::name::HeaderName;
use antiphon_sip::{Host, Request, Response, Transport};
use bytes::Bytes;

use crate::flow::{Destination, Flow};
use crate::transaction::parse_own_response;

/// The way back to whoever sent a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct ReturnPath {
    /// Over which flow the response goes.
    pub(super) flow: Flow,
    /// The port of a new connection, should the one that the request came over be gone.
    port: u16,
}

impl ReturnPath {
    /// The way back from what the topmost Via says and how the request came (§18.2.2).
    pub(super) fn new(via: &Via<'_>, flow: Flow) -> Self {
        let port = port_of(via.sent_by(), &flow);
        let flow = match flow.transport {
            Transport::Udp => Flow { remote: datagram_target(via, flow.remote, port), ..flow },
            _ => flow,
        };
        Self { flow, port }
    }

    /// The way back when the topmost Via says no more than `sent-by`.
    pub(super) fn plain(sent_by: SentBy<'_>, flow: Flow) -> Self {
        let port = port_of(sent_by, &flow);
        let remote = match flow.transport {
            Transport::Udp => SocketAddr::new(flow.remote.ip(), port),
            _ => flow.remote,
        };
        Self { flow: Flow { remote, ..flow }, port }
    }

    /// The way back when nothing is known but where the request came from.
    pub(super) const fn to_source(flow: Flow) -> Self {
        Self { flow, port: flow.transport.default_port() }
    }

    /// The way when the connection is gone: a new one to the same address and the port of
    /// `sent-by` (§18.2.2). `None` when there is none: WebSocket clients take no connections
    /// (RFC 7118 §5).
    pub(super) fn without_connection(&self) -> Option<Self> {
        if matches!(self.flow.transport, Transport::Udp | Transport::Ws | Transport::Wss) {
            return None;
        }
        self.flow.connection?;
        let remote = SocketAddr::new(self.flow.remote.ip(), self.port);
        Some(Self { flow: Flow { connection: None, remote, ..self.flow }, ..*self })
    }

    /// The transport, which stays the same whichever way is taken (RFC 3263 §5).
    pub(super) const fn transport(&self) -> Transport {
        self.flow.transport
    }

    /// The same over another flow.
    pub(super) const fn over(self, flow: Flow) -> Self {
        Self { flow, ..self }
    }

    /// Where a response of ours goes. On a new secure connection the peer must prove to be the
    /// `sent-by` that it is answered at (§18.2.2), as any server that is connected to must
    /// (RFC 5922 §7.3).
    pub(super) fn to(&self, response: &Bytes) -> Destination {
        if self.flow.transport != Transport::Tls || self.flow.connection.is_some() {
            return self.flow.into();
        }
        let response = parse_own_response(response);
        match response.as_ref().and_then(Response::top_via).map(|via| via.host()) {
            Some(Host::Name(name)) => Destination::named(self.flow, name),
            _ => self.flow.into(),
        }
    }
}

/// The port of `sent-by`, that of the transport when it gives none or one that is none.
fn port_of(sent_by: SentBy<'_>, flow: &Flow) -> u16 {
    let port = sent_by.port.filter(|port| *port != 0);
    port.unwrap_or_else(|| flow.transport.default_port())
}

/// With `rport` a response goes where its request came from (RFC 3581 §4), otherwise to the same
/// address and the port of `sent-by`. `maddr` counts as far as a client may set it, which is for
/// a multicast address (RFC 3261 §18.1.1): any other would let a sender choose whom to flood.
fn datagram_target(via: &Via<'_>, source: SocketAddr, port: u16) -> SocketAddr {
    if let Some(address) = via.maddr().and_then(|host| host.ip())
        && address.is_multicast()
    {
        return SocketAddr::new(address, port);
    }
    if via.rport().is_some() { source } else { SocketAddr::new(source.ip(), port) }
}

/// Where a response goes by nothing but its topmost Via, which was stamped here when the request
/// came by UDP (§18.2.2, RFC 3581 §4). `None` when it names no address.
pub(super) fn by_topmost_via(response: &Response, local: SocketAddr) -> Option<Flow> {
    let via = response.top_via()?;
    let address = via.received().or_else(|| via.host().ip())?;
    let port = via.rport().flatten().or(via.sent_by().port);
    let port = port.unwrap_or_else(|| Transport::Udp.default_port());
    let remote = SocketAddr::new(address, port);
    let source = Flow { transport: Transport::Udp, local, remote, connection: None };
    let flow = ReturnPath::new(&via, source).flow;
    (flow.remote.is_ipv4() == local.is_ipv4()).then_some(flow)
}

/// Writes into the topmost Via where the request came from, if that does not stand there anyway
/// (§18.2.1, RFC 3581 §4), and tells the way back.
pub(super) fn receive(request: &mut Request, flow: Flow) -> ReturnPath {
    let sent_by = request.sent_by_parts().filter(|_| request.has_plain_via());
    if let Some(sent_by) = sent_by
        && sent_by.host.ip() == Some(flow.remote.ip().to_canonical())
    {
        return ReturnPath::plain(sent_by, flow);
    }
    let Some(via) = request.top_via() else { return ReturnPath::to_source(flow) };
    let path = ReturnPath::new(&via, flow);
    let says_so = via.host().ip() == Some(flow.remote.ip().to_canonical());
    // A `received` that the sender wrote itself must not stay either.
    let is_ours_to_write =
        |name: &str| name.eq_ignore_ascii_case("rport") || name.eq_ignore_ascii_case("received");
    if !says_so || via.params().iter().any(|param| is_ours_to_write(param.name)) {
        let via = via.received_from(flow.remote).to_string();
        request.headers_mut().replace_first(HeaderName::Via, via);
    }
    path
}

#[cfg(test)]
mod tests {
    use antiphon_sip::header::parse_list;

    use super::*;

    const SOURCE: &str = "192.0.2.4:40000";

    fn flow(transport: Transport) -> Flow {
        let connection = transport.is_reliable().then_some(crate::flow::ConnectionId(1));
        let (local, remote) = ("192.0.2.1:5060".parse().unwrap(), SOURCE.parse().unwrap());
        Flow { transport, local, remote, connection }
    }

    fn path(via: &str, transport: Transport) -> ReturnPath {
        let via: Via<'_> = parse_list(via.as_bytes()).next().unwrap().unwrap();
        ReturnPath::new(&via, flow(transport))
    }

    fn target(via: &str) -> String {
        path(via, Transport::Udp).flow.remote.to_string()
    }

    #[test]
    fn without_rport_a_response_goes_to_the_port_of_sent_by_rfc3261_18_2_2() {
        assert_eq!(target("SIP/2.0/UDP pc.example:5070;branch=z9hG4bK1"), "192.0.2.4:5070");
        assert_eq!(target("SIP/2.0/UDP pc.example;branch=z9hG4bK1"), "192.0.2.4:5060");
        assert_eq!(target("SIP/2.0/UDP 10.0.0.1:5070;branch=z9hG4bK1"), "192.0.2.4:5070");
        assert_eq!(target("SIP/2.0/UDP 10.0.0.1:0;branch=z9hG4bK1"), "192.0.2.4:5060");
    }

    #[test]
    fn with_rport_a_response_goes_where_the_request_came_from_rfc3581_4() {
        assert_eq!(target("SIP/2.0/UDP pc.example:5070;rport;branch=z9hG4bK1"), SOURCE);
        assert_eq!(target("SIP/2.0/UDP pc.example;rport=9;branch=z9hG4bK1"), SOURCE);
    }

    #[test]
    fn maddr_counts_for_multicast_alone_rfc3261_18_2_2() {
        let target = |maddr| target(&format!("SIP/2.0/UDP pc:5070;maddr={maddr};rport"));
        assert_eq!(target("224.0.1.75"), "224.0.1.75:5070");
        for other in ["203.0.113.9", "255.255.255.255", "0.0.0.0", "host.example"] {
            assert_eq!(target(other), SOURCE);
        }
    }

    #[test]
    fn a_response_over_a_stream_takes_the_same_connection_rfc3261_18_2_2() {
        let path = path("SIP/2.0/TCP pc.example:5070;branch=z9hG4bK1", Transport::Tcp);
        assert_eq!(path.flow, flow(Transport::Tcp));
        let new = path.without_connection().unwrap();
        assert_eq!(new.flow.connection, None);
        assert_eq!(new.flow.remote.to_string(), "192.0.2.4:5070");
        assert!(new.without_connection().is_none(), "tried once");
    }

    #[test]
    fn nobody_connects_to_a_websocket_client_rfc7118_5() {
        let path = path("SIP/2.0/WSS df7jal23ls0d.invalid;branch=z9hG4bK1", Transport::Wss);
        assert!(path.without_connection().is_none());
    }
}
