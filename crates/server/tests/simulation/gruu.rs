//! One URI for one phone (RFC 5627).

use antiphon_sip::header::Contact;
use antiphon_sip::{HeaderName, Response};
use antiphon_testkit::{Handle, RawPeer};

use crate::text::Text;
use crate::world::{World, password};

const ONE: &str = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000000000001>\"";
const TWO: &str = "+sip.instance=\"<urn:uuid:00000000-0000-1000-8000-000000000002>\"";

fn register(contact: &str, instance: &str) -> Text {
    Text::register("bob")
        .header("Contact", &format!("<{contact}>;{instance}"))
        .header("Supported", "gruu")
}

fn ask(world: &mut World, bob: Handle<RawPeer>, text: &Text) -> Response {
    let response = world.ask_as(bob, "bob", &password("bob"), text);
    assert_eq!(response.status().as_u16(), 200);
    response
}

/// A parameter of the Contact that has this URI.
fn param(response: &Response, uri: &str, name: &str) -> Option<String> {
    let contacts = response.headers().list::<Contact<'_>>().flatten();
    let address = contacts.filter_map(|contact| contact.address().copied());
    let this = address.into_iter().find(|address| address.uri_text == uri)?;
    this.params.value(name).map(str::to_owned)
}

fn gruus(response: &Response, uri: &str) -> [String; 2] {
    ["pub-gruu", "temp-gruu"].map(|name| param(response, uri, name).unwrap())
}

fn options(world: &mut World, caller: Handle<RawPeer>, uri: &str) -> u16 {
    world.status(caller, &Text::new("OPTIONS", uri))
}

