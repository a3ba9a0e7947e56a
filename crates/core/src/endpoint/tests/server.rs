//! Requests in.

use super::*;
use crate::endpoint::Gone;

fn invited(endpoint: &mut Endpoint) -> (ServerId, Request) {
    endpoint.handle_datagram(at(0), udp(), from_peer("INVITE"));
    requested(endpoint)
}

fn respond(endpoint: &mut Endpoint, id: ServerId, request: &Request, code: u16) {
    endpoint.respond(at(10), id, answer(request, code)).unwrap();
}

#[test]
fn the_top_via_tells_whence_a_request_came_rfc3261_18_2_1_and_rfc3581_4() {
    let mut endpoint = endpoint();
    let (id, request) = invited(&mut endpoint);
    let via = request.top_via().unwrap();
    assert_eq!(via.received(), Some("192.0.2.4".parse().unwrap()));
    assert_eq!(via.rport(), Some(Some(40_000)));

    respond(&mut endpoint, id, &request, 180);
    let (response, flow) = sent_response(&mut endpoint);
    assert_eq!(flow, udp());
    assert_eq!(response.top_via().unwrap().rport(), Some(Some(40_000)));
}

#[test]
fn a_received_that_the_sender_made_up_does_not_stay_rfc3261_18_2_1() {
    let mut endpoint = endpoint();
    let top = "UDP 192.0.2.4;received=203.0.113.9;branch=z9hG4bK1";
    endpoint.handle_datagram(at(0), udp(), octets("OPTIONS", top, ""));
    let (_, request) = requested(&mut endpoint);
    assert_eq!(request.top_via().unwrap().received(), None);
}

#[test]
fn a_repeated_invite_is_absorbed_and_gets_the_100_rfc3261_17_2_1() {
    let mut endpoint = endpoint();
    invited(&mut endpoint);
    endpoint.handle_datagram(at(100), udp(), from_peer("INVITE"));
    assert!(events(&mut endpoint).is_empty() && transmits(&mut endpoint).is_empty());

    assert_eq!(endpoint.deadline(), Some(at(200)));
    endpoint.handle_deadline(at(200));
    let (response, _) = sent_response(&mut endpoint);
    assert_eq!((response.status(), response.to_tag()), (StatusCode::TRYING, None));
    endpoint.handle_datagram(at(500), udp(), from_peer("INVITE"));
    assert_eq!(status(&mut endpoint), 100);
    assert_eq!(endpoint.counters().retransmissions_received, 2);
}

#[test]
fn the_ack_of_a_non_2xx_ends_in_the_transaction_rfc3261_17_2_1() {
    let mut endpoint = endpoint();
    let (id, request) = invited(&mut endpoint);
    respond(&mut endpoint, id, &request, 486);
    assert_eq!(status(&mut endpoint), 486);
    endpoint.handle_deadline(at(510));
    assert_eq!(status(&mut endpoint), 486);
    endpoint.handle_datagram(at(600), udp(), from_peer("ACK"));
    assert!(matches!(events(&mut endpoint)[..], [Event::Acknowledged { id: told }] if told == id));
    endpoint.handle_datagram(at(700), udp(), from_peer("ACK"));
    assert!(events(&mut endpoint).is_empty());
    run_out(&mut endpoint);
    assert!(transmits(&mut endpoint).is_empty());
    assert_empty(&endpoint);
}

#[test]
fn the_ack_of_a_2xx_goes_to_the_role_rfc3261_17_2_3() {
    let mut endpoint = endpoint();
    let (id, request) = invited(&mut endpoint);
    respond(&mut endpoint, id, &request, 200);
    assert_eq!(status(&mut endpoint), 200);
    let ack = octets("ACK", "UDP pc.example;rport;branch=z9hG4bKother", ";tag=314159");
    endpoint.handle_datagram(at(50), udp(), ack);
    let events = events(&mut endpoint);
    let [Event::Ack { request, .. }] = &events[..] else { panic!("{events:?}") };
    assert_eq!(request.top_via().unwrap().rport(), Some(Some(40_000)));
}

