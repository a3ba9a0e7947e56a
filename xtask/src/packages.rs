//! The Debian packages that the interoperability tests and the benches use, and the packages of npm
//! that the tests run in a browser.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::failure::Failure;
use crate::run;

/// A program that the tests start, and the package that brings it.
struct Needed {
    program: &'static str,
    package: &'static str,
}

impl Needed {
    /// Whether the program is in PATH; of a module, whether it is in a place for libraries.
    fn is_installed(&self) -> bool {
        if !self.program.contains('/') {
            return run::is_installed(self.program);
        }
        let libraries = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten();
        libraries.into_iter().any(|folder| folder.path().join(self.program).is_file())
    }
}

const NEEDED: [Needed; 12] = [
    Needed { program: "sipp", package: "sip-tester" },
    Needed { program: "sipsak", package: "sipsak" },
    Needed { program: "baresip", package: "baresip-core" },
    Needed { program: "linphone-daemon", package: "linphone-cli" },
    Needed { program: "tshark", package: "tshark" },
    Needed { program: "rtpengine", package: "rtpengine-daemon" },
    Needed { program: "svwar", package: "sipvicious" },
    Needed { program: KAMAILIO_TLS, package: "kamailio-tls-modules" },
    Needed { program: "openssl", package: "openssl" },
    Needed { program: "chromium", package: "chromium" },
    Needed { program: "node", package: "nodejs" },
    Needed { program: "npm", package: "npm" },
];

/// The TLS of Kamailio, which lies beside the program: looked for as a file of the package.
const KAMAILIO_TLS: &str = "kamailio/modules/tls.so";

/// Where the telephones of web pages are named, with the versions of everything below them.
const BROWSER: &str = "tests/interop/browser";

/// What the benches start beside that.
const NEEDED_FOR_BENCHES: [Needed; 5] = [
    Needed { program: "kamailio", package: "kamailio" },
    Needed { program: "sipp", package: "sip-tester" },
    Needed { program: "taskset", package: "util-linux" },
    Needed { program: "kill", package: "procps" },
    Needed { program: "valgrind", package: "valgrind" },
];

/// Installs what the interoperability tests miss: Debian packages when we run as root, otherwise it
/// names them and stops; and the packages of npm, into a folder of the tests.
pub(crate) fn ensure(root: &Path) -> Result<(), Failure> {
    ensure_all(
        &NEEDED,
        "run `cargo xtask test --quick`, which leaves the interoperability tests out",
    )?;
    ensure_npm(&root.join(BROWSER))
}

/// npm notes what it has installed in a lock of its own; one older than ours is not ours.
fn ensure_npm(folder: &Path) -> Result<(), Failure> {
    let changed = |name: &str| folder.join(name).metadata().and_then(|found| found.modified());
    let (wanted, there) =
        (changed("package-lock.json"), changed("node_modules/.package-lock.json"));
    if let (Ok(wanted), Ok(there)) = (wanted, there)
        && there >= wanted
    {
        return Ok(());
    }
    println!("    installing the telephones of web pages by npm");
    let output = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| Failure::usage(format!("`npm` could not be run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    Err(Failure::usage(format!("`npm ci` ended with {}:\n{}", output.status, told.trim_end())))
}

/// The same for the benches.
pub(crate) fn ensure_for_benches() -> Result<(), Failure> {
    ensure_all(&NEEDED_FOR_BENCHES, "leave the benches out")
}

fn ensure_all(needed: &[Needed], otherwise: &str) -> Result<(), Failure> {
    let missing: Vec<&str> = needed
        .iter()
        .filter(|needed| !needed.is_installed())
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
    match needed.iter().find(|needed| !needed.is_installed()) {
        None => Ok(()),
        Some(needed) => Err(Failure::usage(format!(
            "the package {} is installed, but `{}` is not found",
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
