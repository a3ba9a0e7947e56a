//! The numbered steps of RFC 3261 §16.3, §16.6 and §16.7 that no other file here has a test for.

use std::time::Duration;

use antiphon_sip::header::{RecordRoute, Via};
use antiphon_sip::{HeaderName, StatusCode};

use crate::phone::Script;
use crate::text::Text;
use crate::world::{World, password};

fn invite() -> Text {
    Text::invite("sip:bob@example.org")
}

#[test]
fn step_1_what_is_no_request_is_400_and_what_is_odd_elsewhere_passes_rfc3261_16_3() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    assert_eq!(world.status(caller, &invite().max_forwards("many")), 400);
    assert!(world.heard(bob, "INVITE").is_empty());
    // A fault in a field that a proxy has no business with is not for it to judge.
    let odd = invite().header("Date", "yesterday").header("Subject", "\"");
    assert_eq!(world.status(caller, &odd), 200);
    assert_eq!(world.heard(bob, "INVITE")[0].headers().text(HeaderName::Date), Some("yesterday"));
}

#[test]
fn step_6_who_calls_in_our_name_shows_proxy_authorization_rfc3261_16_3() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let text = invite().from("sip:alice@example.org");
    let challenge = world.ask(caller, &text);
    assert_eq!(challenge.status(), StatusCode::PROXY_AUTHENTICATION_REQUIRED);
    assert!(challenge.headers().has(HeaderName::ProxyAuthenticate));
    assert!(world.heard(bob, "INVITE").is_empty());
    let answer = world.ask_as(caller, "alice", &password("alice"), &text.again());
    assert_eq!(answer.status(), StatusCode::OK);
    let heard = world.heard(bob, "INVITE").remove(0);
    assert!(!heard.headers().has(HeaderName::ProxyAuthorization), "it was for us (§22.3)");
}

#[test]
fn step_5_what_is_added_is_added_to_every_copy_rfc3261_16_6() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let one = world.bound("bob", "192.0.2.2:5060", Script::rings());
    let two = world.bound("bob", "192.0.2.3:5060", Script::answers(1));
    let text = invite().header("Supported", "histinfo");
    world.send(caller, &text);
    world.run_for_seconds(3);
    for phone in [one, two] {
        let heard = world.heard(phone, "INVITE").remove(0);
        assert!(heard.headers().has(HeaderName::HistoryInfo), "RFC 7044 §9.1");
        assert!(heard.headers().has(HeaderName::MaxBreadth), "RFC 5393 §5.3.3");
    }
}

#[test]
fn step_9_a_request_over_a_stream_has_its_content_length_rfc3261_16_6() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060;transport=tcp", 1000);
    let flow = world.sim.flow(caller, world.server);
    // Over UDP the field may be left out (§18.3).
    let text = invite().sdp("v=0\r\n").write(world.sim.address(caller), flow.transport);
    let text = text.replace("Content-Length: 5\r\n", "");
    world.sim.send(caller, flow, text);
    world.run_for_seconds(1);
    let heard = world.sim.node(bob).requests().remove(0);
    assert_eq!(heard.headers().text(HeaderName::ContentLength), Some("5"));
    assert_eq!(&heard.body()[..], b"v=0\r\n");
}

#[test]
fn step_10_the_copy_is_sent_by_a_client_transaction_rfc3261_16_6() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    world.send(caller, &invite());
    world.run_for_seconds(10);
    // Timer A: after 0.5, 1.5, 3.5 and 7.5 seconds.
    assert_eq!(world.sim.node(bob).requests().len(), 5);
    let client_transactions =
        world.sim.node(world.server).endpoint().counters().client_transactions;
    assert_eq!(client_transactions, 1);
}

#[test]
fn step_11_timer_c_runs_for_every_invite_and_for_more_than_three_minutes_rfc3261_16_6() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let first = world.bound("bob", "192.0.2.2:5060", Script::says(&[(0, 180)]));
    let second = world.bound("bob", "192.0.2.3:5060", Script::says(&[(10, 180)]));
    world.send(caller, &invite());
    world.run_for_seconds(180);
    assert!(world.heard(first, "CANCEL").is_empty() && world.heard(second, "CANCEL").is_empty());
    world.run_for_seconds(10);
    assert_eq!((world.heard(first, "CANCEL").len(), world.heard(second, "CANCEL").len()), (1, 0));
    world.run_for_seconds(10);
    assert_eq!(world.heard(second, "CANCEL").len(), 1);
}

