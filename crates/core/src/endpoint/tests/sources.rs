//! Listeners on every address of a family: each peer is told the one that it can reach.

use std::net::IpAddr;
use std::sync::Arc;

use super::*;
use crate::endpoint::SourceAddresses;
use crate::locate::Server;

/// A machine between two networks.
#[derive(Debug)]
struct Between;

impl SourceAddresses for Between {
    fn towards(&self, remote: IpAddr) -> Option<IpAddr> {
        let source = match remote {
            IpAddr::V4(address) => match address.octets() {
                [10, ..] => "10.0.0.1",
                [127, ..] => "127.0.0.1",
                _ => "192.0.2.1",
            },
            IpAddr::V6(_) => return None,
        };
        source.parse().ok()
    }
}

fn wildcard(transport: Transport, sent_by: &str) -> Listener {
    let local = "0.0.0.0:5060".parse().unwrap();
    Listener { transport, local, sent_by: sent_by.into() }
}

fn between(listeners: Vec<Listener>) -> Endpoint {
    let sources = Some(Arc::new(Between) as Arc<dyn SourceAddresses>);
    Endpoint::new(EndpointConfig { listeners, sources, ..EndpointConfig::default() }, [1; 32])
}

fn both() -> Endpoint {
    let sent_by = "192.0.2.1:5060";
    between(vec![wildcard(Transport::Udp, sent_by), wildcard(Transport::Tcp, sent_by)])
}

/// The Via host of a request to a peer, and the address that it leaves from.
fn told(endpoint: &mut Endpoint, transport: Transport, remote: &str) -> (String, String) {
    let flow = endpoint.flow_to(transport, remote.parse().unwrap()).unwrap();
    endpoint.request(at(0), ours(Method::Options), flow, None).unwrap();
    let (request, flow) = sent_request(endpoint);
    (request.top_via().unwrap().sent_by_text().to_owned(), flow.local.to_string())
}

#[test]
fn each_peer_is_told_the_address_that_its_requests_come_from_rfc3261_18_1_1() {
    let mut endpoint = both();
    for (remote, expected) in [
        ("10.9.9.9:5060", "10.0.0.1:5060"),
        ("198.51.100.1:5060", "192.0.2.1:5060"),
        ("127.0.0.1:5070", "127.0.0.1:5060"),
    ] {
        for transport in [Transport::Udp, Transport::Tcp] {
            let told = told(&mut endpoint, transport, remote);
            assert_eq!(told, (expected.to_owned(), expected.to_owned()), "{remote}");
        }
    }
}

#[test]
fn a_name_in_the_via_stands_for_every_address() {
    let mut endpoint = between(vec![wildcard(Transport::Udp, "proxy.example:5060")]);
    let told = told(&mut endpoint, Transport::Udp, "10.9.9.9:5060");
    assert_eq!(told, ("proxy.example:5060".to_owned(), "10.0.0.1:5060".to_owned()));
}

#[test]
fn a_response_comes_from_the_address_that_the_request_went_to_rfc3581_4() {
    let mut endpoint = both();
    let flow = Flow { local: "10.0.0.1:5060".parse().unwrap(), ..udp() };
    endpoint.handle_datagram(at(0), flow, from_peer("OPTIONS"));
    let (id, request) = requested(&mut endpoint);
    endpoint.respond(at(1), id, answer(&request, 200)).unwrap();
    let (_, back) = sent_response(&mut endpoint);
    assert_eq!(back.local, flow.local);
}

#[test]
fn each_address_of_this_machine_is_ours_at_the_port_of_such_a_listener() {
    let endpoint = both();
    for own in ["10.0.0.1", "10.0.0.1:5060", "192.0.2.1", "127.0.0.1", "127.0.0.2:5060"] {
        assert!(endpoint.is_own(own), "{own}");
    }
    for other in ["10.0.0.1:5070", "10.0.0.2", "192.0.2.2:5060", "[::1]:5060", "proxy.example"] {
        assert!(!endpoint.is_own(other), "{other}");
    }
}

#[test]
fn the_loopback_leads_to_ourselves() {
    let listeners = [wildcard(Transport::Udp, "192.0.2.1:5060")];
    let at =
        |address: &str| Server { transport: Transport::Udp, address: address.parse().unwrap() };
    for own in ["127.0.0.1:5060", "127.8.8.8:5060", "192.0.2.1:5060"] {
        assert!(at(own).is_own(&listeners), "{own}");
    }
    for other in ["127.0.0.1:5070", "192.0.2.2:5060", "[::1]:5060"] {
        assert!(!at(other).is_own(&listeners), "{other}");
    }
}
