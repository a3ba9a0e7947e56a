//! Calls over each transport and address family, through a server and from agent to agent.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Running, run};

const LISTENERS: [&str; 10] = [
    "udp:127.0.0.1:0",
    "udp:[::1]:0",
    "tcp:127.0.0.1:0",
    "tcp:[::1]:0",
    "tls:127.0.0.1:0",
    "tls:[::1]:0",
    "ws:127.0.0.1:0",
    "ws:[::1]:0",
    "wss:127.0.0.1:0",
    "wss:[::1]:0",
];

/// A server on every transport, both families, with the accounts of its first start.
struct Server {
    _running: Running,
    ready: Value,
}

impl Server {
    fn start(home: &Path) -> Self {
        Self::start_on(home, &LISTENERS)
    }

    fn start_on(home: &Path, listeners: &[&str]) -> Self {
        let mut arguments = vec!["serve", "--json", "--domain", "example.org"];
        arguments.extend(listeners.iter().flat_map(|listener| ["--listen", listener]));
        let mut running = Running::start(home, &arguments);
        let ready = running.object();
        assert_eq!(ready["event"], "ready", "{ready}");
        Self { _running: running, ready }
    }

    /// The URI of a listener, as a proxy.
    fn proxy(&self, listener: usize) -> String {
        next_hop(self.ready["listeners"][listener].as_str().unwrap())
    }

    /// What the ready line says of two listeners.
    fn at(&self, listeners: [usize; 2]) -> [&str; 2] {
        listeners.map(|listener| self.ready["listeners"][listener].as_str().unwrap())
    }

    fn password(&self, account: usize) -> &str {
        self.ready["new_accounts"][account]["password"].as_str().unwrap()
    }

    fn certificate(&self) -> &str {
        self.ready["self_signed"]["file"].as_str().unwrap()
    }
}

/// `sip:127.0.0.1:5060;transport=tcp` of `tcp:127.0.0.1:5060`.
fn next_hop(listener: &str) -> String {
    let (transport, address) = listener.split_once(':').unwrap();
    format!("sip:{address};transport={transport}")
}

/// The Record-Route that comes back to the caller names the callee's side first, the caller's side
/// last, and both where transport or address change (RFC 5658 §3).
fn has_recorded(shown: &str, [callee, caller]: [&str; 2], way: &str) {
    // Those of the first response that has any, on one line or on several (RFC 3261 §7.3.1).
    let fields = shown.lines().map(|line| line.trim().strip_prefix("Record-Route: "));
    let fields = fields.skip_while(Option::is_none).map_while(|field| field);
    let values: Vec<_> = fields.flat_map(|field| field.split(", ")).collect();
    assert!(names(values[0], callee), "{way}: {values:?}");
    assert!(names(values[values.len() - 1], caller), "{way}: {values:?}");
    assert!(values.len() == 2 || (values.len() == 1 && callee == caller), "{way}: {values:?}");
}

/// Whether the value of a Record-Route leads to a listener.
fn names(value: &str, listener: &str) -> bool {
    let (transport, address) = listener.split_once(':').unwrap();
    let parameter = match transport {
        "udp" => String::new(),
        other => format!(";transport={other}"),
    };
    value.ends_with(&format!("@{address}{parameter};lr>"))
}

#[test]
fn calls_come_to_udp_of_both_families_from_each_of_the_ten_pairs() {
    calls_come_from_each_of_the_ten_pairs(["udp:127.0.0.1:0", "udp:[::1]:0"]);
}

#[test]
fn calls_come_to_tcp_of_both_families_from_each_of_the_ten_pairs() {
    calls_come_from_each_of_the_ten_pairs(["tcp:127.0.0.1:0", "tcp:[::1]:0"]);
}

#[test]
fn calls_come_to_tls_of_both_families_from_each_of_the_ten_pairs() {
    calls_come_from_each_of_the_ten_pairs(["tls:127.0.0.1:0", "tls:[::1]:0"]);
}

#[test]
fn calls_come_to_ws_of_both_families_from_each_of_the_ten_pairs() {
    calls_come_from_each_of_the_ten_pairs(["ws:127.0.0.1:0", "ws:[::1]:0"]);
}

