//! linphone calls and is called through the server. It takes the first challenge whose hash it
//! knows, and names itself by a GRUU within its calls.

use std::time::Duration;

use crate::harness::antiphon::{self, Server};
use crate::harness::linphone::Linphone;
use crate::harness::process::Running;

const ACCOUNTS: [(&str, &str); 2] = [("alice", "wonderland"), ("bob", "builder")];
const LIMIT: Duration = Duration::from_secs(30);

#[test]
fn a_linphone_is_called_over_udp() {
    is_called(&Server::start(&ACCOUNTS), "udp");
}

#[test]
fn a_linphone_is_called_over_tcp() {
    is_called(&Server::start(&ACCOUNTS), "tcp");
}

#[test]
fn a_linphone_calls_over_udp_and_hangs_up() {
    calls("udp");
}

#[test]
fn a_linphone_calls_over_tcp_and_hangs_up() {
    calls("tcp");
}

#[test]
fn a_linphone_signs_in_by_sha_256_rfc8760_2_4() {
    let alice = is_called(&Server::start(&ACCOUNTS), "udp");
    assert!(alice.has_seen("algorithm=SHA-256, username=\"alice\""));
    alice.quit();
}

/// Bob calls Alice's linphone and hangs up.
fn is_called(server: &Server, transport: &str) -> Linphone {
    let mut alice = Linphone::registered(server, "alice", "wonderland", transport);
    let home = tempfile::TempDir::new().unwrap();
    let from = server.uri("bob");
    let call = ["call", &server.uri("alice"), "--from", &from, "--password", "builder"];
    let call = [&call[..], &["--duration", "1", "--timeout", "20"]].concat();
    let bob = Running::start("antiphon call", antiphon::command(home.path(), &call));
    alice.event("LinphoneCallIncomingReceived");
    alice.command("answer");
    alice.event("LinphoneCallStreamsRunning");
    let finished = bob.finish(LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    alice.event("LinphoneCallReleased");
    assert!(alice.has_seen("\nACK sip:alice@127.0.0.1"), "no ACK came to a phone with a GRUU");
    alice
}

/// Alice calls Bob from her linphone and hangs up.
fn calls(transport: &str) {
    let server = Server::start(&ACCOUNTS);
    let mut alice = Linphone::registered(&server, "alice", "wonderland", transport);
    let home = tempfile::TempDir::new().unwrap();
    let from = server.uri("bob");
    let answer = ["answer", "--from", &from, "--password", "builder"];
    let bob = Running::start("antiphon answer", antiphon::command(home.path(), &answer));
    bob.line("that it is registered", LIMIT, |line| line.starts_with("Registered"));
    alice.command("call sip:bob@127.0.0.1");
    alice.event("LinphoneCallStreamsRunning");
    alice.command("terminate");
    alice.event("LinphoneCallReleased");
    bob.line("the end of the call", LIMIT, |line| line.contains("ended by the other side"));
    alice.quit();
}