#[test]
fn an_ack_that_never_comes_is_told_rfc3261_17_2_1() {
    let mut endpoint = endpoint();
    let (id, request) = invited(&mut endpoint);
    respond(&mut endpoint, id, &request, 486);
    run_out(&mut endpoint);
    assert_eq!(transmits(&mut endpoint).len(), 11, "once, and ten times by Timer G");
    assert!(matches!(events(&mut endpoint)[..], [Event::Unacknowledged { .. }]));
    assert_empty(&endpoint);
}

#[test]
fn branch_sent_by_and_method_make_a_transaction_rfc3261_17_2_3() {
    let mut endpoint = endpoint();
    for request in [
        octets("OPTIONS", "UDP pc.example;branch=z9hG4bK1", ""),
        octets("MESSAGE", "UDP pc.example;branch=z9hG4bK1", ""),
        octets("OPTIONS", "UDP pc.example;branch=z9hG4bK2", ""),
        octets("OPTIONS", "UDP other.example;branch=z9hG4bK1", ""),
    ] {
        endpoint.handle_datagram(at(0), udp(), request);
        requested(&mut endpoint);
    }
    let same = octets("OPTIONS", "UDP PC.example;branch=z9hG4bK1", "");
    endpoint.handle_datagram(at(0), udp(), same);
    assert!(events(&mut endpoint).is_empty(), "case does not count");
}

#[test]
fn a_request_of_rfc2543_is_known_by_its_fields_rfc3261_17_2_3() {
    for top in [
        "UDP pc.example:5070",
        "UDP pc.example:5070;branch=1",
        "UDP pc.example:5070;branch=z9hG4bK",
    ] {
        let mut endpoint = endpoint();
        endpoint.handle_datagram(at(0), udp(), octets("INVITE", top, ""));
        let (id, request) = requested(&mut endpoint);
        endpoint.handle_datagram(at(1), udp(), octets("INVITE", top, ""));
        assert!(events(&mut endpoint).is_empty());
        let other =
            String::from_utf8_lossy(&octets("INVITE", top, "")).replace("CSeq: 5", "CSeq: 6");
        endpoint.handle_datagram(at(2), udp(), Bytes::from(other));
        requested(&mut endpoint);

        respond(&mut endpoint, id, &request, 486);
        assert_eq!(sent_response(&mut endpoint).1.remote.port(), 5070);
        endpoint.handle_datagram(at(20), udp(), octets("ACK", top, ";tag=another"));
        assert!(matches!(events(&mut endpoint)[..], [Event::Ack { .. }]), "of another response");
        endpoint.handle_datagram(at(21), udp(), octets("ACK", top, ";tag=314159"));
        assert!(matches!(events(&mut endpoint)[..], [Event::Acknowledged { .. }]));
    }
}

#[test]
fn the_ack_of_rfc2543_for_a_2xx_goes_to_the_role_rfc6026_6() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), octets("INVITE", "UDP pc.example", ""));
    let (id, request) = requested(&mut endpoint);
    respond(&mut endpoint, id, &request, 200);
    endpoint.handle_datagram(at(20), udp(), octets("ACK", "UDP pc.example", ";tag=314159"));
    assert!(matches!(events(&mut endpoint)[..], [Event::Ack { .. }]));
}