#[test]
fn calls_come_to_wss_of_both_families_from_each_of_the_ten_pairs() {
    calls_come_from_each_of_the_ten_pairs(["wss:127.0.0.1:0", "wss:[::1]:0"]);
}

fn calls_come_from_each_of_the_ten_pairs(to: [&str; 2]) {
    let home = TempDir::new().unwrap();
    let server = Server::start(home.path());
    for to in to {
        let callee = LISTENERS.iter().position(|listener| *listener == to).unwrap();
        ten_calls_to(&server, home.path(), callee);
    }
}

/// Bob registers over one listener, and Alice calls him over each.
fn ten_calls_to(server: &Server, home: &Path, callee: usize) {
    let trust = ["--trust", server.certificate(), "--json"];
    let (proxy, password) = (server.proxy(callee), server.password(1));
    let who = ["answer", "--from", "sip:bob@example.org", "--password", password];
    let count = LISTENERS.len().to_string();
    let how = ["--proxy", &proxy, "--count", &count];
    let mut answering = Running::start(home, &[&who[..], &how, &trust].concat());
    while answering.object()["event"] != "registered" {}
    for (caller, from) in LISTENERS.iter().enumerate() {
        let (proxy, password) = (server.proxy(caller), server.password(0));
        let who = ["call", "sip:bob@example.org", "--from", "sip:alice@example.org"];
        let how = ["--password", password, "--proxy", &proxy, "--verbose"];
        let bounds = ["--duration", "0.1", "--timeout", "20"];
        let called = run(&[&who[..], &how, &bounds, &trust].concat());
        let way = format!("{from} to {}", LISTENERS[callee]);
        assert_eq!(called.status, Some(0), "{way}: {called:?}");
        has_recorded(&called.stderr, server.at([callee, caller]), &way);
        // Sound does not go from one family to the other without a relay.
        let is_one_family = caller % 2 == callee % 2;
        let rtp = &called.outcome()["rtp"];
        assert_eq!(rtp["received"].as_u64().unwrap() > 0, is_one_family, "{way}: {rtp}");
    }
    let (objects, status) = answering.finish();
    assert_eq!(status, Some(0), "{objects:?}");
    let ended = objects.iter().filter(|object| object["event"] == "ended");
    assert!(ended.into_iter().all(|ended| ended["by"] == "remote"), "{objects:?}");
}

/// A server on every address of both families, to which each side of a call comes at another. The
/// caller, and whoever is reached over the connection that he made, is told the address that he
/// came to; who is reached by his Contact, the one that the system sends from to there.
#[cfg(target_os = "linux")]
#[test]
fn a_server_on_every_address_names_to_each_the_one_that_it_can_reach() {
    let home = TempDir::new().unwrap();
    let listen = ["udp:0.0.0.0:0", "tcp:0.0.0.0:0", "udp:[::]:0", "tcp:[::]:0"];
    let server = Server::start_on(home.path(), &listen);
    let at = |index: usize, address: &str| {
        let listener = server.ready["listeners"][index].as_str().unwrap();
        let (transport, bound) = listener.split_once(':').unwrap();
        let port = bound.rsplit_once(':').unwrap().1;
        format!("{transport}:{address}:{port}")
    };
    for (callee, caller, told) in [
        (at(0, "127.0.0.2"), at(0, "127.0.0.3"), at(0, "127.0.0.1")),
        (at(1, "127.0.0.2"), at(1, "127.0.0.3"), at(1, "127.0.0.2")),
        (at(0, "127.0.0.2"), at(2, "[::1]"), at(0, "127.0.0.1")),
        (at(3, "[::1]"), at(1, "127.0.0.4"), at(3, "[::1]")),
    ] {
        let (proxy, password) = (next_hop(&callee), server.password(1));
        let who = ["answer", "--from", "sip:bob@example.org", "--password", password];
        let how = ["--proxy", &proxy, "--count", "1", "--json"];
        let mut answering = Running::start(home.path(), &[&who[..], &how].concat());
        while answering.object()["event"] != "registered" {}
        let (proxy, password) = (next_hop(&caller), server.password(0));
        let who = ["call", "sip:bob@example.org", "--from", "sip:alice@example.org"];
        let how = ["--password", password, "--proxy", &proxy, "--verbose", "--json"];
        let bounds = ["--duration", "0.1", "--timeout", "20"];
        let called = run(&[&who[..], &how, &bounds].concat());
        let way = format!("{caller} to {callee}");
        assert_eq!(called.status, Some(0), "{way}: {called:?}");
        has_recorded(&called.stderr, [&told, &caller], &way);
        assert_eq!(answering.finish().1, Some(0), "{way}");
    }
}

