//! A linphone without a screen or a sound card, driven by the commands of its daemon.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{ChildStdin, Command};
use std::time::Duration;

use tempfile::TempDir;

use super::antiphon::Server;
use super::process::Running;
use super::{ports, wait};

const LIMIT: Duration = Duration::from_secs(30);

/// A running linphone-daemon with one account.
pub(crate) struct Linphone {
    running: Running,
    commands: ChildStdin,
    folder: TempDir,
}

impl Linphone {
    /// Starts it with the account of a user at a server, and waits until it is registered.
    pub(crate) fn registered(server: &Server, user: &str, password: &str, transport: &str) -> Self {
        let folder = TempDir::new().unwrap();
        write_settings(folder.path(), server, user, password, transport);
        let mut command = Command::new("linphone-daemon");
        command.arg("--config").arg(folder.path().join("linphonerc"));
        command.arg("--log").arg(log_of(folder.path()));
        command.env("HOME", folder.path());
        let (running, commands) = Running::start_with_input(&format!("linphone {user}"), command);
        let mut linphone = Self { running, commands, folder };
        wait::until("linphone to register", LIMIT, || {
            linphone.command("register-status ALL");
            linphone.has_said("State: LinphoneRegistrationOk").then_some(())
        });
        linphone
    }

    /// Gives it a command of its own, such as `call sip:bob@example.org`.
    pub(crate) fn command(&mut self, command: &str) {
        writeln!(self.commands, "{command}").unwrap();
    }

    /// Waits for a state of its call, such as `LinphoneCallStreamsRunning`.
    pub(crate) fn event(&self, state: &str) {
        let wanted = format!("Event: {state}");
        self.running.line(&wanted, LIMIT, |line| line == wanted);
    }

    /// Whether its own log of the messages has this.
    pub(crate) fn has_seen(&self, text: &str) -> bool {
        let log = fs::read(log_of(self.folder.path())).unwrap();
        String::from_utf8_lossy(&log).contains(text)
    }

    /// Has it un-register and end.
    pub(crate) fn quit(mut self) {
        self.command("quit");
        let finished = self.running.finish(LIMIT);
        assert_eq!(finished.code, Some(0), "{finished:#?}");
    }

    fn has_said(&self, line: &str) -> bool {
        self.running.stdout().iter().any(|said| said == line)
    }
}

fn log_of(folder: &Path) -> std::path::PathBuf {
    folder.join("log")
}

/// It does not start its sockets when the folder of its database is missing. It would call itself
/// "Unknown"; it is given the name of linphonec, the telephone of the same library.
fn write_settings(folder: &Path, server: &Server, user: &str, password: &str, transport: &str) {
    fs::create_dir_all(folder.join(".local/share/linphone")).unwrap();
    let first = ports::free();
    let port = |name: &str| if name == transport { i32::from(first) } else { -1 };
    let (udp, tcp, rtp) = (port("udp"), port("tcp"), first + 2);
    let there = server.port_of(transport);
    let settings = format!(
        "[sip]\nsip_port={udp}\nsip_tcp_port={tcp}\nsip_tls_port=-1\nuse_ipv6=0\n\
         default_proxy=0\nuser_agent=Linphonec/5.1.65\n\
         [proxy_0]\nreg_proxy=<sip:127.0.0.1:{there};transport={transport}>\n\
         reg_identity=sip:{user}@127.0.0.1\nreg_expires=600\nreg_sendregister=1\n\
         [auth_info_0]\nusername={user}\npasswd={password}\nrealm=127.0.0.1\n\
         [rtp]\naudio_rtp_port={rtp}\n"
    );
    fs::write(folder.join("linphonerc"), settings).unwrap();
}
