//! `antiphon call` against a SIPp for every kind of answer: exit status and JSON.

use std::net::UdpSocket;
use std::time::Duration;

use serde_json::Value;

use crate::harness::antiphon;
use crate::harness::ports;
use crate::harness::process::Finished;
use crate::harness::sipp::{Scenario, Sipp};

/// SIPp ends with its last call; this is for one that never gets it.
const LIMIT: Duration = Duration::from_secs(40);

const NO_ANSWER: i32 = 8;

#[test]
fn ringing_and_200_end_with_0() {
    let callee = callee("callee", &[]);
    let finished = call(&callee, &["--duration", "1"]);
    assert_answered(&finished);
    assert_played_to_the_end(callee);
}

#[test]
fn early_media_and_200_end_with_0() {
    let callee = callee("callee-early-media", &[]);
    let finished = call(&callee, &["--duration", "1"]);
    assert_answered(&finished);
    assert_played_to_the_end(callee);
}

#[test]
fn an_answered_call_over_tcp_ends_with_0() {
    let callee = callee("callee", &["-t", "t1"]);
    let uri = format!("sip:bob@127.0.0.1:{};transport=tcp", callee.port);
    let finished = antiphon::run(&["call", &uri, "--json", "--duration", "1"]);
    assert_answered(&finished);
    assert_played_to_the_end(callee);
}

#[test]
fn a_302_is_followed_and_the_answer_there_counts_rfc3261_8_1_3_4() {
    let second = callee("callee", &[]);
    let target = second.port.to_string();
    let first = callee("callee-moved", &["-key", "target_port", &target]);
    let finished = call(&first, &["--duration", "1"]);
    assert_answered(&finished);
    let tried = outcome(&finished)["tried"].to_string();
    assert!(tried.contains(&target), "`tried` does not name port {target}: {tried}");
    assert_played_to_the_end(first);
    assert_played_to_the_end(second);
}

#[test]
fn a_302_to_somebody_busy_ends_as_busy() {
    let second = Sipp::callee_that_refuses("486 Busy Here");
    let target = second.port.to_string();
    let first = callee("callee-moved", &["-key", "target_port", &target]);
    let finished = call(&first, &[]);
    assert_refused(&finished, 4, 486, "Busy Here");
    assert_played_to_the_end(first);
    assert_played_to_the_end(second);
}

#[test]
fn a_401_is_answered_with_the_right_password_rfc3261_22_2() {
    let callee = callee("callee-asks-401", &[]);
    let finished = call(&callee, &["--user", "alice", "--password", "secret", "--duration", "1"]);
    assert_answered(&finished);
    assert_played_to_the_end(callee);
}

#[test]
fn a_401_is_not_answered_twice_with_the_wrong_password_rfc3261_22_1() {
    let callee = callee("callee-asks-401", &[]);
    let finished = call(&callee, &["--user", "alice", "--password", "guess"]);
    assert_refused(&finished, 4, 401, "Unauthorized");
    assert_played_to_the_end(callee);
}

#[test]
fn a_401_without_a_password_is_the_outcome() {
    let callee = Sipp::callee_that_refuses("401 Unauthorized");
    let finished = call(&callee, &[]);
    assert_refused(&finished, 4, 401, "Unauthorized");
    assert_played_to_the_end(callee);
}

#[test]
fn a_407_is_answered_with_the_right_password_rfc3261_22_3() {
    let callee = callee("callee-asks-407", &[]);
    let finished = call(&callee, &["--user", "alice", "--password", "secret", "--duration", "1"]);
    assert_answered(&finished);
    assert_played_to_the_end(callee);
}

#[test]
fn a_407_is_not_answered_twice_with_the_wrong_password_rfc3261_22_1() {
    let callee = callee("callee-asks-407-again", &[]);
    let finished = call(&callee, &["--user", "alice", "--password", "guess"]);
    assert_refused(&finished, 4, 407, "Proxy Authentication Required");
    assert_played_to_the_end(callee);
}

#[test]
fn a_486_ends_with_4() {
    refusal(4, 486, "Busy Here");
}

#[test]
fn a_503_ends_with_5() {
    refusal(5, 503, "Service Unavailable");
}

#[test]
fn a_603_ends_with_6() {
    refusal(6, 603, "Decline");
}

#[test]
fn a_code_that_nobody_registered_ends_with_its_class_rfc3261_8_1_3_2() {
    refusal(4, 499, "Nobody Knows");
}

#[test]
fn silence_ends_with_8_when_the_time_is_over() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:bob@{}", silent.local_addr().unwrap());
    let finished = antiphon::run(&["call", &uri, "--json", "--timeout", "1"]);
    assert_eq!(finished.code, Some(NO_ANSWER), "{finished:#?}");
    assert_tells_a_person(&outcome(&finished));
}

#[test]
fn a_closed_port_ends_with_8() {
    let uri = format!("sip:bob@127.0.0.1:{};transport=tcp", ports::free());
    let finished = antiphon::run(&["call", &uri, "--json", "--timeout", "5"]);
    assert_eq!(finished.code, Some(NO_ANSWER), "{finished:#?}");
    assert_tells_a_person(&outcome(&finished));
}

#[test]
fn a_call_that_only_rings_is_cancelled_when_the_time_is_over_rfc3261_9_1() {
    let callee = callee("callee-rings-on", &[]);
    let finished = call(&callee, &["--timeout", "1"]);
    assert_eq!(finished.code, Some(4), "{finished:#?}");
    assert_eq!(outcome(&finished)["code"], 487, "{finished:#?}");
    assert_played_to_the_end(callee);
}

fn refusal(exit: i32, code: u16, reason: &str) {
    let callee = Sipp::callee_that_refuses(&format!("{code} {reason}"));
    let finished = call(&callee, &[]);
    assert_refused(&finished, exit, code, reason);
    assert_played_to_the_end(callee);
}

fn callee(name: &str, arguments: &[&str]) -> Sipp {
    Sipp::callee(&Scenario { name, calls: 1, arguments })
}

fn call(callee: &Sipp, more: &[&str]) -> Finished {
    let uri = format!("sip:bob@127.0.0.1:{}", callee.port);
    let mut arguments = vec!["call", &uri, "--json"];
    arguments.extend(more);
    antiphon::run(&arguments)
}

/// The outcome is the last object; those before it tell of the way there.
fn outcome(finished: &Finished) -> Value {
    finished.json_with("code")
}

fn assert_answered(finished: &Finished) {
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    assert_eq!(outcome(finished)["code"], 200, "{finished:#?}");
    assert!(outcome(finished)["tried"].is_array(), "{finished:#?}");
}

fn assert_refused(finished: &Finished, exit: i32, code: u16, reason: &str) {
    assert_eq!(finished.code, Some(exit), "{finished:#?}");
    let outcome = outcome(finished);
    assert_eq!(outcome["code"], code, "{finished:#?}");
    assert_eq!(outcome["reason"], reason, "{finished:#?}");
    assert!(outcome["tried"].is_array(), "{finished:#?}");
    assert_tells_a_person(&outcome);
}

/// What happened and what to do next, each in words.
fn assert_tells_a_person(outcome: &Value) {
    for key in ["person", "next_step"] {
        let words = outcome[key].as_str().unwrap_or_default();
        assert!(!words.trim().is_empty(), "`{key}` is empty: {outcome}");
    }
}

/// SIPp got every message of its scenario, in order: ACK and BYE included.
fn assert_played_to_the_end(callee: Sipp) {
    let totals = callee.finish(LIMIT);
    assert!(totals.all_succeeded(1), "{totals:?}");
}
