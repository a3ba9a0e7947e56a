//! Forwarding without state, where a rule asks for it (RFC 3261 §16.11).

use std::time::Duration;

use antiphon_sip::header::{RecordRoute, Via};
use antiphon_sip::{HeaderName, Request, StatusCode};
use antiphon_testkit::{Handle, RawPeer};

use crate::text::Text;
use crate::world::{World, password};

/// A world whose rule sends `x` on without state, to a peer that says nothing by itself, and a
/// caller.
fn world() -> (World, Handle<RawPeer>, Handle<RawPeer>) {
    ruled("send = \"sip:x@192.0.2.31\"")
}

fn ruled(to: &str) -> (World, Handle<RawPeer>, Handle<RawPeer>) {
    let mut world = World::configured(&format!(
        "[[trunk]]\nname = \"out\"\n\
         target = [{{ host = \"192.0.2.31\" }}, {{ host = \"192.0.2.32\" }}]\n\
         [[rule]]\nname = \"on\"\nopen = true\nwhen = {{ callee = \"x\", method = \"INVITE\" }}\n\
         do = {{ {to}, stateless = true }}\n"
    ));
    let caller = world.peer("caller", "192.0.2.1:5060");
    let next = world.peer("next", "192.0.2.31:5060");
    (world, caller, next)
}

fn invite() -> Text {
    Text::invite("sip:x@example.org")
}

fn branch(request: &Request) -> String {
    request.branch().unwrap().to_owned()
}

/// Has the caller say something, and gives what the next element heard of it.
fn passed(
    world: &mut World,
    caller: Handle<RawPeer>,
    next: Handle<RawPeer>,
    text: &Text,
) -> Request {
    let before = world.sim.node(next).requests().len();
    world.send(caller, text);
    world.sim.run_for(Duration::from_millis(400));
    let mut heard = world.sim.node(next).requests();
    assert_eq!(heard.len(), before + 1, "it did not go on once");
    heard.pop().unwrap()
}

/// Has the next element answer the last request that it heard.
fn answer(world: &mut World, next: Handle<RawPeer>, status: u16) {
    let sends = world.sim.with(next, |next, _| {
        let heard = next.heard().iter().rfind(|heard| heard.as_request().is_some()).unwrap();
        heard.reply(heard.response(StatusCode::new(status).unwrap()).unwrap())
    });
    world.sim.send_this(next, sends);
    world.run_for_seconds(1);
}

#[test]
fn nothing_is_kept_and_no_100_is_sent_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    passed(&mut world, caller, next, &invite());
    let counters = world.sim.node(world.server).endpoint().counters();
    assert_eq!((counters.server_transactions, counters.client_transactions), (0, 0));
    assert!(world.sim.node(world.server).is_idle());
    world.run_for_seconds(200);
    assert!(world.sim.node(caller).responses().is_empty(), "no 100, and no 408 of its own");
    assert_eq!(world.sim.node(next).requests().len(), 1, "nothing is sent again by itself");
    world.settle();
}

#[test]
fn a_repeated_request_goes_the_same_way_in_the_same_words_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    passed(&mut world, caller, next, &invite().call_id("same"));
    let text = invite().call_id("same");
    let first = passed(&mut world, caller, next, &text);
    let again = passed(&mut world, caller, next, &text);
    assert_eq!(first.to_bytes(), again.to_bytes());
    world.restart();
    let after_a_restart = passed(&mut world, caller, next, &text);
    assert_eq!(first.to_bytes(), after_a_restart.to_bytes());
    let other = passed(&mut world, caller, next, &text.again());
    assert_ne!(branch(&first), branch(&other), "another transaction");
    world.settle();
}

