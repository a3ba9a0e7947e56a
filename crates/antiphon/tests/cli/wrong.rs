//! A wrong command line: one line on standard error that says what to do, status 2.

use std::net::{TcpListener, UdpSocket};

use tempfile::TempDir;

use crate::program::{Finished, run, run_in};

#[test]
fn what_cannot_be_read_is_named() {
    for (arguments, named) in [
        (&["sing"][..], "sing"),
        (&["serve", "--no-such-flag"], "--no-such-flag"),
        (&["serve", "--listen", "pigeon:127.0.0.1:5060"], "pigeon"),
        (&["serve", "--domain", "two words"], "two words"),
        (&["serve", "--config", "/no/such/file.toml"], "/no/such/file.toml"),
        (&["serve", "--config", "/dev/null", "--domain", "example.org"], "--domain"),
        (&["call"], "<URI>"),
        (&["call", "not a uri"], "not a uri"),
        (&["call", "sip:a@127.0.0.1", "--transport", "sctp"], "use udp, tcp, tls, ws or wss"),
        (&["call", "sip:a@127.0.0.1", "--trust", "/no/such/file.pem"], "/no/such/file.pem"),
        (&["call", "sip:a@127.0.0.1", "--certificate", "/no/such/file.pem"], "--key"),
        (&["call", "sip:a@127.0.0.1", "--key-log", "/no/such/folder/keys"], "/no/such/folder"),
        (&["call", "sip:a@127.0.0.1", "--duration", "-1"], "-1"),
        (&["call", "sip:a@127.0.0.1", "--header", "Via: x"], "by the agent itself"),
        (&["answer", "--respond", "99"], "100 to 699"),
        (&["answer", "--respond", "486", "--script", "a"], "--script"),
        (&["answer", "--respond", "486", "--contact", "sip:a@b"], "300 to 399"),
        (&["answer", "--script", "/no/such/script"], "/no/such/script"),
        (&["register", "sip:a@127.0.0.1", "--expires", "0"], "--contact"),
        (&["register", "sip:a@127.0.0.1", "--contact", "*"], "--expires 0"),
        (&["message", "sip:a@127.0.0.1"], "<TEXT>"),
        (&["publish", "sip:a@127.0.0.1"], "--event"),
        (&["publish", "sip:a@127.0.0.1", "--event", "dialog"], "--body FILE"),
        (&["publish", "sip:a@127.0.0.1", "--event", "dialog", "--body", "/no/file"], "/no/file"),
        (&["subscribe", "sip:a@127.0.0.1", "--event", "a b"], "event package"),
        (&["user", "add", "alice"], "alice"),
        (&["bans", "clear"], "<ADDRESS>"),
        (&["bans", "clear", "192.0.2.0/24"], "192.0.2.0/24"),
        (&["check", "/no/such/file.toml"], "/no/such/file.toml"),
        (&["route", "INVITE sip:a@127.0.0.1"], "--config"),
        (&["route", "--config", "/no/such/file.toml", "INVITE sip:a@b"], "/no/such/file.toml"),
        (&["route", "--config", "/dev/null", "sip:a@127.0.0.1"], "INVITE sip:bob@example.org"),
        (&["route", "--config", "/dev/null", "INVITE a b"], "Request-URI"),
        (&["route", "--config", "/dev/null", "INVITE sip:a@b", "--at", "noon"], "mon 14:30"),
        (&["route", "--config", "/dev/null", "INVITE sip:a@b", "--down", "carrier"], "carrier"),
        (&["code", "700"], "100 to 699"),
        (&["code", "7xx"], "7xx"),
        (&["code", "busy"], "such as 404"),
        (&["code", "404", "486"], "486"),
        (&["remembered", "remove"], "<URI>"),
        (&["remembered", "remove", "sip:bob@example.org"], "sip:bob@example.org"),
        (&["remembered", "remove", "x y"], "x y"),
    ] {
        assert_one_line(&run(arguments), named);
    }
}

#[test]
fn a_configuration_with_faults_is_not_asked() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("antiphon.toml");
    std::fs::write(&file, "lisen = []\n").unwrap();
    let file = file.to_str().unwrap();
    let asked = run_in(folder.path(), &["route", "--config", file, "INVITE sip:a@127.0.0.1"]);
    assert_one_line(&asked, &format!("{file} has 1 fault; see 'antiphon check {file}'"));
}

#[test]
fn a_server_does_not_start_by_a_file_with_faults_and_names_them_all() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("antiphon.toml");
    std::fs::write(&file, "lisen = []\n\n[[domain]]\nname = \"two words\"\n\n[admin]\n").unwrap();
    let file = file.to_str().unwrap();
    let refused = run_in(folder.path(), &["serve", "--config", file]);
    assert_eq!((refused.status, refused.stdout.as_str()), (Some(2), ""), "{refused:?}");
    let lines: Vec<_> = refused.stderr.lines().collect();
    let [head, key, name, admin] = lines[..] else { panic!("{refused:?}") };
    assert_eq!(head, format!("antiphon: the server does not run by {file}:"));
    assert!(key.starts_with(&format!("{file}:1:1: unknown key 'lisen'")), "{key}");
    assert!(name.starts_with(&format!("{file}:4:8: ")), "{name}");
    assert!(admin.starts_with(&format!("{file}:6:2: ")) && admin.contains("'admin'"), "{admin}");
}

#[test]
fn a_taken_port_is_named() {
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let taken = format!("udp:{}", udp.local_addr().unwrap());
    assert_one_line(&run(&["serve", "--listen", &taken]), &taken);
    assert_one_line(&run(&["options", "sip:127.0.0.1", "--listen", &taken]), &taken);
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = format!("tcp:{}", tcp.local_addr().unwrap());
    assert_one_line(&run(&["serve", "--listen", &taken]), &taken);
}

#[test]
fn a_directory_that_is_none_is_named() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let data = file.to_str().unwrap();
    let serve = ["serve", "--listen", "udp:127.0.0.1:0", "--data", data];
    assert_one_line(&run_in(folder.path(), &serve), "a-file");
    assert_one_line(&run_in(folder.path(), &["user", "list", "--data", data]), "a-file");
}

#[test]
fn a_capture_file_that_cannot_be_written_is_named() {
    let arguments = ["options", "sip:127.0.0.1", "--trace", "/no/such/directory/a.pcapng"];
    assert_one_line(&run(&arguments), "/no/such/directory/a.pcapng");
}

/// Nothing on standard output, and one line on standard error that names `named`.
fn assert_one_line(finished: &Finished, named: &str) {
    assert_eq!(finished.status, Some(2), "{finished:?}");
    assert_eq!(finished.stdout, "", "{finished:?}");
    assert_eq!(finished.stderr.trim_end().lines().count(), 1, "{finished:?}");
    assert!(finished.stderr.starts_with("antiphon: "), "{finished:?}");
    assert!(finished.stderr.contains(named), "does not name {named}: {finished:?}");
}
