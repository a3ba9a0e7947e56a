//! The privacy service, as far as a proxy is one (RFC 3323).

use antiphon_sip::{HeaderName, Request, StatusCode};

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

const RELAYED: &str = "[media]\nrtpengine = [\"192.0.2.99:2223\"]\nrelay = \"never\"\n";

fn invite(privacy: &str) -> Text {
    Text::invite("sip:bob@example.org").header("Privacy", privacy)
}

/// The answer to a request, and what bob heard of it.
fn passed(world: &mut World, text: &Text) -> (antiphon_sip::Response, Option<Request>) {
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let response = world.ask(caller, text);
    (response, world.heard(bob, "INVITE").pop())
}

fn heard(configuration: &str, text: &Text) -> Request {
    let (response, heard) = passed(&mut World::configured(configuration), text);
    assert_eq!(response.status(), StatusCode::OK);
    heard.unwrap()
}

fn refusal(configuration: &str, text: &Text) -> String {
    let (response, heard) = passed(&mut World::configured(configuration), text);
    assert_eq!(response.status(), StatusCode::SERVER_INTERNAL_ERROR);
    assert!(heard.is_none());
    response.reason().to_owned()
}

fn privacy(request: &Request) -> Option<&str> {
    request.headers().text(HeaderName::Privacy)
}

#[test]
fn with_none_nothing_is_done_and_the_field_stays_as_it_is_rfc3323_5() {
    let text = invite("None").header("Subject", "hello").header("Proxy-Require", "privacy");
    let heard = heard(RELAYED, &text);
    assert_eq!(privacy(&heard), Some("None"));
    assert_eq!(heard.headers().text(HeaderName::Subject), Some("hello"));
    assert_eq!(heard.headers().text(HeaderName::ProxyRequire), Some("privacy"));
}

#[test]
fn what_is_critical_and_not_provided_is_500_by_name_rfc3323_5() {
    for (wishes, told) in [
        ("header;critical", "Privacy not provided: header"),
        ("session;user;header;id;critical", "Privacy not provided: session, user, header"),
        ("later;critical", "Privacy not provided: later"),
    ] {
        assert_eq!(refusal("", &invite(wishes).sdp("v=0\r\n")), told);
    }
}

#[test]
fn what_is_not_critical_goes_on_with_what_is_left_to_others_rfc3323_5() {
    let text = invite("header;user;session").header("Proxy-Require", "privacy").sdp("v=0\r\n");
    let heard = heard("", &text);
    assert_eq!(privacy(&heard), Some("header;user;session"));
    assert_eq!(heard.headers().text(HeaderName::ProxyRequire), Some("privacy"));
}

#[test]
fn a_critical_request_that_a_route_leads_on_is_for_the_next_rfc3323_4_3() {
    let mut world = World::configured("trusted = [\"192.0.2.1\"]");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let service = world.phone("service", "192.0.2.7:5060", Script::answers(0));
    let text = invite("header;critical").header("Route", "<sip:192.0.2.7;lr>");
    assert_eq!(world.status(caller, &text), 200);
    assert_eq!(privacy(&world.heard(service, "INVITE")[0]), Some("header;critical"));
}

#[test]
fn header_privacy_is_not_claimed_rfc3323_5_1() {
    // Contact cannot be hidden by a proxy; hiding Via alone would hide nothing.
    let heard = heard(RELAYED, &invite("header"));
    assert_eq!(privacy(&heard), Some("header"));
    assert!(heard.headers().has(HeaderName::Contact));
}

#[test]
fn session_privacy_is_the_media_relay_whatever_the_rules_say_rfc3323_5_2() {
    let sdp = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n";
    let text = invite("session;critical").sdp(sdp).header("Proxy-Require", "privacy");
    let heard = heard(RELAYED, &text);
    assert!(String::from_utf8_lossy(heard.body()).contains("203.0.113.1"));
    assert_eq!(privacy(&heard), None);
    assert!(!heard.headers().has(HeaderName::ProxyRequire));
}

#[test]
fn without_a_relay_that_answers_there_is_no_session_privacy_rfc3323_5_2() {
    let sdp = "v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n";
    for (wish, expected) in [("session;critical", 500), ("session", 200)] {
        let mut world = World::configured(RELAYED);
        world.relay.borrow_mut().is_gone = true;
        let (response, heard) = passed(&mut world, &invite(wish).sdp(sdp));
        assert_eq!(response.status().as_u16(), expected);
        assert_eq!(heard.is_some(), expected == 200);
        assert!(heard.is_none_or(|heard| privacy(&heard) == Some("session")));
    }
}

#[test]
fn user_privacy_takes_off_what_only_informs_rfc3323_5_3() {
    let fields = [
        ("Subject", "hello"),
        ("Call-Info", "<http://a.example/me.png>;purpose=icon"),
        ("Organization", "A"),
        ("User-Agent", "A/1"),
        ("Reply-To", "<sip:a@a.example>"),
        ("In-Reply-To", "b@b.example"),
    ];
    let text = fields.iter().fold(invite("user"), |text, (name, value)| text.header(name, value));
    let heard_of_named = heard("", &text);
    let anonymous = text.from("sip:anonymous@Anonymous.invalid");
    let heard_of_nobody = heard("", &anonymous);
    for (name, _) in fields {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        assert!(!heard_of_named.headers().has(name) && !heard_of_nobody.headers().has(name));
    }
    assert_eq!(privacy(&heard_of_named), Some("user"), "From still names the caller");
    assert_eq!(privacy(&heard_of_nobody), None, "nothing is left to be done");
}

#[test]
fn who_may_be_told_a_name_is_for_the_next_element_too_rfc3325_7() {
    let text = invite("user;id;critical").from("sip:anonymous@anonymous.invalid");
    assert_eq!(privacy(&heard("", &text)), Some("id;critical"));
}
