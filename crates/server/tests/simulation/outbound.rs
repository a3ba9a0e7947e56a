//! Flows that phones keep open (RFC 5626).

use std::time::Duration;

use antiphon_core::registrar::{Binding, Source};
use antiphon_core::time::Time;
use antiphon_server::node::Extensions;
use antiphon_sip::{HeaderName, Response, Transport};
use antiphon_testkit::{Handle, RawPeer};

use crate::phone::Script;
use crate::text::Text;
use crate::world::{SERVER, World, password};

const INSTANCE: &str = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000A95A0E128>\"";

fn register(contact: &str) -> Text {
    Text::register("bob").header("Contact", contact).header("Supported", "path, outbound")
}

fn ask(world: &mut World, bob: Handle<RawPeer>, text: &Text) -> Response {
    world.ask_as(bob, "bob", &password("bob"), text)
}

fn flow(number: u32, contact: &str) -> String {
    format!("<{contact}>;reg-id={number};{INSTANCE}")
}

/// Binds one flow of Bob's instance to a phone.
fn bind(
    world: &mut World,
    name: &str,
    number: u32,
    refreshed: u64,
    script: Script,
) -> Handle<crate::phone::Phone> {
    let address = format!("192.0.2.{}:5060", 20 + number);
    world.bind_with("bob", &format!("sip:bob@{address}"), |binding| {
        is_flow(binding, number, refreshed);
    });
    world.phone(name, &address, script)
}

fn is_flow(binding: &mut Binding, number: u32, refreshed: u64) {
    binding.params = format!(";{INSTANCE}").into();
    binding.reg_id = Some(number);
    binding.refreshed = Time::from_secs(refreshed);
}

#[test]
fn a_flow_is_confirmed_and_replaced_by_its_number_rfc5626_6() {
    let mut world = World::extended(Extensions { flow_timer: Some(120), ..Extensions::default() });
    let bob = world.peer("bob", "192.0.2.2:5060");
    let response = ask(&mut world, bob, &register(&flow(1, "sip:bob@10.0.0.1")));
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers().text(HeaderName::Require), Some("outbound"));
    assert_eq!(response.headers().text(HeaderName::FlowTimer), Some("120"));
    let second = register(&flow(2, "sip:bob@10.0.0.1"));
    assert_eq!(ask(&mut world, bob, &second).status().as_u16(), 200);
    assert_eq!(world.stored("bob").len(), 2, "the same contact over another flow");
    let again = register(&flow(1, "sip:bob@10.0.0.7"));
    assert_eq!(ask(&mut world, bob, &again).status().as_u16(), 200);
    assert_eq!(world.stored("bob"), ["sip:bob@10.0.0.7", "sip:bob@10.0.0.1"]);
    let gone = register(&format!("{};expires=0", flow(2, "sip:bob@10.0.0.99")));
    assert_eq!(ask(&mut world, bob, &gone).status().as_u16(), 200);
    assert_eq!(world.stored("bob"), ["sip:bob@10.0.0.7"]);
    world.settle();
}

#[test]
fn who_does_not_support_it_has_its_number_ignored_rfc5626_6() {
    let mut world = World::with_foreign_contacts();
    let bob = world.peer("bob", "192.0.2.2:5060");
    for contact in ["sip:bob@192.0.2.2", "sip:bob@192.0.2.3"] {
        let text = register(&flow(1, contact)).without("Supported");
        let response = ask(&mut world, bob, &text);
        assert_eq!(response.status().as_u16(), 200);
        assert!(!response.headers().has(HeaderName::Require));
    }
    assert_eq!(world.stored("bob").len(), 2);
    // Nor is there a flow without an instance.
    let response = ask(&mut world, bob, &register("<sip:bob@192.0.2.4>;reg-id=1"));
    assert!(!response.headers().has(HeaderName::Require));
}

