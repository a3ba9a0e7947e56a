//! Which servers of a trunk are of use: probes, rests, and the patience with silent ones.

use std::time::Duration;

use antiphon_server::node::{ServerEvent, TrunkNews};
use antiphon_sip::HeaderName;
use antiphon_testkit::{Handle, RawPeer};

use crate::carrier::{Carrier, invite, world_with_trunk};
use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

const PROBE: &str = "probe = { interval = \"10s\", down_after = 2, up_after = 2 }";

/// A trunk of two servers. While it is down, calls are answered 404.
fn world(keys: &str) -> World {
    let down =
        "[[rule]]\nname = \"down\"\nwhen = { trunk_down = \"out\" }\ndo = { answer = 404 }\n";
    world_with_trunk(keys, down)
}

/// The two servers of a trunk that is probed, and a caller.
fn probed() -> (World, [Carrier; 2], Handle<RawPeer>) {
    let mut world = world(PROBE);
    let one = Carrier::new("192.0.2.31:5060");
    let two = Carrier::new("192.0.2.32:5060");
    one.add(&mut world, "one");
    two.add(&mut world, "two");
    let caller = world.peer("caller", "192.0.2.1:5060");
    (world, [one, two], caller)
}

fn news(world: &World) -> Vec<TrunkNews> {
    let events = world.events().into_iter();
    events
        .filter_map(|event| match event {
            ServerEvent::Trunk { news, .. } => Some(news),
            _ => None,
        })
        .collect()
}

fn told(world: &World) -> Vec<String> {
    news(world).iter().map(ToString::to_string).collect()
}

#[test]
fn a_server_is_down_after_so_many_probes_and_up_again_after_so_many() {
    let (mut world, [one, two], caller) = probed();
    world.run_for_seconds(30);
    assert!(told(&world).is_empty());
    one.options(None);
    world.run_for_seconds(45);
    assert_eq!(told(&world), ["192.0.2.31 is down"]);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!((one.heard("INVITE").len(), two.heard("INVITE").len()), (0, 1), "at once");
    one.options(Some(200));
    world.run_for_seconds(25);
    assert_eq!(told(&world), ["192.0.2.31 is down", "192.0.2.31 is up again"]);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!((one.heard("INVITE").len(), two.heard("INVITE").len()), (1, 1));
}

#[test]
fn a_trunk_is_down_when_all_of_its_servers_are_and_rules_see_it() {
    let (mut world, [one, two], caller) = probed();
    one.options(Some(503));
    two.options(Some(408));
    world.run_for_seconds(30);
    assert!(told(&world).contains(&"all of its servers are down".to_owned()), "{:?}", told(&world));
    assert_eq!(world.status(caller, &invite()), 404);
    two.options(Some(401));
    world.run_for_seconds(25);
    assert!(told(&world).contains(&"it is up again".to_owned()));
    assert_eq!(world.status(caller, &invite()), 200);
}

#[test]
fn any_answer_but_408_and_503_shows_that_a_server_is_there() {
    for (status, is_up) in
        [(200, true), (302, true), (401, true), (404, true), (405, true), (408, false)]
            .into_iter()
            .chain([(500, true), (501, true), (503, false), (603, true)])
    {
        let mut world = world(PROBE);
        let one = Carrier::new("192.0.2.31:5060");
        one.options(Some(status));
        one.add(&mut world, "one");
        Carrier::new("192.0.2.32:5060").add(&mut world, "two");
        world.run_for_seconds(30);
        assert_eq!(told(&world).is_empty(), is_up, "{status}");
    }
}

#[test]
fn when_all_servers_are_down_they_are_tried_all_the_same() {
    let mut world = World::configured(&format!(
        "trusted = [\"192.0.2.1\"]\n\
         [[trunk]]\nname = \"out\"\n{PROBE}\ntarget = [{{ host = \"192.0.2.31\" }}]\n\
         [[rule]]\nname = \"x\"\nwhen = {{ callee = '0\\d+' }}\ndo = {{ trunk = \"out\" }}\n"
    ));
    let one = Carrier::new("192.0.2.31:5060");
    one.options(None);
    one.add(&mut world, "one");
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.run_for_seconds(40);
    assert!(!told(&world).is_empty());
    assert_eq!(world.status(caller, &invite()), 200);
}

