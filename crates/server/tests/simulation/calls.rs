//! A call from INVITE to BYE (RFC 3261 §16.6, §16.7, §16.11).

use antiphon_sip::HeaderName;
use antiphon_sip::header::{RecordRoute, Via};

use crate::phone::Script;
use crate::text::{Text, contact};
use crate::world::World;

#[test]
fn a_call_goes_through_and_stays_on_our_path_rfc3261_16() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    let invite = Text::invite("sip:bob@example.org");
    let ok = world.ask(alice, &invite);
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    assert_eq!(ok.headers().list::<Via<'_>>().count(), 1, "ours is taken off (16.7 step 3)");
    assert_eq!(contact(&ok), "sip:bob@192.0.2.2:5060");

    let heard = world.heard(bob, "INVITE").remove(0);
    assert_eq!(heard.uri_text(), "sip:bob@192.0.2.2:5060", "16.6 step 2");
    assert_eq!(heard.headers().text(HeaderName::MaxForwards), Some("69"), "16.6 step 3");
    assert_eq!(heard.headers().list::<Via<'_>>().count(), 2, "16.6 step 8");
    let route = heard.headers().first::<RecordRoute<'_>>().unwrap().unwrap().to_string();
    assert!(route.ends_with("@192.0.2.10:5060;lr>"), "16.6 step 4: {route}");

    world.send(alice, &invite.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    let ack = world.heard(bob, "ACK").remove(0);
    assert_eq!(ack.uri_text(), "sip:bob@192.0.2.2:5060");
    assert!(!ack.headers().has(HeaderName::Route), "our Route is taken off (16.4)");

    assert_eq!(world.status(alice, &invite.in_dialog("BYE", &ok)), 200);
    assert_eq!(world.heard(bob, "BYE").len(), 1);
    world.settle();
}

#[test]
fn the_callee_hangs_up_by_the_same_route_rfc3261_12_2_1_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    let bob = world.peer("bob", "192.0.2.2:5060");
    let answer = |status| {
        move |heard: &antiphon_testkit::Heard| {
            let octets = heard.response_with(status, |response| {
                response
                    .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
                    .copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        }
    };
    world.sim.with(bob, |bob, _| bob.answer_with(answer(antiphon_sip::StatusCode::OK)));
    let invite = Text::invite("sip:bob@example.org");
    let ok = world.ask(alice, &invite);
    world.send(alice, &invite.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    world.sim.with(alice, |alice, _| alice.answer_with(answer(antiphon_sip::StatusCode::OK)));

    let heard = world.sim.node(bob).requests().remove(0);
    let route = heard.headers().text(HeaderName::RecordRoute).unwrap().to_owned();
    let to = heard.from_text().to_owned();
    let bye = Text::new("BYE", "sip:stranger@192.0.2.1:5060")
        .from("sip:bob@example.org")
        .to(&to)
        .call_id(heard.call_id())
        .header("Route", &route);
    assert_eq!(world.status(bob, &bye), 200, "no challenge inside the dialog");
    let bye = world.sim.node(alice).requests().pop().unwrap();
    assert_eq!((bye.method().as_str(), bye.headers().has(HeaderName::Route)), ("BYE", false));
    world.settle();
}

#[test]
fn a_call_outlives_a_restart_of_the_server() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let invite = Text::invite("sip:bob@example.org");
    let ok = world.ask(alice, &invite);
    world.send(alice, &invite.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    world.restart();
    assert_eq!(world.status(alice, &invite.in_dialog("BYE", &ok)), 200);
    assert_eq!(world.heard(bob, "BYE").len(), 1);
}

#[test]
fn a_repeated_invite_is_not_forwarded_twice_rfc3261_17_2_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    let ringing = antiphon_sip::StatusCode::RINGING;
    world.sim.with(bob, |bob, _| {
        bob.answer_with(move |heard| {
            heard.response(ringing).map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    let invite = Text::invite("sip:bob@example.org");
    for _ in 0..3 {
        assert_eq!(world.status(alice, &invite), 180);
    }
    assert_eq!(world.sim.node(bob).requests().len(), 1);
    let heard: Vec<_> =
        world.sim.node(alice).responses().iter().map(|heard| heard.status().as_u16()).collect();
    assert_eq!(heard, [100, 180, 180, 180], "a repetition gets the last provisional");
}

#[test]
fn a_repeated_2xx_is_forwarded_each_time_rfc3261_16_7_step_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let invite = Text::invite("sip:bob@example.org");
    let ok = world.ask(alice, &invite);
    world.run_for_seconds(20);
    let heard = world.sim.node(alice).responses();
    let repeated = heard.iter().filter(|heard| heard.status().as_u16() == 200).count();
    assert!(repeated > 4, "{repeated}");
    world.send(alice, &invite.in_dialog("ACK", &ok));
    world.run_for_seconds(8);
    let before = world.sim.node(alice).responses().len();
    world.run_for_seconds(8);
    assert_eq!(world.sim.node(alice).responses().len(), before, "the ACK arrived");
    world.settle();
}

#[test]
fn an_ack_to_a_host_name_waits_for_its_address_rfc3261_16_11() {
    let mut world = World::new(1);
    world.sim.host("bob.example", &["192.0.2.2"]);
    world.sim.resolve_time(std::time::Duration::from_millis(300));
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    world.sim.with(bob, |bob, _| {
        bob.answer_with(|heard| {
            let octets = heard.response_with(antiphon_sip::StatusCode::OK, |response| {
                response
                    .header(HeaderName::Contact, "<sip:bob@bob.example>")
                    .copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    let invite = Text::invite("sip:bob@example.org");
    let ok = world.ask(alice, &invite);
    world.send(alice, &invite.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    let heard = world.sim.node(bob).requests();
    assert_eq!(heard.last().map(|it| it.method().to_string()).as_deref(), Some("ACK"));
}

#[test]
fn provisional_responses_go_on_but_100_does_not_rfc3261_16_7_step_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::says(&[(0, 100), (0, 183), (1, 180), (2, 200)]));
    world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(world.statuses(alice), [100, 183, 180, 200], "one 100, our own");
}

#[test]
fn other_methods_are_forwarded_too() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::rings().others(202));
    for method in ["MESSAGE", "OPTIONS", "SUBSCRIBE", "FROBNICATE"] {
        assert_eq!(world.status(alice, &Text::new(method, "sip:bob@example.org")), 202);
        let heard = world.heard(bob, method).remove(0);
        let is_recorded = heard.headers().has(HeaderName::RecordRoute);
        assert_eq!(is_recorded, method == "SUBSCRIBE", "{method}");
    }
    world.settle();
}
