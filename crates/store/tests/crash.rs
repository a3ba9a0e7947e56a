//! A process that is killed in the middle of its work loses nothing that it acknowledged.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use antiphon_store::{Embedded, Settings};

use common::{binding, change, commit, read};

/// Set in the process that is to be killed: its data directory.
const DIR: &str = "ANTIPHON_STORE_CRASH_DIR";
const THREADS: u32 = 8;
const ROUNDS: usize = 4;
const ACKNOWLEDGED: usize = 300;

#[test]
fn what_was_acknowledged_outlives_kill_9() {
    let dir = tempfile::tempdir().unwrap();
    let mut newest = HashMap::new();
    for round in 0..ROUNDS {
        let mut process = Killed(start(dir.path()));
        let mut lines = acknowledgements(process.0.stdout.take().unwrap());
        for (name, version) in lines.by_ref().take(ACKNOWLEDGED + 37 * round) {
            newest.insert(name, version);
        }
        process.0.kill().unwrap();
        // What it said before it died counts too.
        newest.extend(lines);
        assert!(newest.len() >= ACKNOWLEDGED, "the process ended early");

        let room = Embedded::open(dir.path(), &Settings::default()).unwrap();
        for (name, version) in &newest {
            assert!(read(&room, name).version >= *version, "{name} of round {round}");
        }
    }
}

/// Not a test of its own: the process that [`what_was_acknowledged_outlives_kill_9`] kills. Without
/// its directory there is nothing to do.
#[test]
fn the_process_to_be_killed() {
    let Some(dir) = std::env::var_os(DIR) else { return };
    let room = Embedded::open(Path::new(&dir), &Settings::default()).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..THREADS {
            let room = &room;
            scope.spawn(move || commit_for_ever(room, thread));
        }
    });
}

fn commit_for_ever(room: &Embedded, thread: u32) {
    for index in 0_u64.. {
        let name = format!("user{}@thread{thread}", index % 1000);
        let known = read(room, &name).version;
        let next = change(&name, known, vec![binding("sip:phone@192.0.2.4", index)]);
        let version = commit(room, next).unwrap();
        // One write a line: a line is whole or not there.
        let line = format!("acknowledged {name} {version}\n");
        if io::stdout().lock().write_all(line.as_bytes()).is_err() {
            return;
        }
    }
}

fn start(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_to_be_killed", "--nocapture"])
        .env(DIR, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn acknowledgements(stdout: ChildStdout) -> impl Iterator<Item = (String, u64)> {
    BufReader::new(stdout).split(b'\n').map_while(Result::ok).filter_map(|line| {
        let line = String::from_utf8(line).ok()?;
        let (name, version) = line.strip_prefix("acknowledged ")?.split_once(' ')?;
        Some((name.to_owned(), version.parse().ok()?))
    })
}

/// Kills the process also when a test fails.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
