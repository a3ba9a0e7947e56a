//! REGISTER (RFC 3261 §10.3, RFC 3327, digest of §22).

use std::time::Duration;

use antiphon_server::node::CommitFault;
use antiphon_sip::{HeaderName, Response};
use antiphon_testkit::{Handle, RawPeer};

use crate::digest::credentials;
use crate::text::Text;
use crate::world::{DOMAIN, World, password};

fn world() -> (World, Handle<RawPeer>) {
    let mut world = World::new(1);
    let bob = world.peer("bob", "192.0.2.2:5060");
    (world, bob)
}

fn register(world: &mut World, bob: Handle<RawPeer>, text: &Text) -> Response {
    world.ask_as(bob, "bob", &password("bob"), text)
}

fn contacts(response: &Response) -> Vec<String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    response.headers().values(HeaderName::Contact).map(text).collect()
}

fn bob_at(contact: &str) -> Text {
    Text::register("bob").header("Contact", contact)
}

#[test]
fn step_1_another_domain_is_not_registered_here_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = Text::new("REGISTER", "sip:example.org").to("<sip:bob@elsewhere.example>");
    assert_eq!(world.status(bob, &text), 404);
    let text = Text::new("REGISTER", "sip:example.org").to("<tel:+358-555-1234567>");
    assert_eq!(world.status(bob, &text), 400);
    let text = Text::new("REGISTER", "sip:example.org").to("<sip:bob@example.org:5099>");
    assert_eq!(world.status(bob, &text), 404, "a phone at that port is not us");
    world.settle();
}

#[test]
fn step_2_unknown_extensions_are_refused_by_name_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text =
        bob_at("<sip:bob@192.0.2.2>").header("Require", "path, outbound, gruu, x-odd, y-odd");
    let response = world.ask(bob, &text);
    assert_eq!(response.status().as_u16(), 420);
    assert_eq!(response.headers().text(HeaderName::Unsupported), Some("x-odd, y-odd"));
}

#[test]
fn step_3_an_anonymous_register_is_challenged_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2:5060>");
    let response = world.ask(bob, &text);
    assert_eq!(response.status().as_u16(), 401);
    assert!(response.headers().has(HeaderName::WwwAuthenticate));
    assert!(world.stored("bob").is_empty());
    let text = text.next_cseq().answering(&response, "bob", &password("bob"));
    let response = world.ask(bob, &text);
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(contacts(&response), ["<sip:bob@192.0.2.2:5060>;expires=3600"]);
    assert_eq!(world.stored("bob"), ["sip:bob@192.0.2.2:5060"]);
    world.settle();
}

#[test]
fn step_3_a_wrong_password_is_challenged_again_rfc3261_22_1() {
    let (mut world, bob) = world();
    let response = world.ask_as(bob, "bob", "wrong", &bob_at("<sip:bob@192.0.2.2>"));
    assert_eq!(response.status().as_u16(), 401);
    let challenge = response.headers().text(HeaderName::WwwAuthenticate).unwrap();
    assert!(!challenge.contains("stale"), "{challenge}");
    assert!(world.stored("bob").is_empty());
    assert!(format!("{:?}", world.events()).contains("AuthenticationFailed"));
}

#[test]
fn step_3_an_unknown_user_is_told_nothing_else_than_a_wrong_password_rfc3261_22_1() {
    let (mut world, bob) = world();
    let text = Text::register("nobody").header("Contact", "<sip:nobody@192.0.2.2>");
    assert_eq!(world.ask_as(bob, "nobody", "x", &text).status().as_u16(), 401);
}

#[test]
fn step_3_an_old_nonce_is_stale_and_no_reason_to_ask_for_the_password_rfc7616_3_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2>");
    let first = world.ask(bob, &text);
    world.run_for_seconds(400);
    let text = text.next_cseq().answering(&first, "bob", &password("bob"));
    let response = world.ask(bob, &text);
    assert_eq!(response.status().as_u16(), 401);
    let challenge = response.headers().text(HeaderName::WwwAuthenticate).unwrap();
    assert!(challenge.contains("stale=true"), "{challenge}");
    let text = text.without("Authorization").next_cseq();
    let text = text.answering(&response, "bob", &password("bob"));
    assert_eq!(world.status(bob, &text), 200);
}

#[test]
fn step_3_the_same_credentials_serve_once_rfc7616_3_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2>");
    let challenge = world.ask(bob, &text);
    let text = text.next_cseq().answering(&challenge, "bob", &password("bob"));
    assert_eq!(world.status(bob, &text), 200);
    assert_eq!(world.status(bob, &text.next_cseq()), 401, "a replay");
}

#[test]
fn step_3_a_made_up_nonce_is_refused() {
    let (mut world, bob) = world();
    let password = password("bob");
    let own = credentials(DOMAIN, "abc", "REGISTER", "sip:example.org", "bob", &password);
    let text = bob_at("<sip:bob@192.0.2.2>").header("Authorization", &own);
    assert_eq!(world.status(bob, &text), 401);
}

