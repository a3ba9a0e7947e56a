//! Is it there?

use std::process::Command;
use std::time::Duration;

use crate::harness::antiphon::{self, Server};
use crate::harness::process;

#[test]
fn sipsak_gets_its_options_ping_answered() {
    let server = Server::start(&[]);
    let mut command = Command::new("sipsak");
    // The port apart from the URI, because sipsak drops the fifth digit of a port in a URI.
    command.args(["-vv", "-s", "sip:127.0.0.1", "-r", &server.port.to_string()]);
    let finished = process::run("sipsak", command, Duration::from_secs(40));
    assert_eq!(finished.code, Some(0), "{finished:#?}");
}

#[test]
fn antiphon_options_is_answered_over_udp_and_over_tcp() {
    let server = Server::start(&[]);
    let udp = format!("sip:127.0.0.1:{}", server.port);
    let tcp = format!("{udp};transport=tcp");
    for uri in [udp, tcp] {
        let finished = antiphon::run(&["options", &uri, "--json", "--timeout", "10"]);
        assert_eq!(finished.code, Some(0), "{uri}: {finished:#?}");
        assert_eq!(finished.json_with("code")["code"], 200, "{finished:#?}");
    }
}
