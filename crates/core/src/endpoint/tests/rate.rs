//! Overload control by rate (RFC 7415): what is heeded, and what is told.

use super::overload::{feedback, offering_endpoint, offering_these, told_by_neighbour};
use super::*;
use crate::endpoint::RequestError;

/// A neighbour says how many requests a second it wants, for a minute.
fn told_rate(endpoint: &mut Endpoint, now: u64, rate: u32, sequence: u32) {
    let parameters = format!(";oc={rate};oc-algo=\"rate\";oc-validity=60000;oc-seq=7.{sequence}");
    told_by_neighbour(endpoint, now, &parameters);
}

fn is_sent(endpoint: &mut Endpoint, now: u64, request: Request) -> bool {
    let sent = endpoint.request(at(now), request, udp(), None);
    assert!(matches!(sent, Ok(_) | Err(RequestError::KeptBack)), "{sent:?}");
    transmits(endpoint);
    sent.is_ok()
}

/// How many are sent of one new request a millisecond.
fn sent_between(endpoint: &mut Endpoint, from: u64, to: u64) -> usize {
    (from..to).filter(|now| is_sent(endpoint, *now, ours(Method::Options))).count()
}

/// A request of a call that there is.
fn of_a_call() -> Request {
    let uri = UriBuf::parse("sip:bob@biloxi.example").unwrap();
    let to = "<sip:bob@biloxi.example>;tag=2";
    let builder = Request::builder(Method::Bye, uri);
    builder.identity("<sip:alice@atlanta.example>;tag=1", to, "c1", 2).build().unwrap()
}

#[test]
fn no_more_requests_a_second_are_sent_than_the_neighbour_wants_rfc7415_3_5_1() {
    let mut endpoint = offering_endpoint();
    told_rate(&mut endpoint, 0, 50, 1);
    let burst = sent_between(&mut endpoint, 0, 200) + sent_between(&mut endpoint, 200, 1000);
    assert!((50..=57).contains(&burst), "{burst}");
    assert_eq!(sent_between(&mut endpoint, 1000, 3000), 100);
    assert!(endpoint.counters().kept_back > 2800);
    // Who sends less than that is not held up at all.
    let spread = (0..20).filter(|n| is_sent(&mut endpoint, 4000 + n * 50, ours(Method::Options)));
    assert_eq!(spread.count(), 20);
}

#[test]
fn a_new_rate_does_not_forget_what_has_been_sent_rfc7415_3_5_1() {
    let mut endpoint = offering_endpoint();
    told_rate(&mut endpoint, 0, 50, 1);
    sent_between(&mut endpoint, 0, 1000);
    let again = (2..12).map(|sequence| {
        let now = 1000 + u64::from(sequence) * 100;
        told_rate(&mut endpoint, now, 50, sequence);
        1 + sent_between(&mut endpoint, now + 1, now + 80)
    });
    let sent: usize = again.sum();
    assert!((50..=57).contains(&sent), "{sent}");
}

#[test]
fn a_rate_of_nothing_is_nothing_and_a_validity_of_nothing_is_the_end_rfc7415_3_5_1() {
    let mut endpoint = offering_endpoint();
    told_rate(&mut endpoint, 0, 0, 1);
    assert!(!is_sent(&mut endpoint, 1, ours(Method::Options)));
    assert!(!is_sent(&mut endpoint, 1, of_a_call()));
    assert_eq!(sent_between(&mut endpoint, 60_000, 60_100), 100, "its time is over");

    let mut endpoint = offering_endpoint();
    told_rate(&mut endpoint, 0, 100, 1);
    told_by_neighbour(&mut endpoint, 10, ";oc=0;oc-algo=\"rate\";oc-validity=0;oc-seq=8.1");
    assert_eq!(sent_between(&mut endpoint, 10, 110), 100);
}