#[test]
fn step_4_nobody_registers_for_somebody_else_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = Text::register("alice").header("Contact", "<sip:alice@192.0.2.2>");
    let response = register(&mut world, bob, &text);
    assert_eq!(response.status().as_u16(), 403);
    assert!(world.stored("alice").is_empty());
}

#[test]
fn step_5_one_user_has_one_address_of_record_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2>").to("<sips:%62ob@EXAMPLE.org;user=phone>");
    assert_eq!(register(&mut world, bob, &text).status().as_u16(), 200);
    assert_eq!(world.stored("bob"), ["sip:bob@192.0.2.2"]);
}

#[test]
fn step_6_a_request_without_contact_lists_the_bindings_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2>;q=0.3, <sip:bob@192.0.2.2:5070>;expires=120");
    register(&mut world, bob, &text);
    world.run_for_seconds(20);
    let response = register(&mut world, bob, &Text::register("bob"));
    // 20 s, and 6 s for the two exchanges around it.
    assert_eq!(
        contacts(&response),
        ["<sip:bob@192.0.2.2>;q=0.300;expires=3574", "<sip:bob@192.0.2.2:5070>;expires=94"]
    );
    assert!(response.headers().has(HeaderName::Date));
}

#[test]
fn step_6_a_star_removes_all_rfc3261_10_3() {
    let (mut world, bob) = world();
    register(&mut world, bob, &bob_at("<sip:bob@192.0.2.2>, <sip:bob@192.0.2.2:5070>"));
    assert_eq!(world.stored("bob").len(), 2);
    let text = bob_at("*").header("Expires", "0");
    let response = register(&mut world, bob, &text);
    assert_eq!((response.status().as_u16(), contacts(&response).len()), (200, 0));
    assert!(world.stored("bob").is_empty());
    assert_eq!(register(&mut world, bob, &bob_at("*")).status().as_u16(), 400);
}

#[test]
fn step_7_too_brief_an_interval_is_refused_rfc3261_10_3() {
    let (mut world, bob) = world();
    let response = register(&mut world, bob, &bob_at("<sip:bob@192.0.2.2>;expires=10"));
    assert_eq!(response.status().as_u16(), 423);
    assert_eq!(response.headers().text(HeaderName::MinExpires), Some("60"));
    assert!(world.stored("bob").is_empty());
}

#[test]
fn step_7_a_request_out_of_order_fails_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2>");
    assert_eq!(register(&mut world, bob, &text.clone().cseq(10)).status().as_u16(), 200);
    assert_eq!(register(&mut world, bob, &text.clone().cseq(5)).status().as_u16(), 500);
    let other_call = text.call_id("after-a-restart").cseq(1);
    assert_eq!(register(&mut world, bob, &other_call).status().as_u16(), 200);
}

#[test]
fn step_7_a_binding_ends_to_the_second_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2:5060>;expires=60");
    register(&mut world, bob, &text);
    let heard = world.sim.node(bob).heard().last().unwrap().at;
    let alice = world.peer("alice", "192.0.2.1:5060");
    // The 200 came a millisecond after the binding was made.
    let made = heard - Duration::from_millis(1);
    world.sim.run_until(made + Duration::from_millis(59_990));
    let options = Text::new("OPTIONS", "sip:bob@example.org");
    world.send(alice, &options);
    world.sim.run_until(made + Duration::from_secs(60));
    assert_eq!(world.sim.node(bob).requests().len(), 1);
    assert_eq!(world.status(alice, &options.again()), 480);
    assert!(world.stored("bob").is_empty());
}

#[test]
fn step_7_two_requests_at_the_same_time_are_both_stored_rfc3261_10_3() {
    let mut world = World::with_slow_stores(Duration::from_millis(50));
    let bob = world.peer("bob", "192.0.2.2:5060");
    let mut texts = Vec::new();
    for contact in ["<sip:bob@192.0.2.2>", "<sip:bob@192.0.2.2:5070>"] {
        let text = bob_at(contact);
        let challenge = world.ask(bob, &text);
        texts.push(text.next_cseq().answering(&challenge, "bob", &password("bob")));
    }
    for text in &texts {
        world.send(bob, text);
    }
    world.run_for_seconds(3);
    assert_eq!(world.statuses(bob), [401, 200]);
    assert_eq!(world.stored("bob").len(), 2);
    world.settle();
}

