//! The server, and agents around it.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::program::{Running, command, run, run_in};

/// A server that is ready, and what it said.
fn serve(home: &TempDir) -> (Running, Value) {
    let listen = ["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0"];
    let arguments: Vec<&str> = ["serve", "--json"].iter().chain(&listen).copied().collect();
    let mut serving = Running::start(home.path(), &arguments);
    let ready = serving.object();
    assert_eq!(ready["event"], "ready", "{ready}");
    (serving, ready)
}

/// The address and the password of an account that was made.
fn account(ready: &Value, number: usize) -> (String, String) {
    let account = &ready["new_accounts"][number];
    let port = ready["listeners"][0].as_str().unwrap().rsplit(':').next().unwrap();
    let text = |key: &str| account[key].as_str().unwrap();
    (format!("sip:{}@{}:{port}", text("user"), text("domain")), text("password").to_owned())
}

#[test]
fn the_first_start_makes_two_accounts_and_the_second_none() {
    let home = TempDir::new().unwrap();
    let (serving, ready) = serve(&home);
    assert_eq!(ready["domains"], serde_json::json!(["127.0.0.1"]));
    assert_eq!(ready["new_accounts"].as_array().unwrap().len(), 2);
    drop(serving);
    let (_serving, ready) = serve(&home);
    assert_eq!(ready["new_accounts"], serde_json::json!([]));
}

#[test]
fn register_shows_the_bindings_and_a_wrong_password_ends_with_4() {
    let home = TempDir::new().unwrap();
    let (_serving, ready) = serve(&home);
    let (aor, password) = account(&ready, 0);
    let registered = run(&["register", &aor, "--password", &password, "--user", "alice"]);
    assert_eq!(registered.status, Some(0), "{registered:?}");
    assert!(registered.stdout.contains("is registered.\n  <sip:alice@"), "{registered:?}");
    let refused = run(&["register", &aor, "--user", "alice", "--password", "guess", "--json"]);
    assert_eq!(refused.status, Some(4), "{refused:?}");
    let all = ["--contact", "*", "--expires", "0", "--user", "alice", "--password", &password];
    let arguments: Vec<&str> = ["register", &aor].iter().chain(&all).copied().collect();
    let removed = run(&arguments);
    assert_eq!(removed.status, Some(0), "{removed:?}");
    assert!(removed.stdout.contains("is removed"), "{removed:?}");
}

#[test]
fn nobody_is_reached_by_an_account_that_was_removed_rfc5627_5_4() {
    let home = TempDir::new().unwrap();
    let (serving, ready) = serve(&home);
    let (alice, password) = account(&ready, 0);
    let (_, bobs) = account(&ready, 1);
    let contact = ["--contact", "sip:alice@127.0.0.1:9"];
    let register = ["register", &alice, "--user", "alice", "--password", &password];
    let registered = run(&[&register[..], &contact[..]].concat());
    assert_eq!(registered.status, Some(0), "{registered:?}");
    let message = |to: &str, port: &str| {
        let to = format!("{}:{port}", to.rsplit_once(':').unwrap().0);
        let asked =
            ["message", &to, "hello", "--from", "sip:bob@127.0.0.1", "--password", &bobs, "--json"];
        run(&asked).outcome()["code"].clone()
    };
    let port = |ready: &Value| {
        ready["listeners"][0].as_str().unwrap().rsplit(':').next().unwrap().to_owned()
    };
    assert_ne!(message(&alice, &port(&ready)), 404);

    let removed = run_in(home.path(), &["user", "remove", "alice@127.0.0.1"]);
    assert_eq!(removed.status, Some(0), "{removed:?}");
    wait_until(|| message(&alice, &port(&ready)) == 404);

    // A server that did not run at the time finds it out when it starts.
    let add = ["user", "add", "alice@127.0.0.1", "--password", &password];
    assert_eq!(run_in(home.path(), &add).status, Some(0));
    wait_until(|| run(&[&register[..], &contact[..]].concat()).status == Some(0));
    drop(serving);
    assert_eq!(run_in(home.path(), &["user", "remove", "alice@127.0.0.1"]).status, Some(0));
    let (_serving, ready) = serve(&home);
    wait_until(|| message(&alice, &port(&ready)) == 404);
}

/// Asks again and again: a server looks once a second for accounts that changed.
fn wait_until(is_so: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "it did not come to be");
    }
}

#[test]
fn a_call_goes_through_the_server_to_an_agent_that_registered() {
    let home = TempDir::new().unwrap();
    let (_serving, ready) = serve(&home);
    let (alice, alice_password) = account(&ready, 0);
    let (bob, bob_password) = account(&ready, 1);
    let answer = ["--password", &bob_password, "--count", "1", "--json"];
    let arguments: Vec<&str> = ["answer", "--from", &bob].iter().chain(&answer).copied().collect();
    let mut answering = Running::start(home.path(), &arguments);
    while answering.object()["event"] != "registered" {}
    let call = ["--password", &alice_password, "--duration", "0.2", "--timeout", "10", "--json"];
    let arguments: Vec<&str> =
        ["call", &bob, "--from", &alice].iter().chain(&call).copied().collect();
    let called = run(&arguments);
    assert_eq!(called.status, Some(0), "{called:?}");
    let outcome = called.outcome();
    assert_eq!(outcome["tried"][0]["reaction"], "AnswerChallenge", "{outcome}");
    assert_eq!(answering.finish().1, Some(0));
    // The agent has removed its registration, so that nobody is there any more.
    let called = run(&arguments);
    assert_eq!(called.outcome()["code"], 480, "{called:?}");
}

