//! An edge proxy and the registrar behind it, each a process of its own (RFC 5626 §5).

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Finished, Running, run};

/// The registrar, at an address of its own so that the edge takes it for another server.
struct Registrar {
    _serving: Running,
    home: TempDir,
    port: String,
    accounts: Value,
}

/// The port of a listener that a server told.
fn port(ready: &Value, listener: usize) -> String {
    assert_eq!(ready["event"], "ready", "{ready}");
    let listener = ready["listeners"][listener].as_str().unwrap();
    listener.rsplit(':').next().unwrap().to_owned()
}

impl Registrar {
    fn start() -> Self {
        let home = TempDir::new().unwrap();
        let serve =
            ["serve", "--json", "--listen", "udp:127.0.0.2:0", "--listen", "tcp:127.0.0.2:0"];
        let mut serving = Running::start(home.path(), &serve);
        let ready = serving.object();
        let (port, accounts) = (port(&ready, 0), ready["new_accounts"].clone());
        Self { _serving: serving, home, port, accounts }
    }

    fn uri(&self, user: &str) -> String {
        format!("sip:{user}@127.0.0.2:{}", self.port)
    }

    fn password(&self, account: usize) -> &str {
        self.accounts[account]["password"].as_str().unwrap()
    }

    /// Bob registers through the edge and waits for a call.
    fn bob(&self, edge: &str) -> Running {
        let (uri, proxy) = (self.uri("bob"), format!("sip:127.0.0.3:{edge};transport=tcp;lr"));
        let who = ["answer", "--from", &uri, "--password", self.password(1), "--json"];
        let how = ["--proxy", &proxy, "--listen", "tcp:127.0.0.1:0", "--count", "1"];
        let mut bob = Running::start(self.home.path(), &[who, how].concat());
        while bob.object()["event"] != "registered" {}
        bob
    }

    /// Alice calls bob by way of the registrar.
    fn call(&self) -> Finished {
        let (from, to) = (self.uri("alice"), self.uri("bob"));
        let who = ["call", &to, "--from", &from, "--password", self.password(0), "--json"];
        run(&[&who[..], &["--duration", "0.2", "--timeout", "20"]].concat())
    }
}

/// The edge at these ports, which keeps the secret of its tokens; and the ports that it has. At its
/// address nobody else takes them between two lives.
fn edge(home: &TempDir, [udp, tcp]: [&str; 2]) -> (Running, [String; 2]) {
    let file = home.path().join("edge.toml");
    let text = format!(
        "listen = [\"udp:127.0.0.3:{udp}\", \"tcp:127.0.0.3:{tcp}\"]\nedge_for = [\"127.0.0.2\"]\n"
    );
    std::fs::write(&file, text).unwrap();
    let serve = ["serve", "--json", "--config", file.to_str().unwrap()];
    let mut serving = Running::start(home.path(), &serve);
    let ready = serving.object();
    (serving, [0, 1].map(|listener| port(&ready, listener)))
}

#[test]
fn a_phone_behind_an_edge_is_called_and_anew_after_its_restart_rfc5626_5_3() {
    let registrar = Registrar::start();
    let home = TempDir::new().unwrap();
    let (first, [udp, tcp]) = edge(&home, ["0", "0"]);
    let bob = registrar.bob(&tcp);
    let called = registrar.call();
    assert_eq!(called.status, Some(0), "{called:?}");
    assert_eq!(bob.finish().1, Some(0));

    let gone = registrar.bob(&tcp);
    drop(first);
    let (_second, _) = edge(&home, [&udp, &tcp]);
    let called = registrar.call();
    assert_eq!(called.outcome()["code"], 480, "the flow that the Path names is gone: {called:?}");
    let bob = registrar.bob(&tcp);
    let called = registrar.call();
    assert_eq!(called.status, Some(0), "a new flow is another way: {called:?}");
    assert_eq!(bob.finish().1, Some(0));
    drop(gone);
}
