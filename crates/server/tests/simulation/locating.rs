//! Servers that are found by name: order, fail-over, rest, and names that lead nowhere (RFC 3263).

use std::time::Duration;

use antiphon_core::locate::Silence;
use antiphon_sip::{HeaderName, StatusCode};
use antiphon_testkit::{Handle, Heard, RawPeer, Setup};

use crate::phone::{Phone, Script};
use crate::text::Text;
use crate::world::World;

/// Three servers, tried in this order.
const THREE: &str = "\
    _sip._udp.bob.example SRV 1 1 5060 one.bob.example\n\
    _sip._udp.bob.example SRV 2 1 5060 two.bob.example\n\
    _sip._udp.bob.example SRV 3 1 5060 three.bob.example\n\
    one.bob.example A 192.0.2.21\n\
    two.bob.example A 192.0.2.22\n\
    three.bob.example A 192.0.2.23\n\
    bob.example A 192.0.2.20\n";

/// A world in which bob is behind the three servers of `bob.example`.
fn world(first: Script) -> (World, [Handle<Phone>; 3]) {
    let mut world = World::new(1);
    world.sim.zone(THREE);
    world.bind("bob", "sip:bob@bob.example", 1000);
    let phones = [
        world.phone("one", "192.0.2.21:5060", first),
        world.phone("two", "192.0.2.22:5060", Script::answers(0)),
        world.phone("three", "192.0.2.23:5060", Script::answers(0)),
    ];
    (world, phones)
}

fn heard(world: &World, phones: &[Handle<Phone>; 3], method: &str) -> [usize; 3] {
    phones.map(|phone| world.heard(phone, method).len())
}

fn call(number: u32) -> Text {
    Text::invite("sip:bob@example.org").call_id(&format!("call-{number}"))
}

#[test]
fn after_a_503_and_silence_the_third_server_takes_the_call_rfc3263_4_3() {
    let first = Script::refuses(503).with(HeaderName::RetryAfter, "100");
    let (mut world, phones) = world(first);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.sim.isolate(phones[1]);
    world.send(alice, &call(1));
    world.run_for_seconds(3);
    assert_eq!(world.statuses(alice), [100], "the second says nothing yet");
    world.run_for_seconds(9);
    assert_eq!(world.statuses(alice), [100, 180, 200], "it had a third of 32 s");
    assert_eq!(heard(&world, &phones, "INVITE"), [1, 0, 1]);

    // Both rest now: the next call goes to the third at once.
    assert_eq!(world.status(alice, &call(2)), 200);
    assert_eq!(heard(&world, &phones, "INVITE"), [1, 0, 2]);

    // The second is asked after its 32 s, the first after the 100 s it wished for; then they get
    // calls again.
    world.sim.heal_all();
    world.run_for_seconds(30);
    assert_eq!(world.status(alice, &call(3)), 200);
    assert_eq!(heard(&world, &phones, "INVITE"), [1, 0, 3]);
    world.run_for_seconds(60);
    assert_eq!(world.status(alice, &call(4)), 200);
    assert_eq!(heard(&world, &phones, "INVITE"), [1, 1, 3]);
    assert_eq!(world.status(alice, &call(5)), 200);
    assert_eq!(heard(&world, &phones, "INVITE"), [2, 2, 3], "it refused again");
    world.settle();
}

#[test]
fn silence_everywhere_takes_as_long_as_one_transaction_rfc3263_4_3() {
    let (mut world, phones) = world(Script::answers(0));
    let alice = world.peer("alice", "192.0.2.1:5060");
    phones.iter().for_each(|phone| world.sim.isolate(*phone));
    world.send(alice, &call(1));
    world.run_for_seconds(31);
    assert_eq!(world.statuses(alice), [100]);
    world.run_for_seconds(2);
    assert_eq!(world.statuses(alice), [100, 408]);
    world.settle();
}

