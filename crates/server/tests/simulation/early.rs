//! Early dialogs that end while the call goes on (RFC 6228).

use antiphon_sip::HeaderName;

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

/// What a caller hears of a call to two phones, of which one gives up after ringing.
fn heard(
    invite: impl Fn(Text) -> Text,
    gives_up_with: u16,
) -> (World, Vec<antiphon_sip::Response>) {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::says(&[(0, 180), (1, gives_up_with)]));
    world.bind("bob", "sip:bob@192.0.2.3:5060", 1000);
    world.phone("other", "192.0.2.3:5060", Script::says(&[(0, 183), (2, 200)]));
    world.ask(alice, &invite(Text::invite("sip:bob@example.org")));
    let responses = world.sim.node(alice).responses();
    (world, responses)
}

fn statuses(responses: &[antiphon_sip::Response]) -> Vec<u16> {
    let mut statuses: Vec<_> = responses.iter().map(|heard| heard.status().as_u16()).collect();
    statuses.dedup();
    statuses
}

#[test]
fn an_early_dialog_that_ends_is_told_rfc6228_6() {
    let (mut world, responses) = heard(|text| text.header("Supported", "199"), 486);
    assert_eq!(statuses(&responses), [100, 180, 183, 199, 200]);
    let told = responses.iter().find(|heard| heard.status().as_u16() == 199).unwrap();
    let rang = responses.iter().find(|heard| heard.status().as_u16() == 180).unwrap();
    assert_eq!(told.to_tag(), rang.to_tag());
    assert_eq!(told.headers().text(HeaderName::Reason), Some("SIP;cause=486"));
    assert!(!told.headers().has(HeaderName::Contact));
    assert!(!told.headers().has(HeaderName::RecordRoute));
    world.settle();
}

#[test]
fn who_does_not_understand_it_or_wants_it_reliable_is_not_told_rfc6228_6() {
    let (_, responses) = heard(|text| text, 486);
    assert_eq!(statuses(&responses), [100, 180, 183, 200]);
    let (_, responses) =
        heard(|text| text.header("Supported", "199").header("Require", "100rel"), 486);
    assert_eq!(statuses(&responses), [100, 180, 183, 200]);
}

#[test]
fn a_final_response_that_is_the_answer_is_enough_rfc6228_6() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::says(&[(0, 180), (1, 486)]));
    world.ask(alice, &Text::invite("sip:bob@example.org").header("Supported", "199"));
    assert_eq!(world.statuses(alice), [100, 180, 486]);
    let (_, responses) = heard(|text| text.header("Supported", "199"), 603);
    assert_eq!(statuses(&responses), [100, 180, 183, 603]);
}

#[test]
fn what_the_callee_told_itself_is_not_told_again_rfc6228_6() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::says(&[(0, 180), (1, 199), (1, 486)]));
    world.bind("bob", "sip:bob@192.0.2.3:5060", 1000);
    world.phone("other", "192.0.2.3:5060", Script::says(&[(2, 200)]));
    world.ask(alice, &Text::invite("sip:bob@example.org").header("Supported", "199"));
    let told = world.sim.node(alice).responses();
    assert_eq!(told.iter().filter(|heard| heard.status().as_u16() == 199).count(), 1);
    world.settle();
}
