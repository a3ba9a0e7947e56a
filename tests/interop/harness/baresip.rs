//! A baresip without screen or sound card, driven over its control port.
//!
//! It plays a tone from a file and records what it hears, so that a test can ask whether the other
//! side's tone arrived.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use super::process::Running;
use super::{ports, tone, wait};

const MODULES: [&str; 2] = ["/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"];
/// Registration is repeated after failures; a few seconds cover a slow machine.
const LIMIT: Duration = Duration::from_secs(20);

/// One account of one server.
pub(crate) struct Account<'a> {
    pub(crate) user: &'a str,
    pub(crate) password: &'a str,
    /// The port of the server on 127.0.0.1.
    pub(crate) server: u16,
    /// `udp`, `tcp` or `tls`.
    pub(crate) transport: &'a str,
    /// The file with the certificate of the server, for `tls`.
    pub(crate) believes: &'a Path,
    /// The tone that this side plays, in Hz.
    pub(crate) tone: f64,
}

/// A running baresip.
pub(crate) struct Baresip {
    running: Running,
    control: Control,
    folder: TempDir,
    port: u16,
}

impl Baresip {
    /// Starts it, and waits until it is registered.
    pub(crate) fn registered(account: &Account<'_>) -> Self {
        let baresip = Self::start(account);
        let what = format!("baresip to register {} over {}", account.user, account.transport);
        wait::until(&what, LIMIT, || {
            let info = baresip.command("reginfo", "");
            info.contains("OK").then_some(())
        });
        baresip
    }

    fn start(account: &Account<'_>) -> Self {
        let folder = TempDir::new().unwrap();
        let port = ports::free();
        write_files(folder.path(), account, port);
        let mut command = Command::new("baresip");
        command.arg("-f").arg(folder.path());
        let running = Running::start(&format!("baresip {}", account.user), command);
        let control = Control::connect(port + 5, &running);
        Self { running, control, folder, port }
    }

    /// The port that it takes TLS connections at.
    pub(crate) const fn tls(&self) -> u16 {
        self.port + 1
    }

    /// The file with the certificate that it shows.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("own.pem")
    }

    /// Runs a command of baresip's menu, and gives what it prints.
    pub(crate) fn command(&self, name: &str, parameters: &str) -> String {
        self.control.command(name, parameters, &self.running)
    }

    /// Waits for the next event of a type, such as `CALL_ESTABLISHED`.
    pub(crate) fn event(&self, kind: &str) -> Value {
        self.control.wait_for(kind, &self.running, |value| value["type"] == kind)
    }

    /// Waits until so many RTP packets have come in during the call that is on now.
    pub(crate) fn hears(&self, packets: u32) {
        wait::until("RTP packets", LIMIT, || {
            let status = self.command("audio_debug", "");
            (received_packets(&status)? >= packets).then_some(())
        });
    }

    /// How much of what was heard in the last call is a tone at `frequency`.
    pub(crate) fn heard(&self, frequency: f64) -> f64 {
        let mut recordings: Vec<_> = fs::read_dir(self.folder.path())
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.to_string_lossy().ends_with("-dec.wav"))
            .collect();
        recordings.sort();
        tone::share(&fs::read(recordings.last().expect("a recording")).unwrap(), frequency)
    }

    /// Has it un-register and end.
    pub(crate) fn quit(self) {
        self.control.send("quit", "");
        let finished = self.running.finish(LIMIT);
        assert_eq!(finished.code, Some(0), "{finished:#?}");
    }
}

/// Netstrings of JSON: `length:{...},`.
struct Control {
    stream: TcpStream,
    inbox: Arc<Inbox>,
}

#[derive(Default)]
struct Inbox {
    values: Mutex<Vec<Value>>,
    grown: Condvar,
}

impl Control {
    fn connect(port: u16, running: &Running) -> Self {
        let stream = wait::until("baresip's control port", LIMIT, || {
            TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok()
        });
        // Without this line the modules that follow the control port are not loaded yet.
        running.line("that it is ready", LIMIT, |_| true);
        let inbox = Arc::new(Inbox::default());
        let reader = stream.try_clone().unwrap();
        let filled = Arc::clone(&inbox);
        thread::spawn(move || read_netstrings(reader, &filled));
        Self { stream, inbox }
    }

