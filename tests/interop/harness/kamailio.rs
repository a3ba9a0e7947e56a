//! A Kamailio that relays over TLS.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::process::Running;
use super::{ports, wait};

/// Seen from the crate of the program.
const FILES: &str = "../../tests/interop/kamailio";

const LIMIT: Duration = Duration::from_secs(20);

/// A running Kamailio. It has processes of its own, which it ends when it is told to end.
pub(crate) struct Kamailio {
    running: Running,
    folder: TempDir,
    /// The port that it takes TLS connections at.
    pub(crate) tls: u16,
    /// The port that it takes datagrams at.
    pub(crate) port: u16,
}

impl Kamailio {
    /// Starts one that relays requests for `user` to `target`, and shows TLS servers that it
    /// connects to whether it believes the certificate in this file.
    pub(crate) fn start(user: &str, target: &str, believes: &Path) -> Self {
        let folder = TempDir::new().unwrap();
        let port = ports::free();
        let own = antiphon_net::self_signed(&["127.0.0.1"]).unwrap();
        fs::write(folder.path().join("chain.pem"), own.chain).unwrap();
        fs::write(folder.path().join("key.pem"), own.key).unwrap();
        let (here, tls) = (folder.path().display().to_string(), port + 1);
        for name in ["kamailio.cfg", "tls.cfg"] {
            let template = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILES).join(name);
            let text = fs::read_to_string(template)
                .unwrap()
                .replace("@PORT@", &port.to_string())
                .replace("@TLS@", &tls.to_string())
                .replace("@FOLDER@", &here)
                .replace("@USER@", user)
                .replace("@TARGET@", target)
                .replace("@BELIEVES@", &believes.display().to_string());
            fs::write(folder.path().join(name), text).unwrap();
        }
        let mut running = Running::start("kamailio", command(folder.path()));
        wait::until("Kamailio to listen", LIMIT, || {
            assert!(!running.has_ended(), "Kamailio ended:\n{}", running.output());
            std::net::TcpStream::connect(("127.0.0.1", tls)).ok()
        });
        Self { running, folder, tls, port }
    }

    /// Starts a carrier: calls to numbers have to be signed by `us` with the password `secret`, and
    /// go to `target`; all others are for its customer, who registers there.
    pub(crate) fn carrier(target: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let port = ports::free();
        let template = Path::new(env!("CARGO_MANIFEST_DIR")).join(FILES).join("carrier.cfg");
        let text = fs::read_to_string(template)
            .unwrap()
            .replace("@PORT@", &port.to_string())
            .replace("@TARGET@", target);
        fs::write(folder.path().join("kamailio.cfg"), text).unwrap();
        let mut running = Running::start("kamailio", command(folder.path()));
        wait::until("Kamailio to listen", LIMIT, || {
            assert!(!running.has_ended(), "Kamailio ended:\n{}", running.output());
            is_open_for_datagrams(port).then_some(())
        });
        Self { running, folder, tls: port, port }
    }

    /// The file with the certificate that it shows.
    pub(crate) fn certificate(&self) -> PathBuf {
        self.folder.path().join("chain.pem")
    }
}

/// Whether somebody on this machine takes datagrams at a port. The system's table is looked at,
/// because whoever tried to bind the port could take it away.
fn is_open_for_datagrams(port: u16) -> bool {
    let local = format!(":{port:04X}");
    let table = fs::read_to_string("/proc/net/udp").unwrap();
    table.lines().filter_map(|line| line.split_whitespace().nth(1)).any(|at| at.ends_with(&local))
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("kamailio");
    command.arg("-f").arg(folder.join("kamailio.cfg"));
    command.args(["-DD", "-E", "-m", "64", "-M", "8", "-w"]).arg(folder);
    command
}

impl Drop for Kamailio {
    fn drop(&mut self) {
        if !self.running.has_ended() {
            self.running.interrupt();
            // What it leaves running is not to fail a test that has failed already.
            wait::within(LIMIT, || self.running.has_ended().then_some(()));
        }
    }
}
