//! The test suites, and the count of what each of them ran.

use std::path::Path;

use crate::failure::Failure;
use crate::run::{self, Watched};
use crate::tally::Tally;

/// All tests that need nothing but the toolchain: unit tests, simulation, corpora.
pub(crate) fn unit(root: &Path) -> Result<Tally, Failure> {
    if run::has_subcommand(root, "nextest") {
        counted(run::cargo_watched(
            root,
            &[
                "nextest",
                "run",
                "--workspace",
                "--no-fail-fast",
                "--cargo-quiet",
                "--status-level=fail",
                "--final-status-level=fail",
                "--no-tests=pass",
            ],
        )?)
    } else {
        counted(run::cargo_watched(
            root,
            &[
                "test",
                "--workspace",
                "--quiet",
                "--no-fail-fast",
                "--lib",
                "--bins",
                "--tests",
                "--examples",
            ],
        )?)
    }
}

/// The examples in the documentation, which nextest does not run.
pub(crate) fn examples(root: &Path) -> Result<Tally, Failure> {
    counted(run::cargo_watched(
        root,
        &["test", "--workspace", "--quiet", "--no-fail-fast", "--doc"],
    )?)
}

/// Builds the release binary and the tests that start it, so that the suite itself only runs.
pub(crate) fn build_interop(root: &Path) -> Result<(), Failure> {
    let mut arguments = INTEROP.to_vec();
    arguments.push("--no-run");
    run::cargo(root, &arguments)
}

/// The release binary against other people's programs. The tests measure rates, so they run one
/// after the other.
pub(crate) fn interop(root: &Path) -> Result<Tally, Failure> {
    let mut arguments = INTEROP.to_vec();
    arguments.extend(["--", "--test-threads=1"]);
    counted(run::cargo_watched(root, &arguments)?)
}

const INTEROP: [&str; 8] =
    ["test", "--release", "--package", "antiphon", "--features", "interop", "--test", "interop"];

/// A run that failed without one failed test did not build or was killed.
fn counted(watched: Watched) -> Result<Tally, Failure> {
    let tally = Tally::of_lines(watched.lines.iter().map(String::as_str));
    if !watched.passed && tally.failed == 0 {
        return Err(Failure::tree("the tests could not be built or did not end"));
    }
    Ok(tally)
}
