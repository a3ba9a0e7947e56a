//! Targets that cannot be reached (RFC 3261 §16.9).

use antiphon_sip::{HeaderName, StatusCode};
use antiphon_testkit::{Handle, RawPeer};

use crate::phone::Script;
use crate::text::Text;
use crate::world::{World, password};

fn answers(world: &mut World, peer: Handle<RawPeer>) {
    world.sim.with(peer, |peer, _| {
        peer.answer_with(|heard| {
            let octets = heard.response_with(StatusCode::OK, |response| {
                response
                    .header(HeaderName::Contact, "<sip:bob@192.0.2.2>")
                    .copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
}

#[test]
fn a_phone_is_reached_over_the_connection_it_made_rfc3261_18_1_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    answers(&mut world, bob);
    let register = Text::register("bob").header("Contact", "<sip:bob@10.0.0.1:5060;transport=tcp>");
    world.send_by_tcp(bob, &register);
    world.run_for_seconds(1);
    let challenge = world.sim.node(bob).responses().remove(0);
    world.send_by_tcp(bob, &register.next_cseq().answering(&challenge, "bob", &password("bob")));
    world.run_for_seconds(1);
    assert_eq!(world.statuses(bob), [401, 200]);
    let flow = world.sim.node(bob).heard()[0].flow;
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    assert_eq!(world.sim.node(bob).heard().last().unwrap().flow.connection, flow.connection);
}

#[test]
fn a_dead_connection_falls_back_to_the_contact_rfc3261_16_9() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    answers(&mut world, bob);
    world.bind_over_tcp("bob", "sip:bob@192.0.2.2:5060;transport=tcp", "192.0.2.2:40000");
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    world.settle();
}

#[test]
fn a_dead_connection_of_a_phone_behind_a_translator_is_no_way_to_somebody_else() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let neighbour = world.peer("neighbour", "10.0.0.1:5060");
    world.peer("nat", "192.0.2.2:5060");
    world.bind_over_tcp("bob", "sip:bob@10.0.0.1:5060;transport=tcp", "192.0.2.2:40000");
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 500);
    assert!(world.sim.node(neighbour).heard().is_empty());
    world.settle();
}

#[test]
fn a_port_that_refuses_counts_as_503_of_that_branch_rfc3261_16_9() {
    let mut world = World::new(1);
    world.sim.tell_refused_datagrams(true);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(486));
    world.bind("bob", "sip:bob@192.0.2.2:5999", 1000);
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 486);
    world.settle();
}

#[test]
fn the_next_address_of_a_name_is_tried_rfc3263_4_3() {
    let mut world = World::new(1);
    world.sim.tell_refused_datagrams(true);
    world.sim.host("bob.example", &["192.0.2.3", "192.0.2.2"]);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.peer("elsewhere", "192.0.2.3:5999");
    world.phone("bob", "192.0.2.2:5060", Script::answers(0));
    world.bind("bob", "sip:bob@bob.example", 1000);
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    world.settle();
}

#[test]
fn a_name_without_address_is_a_branch_that_failed_rfc3261_16_9() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@nowhere.example", 1000);
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 500);
    world.settle();
}

#[test]
fn a_transport_without_listener_is_a_branch_that_failed_rfc3261_16_9() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    for contact in ["sip:bob@192.0.2.2;transport=tls", "sip:bob@[2001:db8::1]"] {
        world.bind("bob", contact, 1000);
    }
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 500);
    world.settle();
}

#[test]
fn a_caller_by_tcp_gets_its_answers_there_rfc3261_18_2_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    world.send_by_tcp(alice, &Text::invite("sip:bob@example.org"));
    world.run_for_seconds(1);
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    assert!(world.sim.node(alice).heard().iter().all(|heard| heard.flow.connection.is_some()));
}

/// Bob and Alice are behind translators, connected by TCP; their Contacts lead nowhere.
fn call_between_private_networks(world: &mut World) -> (Handle<RawPeer>, Handle<RawPeer>, Text) {
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    answers(world, bob);
    answers(world, alice);
    let contact = "<sip:bob@10.0.0.1:5060;transport=tcp>";
    let register = Text::register("bob").header("Contact", contact);
    world.send_by_tcp(bob, &register);
    world.run_for_seconds(1);
    let challenge = world.sim.node(bob).responses().remove(0);
    world.send_by_tcp(bob, &register.next_cseq().answering(&challenge, "bob", &password("bob")));
    world.run_for_seconds(1);
    let invite = Text::new("INVITE", "sip:bob@example.org")
        .header("Contact", "<sip:alice@10.0.0.1:5060;transport=tcp>");
    world.send_by_tcp(alice, &invite);
    world.run_for_seconds(1);
    assert_eq!(world.statuses(alice), [100, 200]);
    (alice, bob, invite)
}