/// Bob registers with his scheme and Alice calls with hers; the status of the call.
fn call_by_schemes(server: &Server, home: &Path, callee: &str, caller: &str) -> Option<i32> {
    let proxy = |scheme: &str| {
        let listener = server.ready["listeners"][if scheme == "sips" { 4 } else { 2 }].clone();
        let (transport, address) = listener.as_str().unwrap().split_once(':').unwrap();
        match scheme {
            "sips" => format!("sips:{address}"),
            _ => format!("sip:{address};transport={transport}"),
        }
    };
    let trust = ["--trust", server.certificate(), "--json", "--timeout", "20"];
    let (from, way) = (format!("{callee}:bob@example.org"), proxy(callee));
    let who = ["answer", "--from", &from, "--password", server.password(1), "--proxy", &way];
    let mut answering = Running::start(home, &[&who[..], &trust].concat());
    while answering.object()["event"] != "registered" {}
    let (uri, way) = (format!("{caller}:bob@example.org"), proxy(caller));
    let from = format!("{caller}:alice@example.org");
    let who = ["call", &uri, "--from", &from, "--password", server.password(0), "--proxy", &way];
    run(&[&who[..], &["--duration", "0.1"], &trust].concat()).status
}

#[test]
fn a_secure_call_reaches_secure_contacts_alone_and_they_are_reached_by_any_rfc5630_5_3() {
    for (callee, caller, status) in
        [("sips", "sips", Some(0)), ("sips", "sip", Some(0)), ("sip", "sips", Some(4))]
    {
        let home = TempDir::new().unwrap();
        let server = Server::start(home.path());
        let called = call_by_schemes(&server, home.path(), callee, caller);
        assert_eq!(called, status, "{caller} to {callee}");
    }
}

/// A certificate of our own making in files.
fn certificate(folder: &Path) -> (PathBuf, PathBuf) {
    let made = antiphon_net::self_signed(&["127.0.0.1", "::1"]).unwrap();
    assert_eq!(made.proves("127.0.0.1", SystemTime::now()), Ok(()));
    let (chain, key) = (folder.join("chain.pem"), folder.join("key.pem"));
    std::fs::write(&chain, made.chain).unwrap();
    std::fs::write(&key, made.key).unwrap();
    (chain, key)
}

#[test]
fn agents_call_each_other_over_each_of_the_ten_pairs() {
    let home = TempDir::new().unwrap();
    let (chain, key) = certificate(home.path());
    let (chain, key) = (chain.to_str().unwrap(), key.to_str().unwrap());
    for listener in LISTENERS {
        let listen = ["answer", "--listen", listener, "--count", "1", "--json"];
        let shown = ["--certificate", chain, "--key", key];
        let mut answering = Running::start(home.path(), &[&listen[..], &shown].concat());
        let listening = answering.object();
        let uri = next_hop(listening["listeners"][0].as_str().unwrap());
        let uri = uri.replacen("sip:", "sip:bob@", 1);
        let bounds = ["--duration", "0.1", "--timeout", "20", "--trust", chain];
        let called = run(&[&["call", &uri][..], &bounds].concat());
        assert_eq!(called.status, Some(0), "{listener}: {called:?}");
        assert_eq!(answering.finish().1, Some(0), "{listener}");
    }
}

/// An agent that listens over UDP and TLS at ports of one number, and that number.
fn answering_over_both(home: &Path, options: &[&str]) -> (Running, u16) {
    /// Numbers that are tried: one that is free for both may be taken before it is used.
    const TRIES: usize = 20;
    let mut tries = (0..TRIES).filter_map(|_| {
        let free = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let listen = ["udp", "tls"].map(|over| format!("{over}:127.0.0.1:{port}"));
        let listen = ["answer", "--json", "--listen", &listen[0], "--listen", &listen[1]];
        let mut running = Running::start(home, &[&listen[..], options].concat());
        let told = running.next_object()?;
        (told["event"] == "listening").then_some((running, port))
    });
    tries.next().unwrap()
}

