//! One agent and another, without a server.

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Finished, Running, run, run_in};

/// Starts an agent that answers, and calls it.
fn call(answer: &[&str], call: &[&str]) -> (Finished, Vec<Value>) {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--count", "1", "--json"];
    let arguments: Vec<&str> = listen.iter().chain(answer).copied().collect();
    let mut answering = Running::start(home.path(), &arguments);
    let uri = uri(&answering.object());
    let arguments: Vec<&str> = ["call", &uri, "--json"].iter().chain(call).copied().collect();
    let called = run(&arguments);
    let (objects, status) = answering.finish();
    assert_eq!(status, Some(0), "{objects:?}");
    (called, objects)
}

/// The address of an agent that told where it listens.
fn uri(listening: &Value) -> String {
    assert_eq!(listening["event"], "listening");
    let listener = listening["listeners"][0].as_str().unwrap();
    format!("sip:anybody@{}", listener.strip_prefix("udp:").unwrap())
}

fn events(objects: &[Value]) -> Vec<&str> {
    objects.iter().map(|object| object["event"].as_str().unwrap()).collect()
}

#[test]
fn an_answered_call_ends_with_0_and_has_rtp_both_ways() {
    let (called, answered) = call(&[], &["--duration", "0.3", "--timeout", "10"]);
    assert_eq!(called.status, Some(0), "{called:?}");
    let objects = called.objects();
    let told = events(&objects);
    for event in ["attempt", "provisional", "answered", "established", "ended", "outcome"] {
        assert!(told.contains(&event), "{event}: {told:?}");
    }
    let outcome = called.outcome();
    assert_eq!(outcome["event"], "outcome");
    assert_eq!((&outcome["command"], &outcome["exit"]), (&"call".into(), &0.into()));
    assert_eq!((&outcome["conclusion"], &outcome["code"]), (&"succeeded".into(), &200.into()));
    assert_eq!(outcome["tried"][0]["method"], "INVITE");
    assert!(outcome["talked"].as_f64().unwrap() >= 0.3, "{outcome}");
    let sent_and_received =
        |rtp: &Value| rtp["sent"].as_u64().unwrap() > 0 && rtp["received"].as_u64().unwrap() > 0;
    assert!(sent_and_received(&outcome["rtp"]), "{outcome}");
    let rtp = answered.iter().find(|object| object["event"] == "rtp").unwrap();
    assert!(sent_and_received(&rtp["rtp"]), "{rtp}");
}

#[test]
fn a_refused_call_ends_with_the_class_of_its_code() {
    let (called, answered) = call(&["--respond", "180,486"], &["--timeout", "10"]);
    assert_eq!(called.status, Some(4), "{called:?}");
    let outcome = called.outcome();
    assert_eq!((&outcome["code"], &outcome["reason"]), (&486.into(), &"Busy Here".into()));
    for key in ["person", "next_step"] {
        assert!(!outcome[key].as_str().unwrap().is_empty(), "{outcome}");
    }
    for key in ["reaction", "rfc", "limit", "evidence", "elapsed", "target"] {
        assert!(outcome.get(key).is_some(), "{key}: {outcome}");
    }
    assert!(events(&answered).contains(&"incoming_call"));
}

#[test]
fn a_final_response_carries_what_its_code_must_carry() {
    let (called, _) = call(&["--respond", "420", "--header", "Unsupported: foo"], &[]);
    assert_eq!(called.status, Some(4));
    assert!(called.outcome()["evidence"].to_string().contains("foo"), "{called:?}");
}

#[test]
fn what_is_too_large_for_datagrams_goes_over_a_stream_rfc3261_18_1_1() {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--respond", "513", "--json"];
    let mut datagrams = Running::start(home.path(), &listen);
    let uri = uri(&datagrams.object());
    let port = uri.rsplit(':').next().unwrap();
    let listen = format!("tcp:127.0.0.1:{port}");
    let arguments = ["answer", "--listen", &listen, "--count", "1", "--json"];
    let mut stream = Running::start(home.path(), &arguments);
    assert_eq!(stream.object()["event"], "listening");
    let called = run(&["call", &uri, "--json", "--duration", "0.1", "--timeout", "10"]);
    assert_eq!(called.status, Some(0), "{called:?}");
    let tried = called.outcome()["tried"].clone();
    let tried = tried.as_array().unwrap();
    assert!(tried.iter().rev().skip(1).all(|attempt| attempt["code"] == 513), "{tried:?}");
    let last = tried.last().unwrap()["server"].as_str().unwrap();
    assert_eq!(last, listen);
}

#[test]
fn a_challenge_without_a_password_ends_with_4() {
    let (called, _) = call(&["--respond", "401"], &[]);
    assert_eq!(called.status, Some(4), "{called:?}");
    assert_eq!(called.outcome()["limit"], "credentials", "{called:?}");
}

