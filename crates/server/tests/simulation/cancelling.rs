//! CANCEL, Timer C and branches that never answer (RFC 3261 §16.8, §16.10; RFC 4320 §4).

use antiphon_sip::HeaderName;

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

#[test]
fn a_cancel_while_it_rings_ends_in_487_rfc3261_16_10() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::rings());
    let invite = Text::invite("sip:bob@example.org");
    assert_eq!(world.status(alice, &invite), 180);
    let cancel = invite.cancel().header("Reason", "SIP;cause=487;text=\"Enough\"");
    let last = world.ask(alice, &cancel);
    assert_eq!(last.status().as_u16(), 487);
    world.send(alice, &invite.ack_of(&last));
    assert_eq!(world.statuses(alice)[..4], [100, 180, 200, 487]);
    let cancel = world.heard(bob, "CANCEL").remove(0);
    let reason = cancel.headers().text(HeaderName::Reason);
    assert_eq!(reason, Some("SIP;cause=487;text=\"Enough\""), "RFC 3326");
    world.settle();
}

#[test]
fn a_cancel_before_any_answer_waits_for_one_rfc3261_9_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::says(&[(2, 180)]));
    world.sim.cut_one_way(bob, world.server);
    let invite = Text::invite("sip:bob@example.org");
    world.send(alice, &invite);
    world.sim.run_for(std::time::Duration::from_millis(100));
    world.send(alice, &invite.cancel());
    world.sim.run_for(std::time::Duration::from_millis(900));
    assert_eq!(world.heard(bob, "CANCEL").len(), 0);
    world.sim.heal_all();
    world.run_for_seconds(3);
    assert_eq!(world.heard(bob, "CANCEL").len(), 1);
    assert_eq!(world.statuses(alice)[..3], [100, 200, 487]);
    world.settle();
}

#[test]
fn a_cancel_of_a_call_to_nobody_is_487_rfc3261_9_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@192.0.2.99", 1000);
    let invite = Text::invite("sip:bob@example.org");
    world.send(alice, &invite);
    world.run_for_seconds(1);
    world.send(alice, &invite.cancel());
    world.run_for_seconds(40);
    assert_eq!(world.statuses(alice)[..3], [100, 200, 487]);
    world.settle();
}

#[test]
fn a_cancel_of_nothing_is_481_rfc3261_9_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    assert_eq!(world.status(alice, &Text::new("CANCEL", "sip:bob@example.org")), 481);
    world.settle();
}

#[test]
fn a_cancel_during_a_look_up_ends_it_rfc3261_16_10() {
    let mut world = World::new(1);
    world.sim.resolve_time(std::time::Duration::from_secs(5));
    world.sim.host("bob.example", &["192.0.2.2"]);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.phone("bob", "192.0.2.2:5060", Script::rings());
    world.bind("bob", "sip:bob@bob.example", 1000);
    let invite = Text::invite("sip:bob@example.org");
    world.send(alice, &invite);
    world.run_for_seconds(1);
    assert_eq!(world.status(alice, &invite.cancel()), 487);
    world.run_for_seconds(60);
    assert!(world.heard(bob, "INVITE").is_empty());
    world.settle();
}

#[test]
fn a_call_that_is_answered_while_it_is_cancelled_is_answered_rfc3261_16_10() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    let invite = Text::invite("sip:bob@example.org");
    world.send(alice, &invite);
    world.sim.run_for(std::time::Duration::from_millis(500));
    world.sim.cut_one_way(world.server, bob);
    world.send(alice, &invite.cancel());
    world.run_for_seconds(1);
    world.sim.heal_all();
    world.run_for_seconds(1);
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    world.settle();
}

#[test]
fn timer_c_ends_what_rings_for_more_than_three_minutes_rfc3261_16_8() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::rings());
    world.send(alice, &Text::invite("sip:bob@example.org"));
    world.run_for_seconds(181);
    assert!(world.heard(bob, "CANCEL").is_empty(), "not within three minutes");
    world.run_for_seconds(10);
    assert_eq!(world.heard(bob, "CANCEL").len(), 1);
    assert_eq!(world.statuses(alice), [100, 180, 408]);
    world.settle();
}

#[test]
fn timer_c_begins_anew_with_every_provisional_but_100_rfc3261_16_7_step_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let script = Script::says(&[(0, 180), (150, 180), (300, 100), (320, 200)]);
    world.bound("bob", "192.0.2.2:5060", script);
    world.send(alice, &Text::invite("sip:bob@example.org"));
    world.run_for_seconds(325);
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    world.settle();
}

#[test]
fn timer_c_is_no_chance_for_the_next_address_rfc3261_16_8() {
    let mut world = World::new(1);
    world.sim.host("bob.example", &["192.0.2.2", "192.0.2.3"]);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let one = world.phone("one", "192.0.2.2:5060", Script::rings());
    let two = world.phone("two", "192.0.2.3:5060", Script::rings());
    world.bind("bob", "sip:bob@bob.example", 1000);
    world.send(alice, &Text::invite("sip:bob@example.org"));
    world.run_for_seconds(1);
    world.sim.after(std::time::Duration::from_secs(10), move |sim| sim.stop(one));
    world.run_for_seconds(230);
    assert_eq!(world.statuses(alice), [100, 180, 408]);
    assert!(world.heard(two, "INVITE").is_empty());
    world.settle();
}

#[test]
fn timer_c_of_one_address_is_not_that_of_the_next_rfc3261_16_8() {
    let mut world = World::new(1);
    world.sim.host("bob.example", &["192.0.2.99", "192.0.2.2"]);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.phone("bob", "192.0.2.2:5060", Script::says(&[(0, 180), (170, 200)]));
    world.bind("bob", "sip:bob@bob.example", 1000);
    world.send(alice, &Text::invite("sip:bob@example.org"));
    world.run_for_seconds(210);
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    world.settle();
}

#[test]
fn an_invite_that_nobody_answers_is_408_rfc3261_16_7_step_6() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@192.0.2.99", 1000);
    world.send(alice, &Text::invite("sip:bob@example.org"));
    world.run_for_seconds(40);
    assert_eq!(world.statuses(alice), [100, 408]);
    world.settle();
}

#[test]
fn another_request_that_nobody_answers_gets_no_408_rfc4320_4_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@192.0.2.99", 1000);
    world.bind("bob", "sip:bob@192.0.2.98", 500);
    world.send(alice, &Text::new("MESSAGE", "sip:bob@example.org"));
    world.run_for_seconds(200);
    assert!(world.statuses(alice).iter().all(|status| *status == 100));
    let to_second = world.sim.capture().iter();
    let second = "192.0.2.98:5060".parse().unwrap();
    assert_eq!(to_second.filter(|record| record.to == second).count(), 0, "too late to begin");
    world.settle_in_silence(1);
}

#[test]
fn a_cancel_while_the_store_is_asked_ends_it_rfc3261_9_2() {
    let mut world = World::with_slow_stores(std::time::Duration::from_secs(2));
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::rings());
    let invite = Text::invite("sip:bob@example.org");
    world.send(alice, &invite);
    world.run_for_seconds(1);
    assert_eq!(world.status(alice, &invite.cancel()), 487);
    assert!(world.heard(bob, "INVITE").is_empty());
    world.settle();
}
