//! Forks (RFC 3261 §16.6, §16.7; RFC 3326; RFC 5393 §5).

use antiphon_sip::HeaderName;
use antiphon_testkit::Handle;

use crate::phone::{Phone, Script};
use crate::text::Text;
use crate::world::World;

fn three(world: &mut World, scripts: [Script; 3]) -> [Handle<Phone>; 3] {
    let addresses = ["192.0.2.2:5060", "192.0.2.3:5060", "192.0.2.4:5060"];
    let mut number = 0;
    scripts.map(|script| {
        let address = addresses[number];
        number += 1;
        world.bind("bob", &format!("sip:bob@{address}"), 1000);
        world.phone(&format!("phone-{number}"), address, script)
    })
}

#[test]
fn every_contact_rings_and_the_first_to_answer_wins_rfc3261_16_7_step_10() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let phones = three(&mut world, [Script::rings(), Script::answers(1), Script::answers(2)]);
    let response = world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(crate::text::contact(&response), "sip:phone-2@192.0.2.3:5060");
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    for loser in [phones[0], phones[2]] {
        let cancel = world.heard(loser, "CANCEL").remove(0);
        let reason = cancel.headers().text(HeaderName::Reason);
        assert_eq!(reason, Some("SIP;cause=200;text=\"Call completed elsewhere\""));
    }
    assert!(world.heard(phones[1], "CANCEL").is_empty());
    world.settle();
}

#[test]
fn step_8_every_branch_has_a_branch_of_its_own_rfc3261_16_6() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let phones = three(&mut world, [Script::rings(), Script::rings(), Script::answers(1)]);
    world.ask(alice, &Text::invite("sip:bob@example.org"));
    let branch = |phone| world.heard(phone, "INVITE")[0].branch().unwrap().to_owned();
    let mut branches = phones.map(branch).to_vec();
    let cancelled = world.heard(phones[0], "CANCEL")[0].branch().unwrap().to_owned();
    assert_eq!(cancelled, branches[0]);
    branches.dedup();
    assert_eq!(branches.len(), 3);
    let ends: Vec<_> = branches.iter().map(|branch| branch.rsplit('.').next()).collect();
    assert!(ends[0] == ends[1] && ends[1] == ends[2], "one hash for all (RFC 5393 4.2.1)");
    assert!(branches.iter().all(|branch| branch.starts_with("z9hG4bK")));
}

#[test]
fn a_second_2xx_goes_on_too_rfc3261_16_7_step_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    three(&mut world, [Script::answers(1), Script::answers(1), Script::refuses(486)]);
    world.ask(alice, &Text::invite("sip:bob@example.org"));
    let heard = world.sim.node(alice).responses();
    let mut answered: Vec<_> = heard
        .iter()
        .filter(|response| response.status().is_success())
        .map(crate::text::contact)
        .collect();
    answered.sort();
    answered.dedup();
    assert_eq!(answered, ["sip:phone-1@192.0.2.2:5060", "sip:phone-2@192.0.2.3:5060"]);
    world.settle();
}

#[test]
fn only_one_2xx_to_another_method_goes_on_rfc3261_16_7_step_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    three(&mut world, [Script::rings(), Script::rings(), Script::rings()]);
    world.ask(alice, &Text::new("OPTIONS", "sip:bob@example.org"));
    assert_eq!(world.sim.node(alice).responses().len(), 1);
    world.settle();
}

#[test]
fn when_all_refuse_the_best_is_sent_rfc3261_16_7_step_6() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let scripts = [Script::refuses(404), Script::says(&[(1, 486)]), Script::says(&[(2, 500)])];
    let phones = three(&mut world, scripts);
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 486);
    assert_eq!(world.statuses(alice), [100, 486]);
    for phone in phones {
        assert!(world.heard(phone, "CANCEL").is_empty());
    }
    world.settle();
}