#[test]
fn a_cancel_and_an_ack_have_the_branch_of_their_invite_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    let text = invite();
    let invite = passed(&mut world, caller, next, &text);
    let cancel = passed(&mut world, caller, next, &text.cancel());
    assert_eq!(cancel.method().as_str(), "CANCEL");
    assert_eq!((branch(&cancel), cancel.uri_text()), (branch(&invite), invite.uri_text()));
    answer(&mut world, next, 200);
    assert_eq!(world.statuses(caller), [200], "the CANCEL is answered by who knows the INVITE");
    let refused = world.sim.node(next).heard()[0].response(StatusCode::BUSY_HERE).unwrap();
    let flow = world.sim.node(next).heard()[0].flow;
    world.sim.send(next, flow, refused);
    world.run_for_seconds(1);
    let refusal = world.sim.node(caller).responses().pop().unwrap();
    let ack = passed(&mut world, caller, next, &text.ack_of(&refusal));
    assert_eq!(ack.method().as_str(), "ACK");
    assert_eq!((branch(&ack), ack.uri_text()), (branch(&invite), invite.uri_text()));
    world.settle();
}

#[test]
fn a_client_of_rfc_2543_has_one_branch_for_a_transaction_too_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    let text = invite().via("SIP/2.0/UDP 192.0.2.1:5060");
    let first = passed(&mut world, caller, next, &text);
    let cancel = passed(&mut world, caller, next, &text.cancel());
    assert_eq!(branch(&first), branch(&cancel));
    assert!(branch(&first).starts_with("z9hG4bK"));
    answer(&mut world, next, 200);
    assert_eq!(world.statuses(caller), [200]);
    let other = passed(&mut world, caller, next, &text.clone().cseq(2));
    assert_ne!(branch(&first), branch(&other));
}

#[test]
fn every_response_goes_back_by_the_next_via_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    // Behind an address translator: it is where it sends from, and wants its answers there.
    let text = invite().via("SIP/2.0/UDP 10.0.0.1:6000;rport;branch=z9hG4bKnat");
    passed(&mut world, caller, next, &text);
    for status in [100, 180, 183, 200, 200] {
        answer(&mut world, next, status);
    }
    world.restart();
    answer(&mut world, next, 486);
    let heard = world.sim.node(caller).responses();
    let statuses: Vec<_> = heard.iter().map(|heard| heard.status().as_u16()).collect();
    assert_eq!(statuses, [100, 180, 183, 200, 200, 486]);
    assert_eq!(heard[0].headers().list::<Via<'_>>().count(), 1);
    assert_eq!(heard[0].branch(), Some("z9hG4bKnat"));
}

#[test]
fn a_response_to_nothing_that_went_through_here_is_dropped_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    let heard = passed(&mut world, caller, next, &invite());
    let flow = world.sim.flow(next, world.server);
    let vias: Vec<_> =
        heard.headers().list::<Via<'_>>().map(|via| via.unwrap().to_string()).collect();
    let ours = &vias[0];
    for via in [
        // To an address that no request came from.
        format!("{ours}\r\nVia: SIP/2.0/UDP 192.0.2.9:5060;branch=z9hG4bKx"),
        format!("{ours}\r\nVia: {};received=192.0.2.9", vias[1]),
        // By a branch that was never given, and by a Via that is not ours.
        format!("{}x\r\nVia: {}", ours.replace(";rport", ""), vias[1]),
        format!("{}\r\nVia: {}", ours.replace("192.0.2.10", "192.0.2.77"), vias[1]),
        ours.clone(),
    ] {
        let text = format!(
            "SIP/2.0 200 OK\r\nVia: {via}\r\nFrom: <sip:stranger@elsewhere.example>;tag=from\r\n\
             To: <sip:x@example.org>;tag=1\r\nCall-ID: {}\r\nCSeq: 1 INVITE\r\n\
             Content-Length: 0\r\n\r\n",
            heard.call_id()
        );
        world.sim.send(next, flow, text);
    }
    let elsewhere = world.peer("elsewhere", "192.0.2.9:5060");
    world.run_for_seconds(1);
    assert!(world.sim.node(caller).heard().is_empty());
    assert!(world.sim.node(elsewhere).heard().is_empty());
    world.settle();
}

