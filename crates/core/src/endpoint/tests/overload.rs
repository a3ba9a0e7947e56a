//! What is refused, and what is told and heeded, when more comes than can be handled.

use antiphon_sip::HeaderName;

use super::*;
use crate::endpoint::RequestError;

const LATE: Duration = Duration::from_millis(110);

const FAR_TOO_LATE: Duration = Duration::from_millis(401);

/// An endpoint whose messages have waited for too long.
fn late() -> Endpoint {
    let mut endpoint = endpoint();
    endpoint.set_delay(FAR_TOO_LATE);
    endpoint
}

fn with_header(octets: &Bytes, line: &str) -> Bytes {
    let text = String::from_utf8(octets.to_vec()).unwrap();
    text.replace("Max-Forwards", &format!("{line}\r\nMax-Forwards")).into()
}

#[test]
fn a_new_request_is_refused_without_state_when_too_much_waits_rfc3261_21_5_4() {
    let mut endpoint = late();
    for method in ["INVITE", "REGISTER", "OPTIONS", "SUBSCRIBE", "MESSAGE"] {
        endpoint.handle_datagram(at(0), udp(), from_peer(method));
        let (refusal, _) = sent_response(&mut endpoint);
        assert_eq!(refusal.status(), StatusCode::SERVICE_UNAVAILABLE, "{method}");
        let seconds: u64 = refusal.headers().text(HeaderName::RetryAfter).unwrap().parse().unwrap();
        assert!((10..20).contains(&seconds));
    }
    assert!(events(&mut endpoint).is_empty());
    assert_eq!(endpoint.counters().shed, 5);
    assert_empty(&endpoint);
}

#[test]
fn a_moment_of_delay_is_made_up_for_and_a_standing_one_is_not() {
    let mut endpoint = endpoint();
    endpoint.set_delay(LATE);
    let at_time = |endpoint: &mut Endpoint, millis: u64| {
        let top = format!("UDP pc.example;rport;branch=z9hG4bK{millis}");
        endpoint.handle_datagram(at(millis), udp(), octets("OPTIONS", &top, ""));
        events(endpoint).len() == 1
    };
    assert!(at_time(&mut endpoint, 0) && at_time(&mut endpoint, 149));
    assert!(!at_time(&mut endpoint, 150) && !at_time(&mut endpoint, 200));
    // In time once, or long ago: it begins anew.
    endpoint.set_delay(Duration::ZERO);
    assert!(at_time(&mut endpoint, 201));
    endpoint.set_delay(LATE);
    assert!(at_time(&mut endpoint, 202) && at_time(&mut endpoint, 1000));
    assert!(at_time(&mut endpoint, 1149) && !at_time(&mut endpoint, 1150));
}

#[test]
fn the_ack_of_such_a_refusal_goes_nowhere_rfc3261_8_2_7() {
    let mut endpoint = late();
    endpoint.handle_datagram(at(0), udp(), from_peer("INVITE"));
    let (refusal, _) = sent_response(&mut endpoint);
    let to_tag = format!(";tag={}", refusal.to_tag().unwrap());
    let ack = octets("ACK", "UDP pc.example;rport;branch=z9hG4bKpeer", &to_tag);
    endpoint.handle_datagram(at(1), udp(), ack);
    assert!(events(&mut endpoint).is_empty());
    assert!(transmits(&mut endpoint).is_empty());
}

#[test]
fn requests_of_calls_and_calls_for_help_are_taken_all_the_same_rfc7339_5_10_1() {
    let mut endpoint = late();
    let branch = |name: &str| format!("UDP pc.example;rport;branch=z9hG4bK{name}");
    let help = octets("INVITE", &branch("help"), "");
    let help = String::from_utf8(help.to_vec()).unwrap();
    let help = help.replace("INVITE sip:bob@biloxi.example", "INVITE urn:service:sos.fire");
    let marked = octets("INVITE", &branch("marked"), "");
    for taken in [
        octets("BYE", &branch("bye"), ";tag=1"),
        octets("INVITE", &branch("again"), ";tag=1"),
        help.into(),
        with_header(&marked, "Resource-Priority: wps.3, esnet.1"),
    ] {
        endpoint.handle_datagram(at(0), udp(), taken);
        requested(&mut endpoint);
    }
    assert_eq!(endpoint.counters().shed, 0);
}