#[test]
fn a_6xx_ends_all_rfc3261_16_7_step_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let phones = three(&mut world, [Script::rings(), Script::says(&[(1, 603)]), Script::rings()]);
    world.bind("bob", "sip:bob@192.0.2.5:5060", 500);
    let last = world.phone("last", "192.0.2.5:5060", Script::answers(1));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 603);
    assert_eq!(world.heard(phones[0], "CANCEL").len(), 1);
    assert_eq!(world.heard(phones[2], "CANCEL").len(), 1);
    assert!(world.heard(last, "INVITE").is_empty(), "no new branch");
    world.settle();
}

#[test]
fn a_2xx_after_a_6xx_goes_on_all_the_same_rfc3261_16_7_step_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let phones = three(&mut world, [Script::refuses(603), Script::answers(0), Script::rings()]);
    world.sim.link(phones[1], world.server, {
        let late = std::time::Duration::from_millis(100);
        antiphon_testkit::Conditions::ideal().latency(late, late)
    });
    world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    world.settle();
}

#[test]
fn contacts_are_tried_by_their_q_rfc3261_16_6() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    for (number, q) in [(2, 300), (3, 1000), (4, 700), (5, 700)] {
        world.bind("bob", &format!("sip:bob@192.0.2.{number}:5060"), q);
    }
    let last = world.phone("last", "192.0.2.2:5060", Script::answers(0));
    let first = world.phone("first", "192.0.2.3:5060", Script::says(&[(1, 486)]));
    let second = world.phone("second", "192.0.2.4:5060", Script::says(&[(1, 486)]));
    let third = world.phone("third", "192.0.2.5:5060", Script::says(&[(1, 480)]));
    world.send(alice, &Text::invite("sip:bob@example.org"));
    let invited = |world: &World| {
        [first, second, third, last].map(|phone| world.heard(phone, "INVITE").len())
    };
    world.sim.run_for(std::time::Duration::from_millis(500));
    assert_eq!(invited(&world), [1, 0, 0, 0]);
    world.run_for_seconds(1);
    assert_eq!(invited(&world), [1, 1, 1, 0]);
    world.run_for_seconds(1);
    assert_eq!(invited(&world), [1, 1, 1, 1]);
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    world.settle();
}

#[test]
fn a_caller_who_gives_up_stops_the_row_rfc3261_16_10() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::rings());
    world.bind("bob", "sip:bob@192.0.2.3:5060", 500);
    let second = world.phone("second", "192.0.2.3:5060", Script::answers(0));
    let invite = Text::invite("sip:bob@example.org");
    world.ask(alice, &invite);
    assert_eq!(world.status(alice, &invite.cancel()), 487);
    assert!(world.heard(second, "INVITE").is_empty());
    world.settle();
}

#[test]
fn breadth_bounds_how_many_ring_at_one_time_rfc5393_5_3_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let scripts =
        [Script::says(&[(1, 486)]), Script::says(&[(1, 486)]), Script::says(&[(0, 180), (1, 200)])];
    let phones = three(&mut world, scripts);
    let invite = Text::invite("sip:bob@example.org").header("Max-Breadth", "2");
    world.send(alice, &invite);
    world.sim.run_for(std::time::Duration::from_millis(500));
    assert_eq!(phones.map(|phone| world.heard(phone, "INVITE").len()), [1, 1, 0]);
    let breadth = |world: &World, phone| {
        let heard = world.heard(phone, "INVITE").remove(0);
        heard.headers().text(HeaderName::MaxBreadth).map(str::to_owned)
    };
    assert_eq!(breadth(&world, phones[0]).as_deref(), Some("1"));
    world.run_for_seconds(3);
    assert_eq!(breadth(&world, phones[2]).as_deref(), Some("2"), "it is free again");
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    world.settle();
}

#[test]
fn no_breadth_is_440_rfc5393_5_3_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let invite = Text::invite("sip:bob@example.org").header("Max-Breadth", "0");
    assert_eq!(world.status(alice, &invite), 440);
    world.settle();
}