#[test]
fn another_request_finds_the_third_server_before_its_client_gives_up_rfc3263_4_3() {
    let (mut world, phones) = world(Script::answers(0));
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.sim.isolate(phones[0]);
    world.sim.isolate(phones[1]);
    world.send(alice, &Text::new("MESSAGE", "sip:bob@example.org"));
    world.run_for_seconds(31);
    assert_eq!(world.statuses(alice), [100, 200], "100 so that nobody fails over meanwhile");
    assert_eq!(heard(&world, &phones, "MESSAGE"), [0, 0, 1]);
    world.settle();
}

#[test]
fn a_server_that_was_down_is_asked_by_options_before_it_gets_calls_rfc3263_4_3() {
    let (mut world, phones) = world(Script::answers(0));
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.sim.isolate(phones[0]);
    world.send(alice, &call(1));
    world.run_for_seconds(12);
    assert_eq!(heard(&world, &phones, "INVITE"), [0, 1, 0]);
    world.sim.heal_all();
    world.run_for_seconds(40);
    assert_eq!(heard(&world, &phones, "OPTIONS"), [0, 0, 0], "nobody has wanted it since");
    for number in 2..5 {
        world.send(alice, &call(number));
    }
    world.run_for_seconds(1);
    assert_eq!(heard(&world, &phones, "INVITE"), [0, 4, 0], "none of them tries it");
    assert_eq!(heard(&world, &phones, "OPTIONS"), [1, 0, 0]);
    let probe = world.heard(phones[0], "OPTIONS").remove(0);
    assert_eq!(probe.uri_text(), "sip:bob.example");
    assert_eq!(probe.headers().text(HeaderName::MaxForwards), Some("0"));
    world.send(alice, &call(5));
    world.run_for_seconds(1);
    assert_eq!(heard(&world, &phones, "INVITE"), [1, 4, 0], "it lives");
    world.settle();
}

#[test]
fn a_server_that_stays_silent_rests_on_and_no_call_waits_for_it_rfc3263_4_3() {
    let (mut world, phones) = world(Script::answers(0));
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.sim.isolate(phones[0]);
    world.send(alice, &call(1));
    world.run_for_seconds(52);
    for number in 2..20 {
        world.send(alice, &call(number));
        // The rest is over, the probe is not answered, and the next rest lasts 64 s.
        world.run_for_seconds(5);
        let calls = usize::try_from(number).unwrap();
        assert_eq!(heard(&world, &phones, "INVITE"), [0, calls, 0]);
    }
    let probes = world.sim.node(world.server).endpoint().counters().retransmissions_sent;
    assert!(probes > 0);
    world.settle();
}

#[test]
fn a_server_that_answers_otherwise_is_the_only_one_asked_rfc3263_4_3() {
    for status in [486, 500, 404] {
        let (mut world, phones) = world(Script::refuses(status));
        let alice = world.peer("alice", "192.0.2.1:5060");
        assert_eq!(world.status(alice, &call(1)), status);
        assert_eq!(heard(&world, &phones, "INVITE"), [1, 0, 0]);
        world.settle();
    }
}

#[test]
fn a_slow_dns_holds_up_nobody_else() {
    let (mut world, _) = world(Script::answers(0));
    world.sim.resolve_time(Duration::from_secs(2));
    world.bound("carol", "192.0.2.31:5060", Script::answers(0));
    let alice = world.peer("alice", "192.0.2.1:5060");
    let dave = world.peer("dave", "192.0.2.4:5060");
    world.send(alice, &call(1));
    assert_eq!(world.status(dave, &Text::invite("sip:carol@example.org").call_id("c")), 200);
    world.run_for_seconds(6);
    assert_eq!(world.statuses(alice), [100, 180, 200], "NAPTR, SRV, addresses");
    world.settle();
}

#[test]
fn a_caller_who_gives_up_while_the_dns_is_asked_hears_487_rfc3261_9_2() {
    let (mut world, phones) = world(Script::answers(0));
    world.sim.resolve_time(Duration::from_secs(2));
    let alice = world.peer("alice", "192.0.2.1:5060");
    let invite = call(1);
    world.send(alice, &invite);
    world.run_for_seconds(1);
    world.send(alice, &invite.cancel());
    world.run_for_seconds(10);
    assert_eq!(world.statuses(alice).last(), Some(&487));
    assert_eq!(heard(&world, &phones, "INVITE"), [0, 0, 0]);
    world.settle();
}