#[test]
fn requests_of_calls_find_room_where_others_find_none_rfc7415_3_5_2() {
    let mut endpoint = offering_endpoint();
    told_rate(&mut endpoint, 0, 10, 1);
    let ordinary = (0..100).filter(|_| is_sent(&mut endpoint, 1, ours(Method::Options))).count();
    let spared = (0..100).filter(|_| is_sent(&mut endpoint, 1, of_a_call())).count();
    assert!((5..=7).contains(&ordinary), "{ordinary}");
    assert!((4..=6).contains(&spared), "{spared}");
    // In the long run they take the whole rate for themselves.
    let both = (2..10_000).map(|now| {
        let spared = is_sent(&mut endpoint, now, of_a_call());
        (spared, is_sent(&mut endpoint, now, ours(Method::Options)))
    });
    let (spared, ordinary) = both.fold((0, 0), |(spared, ordinary), (one, other)| {
        (spared + usize::from(one), ordinary + usize::from(other))
    });
    assert!((98..=102).contains(&spared) && ordinary == 0, "{spared} {ordinary}");
}

#[test]
fn neighbours_that_begin_together_do_not_go_on_together_rfc7415_3_5_3() {
    let seconds: std::collections::BTreeSet<u64> = (0..20)
        .map(|seed| {
            let config = EndpointConfig { offers_overload_control: true, ..config() };
            let mut endpoint = Endpoint::new(config, [seed; 32]);
            told_rate(&mut endpoint, 0, 1, 1);
            while is_sent(&mut endpoint, 1, ours(Method::Options)) {}
            (1..).find(|now| is_sent(&mut endpoint, *now, ours(Method::Options))).unwrap()
        })
        .collect();
    assert!(seconds.len() > 10, "{seconds:?}");
}

/// Has new requests of a neighbour come one a millisecond; every fourth comes too late. What the
/// last of them is told.
fn overload(endpoint: &mut Endpoint, from: u64, to: u64, late: bool) -> (String, String, String) {
    let mut last = None;
    for now in from..to {
        let delay = if late && now % 4 == 0 { 401 } else { 0 };
        endpoint.set_delay(Duration::from_millis(delay));
        let offer = offering_these(&now.to_string(), "rate, loss");
        endpoint.handle_datagram(at(now), udp(), offer);
        match endpoint.next_event() {
            Some(Event::Request { id, request, .. }) => {
                endpoint.respond(at(now), id, answer(&request, 486)).unwrap();
            }
            other => assert!(other.is_none(), "{other:?}"),
        }
        last = Some(sent_response(endpoint).0);
    }
    let (oc, algorithm, validity, _) = feedback(&last.unwrap());
    (oc, algorithm, validity)
}

#[test]
fn a_neighbour_that_likes_it_best_is_told_a_rate_rfc7415_3_4() {
    let mut endpoint = endpoint();
    let (oc, algorithm, validity) = overload(&mut endpoint, 0, 300, false);
    // RFC 7339 §5.1: that nothing is wanted of it is told by the validity.
    assert_eq!((&*oc, &*algorithm, &*validity), ("0", "rate", "0"));

    let (oc, algorithm, validity) = overload(&mut endpoint, 300, 1001, true);
    assert_eq!((&*algorithm, &*validity), ("rate", "500"));
    let rate: u32 = oc.parse().unwrap();
    assert!((700..=800).contains(&rate), "{rate}: of a thousand a second a fourth is too much");

    // Nothing is too much any more: step by step more may come.
    let (oc, ..) = overload(&mut endpoint, 1001, 1450, false);
    let more: u32 = oc.parse().unwrap();
    assert!(more > rate && more < 2 * rate, "{more}");
    let (oc, _, validity) = overload(&mut endpoint, 1450, 3500, false);
    assert_eq!((&*oc, &*validity), ("0", "0"), "it has no use for more");
}

#[test]
fn the_choice_stays_and_who_likes_loss_best_is_told_a_part_rfc7339_5_8() {
    let mut endpoint = endpoint();
    let lists = [
        ("rate", "rate"),
        ("rate,loss", "rate"),
        ("loss,rate", "loss"),
        ("window, rate", "rate"),
        ("window", "loss"),
        ("", "loss"),
    ];
    for (round, (list, chosen)) in (0..4).flat_map(|round| lists.map(|list| (round, list))) {
        let offer = offering_these(&format!("{round}{}", list.replace([',', ' '], "")), list);
        endpoint.handle_datagram(at(round), udp(), offer);
        let (id, request) = requested(&mut endpoint);
        assert!(!request.top_via().unwrap().params().has("oc-algo"), "{list}");
        endpoint.respond(at(round), id, answer(&request, 486)).unwrap();
        assert_eq!(feedback(&sent_response(&mut endpoint).0).1, chosen, "{list}");
    }
}
