//! Calls whose media are relayed: what rtpengine is asked, and what passes meanwhile.

use std::time::Duration;

use antiphon_server::media::{Side, ng};
use antiphon_sip::{HeaderName, Request, Response, StatusCode};
use antiphon_testkit::{Handle, Heard, RawPeer};

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

const RELAYED: &str = "[media]\nrtpengine = [\"192.0.2.99:2223\"]\nrelay = \"always\"\n";

/// A session description of whoever is at 192.0.2.`host`.
fn sdp(host: u8) -> String {
    format!("v=0\r\nc=IN IP4 192.0.2.{host}\r\nm=audio 4000 RTP/AVP 0\r\n")
}

/// The same as the relay gives it back.
fn relayed(host: u8) -> String {
    sdp(host).replace("192.0.2", "203.0.113")
}

/// Alice's world, with a bob who answers every INVITE at once, with a session description of his.
fn world(config: &str) -> (World, Handle<RawPeer>, Handle<RawPeer>) {
    let mut world = World::configured(config);
    let peers = peers(&mut world);
    (world, peers.0, peers.1)
}

fn peers(world: &mut World) -> (Handle<RawPeer>, Handle<RawPeer>) {
    let alice = world.peer("alice", "192.0.2.1:5060");
    let bob = world.peer("bob", "192.0.2.2:5060");
    world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
    world.sim.with(bob, |peer, _| peer.answer_with(answer));
    (alice, bob)
}

fn answer(heard: &Heard) -> Vec<antiphon_testkit::Send> {
    let octets = heard.response_with(StatusCode::OK, |response| {
        response
            .header(HeaderName::Contact, "<sip:bob@192.0.2.2:5060>")
            .copied(HeaderName::RecordRoute)
            .body("application/sdp", sdp(2))
    });
    octets.map(|octets| heard.reply(octets)).into_iter().collect()
}

fn invite() -> Text {
    Text::invite("sip:bob@example.org").sdp(&sdp(1))
}

fn body(of: &[u8]) -> String {
    String::from_utf8_lossy(of).into_owned()
}

fn heard(world: &World, peer: Handle<RawPeer>, method: &str) -> Vec<Request> {
    let requests = world.sim.node(peer).requests();
    requests.into_iter().filter(|request| request.method().as_str() == method).collect()
}

/// The commands, each in a word, with the tag that it is about.
fn asked(world: &World) -> Vec<String> {
    let word = |command: &ng::Command| match command {
        ng::Command::Ping => "ping".to_owned(),
        ng::Command::Offer { leg, to, .. } => format!("offer {} {to:?}", leg.from_tag),
        ng::Command::Answer { leg, to, .. } => format!("answer {} {to:?}", leg.from_tag),
        ng::Command::Delete { leg } => format!("delete {}", leg.from_tag),
    };
    world.relay.borrow().asked.iter().map(word).collect()
}

#[test]
fn offer_and_answer_pass_by_way_of_the_relay_rfc3264_5() {
    let (mut world, alice, bob) = world(RELAYED);
    let ok: Response = world.ask(alice, &invite());
    assert_eq!(body(heard(&world, bob, "INVITE")[0].body()), relayed(1));
    assert_eq!(body(ok.body()), relayed(2));
    let length = ok.headers().text(HeaderName::ContentLength).unwrap();
    assert_eq!(length, relayed(2).len().to_string());
    let invite = invite();
    world.send(alice, &invite.in_dialog("ACK", &ok));
    assert_eq!(asked(&world), ["offer from Phone", "answer from Phone"]);
}

#[test]
fn a_call_that_is_over_is_told_to_the_relay() {
    let (mut world, alice, _) = world(RELAYED);
    let invite = invite();
    let ok = world.ask(alice, &invite);
    world.send(alice, &invite.in_dialog("ACK", &ok));
    assert_eq!(world.status(alice, &invite.in_dialog("BYE", &ok)), 200);
    assert_eq!(asked(&world).last().unwrap(), "delete from");
    world.settle();
}

#[test]
fn a_call_that_fails_is_told_to_the_relay() {
    let mut world = World::configured(RELAYED);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(486));
    assert_eq!(world.status(alice, &invite()), 486);
    assert_eq!(asked(&world), ["offer from Phone", "delete from"]);
    world.settle();
}

#[test]
fn a_call_that_is_cancelled_is_told_to_the_relay_rfc3261_9() {
    let mut world = World::configured(RELAYED);
    let alice = world.peer("alice", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::rings());
    let invite = invite();
    assert_eq!(world.status(alice, &invite), 180);
    world.send(alice, &invite.cancel());
    world.run_for_seconds(3);
    assert_eq!(world.statuses(alice).last(), Some(&487));
    assert_eq!(asked(&world), ["offer from Phone", "delete from"]);
    world.settle();
}