#[test]
fn a_cancel_is_answered_here_and_told_once_rfc3261_9_2() {
    let mut endpoint = endpoint();
    let (id, request) = invited(&mut endpoint);
    respond(&mut endpoint, id, &request, 180);
    transmits(&mut endpoint);
    endpoint.handle_datagram(at(20), udp(), from_peer("CANCEL"));
    let (response, flow) = sent_response(&mut endpoint);
    assert_eq!((response.status(), flow), (StatusCode::OK, udp()));
    assert_eq!(response.to_tag(), Some("314159"), "that of the 180");
    assert_eq!(response.cseq_method(), Method::Cancel);
    assert!(
        matches!(&events(&mut endpoint)[..], [Event::Cancelled { id: told, .. }] if *told == id)
    );
    endpoint.handle_datagram(at(520), udp(), from_peer("CANCEL"));
    assert_eq!(status(&mut endpoint), 200);
    assert!(events(&mut endpoint).is_empty());

    respond(&mut endpoint, id, &request, 487);
    assert_eq!(status(&mut endpoint), 487);
    endpoint.handle_datagram(at(600), udp(), from_peer("ACK"));
    run_out(&mut endpoint);
    assert_empty(&endpoint);
}

#[test]
fn a_cancel_before_any_tag_gets_the_tag_of_the_transaction_rfc3261_9_2() {
    let mut endpoint = endpoint();
    let (id, _) = invited(&mut endpoint);
    endpoint.handle_datagram(at(20), udp(), from_peer("CANCEL"));
    let tag = endpoint.tag_of(id);
    assert_eq!(sent_response(&mut endpoint).0.to_tag(), Some(tag.as_str()));
}

#[test]
fn a_cancel_that_matches_nothing_gets_481_rfc3261_9_2() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), from_peer("CANCEL"));
    let (first, _) = sent_response(&mut endpoint);
    assert_eq!(first.status().as_u16(), 481);
    endpoint.handle_datagram(at(500), udp(), from_peer("CANCEL"));
    let (again, _) = sent_response(&mut endpoint);
    assert_eq!(first.to_tag(), again.to_tag(), "the same answer without any state");
    assert_eq!(endpoint.counters().cancels_unmatched, 2);
    assert_empty(&endpoint);
}

#[test]
fn a_cancel_behind_the_final_response_changes_nothing_rfc3261_9_2() {
    let mut endpoint = endpoint();
    let (id, request) = invited(&mut endpoint);
    respond(&mut endpoint, id, &request, 200);
    transmits(&mut endpoint);
    endpoint.handle_datagram(at(20), udp(), from_peer("CANCEL"));
    assert_eq!(status(&mut endpoint), 200);
    assert!(events(&mut endpoint).is_empty());
}

#[test]
fn a_cancel_of_another_method_is_answered_and_does_nothing_rfc3261_9_2() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), from_peer("OPTIONS"));
    requested(&mut endpoint);
    endpoint.handle_datagram(at(1), udp(), from_peer("CANCEL"));
    assert_eq!(status(&mut endpoint), 200);
    assert!(events(&mut endpoint).is_empty());
}

#[test]
fn an_invite_that_no_role_answers_gets_500_rfc3261_17_2_1() {
    let mut endpoint = endpoint();
    let (id, _) = invited(&mut endpoint);
    endpoint.handle_deadline(at(200));
    assert_eq!(status(&mut endpoint), 100);
    endpoint.handle_deadline(at(3_599_999));
    assert!(transmits(&mut endpoint).is_empty());
    endpoint.handle_deadline(at(3_600_000));
    assert_eq!(status(&mut endpoint), 500);
    assert_eq!(endpoint.counters().unanswered, 1);
    assert!(endpoint.server_request(id).is_none());
}

#[test]
fn another_request_that_no_role_answers_gets_100_and_no_more_rfc4320_4() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), from_peer("BYE"));
    let (id, request) = requested(&mut endpoint);
    endpoint.handle_deadline(at(3_500));
    assert_eq!(status(&mut endpoint), 100);
    respond(&mut endpoint, id, &request, 408);
    run_out(&mut endpoint);
    assert!(transmits(&mut endpoint).is_empty());
    assert_eq!(endpoint.counters().withheld, 1);
    assert_eq!(endpoint.respond(at(40_000), id, answer(&request, 200)), Err(Gone));
    assert_empty(&endpoint);
}