    fn send(&self, name: &str, parameters: &str) {
        let message = json!({ "command": name, "params": parameters, "token": name }).to_string();
        let framed = format!("{}:{message},", message.len());
        (&self.stream).write_all(framed.as_bytes()).unwrap();
    }

    fn command(&self, name: &str, parameters: &str, running: &Running) -> String {
        self.send(name, parameters);
        let is_ours = |value: &Value| value["response"] == true && value["token"] == name;
        let response = self.wait_for(&format!("the response to {name}"), running, is_ours);
        assert_eq!(response["ok"], true, "{name} {parameters}: {response}");
        response["data"].as_str().unwrap_or_default().to_owned()
    }

    /// Takes the first message that `wanted` accepts; the others stay for later calls.
    fn wait_for(&self, what: &str, running: &Running, wanted: impl Fn(&Value) -> bool) -> Value {
        let deadline = Instant::now() + LIMIT;
        let mut values = self.inbox.values.lock().unwrap();
        loop {
            if let Some(index) = values.iter().position(&wanted) {
                return values.remove(index);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let seen = format!("{values:#?}");
                drop(values);
                panic!("baresip did not give {what}; it gave {seen}\n{}", running.output());
            }
            values = self.inbox.grown.wait_timeout(values, left).unwrap().0;
        }
    }
}

fn read_netstrings(mut stream: TcpStream, inbox: &Inbox) {
    let mut octets = Vec::new();
    let mut buffer = [0; 4096];
    while let Ok(length @ 1..) = stream.read(&mut buffer) {
        octets.extend_from_slice(&buffer[..length]);
        while let Some((value, used)) = first_netstring(&octets) {
            octets.drain(..used);
            inbox.values.lock().unwrap().push(value);
            inbox.grown.notify_all();
        }
    }
}

/// The first whole netstring, and how many octets it took.
fn first_netstring(octets: &[u8]) -> Option<(Value, usize)> {
    let colon = octets.iter().position(|octet| *octet == b':')?;
    let length: usize = std::str::from_utf8(&octets[..colon]).ok()?.parse().ok()?;
    let end = colon + 1 + length;
    let text = octets.get(colon + 1..end)?;
    octets.get(end)?;
    Some((serde_json::from_slice(text).unwrap_or(Value::Null), end + 1))
}

/// The count behind `rcvd=` in the report of an audio stream.
fn received_packets(status: &str) -> Option<u32> {
    let after = status.split("rcvd=").nth(1)?;
    after.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn write_files(folder: &Path, account: &Account<'_>, port: u16) {
    let Account { user, password, server, transport, believes, tone: frequency } = account;
    let own = antiphon_net::self_signed(&["127.0.0.1"]).unwrap();
    fs::write(folder.join("own.pem"), [own.key, own.chain].concat()).unwrap();
    let believes = believes.display();
    let modules = MODULES.iter().find(|path| Path::new(path).is_dir()).unwrap_or(&MODULES[0]);
    let here = folder.to_str().unwrap();
    tone::write(&folder.join("tone.wav"), *frequency, 60);
    let config = format!(
        "sip_listen 127.0.0.1:{port}\n\
         sip_certificate {here}/own.pem\n\
         sip_cafile {believes}\n\
         call_max_calls 4\n\
         audio_player aubridge,nobody\n\
         audio_alert aubridge,alert\n\
         audio_source aufile,{here}/tone.wav\n\
         snd_path {here}\n\
         module_path {modules}\n\
         module g711.so\n\
         module aufile.so\n\
         module aubridge.so\n\
         module sndfile.so\n\
         module_tmp account.so\n\
         module_app menu.so\n\
         module_app ctrl_tcp.so\n\
         ctrl_tcp_listen 127.0.0.1:{}\n",
        port + 5
    );
    let account = format!(
        "<sip:{user}@127.0.0.1:{server};transport={transport}>\
         ;auth_user={user};auth_pass={password};regint=60;audio_codecs=PCMU\n"
    );
    fs::write(folder.join("config"), config).unwrap();
    fs::write(folder.join("accounts"), account).unwrap();
    fs::write(folder.join("contacts"), "").unwrap();
}
