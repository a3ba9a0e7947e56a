//! Calls that are signed by their caller (RFC 8224).

use std::path::Path;

use tempfile::TempDir;

use crate::program::{Finished, Running, run};

/// The key of RFC 8225 Appendix A.1.
const KEY: &str = "-----BEGIN PRIVATE KEY-----\n\
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgi7q2TZvN9VDFg8Vy\n\
    qCP06bETrR2v8MRvr89rn4i+UAahRANCAAQWfaj1HUETpoNCrOtp9KA8o0V79IuW\n\
    ARKt9C1cFPkyd3FBP4SeiNZxQhDrD0tdBHls3/wFe8++K2FrPyQF9vuh\n\
    -----END PRIVATE KEY-----\n";
const FIRST: &str = "https://first.example/c.pem";
const SECOND: &str = "https://second.example/c.pem";

fn key(folder: &Path) -> String {
    let path = folder.join("key.pem");
    std::fs::write(&path, KEY).unwrap();
    path.to_str().unwrap().to_owned()
}

/// Calls an agent that answers with these codes.
fn call(respond: &str, options: &[&str]) -> Finished {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--respond", respond, "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let listening = answering.object();
    let address = listening["listeners"][0].as_str().unwrap().strip_prefix("udp:").unwrap();
    let uri = format!("sip:bob@{address}");
    let who = ["call", &uri, "--from", "sip:alice@example.org"];
    run(&[&who[..], &["--duration", "0.1", "--timeout", "10"], options].concat())
}

/// The values of a header field in what was sent, in order.
fn sent<'a>(called: &'a Finished, name: &str) -> Vec<&'a str> {
    let lines = called.stderr.lines().filter_map(|line| line.trim().strip_prefix(name));
    lines.filter_map(|rest| rest.strip_prefix(": ")).collect()
}

#[test]
fn a_call_is_signed_as_often_and_in_the_way_that_is_asked_for_rfc8224_6_2_2() {
    let folder = TempDir::new().unwrap();
    let key = key(folder.path());
    let first = ["--identity-key", &key, "--identity-url", FIRST];
    let second = ["--identity-key", &key, "--identity-url", SECOND];
    let options = [&first[..], &second, &["--verbose"]].concat();
    let called = call("428,436,438,180,200", &options);
    assert_eq!(called.status, Some(0), "{called:?}");
    let identities = sent(&called, "Identity");
    let said: Vec<_> = identities.iter().map(|one| one.split_once(";info=").unwrap()).collect();
    let certificates: Vec<_> = said.iter().map(|(_, rest)| *rest).collect();
    let of = |url| format!("<{url}>;alg=ES256");
    assert_eq!(certificates, [of(FIRST), of(SECOND), of(SECOND)]);
    let is_compact: Vec<_> = said.iter().map(|(token, _)| token.starts_with("..")).collect();
    assert_eq!(is_compact, [true, true, false]);
    assert_eq!(sent(&called, "Date").len(), 3, "{}", called.stderr);
}

#[test]
fn a_call_can_be_signed_before_anybody_asks_rfc8224_6_1() {
    let folder = TempDir::new().unwrap();
    let key = key(folder.path());
    let options = ["--identity-key", &key, "--identity-url", FIRST, "--identity", "always"];
    let called = call("180,200", &[&options[..], &["--verbose"]].concat());
    assert_eq!(called.status, Some(0), "{called:?}");
    assert_eq!(sent(&called, "Identity").len(), 1, "{}", called.stderr);
}

#[test]
fn without_a_key_it_says_which_option_is_missing() {
    let called = call("428", &[]);
    assert_eq!(called.status, Some(4), "{called:?}");
    assert!(called.stdout.contains("no key: --identity-key"), "{}", called.stdout);
    let called = call("428", &["--json"]);
    assert!(called.outcome()["stopped"].to_string().contains("--identity-key"), "{called:?}");
}

#[test]
fn what_cannot_be_signed_with_is_one_line_and_2() {
    let folder = TempDir::new().unwrap();
    let key = key(folder.path());
    let absent = folder.path().join("absent.pem");
    let absent = absent.to_str().unwrap();
    let pair = ["--identity-key", &key, "--identity-url", FIRST];
    for (options, says) in [
        (vec!["--identity-key", &key], "--identity-url"),
        (vec!["--identity-url", FIRST], "--identity-key"),
        (vec!["--identity", "always"], "--identity-key"),
        ([&pair[..], &["--identity", "never"]].concat(), "asked or always"),
        ([&pair[..], &["--identity-url", SECOND]].concat(), "go in pairs"),
        ([&pair[..], &pair].concat(), "are the same"),
        (vec!["--identity-key", &key, "--identity-url", "ftp://example.org"], "https://"),
        (vec!["--identity-key", &key, "--identity-url", "https://h/a>;x=<b"], "https://"),
        (vec!["--identity-key", absent, "--identity-url", FIRST], "absent.pem"),
    ] {
        let called = run(&[&["message", "sip:bob@127.0.0.1:9", "x"], &options[..]].concat());
        assert_eq!(called.status, Some(2), "{options:?}: {called:?}");
        assert!(called.stderr.contains(says), "{options:?}: {}", called.stderr);
        assert_eq!(called.stderr.lines().count(), 1, "{}", called.stderr);
    }
}