#[test]
fn a_first_hop_that_keeps_no_flows_is_439_rfc5626_6() {
    let mut world = World::with_foreign_contacts();
    let edge = world.peer("edge", "192.0.2.5:5060");
    let via = |number: u32| {
        format!(
            "SIP/2.0/UDP 192.0.2.5:5060;branch=z9hG4bK-edge-{number}, \
             SIP/2.0/UDP 10.0.0.1;branch=z9hG4bK-ua-{number}"
        )
    };
    let text = register(&flow(1, "sip:bob@10.0.0.1"));
    let ask = |world: &mut World, text: Text, number: u32| {
        let challenge = world.ask(edge, &text.clone().via(&via(number)));
        let text = text.next_cseq().answering(&challenge, "bob", &password("bob"));
        world.ask(edge, &text.via(&via(number + 1)))
    };
    let plain = text.clone().header("Path", "<sip:192.0.2.5;lr>");
    assert_eq!(ask(&mut world, plain, 1).status().as_u16(), 439);
    let none = text.clone().call_id("without-path");
    assert_eq!(ask(&mut world, none, 3).status().as_u16(), 439);
    assert!(world.stored("bob").is_empty());
    let keeps = text.call_id("with-ob").header("Path", "<sip:192.0.2.6;lr>, <sip:192.0.2.5;lr;ob>");
    let response = ask(&mut world, keeps, 5);
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(response.headers().text(HeaderName::Require), Some("outbound"));
}

#[test]
fn one_flow_is_registered_at_a_time_rfc5626_6() {
    let mut world = World::new(1);
    let bob = world.peer("bob", "192.0.2.2:5060");
    let two = format!("{}, <sip:bob@10.0.0.2>", flow(1, "sip:bob@10.0.0.1"));
    assert_eq!(ask(&mut world, bob, &register(&two)).status().as_u16(), 400);
    let and_one_removed = format!("{two};expires=0");
    assert_eq!(ask(&mut world, bob, &register(&and_one_removed)).status().as_u16(), 200);
}

#[test]
fn a_phone_is_called_over_the_flow_it_registered_over_rfc5626_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:40000");
    // Neither a stream nor a translator: the flow alone makes the difference.
    let text = register(&flow(1, "sip:bob@192.0.2.3:5060"));
    assert_eq!(ask(&mut world, bob, &text).status().as_u16(), 200);
    world.send(alice, &Text::new("OPTIONS", "sip:bob@example.org"));
    world.run_for_seconds(1);
    let requests = world.sim.node(bob).requests();
    assert_eq!(requests[0].uri_text(), "sip:bob@192.0.2.3:5060");
}

#[test]
fn two_flows_of_one_instance_are_never_called_at_the_same_time_rfc5626_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let older = bind(&mut world, "older", 1, 10, Script::answers(0));
    let newer = bind(&mut world, "newer", 2, 20, Script::refuses(486));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 486);
    assert_eq!(world.heard(newer, "INVITE").len(), 1);
    assert!(world.heard(older, "INVITE").is_empty(), "the instance has answered");
    world.settle();
}

#[test]
fn a_failed_flow_gives_its_place_to_the_next_rfc5626_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let third = bind(&mut world, "third", 1, 10, Script::answers(0));
    let second = bind(&mut world, "second", 2, 20, Script::refuses(408));
    let first = bind(&mut world, "first", 3, 30, Script::refuses(430));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    for phone in [first, second, third] {
        assert_eq!(world.heard(phone, "INVITE").len(), 1);
    }
    world.settle();
}

#[test]
fn a_dead_flow_gives_its_place_to_the_next_and_its_contact_is_no_way_rfc5626_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let at_contact = world.phone("neighbour", "192.0.2.9:5060", Script::answers(0));
    world.peer("nat", "192.0.2.8:5060");
    world.bind_with("bob", "sip:bob@192.0.2.9:5060", |binding| {
        is_flow(binding, 1, 20);
        binding.source = Some(Source {
            transport: Transport::Tcp,
            remote: "192.0.2.8:40000".parse().unwrap(),
            local: SERVER.parse().unwrap(),
        });
    });
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 480);
    let alive = bind(&mut world, "alive", 2, 10, Script::answers(0));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    assert_eq!(world.heard(alive, "INVITE").len(), 1);
    assert!(world.heard(at_contact, "INVITE").is_empty());
    world.settle();
}

