//! Who gets where: who must authenticate, and that nobody is relayed who may not be.

use antiphon_sip::{HeaderName, Response};
use antiphon_testkit::{Handle, RawPeer};

use crate::phone::Script;
use crate::text::Text;
use crate::world::{World, password};

#[test]
fn our_users_hear_404_of_an_unknown_user_and_480_of_one_who_is_not_there_rfc3261_16_5() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    for (uri, status) in [("sip:nobody@example.org", 404), ("sip:bob@example.org", 480)] {
        let text = Text::new("MESSAGE", uri).from("sip:alice@example.org");
        let response = world.ask_as(alice, "alice", &password("alice"), &text);
        assert_eq!(response.status().as_u16(), status, "{uri}");
    }
}

#[test]
fn a_user_at_an_address_that_is_no_domain_is_404() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let text = Text::invite("sip:bob@192.0.2.10").from("sip:alice@example.org");
    let response = world.ask_as(alice, "alice", &password("alice"), &text);
    assert_eq!(response.status().as_u16(), 404);
}

#[test]
fn a_stranger_may_call_a_registered_user() {
    let mut world = World::new(1);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    assert_eq!(world.status(stranger, &Text::invite("sip:bob@example.org")), 200);
}

#[test]
fn a_caller_who_claims_our_domain_is_challenged_rfc3261_22_3() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    let text = Text::invite("sip:bob@example.org").from("sip:alice@example.org");
    let challenge = world.ask(caller, &text);
    assert_eq!(challenge.status().as_u16(), 407);
    assert!(challenge.headers().has(HeaderName::ProxyAuthenticate));
    world.send(caller, &text.ack_of(&challenge));
    assert!(world.heard(bob, "INVITE").is_empty());

    let other = "Digest username=\"alice\",  realm=\"elsewhere\", nonce=\"1\", uri=\"sip:x\", response=\"00000000000000000000000000000000\"";
    let text = text
        .next_cseq()
        .answering(&challenge, "alice", &password("alice"))
        .header("Proxy-Authorization", other);
    assert_eq!(world.status(caller, &text), 200);
    let heard = world.heard(bob, "INVITE");
    let kept: Vec<_> = heard[0].headers().values(HeaderName::ProxyAuthorization).collect();
    assert_eq!(kept, [other.as_bytes()], "ours is taken off, the other stays as it was");
}

#[test]
fn wrong_credentials_are_challenged_again_rfc3261_22_3() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let text = Text::invite("sip:bob@example.org").from("sip:alice@example.org");
    assert_eq!(world.ask_as(caller, "alice", "wrong", &text).status().as_u16(), 407);
}

#[test]
fn everybody_is_offered_what_it_signs_in_by_best_rfc8760_2_4() {
    const BOTH: &[&str] = &["MD5", "SHA-256"];
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    for (agent, hashes) in [
        ("baresip v1.0.0 (x86_64/linux)", &["MD5"][..]),
        ("JsSIP 3.10.1", &["MD5"]),
        ("SIP.js/0.21.2", &["MD5"]),
        ("Twinkle/1.10.2", &["MD5"]),
        ("Linphonec/5.1.65", &["SHA-256", "MD5"]),
        ("Antiphon/0.1.0", &["SHA-256", "MD5"]),
        ("a phone of tomorrow", BOTH),
    ] {
        let text = Text::register("alice").header("User-Agent", agent);
        let challenged = world.ask(caller, &text);
        let offered: Vec<_> = challenged.headers().values(HeaderName::WwwAuthenticate).collect();
        assert_eq!(offered.len(), hashes.len(), "{agent}");
        for (challenge, hash) in offered.iter().zip(hashes) {
            let challenge = String::from_utf8_lossy(challenge);
            assert!(challenge.contains(&format!("algorithm={hash},")), "{agent}: {challenge}");
        }
    }
}

#[test]
fn nobody_calls_in_the_name_of_another_user() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let text = Text::invite("sip:bob@example.org").from("sip:alice@example.org");
    let response = world.ask_as(caller, "carol", &password("carol"), &text);
    assert_eq!(response.status().as_u16(), 403);
}

#[test]
fn a_to_tag_does_not_let_anybody_claim_our_domain() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(1));
    let text = Text::new("MESSAGE", "sip:bob@example.org")
        .from("sip:alice@example.org")
        .to("<sip:bob@example.org>;tag=made-up");
    assert_eq!(world.status(caller, &text), 407);
    assert!(world.heard(bob, "MESSAGE").is_empty());
}

#[test]
fn a_stranger_is_not_relayed() {
    let mut world = World::new(1);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    let outside = world.peer("outside", "192.0.2.9:5060");
    let text = Text::invite("sip:anybody@192.0.2.9");
    let challenge = world.ask(stranger, &text);
    assert_eq!(challenge.status().as_u16(), 407);
    // With an account, but under another name than its own.
    let response = world.ask_as(stranger, "alice", &password("alice"), &text.next_cseq());
    assert_eq!(response.status().as_u16(), 403);
    assert!(world.sim.node(outside).heard().is_empty());
}

#[test]
fn our_own_users_call_out() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.phone("outside", "192.0.2.9:5060", Script::answers(1));
    let text = Text::invite("sip:anybody@192.0.2.9").from("sip:alice@example.org");
    let response = world.ask_as(alice, "alice", &password("alice"), &text);
    assert_eq!(response.status().as_u16(), 200);
}

