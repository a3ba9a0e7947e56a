//! Streams: connections that are lost, requests that are too large for UDP, keep-alives.

use super::*;
use crate::endpoint::Failure;
use crate::flow::Fault;

fn large() -> Request {
    let uri = UriBuf::parse("sip:bob@biloxi.example").unwrap();
    Request::builder(Method::Message, uri)
        .identity("<sip:alice@atlanta.example>;tag=1", "<sip:bob@biloxi.example>", "c1", 1)
        .body("text/plain", Bytes::from("x".repeat(1_300)))
        .build()
        .unwrap()
}

/// A large request; the ticket of its transmission over TCP.
fn send_large(endpoint: &mut Endpoint) -> (crate::flow::Ticket, Request) {
    endpoint.request(at(0), large(), udp(), None).unwrap();
    let sent = transmit(endpoint);
    assert_eq!(sent.flow, Flow { connection: None, ..tcp() });
    let Frame::Message(Message::Request(request)) = frame(&sent.octets) else { panic!() };
    (sent.ticket.unwrap(), request)
}

fn by_tcp(method: &str) -> Bytes {
    octets(method, "TCP pc.example:5070;branch=z9hG4bKpeer", "")
}

#[test]
fn more_than_1300_octets_go_by_tcp_and_the_via_says_so_rfc3261_18_1_1() {
    let mut endpoint = endpoint();
    let (_, request) = send_large(&mut endpoint);
    assert_eq!(request.via_transport(), Some(Transport::Tcp));
    assert!(!request.wants_rport());
    endpoint.handle_frame(at(1), tcp(), frame(&answer(&request, 200).to_bytes()));
    assert_eq!(told(&mut endpoint), [200]);
    assert_empty(&endpoint);
}

#[test]
fn what_cannot_go_by_tcp_goes_by_udp_after_all_rfc3261_18_1_1() {
    let mut endpoint = endpoint();
    let (ticket, by_tcp) = send_large(&mut endpoint);
    endpoint.handle_undelivered(at(5), ticket, Fault::Refused);
    assert!(events(&mut endpoint).is_empty());
    let (by_udp, flow) = sent_request(&mut endpoint);
    assert_eq!(flow, udp());
    assert_eq!(by_udp.via_transport(), Some(Transport::Udp));
    assert_eq!(by_udp.branch(), by_tcp.branch());
    assert_eq!(by_udp.body(), by_tcp.body());

    endpoint.handle_undelivered(at(6), ticket, Fault::Closed);
    assert!(events(&mut endpoint).is_empty(), "the TCP attempt is over");
    endpoint.handle_deadline(at(505));
    assert_eq!(sent_request(&mut endpoint).1, udp(), "by Timer E");
    run_out(&mut endpoint);
    assert!(matches!(events(&mut endpoint)[..], [Event::Failed { failure: Failure::Timeout, .. }]));
    assert_empty(&endpoint);
}

#[test]
fn without_a_tcp_listener_large_requests_stay_on_udp() {
    let config = EndpointConfig { listeners: vec![listener(Transport::Udp)], ..config() };
    let mut endpoint = Endpoint::new(config, [1; 32]);
    endpoint.request(at(0), large(), udp(), None).unwrap();
    assert_eq!(transmit(&mut endpoint).flow, udp());
}

