//! Routes (RFC 3261 §16.4, §16.6 steps 4, 6 and 7; RFC 5658).

use antiphon_sip::HeaderName;
use antiphon_sip::header::{RecordRoute, Route};

use crate::phone::Script;
use crate::text::Text;
use crate::world::{World, password};

#[test]
fn a_route_to_us_is_taken_off_rfc3261_16_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let text = Text::invite("sip:bob@example.org").header("Route", "<sip:192.0.2.10:5060;lr>");
    assert_eq!(world.status(alice, &text), 200);
    assert!(!world.heard(bob, "INVITE")[0].headers().has(HeaderName::Route));
}

#[test]
fn a_route_by_the_name_of_our_domain_is_taken_off_rfc3261_16_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let text = Text::invite("sip:bob@example.org").header("Route", "<sip:Example.ORG;lr>");
    assert_eq!(world.status(alice, &text), 200);
    assert!(!world.heard(bob, "INVITE")[0].headers().has(HeaderName::Route));
}

#[test]
fn maddr_that_names_us_is_taken_off_rfc3261_16_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let text = Text::invite("sip:bob@example.org;maddr=192.0.2.10;transport=udp");
    assert_eq!(world.status(alice, &text), 200);
}

#[test]
fn maddr_that_names_another_is_where_it_goes_rfc3261_16_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let there = world.phone("there", "192.0.2.9:5060", Script::answers(0));
    let text = Text::invite("sip:bob@example.org;maddr=192.0.2.9").from("sip:alice@example.org");
    let response = world.ask_as(alice, "alice", &password("alice"), &text);
    assert_eq!(response.status().as_u16(), 200);
    let heard = world.heard(there, "INVITE").remove(0);
    assert_eq!(heard.uri_text(), "sip:bob@example.org;maddr=192.0.2.9");
}

#[test]
fn what_a_strict_router_did_is_undone_rfc3261_16_4() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let invite = Text::invite("sip:bob@example.org");
    let ok = world.ask(alice, &invite);
    let ours = ok.headers().first::<RecordRoute<'_>>().unwrap().unwrap().uri.to_string();
    let bye = invite.in_dialog("BYE", &ok).without("Route");
    let target = crate::text::contact(&ok);
    let bye = bye.uri(&ours).header("Route", &format!("<{target}>"));
    assert_eq!(world.status(alice, &bye), 200);
    let heard = world.heard(bob, "BYE").remove(0);
    assert_eq!(heard.uri_text(), target);
    assert!(!heard.headers().has(HeaderName::Route));
}

#[test]
fn a_strict_router_gets_what_it_expects_rfc3261_16_6_step_6() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let strict = world.phone("strict", "192.0.2.7:5060", Script::answers(0));
    let text = Text::invite("sip:bob@192.0.2.9")
        .from("sip:alice@example.org")
        .header("Route", "<sip:192.0.2.10;lr>, <sip:192.0.2.7>, <sip:192.0.2.8;lr>");
    let response = world.ask_as(alice, "alice", &password("alice"), &text);
    assert_eq!(response.status().as_u16(), 200);
    let heard = world.heard(strict, "INVITE").remove(0);
    assert_eq!(heard.uri_text(), "sip:192.0.2.7");
    let routes = heard.headers().list::<Route<'_>>();
    let routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
    assert_eq!(routes, ["<sip:192.0.2.8;lr>", "<sip:bob@192.0.2.9>"]);
}

#[test]
fn a_change_of_transport_is_recorded_twice_rfc5658_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060;transport=tcp", 1000);
    world.sim.with(bob, |bob, _| {
        bob.answer_with(|heard| {
            let octets = heard.response_with(antiphon_sip::StatusCode::OK, |response| {
                response
                    .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060;transport=tcp>")
                    .copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    let invite = Text::invite("sip:bob@example.org");
    let ok = world.ask(alice, &invite);
    assert_eq!(ok.status().as_u16(), 200);
    let routes = ok.headers().list::<RecordRoute<'_>>();
    let routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
    assert_eq!(routes.len(), 2);
    assert!(routes[0].ends_with("@192.0.2.10:5060;transport=tcp;lr>"), "{routes:?}");
    assert!(routes[1].ends_with("@192.0.2.10:5060;lr>"), "{routes:?}");
    world.send(alice, &invite.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    assert_eq!(world.status(alice, &invite.in_dialog("BYE", &ok)), 200);
    let heard = world.sim.node(bob).requests();
    assert_eq!(heard.len(), 3);
    for request in &heard[1..] {
        assert!(!request.headers().has(HeaderName::Route));
    }
    world.settle();
}