#[test]
fn a_forged_route_does_not_relay() {
    let mut world = World::new(1);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    let outside = world.peer("outside", "192.0.2.9:5060");
    for (route, status) in [
        ("<sip:192.0.2.10;lr>", 407),
        ("<sip:0123456789abcdef@192.0.2.10:5060;lr>", 403),
        ("<sip:192.0.2.10;lr>, <sip:192.0.2.9;lr>", 407),
    ] {
        for (uri, to) in [
            ("sip:anybody@192.0.2.9", "<sip:anybody@192.0.2.9>;tag=x"),
            ("sip:bob@example.org;maddr=192.0.2.9", "<sip:bob@example.org>;tag=x"),
        ] {
            let text = Text::new("MESSAGE", uri).to(to).header("Route", route);
            assert_eq!(world.status(stranger, &text), status, "{route} {uri}");
            world.send(stranger, &Text::new("ACK", uri).to(to).header("Route", route));
            world.run_for_seconds(1);
        }
    }
    let text = Text::new("MESSAGE", "sip:bob@example.org").header("Route", "<sip:192.0.2.9;lr>");
    assert_eq!(world.status(stranger, &text), 407);
    assert!(world.sim.node(outside).heard().is_empty());
}

#[test]
fn the_token_of_one_call_is_no_token_for_another() {
    let mut world = World::new(1);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let invite = Text::invite("sip:bob@example.org");
    let response = world.ask(stranger, &invite);
    world.send(stranger, &invite.in_dialog("ACK", &response));
    let bye = invite.in_dialog("BYE", &response);
    let other = bye.clone().uri("sip:anybody@192.0.2.9").call_id("another").again();
    assert_eq!(world.status(stranger, &other), 403);
    assert_eq!(world.status(stranger, &bye), 200);
}

/// A call of a stranger to bob that is answered, with what opens it and its answer.
fn call(world: &mut World, stranger: Handle<RawPeer>) -> (Text, Response) {
    let invite = Text::invite("sip:bob@example.org").again();
    let response = world.ask(stranger, &invite);
    world.send(stranger, &invite.in_dialog("ACK", &response));
    world.run_for_seconds(1);
    (invite, response)
}

#[test]
fn a_party_of_a_call_reaches_by_its_route_nobody_but_the_other_party_rfc3261_16_4() {
    let mut world = World::new(1);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    let outside = world.peer("outside", "192.0.2.9:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let (invite, response) = call(&mut world, stranger);
    let bye = invite.in_dialog("BYE", &response);
    for method in ["UPDATE", "MESSAGE", "REFER", "BYE"] {
        let text = invite.in_dialog(method, &response);
        let elsewhere = text.clone().uri("sip:anybody@192.0.2.9").again();
        assert_eq!(world.status(stranger, &elsewhere), 407, "another Request-URI");
        let behind = text.edit_routes(|ours| format!("{ours}, <sip:192.0.2.9;lr>")).again();
        assert_eq!(world.status(stranger, &behind), 407, "another Route behind ours");
    }
    let ack = invite.in_dialog("ACK", &response);
    world.send(stranger, &ack.clone().uri("sip:anybody@192.0.2.9"));
    world.send(stranger, &ack.edit_routes(|ours| format!("{ours}, <sip:192.0.2.9;lr>")));
    world.run_for_seconds(1);
    assert!(world.sim.node(outside).heard().is_empty());
    assert_eq!(world.status(stranger, &bye), 200);
    assert_eq!(world.heard(bob, "BYE").len(), 1);
}

#[test]
fn the_party_that_is_called_reaches_nobody_but_the_caller_rfc3261_16_4() {
    let mut world = World::new(1);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    let outside = world.peer("outside", "192.0.2.9:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    call(&mut world, stranger);
    let heard = world.heard(bob, "INVITE").remove(0);
    let route = heard.headers().text(HeaderName::RecordRoute).unwrap().to_owned();
    let in_dialog = |uri: &str| {
        Text::new("MESSAGE", uri)
            .from("sip:bob@elsewhere.example")
            .to("<sip:stranger@elsewhere.example>;tag=from")
            .call_id(heard.call_id())
            .header("Route", &route)
    };
    let called = world.peer("called", "192.0.2.22:5060");
    assert_eq!(world.status(called, &in_dialog("sip:anybody@192.0.2.9")), 407);
    assert!(world.sim.node(outside).heard().is_empty());
    world.send(called, &in_dialog("sip:stranger@192.0.2.1:5060"));
    world.run_for_seconds(1);
    let reached = world.sim.node(stranger).requests().into_iter();
    assert!(reached.map(|it| it.method().to_string()).any(|method| method == "MESSAGE"));
}

#[test]
fn who_signs_in_follows_a_party_that_has_moved_rfc3261_12_2_1_1() {
    let mut world = World::new(1);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let moved = world.phone("moved", "192.0.2.9:5060", Script::answers(0));
    let invite = Text::invite("sip:bob@example.org").from("sip:alice@example.org");
    let challenge = world.ask(alice, &invite);
    world.send(alice, &invite.ack_of(&challenge));
    let invite = invite.next_cseq().answering(&challenge, "alice", &password("alice"));
    let response = world.ask(alice, &invite);
    assert_eq!(response.status().as_u16(), 200);
    world.send(alice, &invite.in_dialog("ACK", &response));
    world.run_for_seconds(1);
    // Bob has said meanwhile that he is at another address (a target refresh).
    let bye = invite.in_dialog("BYE", &response).uri("sip:bob@192.0.2.9:5060");
    assert_eq!(world.ask_as(alice, "alice", &password("alice"), &bye).status().as_u16(), 200);
    assert_eq!(world.heard(moved, "BYE").len(), 1);
    world.send(alice, &invite.in_dialog("ACK", &response).uri("sip:bob@192.0.2.9:5060"));
    world.run_for_seconds(1);
    assert_eq!(world.heard(moved, "ACK").len(), 1, "from where one of ours is");
}
