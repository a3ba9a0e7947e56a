//! Calls to one phone by its URI, and calls whose sides give such URIs as their Contact (RFC 5627
//! §6).

use antiphon_core::time::Time;
use antiphon_sip::header::{RecordRoute, Route};
use antiphon_sip::{HeaderName, Request, StatusCode};
use antiphon_testkit::{Handle, RawPeer};

use crate::phone::{Phone, Script};
use crate::text::Text;
use crate::world::{World, password};

const INSTANCE: &str = "<urn:uuid:00000000-0000-1000-8000-000000000001>";
const GRUU: &str = "sip:bob@example.org;gr=urn:uuid:00000000-0000-1000-8000-000000000001";

/// A phone of Bob's instance that was registered at some time, as before and after a restart.
fn phone(world: &mut World, number: u8, refreshed: u64, script: Script) -> Handle<Phone> {
    let address = format!("192.0.2.{number}:5060");
    world.bind_with("bob", &format!("sip:bob@{address}"), |binding| {
        binding.params = format!(";+sip.instance=\"{INSTANCE}\";audio").into();
        binding.refreshed = Time::from_secs(refreshed);
    });
    world.phone(&format!("bob {number}"), &address, script)
}

fn invite() -> Text {
    Text::invite(GRUU)
}

fn invited(world: &World, phone: Handle<Phone>) -> usize {
    world.heard(phone, "INVITE").len()
}

