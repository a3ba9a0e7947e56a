//! Our account at a trunk: its challenges are answered here, and the caller never hears of them.

use antiphon_core::auth::digest::Algorithm;
use antiphon_server::node::{ServerEvent, TrunkNews};
use antiphon_sip::header::RecordRoute;
use antiphon_sip::{HeaderName, Request, Transport};
use antiphon_testkit::{Handle, RawPeer};

use crate::carrier::{Carrier, invite, world_with_trunk};
use crate::phone::{Call, Script};
use crate::text::Text;
use crate::world::World;

const ACCOUNT: &str = "username = \"us\"\npassword = \"secret\"";

/// A world whose trunk has these keys.
fn world(keys: &str) -> World {
    world_with_trunk(keys, "")
}

fn branches(requests: &[Request]) -> Vec<&str> {
    let mut branches: Vec<_> = requests.iter().map(|one| one.branch().unwrap()).collect();
    branches.dedup();
    branches
}

fn is_signed(request: &Request) -> bool {
    let headers = request.headers();
    headers.has(HeaderName::Authorization) || headers.has(HeaderName::ProxyAuthorization)
}

#[test]
fn a_challenge_is_answered_by_a_new_transaction_with_the_same_cseq() {
    for status in [401, 407] {
        let mut world = world(ACCOUNT);
        let carrier = Carrier::new("192.0.2.31:5060").signing(&["INVITE"]).challenges_with(status);
        carrier.add(&mut world, "carrier");
        let caller = world.peer("caller", "192.0.2.1:5060");
        let answer = world.ask(caller, &invite());
        assert_eq!(answer.status().as_u16(), 200, "{status}");
        assert_eq!(world.statuses(caller), [100, 200], "the caller hears of no challenge");
        let heard = carrier.heard("INVITE");
        assert_eq!(branches(&heard).len(), 2);
        assert_eq!((heard[0].cseq(), heard[1].cseq()), (1, 1));
        assert_eq!((is_signed(&heard[0]), is_signed(&heard[1])), (false, true));
    }
}

#[test]
fn requests_of_the_dialog_are_signed_too_when_the_trunk_asks() {
    let mut world = world(ACCOUNT);
    let carrier = Carrier::new("192.0.2.31:5060").signing(&["INVITE", "BYE"]);
    carrier.add(&mut world, "carrier");
    let caller = world.phone("caller", "192.0.2.1:5060", Script::rings());
    world.sim.command(caller, Call("sip:0123@example.org".into()));
    world.run_for_seconds(5);
    assert_eq!(world.sim.node(caller).troubles, Vec::<String>::new());
    assert_eq!(world.sim.node(caller).completed, 1);
    let byes = carrier.heard("BYE");
    assert_eq!(byes.iter().map(is_signed).collect::<Vec<_>>(), [false, true]);
    assert_eq!((byes[0].cseq(), byes[1].cseq()), (2, 2));
}

/// A call from the carrier to bob, which bob ends; whether the BYEs that the carrier heard were
/// signed.
fn byes_of_bob(transport: Transport, via: Option<&str>, contact: &str) -> Vec<bool> {
    let mut world = world(ACCOUNT);
    let carrier = Carrier::new("192.0.2.31:5060").signing(&["BYE"]);
    let peer = carrier.add(&mut world, "carrier");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.sim.with(bob, |bob, _| {
        bob.answer_with(|heard| {
            let octets = heard.response_with(antiphon_sip::StatusCode::OK, |response| {
                response
                    .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
                    .copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    let mut text = Text::new("INVITE", "sip:bob@example.org").header("Contact", contact);
    if let Some(via) = via {
        text = text.via(via);
    }
    let flow = world.sim.flow_over(transport, peer, world.server);
    world.send_over(peer, flow, &text);
    world.run_for_seconds(1);
    let invite = world.sim.node(bob).requests().remove(0);
    let routes = invite.headers().list::<RecordRoute<'_>>();
    let routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
    let bye = Text::new("BYE", contact.trim_matches(['<', '>']))
        .from("sip:bob@example.org")
        .to(invite.from_text())
        .call_id(invite.call_id())
        .header("Route", &routes.join(", "));
    assert_eq!(world.status(bob, &bye), 200, "bob hears of no challenge");
    carrier.heard("BYE").iter().map(is_signed).collect()
}

#[test]
fn a_dialog_that_the_trunk_began_is_signed_whatever_it_came_over() {
    let tcp = "<sip:carrier@192.0.2.31:5060;transport=tcp>";
    assert_eq!(byes_of_bob(Transport::Tcp, None, tcp), [false, true]);
    let udp = "<sip:carrier@192.0.2.31:5060>";
    assert_eq!(byes_of_bob(Transport::Udp, None, udp), [false, true]);
    // A name in Via is no address translator.
    let named = "SIP/2.0/UDP gw.carrier.example:5060;branch=z9hG4bKnamed";
    assert_eq!(byes_of_bob(Transport::Udp, Some(named), udp), [false, true]);
}

#[test]
fn a_request_that_is_no_invite_is_signed_as_well() {
    let mut world = world(ACCOUNT);
    let carrier = Carrier::new("192.0.2.31:5060").signing(&["MESSAGE"]);
    carrier.add(&mut world, "carrier");
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &Text::new("MESSAGE", "sip:0123@example.org")), 200);
    assert_eq!(carrier.heard("MESSAGE").len(), 2);
}

#[test]
fn refused_credentials_are_not_sent_again_rfc3261_22_1() {
    let mut world = world("username = \"us\"\npassword = \"wrong\"");
    let carrier = Carrier::new("192.0.2.31:5060").signing(&["INVITE"]);
    carrier.add(&mut world, "carrier");
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &invite()), 407, "the caller's own turn");
    assert_eq!(carrier.heard("INVITE").len(), 2);
    let told = world
        .events()
        .into_iter()
        .any(|event| matches!(event, ServerEvent::Trunk { news: TrunkNews::NotSignedIn(_), .. }));
    assert!(told);
}

#[test]
fn the_realm_of_the_account_is_the_only_one() {
    let mut world = world("username = \"us\"\npassword = \"secret\"\nrealm = \"other.example\"");
    let carrier = Carrier::new("192.0.2.31:5060").signing(&["INVITE"]);
    carrier.add(&mut world, "carrier");
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &invite()), 407);
    assert!(carrier.heard("INVITE").iter().all(|invite| !is_signed(invite)));
}

