//! What the caller gets of what branches said (RFC 3261 §16.7 steps 6 and 7).

use antiphon_sip::HeaderName;

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

fn two(world: &mut World, one: Script, other: Script) {
    for (address, script) in [("192.0.2.2:5060", one), ("192.0.2.3:5060", other)] {
        world.bind("bob", &format!("sip:bob@{address}"), 1000);
        world.phone(address, address, script);
    }
}

#[test]
fn step_7_challenges_of_all_branches_reach_the_caller_rfc3261_16_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let one = "Digest realm=\"one\", nonce=\"1\"";
    let other = "Digest realm=\"other\", nonce=\"2\"";
    two(
        &mut world,
        Script::refuses(401).with(HeaderName::WwwAuthenticate, one),
        Script::refuses(407).with(HeaderName::ProxyAuthenticate, other),
    );
    let response = world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 407);
    assert_eq!(response.headers().text(HeaderName::WwwAuthenticate), Some(one));
    assert_eq!(response.headers().text(HeaderName::ProxyAuthenticate), Some(other));
    world.settle();
}

#[test]
fn step_6_a_503_from_below_is_not_ours_rfc3261_16_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let script = Script::refuses(503).with(HeaderName::RetryAfter, "120");
    world.bound("bob", "192.0.2.2:5060", script);
    let response = world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 500);
    assert_eq!(response.headers().text(HeaderName::RetryAfter), Some("120"));
    world.settle();
}

#[test]
fn a_503_is_a_reason_to_try_the_next_server_rfc3263_4_3() {
    let mut world = World::new(1);
    world.sim.host("bob.example", &["192.0.2.2", "192.0.2.3"]);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.phone("one", "192.0.2.2:5060", Script::refuses(503));
    world.phone("two", "192.0.2.3:5060", Script::answers(0));
    world.bind("bob", "sip:bob@bob.example", 1000);
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    world.settle();
}

#[test]
fn a_redirection_goes_to_the_caller_rfc3261_16_7_step_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(302));
    let response = world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 302);
    assert_eq!(crate::text::contact(&response), "sip:bob@192.0.2.2:5060");
    world.settle();
}

#[test]
fn step_1_a_response_to_nothing_goes_nowhere_rfc3261_16_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    let octets = "SIP/2.0 200 OK\r\n\
        Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK-made-up\r\n\
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-1\r\n\
        From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: 1\r\n\
        CSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n";
    let flow = world.sim.flow(bob, world.server);
    world.sim.send(bob, flow, octets);
    world.run_for_seconds(1);
    assert!(world.sim.node(alice).heard().is_empty());
    world.settle();
}

#[test]
fn step_3_a_response_without_a_way_back_ends_its_branch_rfc3261_16_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    world.sim.with(bob, |bob, _| {
        bob.answer_with(|heard| {
            let busy = antiphon_sip::StatusCode::BUSY_HERE;
            let Some(octets) = heard.response(busy) else { return Vec::new() };
            // The caller's Via is cut off.
            let text = String::from_utf8(octets.to_vec()).unwrap();
            let mut vias = 0;
            let lines = text.split_inclusive("\r\n").filter(|line| {
                vias += usize::from(line.starts_with("Via:"));
                !line.starts_with("Via:") || vias == 1
            });
            vec![heard.reply(lines.collect::<String>())]
        });
    });
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 502);
    world.settle();
}
