//! Who the caller is, and who is told (RFC 3325, RFC 3323).

use antiphon_core::proxy::TrustDomain;
use antiphon_server::node::Extensions;
use antiphon_sip::HeaderName;
use antiphon_testkit::Handle;

use crate::phone::{Phone, Script};
use crate::text::Text;
use crate::world::{World, password};

const ASSERTED: &str = "P-Asserted-Identity";

/// Bob's phone is at 192.0.2.2; trusted elements are at 198.51.100.0/24.
fn world(tells_outside: bool) -> (World, Handle<Phone>) {
    let networks = vec![("198.51.100.0".parse().unwrap(), 24)];
    let trust = TrustDomain { networks, tells_outside };
    let mut world = World::extended(Extensions { trust, ..Extensions::default() });
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    (world, bob)
}

fn told(world: &World, phone: Handle<Phone>) -> Option<String> {
    let heard = world.heard(phone, "INVITE").pop().unwrap();
    assert!(!heard.headers().has(HeaderName::PPreferredIdentity));
    heard.headers().text(HeaderName::PAssertedIdentity).map(str::to_owned)
}

fn from_within(privacy: Option<&str>) -> Text {
    let text = Text::invite("sip:bob@example.org").header(ASSERTED, "<sip:ann@partner.example>");
    privacy.into_iter().fold(text, |text, privacy| text.header("Privacy", privacy))
}

#[test]
fn a_stranger_asserts_nothing_rfc3325_5() {
    let (mut world, bob) = world(true);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let text = from_within(None).header("P-Preferred-Identity", "<sip:boss@example.org>");
    assert_eq!(world.status(alice, &text), 200);
    assert_eq!(told(&world, bob), None);
}

#[test]
fn who_has_signed_in_is_named_rfc3325_5() {
    let (mut world, bob) = world(true);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let text = from_within(None).from("sip:alice@example.org");
    let text = text.header("P-Preferred-Identity", "<sip:boss@example.org>");
    let response = world.ask_as(alice, "alice", &password("alice"), &text);
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(told(&world, bob).as_deref(), Some("<sip:alice@example.org>"));
}

#[test]
fn inside_the_domain_all_is_told_rfc3325_7() {
    let (mut world, _) = world(false);
    let trunk = world.peer("trunk", "198.51.100.1:5060");
    let gateway = world.bound("carol", "198.51.100.2:5060", Script::answers(0));
    let text = from_within(Some("id")).uri("sip:carol@example.org");
    assert_eq!(world.status(trunk, &text), 200);
    assert_eq!(told(&world, gateway).as_deref(), Some("<sip:ann@partner.example>"));
}

#[test]
fn outside_it_is_told_as_the_caller_wants_rfc3325_7() {
    let ann = Some("<sip:ann@partner.example>");
    for (tells_outside, privacy, expected) in [
        (true, None, ann),
        (true, Some("id"), None),
        (true, Some("header;id"), None),
        (true, Some("id user"), None),
        (false, None, None),
        (false, Some("none"), ann),
    ] {
        let (mut world, bob) = world(tells_outside);
        let trunk = world.peer("trunk", "198.51.100.1:5060");
        assert_eq!(world.status(trunk, &from_within(privacy)), 200);
        assert_eq!(told(&world, bob).as_deref(), expected, "{tells_outside} {privacy:?}");
    }
}

#[test]
fn a_callee_outside_asserts_nothing_in_its_response_rfc3325_5() {
    let (mut world, _) = world(true);
    let trunk = world.peer("trunk", "198.51.100.1:5060");
    let says = |name| {
        Script::answers(0).with(HeaderName::PAssertedIdentity, &format!("<sip:{name}@example.org>"))
    };
    world.bound("carol", "192.0.2.3:5060", says("boss"));
    world.bound("dave", "198.51.100.3:5060", says("dave"));
    let response = world.ask(trunk, &Text::invite("sip:carol@example.org"));
    assert!(!response.headers().has(HeaderName::PAssertedIdentity));
    world.send(trunk, &Text::invite("sip:dave@example.org"));
    world.sim.run_for(std::time::Duration::from_millis(100));
    let response = world.sim.node(trunk).responses().pop().unwrap();
    let told = response.headers().text(HeaderName::PAssertedIdentity);
    assert_eq!(told, Some("<sip:dave@example.org>"));
}
