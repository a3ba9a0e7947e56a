//! What is refused before it is parsed, and what is not.

use antiphon_sip::HeaderName;

use super::*;
use crate::node::TurnedAway;

/// An endpoint at whose door too much waits.
fn closed() -> Endpoint {
    let mut endpoint = endpoint();
    assert!(endpoint.set_wait(at(0), Duration::from_millis(201)), "the door is watched");
    endpoint
}

fn turn_away(endpoint: &mut Endpoint, octets: &Bytes) -> Option<TurnedAway> {
    let turned = endpoint.turn_away(at(1), &udp(), octets);
    assert!(transmits(endpoint).is_empty() && events(endpoint).is_empty());
    turned
}

/// The refusal that octets are given, and where it goes.
fn refusal(endpoint: &mut Endpoint, octets: &Bytes) -> (Response, String) {
    match turn_away(endpoint, octets) {
        Some(TurnedAway::Refused { remote, octets }) => (response(octets), remote.to_string()),
        other => panic!("{other:?} {octets:?}"),
    }
}

fn replaced(octets: &Bytes, from: &str, to: &str) -> Bytes {
    let text = String::from_utf8(octets.to_vec()).unwrap();
    assert!(text.contains(from));
    text.replace(from, to).into()
}

/// Several spellings of a request that is refused; the second needs the parser.
fn new_requests(branch: &str) -> [Bytes; 5] {
    let via = |host: &str, more: &str| format!("UDP {host};{more}branch=z9hG4bK{branch}");
    let plain = octets("INVITE", &via("192.0.2.4:5070", ""), "");
    [
        replaced(&plain, "Call-ID: ", "Call-ID:\r\n "),
        octets("INVITE", &via("pc.example", "rport;"), ""),
        octets("REGISTER", &via("10.0.0.1", ""), ""),
        replaced(&plain, "Max-Forwards: 70", "v: SIP/2.0/TCP first.example;branch=z9hG4bK1"),
        plain,
    ]
}