/// A peer that answers all with 200, this Contact and the Record-Route.
fn answering(world: &mut World, name: &str, address: &str, contact: &str) -> Handle<RawPeer> {
    let peer = world.peer(name, address);
    let contact = contact.to_owned();
    world.sim.with(peer, |peer, _| {
        peer.answer_with(move |heard| {
            let octets = heard.response_with(StatusCode::OK, |response| {
                response.header(HeaderName::Contact, &contact).copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    peer
}

fn last(world: &World, peer: Handle<RawPeer>, method: &str) -> Request {
    let requests = world.sim.node(peer).requests();
    let mut of_method = requests.into_iter().filter(|it| it.method().as_str() == method);
    of_method.next_back().unwrap_or_else(|| panic!("no {method}"))
}

#[test]
fn of_several_contacts_the_last_refreshed_is_called_rfc5627_6_1() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let old = phone(&mut world, 2, 10, Script::answers(0));
    let new = phone(&mut world, 3, 20, Script::answers(0));
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!((invited(&world, old), invited(&world, new)), (0, 1));
    world.settle();
}

#[test]
fn after_408_and_430_the_next_is_tried_rfc5627_6_1() {
    for status in [408, 430] {
        let mut world = World::new(1);
        let caller = world.peer("caller", "192.0.2.1:5060");
        let old = phone(&mut world, 2, 10, Script::answers(0));
        let new = phone(&mut world, 3, 20, Script::refuses(status));
        assert_eq!(world.status(caller, &invite()), 200, "after {status}");
        assert_eq!((invited(&world, old), invited(&world, new)), (1, 1));
        world.settle();
    }
}

#[test]
fn after_any_other_answer_no_other_is_tried_rfc5627_6_1() {
    for status in [302, 404, 480, 486, 487, 500, 503, 600] {
        let mut world = World::new(1);
        let caller = world.peer("caller", "192.0.2.1:5060");
        let old = phone(&mut world, 2, 10, Script::answers(0));
        let new = phone(&mut world, 3, 20, Script::refuses(status));
        assert_ne!(world.status(caller, &invite()), 200, "after {status}");
        assert_eq!((invited(&world, old), invited(&world, new)), (0, 1), "after {status}");
        world.settle();
    }
}

#[test]
fn preferences_are_held_against_its_contacts_rfc5627_6_1() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = phone(&mut world, 2, 10, Script::answers(0));
    let video = invite().header("Accept-Contact", "*;video;require;explicit");
    assert_eq!(world.status(caller, &video), 480);
    let audio = invite().header("Accept-Contact", "*;audio;require;explicit");
    assert_eq!(world.status(caller, &audio), 200);
    assert_eq!(invited(&world, bob), 1);
    world.settle();
}

#[test]
fn a_call_between_two_gruus_is_acknowledged_and_hung_up_rfc5627_6_1() {
    let mut world = World::new(1);
    let alice = answering(&mut world, "alice", "192.0.2.1:5060", "<sip:unused@192.0.2.1>");
    let own = "sip:alice@example.org;gr=urn:uuid:7";
    world.bind_with("alice", "sip:alice@192.0.2.1:5060", |binding| {
        binding.params = ";+sip.instance=\"<urn:uuid:7>\"".into();
    });
    let bob = answering(&mut world, "bob", "192.0.2.2:5060", &format!("<{GRUU}>"));
    world.bind_with("bob", "sip:bob@192.0.2.2:5060", |binding| {
        binding.params = format!(";+sip.instance=\"{INSTANCE}\"").into();
    });
    let text = Text::new("INVITE", "sip:bob@example.org")
        .from("sip:alice@example.org")
        .header("Contact", &format!("<{own}>"));
    let challenge = world.ask(alice, &text);
    world.send(alice, &text.ack_of(&challenge));
    let signed = text.next_cseq();
    let ok = world.ask(alice, &signed.clone().answering(&challenge, "alice", &password("alice")));
    assert_eq!(ok.status(), StatusCode::OK);
    world.send(alice, &signed.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    assert_eq!(last(&world, bob, "ACK").uri_text(), "sip:bob@192.0.2.2:5060");

    let invite = last(&world, bob, "INVITE");
    let routes = invite.headers().list::<RecordRoute<'_>>();
    let routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
    let bye = Text::new("BYE", own)
        .from("sip:bob@example.org")
        .to(invite.from_text())
        .call_id(invite.call_id())
        .header("Route", &routes.join(", "));
    assert_eq!(world.status(bob, &bye), 200, "no challenge inside the dialog");
    assert_eq!(last(&world, alice, "BYE").uri_text(), "sip:alice@192.0.2.1:5060");
    assert_eq!(world.status(alice, &signed.in_dialog("INFO", &ok)), 200);
    assert_eq!(last(&world, bob, "INFO").uri_text(), "sip:bob@192.0.2.2:5060");
    world.settle();
}

#[test]
fn an_address_of_record_as_contact_is_acknowledged_too_rfc3261_16_5() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = answering(&mut world, "bob", "192.0.2.2:5060", "<sip:bob@example.org>");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    let text = Text::invite("sip:bob@example.org");
    let ok = world.ask(caller, &text);
    world.send(caller, &text.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    assert_eq!(last(&world, bob, "ACK").uri_text(), "sip:bob@192.0.2.2:5060");
    world.settle();
}

/// Bob behind an edge of his that is in the Path of his binding.
fn behind_an_edge(world: &mut World) -> Handle<RawPeer> {
    world.bind_with("bob", "sip:bob@10.0.0.2:5060", |binding| {
        binding.params = format!(";+sip.instance=\"{INSTANCE}\"").into();
        binding.path = vec!["<sip:path@192.0.2.30:5060;lr>".into()];
    });
    let edge = world.peer("edge", "192.0.2.30:5060");
    world.sim.with(edge, |edge, _| {
        edge.answer_with(|heard| {
            let octets = heard.response_with(StatusCode::OK, |response| {
                let request = heard.as_request().unwrap();
                let routes = request.headers().list::<RecordRoute<'_>>();
                let routes = routes.map(|route| route.unwrap().to_string());
                let response = response
                    .header(HeaderName::Contact, format!("<{GRUU}>"))
                    .header(HeaderName::RecordRoute, "<sip:record@192.0.2.30:5060;lr>");
                routes.fold(response, |response, route| {
                    response.header(HeaderName::RecordRoute, route)
                })
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    edge
}

fn routes(request: &Request) -> Vec<String> {
    let routes = request.headers().list::<Route<'_>>();
    routes.map(|route| route.unwrap().to_string()).collect()
}

#[test]
fn the_path_is_left_out_when_the_route_leads_on_rfc5627_6_1() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let edge = behind_an_edge(&mut world);
    let text = Text::invite("sip:bob@example.org");
    let ok = world.ask(caller, &text);
    assert_eq!(routes(&last(&world, edge, "INVITE")), ["<sip:path@192.0.2.30:5060;lr>"]);
    world.send(caller, &text.in_dialog("ACK", &ok));
    world.run_for_seconds(1);
    assert_eq!(world.status(caller, &text.in_dialog("INFO", &ok)), 200);
    for method in ["ACK", "INFO"] {
        let heard = last(&world, edge, method);
        assert_eq!(routes(&heard), ["<sip:record@192.0.2.30:5060;lr>"], "{method}");
        assert_eq!(heard.uri_text(), "sip:bob@10.0.0.2:5060", "{method}");
    }
    world.settle();
}

#[test]
fn where_the_registration_has_a_path_we_record_a_route_rfc5627_6_2() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let edge = behind_an_edge(&mut world);
    for uri in ["sip:bob@example.org", GRUU] {
        world.ask(caller, &Text::invite(uri));
        let heard = last(&world, edge, "INVITE");
        let top = heard.headers().first::<RecordRoute<'_>>().unwrap().unwrap().to_string();
        assert!(top.contains("@192.0.2.10:5060"), "{top}");
    }
}

#[test]
fn it_is_neither_forwarded_nor_redirected_rfc5627_6_1() {
    const VOICEMAIL: &str = "{ voicemail = \"sip:vm@192.0.2.9\" }";
    for (action, on) in [
        ("{ redirect = 302, contacts = [\"sip:x@192.0.2.9\"] }", "{}".to_owned()),
        ("{ redirect = 302, contacts = \"located\" }", "{}".to_owned()),
        (VOICEMAIL, "{}".to_owned()),
        ("\"locate\"", format!("{{ \"486\" = {VOICEMAIL}, \"no-answer 5s\" = {VOICEMAIL} }}")),
    ] {
        let mut world = World::configured(&format!(
            "[[rule]]\nname = \"one\"\nopen = true\nwhen = {{ callee = \"bob\" }}\ndo = {action}\n\
             on = {on}\n"
        ));
        let caller = world.peer("caller", "192.0.2.1:5060");
        let voicemail = world.phone("vm", "192.0.2.9:5060", Script::answers(0));
        let bob = phone(&mut world, 2, 10, Script::refuses(486));
        assert_eq!(world.status(caller, &invite()), 486, "{action}");
        assert_eq!((invited(&world, bob), invited(&world, voicemail)), (1, 0), "{action}");
        world.settle();
    }
}

#[test]
fn who_does_not_answer_at_it_rings_on_rfc5627_6_1() {
    let mut world = World::configured(
        "[[rule]]\nname = \"one\"\nopen = true\nwhen = { callee = \"bob\" }\ndo = \"locate\"\n\
         on = { \"no-answer 5s\" = { voicemail = \"sip:vm@192.0.2.9\" } }\n",
    );
    let caller = world.peer("caller", "192.0.2.1:5060");
    let voicemail = world.phone("vm", "192.0.2.9:5060", Script::answers(0));
    let bob = phone(&mut world, 2, 10, Script::answers(9));
    world.send(caller, &invite());
    world.run_for_seconds(12);
    assert_eq!(world.statuses(caller), [100, 180, 200]);
    assert_eq!((invited(&world, bob), invited(&world, voicemail)), (1, 0));
}

#[test]
fn it_may_be_screened_rfc5627_6_1() {
    let mut world = World::configured(
        "[[rule]]\nname = \"no\"\nopen = true\nwhen = { callee = \"bob\" }\ndo = { answer = 603 }\n",
    );
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = phone(&mut world, 2, 10, Script::answers(0));
    assert_eq!(world.status(caller, &invite()), 603);
    assert_eq!(invited(&world, bob), 0);
    world.settle();
}

#[test]
fn a_redirection_is_passed_on_and_not_followed_rfc5627_6_1() {
    let mut world = World::configured("follow_redirections = true");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let elsewhere = world.phone("elsewhere", "192.0.2.9:5060", Script::answers(0));
    let moved = Script::refuses(302).with(HeaderName::Contact, "<sip:x@192.0.2.9>");
    phone(&mut world, 2, 10, moved);
    assert_eq!(world.status(caller, &invite()), 302);
    assert_eq!(invited(&world, elsewhere), 0);
    assert_eq!(world.status(caller, &Text::invite("sip:bob@example.org")), 200);
}

#[test]
fn the_gruu_of_somebody_else_is_no_contact_of_a_dialog_rfc5627_6_2() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    phone(&mut world, 2, 10, Script::answers(0));
    let text = |contact: &str| {
        Text::new("SUBSCRIBE", "sip:bob@example.org")
            .from("sip:alice@example.org")
            .header("Event", "dialog")
            .header("Contact", contact)
    };
    let behind = |text: Text| text.header("Record-Route", "<sip:192.0.2.40;lr>");
    let mut status = |text: Text| {
        let response = world.ask_as(alice, "alice", &password("alice"), &text);
        response.status().as_u16()
    };
    let own = "<sip:alice@example.org;gr=urn:uuid:7>";
    let of_bob = format!("<{GRUU}>");
    assert_eq!(status(behind(text(&of_bob))), 403);
    assert_eq!(status(behind(text("<sip:alice@example.org;gr>"))), 403, "never given out");
    assert_eq!(status(behind(text(own))), 200);
    assert_eq!(status(text(&of_bob)), 200, "nobody else is on the way");
}