#[test]
fn a_request_is_validated_all_the_same_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    assert_eq!(world.status(caller, &invite().max_forwards("0")), 483);
    assert_eq!(world.status(caller, &invite().header("Proxy-Require", "x")), 420);
    assert!(world.sim.node(next).heard().is_empty());
    let heard = passed(&mut world, caller, next, &invite().max_forwards("9"));
    assert_eq!(heard.headers().text(HeaderName::MaxForwards), Some("8"));
}

#[test]
fn one_target_is_chosen_by_the_request_alone_rfc3261_16_11() {
    let (mut world, caller, one) = ruled("trunk = \"out\"");
    let two = world.peer("two", "192.0.2.32:5060");
    for number in 0..20 {
        let text = invite().call_id(&format!("call {number}").replace(' ', "-"));
        for text in [text.clone(), text.clone(), text.cancel(), text.next_cseq()] {
            world.send(caller, &text);
        }
    }
    world.run_for_seconds(1);
    let calls = |peer: Handle<RawPeer>| -> Vec<String> {
        let requests: Vec<_> = world.sim.node(peer).requests();
        let mut calls: Vec<_> = requests.iter().map(|it| it.call_id().to_owned()).collect();
        calls.sort();
        calls
    };
    let (ones, twos) = (calls(one), calls(two));
    assert_eq!(ones.len() + twos.len(), 80);
    assert!(ones.iter().all(|call| !twos.contains(call)), "a call is in one place");
    assert!(!ones.is_empty() && !twos.is_empty(), "both have some");
}

#[test]
fn a_name_is_looked_up_and_who_has_none_hears_503_rfc3261_16_11() {
    let (mut world, caller, next) = ruled("send = \"sip:x@next.example\"");
    world.sim.host("next.example", &["192.0.2.31"]);
    passed(&mut world, caller, next, &invite());
    let (mut world, caller, _) = ruled("send = \"sip:x@nowhere.example\"");
    assert_eq!(world.status(caller, &invite()), 503);
    world.settle();
}

#[test]
fn what_follows_in_the_dialog_comes_through_here_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    let text = invite();
    let heard = passed(&mut world, caller, next, &text);
    assert_eq!(heard.headers().list::<RecordRoute<'_>>().count(), 1);
    let sends = world.sim.with(next, |next, _| {
        let heard = &next.heard()[0];
        let octets = heard.response_with(StatusCode::OK, |response| {
            response
                .header(HeaderName::Contact, "<sip:x@192.0.2.31>")
                .copied(HeaderName::RecordRoute)
        });
        heard.reply(octets.unwrap())
    });
    world.sim.send_this(next, sends);
    world.run_for_seconds(1);
    let ok = world.sim.node(caller).responses().pop().unwrap();
    passed(&mut world, caller, next, &text.in_dialog("ACK", &ok));
    passed(&mut world, caller, next, &text.in_dialog("BYE", &ok));
}

#[test]
fn what_needs_state_has_it_rfc3261_16_11() {
    let (mut world, caller, next) = world();
    world.sim.with(next, |next, _| next.answer_with(|_| Vec::new()));
    // Over a stream, too large for UDP, or of a user who signed in: each is answered 100 at once.
    world.send_by_tcp(caller, &invite());
    world.send(caller, &invite().header("X-Large", &"x".repeat(1_100)));
    let mine = invite().from("sip:alice@example.org");
    let challenge = world.ask(caller, &mine);
    assert_eq!(challenge.status().as_u16(), 407);
    world.send(caller, &mine.next_cseq().answering(&challenge, "alice", &password("alice")));
    world.sim.run_for(Duration::from_millis(100));
    let trying = world.sim.node(caller).responses();
    let trying = trying.iter().filter(|heard| heard.status() == StatusCode::TRYING).count();
    assert_eq!(trying, 3);
    world.settle();
}

#[test]
fn a_cancel_that_belongs_to_nothing_is_481_rfc3261_9_2() {
    let (mut world, caller, next) = world();
    assert_eq!(world.status(caller, &Text::invite("sip:bob@example.org").cancel()), 481);
    assert_eq!(world.status(caller, &invite().from("sip:alice@example.org").cancel()), 481);
    assert!(world.sim.node(next).heard().is_empty());
    world.settle();
}
