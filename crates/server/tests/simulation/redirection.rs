//! Redirections that the proxy follows (RFC 3261 §16.7 step 4).

use antiphon_server::node::Extensions;
use antiphon_sip::HeaderName;

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

fn following() -> World {
    World::extended(Extensions { follow_redirections: true, ..Extensions::default() })
}

fn moved(status: u16, contacts: &str) -> Script {
    Script::refuses(status).with(HeaderName::Contact, contacts)
}

fn contacts(response: &antiphon_sip::Response) -> Vec<String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    response.headers().values(HeaderName::Contact).map(text).collect()
}

#[test]
fn step_4_a_redirection_is_followed_by_q_rfc3261_16_7() {
    let mut world = following();
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", moved(302, "<sip:b@192.0.2.3>;q=0.2, <sip:c@192.0.2.4>"));
    let second = world.phone("second", "192.0.2.3:5060", Script::answers(0));
    let first = world.phone("first", "192.0.2.4:5060", Script::refuses(486));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 200);
    assert_eq!(world.heard(first, "INVITE")[0].uri_text(), "sip:c@192.0.2.4");
    assert_eq!(world.heard(second, "INVITE").len(), 1);
    assert_eq!(world.statuses(alice), [100, 180, 200]);
    world.settle();
}

#[test]
fn step_4_it_is_the_callers_unless_configured_or_when_it_says_so_rfc3261_16_7_rfc3841_9_1() {
    for is_configured in [false, true] {
        let mut world = if is_configured { following() } else { World::new(1) };
        let alice = world.peer("alice", "192.0.2.1:5060");
        world.bound("bob", "192.0.2.2:5060", moved(302, "<sip:b@192.0.2.3>"));
        let there = world.phone("there", "192.0.2.3:5060", Script::answers(0));
        let invite = Text::invite("sip:bob@example.org");
        let invite = invite.header("Request-Disposition", "no-recurse");
        let invite = if is_configured { invite } else { invite.without("Request-Disposition") };
        assert_eq!(world.status(alice, &invite), 302);
        assert!(world.heard(there, "INVITE").is_empty());
        world.settle();
    }
}

#[test]
fn every_uri_is_tried_once_rfc3261_16_5() {
    let mut world = following();
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", moved(301, "<sip:bob@192.0.2.3:5060>"));
    let back = "<sip:bob@192.0.2.2:5060>, <sip:bob@192.0.2.3:5060>, <sip:bob@example.org>";
    let other = world.phone("bob", "192.0.2.3:5060", moved(302, back));
    world.bind("bob", "sip:bob@192.0.2.4:5060", 500);
    world.phone("last", "192.0.2.4:5060", Script::refuses(486));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 486);
    assert_eq!(world.heard(bob, "INVITE").len(), 1);
    assert_eq!(world.heard(other, "INVITE").len(), 1);
    world.settle();
}

#[test]
fn what_is_not_for_us_to_try_is_left_to_the_caller_rfc5630_5_3() {
    let mut world = following();
    let alice = world.peer("alice", "192.0.2.1:5060");
    let left = "<sips:b@192.0.2.4>, <sip:carol@example.net>, <tel:+358555123>, <sip:b@192.0.2.3>";
    world.bound("bob", "192.0.2.2:5060", moved(302, left));
    let there = world.phone("there", "192.0.2.3:5060", Script::refuses(486));
    let response = world.ask(alice, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 302);
    let expected = ["<sips:b@192.0.2.4>", "<sip:carol@example.net>", "<tel:+358555123>"];
    assert_eq!(contacts(&response), expected);
    assert_eq!(world.heard(there, "INVITE").len(), 1);
    world.settle();
}

#[test]
fn a_row_of_redirections_ends() {
    let mut world = following();
    let alice = world.peer("alice", "192.0.2.1:5060");
    let many: Vec<_> = (0..40).map(|user| format!("<sip:u{user}@192.0.2.3:5060>")).collect();
    world.bound("bob", "192.0.2.2:5060", moved(302, &many.join(", ")));
    let there = world.phone("there", "192.0.2.3:5060", Script::refuses(486));
    assert_eq!(world.status(alice, &Text::invite("sip:bob@example.org")), 302);
    assert_eq!(world.heard(there, "INVITE").len(), 16);
    world.settle();
}