#[test]
fn a_lost_connection_ends_the_requests_that_wait_on_it_rfc3261_17_1_4() {
    let mut endpoint = endpoint();
    let other = Flow { connection: Some(ConnectionId(8)), ..tcp() };
    let any = Flow { connection: None, ..tcp() };
    let lost = endpoint.request(at(0), ours(Method::Invite), tcp(), None).unwrap();
    let kept = endpoint.request(at(0), ours(Method::Invite), other, None).unwrap();
    let unknown = endpoint.request(at(0), ours(Method::Options), any, None).unwrap();
    endpoint.handle_closed(at(10), tcp());
    let failed: Vec<_> = events(&mut endpoint)
        .into_iter()
        .map(|event| match event {
            Event::Failed { id, failure: Failure::Transport(Fault::Closed) } => id,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(failed, [lost, unknown]);
    assert!(endpoint.cancel(at(11), kept, None).is_ok());
    run_out(&mut endpoint);
    assert_empty(&endpoint);
}

#[test]
fn a_response_takes_the_connection_of_its_request_or_a_new_one_rfc3261_18_2_2() {
    let mut endpoint = endpoint();
    endpoint.handle_frame(at(0), tcp(), frame(&by_tcp("INVITE")));
    let (id, request) = requested(&mut endpoint);
    endpoint.respond(at(1), id, answer(&request, 180)).unwrap();
    let sent = transmit(&mut endpoint);
    assert_eq!(sent.flow, tcp());

    let new = Flow { connection: None, remote: "192.0.2.4:5070".parse().unwrap(), ..tcp() };
    endpoint.handle_undelivered(at(2), sent.ticket.unwrap(), Fault::Closed);
    let (again, flow) = sent_response(&mut endpoint);
    assert_eq!((again.status().as_u16(), flow), (180, new));
    endpoint.handle_undelivered(at(3), sent.ticket.unwrap(), Fault::Refused);
    assert!(transmits(&mut endpoint).is_empty(), "tried once");

    endpoint.respond(at(4), id, answer(&request, 486)).unwrap();
    assert_eq!(transmit(&mut endpoint).flow, new);
    run_out(&mut endpoint);
    assert_empty(&endpoint);
}

#[test]
fn behind_a_lost_connection_the_first_response_takes_a_new_one_rfc3261_18_2_2() {
    let mut endpoint = endpoint();
    endpoint.handle_frame(at(0), tcp(), frame(&by_tcp("OPTIONS")));
    let (id, request) = requested(&mut endpoint);
    endpoint.handle_closed(at(1), tcp());
    assert!(transmits(&mut endpoint).is_empty());
    endpoint.respond(at(2), id, answer(&request, 200)).unwrap();
    assert_eq!(transmit(&mut endpoint).flow.remote.to_string(), "192.0.2.4:5070");
    assert_empty(&endpoint);
}

#[test]
fn a_ping_is_answered_with_a_pong_rfc5626_3_5_1() {
    let mut endpoint = endpoint();
    endpoint.handle_frame(at(0), tcp(), Frame::Ping);
    let sent = transmit(&mut endpoint);
    assert_eq!((sent.flow, &sent.octets[..]), (tcp(), &b"\r\n"[..]));
}

#[test]
fn a_stream_that_lost_its_framing_is_answered_and_closed_rfc3261_18_3() {
    let mut endpoint = endpoint();
    let text = by_tcp("OPTIONS");
    let text = String::from_utf8_lossy(&text).replace("Content-Length: 0\r\n", "");
    endpoint.handle_frame(at(0), tcp(), frame(&Bytes::from(text)));
    assert!(transmit(&mut endpoint).octets.starts_with(b"SIP/2.0 400 "));
    assert_eq!(endpoint.next_close(), Some(tcp()));
    assert_eq!(endpoint.next_close(), None);
}

#[test]
fn alias_is_heard_over_tls_alone_rfc5923_8_2() {
    let tls = Flow { transport: Transport::Tls, ..tcp() };
    let rows = [
        (tls, "TLS pc.example:5071;branch=z9hG4bK1;alias", Some("192.0.2.4:5071")),
        (tls, "TLS pc.example;alias;branch=z9hG4bK2", Some("192.0.2.4:5061")),
        (tls, "TLS pc.example:5071;branch=z9hG4bK3", None),
        (tcp(), "TCP pc.example:5071;branch=z9hG4bK4;alias", None),
    ];
    for (flow, via, address) in rows {
        let mut endpoint = endpoint();
        endpoint.handle_frame(at(0), flow, frame(&octets("OPTIONS", via, "")));
        let told = endpoint.next_alias();
        assert_eq!(told, address.map(|address| (flow, address.parse().unwrap())), "{via}");
    }
}

#[test]
fn alias_is_said_over_tls_by_who_can_prove_who_he_is_rfc5923_8_1() {
    for (offers_alias, transport, is_said) in [
        (true, Transport::Tls, true),
        (true, Transport::Tcp, false),
        (false, Transport::Tls, false),
    ] {
        let listener = |transport| Listener { transport, ..config().listeners[0].clone() };
        let listeners = vec![listener(Transport::Tcp), listener(Transport::Tls)];
        let config = EndpointConfig { offers_alias, listeners, ..config() };
        let mut endpoint = Endpoint::new(config, [1; 32]);
        let flow = Flow { transport, connection: None, ..tcp() };
        endpoint.request(at(0), ours(Method::Options), flow, None).unwrap();
        let sent = transmit(&mut endpoint).octets;
        let text = String::from_utf8(sent.to_vec()).unwrap();
        let via = text.lines().find(|line| line.starts_with("Via: ")).unwrap();
        assert_eq!(via.split(';').any(|param| param == "alias"), is_said, "{via}");
    }
}