/// A file in a home.
fn file(home: &TempDir, text: &str) -> String {
    let file = home.path().join("antiphon.toml");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_server_is_what_its_file_says() {
    let home = TempDir::new().unwrap();
    let data = home.path().join("state");
    let text = format!(
        "listen = [\"udp:127.0.0.1:0\"]\ndata = {:?}\n[[domain]]\nname = \"example.org\"\n\
         aliases = [\"127.0.0.1\"]\n[[rule]]\nname = \"lunch\"\nwhen = {{ callee = \"lunch\" }}\n\
         do = {{ answer = 480, reason = \"At lunch\" }}\n",
        data.to_str().unwrap()
    );
    let file = file(&home, &text);
    let mut serving = Running::start(home.path(), &["serve", "--config", &file, "--json"]);
    let ready = serving.object();
    assert_eq!(ready["domains"], serde_json::json!(["example.org"]));
    assert_eq!(ready["listeners"].as_array().unwrap().len(), 1, "{ready}");
    assert_eq!(ready["data"].as_str(), data.to_str());
    assert!(data.exists());
    let port = ready["listeners"][0].as_str().unwrap().rsplit(':').next().unwrap();
    let uri = format!("sip:lunch@127.0.0.1:{port}");
    let called = run(&["call", &uri, "--json", "--timeout", "10"]);
    let outcome = called.outcome();
    assert_eq!((&outcome["code"], &outcome["reason"]), (&480.into(), &"At lunch".into()));
}

#[test]
fn what_is_typed_stands_in_the_place_of_what_the_file_says() {
    let home = TempDir::new().unwrap();
    let file = file(&home, "listen = [\"udp:192.0.2.1:5060\"]\ndata = \"/no/such/place\"\n");
    let data = home.path().join("typed");
    let data = data.to_str().unwrap();
    let typed = ["--listen", "udp:127.0.0.1:0", "--data", data, "--json"];
    let arguments: Vec<&str> = ["serve", "--config", &file].iter().chain(&typed).copied().collect();
    let ready = Running::start(home.path(), &arguments).object();
    assert_eq!(ready["data"], data, "{ready}");
    assert_eq!(ready["domains"], serde_json::json!(["127.0.0.1"]));
}

#[cfg(unix)]
#[test]
fn a_changed_file_is_taken_over_whole_or_not_at_all() {
    let home = TempDir::new().unwrap();
    let text = |reason: &str| {
        format!(
            "listen = [\"udp:127.0.0.1:0\"]\n[[rule]]\nname = \"x\"\nwhen = {{ callee = \"x\" }}\n\
             do = {{ answer = 480, reason = \"{reason}\" }}\n"
        )
    };
    let file = file(&home, &text("Old"));
    let mut serving = command(home.path(), &["serve", "--config", &file, "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(serving.stdout.take().unwrap()).lines();
    let mut notes = BufReader::new(serving.stderr.take().unwrap()).lines();
    let ready: Value = serde_json::from_str(&out.next().unwrap().unwrap()).unwrap();
    let port = ready["listeners"][0].as_str().unwrap().rsplit(':').next().unwrap();
    let reason = || {
        let called = run(&["message", &format!("sip:x@127.0.0.1:{port}"), "hello", "--json"]);
        called.outcome()["reason"].as_str().unwrap().to_owned()
    };
    let id = serving.id().to_string();
    let hang_up = || assert!(Command::new("kill").args(["-HUP", &id]).status().unwrap().success());
    let mut note = || notes.next().unwrap().unwrap();
    assert_eq!(reason(), "Old");

    std::fs::write(&file, text("New")).unwrap();
    hang_up();
    assert_eq!(note(), "the configuration was read again; changed: rule");
    // The note comes when the command is on its way to the loop.
    assert!((0..100).any(|_| reason() == "New"));

    std::fs::write(&file, "lisen = []\n[[domain]]\nname = \"two words\"\n").unwrap();
    hang_up();
    assert_eq!(note(), format!("the server does not run by {file}:"));
    assert!(note().contains("unknown key 'lisen'"));
    assert!(note().contains("two words"));
    assert_eq!(note(), "the configuration stays as it was");
    assert_eq!(reason(), "New");

    std::fs::write(&file, text("Newer").replace("udp:127.0.0.1:0", "tcp:127.0.0.1:0")).unwrap();
    hang_up();
    assert_eq!(
        note(),
        "the configuration stays as it was; changed: listen, rule; taken over only by a restart: \
         listen"
    );
    assert_eq!(reason(), "New");
    serving.kill().unwrap();
    serving.wait().unwrap();
}

#[test]
fn the_demonstration_plays_seven_calls_that_end_as_they_should() {
    let played = run(&["demo"]);
    assert_eq!(played.status, Some(0), "{played:?}");
    assert!(played.stdout.ends_with("7 of 7 calls ended as they should.\n"), "{}", played.stdout);
    for code in ["200", "302", "404", "486", "407", "603", "500"] {
        assert!(played.stdout.contains(code), "{code}: {}", played.stdout);
    }
    for party in ["alice", "server", "bob"] {
        assert!(played.stdout.contains(party), "{party}: {}", played.stdout);
    }
}

#[test]
fn the_demonstration_is_told_to_programs_too() {
    let played = run(&["demo", "--json"]);
    let objects = played.objects();
    let calls: Vec<_> = objects.iter().filter(|o| o["event"] == "demo_call").collect();
    assert_eq!(calls.len(), 7);
    for call in calls {
        assert_eq!(call["as_expected"], true, "{call}");
        assert!(call["messages"].as_array().unwrap().len() >= 3, "{call}");
    }
    assert_eq!(played.outcome()["command"], "demo");
}
