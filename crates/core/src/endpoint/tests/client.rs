//! Requests out.

use antiphon_sip::HeaderName;

use super::*;
use crate::endpoint::{Failure, Gone, RequestError};
use crate::flow::Fault;

fn take(endpoint: &mut Endpoint, now: u64, response: &Response) {
    endpoint.handle_datagram(at(now), udp(), response.to_bytes());
}

#[test]
fn a_request_gets_our_via_with_a_branch_and_rport_rfc3261_8_1_1_7_and_rfc3581_3() {
    let mut endpoint = endpoint();
    let (_, request) = send(&mut endpoint, Method::Options);
    let via = request.top_via().unwrap();
    assert_eq!(via.transport(), Some(Transport::Udp));
    assert_eq!(via.sent_by_text(), "proxy.example:5060");
    assert_eq!(via.rport(), Some(None));
    assert!(via.has_rfc3261_branch());
}

#[test]
fn a_branch_that_is_given_is_used_rfc3261_16_6() {
    let mut endpoint = endpoint();
    let branch = endpoint.new_branch_with("loop1");
    endpoint.request(at(0), ours(Method::Options), udp(), Some(branch.clone())).unwrap();
    assert_eq!(sent_request(&mut endpoint).0.branch(), Some(branch.as_str()));
}

#[test]
fn responses_are_told_in_order_and_repeated_ones_are_not_rfc3261_17_1_2() {
    let mut endpoint = endpoint();
    let (_, request) = send(&mut endpoint, Method::Options);
    for (now, code) in [(10, 100), (20, 200), (30, 200)] {
        take(&mut endpoint, now, &answer(&request, code));
    }
    assert_eq!(told(&mut endpoint), [100, 200]);
    run_out(&mut endpoint);
    assert!(transmits(&mut endpoint).is_empty());
    assert_empty(&endpoint);
}

#[test]
fn stray_responses_are_dropped_and_counted_rfc6026_8_9_and_rfc3261_18_1_2() {
    let mut endpoint = endpoint();
    let (_, request) = send(&mut endpoint, Method::Options);
    let fitting = String::from_utf8_lossy(&answer(&request, 200).to_bytes()).into_owned();
    for stray in [
        fitting.replace("branch=z9hG4bK", "branch=z9hG4bKno"),
        fitting.replace("1 OPTIONS", "1 MESSAGE"),
        fitting.replace("proxy.example:5060", "other.example:5060"),
        fitting.replace(";branch=", ";branchless="),
    ] {
        assert_ne!(stray, fitting);
        endpoint.handle_datagram(at(1), udp(), Bytes::from(stray));
    }
    assert!(events(&mut endpoint).is_empty());
    assert_eq!(endpoint.counters().stray_responses, 4);
    endpoint.handle_datagram(at(1), udp(), Bytes::from(fitting));
    assert_eq!(told(&mut endpoint), [200]);
}

#[test]
fn a_non_2xx_is_acknowledged_here_and_a_2xx_is_not_rfc3261_17_1_1_3() {
    let mut endpoint = endpoint();
    let (_, request) = send(&mut endpoint, Method::Invite);
    take(&mut endpoint, 10, &answer(&request, 486));
    let (ack, flow) = sent_request(&mut endpoint);
    assert_eq!((ack.method(), flow), (&Method::Ack, udp()));
    assert_eq!(ack.branch(), request.branch());
    assert_eq!(ack.to_tag(), Some("314159"));
    take(&mut endpoint, 500, &answer(&request, 486));
    assert_eq!(sent_request(&mut endpoint).0.method(), &Method::Ack);
    assert_eq!(told(&mut endpoint), [486]);

    let (_, request) = send(&mut endpoint, Method::Invite);
    take(&mut endpoint, 10, &answer(&request, 200));
    take(&mut endpoint, 510, &answer(&request, 200));
    assert!(transmits(&mut endpoint).is_empty());
    assert_eq!(told(&mut endpoint), [200, 200]);
    run_out(&mut endpoint);
    assert_empty(&endpoint);
}

#[test]
fn the_ack_of_a_2xx_has_a_branch_of_its_own_rfc3261_13_2_2_4() {
    let mut endpoint = endpoint();
    let (_, request) = send(&mut endpoint, Method::Invite);
    endpoint.send_ack(at(10), ours(Method::Ack), udp());
    let (ack, _) = sent_request(&mut endpoint);
    assert_eq!(ack.method(), &Method::Ack);
    assert!(ack.branch().is_some() && ack.branch() != request.branch());
}

#[test]
fn a_request_that_nobody_answers_fails_rfc3261_17_1_2_2() {
    let mut endpoint = endpoint();
    let (sent, _) = send(&mut endpoint, Method::Options);
    run_out(&mut endpoint);
    assert_eq!(transmits(&mut endpoint).len(), 10, "by Timer E");
    assert_eq!(endpoint.counters().retransmissions_sent, 10);
    let events = events(&mut endpoint);
    let [Event::Failed { id, failure: Failure::Timeout }] = events[..] else {
        panic!("{events:?}")
    };
    assert_eq!(id, sent);
    assert_empty(&endpoint);
}