#[test]
fn a_request_that_was_taken_before_is_no_new_one_rfc3261_17_2_1() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), from_peer("INVITE"));
    let (id, request) = requested(&mut endpoint);
    endpoint.respond(at(0), id, answer(&request, 180)).unwrap();
    assert_eq!(status(&mut endpoint), 180);
    endpoint.set_delay(FAR_TOO_LATE);
    endpoint.handle_datagram(at(500), udp(), from_peer("INVITE"));
    assert_eq!(status(&mut endpoint), 180);
}

#[test]
fn as_soon_as_nothing_waits_requests_are_taken_again() {
    let mut endpoint = late();
    endpoint.handle_datagram(at(0), udp(), from_peer("INVITE"));
    assert_eq!(status(&mut endpoint), 503);
    endpoint.set_delay(Duration::ZERO);
    endpoint.handle_datagram(at(500), udp(), from_peer("INVITE"));
    requested(&mut endpoint);
}

/// An INVITE of a neighbour that takes part in overload control.
fn offering(branch: &str) -> Bytes {
    offering_these(branch, "loss,rate")
}

pub(super) fn offering_these(branch: &str, algorithms: &str) -> Bytes {
    let top = format!("UDP pc.example;oc;branch=z9hG4bK{branch};oc-algo=\"{algorithms}\";rport");
    octets("INVITE", &top, "")
}

/// What the topmost Via says: oc, oc-algo, oc-validity, and the number that oc-seq is.
pub(super) fn feedback(response: &Response) -> (String, String, String, f64) {
    let via = response.top_via().unwrap();
    let value = |name| via.params().value(name).unwrap().to_owned();
    (value("oc"), value("oc-algo"), value("oc-validity"), value("oc-seq").parse().unwrap())
}

#[test]
fn a_neighbour_that_offers_it_hears_how_much_is_too_much_rfc7339_5_2() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), offering("first"));
    let (id, request) = requested(&mut endpoint);
    // §5.6: what is between two neighbours goes no further.
    assert_eq!(
        request.headers().text(HeaderName::Via),
        Some("SIP/2.0/UDP pc.example;branch=z9hG4bKfirst;rport=40000;received=192.0.2.4")
    );
    endpoint.respond(at(0), id, answer(&request, 180)).unwrap();
    let (oc, algorithm, validity, first) = feedback(&sent_response(&mut endpoint).0);
    assert_eq!((&*oc, &*algorithm, &*validity), ("0", "loss", "0"));

    for (index, delay) in [0, 401, 401, 401].into_iter().enumerate() {
        endpoint.set_delay(Duration::from_millis(delay));
        endpoint.handle_datagram(at(201), udp(), offering(&index.to_string()));
    }
    transmits(&mut endpoint);
    events(&mut endpoint);
    endpoint.handle_datagram(at(402), udp(), offering("last"));
    let (refusal, _) = sent_response(&mut endpoint);
    let (oc, algorithm, validity, last) = feedback(&refusal);
    assert_eq!((&*oc, &*algorithm, &*validity), ("75", "loss", "500"));
    assert!(last > first, "{last} {first}");
    // §5.10.2: it knows better than to stay away for seconds.
    assert!(!refusal.headers().has(HeaderName::RetryAfter));
}

#[test]
fn who_offers_nothing_is_told_nothing_rfc7339_5_2() {
    let mut endpoint = endpoint();
    endpoint.handle_datagram(at(0), udp(), from_peer("INVITE"));
    let (id, request) = requested(&mut endpoint);
    endpoint.respond(at(0), id, answer(&request, 180)).unwrap();
    let (response, _) = sent_response(&mut endpoint);
    assert!(!response.top_via().unwrap().params().has("oc"));
}