#[test]
fn a_handle_to_what_has_ended_is_no_handle_to_what_came_after() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), from_peer("BYE"));
    let (old, request) = requested(&mut endpoint);
    run_out(&mut endpoint);
    transmits(&mut endpoint);
    endpoint.handle_datagram(at(60_000), udp(), from_peer("BYE"));
    let (new, _) = requested(&mut endpoint);
    assert_ne!(old, new);
    assert_eq!(endpoint.respond(at(60_001), old, answer(&request, 200)), Err(Gone));
    assert!(transmits(&mut endpoint).is_empty());
    endpoint.abandon(old);
    respond(&mut endpoint, new, &request, 200);
    assert_eq!(status(&mut endpoint), 200);
}

#[test]
fn too_many_transactions_are_refused_without_state_rfc3261_21_5_4() {
    let mut endpoint = Endpoint::new(EndpointConfig { max_transactions: 1, ..config() }, [1; 32]);
    invited(&mut endpoint);
    let more = octets("INVITE", "UDP pc.example;rport;branch=z9hG4bKmore", "");
    endpoint.handle_datagram(at(1), udp(), more);
    let (response, _) = sent_response(&mut endpoint);
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    let seconds: u64 =
        response.headers().text(antiphon_sip::HeaderName::RetryAfter).unwrap().parse().unwrap();
    assert!((10..20).contains(&seconds));
    assert!(events(&mut endpoint).is_empty());
    assert_eq!(endpoint.counters().server_transactions, 1);
    assert_eq!(endpoint.counters().overloaded, 1);
}

#[test]
fn a_request_that_came_by_two_ways_is_refused_rfc3261_8_2_2_2() {
    let by = |branch: &str| {
        octets("INVITE", &format!("UDP pc.example;rport;branch=z9hG4bK{branch}"), "")
    };
    let mut agent = Endpoint::new(EndpointConfig { refuse_merged: true, ..config() }, [1; 32]);
    agent.handle_datagram(at(0), udp(), by("one"));
    requested(&mut agent);
    agent.handle_datagram(at(1), udp(), by("other"));
    assert_eq!(status(&mut agent), 482);
    assert!(events(&mut agent).is_empty());
    run_out(&mut agent);
    assert_eq!(agent.counters().merged, 1);

    let mut proxy = endpoint();
    for branch in ["one", "other"] {
        proxy.handle_datagram(at(0), udp(), by(branch));
        requested(&mut proxy);
    }
}

#[test]
fn what_is_no_sip_is_dropped_and_keep_alives_are_counted() {
    let mut endpoint = endpoint();
    for octets in [&b""[..], b"\r\n\r\n", b"\0\x01\0\x08", b"GET / HTTP/1.1\r\n\r\n", b"hello"] {
        endpoint.handle_datagram(at(0), udp(), Bytes::from_static(octets));
    }
    assert!(transmits(&mut endpoint).is_empty() && events(&mut endpoint).is_empty());
    let counters = endpoint.counters();
    assert_eq!((counters.keepalives, counters.dropped_not_sip), (2, 3));
    assert_empty(&endpoint);
}

#[test]
fn a_broken_request_is_answered_without_state_rfc3261_21_4_1() {
    let mut endpoint = endpoint();
    let broken = String::from_utf8_lossy(&from_peer("INVITE")).replace("CSeq: 5 ", "CSeq: x ");
    endpoint.handle_datagram(at(0), udp(), Bytes::from(broken.clone()));
    let (sent, flow) = (transmit(&mut endpoint), udp());
    assert!(sent.octets.starts_with(b"SIP/2.0 400 "));
    assert_eq!((sent.flow, sent.ticket), (flow, None));
    assert_eq!(endpoint.counters().rejected.get(&StatusCode::BAD_REQUEST), Some(&1));

    let ack = broken.replace("INVITE", "ACK");
    endpoint.handle_datagram(at(0), udp(), Bytes::from(ack));
    assert!(transmits(&mut endpoint).is_empty(), "an ACK has no response");
    assert_eq!(endpoint.counters().dropped_broken, 1);
    assert_empty(&endpoint);
}