#[test]
fn step_2_a_provisional_response_sets_timer_c_back_rfc3261_16_7() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let script = Script::says(&[(0, 180), (170, 183), (340, 200)]);
    let bob = world.bound("bob", "192.0.2.2:5060", script);
    world.send(caller, &invite());
    world.run_for_seconds(345);
    assert!(world.heard(bob, "CANCEL").is_empty());
    assert_eq!(world.statuses(caller), [100, 180, 183, 200]);
}

#[test]
fn step_5_provisionals_and_every_2xx_go_on_at_once_and_failures_wait_rfc3261_16_7() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::says(&[(0, 180), (1, 486)]));
    world.bound("bob", "192.0.2.3:5060", Script::says(&[(0, 183), (5, 200)]));
    world.send(caller, &invite());
    world.run_for_seconds(4);
    let mut early = world.statuses(caller);
    early.sort_unstable();
    assert_eq!(early, [100, 180, 183], "the 486 is held");
    world.run_for_seconds(2);
    assert_eq!(world.statuses(caller).last(), Some(&200));
}

#[test]
fn step_8_our_record_route_is_bound_to_whoever_answers_rfc3261_16_7() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let ok = world.ask(caller, &invite());
    let told = |headers: &antiphon_sip::Headers| -> Vec<(String, String)> {
        let halves = |route: &RecordRoute<'_>| {
            let text = route.to_string();
            let (user, place) = text.split_once('@').unwrap();
            (user.to_owned(), place.to_owned())
        };
        headers.list::<RecordRoute<'_>>().map(|route| halves(&route.unwrap())).collect()
    };
    let heard = world.heard(bob, "INVITE").remove(0);
    let (to_the_caller, to_bob) = (told(heard.headers()), told(ok.headers()));
    assert_eq!((to_the_caller.len(), to_bob.len()), (1, 1));
    assert_eq!(to_the_caller[0].1, to_bob[0].1, "the same place");
    assert_ne!(to_the_caller[0].0, to_bob[0].0, "that leads to the other side");
}

#[test]
fn step_9_what_goes_upstream_is_the_response_but_for_our_via_rfc3261_16_7() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    world.sim.with(bob, |bob, _| {
        bob.answer_with(|heard| {
            let octets = heard.response_with(StatusCode::BUSY_HERE, |response| {
                response.header(HeaderName::Subject, "as  it is").body("text/plain", "not  now")
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    let busy = world.ask(caller, &invite());
    assert_eq!(busy.status(), StatusCode::BUSY_HERE);
    assert_eq!(busy.headers().list::<Via<'_>>().count(), 1);
    assert_eq!(busy.headers().text(HeaderName::Subject), Some("as  it is"));
    assert_eq!(&busy.body()[..], b"not  now");
    assert_eq!(busy.to_tag(), Some("tag-486"));
}

#[test]
fn step_10_a_2xx_and_a_6xx_cancel_what_still_rings_rfc3261_16_7() {
    for ending in [200, 603] {
        let mut world = World::new(1);
        let caller = world.peer("caller", "192.0.2.1:5060");
        world.bound("bob", "192.0.2.2:5060", Script::says(&[(0, 180), (2, ending)]));
        let ringing = world.bound("bob", "192.0.2.3:5060", Script::rings());
        let silent = world.peer("silent", "192.0.2.4:5060");
        world.bind("bob", "sip:bob@192.0.2.4:5060", 1000);
        world.send(caller, &invite());
        world.sim.run_for(Duration::from_secs(4));
        assert_eq!(world.heard(ringing, "CANCEL").len(), 1, "{ending}");
        // Nothing has come from there, so there is nothing yet to cancel (§9.1).
        let methods: Vec<_> =
            world.sim.node(silent).requests().iter().map(|it| it.method().to_string()).collect();
        assert!(methods.iter().all(|method| method == "INVITE"), "{ending} {methods:?}");
    }
}