#[test]
fn a_port_unreachable_ends_a_request_rfc3261_18_4() {
    let mut endpoint = endpoint();
    endpoint.request(at(0), ours(Method::Invite), udp(), None).unwrap();
    let ticket = transmit(&mut endpoint).ticket.unwrap();
    endpoint.handle_undelivered(at(1), ticket, Fault::Refused);
    let events = events(&mut endpoint);
    let [Event::Failed { failure: Failure::Transport(Fault::Refused), .. }] = events[..] else {
        panic!("{events:?}")
    };
    assert_empty(&endpoint);
}

#[test]
fn late_news_of_a_datagram_does_not_end_an_answered_invite_rfc3261_17_1_4() {
    let mut endpoint = endpoint();
    let (id, request) = send(&mut endpoint, Method::Invite);
    endpoint.handle_deadline(at(500));
    let ticket = transmit(&mut endpoint).ticket.unwrap();
    take(&mut endpoint, 600, &answer(&request, 180));
    assert_eq!(told(&mut endpoint), [180]);
    endpoint.handle_undelivered(at(601), ticket, Fault::Refused);
    assert!(events(&mut endpoint).is_empty());
    assert_eq!(endpoint.cancel(at(700), id, None), Ok(()));
}

#[test]
fn a_cancel_goes_where_its_invite_went_with_the_same_branch_rfc3261_9_1() {
    let mut endpoint = endpoint();
    let (id, request) = send(&mut endpoint, Method::Invite);
    endpoint.cancel(at(5), id, Some("SIP;cause=200")).unwrap();
    assert!(transmits(&mut endpoint).is_empty(), "not before a provisional response");
    take(&mut endpoint, 10, &answer(&request, 180));
    let (cancel, flow) = sent_request(&mut endpoint);
    assert_eq!((cancel.method(), flow), (&Method::Cancel, udp()));
    assert_eq!(cancel.branch(), request.branch());
    assert_eq!(cancel.headers().value(HeaderName::Reason), Some(&b"SIP;cause=200"[..]));
    assert_eq!(told(&mut endpoint), [180]);

    endpoint.handle_deadline(at(510));
    assert_eq!(sent_request(&mut endpoint).0.method(), &Method::Cancel, "by Timer E");
    take(&mut endpoint, 520, &answer(&cancel, 200));
    assert!(events(&mut endpoint).is_empty(), "nobody asked for the CANCEL's outcome");
    take(&mut endpoint, 530, &answer(&request, 487));
    assert_eq!(told(&mut endpoint), [487]);
    assert_eq!(sent_request(&mut endpoint).0.method(), &Method::Ack);
    run_out(&mut endpoint);
    assert_empty(&endpoint);
    assert_eq!(endpoint.cancel(at(99_000), id, None), Err(Gone));
}

#[test]
fn an_invite_that_no_487_follows_ends_64_t1_behind_its_cancel_rfc3261_9_1() {
    let mut endpoint = endpoint();
    let (id, request) = send(&mut endpoint, Method::Invite);
    take(&mut endpoint, 10, &answer(&request, 180));
    endpoint.cancel(at(1_000), id, None).unwrap();
    let (cancel, _) = sent_request(&mut endpoint);
    take(&mut endpoint, 1_001, &answer(&cancel, 200));
    events(&mut endpoint);
    endpoint.handle_deadline(at(32_999));
    assert!(events(&mut endpoint).is_empty());
    endpoint.handle_deadline(at(33_000));
    assert!(matches!(events(&mut endpoint)[..], [Event::Failed { failure: Failure::Timeout, .. }]));
}

#[test]
fn what_cannot_be_a_request_of_its_own_is_refused() {
    let mut endpoint = Endpoint::new(EndpointConfig { max_transactions: 1, ..config() }, [1; 32]);
    let v6 = Flow {
        remote: "[2001:db8::1]:5060".parse().unwrap(),
        local: "[::]:5060".parse().unwrap(),
        ..udp()
    };
    for (request, flow, error) in [
        (ours(Method::Ack), udp(), RequestError::Method),
        (ours(Method::Cancel), udp(), RequestError::Method),
        (ours(Method::Options), v6, RequestError::NoListener),
    ] {
        assert_eq!(endpoint.request(at(0), request, flow, None), Err(error));
    }
    send(&mut endpoint, Method::Options);
    let one_more = endpoint.request(at(0), ours(Method::Options), udp(), None);
    assert_eq!(one_more, Err(RequestError::TooMany));
    assert!(transmits(&mut endpoint).is_empty());
}

#[test]
fn the_same_seed_gives_the_same_octets() {
    let run = |seed| {
        let mut endpoint = Endpoint::new(config(), [seed; 32]);
        endpoint.request(at(0), ours(Method::Options), udp(), None).unwrap();
        (
            transmit(&mut endpoint).octets,
            endpoint.new_tag(),
            endpoint.new_call_id(),
            endpoint.random(),
        )
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1), run(2));
}

#[test]
fn our_call_ids_begin_as_the_endpoint_was_told() {
    let mut endpoint =
        Endpoint::new(EndpointConfig { own_calls: "worker-2-".into(), ..config() }, [1; 32]);
    let (one, other) = (endpoint.new_call_id(), endpoint.new_call_id());
    assert!(one.starts_with("worker-2-") && other.starts_with("worker-2-") && one != other);
}
