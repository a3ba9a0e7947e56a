//! What a running server has found out about its trunks, told by `antiphon route`.

use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Running, run_in};

/// Nothing listens at port 1, which only root could make anything do.
const TRUNKS: &str = r#"
[[trunk]]
name = "gone"
transport = "tcp"
target = [{ host = "127.0.0.1:1" }]
probe = { interval = "5s", down_after = 1 }

[[trunk]]
name = "spare"
target = [{ host = "127.0.0.1:2" }]

[[rule]]
name = "out"
when = { callee = '\+.*', trunk_up = "gone" }
do = { trunk = "gone" }

[[rule]]
name = "else"
when = { callee = '\+.*' }
do = { trunk = "spare" }
"#;

const ABROAD: &str = "INVITE sip:+442079460123@example.org";

fn route(home: &Path, options: &[&str]) -> Value {
    let asked = ["route", "--config", "antiphon.toml", ABROAD, "--authenticated", "--json"];
    run_in_place(home, &[&asked[..], options].concat()).outcome()
}

fn run_in_place(home: &Path, arguments: &[&str]) -> crate::program::Finished {
    let file = home.join("antiphon.toml");
    let file = file.to_str().unwrap();
    let arguments: Vec<&str> =
        arguments.iter().map(|it| if *it == "antiphon.toml" { file } else { it }).collect();
    run_in(home, &arguments)
}

/// Asks until the answer is as wanted. Each try takes a process; the server looks once a second.
fn asked_until(home: &Path, wanted: impl Fn(&Value) -> bool) -> Value {
    let tries = std::iter::repeat_with(|| route(home, &[]));
    tries.take(5_000).find(|decision| wanted(decision)).unwrap()
}

#[test]
fn a_trunk_that_the_running_server_finds_down_is_down_for_route() {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("antiphon.toml"), TRUNKS).unwrap();
    let decision = route(home.path(), &[]);
    assert_eq!(decision["trunks"], json!({ "source": "nobody", "age": null, "states": [] }));
    assert_eq!(decision["rule"], "out");
    let asked = ["route", "--config", "antiphon.toml", ABROAD, "--authenticated"];
    let told = run_in_place(home.path(), &asked);
    let line = "trunks: all taken for up; no running server tells of them";
    assert_eq!(told.stdout.lines().nth(1), Some(line), "{told:?}");

    let file = home.path().join("antiphon.toml");
    let listen = ["--listen", "udp:127.0.0.1:0", "--listen", "tcp:127.0.0.1:0"];
    let serve = ["serve", "--json", "--config", file.to_str().unwrap()];
    let mut serving = Running::start(home.path(), &[&serve[..], &listen].concat());
    assert_eq!(serving.object()["event"], "ready");
    let decision = asked_until(home.path(), |decision| decision["rule"] == "else");
    let trunks = &decision["trunks"];
    assert_eq!(trunks["source"], "server", "{decision}");
    let gone = json!({ "server": "127.0.0.1:1;transport=tcp", "state": "down", "until": null });
    assert_eq!(trunks["states"][0], json!({ "trunk": "gone", "down": true, "servers": [gone] }));
    assert_eq!(trunks["states"][1]["down"], false, "{decision}");
    assert!(trunks["age"].as_u64().is_some(), "{decision}");
    // What is supposed comes before what is told.
    assert_eq!(route(home.path(), &["--down", "spare"])["trunks"]["source"], "supposed");
    assert_eq!(route(home.path(), &["--down", "spare"])["rule"], "out");

    let id = serving.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    serving.finish();
    assert_eq!(route(home.path(), &[])["trunks"]["source"], "nobody");
}

#[test]
fn what_a_server_told_that_was_ended_is_not_believed() {
    let home = TempDir::new().unwrap();
    std::fs::write(home.path().join("antiphon.toml"), TRUNKS).unwrap();
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let server = r#"{ "name": "127.0.0.1:1", "state": "down" }"#;
    let told = format!(
        "{{ \"format\": 1, \"told\": 1000, \"trunks\": [{{ \"name\": \"gone\", \"servers\": \
         [{server}] }}] }}"
    );
    std::fs::write(data.join("trunks.json"), told).unwrap();
    let options = ["--data", data.to_str().unwrap()];
    let decision = route(home.path(), &options);
    assert_eq!(
        (&decision["rule"], &decision["trunks"]["source"]),
        (&json!("out"), &json!("ended"))
    );
    std::fs::write(data.join("trunks.json"), "{").unwrap();
    let asked = ["route", "--config", "antiphon.toml", ABROAD];
    let refused = run_in_place(home.path(), &[&asked[..], &options].concat());
    assert_eq!(refused.status, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("trunks.json"), "{refused:?}");
}
