//! Where a request has been: History-Info (RFC 7044).

use antiphon_sip::{HeaderName, Headers};

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

fn entries(headers: &Headers) -> Vec<String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    headers.values(HeaderName::HistoryInfo).map(text).collect()
}

/// A call to bob, whose first telephone is busy; what the second has heard, and the caller.
fn call(headers: &[(&str, &str)]) -> (Vec<String>, Vec<String>) {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    world.bind("bob", "sip:bob@192.0.2.3:5060", 500);
    world.phone("one", "192.0.2.2:5060", Script::refuses(486));
    let two = world.phone("two", "192.0.2.3:5060", Script::answers(1));
    let text = Text::invite("sip:bob@example.org");
    let text = headers.iter().fold(text, |text, (name, value)| text.header(name, value));
    world.ask(alice, &text);
    let responses = world.sim.node(alice).responses();
    let response = responses.iter().find(|heard| heard.status().as_u16() == 200).unwrap();
    (entries(world.heard(two, "INVITE")[0].headers()), entries(response.headers()))
}

#[test]
fn who_asks_for_a_history_gets_one_rfc7044_9() {
    let (heard, told) = call(&[("Supported", "histinfo")]);
    let all = [
        "<sip:bob@example.org>;index=1",
        "<sip:bob@192.0.2.2:5060?Reason=SIP%3Bcause%3D486>;index=1.1;rc=1",
        "<sip:bob@192.0.2.3:5060>;index=1.2;rc=1",
    ];
    assert_eq!(heard, all);
    assert_eq!(told, all);
}

#[test]
fn an_earlier_history_is_continued_rfc7044_9_1() {
    let before = "<sip:boss@example.com>;index=1, <sip:bob@example.org>;index=1.1;mp=1";
    let (heard, _) = call(&[("History-Info", before)]);
    assert_eq!(
        heard,
        [
            "<sip:boss@example.com>;index=1",
            "<sip:bob@example.org>;index=1.1;mp=1",
            "<sip:bob@192.0.2.2:5060?Reason=SIP%3Bcause%3D486>;index=1.1.1;rc=1.1",
            "<sip:bob@192.0.2.3:5060>;index=1.1.2;rc=1.1",
        ]
    );
}

#[test]
fn who_does_not_ask_gets_none_rfc7044_9_4() {
    assert_eq!(call(&[]), (Vec::new(), Vec::new()));
}

#[test]
fn a_caller_may_have_the_history_hidden_rfc7044_10_1_2() {
    let (heard, _) = call(&[("Supported", "histinfo"), ("Privacy", "history")]);
    assert_eq!(heard[0], "<sip:anonymous@anonymous.invalid>;index=1");
    assert_eq!(heard[2], "<sip:anonymous@anonymous.invalid>;index=1.2;rc=1");
}
