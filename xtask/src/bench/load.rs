//! The load generator.

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use crate::failure::Failure;

use super::process::{LOAD_CORE, Process, pinned};

/// The load generator, and the ports of all who take part.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    program: PathBuf,
    /// Where servers listen.
    pub(crate) server: u16,
    /// Where the callee listens, and all contacts lead.
    pub(crate) callee: u16,
}

/// What a load printed: names and numbers.
#[derive(Debug)]
pub(crate) struct Results(Vec<(String, f64)>);

impl Load {
    pub(crate) fn new(program: PathBuf) -> Result<Self, Failure> {
        let [server, callee] = free_ports()?;
        Ok(Self { program, server, callee })
    }

    pub(crate) fn program(&self) -> &Path {
        &self.program
    }

    /// `calls` calls at `rate` a second to random ones of so many users.
    pub(crate) fn calls(&self, rate: u32, calls: u32, users: u32) -> Result<Results, Failure> {
        let words = format!(
            "calls --server {} --callee {} --rate {rate} --calls {calls} --users {users}",
            self.server, self.callee
        );
        self.run(&words)
    }

    /// Calls of which those are given up that have come to no end a second after the last began.
    pub(crate) fn impatient_calls(
        &self,
        rate: u32,
        calls: u32,
        users: u32,
    ) -> Result<Results, Failure> {
        let words = format!(
            "calls --server {} --callee {} --rate {rate} --calls {calls} --users {users} \
             --patience 1",
            self.server, self.callee
        );
        self.run(&words)
    }

    /// Calls that are not hung up.
    pub(crate) fn open_calls(&self, rate: u32, calls: u32, users: u32) -> Result<Results, Failure> {
        let words = format!(
            "calls --server {} --callee {} --rate {rate} --calls {calls} --users {users} \
             --open {calls}",
            self.server, self.callee
        );
        self.run(&words)
    }

    /// `count` registrations at `rate` a second by so many users in turn.
    pub(crate) fn registrations(
        &self,
        rate: u32,
        count: u32,
        users: u32,
        algorithm: &str,
    ) -> Result<Results, Failure> {
        let words = format!(
            "registrations --server {} --contact {} --rate {rate} --count {count} \
             --users {users} --algorithm {algorithm}",
            self.server, self.callee
        );
        self.run(&words)
    }

    /// Accounts and contacts in a data directory.
    pub(crate) fn fill(&self, data: &Path, accounts: u32, contacts: u32) -> Result<(), Failure> {
        let words = format!(
            "fill --data {} --accounts {accounts} --contacts {contacts} --server {} --contact {}",
            data.display(),
            self.server,
            self.callee
        );
        self.run(&words).map(drop)
    }

    /// Idle connections to the server, held as long as what is given back.
    pub(crate) fn connections(&self, count: u32) -> Result<Held, Failure> {
        let mut command = pinned(LOAD_CORE, &self.program);
        command.args(["connections", "--server", &self.server.to_string()]);
        command.args(["--count", &count.to_string()]);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start("the load", &mut command)?;
        let input = process.child().stdin.take();
        wait_for_line(&mut process)?;
        Ok(Held { _input: input, _process: process })
    }

    /// One peer that asks at a steady rate, and reads the answers or does not.
    pub(crate) fn peer(
        &self,
        transport: &str,
        port: u16,
        reads: bool,
        rate: u32,
    ) -> Result<Peer, Failure> {
        let words =
            format!("peer --server {port} --transport {transport} --reads {reads} --rate {rate}");
        let mut command = pinned(LOAD_CORE, &self.program);
        command.args(words.split_ascii_whitespace());
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = Process::start("the peer", &mut command)?;
        let input = process.child().stdin.take();
        let output = process.child().stdout.take().map(BufReader::new);
        let mut peer = Peer { input, output, process };
        let mut line = String::new();
        match peer.output.as_mut().map(|output| output.read_line(&mut line)) {
            Some(Ok(1..)) => Ok(peer),
            _ => Err(Failure::tree("the peer cannot connect")),
        }
    }

    /// Runs the generator on its core with these words.
    pub(crate) fn run(&self, words: &str) -> Result<Results, Failure> {
        let mut command = pinned(LOAD_CORE, &self.program);
        Results::of(command.args(words.split_ascii_whitespace()))
    }
}

/// A peer that asks until it is finished.
#[derive(Debug)]
pub(crate) struct Peer {
    input: Option<ChildStdin>,
    output: Option<BufReader<ChildStdout>>,
    process: Process,
}

impl Peer {
    /// Ends it; what it has counted.
    pub(crate) fn finish(mut self) -> Result<Results, Failure> {
        drop(self.input.take());
        let mut text = String::new();
        if let Some(output) = &mut self.output {
            let read = output.read_to_string(&mut text);
            read.map_err(|error| Failure::usage(format!("the peer: {error}")))?;
        }
        drop(self.process);
        Ok(Results::parse(&text))
    }
}

/// Connections that are open until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    _input: Option<ChildStdin>,
    _process: Process,
}

impl Results {
    /// What a command prints that runs to its end.
    pub(crate) fn of(command: &mut Command) -> Result<Self, Failure> {
        let output = command.stderr(Stdio::inherit()).output();
        let output = output.map_err(|error| Failure::usage(format!("the load: {error}")))?;
        if !output.status.success() {
            return Err(Failure::tree(format!("`{command:?}` ended with {}", output.status)));
        }
        Ok(Self::parse(&String::from_utf8_lossy(&output.stdout)))
    }

    fn parse(text: &str) -> Self {
        let pair = |line: &str| {
            let (name, number) = line.split_once(' ')?;
            Some((name.to_owned(), number.parse().ok()?))
        };
        Self(text.lines().filter_map(pair).collect())
    }

    pub(crate) fn number(&self, name: &str) -> Result<f64, Failure> {
        let found = self.0.iter().find(|(have, _)| have == name);
        let found = found.map(|(_, number)| *number);
        found.ok_or_else(|| Failure::tree(format!("the load printed no `{name}`")))
    }

    /// A number that is a count.
    pub(crate) fn whole(&self, name: &str) -> Result<u32, Failure> {
        let text = format!("{:.0}", self.number(name)?);
        text.parse().map_err(|_| Failure::tree(format!("`{name}` of the load is no count: {text}")))
    }
}

/// Waits until the process says something on its standard output.
pub(crate) fn wait_for_line(process: &mut Process) -> Result<(), Failure> {
    let mut line = String::new();
    if let Some(output) = process.child().stdout.take() {
        let _ = BufReader::new(output).read_line(&mut line);
    }
    if line.is_empty() { process.check() } else { Ok(()) }
}

/// Two ports below the range from which the system gives out its own.
fn free_ports<const N: usize>() -> Result<[u16; N], Failure> {
    let is_free = |port: &u16| {
        let address = ("127.0.0.1", *port);
        std::net::UdpSocket::bind(address).is_ok() && std::net::TcpListener::bind(address).is_ok()
    };
    let ports: Vec<u16> = (15_060..20_000).step_by(10).filter(is_free).take(N).collect();
    ports.try_into().map_err(|_| Failure::usage("no free ports between 15060 and 20000"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_names_and_numbers() {
        let results = Results::parse("completed 17\nanything else\n");
        assert_eq!(results.number("completed").unwrap(), 17.0);
        assert_eq!(results.whole("completed").unwrap(), 17);
        assert!(results.number("anything").is_err());
    }
}