#[test]
fn a_wrong_password_ends_with_4() {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--respond", "407", "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    let credentials = ["--user", "alice", "--password", "guess", "--json"];
    let arguments: Vec<&str> = ["call", &uri].iter().chain(&credentials).copied().collect();
    let called = run(&arguments);
    assert_eq!(called.status, Some(4), "{called:?}");
    let outcome = called.outcome();
    assert_eq!((&outcome["code"], &outcome["limit"]), (&407.into(), &"credentials".into()));
    assert_eq!(outcome["tried"].as_array().unwrap().len(), 2, "{outcome}");
    let person = outcome["person"].as_str().unwrap();
    assert!(person.starts_with("The user name or the password is wrong"), "{outcome}");
}

#[test]
fn a_gate_opens_to_the_right_password_alone_rfc3261_22_2() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("gate");
    std::fs::write(&file, "user alice secret\nINVITE\n  401\n  180\n  200\n").unwrap();
    let script = file.to_str().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--script", script, "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    let call = |more: &[&str]| {
        let call = ["call", &uri, "--json", "--duration", "0.1", "--timeout", "10"];
        let called = run(&call.iter().chain(more).copied().collect::<Vec<_>>());
        let outcome = called.outcome();
        (called.status, outcome["code"].clone(), outcome["tried"].as_array().unwrap().len())
    };
    assert_eq!(call(&[]), (Some(4), 401.into(), 1));
    assert_eq!(call(&["--user", "alice", "--password", "guess"]), (Some(4), 401.into(), 2));
    assert_eq!(call(&["--user", "alice", "--password", "secret"]), (Some(0), 200.into(), 2));
    for _ in 0..4 {
        let played = answering.object();
        assert_eq!((&played["event"], &played["code"]), (&"played".into(), &401.into()));
    }
    assert_eq!(answering.object()["event"], "incoming_call");
}

#[test]
fn a_script_answers_other_methods_and_a_wrong_one_is_told_by_its_lines() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("script");
    let script = file.to_str().unwrap();
    std::fs::write(&file, "MESSAGE\n  488\nOPTIONS\n  503\n").unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--script", script, "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    assert_eq!(run(&["message", &uri, "Lunch?"]).status, Some(4));
    let played = answering.object();
    assert_eq!((&played["event"], &played["code"]), (&"played".into(), &488.into()), "{played}");
    assert_eq!(played["request"]["method"], "MESSAGE");
    assert_eq!(run(&["options", &uri]).status, Some(5));
    assert_eq!(run(&["call", &uri, "--duration", "0.1"]).status, Some(0));
    std::fs::write(&file, "180\nINVITE\n  42\n").unwrap();
    let wrong = run(&listen);
    assert_eq!(wrong.status, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("line 1: ") && wrong.stderr.contains("line 3: "), "{wrong:?}");
    assert_eq!(wrong.stderr.lines().count(), 1, "{wrong:?}");
}

#[test]
fn what_a_provisional_response_means_is_told_rfc3261_21_1() {
    let (called, _) = call(&["--respond", "181,182,486"], &["--timeout", "10"]);
    let objects = called.objects();
    let meanings: Vec<_> = objects.iter().filter_map(|object| object["meaning"].as_str()).collect();
    assert_eq!(meanings, ["forwarded", "queued"], "{called:?}");
}

#[test]
fn a_redirection_is_followed() {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--json", "--count", "1"];
    let mut second = Running::start(home.path(), &listen);
    let there = uri(&second.object());
    let respond = ["--respond", "302", "--contact", &there];
    let (called, _) = call(&respond, &["--duration", "0.1", "--timeout", "10"]);
    assert_eq!(called.status, Some(0), "{called:?}");
    let outcome = called.outcome();
    assert_eq!(outcome["tried"][0]["reaction"], "TryTargets", "{outcome}");
    assert_eq!(outcome["tried"][1]["target"], there.as_str(), "{outcome}");
    assert_eq!(second.finish().1, Some(0));
}

#[test]
fn people_are_told_in_sentences_without_colour() {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--respond", "486", "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    let called = run(&["call", &uri, "--verbose"]);
    assert_eq!(called.status, Some(4), "{called:?}");
    assert!(called.stdout.starts_with("The person is busy.\n"), "{called:?}");
    assert!(called.stdout.contains("486 \"Busy Here\""), "{called:?}");
    assert!(called.stderr.contains("SIP/2.0 486 Busy Here"), "{called:?}");
    assert!(!called.stdout.contains('\u{1b}') && !called.stderr.contains('\u{1b}'));
}

#[test]
fn options_and_message_are_answered() {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    let options = run(&["options", &uri]);
    assert_eq!(options.status, Some(0), "{options:?}");
    assert!(options.stdout.contains("is there: it answered 200 in "), "{options:?}");
    let message = run(&["message", &uri, "Lunch?", "--json"]);
    assert_eq!(message.status, Some(0), "{message:?}");
    assert_eq!(message.outcome()["command"], "message");
    let came = answering.object();
    assert_eq!(came["event"], "incoming_message", "{came}");
    assert_eq!(came["request"]["body"], "Lunch?", "{came}");
}

