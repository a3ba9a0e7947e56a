//! The servers that are measured, started.

use std::net::UdpSocket;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::failure::Failure;

use super::context::Context;
use super::kind::Kind;
use super::load::{Load, wait_for_line};
use super::process::{Process, SERVER_CORE, Usage, pinned};

/// Megabytes of shared memory for Kamailio: enough for a million contacts. It becomes real only
/// as far as it is used.
const KAMAILIO_MEMORY: &str = "3072";

/// A slow machine with a million contacts.
const START_LIMIT: Duration = Duration::from_secs(60);

/// How a server is started.
#[derive(Debug, Clone, Default)]
pub(crate) struct Setup {
    /// Antiphon's data directory; by default one with accounts only.
    pub(crate) data: Option<PathBuf>,
    /// What is defined for Kamailio's configuration.
    pub(crate) defines: Vec<&'static str>,
    /// TCP as well, and WebSocket at the port behind it.
    pub(crate) streams: bool,
    /// Another port than that of the load.
    pub(crate) port: Option<u16>,
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    process: Process,
    /// From the start of the process to the first answer.
    pub(crate) started_in: Duration,
}

impl Server {
    fn start(context: &mut Context, kind: Kind, setup: &Setup) -> Result<Self, Failure> {
        let port = setup.port.unwrap_or(context.load.server);
        let mut command = match kind {
            Kind::Relay => relay(&context.load),
            Kind::Registrar => registrar(context)?,
            Kind::Kamailio => kamailio(context, setup, port)?,
            Kind::Antiphon => antiphon(context, setup, port),
        };
        let begun = Instant::now();
        let mut process = Process::start(kind.name(), &mut command)?;
        match kind {
            Kind::Relay | Kind::Registrar => wait_for_line(&mut process)?,
            Kind::Kamailio | Kind::Antiphon => wait_for_answer(&mut process, port)?,
        }
        Ok(Self { process, started_in: begun.elapsed() })
    }

    pub(crate) fn usage(&self) -> Result<Usage, Failure> {
        self.process.usage()
    }
}

impl Context {
    /// Starts a server and registers all [`users`](Self::users) at it whose contact is the load's
    /// callee.
    pub(crate) fn serve(&mut self, kind: Kind, setup: &Setup) -> Result<Server, Failure> {
        let server = self.start(kind, setup)?;
        if kind != Kind::Relay {
            let users = self.users();
            let results = self.load.registrations(2_000, users, users, "md5")?;
            if results.number("completed")? != f64::from(users) {
                return Err(Failure::tree(format!("{} refuses registrations", kind.name())));
            }
        }
        Ok(server)
    }

    /// Starts a server with accounts and without contacts.
    pub(crate) fn start(&mut self, kind: Kind, setup: &Setup) -> Result<Server, Failure> {
        let data = match (kind, &setup.data) {
            (Kind::Antiphon, None) => Some(self.data_with_accounts()?),
            (_, data) => data.clone(),
        };
        let setup = Setup { data, ..setup.clone() };
        Server::start(self, kind, &setup)
    }
}

fn relay(load: &Load) -> Command {
    let mut command = pinned(SERVER_CORE, load.program());
    command.args(["relay", "--listen", &load.server.to_string()]);
    command.args(["--callee", &load.callee.to_string()]).stdout(Stdio::piped());
    command
}

fn registrar(context: &mut Context) -> Result<Command, Failure> {
    let journal = context.folder.fresh("registrar")?.join("journal");
    let mut command = pinned(SERVER_CORE, context.load.program());
    command.args(["registrar", "--listen", &context.load.server.to_string()]);
    command.arg("--journal").arg(journal).stdout(Stdio::piped());
    Ok(command)
}

fn kamailio(context: &mut Context, setup: &Setup, port: u16) -> Result<Command, Failure> {
    let folder = context.folder.fresh("kamailio")?;
    let mut command = pinned(SERVER_CORE, "kamailio");
    command.arg("-f").arg(context.root.join("benches/kamailio/kamailio.cfg"));
    command.args(["-DD", "-E", "-m", KAMAILIO_MEMORY, "-l", &format!("udp:127.0.0.1:{port}")]);
    command.arg("-w").arg(&folder).arg("-Y").arg(&folder).arg("-P").arg(folder.join("pid"));
    let mut defines = setup.defines.clone();
    if setup.streams {
        command.args(["-l", &format!("tcp:127.0.0.1:{port}")]);
        defines.push("STREAMS");
    }
    for define in defines {
        command.args(["-A", define]);
    }
    command.stdout(Stdio::null()).stderr(Stdio::null());
    Ok(command)
}

fn antiphon(context: &Context, setup: &Setup, port: u16) -> Command {
    let mut command = pinned(SERVER_CORE, &context.antiphon);
    command.args(["serve", "--domain", "127.0.0.1"]);
    command.args(["--listen", &format!("udp:127.0.0.1:{port}")]);
    if setup.streams {
        command.args(["--listen", &format!("tcp:127.0.0.1:{port}")]);
        command.args(["--listen", &format!("ws:127.0.0.1:{}", port + 1)]);
    }
    if let Some(data) = &setup.data {
        command.arg("--data").arg(data);
    }
    command.stdout(Stdio::null());
    command
}

/// Asks until it answers.
fn wait_for_answer(process: &mut Process, port: u16) -> Result<(), Failure> {
    let begun = Instant::now();
    while begun.elapsed() < START_LIMIT {
        process.check()?;
        if answers(port).map_err(|error| Failure::usage(format!("no socket: {error}")))? {
            return Ok(());
        }
    }
    Err(Failure::tree("a server does not answer"))
}

fn answers(port: u16) -> std::io::Result<bool> {
    const PAUSE: Duration = Duration::from_millis(1);
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.connect(("127.0.0.1", port))?;
    socket.set_read_timeout(Some(PAUSE * 5))?;
    let own = socket.local_addr()?;
    let request = format!(
        "OPTIONS sip:127.0.0.1:{port} SIP/2.0\r\n\
         Via: SIP/2.0/UDP {own};branch=z9hG4bKready{0}\r\nMax-Forwards: 70\r\n\
         From: <sip:bench@callers.invalid>;tag=1\r\nTo: <sip:127.0.0.1:{port}>\r\n\
         Call-ID: ready{0}@callers.invalid\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        own.port()
    );
    let answered = socket.send(request.as_bytes()).and_then(|_| socket.recv(&mut [0; 2048]));
    if answered.is_err() {
        // A refusal comes at once.
        std::thread::sleep(PAUSE);
    }
    Ok(answered.is_ok())
}
