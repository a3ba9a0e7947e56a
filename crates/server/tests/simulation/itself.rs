//! Requests to the server itself (RFC 3261 §8.2, §11) and those that never get further.

use antiphon_sip::HeaderName;

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

#[test]
fn options_to_the_server_is_answered_by_it_rfc3261_11_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    for uri in ["sip:example.org", "sip:192.0.2.10", "sip:192.0.2.10:5060;transport=udp"] {
        let response = world.ask(alice, &Text::new("OPTIONS", uri));
        assert_eq!(response.status().as_u16(), 200, "{uri}");
        for name in [HeaderName::Allow, HeaderName::Accept, HeaderName::Supported] {
            assert!(response.headers().has(name), "{name}");
        }
    }
    // With the server as its outbound proxy.
    let text = Text::new("OPTIONS", "sip:example.org").header("Route", "<sip:192.0.2.10;lr>");
    assert_eq!(world.status(alice, &text), 200);
    world.settle();
}

#[test]
fn options_that_ran_out_of_hops_here_is_answered_rfc3261_16_3_step_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let text = Text::new("OPTIONS", "sip:example.org").max_forwards("0");
    assert_eq!(world.status(alice, &text), 200);
}

#[test]
fn methods_that_the_server_does_not_take_rfc3261_8_2_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let response = world.ask(alice, &Text::new("MESSAGE", "sip:example.org"));
    assert_eq!(response.status().as_u16(), 405);
    assert_eq!(response.headers().text(HeaderName::Allow), Some("OPTIONS, REGISTER"));
    assert_eq!(world.status(alice, &Text::new("FROBNICATE", "sip:example.org")), 501);
}

#[test]
fn a_dialog_that_the_server_does_not_have_rfc3261_12_2_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    for method in ["BYE", "OPTIONS", "INFO"] {
        let text = Text::new(method, "sip:example.org").to("<sip:example.org>;tag=1");
        assert_eq!(world.status(alice, &text), 481, "{method}");
    }
}

#[test]
fn step_2_a_scheme_that_is_not_understood_is_416_rfc3261_16_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    assert_eq!(world.status(alice, &Text::new("OPTIONS", "soap.beep://192.0.2.9/x")), 416);
}

#[test]
fn step_3_no_hops_left_is_483_rfc3261_16_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    let text = Text::new("OPTIONS", "sip:bob@example.org");
    assert_eq!(world.status(alice, &text.clone().max_forwards("0")), 483);
    assert_eq!(world.status(alice, &text.clone().again().max_forwards("256")), 400);
    assert_eq!(world.status(alice, &text.again().max_forwards("1")), 200);
    assert_eq!(world.heard(bob, "OPTIONS").len(), 1);
}

#[test]
fn step_5_proxy_require_that_is_not_supported_is_420_rfc3261_16_3() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let text = Text::new("OPTIONS", "sip:bob@example.org").header("Proxy-Require", "x-one, x-two");
    let response = world.ask(alice, &text);
    assert_eq!(response.status().as_u16(), 420);
    assert_eq!(response.headers().text(HeaderName::Unsupported), Some("x-one, x-two"));
}
