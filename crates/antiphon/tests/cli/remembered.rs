//! Addresses that moved for good.

use antiphon_core::time::Time;
use antiphon_sip::UriBuf;
use antiphon_store::{Moved, Remembered as _, RememberedFile};
use tempfile::TempDir;

use crate::program::{Finished, command, run_in};

fn remember(home: &TempDir, identity: &str, old: &str, new: &str) {
    let uri = |text| UriBuf::parse(text).unwrap();
    let file = RememberedFile::at(&home.path().join(".local/state/antiphon"));
    let learnt = Time::from_secs(1_795_440_730);
    let from = "udp:192.0.2.1:5060".to_owned();
    let moved = Moved { identity: uri(identity), old: uri(old), new: vec![uri(new)], learnt, from };
    file.insert(moved).unwrap();
}

fn remembered(home: &TempDir, arguments: &[&str]) -> Finished {
    let all: Vec<&str> = ["remembered"].iter().chain(arguments).copied().collect();
    run_in(home.path(), &all)
}

#[test]
fn what_a_301_said_is_listed_and_removed() {
    let home = TempDir::new().unwrap();
    let none = remembered(&home, &["list"]);
    assert_eq!((none.status, none.stdout.as_str()), (Some(0), ""));
    remember(&home, "sip:alice@example.org", "sip:bob@example.com", "sip:rob@example.com");
    remember(&home, "sip:carol@example.org", "sip:bob@example.com", "sip:bert@example.com");

    let listed = remembered(&home, &["list"]).stdout;
    assert!(listed.starts_with("sip:bob@example.com -> sip:rob@example.com\n"), "{listed}");
    assert!(listed.contains("for sip:alice@example.org, learnt 2026-11-2"), "{listed}");
    let expected = serde_json::json!({
        "event": "remembered", "identity": "sip:alice@example.org", "old": "sip:bob@example.com",
        "new": ["sip:rob@example.com"], "learnt": 1_795_440_730, "from": "udp:192.0.2.1:5060",
    });
    assert_eq!(remembered(&home, &["list", "--json"]).objects()[0], expected);

    let of_alice = ["remove", "sip:bob@example.com", "--from", "sip:alice@example.org"];
    let removed = remembered(&home, &of_alice);
    assert_eq!(removed.status, Some(0));
    assert!(removed.stdout.starts_with("Forgotten: sip:bob@example.com"), "{removed:?}");
    let again = remembered(&home, &of_alice);
    assert_eq!(again.status, Some(2));
    assert!(again.stderr.contains("sip:bob@example.com is not remembered"), "{again:?}");
    let rest = remembered(&home, &["remove", "bob@example.com", "--json"]).outcome();
    assert_eq!(rest["event"], "remembered_removed");
    assert_eq!(rest["identity"], "sip:carol@example.org");
    assert_eq!(remembered(&home, &["list"]).stdout, "");
}

#[test]
fn all_can_be_forgotten_at_once() {
    let home = TempDir::new().unwrap();
    remember(&home, "sip:alice@example.org", "sip:a@example.com", "sip:b@example.com");
    remember(&home, "sip:alice@example.org", "sip:c@example.com", "sip:d@example.com");
    assert_eq!(remembered(&home, &["remove", "--all", "--json"]).objects().len(), 2);
    assert_eq!(remembered(&home, &["list", "--json"]).stdout, "");
    assert_eq!(remembered(&home, &["remove", "--all"]).status, Some(0));
}

#[test]
fn the_state_directory_is_that_of_xdg_or_the_one_that_is_named() {
    let home = TempDir::new().unwrap();
    remember(&home, "sip:alice@example.org", "sip:a@example.com", "sip:b@example.com");
    let usual = home.path().join(".local/state");
    let elsewhere = TempDir::new().unwrap();
    let list = ["remembered", "list"];
    let named = command(elsewhere.path(), &list).env("XDG_STATE_HOME", &usual).output().unwrap();
    assert!(!named.stdout.is_empty());
    let directory = usual.join("antiphon");
    let state = ["list", "--state", directory.to_str().unwrap()];
    assert!(!remembered(&elsewhere, &state).stdout.is_empty());
}

#[test]
fn a_damaged_file_is_named() {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("remembered.json"), "{").unwrap();
    let state = ["list", "--state", home.path().to_str().unwrap()];
    let listed = remembered(&home, &state);
    assert_eq!((listed.status, listed.stdout.as_str()), (Some(2), ""));
    assert!(listed.stderr.contains("remembered.json is damaged"), "{listed:?}");
    assert_eq!(listed.stderr.lines().count(), 1);
}
