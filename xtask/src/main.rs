//! One command for each chore of the workspace; `cargo xtask help` lists them.
//!
//! `cargo xtask test` is what a contributor runs before a change is offered and what `.ci/run`
//! calls. It needs nothing but a Rust toolchain and, for the interoperability tests, the Debian
//! packages that [`packages`] names.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::failure::Failure;
use crate::steps::Steps;

mod bench;
mod codes;
mod coverage;
mod deny;
mod failure;
mod packages;
mod run;
mod sockets;
mod steps;
mod suites;
mod tally;
mod tidy;

const BOUNDARY: &str = "no sockets, clocks or threads in sip and core";

const HELP: &str = "\
cargo xtask <chore>

  test           everything: packages, formatting, lints, docs, boundaries, tidiness, all tests, each
                 bench once
  test --quick   the same without the Debian packages and what needs them
  interop        the release binary against baresip, SIPp, sipsak and tshark, and nothing else
  tidy           the checks of the tree itself
  boundary       the proof that sip and core know no socket, clock, thread or disk
  bench          the relay, Kamailio and Antiphon side by side; writes docs/benchmarks.md
  bench --quick  every bench once, briefly and without judging
  codes          write docs/codes.md and docs/coverage.md from their tables
  packages       install the Debian packages that the interoperability tests use
  help           this text

Exit status: 0 all passed, 1 something failed, 2 the command or the machine is not right.";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = workspace_root();
    let outcome = match words.as_slice() {
        ["test"] => test(&root, Extent::Whole),
        ["test", "--quick"] => test(&root, Extent::Quick),
        ["interop"] => interop(&root),
        ["tidy"] => alone("tidiness", || tidy::check(&root)),
        ["boundary"] => alone(BOUNDARY, || sockets::check(&root)),
        ["bench", rest @ ..] => bench::run(&root, rest),
        ["codes"] => alone("pages about response codes", || codes::write(&root)),
        ["packages"] => packages::ensure(&root),
        ["help" | "--help" | "-h"] => {
            println!("{HELP}");
            Ok(())
        }
        _ => Err(Failure::usage(format!("no such chore: `{}`\n\n{HELP}", words.join(" ")))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("xtask: {failure}");
            failure.exit_code()
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Extent {
    Whole,
    Quick,
}

fn test(root: &Path, extent: Extent) -> Result<(), Failure> {
    let mut steps = Steps::new();
    if extent == Extent::Whole {
        steps.step("packages", || packages::ensure(root))?;
    }
    steps.step("formatting", || run::cargo(root, &["fmt", "--all", "--check"]))?;
    steps.step("tidiness", || tidy::check(root))?;
    steps.step(BOUNDARY, || sockets::check(root))?;
    steps.step("lints, and with them the oldest Rust we claim", || lints(root))?;
    steps.step("documentation", || documentation(root))?;
    steps.step("licences and advisories", || deny::check(root))?;
    steps.tests("unit and simulation tests", || suites::unit(root))?;
    steps.tests("documentation examples", || suites::examples(root))?;
    if extent == Extent::Whole {
        interop_steps(root, &mut steps)?;
        bench_steps(root, &mut steps)?;
    }
    steps.finish()
}

fn interop(root: &Path) -> Result<(), Failure> {
    let mut steps = Steps::new();
    steps.step("packages", || packages::ensure(root))?;
    interop_steps(root, &mut steps)?;
    steps.finish()
}

fn interop_steps(root: &Path, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("release binary", || suites::build_interop(root))?;
    steps.tests("interoperability tests", || suites::interop(root))
}

/// Shows that every bench still works; judges no times.
fn bench_steps(root: &Path, steps: &mut Steps) -> Result<(), Failure> {
    steps.step("benches, briefly", || bench::run(root, &["--quick"]))
}

fn alone(name: &str, work: impl FnOnce() -> Result<(), Failure>) -> Result<(), Failure> {
    Steps::new().step(name, work)
}

/// Clippy's `incompatible_msrv` (on by default, and an error with `-D warnings`) names every use of
/// the standard library that is younger than `rust-version`. It is not a build with that compiler,
/// which would need a second toolchain; syntax younger than it is caught by review.
fn lints(root: &Path) -> Result<(), Failure> {
    run::cargo(
        root,
        &[
            "clippy",
            "--quiet",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
            "-D",
            "clippy::incompatible_msrv",
        ],
    )
}

fn documentation(root: &Path) -> Result<(), Failure> {
    run::cargo_with(
        root,
        &["doc", "--quiet", "--workspace", "--no-deps", "--document-private-items"],
        &[("RUSTDOCFLAGS", "-D warnings")],
    )
}

/// Where `cargo run` says that this crate lies; two clones may share one target directory, and then
/// the path that was compiled in can be that of the other.
fn workspace_root() -> PathBuf {
    let own = std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or(env!("CARGO_MANIFEST_DIR").into());
    let own = PathBuf::from(own);
    own.parent().unwrap_or(&own).to_owned()
}
