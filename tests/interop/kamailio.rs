//! Kamailio over TLS: it connects to the server, and the server connects to it.

use std::fs;
use std::time::Duration;

use tempfile::TempDir;

use crate::harness::antiphon::{self, Server};
use crate::harness::kamailio::Kamailio;
use crate::harness::process::Running;
use crate::harness::sipp::{Scenario, Sipp};
use crate::harness::{ports, process};

const LIMIT: Duration = Duration::from_secs(60);

/// An agent connects to Kamailio, which connects to the server, which reaches the callee: TLS all
/// the way, with a certificate proved on each hop.
#[test]
fn kamailio_takes_calls_over_tls_and_passes_them_on_over_tls() {
    let server = Server::start(&[("bob", "builder")]);
    let target = format!("sip:127.0.0.1:{};transport=tls", server.tls);
    let kamailio = Kamailio::start("bob", &target, &server.certificate());
    let home = TempDir::new().unwrap();
    let trust = server.certificate();
    let bob = format!("sip:bob@127.0.0.1:{}", server.tls);
    let answer = ["answer", "--from", &bob, "--password", "builder", "--transport", "tls"];
    let answer = [&answer[..], &["--trust", trust.to_str().unwrap(), "--count", "1"]].concat();
    let answering = Running::start("antiphon answer", antiphon::command(home.path(), &answer));
    answering.line("that it is registered", LIMIT, |line| line.starts_with("Registered"));
    let proxy = format!("sip:127.0.0.1:{};transport=tls", kamailio.tls);
    let call = ["call", "sip:bob@127.0.0.1", "--proxy", &proxy, "--duration", "0.5"];
    let refused = antiphon::run(&[&call[..], &["--timeout", "20"]].concat());
    assert_eq!(refused.code, Some(8), "{refused:#?}");
    let trust = kamailio.certificate();
    let called = antiphon::run(&[&call[..], &["--trust", trust.to_str().unwrap()]].concat());
    assert_eq!(called.code, Some(0), "{called:#?}");
    assert_eq!(answering.finish(LIMIT).code, Some(0));
}

/// The server, run by a file that says whom it believes, connects to Kamailio: the one registered
/// is reached there.
#[test]
fn the_server_connects_to_kamailio_over_tls_when_it_believes_it() {
    let callee = Sipp::callee(&Scenario { name: "callee", calls: 1, arguments: &[] });
    let target = format!("sip:127.0.0.1:{}", callee.port);
    let home = TempDir::new().unwrap();
    let own = antiphon_net::self_signed(&["127.0.0.1"]).unwrap();
    fs::write(home.path().join("chain.pem"), &own.chain).unwrap();
    fs::write(home.path().join("key.pem"), &own.key).unwrap();
    let believes = home.path().join("chain.pem");
    let kamailio = Kamailio::start("desk", &target, &believes);
    for (trusted, succeeds) in [(None, false), (Some(kamailio.certificate()), true)] {
        let (port, here) = (ports::free(), home.path().display());
        let trusted = trusted.map(|file| format!("{:?}", file.display().to_string()));
        let file = home.path().join("antiphon.toml");
        let text = format!(
            "listen = [\"udp:127.0.0.1:{port}\", \"tls:127.0.0.1:{}\"]\n\
             [[certificate]]\nchain = \"{here}/chain.pem\"\nkey = \"{here}/key.pem\"\n\
             [tls]\ntrusted = [{}]\n[[domain]]\nname = \"127.0.0.1\"\n",
            port + 1,
            trusted.unwrap_or_default(),
        );
        fs::write(&file, text).unwrap();
        let run = |arguments: &[&str]| {
            process::run("antiphon", antiphon::command(home.path(), arguments), LIMIT)
        };
        let added = run(&["user", "add", "bob@127.0.0.1", "--password", "builder"]);
        assert!(added.code == Some(0) || succeeds, "{added:#?}");
        let serve = ["serve", "--config", file.to_str().unwrap(), "--json"];
        let serving = Running::start("antiphon serve", antiphon::command(home.path(), &serve));
        serving.line("that it is ready", LIMIT, |line| line.contains("\"ready\""));
        let aor = format!("sip:bob@127.0.0.1:{port}");
        let contact = format!("sip:desk@127.0.0.1:{};transport=tls", kamailio.tls);
        let all = ["--contact", &contact, "--expires", "60"];
        let register = ["register", &aor, "--password", "builder", "--user", "bob"];
        let registered = run(&[&register[..], &all].concat());
        assert_eq!(registered.code, Some(0), "{registered:#?}");
        let called = run(&["call", &aor, "--duration", "0.5", "--timeout", "20"]);
        assert_eq!(called.code == Some(0), succeeds, "{called:#?}");
        drop(serving);
    }
    let totals = callee.finish(LIMIT);
    assert!(totals.all_succeeded(1), "{totals:?}");
}
