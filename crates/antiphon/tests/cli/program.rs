//! Running the program.

use std::io::{BufRead as _, BufReader, Lines};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

/// What a command that ended has left behind.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) status: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Finished {
    /// The objects on standard output: with `--json` every line is one.
    pub(crate) fn objects(&self) -> Vec<Value> {
        self.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The last of them.
    pub(crate) fn outcome(&self) -> Value {
        self.objects().pop().unwrap()
    }
}

/// The program in a home of its own.
pub(crate) fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
    command
        .args(arguments)
        .env("HOME", home)
        .env_remove("XDG_DATA_HOME")
        .env_remove("XDG_STATE_HOME")
        .env_remove("ANTIPHON_PASSWORD")
        .stdin(Stdio::null());
    command
}

/// Runs a command to its end, in a home that is new.
pub(crate) fn run(arguments: &[&str]) -> Finished {
    let home = TempDir::new().unwrap();
    run_in(home.path(), arguments)
}

/// Runs a command to its end.
pub(crate) fn run_in(home: &Path, arguments: &[&str]) -> Finished {
    let output = command(home, arguments).output().unwrap();
    Finished {
        status: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A command that runs on; ended when it is dropped.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Running {
    pub(crate) fn start(home: &Path, arguments: &[&str]) -> Self {
        let mut child =
            command(home, arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    /// The number of its process.
    #[cfg(unix)]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// The next object on standard output.
    pub(crate) fn object(&mut self) -> Value {
        self.next_object().unwrap()
    }

    /// The same; `None` if it has ended instead.
    pub(crate) fn next_object(&mut self) -> Option<Value> {
        let line = self.lines.next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap())
    }

    /// The objects up to the end, and the status.
    pub(crate) fn finish(mut self) -> (Vec<Value>, Option<i32>) {
        let lines = self.lines.by_ref().map(Result::unwrap);
        let objects = lines.map(|line| serde_json::from_str(&line).unwrap()).collect();
        let status = self.child.wait().unwrap().code();
        (objects, status)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