#[test]
fn a_dialog_stays_on_the_connections_of_its_phones_rfc5626_5_3() {
    let mut world = World::new(1);
    let (alice, bob, invite) = call_between_private_networks(&mut world);
    let ok = world.sim.node(alice).responses().pop().unwrap();
    // The Contact of the answer is no way to bob either.
    let private = "sip:bob@10.0.0.1:5060;transport=tcp";
    world.send_by_tcp(alice, &invite.in_dialog("ACK", &ok).uri(private));
    world.send_by_tcp(alice, &invite.in_dialog("INFO", &ok).uri(private));
    world.run_for_seconds(1);
    let heard: Vec<_> =
        world.sim.node(bob).requests().iter().map(|heard| heard.method().to_string()).collect();
    assert_eq!(heard, ["INVITE", "ACK", "INFO"]);

    let heard = world.sim.node(bob).requests().remove(0);
    let routes = heard.headers().list::<antiphon_sip::header::RecordRoute<'_>>();
    let routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
    let bye = Text::new("BYE", "sip:alice@10.0.0.1:5060;transport=tcp")
        .from("sip:bob@example.org")
        .to(heard.from_text())
        .call_id(heard.call_id())
        .header("Route", &routes.join(", "));
    world.send_by_tcp(bob, &bye);
    world.run_for_seconds(1);
    assert_eq!(world.sim.node(alice).requests().pop().unwrap().method().as_str(), "BYE");
    assert_eq!(world.sim.node(bob).responses().pop().unwrap().status().as_u16(), 200);
    let opened: std::collections::BTreeSet<_> = world
        .sim
        .capture()
        .iter()
        .filter(|record| record.transport == antiphon_sip::Transport::Tcp)
        .flat_map(|record| [record.from, record.to])
        .collect();
    assert_eq!(opened.len(), 3, "one connection each: {opened:?}");
    world.settle();
}

#[test]
fn nobody_chooses_a_flow_for_us_rfc5626_5_3() {
    let mut world = World::new(1);
    let (alice, bob, invite) = call_between_private_networks(&mut world);
    let ok = world.sim.node(alice).responses().pop().unwrap();
    world.peer("victim", "192.0.2.3:5060");
    let info = invite.in_dialog("INFO", &ok);
    // The last octet of bob's address is made that of somebody else.
    let forged = info.clone().edit_routes(|routes| routes.replace("c0000202", "c0000203"));
    world.send_by_tcp(alice, &forged);
    world.run_for_seconds(1);
    assert_eq!(world.sim.node(alice).responses().pop().unwrap().status().as_u16(), 403);
    assert_eq!(world.sim.node(bob).requests().len(), 1);
}

#[test]
fn a_caller_behind_a_translator_is_reached_where_it_is_seen_rfc5626_5_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    answers(&mut world, alice);
    let invite = Text::new("INVITE", "sip:bob@example.org")
        .header("Contact", "<sip:alice@10.0.0.9:5060>")
        .via("SIP/2.0/UDP 10.0.0.9:5060;rport;branch=z9hG4bK-nat");
    assert_eq!(world.status(alice, &invite), 200);
    let heard = world.heard(bob, "INVITE").remove(0);
    let routes = heard.headers().list::<antiphon_sip::header::RecordRoute<'_>>();
    let routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
    let bye = Text::new("BYE", "sip:alice@10.0.0.9:5060")
        .from("sip:bob@example.org")
        .to(heard.from_text())
        .call_id(heard.call_id())
        .header("Route", &routes.join(", "));
    let other = world.peer("bob's other socket", "192.0.2.2:5062");
    assert_eq!(world.status(other, &bye), 200);
    assert_eq!(world.sim.node(alice).requests().pop().unwrap().method().as_str(), "BYE");
}

#[test]
fn a_client_that_listens_at_another_port_is_reached_there_rfc3581_3() {
    let mut world = World::new(1);
    let sends = world.peer("sends", "192.0.2.2:40000");
    let listens = world.peer("listens", "192.0.2.2:5060");
    let alice = world.peer("alice", "192.0.2.1:5060");
    answers(&mut world, listens);
    let register = Text::register("bob").header("Contact", "<sip:bob@192.0.2.2:5060>");
    let via = |branch| format!("SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bK-two-ports-{branch}");
    world.send(sends, &register.clone().via(&via(1)));
    world.run_for_seconds(1);
    let challenge = world.sim.node(listens).responses().remove(0);
    let register = register.next_cseq().answering(&challenge, "bob", &password("bob"));
    world.send(sends, &register.via(&via(2)));
    world.run_for_seconds(1);
    assert_eq!(world.statuses(listens), [401, 200]);
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    assert!(world.sim.node(sends).heard().is_empty());
}
