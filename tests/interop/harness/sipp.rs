//! SIPp with the scenarios of `tests/interop/sipp`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::Running;
use super::{ports, wait};

/// Seen from the crate of the program.
const SCENARIOS: &str = "../../tests/interop/sipp";

/// SIPp binds its port after reading the scenario.
const START_LIMIT: Duration = Duration::from_secs(10);
const REGISTRATION_LIMIT: Duration = Duration::from_secs(120);

/// A running SIPp.
pub(crate) struct Sipp {
    running: Running,
    folder: TempDir,
    /// That of a scenario that is read when SIPp gets to it.
    scenario: Option<TempDir>,
    pub(crate) port: u16,
}

/// How a SIPp is to run.
pub(crate) struct Scenario<'a> {
    /// The name of a file in `tests/interop/sipp`, without its ending, or a whole path.
    pub(crate) name: &'a str,
    /// After so many calls it ends.
    pub(crate) calls: u32,
    /// Further arguments.
    pub(crate) arguments: &'a [&'a str],
}

/// What the last line of SIPp's statistics says.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) successful: u32,
    pub(crate) failed: u32,
    pub(crate) retransmissions: u32,
}

impl Sipp {
    /// Starts a SIPp that waits for calls, and waits until it does.
    pub(crate) fn callee(scenario: &Scenario<'_>) -> Self {
        let port = ports::free();
        let sipp = Self::start(port, scenario, None);
        wait::until("SIPp to bind its port", START_LIMIT, || ports::is_taken(port).then_some(()));
        sipp
    }

    /// Starts a SIPp that refuses one call with `status`, such as `486 Busy Here`. SIPp reads status
    /// codes when it loads a scenario, so the words are put in before that.
    pub(crate) fn callee_that_refuses(status: &str) -> Self {
        Self::callee_that_refuses_over(status, &[])
    }

    /// The same with further arguments. Lines behind the status are header fields.
    pub(crate) fn callee_that_refuses_over(status: &str, arguments: &[&str]) -> Self {
        let (_folder, file) = changed("callee-refuses", &[("486 Busy Here", status)]);
        Self::callee(&Scenario { name: file.to_str().unwrap(), calls: 1, arguments })
    }

    /// Starts a SIPp that places one call with a scenario in which some words are others.
    pub(crate) fn changed_caller(
        remote: u16,
        name: &str,
        words: &[(&str, &str)],
        arguments: &[&str],
    ) -> Self {
        let (folder, file) = changed(name, words);
        let name = file.to_str().unwrap();
        let sipp = Self::caller(remote, &Scenario { name, calls: 1, arguments });
        Self { scenario: Some(folder), ..sipp }
    }

    /// Starts a SIPp with a scenario that is not in the folder, for one call.
    pub(crate) fn callee_that_says(scenario: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("turns.xml");
        std::fs::write(&file, scenario).unwrap();
        Self::callee(&Scenario { name: file.to_str().unwrap(), calls: 1, arguments: &[] })
    }

    /// Starts a SIPp that places calls to `remote` (a port of 127.0.0.1).
    pub(crate) fn caller(remote: u16, scenario: &Scenario<'_>) -> Self {
        Self::start(ports::free(), scenario, Some(remote))
    }

    /// Waits until all calls are done; panics with SIPp's own words if it ends in an error.
    pub(crate) fn finish(self, limit: Duration) -> Totals {
        let finished = self.running.finish(limit);
        drop(self.scenario);
        let errors = read(&self.folder.path().join("errors.log"));
        let statistics = read(&self.folder.path().join("statistics.csv"));
        assert!(
            matches!(finished.code, Some(0 | 1)),
            "SIPp ended with {:?}:\n{}\n{errors}",
            finished.code,
            finished.stderr.join("\n"),
        );
        let totals = Totals::parse(&statistics);
        if finished.code != Some(0) || totals.failed > 0 {
            eprintln!("--- SIPp: {totals:?}\n{}", first_lines(&errors, 40));
        }
        totals
    }

