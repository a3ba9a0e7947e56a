//! The program under test.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

use super::process::{self, Finished, Running};
use super::raw::Client;
use super::{ports, wait};

/// Long enough for a slow machine, short enough not to hide a hang.
const START_LIMIT: Duration = Duration::from_secs(20);
const COMMAND_LIMIT: Duration = Duration::from_secs(60);

/// The program, with nothing of the machine's own settings.
pub(crate) fn command(home: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_antiphon"));
    command
        .args(arguments)
        .current_dir(home)
        .env("HOME", home)
        .env("XDG_STATE_HOME", home.join("state"))
        .env("XDG_CONFIG_HOME", home.join("config"))
        .env("XDG_DATA_HOME", home.join("share"))
        .env("NO_COLOR", "1")
        .env_remove("ANTIPHON_PASSWORD");
    command
}

/// Runs one command to its end, in a home of its own.
pub(crate) fn run(arguments: &[&str]) -> Finished {
    let home = TempDir::new().unwrap();
    let name = format!("antiphon {}", arguments.join(" "));
    process::run(&name, command(home.path(), arguments), COMMAND_LIMIT)
}

impl Finished {
    /// The last JSON object on stdout that has `key`: with `--json`, each line is one object.
    pub(crate) fn json_with(&self, key: &str) -> Value {
        self.stdout
            .iter()
            .rev()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .find(|value| value.get(key).is_some())
            .unwrap_or_else(|| panic!("no JSON object with `{key}`: {self:#?}"))
    }
}

/// `antiphon serve` on one port of 127.0.0.1, over UDP and TCP, with TLS and secure WebSocket on two
/// others, and with a data directory of its own.
pub(crate) struct Server {
    running: Running,
    home: TempDir,
    data: PathBuf,
    what: What,
    pub(crate) port: u16,
    pub(crate) tls: u16,
    pub(crate) wss: u16,
}

/// What a server is to be.
enum What {
    /// The server of one domain, the address that it listens at.
    Domain,
    /// What stands in a file.
    File(PathBuf),
}

impl Server {
    /// Makes the accounts (user and password), starts the server, and waits until it answers.
    pub(crate) fn start(accounts: &[(&str, &str)]) -> Self {
        let home = TempDir::new().unwrap();
        let data = home.path().join("data");
        Self::start_in(home, data, accounts)
    }

    /// The same with its data in a place of the test's own.
    pub(crate) fn start_with_data(data: &Path, accounts: &[(&str, &str)]) -> Self {
        Self::start_in(TempDir::new().unwrap(), data.to_owned(), accounts)
    }

    fn start_in(home: TempDir, data: PathBuf, accounts: &[(&str, &str)]) -> Self {
        Self::start_as(home, data, accounts, What::Domain)
    }

    fn start_as(home: TempDir, data: PathBuf, accounts: &[(&str, &str)], what: What) -> Self {
        for (user, password) in accounts {
            add_user(home.path(), &data, user, password);
        }
        let port = ports::free();
        let (tls, wss) = (port + 1, port + 2);
        let running = serve(home.path(), &data, port, &what);
        let mut server = Self { running, home, data, what, port, tls, wss };
        server.wait_until_it_answers();
        server
    }

    /// The same with a server that does what a configuration says, beside where it listens.
    pub(crate) fn configured(accounts: &[(&str, &str)], configuration: &str) -> Self {
        let home = TempDir::new().unwrap();
        let data = home.path().join("data");
        let file = home.path().join("antiphon.toml");
        std::fs::write(&file, configuration).unwrap();
        Self::start_as(home, data, accounts, What::File(file))
    }

    /// Waits for a line of the server that has this in it.
    pub(crate) fn says(&self, text: &str) {
        self.running.line(text, START_LIMIT, |line| line.contains(text));
    }

    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The URI of a user of this server.
    pub(crate) fn uri(&self, user: &str) -> String {
        format!("sip:{user}@127.0.0.1:{}", self.port)
    }

    /// The port for a transport.
    pub(crate) fn port_of(&self, transport: &str) -> u16 {
        if transport == "tls" { self.tls } else { self.port }
    }

    /// The URI of a user, at the port for a transport.
    pub(crate) fn uri_over(&self, transport: &str, user: &str) -> String {
        format!("sip:{user}@127.0.0.1:{}", self.port_of(transport))
    }

    /// The file with the certificate that the server shows.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.data.join("self-signed.pem")
    }

    /// Runs a command on the data of this server.
    pub(crate) fn command(&self, arguments: &[&str]) -> Finished {
        let data = self.data.to_str().unwrap();
        let arguments = [arguments, &["--data", data]].concat();
        process::run("antiphon", command(self.home.path(), &arguments), COMMAND_LIMIT)
    }

    /// Kills the server without warning, and starts it again on the same port and data.
    pub(crate) fn kill_and_restart(&mut self) {
        self.running.kill();
        self.wait_until_the_port_is_free();
        self.running = serve(self.home.path(), &self.data, self.port, &self.what);
        self.wait_until_it_answers();
    }

    /// Panics unless the server still runs and answers an OPTIONS over UDP.
    pub(crate) fn assert_alive(&mut self) {
        assert!(!self.running.has_ended(), "the server ended:\n{}", self.running.output());
        let client = Client::new(self.address());
        let answered = (0..10).any(|_| client.options(Duration::from_secs(1)).is_some());
        assert!(answered, "the server no longer answers:\n{}", self.running.output());
    }

    fn wait_until_it_answers(&mut self) {
        let client = Client::new(self.address());
        wait::until("the server to answer", START_LIMIT, || {
            assert!(!self.running.has_ended(), "the server ended:\n{}", self.running.output());
            client.options(Duration::from_millis(200))
        });
    }

    fn wait_until_the_port_is_free(&self) {
        wait::until("the port to be free again", START_LIMIT, || {
            UdpSocket::bind(self.address()).ok()?;
            TcpListener::bind(self.address()).ok()
        });
    }
}

fn serve(home: &Path, data: &Path, port: u16, what: &What) -> Running {
    let udp = format!("udp:127.0.0.1:{port}");
    let tcp = format!("tcp:127.0.0.1:{port}");
    let tls = format!("tls:127.0.0.1:{}", port + 1);
    let wss = format!("wss:127.0.0.1:{}", port + 2);
    let data = data.to_str().unwrap();
    let listen = [&udp, &tcp, &tls, &wss].map(|listener| ["--listen", listener]).concat();
    let what = match what {
        What::Domain => ["--domain", "127.0.0.1"],
        What::File(file) => ["--config", file.to_str().unwrap()],
    };
    let arguments = [&["serve", "--data", data], &what[..], &listen[..]].concat();
    Running::start("antiphon serve", command(home, &arguments))
}

fn add_user(home: &Path, data: &Path, user: &str, password: &str) {
    let aor = format!("{user}@127.0.0.1");
    let data = data.to_str().unwrap();
    let arguments = ["user", "add", &aor, "--password", password, "--data", data];
    let finished = process::run("antiphon user add", command(home, &arguments), COMMAND_LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
}