#[test]
fn nobody_there_ends_with_8() {
    let silent = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let uri = format!("sip:bob@{}", silent.local_addr().unwrap());
    let asked = run(&["options", &uri, "--timeout", "0.3", "--json"]);
    assert_eq!(asked.status, Some(8), "{asked:?}");
    assert_eq!(asked.outcome()["exit"], 8);
    assert_eq!(asked.outcome()["code"], Value::Null);
}

#[test]
fn a_capture_file_holds_what_went_and_came() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("trace.pcapng");
    let trace = path.to_str().unwrap();
    let (called, _) = call(&["--respond", "603"], &["--trace", trace]);
    assert_eq!(called.status, Some(6), "{called:?}");
    let octets = std::fs::read(&path).unwrap();
    // The block type of a section header.
    assert!(octets.starts_with(&[0x0a, 0x0d, 0x0d, 0x0a]));
    for line in [&b"INVITE sip:anybody@"[..], b"SIP/2.0 603 Decline"] {
        assert!(octets.windows(line.len()).any(|window| window == line));
    }
}

#[test]
fn what_is_lost_is_published_anew_and_removed_in_the_end_rfc3903_5() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("script");
    let script = "PUBLISH\n  200\n    SIP-ETag: one\n    Expires: 2\n\
                  PUBLISH\n  412\nPUBLISH\n  200\n    SIP-ETag: two\n    Expires: 2\n";
    std::fs::write(&file, script).unwrap();
    let script = file.to_str().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--script", script, "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    let timeout = ["--event", "presence", "--timeout", "1.5", "--json"];
    let published = run(&["publish", &uri].iter().chain(&timeout).copied().collect::<Vec<_>>());
    assert_eq!(published.status, Some(0), "{published:?}");
    let objects = published.objects();
    let tags: Vec<_> = objects.iter().filter(|object| object["event"] == "published").collect();
    assert_eq!((&tags[0]["etag"], &tags[1]["etag"]), (&"one".into(), &"two".into()));
    let attempt = |object: &&Value| object["event"] == "answered";
    let did: Vec<_> = objects.iter().filter(attempt).map(|o| &o["attempt"]["reaction"]).collect();
    assert_eq!(did, ["Succeed", "StartAnew", "Succeed", "Succeed"]);
    let outcome = published.outcome();
    assert_eq!((&outcome["command"], &outcome["exit"]), (&"publish".into(), &0.into()));
}

#[test]
fn a_subscription_to_what_nobody_tells_ends_with_the_class_of_its_code_rfc6665_8_3_2() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("script");
    std::fs::write(&file, "SUBSCRIBE\n  489\nSUBSCRIBE\n  200\n").unwrap();
    let script = file.to_str().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--script", script, "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    let subscribe = ["subscribe", &uri, "--event", "dialog", "--json"];
    let refused = run(&subscribe);
    assert_eq!(refused.status, Some(4), "{refused:?}");
    assert!(refused.outcome()["evidence"].to_string().contains("Allow-Events"), "{refused:?}");
    // Taken, though nothing is notified.
    let taken = run(&subscribe);
    assert_eq!(taken.status, Some(0), "{taken:?}");
    assert!(taken.outcome()["person"].as_str().unwrap().contains("notified nothing"));
}

#[test]
fn a_realm_that_was_stronger_in_an_earlier_run_is_not_answered_weaker_rfc8760_3() {
    let home = TempDir::new().unwrap();
    let file = home.path().join("script");
    let weaker = "Digest realm=\"antiphon\", nonce=\"x\", algorithm=MD5, qop=\"auth\"";
    let script = format!("INVITE\n  401\n  486\nINVITE\n  401\n    WWW-Authenticate: {weaker}\n");
    std::fs::write(&file, script).unwrap();
    let script = file.to_str().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--script", script, "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let uri = uri(&answering.object());
    let caller = TempDir::new().unwrap();
    let call = || {
        let credentials = ["--user", "alice", "--password", "secret", "--json"];
        let arguments: Vec<&str> = ["call", &uri].iter().chain(&credentials).copied().collect();
        run_in(caller.path(), &arguments).outcome()
    };
    let tried = |outcome: &Value| outcome["tried"].as_array().unwrap().len();
    let first = call();
    assert_eq!((&first["code"], tried(&first)), (&486.into(), 2));
    let second = call();
    assert_eq!((&second["code"], tried(&second)), (&401.into(), 1), "{second}");
    let listed = run_in(caller.path(), &["remembered", "list", "--json"]);
    assert!(listed.stdout.contains("\"algorithm\":\"SHA-"), "{listed:?}");
    let server = uri.replace("anybody@", "");
    let removed = run_in(caller.path(), &["remembered", "remove", &server]);
    assert_eq!(removed.status, Some(0), "{removed:?}");
    assert_eq!(tried(&call()), 2);
}
