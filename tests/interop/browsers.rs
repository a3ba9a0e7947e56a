//! Telephones of web pages: JsSIP and SIP.js in a browser, over secure WebSocket, with each other
//! and with a SIPp on UDP.

use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::antiphon::Server;
use crate::harness::browser::Browser;
use crate::harness::sipp::{Registration, Scenario, Sipp, register};

const LIMIT: Duration = Duration::from_secs(60);

/// A server with two accounts for pages and one for a desk.
fn server() -> Server {
    Server::start(&[("alice", "wonderland"), ("bob", "builder"), ("desk", "drawer")])
}

fn address(server: &Server) -> String {
    format!("wss://127.0.0.1:{}", server.wss)
}

#[test]
fn jssip_and_sip_js_talk_in_both_directions_and_either_side_hangs_up() {
    let mut server = server();
    let settings = json!({
        "server": address(&server),
        "domain": "127.0.0.1",
        "jssip": { "user": "alice", "password": "wonderland" },
        "sipjs": { "user": "bob", "password": "builder" },
    });
    Browser::play("between", &settings).finish();
    server.assert_alive();
}

fn one_phone(server: &Server, kind: &str, hangs_up: &str) -> Value {
    json!({
        "server": address(server),
        "domain": "127.0.0.1",
        "kind": kind,
        "account": { "user": "alice", "password": "wonderland" },
        "target": "sip:desk@127.0.0.1",
        "hangs_up": hangs_up,
    })
}

#[test]
fn jssip_calls_a_sipp_and_either_side_hangs_up() {
    calls_a_sipp("jssip");
}

#[test]
fn sip_js_calls_a_sipp_and_either_side_hangs_up() {
    calls_a_sipp("sipjs");
}

#[test]
fn a_sipp_calls_jssip_and_either_side_hangs_up() {
    is_called_by_a_sipp("jssip");
}

#[test]
fn a_sipp_calls_sip_js_and_either_side_hangs_up() {
    is_called_by_a_sipp("sipjs");
}

fn calls_a_sipp(kind: &str) {
    let server = server();
    for (scenario, hangs_up) in [("web-callee", "here"), ("web-callee-hangs-up", "there")] {
        let callee = Sipp::callee(&Scenario { name: scenario, calls: 1, arguments: &[] });
        let desk = Registration::new("desk", "drawer", "callee");
        register(server.port, &callee.port.to_string(), &[desk]);
        Browser::play("calls", &one_phone(&server, kind, hangs_up)).finish();
        let totals = callee.finish(LIMIT);
        assert!(totals.all_succeeded(1), "{hangs_up}: {totals:?}");
    }
}

fn is_called_by_a_sipp(kind: &str) {
    let server = server();
    for (scenario, hangs_up) in [("web-caller-waits", "here"), ("web-caller", "there")] {
        let browser = Browser::play("is_called", &one_phone(&server, kind, hangs_up));
        browser.tells("registered");
        let arguments = ["-s", "alice"];
        let scenario = Scenario { name: scenario, calls: 1, arguments: &arguments };
        let totals = Sipp::caller(server.port, &scenario).finish(LIMIT);
        browser.finish();
        assert!(totals.all_succeeded(1), "{hangs_up}: {totals:?}");
    }
}
