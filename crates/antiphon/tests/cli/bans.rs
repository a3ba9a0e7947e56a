//! Bans: listed and lifted, beside a running server.

use std::net::UdpSocket;
use std::path::Path;
use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_store::{BanFile, StoredBan};
use tempfile::TempDir;

use crate::program::{Finished, Running, run_in};
use crate::wait;

/// Far in the future.
const UNTIL: u64 = 4_000_000_000;

/// The server looks at the list every second.
const LIMIT: Duration = Duration::from_secs(20);

fn ban(data: &Path, source: &str, until: u64) {
    let until = Time::from_secs(until);
    let ban = StoredBan { source: source.into(), until, failures: 10 };
    BanFile::at(data).change(|bans| bans.push(ban)).unwrap();
}

fn bans(home: &TempDir, arguments: &[&str]) -> Finished {
    let data = home.path().join("data");
    let all: Vec<&str> = ["bans"].iter().chain(arguments).copied().collect();
    run_in(home.path(), &[&all[..], &["--data", data.to_str().unwrap()]].concat())
}

#[test]
fn bans_are_listed_and_cleared() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    let none = bans(&home, &["list"]);
    assert_eq!((none.status, none.stdout.as_str()), (Some(0), ""));
    assert!(none.stderr.contains("Nobody is banned"), "{none:?}");
    ban(&data, "192.0.2.66", UNTIL);
    ban(&data, "192.0.2.67", 1_000_000_000);
    ban(&data, "2001:db8::/64", UNTIL);

    let listed = bans(&home, &["list", "--json"]);
    let expected = serde_json::json!({
        "event": "ban", "source": "192.0.2.66", "until": UNTIL, "failures": 10,
    });
    assert_eq!(listed.objects()[0], expected);
    assert_eq!(listed.objects().len(), 2, "one is over");
    let text = bans(&home, &["list"]).stdout;
    assert!(text.starts_with("192.0.2.66  until 2096-10-0"), "{text}");

    let cleared = bans(&home, &["clear", "2001:db8::77"]);
    assert_eq!(cleared.status, Some(0));
    assert_eq!(cleared.stdout, "2001:db8::/64 is listened to again.\n");
    let again = bans(&home, &["clear", "2001:db8::77"]);
    assert_eq!(again.status, Some(2));
    assert_eq!(again.stderr.lines().count(), 1, "{again:?}");
    assert!(again.stderr.contains("2001:db8::/64 is not banned"), "{again:?}");

    let all = bans(&home, &["clear", "--all", "--json"]);
    assert_eq!(all.outcome()["event"], "ban_cleared");
    assert_eq!(all.objects().len(), 1);
    assert_eq!(bans(&home, &["clear", "--all"]).status, Some(0));
}

#[test]
fn a_damaged_list_is_named() {
    let home = TempDir::new().unwrap();
    std::fs::create_dir(home.path().join("data")).unwrap();
    std::fs::write(home.path().join("data/bans.json"), "{").unwrap();
    let listed = bans(&home, &["list"]);
    assert_eq!((listed.status, listed.stdout.as_str()), (Some(2), ""));
    assert!(listed.stderr.contains("bans.json is damaged"), "{listed:?}");
}

/// Whether the server answers an OPTIONS to this user of it. A first answer may have been lost.
fn answers(socket: &UdpSocket, server: &str, user: &str) -> bool {
    let port = socket.local_addr().unwrap().port();
    let request = format!(
        "OPTIONS sip:{user}@{server} SIP/2.0\r\n\
         Via: SIP/2.0/UDP 127.0.0.1:{port};rport;branch=z9hG4bK-{user}\r\n\
         From: <sip:s@example.com>;tag=1\r\nTo: <sip:{user}@{server}>\r\n\
         Call-ID: {user}@scanner\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\n\
         Content-Length: 0\r\n\r\n"
    );
    socket.send_to(request.as_bytes(), server).unwrap();
    socket.recv(&mut [0; 2048]).is_ok()
}

fn until(what: &str, is_so: impl Fn() -> bool) {
    wait::until(what, LIMIT, || is_so().then_some(()));
}

#[test]
fn a_running_server_bans_lists_and_forgives() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("data");
    let arguments = ["serve", "--listen", "udp:127.0.0.1:0", "--json", "--data"];
    let mut serve =
        Running::start(home.path(), &[&arguments[..], &[data.to_str().unwrap()]].concat());
    let ready = serve.object();
    let server = ready["listeners"][0].as_str().unwrap().strip_prefix("udp:").unwrap().to_owned();
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    for user in 0..10 {
        answers(&socket, &server, &format!("nobody{user}"));
    }
    until("the ban is listed", || bans(&home, &["list"]).stdout.starts_with("127.0.0.1  until "));
    // The answers that were held back are read.
    while socket.recv(&mut [0; 2048]).is_ok() {}
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    while socket.recv(&mut [0; 2048]).is_ok() {}
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    assert!(!answers(&socket, &server, "anybody"));
    assert_eq!(bans(&home, &["clear", "127.0.0.1"]).status, Some(0));
    until("the server listens again", || answers(&socket, &server, "anybody"));
}
