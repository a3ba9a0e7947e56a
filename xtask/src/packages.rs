//! The Debian packages that the interoperability tests and the benches use.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::run;

/// A program that the tests start, and the package that brings it.
struct Needed {
    program: &'static str,
    package: &'static str,
}

const NEEDED: [Needed; 5] = [
    Needed { program: "sipp", package: "sip-tester" },
    Needed { program: "sipsak", package: "sipsak" },
    Needed { program: "baresip", package: "baresip-core" },
    Needed { program: "tshark", package: "tshark" },
    Needed { program: "svwar", package: "sipvicious" },
];

/// What the benches start beside that.
const NEEDED_FOR_BENCHES: [Needed; 5] = [
    Needed { program: "kamailio", package: "kamailio" },
    Needed { program: "sipp", package: "sip-tester" },
    Needed { program: "taskset", package: "util-linux" },
    Needed { program: "kill", package: "procps" },
    Needed { program: "valgrind", package: "valgrind" },
];

/// Installs what the interoperability tests miss when we run as root; otherwise names it and stops.
pub(crate) fn ensure() -> Result<(), Failure> {
    ensure_all(
        &NEEDED,
        "run `cargo xtask test --quick`, which leaves the interoperability tests out",
    )
}

/// The same for the benches.
pub(crate) fn ensure_for_benches() -> Result<(), Failure> {
    ensure_all(&NEEDED_FOR_BENCHES, "leave the benches out")
}

fn ensure_all(needed: &[Needed], otherwise: &str) -> Result<(), Failure> {
    let missing: Vec<&str> = needed
        .iter()
        .filter(|needed| !run::is_installed(needed.program))
        .map(|needed| needed.package)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let list = missing.join(" ");
    if !is_root() || !run::is_installed("apt-get") {
        return Err(Failure::usage(format!(
            "missing Debian packages: {list}\n  \
             install them (`sudo apt-get install {list}`), or {otherwise}"
        )));
    }
    println!("    installing {list}");
    install(&missing, needed)
}

fn install(packages: &[&str], needed: &[Needed]) -> Result<(), Failure> {
    answer_questions()?;
    apt_get(&["update", "-q"])?;
    let mut arguments = vec!["install", "-q", "-y", "--no-install-recommends"];
    arguments.extend(packages);
    apt_get(&arguments)?;
    match needed.iter().find(|needed| !run::is_installed(needed.program)) {
        None => Ok(()),
        Some(needed) => Err(Failure::usage(format!(
            "the package {} is installed, but `{}` is not found in PATH",
            needed.package, needed.program
        ))),
    }
}

/// tshark's package asks whether other users may capture. The tests capture as root or not at all.
fn answer_questions() -> Result<(), Failure> {
    let cannot =
        |error| Failure::usage(format!("debconf-set-selections could not be run: {error}"));
    let mut child =
        Command::new("debconf-set-selections").stdin(Stdio::piped()).spawn().map_err(cannot)?;
    if let Some(mut input) = child.stdin.take() {
        input
            .write_all(b"wireshark-common wireshark-common/install-setuid boolean false\n")
            .map_err(cannot)?;
    }
    child.wait().map_err(cannot)?;
    Ok(())
}

fn apt_get(arguments: &[&str]) -> Result<(), Failure> {
    let name = format!("apt-get {}", arguments.join(" "));
    let output = Command::new("apt-get")
        .args(arguments)
        .env("DEBIAN_FRONTEND", "noninteractive")
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::usage(format!("`{name}` could not be run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "`{name}` ended with {}:\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim_end()
    )))
}

/// `id -u` is asked, because the standard library does not know users.
fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