#[test]
fn an_invite_that_waits_for_the_relay_is_cancelled_at_once_rfc3261_9_2() {
    let mut world = World::configured_and_slow(RELAYED, Duration::from_millis(700));
    let (alice, bob) = peers(&mut world);
    let invite = invite();
    world.send(alice, &invite);
    // The look-up takes one answer, the relay the next.
    world.sim.run_for(Duration::from_millis(900));
    world.send(alice, &invite.cancel());
    world.run_for_seconds(5);
    assert_eq!(world.statuses(alice).last(), Some(&487));
    assert!(heard(&world, bob, "INVITE").is_empty());
    world.settle();
}

#[test]
fn nothing_of_a_call_overtakes_what_the_relay_is_asked_about() {
    let mut world = World::configured_and_slow(RELAYED, Duration::from_millis(300));
    let (alice, bob) = peers(&mut world);
    let invite = invite();
    let ok = world.ask(alice, &invite);
    // An answer in the ACK has to be shown to the relay; the BYE behind it has not.
    let bye = invite.in_dialog("BYE", &ok);
    let again = invite.clone().next_cseq();
    world.send(alice, &invite.in_dialog("ACK", &ok));
    world.send(alice, &again.in_dialog("INVITE", &ok).sdp(&sdp(1)));
    world.send(alice, &bye.next_cseq());
    world.run_for_seconds(3);
    let methods: Vec<_> =
        world.sim.node(bob).requests().iter().map(|r| r.method().as_str().to_owned()).collect();
    let (invite, bye) =
        (methods.iter().rposition(|m| m == "INVITE"), methods.iter().position(|m| m == "BYE"));
    assert!(invite < bye, "{methods:?}");
}

#[test]
fn without_a_relay_a_call_goes_on_or_is_refused_as_configured() {
    for (without, status) in [("go on", 200), ("refuse", 503)] {
        let (mut world, alice, bob) = world(&format!("{RELAYED}without = \"{without}\"\n"));
        world.relay.borrow_mut().is_gone = true;
        let answered = world.ask(alice, &invite());
        assert_eq!(answered.status().as_u16(), status);
        if status == 200 {
            assert_eq!(body(heard(&world, bob, "INVITE")[0].body()), sdp(1));
            assert_eq!(body(answered.body()), sdp(2));
        }
        world.settle();
    }
}

#[test]
fn a_bridge_leaves_phones_alone_and_takes_a_browser_rfc7118() {
    let bridge = "[media]\nrtpengine = [\"192.0.2.99:2223\"]\n";
    let (mut world, alice, bob) = world(bridge);
    world.ask(alice, &invite());
    assert_eq!(body(heard(&world, bob, "INVITE")[0].body()), sdp(1));
    let browser = sdp(1).replace("RTP/AVP", "UDP/TLS/RTP/SAVPF");
    world.ask(alice, &Text::invite("sip:bob@example.org").sdp(&browser));
    assert_eq!(asked(&world), ["offer from Phone", "answer from Browser"]);
    let relay = world.relay.borrow();
    let ng::Command::Answer { to, .. } = &relay.asked[1] else { panic!("{:?}", relay.asked) };
    assert_eq!(*to, Side::Browser);
}

#[test]
fn a_rule_says_which_calls_are_relayed() {
    let never = format!(
        "{RELAYED}[[rule]]\nname = \"bob\"\nwhen = {{ uri = \"sip:bob@.*\" }}\ndo = \"locate\"\n\
         media = \"never\"\n"
    );
    let (mut world, alice, bob) = world(&never);
    assert_eq!(body(world.ask(alice, &invite()).body()), sdp(2));
    assert_eq!(body(heard(&world, bob, "INVITE")[0].body()), sdp(1));
    assert!(asked(&world).is_empty());
}

#[test]
fn who_is_called_by_a_redirection_hears_the_description_of_the_relay_rfc3261_16_7_step_4() {
    let (mut world, alice, _) = world(&format!("follow_redirections = true\n{RELAYED}"));
    let bob = world.phone("there", "192.0.2.4:5060", Script::answers(0));
    let again = Script::refuses(302).with(HeaderName::Contact, "<sip:b@192.0.2.4:5060>");
    world.bound("dave", "192.0.2.5:5060", again);
    let text = invite().uri("sip:dave@example.org");
    assert_eq!(world.status(alice, &text), 200);
    assert_eq!(body(world.heard(bob, "INVITE")[0].body()), relayed(1));
    assert_eq!(asked(&world).iter().filter(|word| word.starts_with("offer")).count(), 1);
}
