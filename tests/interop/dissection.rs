//! What Wireshark's dissectors say about everything that we send.

use std::time::Duration;

use crate::harness::antiphon::{self, Server};
use crate::harness::raw::{self, Client, Request};
use crate::harness::sipp::{self, Registration, Scenario, Sipp};
use crate::harness::tshark::{Capture, Frame};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn nothing_that_the_demo_sends_is_malformed() {
    let capture = Capture::start(&[]);
    let finished = antiphon::run(&["demo"]);
    let frames = capture.finish();
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    for expected in
        ["INVITE", "ACK", "BYE", "REGISTER", "180", "200", "302", "401", "404", "486", "603"]
    {
        assert!(frames.iter().any(|frame| frame.what.contains(expected)), "no {expected} was seen");
    }
    assert_none_is_faulty(&frames);
}

#[test]
fn nothing_that_the_server_sends_to_sipp_is_malformed() {
    let mut server = Server::start(&[("bob", "builder")]);
    let callee = Sipp::callee(&Scenario { name: "callee", calls: 1, arguments: &[] });
    let capture = Capture::start(&[server.port, callee.port]);
    let contact_port = callee.port.to_string();
    sipp::register(server.port, &contact_port, &[Registration::new("bob", "builder", "bob")]);
    let arguments = ["-s", "bob"];
    let call = Scenario { name: "caller", calls: 1, arguments: &arguments };
    assert!(Sipp::caller(server.port, &call).finish(LIMIT).all_succeeded(1));
    refusals(&server);
    let frames = capture.finish();
    assert!(callee.finish(LIMIT).all_succeeded(1));
    // Registration 4, the call 12 or 13 on its two sides, and 8 of the refusals.
    assert!(frames.len() >= 24, "only {} frames with SIP: {frames:#?}", frames.len());
    assert_none_is_faulty(&frames);
    server.assert_alive();
}

#[test]
fn nothing_that_server_and_agent_send_is_malformed_over_udp() {
    server_and_agent("udp");
}

#[test]
fn nothing_that_server_and_agent_send_is_malformed_over_tcp() {
    server_and_agent("tcp");
}

/// Registration, a call through the server, a ping, a message to nobody, and refusals.
fn server_and_agent(transport: &str) {
    let mut server = Server::start(&[("alice", "wonderland"), ("bob", "builder")]);
    let callee = Sipp::callee(&Scenario {
        name: "callee",
        calls: 1,
        arguments: &["-t", if transport == "tcp" { "t1" } else { "u1" }],
    });
    let contact_port = format!("{};transport={transport}", callee.port);
    sipp::register(server.port, &contact_port, &[Registration::new("bob", "builder", "bob")]);
    let capture = Capture::start(&[server.port, callee.port]);

    let target = |user: &str| format!("{};transport={transport}", server.uri(user));
    let alice = server.uri("alice");
    let registrar = format!("sip:127.0.0.1:{};transport={transport}", server.port);
    let credentials = ["--user", "alice", "--password", "wonderland", "--from", &alice, "--json"];
    let as_alice = |arguments: &[&str]| antiphon::run(&[arguments, &credentials].concat()).code;
    assert_eq!(as_alice(&["register", &alice, "--registrar", &registrar]), Some(0));
    assert_eq!(as_alice(&["call", &target("bob"), "--duration", "1"]), Some(0));
    assert_eq!(as_alice(&["call", &target("nobody")]), Some(4));
    assert_eq!(as_alice(&["message", &target("nobody"), "Grüße, and a \"quoted\" word"]), Some(4));
    assert_eq!(as_alice(&["options", &registrar]), Some(0));
    refusals(&server);

    let frames = capture.finish();
    assert!(callee.finish(LIMIT).all_succeeded(1));
    let count = frames.len();
    assert!(count >= 20, "only {count} frames with SIP were seen: {frames:#?}");
    assert_none_is_faulty(&frames);
    server.assert_alive();
}

/// Responses that the server makes to requests which it does not like.
fn refusals(server: &Server) {
    let uri = format!("sip:127.0.0.1:{}", server.port);
    let client = Client::new(server.address());
    client.ask(&Request::new("OPTIONS", &uri).with("Require", "no-such-extension"));
    client.ask(&Request::new("DANCE", &uri));
    client.ask(&Request::new("BYE", &uri).with("To", format!("<{uri}>;tag=gone")));
    raw::ask_over_tcp(server.address(), &Request::new("DANCE", &uri));
}

fn assert_none_is_faulty(frames: &[Frame]) {
    let faulty: Vec<String> = frames
        .iter()
        .filter(|frame| !frame.faults.is_empty())
        .map(|frame| format!("{}: {}", frame.faults, frame.line))
        .collect();
    assert!(faulty.is_empty(), "{faulty:#?}");
}
