//! Ladders, to the letter.

#![expect(clippy::expect_used, reason = "a test that is set up wrongly ends with a panic")]

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_sip::Transport;
use antiphon_trace::ladder::Lines;
use antiphon_trace::{Fate, Ladder, Names, Record, Style, calls};

const ALICE: &str = "192.0.2.1:5060";
const PROXY: &str = "192.0.2.10:5060";
const BOB: &str = "192.0.2.2:5060";

fn address(text: &str) -> SocketAddr {
    text.parse().expect("an address")
}

fn names() -> Names {
    let mut names = Names::new();
    for (socket, name) in [(ALICE, "alice"), (PROXY, "proxy"), (BOB, "bob")] {
        names.add(address(socket), name);
    }
    names
}

/// A message that begins and ends so, on the way between two addresses.
fn record(millis: u64, from: &str, to: &str, start: &str, end: &str) -> Record {
    let method = start.split(' ').next().unwrap_or_default();
    let (start, method) = match start.split_once(" for ") {
        Some((start, method)) => (start.to_owned(), method),
        None => (format!("{start} SIP/2.0"), method),
    };
    let body = if end.is_empty() { "Content-Length: 0\r\n\r\n" } else { end };
    let text = format!(
        "{start}\r\nVia: SIP/2.0/UDP {from};branch=z9hG4bK1\r\nFrom: <sip:alice@example.com>;tag=1\r\n\
         To: <sip:bob@example.com>\r\nCall-ID: 3848276298220188511\r\nCSeq: 1 {method}\r\n\
         Max-Forwards: 70\r\n{body}"
    );
    let at = Time::from_secs(1_767_225_600) + Duration::from_millis(millis);
    Record::new(at, address(from), address(to), Transport::Udp, text)
}

const OFFER: &str = "Content-Type: application/sdp\r\nContent-Length: 5\r\n\r\nv=0\r\n";

fn call() -> Vec<Record> {
    vec![
        record(0, ALICE, PROXY, "INVITE sip:bob@example.com", OFFER),
        record(500, ALICE, PROXY, "INVITE sip:bob@example.com", OFFER),
        record(501, PROXY, ALICE, "SIP/2.0 100 Trying for INVITE", ""),
        record(502, PROXY, BOB, "INVITE sip:bob@192.0.2.2", OFFER),
        record(510, BOB, PROXY, "SIP/2.0 180 Ringing for INVITE", ""),
        record(511, PROXY, ALICE, "SIP/2.0 180 Ringing for INVITE", ""),
        record(3100, BOB, PROXY, "SIP/2.0 200 OK for INVITE", OFFER),
        record(3101, PROXY, ALICE, "SIP/2.0 200 OK for INVITE", OFFER),
        record(3105, ALICE, BOB, "ACK sip:bob@192.0.2.2", ""),
        record(61000, BOB, ALICE, "BYE sip:alice@192.0.2.1", ""),
        record(61002, ALICE, BOB, "SIP/2.0 200 OK for BYE", ""),
    ]
}

fn with_lost_first(mut records: Vec<Record>) -> Vec<Record> {
    if let Some(first) = records.first_mut() {
        first.fate = Fate::Lost;
    }
    records
}

#[track_caller]
fn check(actual: &str, expected: &str) {
    let expected = expected.strip_prefix('\n').unwrap_or(expected);
    assert!(actual == expected, "the ladder is\n{actual}\nand should be\n{expected}");
}

#[test]
fn a_call_through_a_proxy() {
    let calls = calls(&with_lost_first(call()));
    assert_eq!(calls.len(), 1);
    check(
        &Ladder::of_call(&calls[0], &names()).to_string(),
        r"
Call-ID 3848276298220188511

          alice                       proxy                        bob
     192.0.2.1:5060              192.0.2.10:5060             192.0.2.2:5060
            │                           │                           │
   0.000    ├── INVITE (SDP) ─────────╳ │                           │
   0.500    ├── ↻ INVITE (SDP) ────────>│                           │
   0.501    │<── 100 Trying (INVITE) ───┤                           │
   0.502    │                           ├── INVITE (SDP) ──────────>│
   0.510    │                           │<── 180 Ringing (INVITE) ──┤
   0.511    │<── 180 Ringing (INVITE) ──┤                           │
       ⋮    │                           │                           │
   3.100    │                           │<── 200 OK (INVITE, SDP) ──┤
   3.101    │<── 200 OK (INVITE, SDP) ──┤                           │
   3.105    ├── ACK ────────────────────┼──────────────────────────>│
       ⋮    │                           │                           │
  61.000    │<── BYE ───────────────────┼───────────────────────────┤
  61.002    ├── 200 OK (BYE) ───────────┼──────────────────────────>│
",
    );
}

