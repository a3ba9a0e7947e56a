//! Which DNS is asked.

use tempfile::TempDir;

use crate::name_server::NameServer;
use crate::program::{Running, run};

/// A zone that leads to a port of this machine.
fn zone(port: u16) -> String {
    format!(
        "_sip._udp.there.example 60 IN SRV 0 1 {port} host.there.example.\n\
         host.there.example 60 IN A 127.0.0.1\n"
    )
}

fn answering(home: &TempDir) -> (Running, u16) {
    let listen = ["answer", "--listen", "udp:127.0.0.1:0", "--count", "1", "--json"];
    let mut answering = Running::start(home.path(), &listen);
    let listening = answering.object();
    let port = listening["listeners"][0].as_str().unwrap().rsplit(':').next().unwrap();
    let port = port.parse().unwrap();
    (answering, port)
}

#[test]
fn a_client_asks_the_dns_server_that_it_is_told_rfc3263_4() {
    let home = TempDir::new().unwrap();
    let (_answering, port) = answering(&home);
    let names = NameServer::start(&zone(port), &[]);
    let dns = names.addr().to_string();
    let asked = run(&["options", "sip:bob@there.example", "--dns", &dns, "--timeout", "20"]);
    assert_eq!(asked.status, Some(0), "{asked:?}");
    assert_eq!(names.asked("SRV _sip._udp.there.example"), 1);
    let wrong = run(&["options", "sip:bob@there.example", "--dns", "dns.example"]);
    assert_eq!(wrong.status, Some(2), "{wrong:?}");
    assert!(wrong.stderr.contains("192.0.2.53"), "{wrong:?}");
}

#[test]
fn a_server_asks_the_dns_servers_of_its_configuration_rfc3263_4() {
    let home = TempDir::new().unwrap();
    let (mut callee, port) = answering(&home);
    let names = NameServer::start(&zone(port), &[]);
    let file = home.path().join("antiphon.toml");
    let text = format!(
        "listen = [\"udp:127.0.0.1:0\"]\ntrusted = [\"127.0.0.1\"]\n\
         [dns]\nservers = [\"{}\"]\n[[domain]]\nname = \"example.org\"\n\
         [[rule]]\nname = \"there\"\ndo = {{ send = \"sip:bob@there.example\" }}\n",
        names.addr(),
    );
    std::fs::write(&file, text).unwrap();
    let serve = ["serve", "--json", "--config", file.to_str().unwrap()];
    let mut server = Running::start(home.path(), &serve);
    let ready = server.object();
    let proxy = ready["listeners"][0].as_str().unwrap().replacen("udp:", "sip:", 1);
    let call = ["call", "sip:bob@example.org", "--proxy", &proxy, "--duration", "0.1"];
    let called = run(&[&call[..], &["--timeout", "20"]].concat());
    assert_eq!(called.status, Some(0), "{called:?}");
    assert_eq!(callee.object()["event"], "incoming_call");
    assert!(names.asked("SRV _sip._udp.there.example") > 0);
}