    fn start(port: u16, scenario: &Scenario<'_>, remote: Option<u16>) -> Self {
        let folder = TempDir::new().unwrap();
        let calls = scenario.calls.to_string();
        let mut command = Command::new("sipp");
        command.current_dir(folder.path());
        if let Some(remote) = remote {
            command.arg(format!("127.0.0.1:{remote}"));
        }
        command
            .arg("-sf")
            .arg(scenario_file(scenario.name))
            .args(["-i", "127.0.0.1", "-p", &port.to_string()])
            .args(["-mi", "127.0.0.1", "-mp", &(port + 2).to_string()])
            .args(["-cp", &(port + 6).to_string()])
            .args(["-m", &calls, "-nostdin"])
            .args(["-trace_stat", "-stf", "statistics.csv", "-fd", "1"])
            .args(["-trace_err", "-error_file", "errors.log"])
            .args(scenario.arguments);
        let name = format!("sipp {}", scenario.name);
        let running = Running::start_without_stdout(&name, command);
        Self { running, folder, scenario: None, port }
    }
}

/// A scenario in which some words are others, in a folder of its own.
fn changed(name: &str, words: &[(&str, &str)]) -> (TempDir, PathBuf) {
    let mut text = std::fs::read_to_string(scenario_file(name)).unwrap();
    for (old, new) in words {
        text = text.replace(old, new);
    }
    let folder = TempDir::new().unwrap();
    let file = folder.path().join(format!("{name}.xml"));
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

impl Totals {
    /// All `calls` succeeded and none failed.
    pub(crate) fn all_succeeded(&self, calls: u32) -> bool {
        self.successful == calls && self.failed == 0
    }

    fn parse(statistics: &str) -> Self {
        let mut lines = statistics.lines().filter(|line| !line.is_empty());
        let names: Vec<&str> = lines.next().unwrap_or_default().split(';').collect();
        let values: Vec<&str> = lines.next_back().unwrap_or_default().split(';').collect();
        let value = |name: &str| {
            let column = names.iter().position(|have| *have == name);
            let value = column.and_then(|column| values.get(column)).copied();
            value
                .and_then(|value| value.parse().ok())
                .unwrap_or_else(|| panic!("no {name} in SIPp's statistics:\n{statistics}"))
        };
        Self {
            successful: value("SuccessfulCall(C)"),
            failed: value("FailedCall(C)"),
            retransmissions: value("Retransmissions(C)"),
        }
    }
}

/// A registration at 127.0.0.1.
pub(crate) struct Registration {
    pub(crate) user: String,
    pub(crate) password: String,
    /// The user part of the contact.
    pub(crate) contact: String,
}

impl Registration {
    pub(crate) fn new(user: &str, password: &str, contact: &str) -> Self {
        let own = str::to_owned;
        Self { user: own(user), password: own(password), contact: own(contact) }
    }

    /// A line of fields for `register.xml`.
    fn fields(&self) -> String {
        let Self { user, password, contact } = self;
        format!("{user};{contact};[authentication username={user} password={password}]\n")
    }
}

/// Has SIPp make all `registrations` over UDP, one after the other, and panics unless each got its
/// 200. `contact_port` may carry URI parameters behind the number.
pub(crate) fn register(server: u16, contact_port: &str, registrations: &[Registration]) {
    let folder = TempDir::new().unwrap();
    let fields = folder.path().join("fields.csv");
    let lines: String = registrations.iter().map(Registration::fields).collect();
    std::fs::write(&fields, format!("SEQUENTIAL\n{lines}")).unwrap();
    let fields = fields.to_str().unwrap();
    let arguments = ["-inf", fields, "-key", "contact_port", contact_port, "-r", "200"];
    let calls = u32::try_from(registrations.len()).unwrap();
    let scenario = Scenario { name: "register", calls, arguments: &arguments };
    let totals = Sipp::caller(server, &scenario).finish(REGISTRATION_LIMIT);
    assert!(totals.all_succeeded(calls), "{totals:?}");
}

fn scenario_file(name: &str) -> PathBuf {
    if Path::new(name).is_absolute() {
        return PathBuf::from(name);
    }
    Path::new(env!("CARGO_MANIFEST_DIR")).join(SCENARIOS).join(format!("{name}.xml"))
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}

fn first_lines(text: &str, count: usize) -> String {
    text.lines().take(count).collect::<Vec<_>>().join("\n")
}