#[test]
fn a_connection_that_is_gone_is_not_waited_for_rfc5626_5_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    // Somebody is at that address, and a new connection would be tried for long.
    let nat = world.peer("nat", "192.0.2.8:5060");
    world.sim.isolate(nat);
    world.sim.connect_timeout(Duration::from_secs(20));
    for number in [2, 3] {
        world.bind_with("bob", "sip:bob@10.0.0.1:5060", |binding| {
            is_flow(binding, number, 20 + u64::from(number));
            binding.source = Some(Source {
                transport: Transport::Tcp,
                remote: "192.0.2.8:5060".parse().unwrap(),
                local: SERVER.parse().unwrap(),
            });
        });
    }
    let invite = Text::invite("sip:bob@example.org");
    let began = world.sim.now();
    world.send(alice, &invite);
    world.sim.wait_for("480", Duration::from_secs(1), |sim| {
        sim.node(alice).responses().iter().any(|heard| heard.status().as_u16() == 480)
    });
    let alive = bind(&mut world, "alive", 1, 10, Script::answers(0));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    assert_eq!(world.heard(alive, "INVITE").len(), 1);
    assert!(world.sim.now().since(began) < Duration::from_secs(5));
    assert!(world.sim.node(nat).heard().is_empty());
    world.settle();
}

#[test]
fn a_phone_whose_connection_breaks_is_reached_over_its_other_flow_rfc5626_5_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    let text = register(&flow(2, "sip:bob@10.0.0.1;transport=tcp"));
    world.send_by_tcp(bob, &text);
    world.run_for_seconds(1);
    let challenge = world.sim.node(bob).responses().remove(0);
    world.send_by_tcp(bob, &text.next_cseq().answering(&challenge, "bob", &password("bob")));
    world.run_for_seconds(1);
    assert_eq!(world.statuses(bob), [401, 200]);
    let second = bind(&mut world, "second", 1, 10, Script::answers(0));
    let connection = world.sim.node(bob).heard()[0].flow;
    let invite = Text::invite("sip:bob@example.org");
    world.send(alice, &invite);
    world.run_for_seconds(1);
    assert_eq!(world.sim.node(bob).requests().len(), 1, "the last flow first");
    // The call is on its way over that connection when it breaks.
    world.sim.close(bob, connection);
    world.run_for_seconds(1);
    assert_eq!(world.heard(second, "INVITE").len(), 1);
    assert_eq!(world.statuses(alice).last(), Some(&200));
}

#[test]
fn when_all_flows_have_failed_the_caller_hears_480_rfc5626_11_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    bind(&mut world, "one", 1, 10, Script::refuses(430));
    bind(&mut world, "two", 2, 20, Script::refuses(430));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 480);
    world.settle();
}

#[test]
fn a_caller_who_gives_up_ends_the_row_of_flows_rfc5626_7() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let second = bind(&mut world, "second", 1, 10, Script::answers(0));
    bind(&mut world, "first", 2, 20, Script::rings());
    let invite = Text::invite("sip:bob@example.org");
    world.ask(alice, &invite);
    assert_eq!(world.status(alice, &invite.cancel()), 487);
    assert!(world.heard(second, "INVITE").is_empty());
    world.settle();
}

#[test]
fn the_service_route_is_told_rfc3608_6_3() {
    let routes = ["sip:edge.example.org;lr", "sip:home.example.org;lr"];
    let service_route = routes.map(|uri| antiphon_sip::UriBuf::parse(uri).unwrap()).to_vec();
    let mut world = World::extended(Extensions { service_route, ..Extensions::default() });
    let bob = world.peer("bob", "192.0.2.2:5060");
    let response = ask(&mut world, bob, &register("<sip:bob@192.0.2.2>"));
    let told: Vec<_> = response.headers().values(HeaderName::ServiceRoute).collect();
    assert_eq!(told, routes.map(|uri| format!("<{uri}>").into_bytes()));
    let refused = ask(&mut world, bob, &register("<sip:bob@192.0.2.2>;expires=1"));
    assert!(!refused.headers().has(HeaderName::ServiceRoute));
}

#[test]
fn a_path_that_the_phone_does_not_know_of_is_refused_rfc3327_5_3() {
    let mut world = World::new(1);
    let bob = world.peer("bob", "192.0.2.2:5060");
    let text = register("<sip:bob@10.0.0.1>").without("Supported");
    let response = ask(&mut world, bob, &text.header("Path", "<sip:192.0.2.5;lr>"));
    assert_eq!(response.status().as_u16(), 420);
    assert_eq!(response.headers().text(HeaderName::Unsupported), Some("path"));
}
