//! Two softphones of the same make talk through the server.

use crate::harness::antiphon::{self, Server};
use crate::harness::baresip::{Account, Baresip};
use crate::harness::process::Running;

const ALICE_TONE: f64 = 500.0;
const BOB_TONE: f64 = 1_250.0;
/// Half a second of speech in packets of 20 ms.
const ENOUGH_PACKETS: u32 = 25;
/// The tone is nearly all that was recorded; the rest is the silence before it and the noise of
/// G.711.
const MOST: f64 = 0.8;

#[test]
fn two_baresips_talk_over_udp_and_the_caller_hangs_up() {
    talk("udp", Side::Caller);
}

#[test]
fn two_baresips_talk_over_udp_and_the_callee_hangs_up() {
    talk("udp", Side::Callee);
}

#[test]
fn two_baresips_talk_over_tcp_and_the_caller_hangs_up() {
    talk("tcp", Side::Caller);
}

#[test]
fn two_baresips_talk_over_tcp_and_the_callee_hangs_up() {
    talk("tcp", Side::Callee);
}

#[test]
fn two_baresips_talk_over_tls_and_the_caller_hangs_up() {
    talk("tls", Side::Caller);
}

#[test]
fn two_baresips_talk_over_tls_and_the_callee_hangs_up() {
    talk("tls", Side::Callee);
}

#[test]
fn baresips_on_different_transports_talk() {
    for (one, other) in [("udp", "tcp"), ("tls", "udp"), ("tcp", "tls")] {
        let server = Server::start(&[("alice", "wonderland"), ("bob", "builder")]);
        let alice = alice(&server, one);
        let bob = bob(&server, other);
        converse(&server, one, &alice, &bob);
        hang_up(&alice, &bob);
    }
}

#[test]
fn a_baresip_is_called_over_tls_by_who_believes_its_certificate() {
    let server = Server::start(&[("alice", "wonderland"), ("bob", "builder")]);
    let bob = bob(&server, "tls");
    let uri = format!("sip:bob@127.0.0.1:{};transport=tls", bob.tls());
    let believed = bob.certificate();
    let refused = antiphon::run(&["call", &uri, "--timeout", "20"]);
    assert_eq!(refused.code, Some(8), "{refused:#?}");
    let home = tempfile::TempDir::new().unwrap();
    let call = ["call", &uri, "--trust", believed.to_str().unwrap(), "--duration", "1"];
    let caller = Running::start("antiphon call", antiphon::command(home.path(), &call));
    bob.event("CALL_INCOMING");
    bob.command("accept", "");
    bob.event("CALL_CLOSED");
    let finished = caller.finish(std::time::Duration::from_secs(20));
    assert_eq!(finished.code, Some(0), "{finished:#?}");
}

#[derive(Clone, Copy)]
enum Side {
    Caller,
    Callee,
}

fn talk(transport: &str, hangs_up: Side) {
    let mut server = Server::start(&[("alice", "wonderland"), ("bob", "builder")]);
    let alice = alice(&server, transport);
    let bob = bob(&server, transport);
    converse(&server, transport, &alice, &bob);
    match hangs_up {
        Side::Caller => hang_up(&alice, &bob),
        Side::Callee => hang_up(&bob, &alice),
    }
    assert!(alice.heard(BOB_TONE) > MOST, "alice did not hear bob: {}", alice.heard(BOB_TONE));
    assert!(bob.heard(ALICE_TONE) > MOST, "bob did not hear alice: {}", bob.heard(ALICE_TONE));
    alice.quit();
    bob.quit();
    server.assert_alive();
}

/// Alice calls Bob, Bob accepts, and each hears the other.
fn converse(server: &Server, transport: &str, alice: &Baresip, bob: &Baresip) {
    // baresip adds the transport of its account to what it dials.
    alice.command("dial", &server.uri_over(transport, "bob"));
    bob.event("CALL_INCOMING");
    alice.event("CALL_RINGING");
    bob.command("accept", "");
    alice.event("CALL_ESTABLISHED");
    bob.event("CALL_ESTABLISHED");
    alice.hears(ENOUGH_PACKETS);
    bob.hears(ENOUGH_PACKETS);
}

fn hang_up(who: &Baresip, other: &Baresip) {
    who.command("hangup", "");
    who.event("CALL_CLOSED");
    other.event("CALL_CLOSED");
}

fn alice(server: &Server, transport: &str) -> Baresip {
    Baresip::registered(&Account {
        user: "alice",
        password: "wonderland",
        server: server.port_of(transport),
        transport,
        believes: &server.certificate(),
        tone: ALICE_TONE,
    })
}

fn bob(server: &Server, transport: &str) -> Baresip {
    Baresip::registered(&Account {
        user: "bob",
        password: "builder",
        server: server.port_of(transport),
        transport,
        believes: &server.certificate(),
        tone: BOB_TONE,
    })
}
