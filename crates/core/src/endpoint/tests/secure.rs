//! Whom a new connection has to lead to (RFC 5922 §7.3).

use super::*;
use crate::flow::Destination;

fn tls() -> Flow {
    Flow { transport: Transport::Tls, connection: Some(ConnectionId(7)), ..udp() }
}

fn new_tls() -> Flow {
    Flow { connection: None, ..tls() }
}

fn secure_endpoint() -> Endpoint {
    let mut config = config();
    config.listeners.push(Listener { transport: Transport::Tls, ..config.listeners[0].clone() });
    Endpoint::new(config, [1; 32])
}

fn server_name(endpoint: &mut Endpoint) -> Option<String> {
    transmit(endpoint).server_name.map(|name| name.as_ref().into())
}

#[test]
fn a_request_its_ack_and_its_cancel_go_to_the_same_domain_rfc5922_7_3() {
    let biloxi = Some("biloxi.example".to_owned());
    for code in [180, 486] {
        let mut endpoint = secure_endpoint();
        let to = Destination::named(new_tls(), "biloxi.example");
        let id = endpoint.request(at(0), ours(Method::Invite), to, None).unwrap();
        let sent = transmit(&mut endpoint);
        assert_eq!(sent.server_name.as_deref(), Some("biloxi.example"));
        let Ok(Message::Request(invite)) = parse::datagram(sent.octets, &Limits::default()) else {
            panic!("no request");
        };
        // The response tells no connection: as when that was lost meanwhile.
        let response = answer(&invite, code).to_bytes();
        endpoint.handle_frame(at(1), new_tls(), frame(&response));
        let _ = endpoint.cancel(at(2), id, None);
        assert_eq!(server_name(&mut endpoint), biloxi, "{code}");
    }
}

#[test]
fn an_ack_of_a_2xx_goes_to_a_domain_too_rfc5922_7_3() {
    let mut endpoint = secure_endpoint();
    let to = Destination::named(new_tls(), "biloxi.example");
    endpoint.send_ack(at(0), ours(Method::Ack), to);
    assert_eq!(server_name(&mut endpoint).as_deref(), Some("biloxi.example"));
}

#[test]
fn an_open_connection_has_proved_itself() {
    let mut endpoint = secure_endpoint();
    let to = Destination::named(tls(), "biloxi.example");
    endpoint.request(at(0), ours(Method::Options), to, None).unwrap();
    assert_eq!(server_name(&mut endpoint), None);
}

#[test]
fn a_response_over_a_new_connection_goes_to_the_sent_by_rfc3261_18_2_2() {
    for (sent_by, proves) in [
        ("pc.atlanta.example:5071", Some("pc.atlanta.example")),
        ("192.0.2.4:5071", None),
        ("[2001:db8::4]:5071", None),
    ] {
        let mut endpoint = secure_endpoint();
        let top = format!("TLS {sent_by};branch=z9hG4bKpeer");
        endpoint.handle_frame(at(0), tls(), frame(&octets("OPTIONS", &top, "")));
        let (id, request) = requested(&mut endpoint);
        endpoint.handle_closed(at(1), tls());
        endpoint.respond(at(2), id, answer(&request, 200)).unwrap();
        let sent = transmit(&mut endpoint);
        assert_eq!(sent.flow.remote.to_string(), "192.0.2.4:5071");
        assert_eq!(sent.server_name.as_deref(), proves);
    }
}
