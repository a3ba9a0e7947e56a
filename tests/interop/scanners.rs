//! sipvicious, which looks for accounts and guesses their passwords: it finds none, cannot tell
//! them from others, and is not listened to for long.

use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::antiphon::Server;
use crate::harness::process::{self, Finished};
use crate::harness::wait;

/// Longer than the patience of the scanners, which give up 15 s after the last answer.
const LIMIT: Duration = Duration::from_secs(90);

const ACCOUNTS: [(&str, &str); 2] = [("105", "4711"), ("alice", "wonderland")];

/// Runs one of the programs against the server.
fn scan(server: &Server, program: &str, arguments: &[&str]) -> Finished {
    // What they keep of a session lies in the home directory.
    let home = TempDir::new().unwrap();
    let mut command = Command::new(program);
    command
        .args(arguments)
        .args(["-p", &server.port.to_string(), "127.0.0.1"])
        .env("HOME", home.path())
        .current_dir(home.path());
    process::run(program, command, LIMIT)
}

/// The rows of the scanner's table of what it found that are about the extension. The
/// log beside the table is not looked at: it repeats Call-IDs, tags and nonces, in which any
/// digits can stand.
fn findings(finished: &Finished) -> Vec<&str> {
    let lines = finished.stdout.iter().chain(&finished.stderr);
    lines.map(String::as_str).filter(|line| first_cell(line) == Some("105")).collect()
}

/// What stands in the first column, if the line is a row of a table: `| 105 | 4711 |`.
fn first_cell(line: &str) -> Option<&str> {
    line.trim().strip_prefix('|')?.split('|').next().map(str::trim)
}

fn is_banned(server: &Server) -> bool {
    let listed = server.command(&["bans", "list", "--json"]);
    listed.stdout.iter().any(|line| line.contains("127.0.0.1"))
}

#[test]
fn svmap_learns_that_there_is_a_server_and_nothing_else() {
    let server = Server::start(&ACCOUNTS);
    let mapped = scan(&server, "svmap", &[]);
    let address = server.address().to_string();
    assert!(mapped.stdout.iter().any(|line| line.contains(&address)), "{mapped:#?}");
    assert!(!is_banned(&server), "one OPTIONS is no sin");
}

#[test]
fn svwar_finds_no_extension_by_register_options_or_invite() {
    for method in ["REGISTER", "OPTIONS", "INVITE"] {
        let server = Server::start(&ACCOUNTS);
        for force in [&[][..], &["--force"]] {
            let arguments = [&["-e", "100-160", "-m", method], force].concat();
            let scanned = scan(&server, "svwar", &arguments);
            assert!(findings(&scanned).is_empty(), "{method}: {scanned:#?}");
        }
    }
}

#[test]
fn svcrack_gets_in_only_with_a_password_that_it_guesses_at_once() {
    let server = Server::start(&ACCOUNTS);
    let cracked = scan(&server, "svcrack", &["-u", "105", "-r", "4710-4712"]);
    assert!(!findings(&cracked).is_empty(), "it would find it: {cracked:#?}");
    assert!(!is_banned(&server));
}

#[test]
fn svcrack_is_banned_before_it_comes_to_the_password() {
    is_banned_in_time(&Server::start(&ACCOUNTS));
}

#[test]
fn svcrack_is_banned_as_soon_by_several_workers() {
    is_banned_in_time(&Server::configured(&ACCOUNTS, "workers = 4"));
}

fn is_banned_in_time(server: &Server) {
    let cracked = scan(server, "svcrack", &["-u", "105", "-r", "4600-4800"]);
    assert!(findings(&cracked).is_empty(), "{cracked:#?}");
    wait::until("the ban", Duration::from_secs(20), || is_banned(server).then_some(()));
}
