//! Calls over a network that loses datagrams.

use std::time::Duration;

use antiphon_testkit::{Conditions, for_seeds};

use crate::phone::{Call, Script};
use crate::world::World;

/// Calls that begin in one second.
const RATE: u64 = 50;

fn every_call_completes(seed: u64, calls: usize, conditions: Conditions) {
    let mut world = World::new(seed);
    world.sim.conditions(conditions);
    let alice = world.phone("alice", "192.0.2.1:5060", Script::rings());
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    for number in 0..calls {
        let after = Duration::from_millis(1000 / RATE) * u32::try_from(number).unwrap();
        world.sim.command_after(after, alice, Call("sip:bob@example.org".into()));
    }
    world.settle();
    let caller = world.sim.node(alice);
    assert_eq!(caller.troubles, Vec::<String>::new());
    assert_eq!(caller.completed, calls);
    assert_eq!(world.heard(bob, "INVITE").len(), calls, "each was forwarded once");
    assert_eq!(world.heard(bob, "BYE").len(), calls);
}

#[test]
fn two_thousand_calls_complete() {
    every_call_completes(1, 2000, Conditions::lan());
}

#[test]
fn two_thousand_calls_complete_with_a_tenth_of_all_datagrams_lost() {
    every_call_completes(1, 2000, Conditions::lan().loss(0.1));
}

#[test]
fn calls_complete_on_a_bad_day() {
    for_seeds(0..5, |seed| every_call_completes(seed, 100, Conditions::rough()));
}
