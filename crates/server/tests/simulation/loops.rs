//! Loops and spirals (RFC 3261 §16.3 step 4, RFC 5393 §4).

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

#[test]
fn step_4_a_loop_is_482_rfc5393_4_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@example.org", 1000);
    world.sim.host("example.org", &["192.0.2.10"]);
    let response = world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 482);
    let seen = world
        .sim
        .between(world.server, world.server)
        .filter(|record| record.octets.starts_with(b"INVITE"));
    assert_eq!(seen.count(), 1, "it is seen at the first return");
    world.settle();
}

#[test]
fn step_4_two_users_who_forward_to_each_other_rfc5393_4_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.sim.host("example.org", &["192.0.2.10"]);
    // The attack of RFC 5393 §3: without the check this makes 2^70 requests.
    for user in ["bob", "carol"] {
        world.bind(user, "sip:bob@example.org", 1000);
        world.bind(user, "sip:carol@example.org", 1000);
    }
    let response = world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 482);
    assert!(world.sim.capture().len() < 100);
    world.settle();
}

#[test]
fn step_4_a_spiral_passes_rfc5393_4_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.sim.host("example.org", &["192.0.2.10"]);
    world.bind("carol", "sip:bob@example.org", 1000);
    world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    assert_eq!(world.status(alice, &Text::invite("sip:carol@example.org")), 200);
    world.settle();
}

#[test]
fn step_4_a_route_to_us_does_not_hide_a_loop_rfc5393_4_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@example.org", 1000);
    world.sim.host("example.org", &["192.0.2.10"]);
    let text = Text::invite("sip:bob@example.org").header("Route", "<sip:192.0.2.10;lr>");
    assert_eq!(world.status(alice, &text), 482);
    world.settle();
}
