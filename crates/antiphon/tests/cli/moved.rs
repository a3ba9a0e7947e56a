//! An address that has moved for good is asked once, and never again.

use tempfile::TempDir;

use crate::program::{Running, run_in};

#[test]
fn the_next_run_begins_where_a_301_has_led_rfc3261_21_3_2() {
    let home = TempDir::new().unwrap();
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--json"];
    let mut there = Running::start(home.path(), &[&listen[..], &["--count", "2"]].concat());
    let new = address(&there.object());
    let moved = ["--count", "1", "--respond", "301", "--contact", &new];
    let mut here = Running::start(home.path(), &[&listen[..], &moved].concat());
    let old = address(&here.object());

    let call = ["call", old.as_str(), "--duration", "0.1", "--timeout", "10", "--json"];
    let first = run_in(home.path(), &call).outcome();
    assert_eq!(first["tried"].as_array().unwrap().len(), 2, "{first}");
    let listed = run_in(home.path(), &["remembered", "list"]).stdout;
    assert!(listed.contains(&old) && listed.contains(&new), "{listed}");

    let second = run_in(home.path(), &call).outcome();
    assert_eq!(second["exit"], 0, "{second}");
    let tried: Vec<_> = second["tried"].as_array().unwrap().iter().collect();
    assert_eq!(tried.len(), 1, "{second}");
    assert_eq!(tried[0]["target"], new.as_str(), "{second}");
    here.finish();
    there.finish();
}

fn address(listening: &serde_json::Value) -> String {
    let listener = listening["listeners"][0].as_str().unwrap();
    format!("sip:bob@{}", listener.strip_prefix("udp:").unwrap())
}
