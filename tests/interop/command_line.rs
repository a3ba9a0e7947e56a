//! A wrong command line or a machine that does not fit: one clear line, exit status 2.

use std::net::{TcpListener, UdpSocket};

use tempfile::TempDir;

use crate::harness::antiphon::{self, Server};
use crate::harness::ports;
use crate::harness::process::{Finished, Running};

const WRONG: i32 = 2;
const LIMIT: std::time::Duration = std::time::Duration::from_secs(20);

#[test]
fn a_taken_udp_port_is_named() {
    let holder = UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    assert_one_line(&serve(&format!("udp:127.0.0.1:{port}")), &port.to_string());
}

#[test]
fn a_taken_tcp_port_is_named() {
    let holder = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = holder.local_addr().unwrap().port();
    assert_one_line(&serve(&format!("tcp:127.0.0.1:{port}")), &port.to_string());
}

#[test]
fn a_file_in_place_of_the_data_directory_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("not-a-directory");
    std::fs::write(&file, "x").unwrap();
    let listen = format!("udp:127.0.0.1:{}", ports::free());
    let file = file.to_str().unwrap();
    let finished = antiphon::run(&["serve", "--listen", &listen, "--data", file]);
    assert_one_line(&finished, "not-a-directory");
}

#[test]
fn a_listener_that_is_none_is_named() {
    assert_one_line(&serve("carrier-pigeon:127.0.0.1:5060"), "carrier-pigeon");
}

#[test]
fn an_unknown_flag_is_named() {
    assert_one_line(&antiphon::run(&["serve", "--no-such-flag"]), "--no-such-flag");
}

#[test]
fn an_unknown_command_is_named() {
    assert_one_line(&antiphon::run(&["sing"]), "sing");
}

#[test]
fn a_uri_that_is_none_is_named_by_every_client_command() {
    for arguments in [
        &["call", "not a uri"][..],
        &["options", "not a uri"],
        &["register", "not a uri"],
        &["message", "not a uri", "hello"],
    ] {
        assert_one_line(&antiphon::run(arguments), "not a uri");
    }
}

#[test]
fn a_user_without_a_domain_is_named() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    let arguments = ["user", "add", "alice", "--password", "x", "--data", data];
    assert_one_line(&antiphon::run(&arguments), "alice");
}

#[test]
fn every_command_has_help_with_an_example() {
    for command in ["serve", "user", "call", "answer", "register", "options", "message", "demo"] {
        let finished = antiphon::run(&[command, "--help"]);
        assert_eq!(finished.code, Some(0), "{finished:#?}");
        let has_example =
            finished.stdout.iter().any(|line| line.contains(&format!("antiphon {command} ")));
        assert!(has_example || command == "demo", "{command}: {finished:#?}");
    }
}

#[test]
fn register_succeeds_with_the_right_password_and_ends_with_4_with_a_wrong_one() {
    let server = Server::start(&[("alice", "wonderland")]);
    let aor = server.uri("alice");
    let register = |password: &str| {
        antiphon::run(&["register", &aor, "--user", "alice", "--password", password, "--json"])
    };
    let right = register("wonderland");
    assert_eq!(right.code, Some(0), "{right:#?}");
    let wrong = register("guess");
    assert_eq!(wrong.code, Some(4), "{wrong:#?}");
}

#[test]
fn ctrl_c_ends_the_server_in_order() {
    let home = TempDir::new().unwrap();
    let port = ports::free();
    let listen = format!("udp:127.0.0.1:{port}");
    let data = home.path().join("data");
    let arguments =
        ["serve", "--listen", &listen, "--data", data.to_str().unwrap(), "--domain", "127.0.0.1"];
    let server = Running::start("antiphon serve", antiphon::command(home.path(), &arguments));
    server.line("its address", LIMIT, |line| line.contains(&port.to_string()));
    server.interrupt();
    let finished = server.finish(LIMIT);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
}

#[test]
fn one_agent_calls_another_without_a_server() {
    let home = TempDir::new().unwrap();
    let port = ports::free();
    let listen = format!("udp:127.0.0.1:{port}");
    let arguments = ["answer", "--listen", &listen, "--count", "1", "--json"];
    let answering = Running::start("antiphon answer", antiphon::command(home.path(), &arguments));
    crate::harness::wait::until("the agent to listen", LIMIT, || {
        ports::is_taken(port).then_some(())
    });
    let uri = format!("sip:anybody@127.0.0.1:{port}");
    let call = antiphon::run(&["call", &uri, "--duration", "1", "--json", "--timeout", "10"]);
    assert_eq!(call.code, Some(0), "{call:#?}");
    let answered = answering.finish(LIMIT);
    assert_eq!(answered.code, Some(0), "{answered:#?}");
}

fn serve(listen: &str) -> Finished {
    let folder = TempDir::new().unwrap();
    let data = folder.path().to_str().unwrap();
    antiphon::run(&["serve", "--listen", listen, "--data", data])
}

/// Nothing on stdout, and one line on stderr that names `word`.
fn assert_one_line(finished: &Finished, word: &str) {
    assert_eq!(finished.code, Some(WRONG), "{finished:#?}");
    let lines: Vec<&String> = finished.stderr.iter().filter(|line| !line.is_empty()).collect();
    let [line] = lines.as_slice() else { panic!("not one line: {finished:#?}") };
    assert!(line.contains(word), "does not name `{word}`: {line}");
    assert!(finished.stdout.is_empty(), "{finished:#?}");
}