#[test]
fn the_same_in_ascii_and_narrow() {
    let records = with_lost_first(call());
    let style = Style { width: 60, lines: Lines::Ascii, messages: false };
    check(
        &Ladder::of_records(&records, &names()).text(&style),
        r"
          alice               proxy                bob
     192.0.2.1:5060      192.0.2.10:5060     192.0.2.2:5060
            |                   |                   |
   0.000    |-- INVITE (SDP) -x |                   |
            | (again) INVITE    |                   |
            | (SDP)             |                   |
   0.500    |------------------>|                   |
            | 100 Trying        |                   |
            | (INVITE)          |                   |
   0.501    |<------------------|                   |
   0.502    |                   |-- INVITE (SDP) -->|
            |                   | 180 Ringing       |
            |                   | (INVITE)          |
   0.510    |                   |<------------------|
            | 180 Ringing       |                   |
            | (INVITE)          |                   |
   0.511    |<------------------|                   |
       :    |                   |                   |
            |                   | 200 OK (INVITE,   |
            |                   | SDP)              |
   3.100    |                   |<------------------|
            | 200 OK (INVITE,   |                   |
            | SDP)              |                   |
   3.101    |<------------------|                   |
   3.105    |-- ACK ------------+------------------>|
       :    |                   |                   |
  61.000    |<-- BYE -----------+-------------------|
  61.002    |-- 200 OK (BYE) ---+------------------>|
",
    );
}

#[test]
fn messages_stand_beneath() {
    let records = &call()[2..3];
    let style = Style { messages: true, ..Style::default() };
    check(
        &Ladder::of_records(records, &names()).text(&style),
        r"
          proxy                      alice
     192.0.2.10:5060            192.0.2.1:5060
            │                          │
   0.000    ├── 100 Trying (INVITE) ──>│

── 1. 0.000 s  proxy > alice  UDP, 219 octets ──
  SIP/2.0 100 Trying
  Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1
  From: <sip:alice@example.com>;tag=1
  To: <sip:bob@example.com>
  Call-ID: 3848276298220188511
  CSeq: 1 INVITE
  Max-Forwards: 70
  Content-Length: 0
",
    );
}

#[test]
fn what_a_peer_writes_cannot_move_the_cursor() {
    let records = [
        record(0, ALICE, BOB, "SIP/2.0 200 \u{1b}[2J忙しい\u{202e} for BYE", ""),
        Record { octets: "\r\n\r\n".into(), ..call()[0].clone() },
        Record { octets: "what is this?".into(), ..call()[0].clone() },
        record(7, ALICE, BOB, "OPTIONS sip:bob@example.com SIP/7.0 for OPTIONS", ""),
    ];
    check(
        &Ladder::of_records(&records, &Names::new()).to_string(),
        r"
     192.0.2.1:5060                                                  192.0.2.2:5060  192.0.2.10:5060
            │                                                               │               │
   0.000    ├── 200 �[2J忙しい� (BYE) ─────────────────────────────────────>│               │
   0.000    ├── keep-alive ─────────────────────────────────────────────────┼──────────────>│
   0.000    ├── 13 octets, not SIP ─────────────────────────────────────────┼──────────────>│
            │ OPTIONS sip:bob@example.com SIP/7.0 [Version Not Supported]   │               │
   0.007    ├──────────────────────────────────────────────────────────────>│               │
",
    );
}

#[test]
fn transports_are_named_when_there_are_several() {
    let mut records = call()[3..5].to_vec();
    records[0].transport = Transport::Tls;
    records[1].fate = Fate::Doubled;
    check(
        &Ladder::of_records(&records, &names()).to_string(),
        r"
          proxy                                            bob
     192.0.2.10:5060                                 192.0.2.2:5060
            │                                               │
   0.000    ├── INVITE (SDP) TLS ──────────────────────────>│
   0.008    │<── 180 Ringing (INVITE) UDP (arrives twice) ──┤
",
    );
}

#[test]
fn a_message_to_oneself() {
    let records = [record(0, PROXY, PROXY, "INVITE sip:bob@example.com", "")];
    check(
        &Ladder::of_records(&records, &names()).to_string(),
        r"
          proxy
     192.0.2.10:5060
            │
   0.000    ├─┐ INVITE
            │<┘
",
    );
}

#[test]
fn no_message_no_ladder() {
    check(&Ladder::of_records(&[], &names()).to_string(), "");
}

#[test]
fn a_ladder_for_programs() {
    let records = with_lost_first(call());
    let ladder = Ladder::of_records(&records[..2], &names()).json();
    let mut json = serde_json::to_value(&ladder).expect("a value");
    let text = json["messages"][0]["text"].take();
    assert!(text.as_str().is_some_and(|text| text.starts_with("INVITE sip:bob@example.com")));
    json["messages"][1]["text"].take();
    let message = |at: u64, repeated: bool, fate: &str| {
        serde_json::json!({
            "at_us": at, "from": 0, "to": 1, "label": "INVITE (SDP)", "transport": "UDP",
            "repeated": repeated, "fate": fate, "text": null,
        })
    };
    let expected = serde_json::json!({
        "title": "",
        "start_us": 1_767_225_600_000_000_u64,
        "participants": [
            { "name": "alice", "addresses": [ALICE] },
            { "name": "proxy", "addresses": [PROXY] },
        ],
        "messages": [message(0, false, "lost"), message(500_000, true, "arrived")],
    });
    assert_eq!(json, expected);
}