#[test]
fn a_name_that_leads_nowhere_is_explained_rfc3261_20_43() {
    let many: String = (0..500)
        .map(|at| format!("_sip._udp.many.example SRV 1 1 5060 h{at}.many.example\n"))
        .collect();
    let zone = "\
        round.example CNAME about.example\n\
        about.example CNAME round.example\n\
        _sip._udp.closed.example SRV 0 0 0 .\n\
        closed.example A 192.0.2.20\n";
    for (host, words) in [
        ("nowhere.example", "nowhere.example: the DNS knows no such name (NXDOMAIN)"),
        ("round.example", "round.example: its aliases (CNAME) lead in a circle"),
        ("closed.example", "closed.example: the DNS says that the domain does not offer this"),
        ("many.example", "many.example: the servers that the DNS names have no address"),
        ("broken.example:5060", "broken.example: the DNS server failed"),
    ] {
        let mut world = World::new(1);
        world.sim.zone(zone);
        world.sim.zone(&many);
        world.sim.silence("broken.example", Silence::Failed);
        let alice = world.peer("alice", "192.0.2.1:5060");
        world.bind("bob", &format!("sip:bob@{host}"), 1000);
        let response = world.ask(alice, &call(1));
        assert_eq!(response.status().as_u16(), 500, "{host}");
        let warning = response.headers().text(HeaderName::Warning).unwrap_or_default();
        assert!(warning.starts_with(&format!("399 antiphon \"{words}")), "{host}: {warning}");
        world.settle();
    }
}

#[test]
fn a_dns_that_is_dead_is_known_to_be_within_twelve_seconds() {
    let mut world = World::new(1);
    let dead = ["dead.example", "_sip._udp.dead.example", "_sip._tcp.dead.example"];
    dead.iter().for_each(|name| world.sim.silence(name, Silence::NoAnswer));
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@dead.example", 1000);
    world.send(alice, &call(1));
    world.run_for_seconds(12);
    assert_eq!(world.statuses(alice), [100, 500]);
    world.settle();
}

#[test]
fn a_record_that_points_at_ourselves_is_no_server_unless_the_name_is_ours_rfc3261_16_3_step_4() {
    let mut world = World::new(1);
    world.sim.host("elsewhere.example", &["192.0.2.10"]);
    world.bind("bob", "sip:bob@elsewhere.example", 1000);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let response = world.ask(alice, &call(1));
    assert_eq!(response.status().as_u16(), 500);
    let warning = response.headers().text(HeaderName::Warning).unwrap_or_default();
    assert!(warning.contains("leads back to this program itself"), "{warning}");
    assert!(world.sim.between(world.server, world.server).next().is_none());
    world.settle();
}

#[test]
fn an_address_that_leads_nowhere_costs_a_call_a_quarter_of_a_second_rfc8305_5() {
    let mut world = World::new(1);
    world.sim.zone("bob.example A 192.0.2.88\nbob.example A 192.0.2.21\n");
    world.bind("bob", "sip:bob@bob.example:5060;transport=tcp", 1000);
    let ok = |heard: &Heard| -> Vec<_> {
        heard.response(StatusCode::OK).map(|ok| heard.reply(ok)).into_iter().collect()
    };
    world.sim.add(Setup::new("bob", RawPeer::answering(ok)).tcp("192.0.2.21:5060"));
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.send(alice, &call(1));
    world.sim.run_for(Duration::from_millis(200));
    assert_eq!(world.statuses(alice), [100], "the first is waited for");
    world.sim.run_for(Duration::from_millis(100));
    assert_eq!(world.statuses(alice), [100, 200]);
    // The next call does not ask it again.
    world.send(alice, &call(2));
    world.sim.run_for(Duration::from_millis(100));
    assert_eq!(world.statuses(alice), [100, 200, 100, 200]);
}