fn answers(world: &mut World, peer: Handle<RawPeer>) {
    world.sim.with(peer, |peer, _| {
        peer.answer_with(|heard| {
            let octets = heard.response_with(antiphon_sip::StatusCode::OK, |response| response);
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
}

/// Bob with two phones, and Alice.
fn world() -> (World, [Handle<RawPeer>; 3]) {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let one = world.peer("one", "192.0.2.2:5060");
    let two = world.peer("two", "192.0.2.3:5060");
    answers(&mut world, one);
    answers(&mut world, two);
    (world, [alice, one, two])
}

#[test]
fn who_supports_gruus_is_told_them_rfc5627_5_2() {
    let (mut world, [_, one, _]) = world();
    let uri = "sip:bob@192.0.2.2";
    let text = register(uri, &format!("{ONE};pub-gruu=\"sip:me@x;gr\";temp-gruu=\"sip:y@x;gr\""));
    let response = ask(&mut world, one, &text);
    let [public, temporary] = gruus(&response, uri);
    assert_eq!(public, "sip:bob@example.org;gr=urn:uuid:00000000-0000-1000-8000-000000000001");
    assert!(temporary.ends_with("@example.org;gr") && !temporary.contains("bob"), "{temporary}");
    assert!(!response.headers().has(HeaderName::Require));
    let without = ask(&mut world, one, &register(uri, ONE).without("Supported"));
    assert_eq!(param(&without, uri, "pub-gruu"), None);
    let nobody = "sip:bob@192.0.2.2:5070";
    let response = ask(&mut world, one, &register(nobody, "audio"));
    assert_eq!(param(&response, nobody, "pub-gruu"), None);
    assert!(param(&response, uri, "pub-gruu").is_some(), "the other contact has them");
}

#[test]
fn a_gruu_leads_to_its_instance_alone_rfc5627_6_1() {
    let (mut world, [alice, one, two]) = world();
    ask(&mut world, one, &register("sip:bob@192.0.2.2", ONE));
    let response = ask(&mut world, two, &register("sip:bob@192.0.2.3", TWO));
    let first = gruus(&response, "sip:bob@192.0.2.2");
    let second = gruus(&response, "sip:bob@192.0.2.3");
    for uri in first {
        assert_eq!(options(&mut world, alice, &uri), 200);
    }
    assert_eq!(world.sim.node(one).requests().len(), 2);
    assert!(world.sim.node(two).requests().is_empty());
    for uri in second {
        assert_eq!(options(&mut world, alice, &uri), 200);
    }
    let requests = world.sim.node(two).requests();
    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].uri_text(), "sip:bob@192.0.2.3", "gr is not carried on");
    world.settle();
}

#[test]
fn a_public_gruu_outlives_its_bindings_and_a_temporary_one_does_not_rfc5627_5_3() {
    let (mut world, [alice, one, _]) = world();
    let uri = "sip:bob@192.0.2.2";
    let text = register(uri, ONE);
    let [public, temporary] = gruus(&ask(&mut world, one, &text), uri);
    ask(&mut world, one, &text.clone().cseq(5).header("Expires", "0"));
    assert_eq!(options(&mut world, alice, &public), 480);
    assert_eq!(options(&mut world, alice, &temporary), 404);
    ask(&mut world, one, &text.cseq(9));
    assert_eq!(options(&mut world, alice, &public), 200);
    assert_eq!(options(&mut world, alice, &temporary), 404, "void for ever");
}

#[test]
fn a_phone_that_begins_anew_ends_its_temporary_gruus_rfc5627_5_1() {
    let (mut world, [alice, one, _]) = world();
    let uri = "sip:bob@192.0.2.2";
    let text = register(uri, ONE);
    let [_, first] = gruus(&ask(&mut world, one, &text), uri);
    let [_, second] = gruus(&ask(&mut world, one, &text.clone().cseq(5)), uri);
    assert_ne!(first, second);
    assert_eq!(options(&mut world, alice, &first), 200, "a refresh ends nothing");
    assert_eq!(options(&mut world, alice, &second), 200);
    let [public, third] = gruus(&ask(&mut world, one, &text.call_id("after-a-restart")), uri);
    assert_eq!(options(&mut world, alice, &first), 404);
    assert_eq!(options(&mut world, alice, &second), 404);
    assert_eq!(options(&mut world, alice, &third), 200);
    assert_eq!(options(&mut world, alice, &public), 200);
    world.restart();
    assert_eq!(options(&mut world, alice, &third), 200, "also after a restart of the server");
}

#[test]
fn what_was_never_given_out_is_404_rfc5627_6_1() {
    let (mut world, [alice, one, _]) = world();
    ask(&mut world, one, &register("sip:bob@192.0.2.2", ONE));
    assert_eq!(options(&mut world, alice, "sip:bob@example.org;gr"), 404);
    assert_eq!(options(&mut world, alice, "sip:tgruu.00ff@example.org;gr"), 404);
    let nobody = Text::new("OPTIONS", "sip:nobody@example.org;gr=urn:uuid:1");
    assert_eq!(world.status(alice, &nobody), 480, "a stranger is not told whether there is a user");
    let nobody = nobody.from("sip:alice@example.org");
    let response = world.ask_as(alice, "alice", &password("alice"), &nobody);
    assert_eq!(response.status().as_u16(), 404);
    assert!(world.sim.node(one).requests().is_empty());
}

#[test]
fn a_public_gruu_that_nobody_registered_is_as_one_that_is_not_signed_in_rfc5627_5_3() {
    let (mut world, [alice, one, _]) = world();
    ask(&mut world, one, &register("sip:bob@192.0.2.2", ONE));
    let other = "sip:bob@example.org;gr=urn:uuid:00000000-0000-1000-8000-00000000000f";
    assert_eq!(options(&mut world, alice, other), 480);
    assert!(world.sim.node(one).requests().is_empty());
}

#[test]
fn a_registration_may_require_it_and_is_not_told_so_rfc5627_5_1() {
    let (mut world, [_, one, _]) = world();
    let uri = "sip:bob@192.0.2.2";
    let response = ask(&mut world, one, &register(uri, ONE).header("Require", "gruu"));
    assert!(param(&response, uri, "pub-gruu").is_some());
    assert!(!response.headers().has(HeaderName::Require), "§5.2");
    assert!(!response.headers().has(HeaderName::Supported), "§5.2");
    let instance = param(&response, uri, "+sip.instance");
    assert_eq!(instance.as_deref(), Some("<urn:uuid:00000000-0000-1000-8000-000000000001>"));
}

#[test]
fn a_contact_that_has_timed_out_ends_its_temporary_gruus_rfc5627_5_3() {
    let (mut world, [alice, one, _]) = world();
    let uri = "sip:bob@192.0.2.2";
    let text = register(uri, ONE).header("Expires", "120");
    let [public, temporary] = gruus(&ask(&mut world, one, &text), uri);
    world.run_for_seconds(100);
    assert_eq!(options(&mut world, alice, &temporary), 200);
    world.run_for_seconds(30);
    assert_eq!(options(&mut world, alice, &temporary), 404);
    assert_eq!(options(&mut world, alice, &public), 480);
}

#[test]
fn a_star_ends_the_temporary_gruus_of_all_rfc5627_5_1() {
    let (mut world, [alice, one, _]) = world();
    let uri = "sip:bob@192.0.2.2";
    let text = register(uri, ONE);
    let [public, temporary] = gruus(&ask(&mut world, one, &text), uri);
    let star = text.clone().without("Contact").cseq(5).header("Contact", "*");
    ask(&mut world, one, &star.header("Expires", "0"));
    ask(&mut world, one, &text.cseq(9));
    assert_eq!(options(&mut world, alice, &temporary), 404);
    assert_eq!(options(&mut world, alice, &public), 200);
}

/// A flow of the first instance.
fn flow(number: u32, call_id: &str) -> Text {
    register("sip:bob@192.0.2.2", &format!("{ONE};reg-id={number}"))
        .without("Supported")
        .header("Supported", "path, outbound, gruu")
        .call_id(call_id)
}

#[test]
fn temporary_gruus_hold_while_one_flow_is_registered_rfc5627_5_3() {
    let (mut world, [alice, one, _]) = world();
    let uri = "sip:bob@192.0.2.2";
    let brief = flow(1, "first").header("Expires", "120");
    let [_, first] = gruus(&ask(&mut world, one, &brief), uri);
    ask(&mut world, one, &flow(2, "second").header("Expires", "600"));
    world.run_for_seconds(200);
    assert_eq!(world.stored("bob").len(), 1);
    assert_eq!(options(&mut world, alice, &first), 200, "the second flow is there");
    world.run_for_seconds(500);
    assert_eq!(options(&mut world, alice, &first), 404);
}

#[test]
fn another_call_id_for_one_flow_ends_those_of_the_instance_rfc5627_5_1() {
    let (mut world, [alice, one, two]) = world();
    let uri = "sip:bob@192.0.2.2";
    let [_, first] = gruus(&ask(&mut world, one, &flow(1, "first")), uri);
    let [_, second] = gruus(&ask(&mut world, one, &flow(2, "second")), uri);
    let response = ask(&mut world, two, &register("sip:bob@192.0.2.3", TWO));
    let [_, other] = gruus(&response, "sip:bob@192.0.2.3");
    assert_eq!(options(&mut world, alice, &first), 200, "a further flow ends nothing");
    let [_, third] = gruus(&ask(&mut world, one, &flow(2, "anew")), uri);
    for (gruu, status) in [(first, 404), (second, 404), (third, 200), (other, 200)] {
        assert_eq!(options(&mut world, alice, &gruu), status);
    }
}

#[test]
fn a_gruu_of_the_address_is_no_contact_of_it_rfc5627_5_1() {
    let mut world = World::configured(
        "[[domain]]\nname = \"example.org\"\naliases = [\"example.net\"]\n\
         [registrar]\nforeign_contacts = true\n",
    );
    let one = world.peer("one", "192.0.2.2:5060");
    let two = world.peer("two", "192.0.2.3:5060");
    let uri = "sip:bob@192.0.2.2";
    let [public, temporary] = gruus(&ask(&mut world, one, &register(uri, ONE)), uri);
    let mut status = |contact: &str| {
        let text = register(contact, TWO).call_id("another");
        world.ask_as(two, "bob", &password("bob"), &text).status().as_u16()
    };
    assert_eq!(status(&public), 403);
    assert_eq!(status(&temporary), 403);
    assert_eq!(status(&public.replace("example.org", "example.net")), 403, "an alias");
    assert_eq!(status("sip:bob@example.net"), 403, "an alias");
    assert_eq!(status("sip:alice@example.org;gr=urn:uuid:1"), 200, "of somebody else");
}

#[test]
fn the_address_of_record_is_no_contact_rfc5627_5_1() {
    let (mut world, [_, one, _]) = world();
    let refused = |world: &mut World, contact: &str| {
        let text = register(contact, ONE);
        world.ask_as(one, "bob", &password("bob"), &text).status().as_u16()
    };
    assert_eq!(refused(&mut world, "sip:bob@example.org"), 403);
    assert_eq!(refused(&mut world, "sip:bob@example.org;gr=urn:uuid:1"), 403);
    assert_eq!(refused(&mut world, "tel:+358555123"), 403);
    assert!(world.stored("bob").is_empty());
}