#[test]
fn step_7_what_could_not_be_stored_is_not_confirmed_rfc3261_10_3() {
    let (mut world, bob) = world();
    let text = bob_at("<sip:bob@192.0.2.2>");
    world.faults.borrow_mut().push_back(CommitFault::Failed("disk full".into()));
    assert_eq!(register(&mut world, bob, &text).status().as_u16(), 500);
    assert!(format!("{:?}", world.events()).contains("disk full"));
    world.faults.borrow_mut().push_back(CommitFault::Overloaded);
    let response = register(&mut world, bob, &text.clone().cseq(3));
    assert_eq!(response.status().as_u16(), 503);
    assert!(response.headers().has(HeaderName::RetryAfter));
    assert!(world.stored("bob").is_empty());
    assert_eq!(register(&mut world, bob, &text.cseq(5)).status().as_u16(), 200);
    world.settle();
}

#[test]
fn step_8_the_path_is_given_back_and_used_rfc3327_5_3() {
    let (mut world, _) = world();
    let edge = world.peer("edge", "192.0.2.5:5060");
    let alice = world.peer("alice", "192.0.2.1:5060");
    let path = "<sip:edge@192.0.2.5;lr>";
    let text = bob_at("<sip:bob@10.0.0.1>").header("Path", path).header("Supported", "path");
    let response = register(&mut world, edge, &text);
    assert_eq!(response.headers().text(HeaderName::Path), Some(path));
    world.send(alice, &Text::new("OPTIONS", "sip:bob@example.org"));
    world.run_for_seconds(1);
    let request = world.sim.node(edge).requests().pop().unwrap();
    assert_eq!(request.uri_text(), "sip:bob@10.0.0.1");
    assert_eq!(request.headers().text(HeaderName::Route), Some(path));
}

#[test]
fn a_phone_behind_a_translator_is_reached_where_it_is_seen() {
    let (mut world, bob) = world();
    let alice = world.peer("alice", "192.0.2.1:5060");
    let text = bob_at("<sip:bob@10.0.0.1:5060>");
    let via = |branch| format!("SIP/2.0/UDP 10.0.0.1:5060;rport;branch=z9hG4bK-{branch}");
    let challenge = world.ask(bob, &text.clone().via(&via(1)));
    let text = text.next_cseq().answering(&challenge, "bob", &password("bob"));
    assert_eq!(world.status(bob, &text.via(&via(2))), 200);
    world.send(alice, &Text::new("OPTIONS", "sip:bob@example.org"));
    world.run_for_seconds(1);
    let requests = world.sim.node(bob).requests();
    assert_eq!(requests[0].uri_text(), "sip:bob@10.0.0.1:5060");
}

#[test]
fn sips_reaches_only_sips_rfc5630_5_3() {
    let (mut world, _) = world();
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@192.0.2.2", 1000);
    let refused = world.ask(alice, &Text::invite("sips:bob@example.org"));
    assert_eq!(refused.status().as_u16(), 480);
    assert_eq!(refused.headers().text(HeaderName::Warning), None, "nothing for strangers");
    let invite = Text::invite("sips:bob@example.org").from("sip:carol@example.org");
    let refused = world.ask_as(alice, "carol", &password("carol"), &invite);
    assert_eq!(refused.status().as_u16(), 480);
    let warning = refused.headers().text(HeaderName::Warning);
    assert_eq!(warning, Some("380 antiphon \"SIPS Not Allowed\""));
    world.settle();
}

#[test]
fn a_secure_contact_is_registered_by_secure_uris_alone_rfc5630_5_2() {
    let contact = "<sips:bob@192.0.2.2>";
    let rows = [
        ("sip:example.org", "", 400),
        ("sips:example.org", "", 200),
        ("sips:example.org", "<sip:192.0.2.2;lr>", 400),
        ("sips:example.org", "<sips:192.0.2.2;lr>", 200),
    ];
    for (uri, path, expected) in rows {
        let (mut world, bob) = world();
        let mut text = bob_at(contact).uri(uri);
        if !path.is_empty() {
            text = text.header("Path", path).header("Supported", "path");
        }
        assert_eq!(register(&mut world, bob, &text).status().as_u16(), expected, "{uri} {path}");
    }
}

#[test]
fn an_alias_of_the_domain_is_the_domain() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    let text = Text::new("REGISTER", "sip:example.net")
        .from("sip:bob@example.net")
        .to("<sip:bob@example.net>")
        .header("Contact", "<sip:bob@192.0.2.2>");
    assert_eq!(register(&mut world, bob, &text).status().as_u16(), 200);
    assert_eq!(world.stored("bob"), ["sip:bob@192.0.2.2"]);
    let nobody = Text::new("OPTIONS", "sip:nobody@example.net").from("sip:alice@example.org");
    let response = world.ask_as(alice, "alice", &password("alice"), &nobody);
    assert_eq!(response.status().as_u16(), 404);
    world.send(alice, &Text::new("OPTIONS", "sip:bob@EXAMPLE.net"));
    world.run_for_seconds(1);
    assert!(!world.sim.node(bob).requests().is_empty());
}