#[test]
fn probes_are_an_interval_apart_a_tenth_more_or_less() {
    let mut world = world(PROBE);
    let one = Carrier::new("192.0.2.31:5060");
    one.add(&mut world, "one");
    Carrier::new("192.0.2.32:5060").add(&mut world, "two");
    let start = world.sim.now();
    world.run_for_seconds(200);
    let times = one.times("OPTIONS", start);
    let pauses: Vec<Duration> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!(times[0] < Duration::from_secs(1), "{times:?}");
    let bounds = Duration::from_secs(9)..=Duration::from_secs(11);
    assert!(pauses.iter().all(|pause| bounds.contains(pause)), "{pauses:?}");
    assert!(pauses.windows(2).any(|pair| pair[0] != pair[1]), "{pauses:?}");
}

#[test]
fn a_server_that_rested_is_asked_before_it_gets_calls_again() {
    let mut world = world("");
    let busy = Script::refuses(503).with(HeaderName::RetryAfter, "60");
    let one = world.phone("one", "192.0.2.31:5060", busy);
    let two = world.phone("two", "192.0.2.32:5060", Script::answers(0));
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &invite()), 200);
    world.run_for_seconds(50);
    assert_eq!(world.heard(one, "OPTIONS").len(), 0, "RFC 3261 §21.5.4: not before");
    world.run_for_seconds(10);
    assert_eq!(world.heard(one, "OPTIONS").len(), 1);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!((world.heard(one, "INVITE").len(), world.heard(two, "INVITE").len()), (2, 2));
}

#[test]
fn one_that_still_takes_no_requests_rests_again() {
    let mut world = world("");
    let busy = Script::refuses(503).with(HeaderName::RetryAfter, "60").others(503);
    let one = world.phone("one", "192.0.2.31:5060", busy);
    let two = world.phone("two", "192.0.2.32:5060", Script::answers(0));
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &invite()), 200);
    world.run_for_seconds(63);
    assert_eq!(world.heard(one, "OPTIONS").len(), 1);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!((world.heard(one, "INVITE").len(), world.heard(two, "INVITE").len()), (1, 2));
}

#[test]
fn a_silent_server_costs_its_patience_and_not_the_whole_of_timer_b_rfc3263_4_3() {
    for (key, patience) in [("", 4), ("patience = \"2s\"", 2), ("patience = \"7s\"", 7)] {
        let mut world = world(key);
        world.peer("one", "192.0.2.31:5060");
        let two = world.phone("two", "192.0.2.32:5060", Script::answers(0));
        let caller = world.peer("caller", "192.0.2.1:5060");
        world.send(caller, &invite());
        world.sim.run_for(Duration::from_secs(patience) - Duration::from_millis(100));
        assert_eq!(world.heard(two, "INVITE").len(), 0, "{key}");
        world.sim.run_for(Duration::from_millis(300));
        assert_eq!(world.heard(two, "INVITE").len(), 1, "{key}");
    }
}

#[test]
fn the_last_server_has_all_the_time_of_a_transaction_rfc3261_17_1_1_2() {
    let mut world = world("");
    world.peer("one", "192.0.2.31:5060");
    world.peer("two", "192.0.2.32:5060");
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.send(caller, &invite());
    world.run_for_seconds(35);
    assert_eq!(world.statuses(caller), [100]);
    world.run_for_seconds(2);
    assert_eq!(world.statuses(caller), [100, 408]);
}

#[test]
fn calls_that_overlap_find_the_server_that_is_left() {
    let mut world = world("");
    let busy = || Script::says(&[(2, 503)]).with(HeaderName::RetryAfter, "60");
    world.phone("one", "192.0.2.31:5060", busy());
    let two = world.phone("two", "192.0.2.32:5060", Script::answers(1));
    let caller = world.peer("caller", "192.0.2.1:5060");
    let calls: Vec<Text> = (0..5).map(|_| invite()).collect();
    for call in &calls {
        world.send(caller, call);
        world.sim.run_for(Duration::from_millis(700));
    }
    world.run_for_seconds(5);
    let responses = world.sim.node(caller).responses();
    let answered = responses.iter().filter(|response| response.status().as_u16() == 200);
    let mut calls_answered: Vec<_> =
        answered.map(|response| response.call_id().to_owned()).collect();
    calls_answered.sort_unstable();
    calls_answered.dedup();
    assert_eq!(calls_answered.len(), 5);
    assert_eq!(world.heard(two, "INVITE").len(), 5);
}
