//! `antiphon-sip` and `antiphon-core` decide and touch nothing: no socket, no clock, no thread, no
//! disk, no randomness of their own. This is the proof.
//!
//! Three looks, because none alone is enough: their dependency tree holds no crate that brings
//! such a thing; their source names none from the standard library; and, where a target without
//! sockets is installed, they build for it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;
use crate::run;

const PURE: [(&str, &str); 2] =
    [("antiphon-sip", "crates/sip/src"), ("antiphon-core", "crates/core/src")];

const WITHOUT_SOCKETS: &str = "wasm32-unknown-unknown";

/// Crates that open sockets, run tasks, or take randomness from the system.
const IMPURE_CRATES: [&str; 12] = [
    "async-io",
    "async-std",
    "crossbeam-channel",
    "getrandom",
    "hyper",
    "mio",
    "parking_lot",
    "polling",
    "rayon",
    "smol",
    "socket2",
    "tokio",
];

/// What the standard library offers of the same kind. Addresses (`IpAddr`, `SocketAddr`) and
/// `Duration` are values and stay allowed; an `Instant` is one when it comes as an argument.
const IMPURE_NAMES: [&str; 17] = [
    "Instant::now",
    "SystemTime::now",
    ".elapsed()",
    "UdpSocket",
    "TcpStream",
    "TcpListener",
    "UnixStream",
    "ToSocketAddrs",
    "std::fs",
    "std::env",
    "std::process",
    "std::thread",
    "thread_local!",
    "std::sync::mpsc",
    "Mutex",
    "RwLock",
    "Condvar",
];

/// Takes the three looks.
pub(crate) fn check(root: &Path) -> Result<(), Failure> {
    let mut faults = String::new();
    for (package, source) in PURE {
        impure_dependencies(root, package, &mut faults)?;
        for file in rust_files(&root.join(source)) {
            impure_lines(root, &file, &mut faults);
        }
    }
    if !faults.is_empty() {
        return Err(Failure::tree(format!(
            "sip and core must stay free of sockets, clocks, threads and disks:\n{faults}"
        )));
    }
    build_without_sockets(root)
}

fn impure_dependencies(root: &Path, package: &str, faults: &mut String) -> Result<(), Failure> {
    let tree = run::cargo_output(
        root,
        &["tree", "--quiet", "--package", package, "--edges", "normal", "--prefix", "none"],
    )?;
    for line in tree.lines() {
        let name = line.split(' ').next().unwrap_or_default();
        if IMPURE_CRATES.contains(&name) {
            let _ = writeln!(faults, "  {package} depends on {line}");
        }
    }
    Ok(())
}

fn impure_lines(root: &Path, file: &Path, faults: &mut String) {
    let Ok(text) = std::fs::read_to_string(file) else { return };
    let shown = file.strip_prefix(root).unwrap_or(file).display();
    for (number, line) in code_lines(&text) {
        for name in IMPURE_NAMES.iter().filter(|name| mentions(line, name)) {
            let _ = writeln!(faults, "  {shown}:{number} uses {name}");
        }
    }
}

/// The lines that are built into the library: no comments, and nothing of the test module, which
/// stands last in a file.
fn code_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(index, line)| (index + 1, line))
}

/// Whether `name` stands in `line` as a whole word.
fn mentions(line: &str, name: &str) -> bool {
    line.match_indices(name).any(|(at, _)| {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let joined_before = name.starts_with(is_word) && line[..at].ends_with(is_word);
        let joined_after = name.ends_with(is_word) && line[at + name.len()..].starts_with(is_word);
        !joined_before && !joined_after
    })
}

fn build_without_sockets(root: &Path) -> Result<(), Failure> {
    if !target_is_installed() {
        println!(
            "    dependencies and source looked through; not built for {WITHOUT_SOCKETS}, which is \
             not installed (`rustup target add {WITHOUT_SOCKETS}`)"
        );
        return Ok(());
    }
    let mut arguments = vec!["build", "--quiet", "--target", WITHOUT_SOCKETS];
    for (package, _) in PURE {
        arguments.extend(["--package", package]);
    }
    run::cargo(root, &arguments)
}

/// Asks the compiler, since a toolchain need not come from rustup.
fn target_is_installed() -> bool {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    Command::new(rustc)
        .args(["--print", "target-libdir", "--target", WITHOUT_SOCKETS])
        .output()
        .is_ok_and(|output| Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir())
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files = Vec::new();
    for path in entries.flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files.sort();
    files
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_read_is_seen_and_an_instant_as_argument_is_not() {
        assert!(mentions("let now = Instant::now();", "Instant::now"));
        assert!(!mentions("fn handle(&mut self, now: Instant)", "Instant::now"));
    }

    #[test]
    fn a_longer_word_is_another_word() {
        assert!(mentions("use std::sync::Mutex;", "Mutex"));
        assert!(!mentions("struct MutexFree;", "Mutex"));
        assert!(!mentions("my::std::fsx", "std::fs"));
    }

    #[test]
    fn comments_and_the_test_module_are_left_out() {
        let text = "//! Instant::now\nlet a = 1;\n#[cfg(test)]\nmod tests {}\n";
        assert_eq!(code_lines(text).collect::<Vec<_>>(), [(2, "let a = 1;")]);
    }
}
