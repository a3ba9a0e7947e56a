//! Child processes that are read while they run and do not outlive their test.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use super::wait;

/// A started program. Dropping it kills it.
pub(crate) struct Running {
    name: String,
    child: Child,
    written: Arc<Written>,
}

/// A program that ended by itself.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipe {
    Stdout,
    Stderr,
}

#[derive(Default)]
struct Written {
    lines: Mutex<Vec<(Pipe, String)>>,
    grown: Condvar,
}

/// Starts `command` and waits until it ends; panics with its output after `limit`.
pub(crate) fn run(name: &str, command: Command, limit: Duration) -> Finished {
    Running::start(name, command).finish(limit)
}

impl Running {
    /// Starts `command` without an input.
    pub(crate) fn start(name: &str, command: Command) -> Self {
        Self::start_with(name, command, Stdio::null(), Stdio::piped())
    }

    /// As [`Running::start`], for a program that reads commands.
    pub(crate) fn start_with_input(name: &str, command: Command) -> (Self, ChildStdin) {
        let mut running = Self::start_with(name, command, Stdio::piped(), Stdio::piped());
        let input = running.child.stdin.take().unwrap();
        (running, input)
    }

    /// As [`Running::start`], for a program whose stdout is screens for a person.
    pub(crate) fn start_without_stdout(name: &str, command: Command) -> Self {
        Self::start_with(name, command, Stdio::null(), Stdio::null())
    }

    fn start_with(name: &str, mut command: Command, stdin: Stdio, stdout: Stdio) -> Self {
        let mut child = command
            .stdin(stdin)
            .stdout(stdout)
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{name} could not be started: {error}"));
        let written = Arc::new(Written::default());
        if let Some(pipe) = child.stdout.take() {
            collect(pipe, Pipe::Stdout, &written);
        }
        if let Some(pipe) = child.stderr.take() {
            collect(pipe, Pipe::Stderr, &written);
        }
        Self { name: name.to_owned(), child, written }
    }

    /// The first line, of stdout or stderr, that `wanted` accepts.
    pub(crate) fn line(
        &self,
        what: &str,
        limit: Duration,
        wanted: impl Fn(&str) -> bool,
    ) -> String {
        let deadline = Instant::now() + limit;
        let mut lines = self.written.lines.lock().unwrap();
        loop {
            if let Some((_, line)) = lines.iter().find(|(_, line)| wanted(line)) {
                return line.clone();
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                drop(lines);
                panic!("{} did not write {what} within {limit:?}:\n{}", self.name, self.output());
            }
            lines = self.written.grown.wait_timeout(lines, left).unwrap().0;
        }
    }

    /// All lines of stdout up to now.
    pub(crate) fn stdout(&self) -> Vec<String> {
        self.lines_of(Pipe::Stdout)
    }

    /// Everything written up to now, for a failing test to show.
    pub(crate) fn output(&self) -> String {
        let lines = self.written.lines.lock().unwrap();
        lines.iter().map(|(_, line)| format!("  {line}\n")).collect()
    }

    pub(crate) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for the end.
    pub(crate) fn finish(mut self, limit: Duration) -> Finished {
        let status = self.wait(limit);
        Finished {
            code: status.code(),
            stdout: self.lines_of(Pipe::Stdout),
            stderr: self.lines_of(Pipe::Stderr),
        }
    }

    /// SIGKILL: what kill -9 sends. The process has no chance to save anything.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGINT: what Ctrl-C sends.
    pub(crate) fn interrupt(&self) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(status.success(), "kill -INT {id} ended with {status}");
    }

    fn wait(&mut self, limit: Duration) -> ExitStatus {
        let ended = wait::within(limit, || self.child.try_wait().unwrap());
        let Some(status) = ended else {
            let _ = self.child.kill();
            panic!("{} did not end within {limit:?}:\n{}", self.name, self.output());
        };
        self.wait_for_readers();
        status
    }

    /// The readers hold the lines until the pipes are closed, which can be after the process ended.
    fn wait_for_readers(&self) {
        wait::until("the end of the output", Duration::from_secs(5), || {
            (Arc::strong_count(&self.written) == 1).then_some(())
        });
    }

    fn lines_of(&self, wanted: Pipe) -> Vec<String> {
        let lines = self.written.lines.lock().unwrap();
        lines.iter().filter(|(pipe, _)| *pipe == wanted).map(|(_, line)| line.clone()).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- {} wrote:\n{}", self.name, self.output());
        }
    }
}

fn collect(pipe: impl Read + Send + 'static, kind: Pipe, written: &Arc<Written>) {
    let written = Arc::clone(written);
    thread::spawn(move || {
        for line in BufReader::new(pipe).split(b'\n') {
            let Ok(line) = line else { break };
            let line = String::from_utf8_lossy(&line).trim_end().to_owned();
            written.lines.lock().unwrap().push((kind, line));
            written.grown.notify_all();
        }
    });
}
