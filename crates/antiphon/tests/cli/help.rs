//! Help, completions, manual pages.

use std::process::Stdio;

use tempfile::TempDir;

use crate::program::{command, run};

const COMMANDS: [&str; 14] = [
    "serve",
    "check",
    "route",
    "user",
    "call",
    "answer",
    "register",
    "options",
    "message",
    "publish",
    "subscribe",
    "remembered",
    "code",
    "demo",
];

#[test]
fn every_command_is_listed_and_has_help_with_an_example() {
    let all = run(&["--help"]);
    assert_eq!(all.status, Some(0));
    for name in COMMANDS {
        assert!(all.stdout.contains(&format!("  {name} ")), "{}", all.stdout);
        let help = run(&[name, "--help"]);
        assert_eq!(help.status, Some(0));
        assert!(help.stdout.contains("EXAMPLE"), "{}", help.stdout);
        assert!(help.stdout.contains(&format!("antiphon {name}")), "{}", help.stdout);
        assert!(help.stdout.contains("--json"), "{}", help.stdout);
        assert!(!help.stdout.contains('\u{1b}'), "colour without a terminal: {}", help.stdout);
    }
}

#[test]
fn nothing_is_listed_that_does_not_exist() {
    let all = run(&["--help"]).stdout;
    for later in ["completions", "bench", "explain"] {
        assert!(!all.contains(&format!("  {later} ")), "{all}");
    }
}

#[test]
fn the_version_is_told() {
    let version = run(&["--version"]);
    let expected = format!("antiphon {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!((version.status, version.stdout), (Some(0), expected));
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = TempDir::new().unwrap();
    let mut child = command(home.path(), &["--help"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert!(output.stderr.is_empty());
}

#[test]
fn completions_and_manual_pages_come_from_the_same_definitions() {
    let script = run(&["completions", "bash"]);
    assert_eq!(script.status, Some(0));
    assert!(script.stdout.contains("--respond"));
    let folder = TempDir::new().unwrap();
    let pages = folder.path().join("man");
    assert_eq!(run(&["man", pages.to_str().unwrap()]).status, Some(0));
    let page = std::fs::read_to_string(pages.join("antiphon-call.1")).unwrap();
    assert!(page.contains("duration"));
}