#[test]
fn a_security_agreement_leads_to_tls_and_the_call_stays_there_rfc3329_2_4() {
    let home = TempDir::new().unwrap();
    let (chain, key) = certificate(home.path());
    let (chain, key) = (chain.to_str().unwrap(), key.to_str().unwrap());
    let list = "digest;q=0.1, tls;q=0.5";
    let header = format!("Security-Server: {list}");
    let respond = ["--respond", "494,180,200", "--header", &header];
    let shown = ["--certificate", chain, "--key", key];
    let (_answering, port) = answering_over_both(home.path(), &[respond, shown].concat());
    let uri = format!("sip:bob@127.0.0.1:{port}");
    let call = ["call", &uri, "--json", "--verbose", "--duration", "0.1", "--timeout", "20"];
    let called = run(&[&call[..], &["--trust", chain]].concat());
    assert_eq!(called.status, Some(0), "{called:?}");
    let tried = called.outcome()["tried"].clone();
    let at = |index: usize, key: &str| tried[index][key].clone();
    assert_eq!((at(0, "code"), at(1, "code")), (494.into(), 200.into()), "{tried}");
    let over = |over: &str| Value::from(format!("{over}:127.0.0.1:{port}"));
    assert_eq!((at(0, "server"), at(1, "server")), (over("udp"), over("tls")), "{tried}");
    // INVITE and BYE, and nothing in the clear once it was agreed on.
    let verified = format!("Security-Verify: {list}");
    assert_eq!(called.stderr.matches(&verified).count(), 2, "{}", called.stderr);
    let clear = called.stderr.matches(&format!("-> to udp:127.0.0.1:{port}")).count();
    assert_eq!(clear, 2, "the first INVITE and its ACK: {}", called.stderr);
}

#[test]
fn where_a_security_agreement_cannot_lead_to_tls_there_is_no_call_rfc3329_2_4() {
    let home = TempDir::new().unwrap();
    let (chain, key) = certificate(home.path());
    let shown = ["--certificate", chain.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let respond = ["--respond", "494,180,200", "--header", "Security-Server: tls"];
    let (_answering, port) = answering_over_both(home.path(), &[respond, shown].concat());
    // Its certificate is believed by nobody.
    let refused = run(&["call", &format!("sip:bob@127.0.0.1:{port}"), "--json"]);
    assert_eq!(refused.status, Some(8), "{refused:?}");
    assert!(refused.outcome()["tried"].to_string().contains("self-signed"), "{refused:?}");
    assert_eq!(refused.outcome()["tried"].as_array().unwrap().len(), 2, "{refused:?}");
}

#[test]
fn a_server_that_is_not_believed_gets_no_password() {
    let home = TempDir::new().unwrap();
    let server = Server::start(home.path());
    for secure in [4, 5, 8, 9] {
        let (proxy, password) = (server.proxy(secure), server.password(0));
        let who = ["register", "sip:alice@example.org", "--password", password];
        let refused = run(&[&who[..], &["--proxy", &proxy, "--json"]].concat());
        assert_eq!(refused.status, Some(8), "{refused:?}");
        assert!(refused.stdout.contains("self-signed"), "{refused:?}");
    }
}

#[test]
fn the_secrets_of_connections_are_written_where_it_was_asked_for() {
    let home = TempDir::new().unwrap();
    let server = Server::start(home.path());
    let file = home.path().join("keys");
    let proxy = server.proxy(4);
    let ask = ["options", "sip:example.org", "--proxy", &proxy, "--trust", server.certificate()];
    let log = ["--key-log", file.to_str().unwrap()];
    assert_eq!(run(&[&ask[..], &log].concat()).status, Some(0));
    let keys = std::fs::read_to_string(&file).unwrap();
    assert!(keys.lines().count() > 0 && keys.contains("TRAFFIC_SECRET"), "{keys}");
}
