//! Calls whose media go by way of Debian's rtpengine.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use crate::harness::antiphon::{self, Server};
use crate::harness::browser::Browser;
use crate::harness::ports;
use crate::harness::process::{self, Finished, Running};

const LIMIT: Duration = Duration::from_secs(40);

/// Packets of 20 ms in the two seconds of a call, less than half of them.
const ENOUGH_PACKETS: u64 = 40;

/// rtpengine without its module for the kernel, with the media ports of a block.
struct Rtpengine {
    _running: Running,
    control: u16,
}

impl Rtpengine {
    fn start() -> Self {
        let (control, first) = (ports::free(), ports::free());
        let running = Running::start("rtpengine", Self::command(control, first));
        running.line("that it is ready", LIMIT, |line| line.contains("Startup complete"));
        Self { _running: running, control }
    }

    fn command(control: u16, first: u16) -> Command {
        let mut command = Command::new("rtpengine");
        command
            // Without the package's own file, which has ports of its own for everything.
            .args(["--config-file=none", "--foreground", "--log-stderr", "--table=-1"])
            .args(["--interface=127.0.0.1", &format!("--listen-cli=127.0.0.1:{}", control + 1)])
            .arg(format!("--listen-ng=127.0.0.1:{control}"))
            .arg(format!("--port-min={first}"))
            .arg(format!("--port-max={}", first + 9));
        command
    }
}

/// Calls through a server with this configuration somebody who answers, for two seconds. What
/// caller and callee tell.
fn call(configuration: &str) -> (Finished, Finished) {
    let port = ports::free();
    let rule = format!(
        "trusted = [\"127.0.0.1/32\"]\n{configuration}\n[[rule]]\nname = \"all\"\n\
         do = {{ send = \"sip:callee@127.0.0.1:{port}\" }}\n"
    );
    let server = Server::configured(&[], &rule);
    let home = tempfile::TempDir::new().unwrap();
    let listen = format!("udp:127.0.0.1:{port}");
    let arguments = ["answer", "--listen", &listen, "--count", "1", "--timeout", "30", "--json"];
    let callee = Running::start("antiphon answer", antiphon::command(home.path(), &arguments));
    callee.line("that it listens", LIMIT, |line| line.contains("listening"));
    let arguments = ["call", &server.uri("bob"), "--duration", "2", "--json"];
    let caller = process::run("antiphon call", antiphon::command(home.path(), &arguments), LIMIT);
    if caller.code != Some(0) {
        callee.interrupt();
    }
    (caller, callee.finish(LIMIT))
}

fn received(told: &Finished) -> u64 {
    told.json_with("rtp")["rtp"]["received"].as_u64().unwrap_or_default()
}

/// The port that RTP was sent to.
fn media_port(told: &Finished) -> u16 {
    let media: Value = told.json_with("media")["media"].clone();
    let remote = media["remote"].as_str().unwrap_or_default().rsplit(':').next().unwrap();
    remote.parse().unwrap()
}

#[test]
fn sound_passes_through_rtpengine_both_ways() {
    let rtpengine = Rtpengine::start();
    let relayed =
        format!("[media]\nrtpengine = [\"127.0.0.1:{}\"]\nrelay = \"always\"", rtpengine.control);
    let (caller, callee) = call(&relayed);
    assert_eq!(caller.code, Some(0), "{caller:#?}");
    assert!(received(&caller) >= ENOUGH_PACKETS, "{caller:#?}");
    assert!(received(&callee) >= ENOUGH_PACKETS, "{callee:#?}");
    // Each of them sent to one of rtpengine's ports, which lie in one block.
    let (one, other) = (media_port(&caller), media_port(&callee));
    assert_eq!(one / 10, other / 10, "{one} and {other}");
}

#[test]
fn without_rtpengine_a_call_goes_on_or_is_refused_as_configured() {
    for (without, code) in [("go on", 0), ("refuse", 5)] {
        let nobody = ports::free();
        let configuration = format!(
            "[media]\nrtpengine = [\"127.0.0.1:{nobody}\"]\nrelay = \"always\"\n\
             without = \"{without}\""
        );
        let (caller, _) = call(&configuration);
        assert_eq!(caller.code, Some(code), "{caller:#?}");
    }
}

/// A server with an account for a page and one for a desk, whose calls are bridged.
fn bridging(rtpengine: &Rtpengine) -> Server {
    let accounts = [("alice", "wonderland"), ("desk", "drawer")];
    let media = format!("[media]\nrtpengine = [\"127.0.0.1:{}\"]\n", rtpengine.control);
    Server::configured(&accounts, &media)
}

fn page(server: &Server, kind: &str) -> Value {
    json!({
        "server": format!("wss://127.0.0.1:{}", server.wss),
        "domain": "127.0.0.1",
        "kind": kind,
        "account": { "user": "alice", "password": "wonderland" },
        "target": "sip:desk@127.0.0.1",
    })
}

fn desk(server: &Server, home: &tempfile::TempDir, arguments: &[&str]) -> Command {
    let from = server.uri("desk");
    let usual = ["--from", &from, "--password", "drawer", "--timeout", "60", "--json"];
    antiphon::command(home.path(), &[arguments, &usual].concat())
}

#[test]
fn a_browser_calls_a_desk_phone_and_both_hear_rfc8827() {
    let rtpengine = Rtpengine::start();
    let server = bridging(&rtpengine);
    let home = tempfile::TempDir::new().unwrap();
    for kind in ["jssip", "sipjs"] {
        let desk = Running::start("desk", desk(&server, &home, &["answer", "--count", "1"]));
        desk.line("that it is registered", LIMIT, |line| line.contains("registered"));
        Browser::play("hears", &page(&server, kind)).finish();
        let desk = desk.finish(LIMIT);
        assert!(received(&desk) > 0, "{kind}: {desk:#?}");
    }
}

#[test]
fn a_desk_phone_calls_a_browser_and_both_hear_rfc8827() {
    let rtpengine = Rtpengine::start();
    let server = bridging(&rtpengine);
    let home = tempfile::TempDir::new().unwrap();
    for kind in ["jssip", "sipjs"] {
        let browser = Browser::play("is_called_and_hears", &page(&server, kind));
        browser.tells("registered");
        let alice = server.uri("alice");
        let desk = process::run("desk", desk(&server, &home, &["call", &alice]), LIMIT);
        browser.finish();
        assert!(received(&desk) > 0, "{kind}: {desk:#?}");
    }
}
