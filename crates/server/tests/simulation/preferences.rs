//! What the caller prefers (RFC 3841).

use antiphon_sip::HeaderName;
use antiphon_testkit::Handle;

use crate::phone::{Phone, Script};
use crate::text::Text;
use crate::world::World;

/// A phone of Bob's with these features.
fn phone(world: &mut World, number: u8, params: &str, script: Script) -> Handle<Phone> {
    let address = format!("192.0.2.{number}:5060");
    world.bind_with("bob", &format!("sip:bob@{address}"), |binding| {
        binding.params = params.into();
    });
    world.phone(&format!("bob {number}"), &address, script)
}

fn invite() -> Text {
    Text::invite("sip:bob@example.org")
}

fn invited(world: &World, phone: Handle<Phone>) -> usize {
    world.heard(phone, "INVITE").len()
}

#[test]
fn who_has_not_what_is_required_is_not_called_rfc3841_7_2_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let video = phone(&mut world, 2, ";audio;video", Script::answers(0));
    let audio = phone(&mut world, 3, ";audio;video=\"FALSE\"", Script::answers(0));
    let text = invite().header("Accept-Contact", "*;video;require");
    assert_eq!(world.status(alice, &text), 200);
    assert_eq!((invited(&world, video), invited(&world, audio)), (1, 0));
    let nobody = invite().header("Accept-Contact", "*;mobility=\"mobile\";require;explicit");
    assert_eq!(world.status(alice, &nobody), 480);
    world.settle();
}

#[test]
fn who_is_rejected_is_not_called_rfc3841_7_2_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let mailbox = phone(&mut world, 2, ";actor=\"msg-taker\";automata", Script::answers(0));
    let person = phone(&mut world, 3, ";actor=\"principal\"", Script::answers(0));
    let text = invite().header("Reject-Contact", "*;actor=\"msg-taker\"");
    assert_eq!(world.status(alice, &text), 200);
    assert_eq!((invited(&world, mailbox), invited(&world, person)), (0, 1));
    world.settle();
}

#[test]
fn among_equals_the_better_fit_is_called_first_rfc3841_7_2_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let other = phone(&mut world, 2, ";audio", Script::answers(0));
    let better = phone(&mut world, 3, ";audio;video", Script::answers(0));
    assert_eq!(world.status(alice, &invite().header("a", "*;video")), 200);
    assert_eq!((invited(&world, other), invited(&world, better)), (0, 1));
    world.settle();
}

#[test]
fn a_method_that_nobody_takes_is_tried_all_the_same_rfc3841_7_2_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    phone(&mut world, 2, ";methods=\"INVITE\"", Script::answers(0).others(405));
    let message = Text::new("MESSAGE", "sip:bob@example.org");
    assert_eq!(world.status(alice, &message), 405);
    phone(&mut world, 3, ";methods=\"INVITE,MESSAGE\"", Script::answers(0).others(202));
    assert_eq!(world.status(alice, &message.again().call_id("another")), 202);
    world.settle();
}

#[test]
fn the_caller_may_want_one_at_a_time_rfc3841_9_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let first = phone(&mut world, 2, "", Script::says(&[(0, 180), (1, 486)]));
    let second = phone(&mut world, 3, "", Script::answers(0));
    world.send(alice, &invite().header("Request-Disposition", "sequential"));
    world.sim.run_for(std::time::Duration::from_millis(500));
    assert_eq!((invited(&world, first), invited(&world, second)), (1, 0));
    world.run_for_seconds(2);
    assert_eq!((invited(&world, first), invited(&world, second)), (1, 1));
    world.settle();
}

#[test]
fn the_caller_may_want_no_fork_rfc3841_9_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let first = phone(&mut world, 2, "", Script::refuses(486));
    let second = phone(&mut world, 3, "", Script::answers(0));
    assert_eq!(world.status(alice, &invite().header("d", "no-fork")), 486);
    assert_eq!((invited(&world, first), invited(&world, second)), (1, 0));
    world.settle();
}

#[test]
fn the_caller_may_cancel_by_itself_rfc3841_9_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    phone(&mut world, 2, "", Script::says(&[(0, 180), (1, 200)]));
    let other = phone(&mut world, 3, "", Script::says(&[(0, 180), (2, 200)]));
    let response = world.ask(alice, &invite().header("Request-Disposition", "no-cancel"));
    assert!(world.heard(other, "CANCEL").is_empty());
    assert_eq!(response.status().as_u16(), 200);
    let mut tags: Vec<_> = world
        .sim
        .node(alice)
        .responses()
        .iter()
        .filter(|response| response.status().is_success())
        .map(|response| response.to_tag().unwrap().to_owned())
        .collect();
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), 2, "both have answered");
    world.settle();
}

#[test]
fn a_stranger_is_not_told_where_a_user_is_rfc3841_9_1() {
    let mut world = World::new(1);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    let bob = phone(&mut world, 2, ";audio", Script::answers(0));
    let text = invite().header("Request-Disposition", "redirect");
    assert_eq!(world.status(stranger, &text), 200, "it is forwarded instead");
    assert_eq!(invited(&world, bob), 1);
    world.settle();
}

#[test]
fn the_caller_may_want_to_be_redirected_rfc3841_9_1() {
    let mut world = World::configured("trusted = [\"192.0.2.1\"]");
    let alice = world.peer("alice", "192.0.2.1:5060");
    let phones = [
        phone(&mut world, 2, ";audio", Script::answers(0)),
        phone(&mut world, 3, ";audio;video", Script::answers(0)),
    ];
    let text =
        invite().header("Request-Disposition", "redirect").header("Accept-Contact", "*;video");
    let response = world.ask(alice, &text);
    assert_eq!(response.status().as_u16(), 300);
    let contacts: Vec<_> = response.headers().values(HeaderName::Contact).collect();
    let expected: [&[u8]; 2] =
        [b"<sip:bob@192.0.2.3:5060>;q=1", b"<sip:bob@192.0.2.2:5060>;q=0.999"];
    assert_eq!(contacts, expected);
    assert_eq!(phones.map(|phone| invited(&world, phone)), [0, 0]);
    world.settle();
}
