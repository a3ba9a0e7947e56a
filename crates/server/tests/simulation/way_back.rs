//! Responses whose client is not where it was (RFC 3263 §5, RFC 3261 §18.2.2).

use antiphon_sip::Transport;
use antiphon_testkit::{Handle, RawPeer};

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

/// Two machines stand for the name of the caller.
const ZONE: &str = "\
    _sip._udp.alice.example SRV 10 0 5070 one.alice.example\n\
    _sip._udp.alice.example SRV 20 0 5070 two.alice.example\n\
    _sip._tcp.alice.example SRV 10 0 5070 two.alice.example\n\
    one.alice.example A 192.0.2.8\n\
    two.alice.example A 192.0.2.9\n\
    alice.example A 192.0.2.9\n";

/// A call whose caller is gone before it is answered: what somebody else hears, who is at an
/// address.
fn answered_at(transport: Transport, alice: &str, sent_by: &str, other: &str) -> Vec<u16> {
    let mut world = World::new(1);
    world.sim.zone(ZONE);
    world.sim.tell_refused_datagrams(true);
    let alice = world.peer("alice", alice);
    let other: Handle<RawPeer> = world.peer("other", other);
    world.peer("one", "192.0.2.8:5099");
    world.bound("bob", "192.0.2.2:5060", Script::answers(2));
    let name = transport.as_via();
    let via = format!("SIP/2.0/{name} {sent_by};branch=z9hG4bKway");
    let invite = Text::invite("sip:bob@example.org").via(&via);
    match transport {
        Transport::Tcp => world.send_by_tcp(alice, &invite),
        _ => world.send(alice, &invite),
    }
    world.run_for_seconds(1);
    assert_eq!(world.statuses(alice), [100, 180]);
    world.sim.stop(alice);
    world.run_for_seconds(5);
    world.statuses(other)
}

#[test]
fn without_a_port_the_servers_of_the_name_are_tried_in_order_rfc3263_5() {
    // Nobody is at the port of the first of them.
    let (alice, other) = ("192.0.2.1:5060", "192.0.2.9:5070");
    assert_eq!(answered_at(Transport::Udp, alice, "alice.example", other), [200]);
}

#[test]
fn with_a_port_the_addresses_of_the_name_are_tried_rfc3263_5() {
    let (alice, other) = ("192.0.2.1:5071", "192.0.2.9:5071");
    assert_eq!(answered_at(Transport::Udp, alice, "alice.example:5071", other), [200]);
}

#[test]
fn when_the_connection_is_gone_another_is_made_to_the_name_rfc3263_5() {
    let (alice, other) = ("192.0.2.1:5060", "192.0.2.9:5070");
    assert_eq!(answered_at(Transport::Tcp, alice, "alice.example", other), [200]);
}

#[test]
fn a_numeric_sent_by_leads_to_nobody_but_the_source_rfc3261_18_2_2() {
    let (alice, other) = ("192.0.2.1:5070", "192.0.2.9:5070");
    assert!(answered_at(Transport::Udp, alice, "192.0.2.9:5070", other).is_empty());
}