#[test]
fn nothing_weaker_than_what_was_seen_is_answered_rfc8760_3() {
    let mut world = world(ACCOUNT);
    let carrier = Carrier::new("192.0.2.31:5060").signing(&["INVITE"]);
    carrier.add(&mut world, "carrier");
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &invite()), 200);
    carrier.offers(&[Algorithm::Md5]);
    assert_eq!(world.status(caller, &invite()), 407);
    assert_eq!(carrier.heard("INVITE").iter().filter(|invite| is_signed(invite)).count(), 1);
}

#[test]
fn nobody_else_is_given_the_credentials() {
    let mut world = world(ACCOUNT);
    let elsewhere = Carrier::new("192.0.2.77:5060").signing(&["INVITE", "BYE"]);
    elsewhere.add(&mut world, "elsewhere");
    let caller = world.peer("caller", "192.0.2.1:5060");
    // The trunk's own server, not by way of the trunk.
    let carrier = Carrier::new("192.0.2.31:5060").signing(&["INVITE"]);
    carrier.add(&mut world, "carrier");
    for uri in ["sip:x@192.0.2.31", "sip:x@192.0.2.77"] {
        let asked = Text::invite(uri);
        let refused = world.ask(caller, &asked);
        assert_eq!(refused.status().as_u16(), 407, "{uri}");
        world.send(caller, &asked.ack_of(&refused));
    }
    // A dialog through the trunk whose other end is somewhere else.
    let asked = invite();
    let answer = world.ask(caller, &asked);
    assert_eq!(answer.status().as_u16(), 200);
    world.send(caller, &asked.in_dialog("ACK", &answer));
    let bye = asked.in_dialog("BYE", &answer).uri("sip:0123@192.0.2.77");
    assert_eq!(world.status(caller, &bye), 407);
    assert!(elsewhere.heard("INVITE").iter().all(|invite| !is_signed(invite)));
    assert!(elsewhere.heard("BYE").iter().all(|bye| !is_signed(bye)));
    assert_eq!(elsewhere.heard("BYE").len(), 1);
}

#[test]
fn the_next_server_gets_credentials_when_it_asks() {
    let mut world = world(ACCOUNT);
    world.peer("one", "192.0.2.31:5060");
    let second = Carrier::new("192.0.2.32:5060").signing(&["INVITE"]);
    second.add(&mut world, "two");
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.send(caller, &invite());
    world.run_for_seconds(6);
    assert_eq!(world.statuses(caller), [100, 200]);
    let heard = second.heard("INVITE");
    assert_eq!(heard.iter().map(is_signed).collect::<Vec<_>>(), [false, true]);
}

#[test]
fn a_caller_who_gives_up_is_not_called_for_again() {
    let mut world = world(ACCOUNT);
    let silent: Handle<RawPeer> = world.peer("carrier", "192.0.2.31:5060");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let invite = invite();
    world.send(caller, &invite);
    world.run_for_seconds(1);
    world.send(caller, &invite.cancel());
    let asked = world.sim.node(silent).heard()[0].clone();
    let challenge = "Digest realm=\"carrier.example\", nonce=\"n\", qop=\"auth\"";
    let refused = asked
        .response_with(antiphon_sip::StatusCode::PROXY_AUTHENTICATION_REQUIRED, |it| {
            it.header(HeaderName::ProxyAuthenticate, challenge)
        });
    world.sim.send_this(silent, asked.reply(refused.unwrap()));
    world.run_for_seconds(1);
    assert_eq!(world.statuses(caller), [100, 200, 407], "200 is that to CANCEL");
    let heard = world.sim.node(silent).requests();
    assert!(heard.iter().all(|request| !is_signed(request)));
}