pub(super) fn offering_endpoint() -> Endpoint {
    Endpoint::new(EndpointConfig { offers_overload_control: true, ..config() }, [1; 32])
}

/// Sends a request, and has it answered with `oc` parameters.
pub(super) fn told_by_neighbour(endpoint: &mut Endpoint, now: u64, parameters: &str) {
    endpoint.request(at(now), ours(Method::Options), udp(), None).unwrap();
    let (request, _) = sent_request(endpoint);
    let text = String::from_utf8(answer(&request, 200).to_bytes().to_vec()).unwrap();
    let text = text.replace(";oc;oc-algo=\"loss\"", parameters);
    endpoint.handle_datagram(at(now), udp(), text.into());
    assert_eq!(told(endpoint), [200]);
}

/// How many of a hundred new requests are sent.
fn sent_of_hundred(endpoint: &mut Endpoint, now: u64) -> usize {
    let send = |_: &usize| {
        let sent = endpoint.request(at(now), ours(Method::Options), udp(), None);
        assert!(matches!(sent, Ok(_) | Err(RequestError::KeptBack)), "{sent:?}");
        sent.is_ok()
    };
    let count = (0..100).filter(send).count();
    transmits(endpoint);
    count
}

#[test]
fn support_is_offered_in_every_request_rfc7339_5_1() {
    let mut endpoint = offering_endpoint();
    let (_, request) = send(&mut endpoint, Method::Invite);
    let via = request.top_via().unwrap();
    assert_eq!(via.params().get("oc"), Some(None));
    assert_eq!(via.params().value("oc-algo"), Some("loss"), "Kamailio reads no list");
    assert!(!via.params().has("oc-validity") && !via.params().has("oc-seq"));
}

#[test]
fn what_a_neighbour_asks_for_is_kept_to_while_it_holds_rfc7339_5_5() {
    let mut endpoint = offering_endpoint();
    let parameters = ";oc=60;oc-algo=\"loss\";oc-validity=1000;oc-seq=7.1";
    told_by_neighbour(&mut endpoint, 0, parameters);
    let sent = sent_of_hundred(&mut endpoint, 999);
    assert!((25..=55).contains(&sent), "{sent} of 100");
    assert_eq!(endpoint.counters().kept_back, 100 - sent as u64);
    // Other neighbours have said nothing, and this wish ends.
    let other = Flow { remote: "192.0.2.5:5060".parse().unwrap(), ..udp() };
    for _ in 0..20 {
        endpoint.request(at(999), ours(Method::Options), other, None).unwrap();
    }
    assert_eq!(sent_of_hundred(&mut endpoint, 1000), 100);
}

#[test]
fn an_older_wish_does_not_replace_a_newer_one_rfc7339_4_4() {
    let mut endpoint = offering_endpoint();
    told_by_neighbour(&mut endpoint, 0, ";oc=0;oc-algo=\"loss\";oc-validity=0;oc-seq=6.9");
    let all = ";oc=100;oc-algo=\"loss\";oc-validity=1000;oc-seq=7.1";
    told_by_neighbour(&mut endpoint, 0, all);
    let old = endpoint.request(at(1), ours(Method::Options), udp(), None);
    assert_eq!(old.err(), Some(RequestError::KeptBack));
    assert_eq!(sent_of_hundred(&mut endpoint, 1), 0);
}

#[test]
fn what_is_not_understood_of_a_neighbour_changes_nothing_rfc7339_4_2() {
    for odd in [
        ";oc=100;oc-algo=\"window\";oc-seq=7.1",
        ";oc=100;oc-algo=\"loss\"",
        ";oc=many;oc-algo=\"loss\";oc-seq=7.1",
        ";oc=100;oc-algo=\"loss\";oc-validity=0;oc-seq=7.1",
        ";oc",
    ] {
        let mut endpoint = offering_endpoint();
        told_by_neighbour(&mut endpoint, 0, odd);
        assert_eq!(sent_of_hundred(&mut endpoint, 1), 100, "{odd}");
    }
}