#[test]
fn a_refusal_at_the_door_is_that_of_the_parsed_request_rfc3261_8_2_6_2() {
    for (index, octets) in new_requests("x").into_iter().enumerate() {
        let mut slow = endpoint();
        slow.set_delay(Duration::from_millis(401));
        slow.handle_datagram(at(1), udp(), octets.clone());
        let (expected, flow) = sent_response(&mut slow);
        let (found, remote) = refusal(&mut closed(), &octets);
        assert_eq!(remote, flow.remote.to_string(), "{index}");
        assert_eq!(found.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(found.reason(), expected.reason());
        use HeaderName::{CSeq, CallId, From, RetryAfter, To, Via};
        for name in [Via, From, To, CallId, CSeq, RetryAfter] {
            let values = |response: &Response| -> Vec<String> {
                let values = response.headers().values(name);
                values.map(|value| String::from_utf8(value.to_vec()).unwrap()).collect()
            };
            assert_eq!(values(&found), values(&expected), "{index}");
        }
    }
}

#[test]
fn a_repeated_request_is_refused_with_the_same_tag_rfc3261_8_2_7() {
    let mut endpoint = closed();
    for octets in new_requests("x") {
        let first = refusal(&mut endpoint, &octets).0;
        let second = refusal(&mut endpoint, &octets).0;
        assert_eq!(first.to_tag(), second.to_tag());
        assert!(first.to_tag().is_some());
    }
    assert_eq!((endpoint.counters().shed, endpoint.counters().received), (10, 10));
    assert_empty(&endpoint);
}

#[test]
fn the_ack_of_a_refusal_is_dropped_at_the_door_rfc3261_8_2_7() {
    let mut endpoint = closed();
    let (refused, _) = refusal(&mut endpoint, &from_peer("INVITE"));
    let to_tag = format!(";tag={}", refused.to_tag().unwrap());
    let ack = |branch: &str, tag: &str| {
        octets("ACK", &format!("UDP pc.example;rport;branch=z9hG4bK{branch}"), tag)
    };
    assert_eq!(turn_away(&mut endpoint, &ack("peer", &to_tag)), Some(TurnedAway::Dropped));
    for other in [ack("other", &to_tag), ack("peer", ";tag=other"), ack("peer", "")] {
        assert_eq!(turn_away(&mut endpoint, &other), None);
    }
    assert_eq!(endpoint.counters().shed, 1);
}

#[test]
fn calls_that_there_are_and_calls_for_help_pass_the_door_rfc7339_5_10_1() {
    let mut endpoint = closed();
    let invite = octets("INVITE", "UDP 192.0.2.4;branch=z9hG4bKx", "");
    let unusual = replaced(&invite, "Call-ID: ", "Call-ID:\r\n ");
    let in_dialog = |octets: &Bytes| replaced(octets, "biloxi.example>", "biloxi.example>;tag=1");
    let for_help = |octets: &Bytes| {
        replaced(octets, "INVITE sip:bob@biloxi.example", "INVITE urn:service:sos.fire")
    };
    let marked = |octets: &Bytes| {
        replaced(octets, "Max-Forwards", "Resource-Priority: wps.3, esnet.1\r\nMax-Forwards")
    };
    for octets in [&invite, &unusual] {
        for passes in [in_dialog(octets), for_help(octets), marked(octets)] {
            assert_eq!(turn_away(&mut endpoint, &passes), None, "{passes:?}");
        }
    }
    for method in ["BYE", "CANCEL", "PRACK", "UPDATE", "INFO", "ACK"] {
        let octets = octets(method, "UDP 192.0.2.4;branch=z9hG4bKx", "");
        assert_eq!(turn_away(&mut endpoint, &octets), None, "{method}");
    }
    for other in ["SIP/2.0 200 OK\r\n\r\n", "nonsense", "INVITE sip:b SIP/2.0\r\n\r\n", ""] {
        assert_eq!(turn_away(&mut endpoint, &other.into()), None, "{other}");
    }
    refusal(&mut endpoint, &replaced(&invite, "Max-Forwards", "Resource-Priority: wps.3\r\nX"));
    assert_eq!(endpoint.counters().shed, 1);
}

#[test]
fn a_request_that_was_taken_before_passes_the_door_rfc3261_17_2_1() {
    for octets in new_requests("x") {
        let mut endpoint = endpoint();
        endpoint.handle_datagram(at(0), udp(), octets.clone());
        requested(&mut endpoint);
        assert!(endpoint.set_wait(at(0), Duration::from_secs(1)));
        assert_eq!(turn_away(&mut endpoint, &octets), None);
    }
}

#[test]
fn who_takes_part_in_overload_control_is_told_at_the_door_rfc7339_5_10_2() {
    let mut endpoint = closed();
    let top = "UDP pc.example;oc;branch=z9hG4bKx;oc-algo=\"loss\"";
    let (refused, _) = refusal(&mut endpoint, &octets("INVITE", top, ""));
    let via = refused.top_via().unwrap();
    assert!(via.params().value("oc").is_some() && via.params().value("oc-seq").is_some());
    assert!(!refused.headers().has(HeaderName::RetryAfter));
}

#[test]
fn an_open_door_lets_everything_in() {
    let mut endpoint = closed();
    assert!(endpoint.set_wait(at(2), Duration::ZERO), "it is watched for a while");
    for octets in new_requests("x") {
        assert_eq!(turn_away(&mut endpoint, &octets), None);
    }
}

#[test]
fn what_comes_over_a_stream_is_refused_behind_a_closed_door_rfc3261_21_5_4() {
    let mut endpoint = closed();
    let invite = |branch: &str| {
        frame(&octets("INVITE", &format!("TCP pc.example;branch=z9hG4bK{branch}"), ""))
    };
    endpoint.handle_frame(at(1), tcp(), invite("refused"));
    let (refused, flow) = sent_response(&mut endpoint);
    assert_eq!((refused.status(), flow), (StatusCode::SERVICE_UNAVAILABLE, tcp()));
    endpoint.set_wait(at(2), Duration::ZERO);
    endpoint.handle_frame(at(2), tcp(), invite("taken"));
    requested(&mut endpoint);
}

#[test]
fn a_neighbour_over_a_stream_hears_how_much_is_too_much_rfc7339_5_2() {
    let mut endpoint = closed();
    let invite = |branch: &str| {
        let top = format!("TCP pc.example;oc;branch=z9hG4bK{branch};oc-algo=\"loss\"");
        frame(&octets("INVITE", &top, ""))
    };
    endpoint.handle_frame(at(1), tcp(), invite("first"));
    transmits(&mut endpoint);
    endpoint.handle_frame(at(202), tcp(), invite("second"));
    let (refused, _) = sent_response(&mut endpoint);
    let via = refused.top_via().unwrap();
    assert_eq!(via.params().value("oc"), Some("100"));
    assert_eq!(via.params().value("oc-validity"), Some("500"));
}
