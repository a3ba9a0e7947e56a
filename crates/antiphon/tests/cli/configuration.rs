//! A configuration is checked and asked.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Finished, run_in};

const OFFICE: &str = r#"listen = ["udp:192.0.2.1:5060", "tls:192.0.2.1:5061"]
trusted = ["198.51.100.0/24"]

[[certificate]]
chain = "chain.pem"
key = "key.pem"

[[domain]]
name = "example.org"

[[trunk]]
name = "carrier"
target = [{ host = "gw.carrier.example" }]

[[rule]]
name = "abroad by day"
when = { callee = '00(?<abroad>\d+)', hours = "08:00-18:00", trunk_up = "carrier" }
do = { trunk = "carrier", user = "+$abroad" }
on = { "503" = "next", "486" = { answer = 480, reason = "Busy abroad" } }

[[rule]]
name = "moved"
when = { callee = "carol", header = { Subject = ".*office.*" } }
do = { redirect = 302, contacts = [{ uri = "sip:carol@example.com", q = 0.5, expires = "1h" }] }
"#;

const TWO_FAULTS: &str = "lisen = []\n\n[[domain]]\nname = \"two words\"\n";

/// A folder with a configuration in it.
struct Folder {
    folder: TempDir,
    file: PathBuf,
}

impl Folder {
    fn with(text: &str) -> Self {
        let folder = TempDir::new().unwrap();
        let file = folder.path().join("antiphon.toml");
        std::fs::write(&file, text).unwrap();
        Self { folder, file }
    }

    fn name(&self) -> &str {
        self.file.to_str().unwrap()
    }

    fn check(&self, options: &[&str]) -> Finished {
        run_in(self.folder.path(), &[&["check", self.name()], options].concat())
    }

    fn route(&self, request: &str, options: &[&str]) -> Finished {
        let arguments = [&["route", "--config", self.name(), request], options].concat();
        run_in(self.folder.path(), &arguments)
    }

    /// What is decided, with its event left out.
    fn decision(&self, request: &str, options: &[&str]) -> Value {
        let asked = self.route(request, &[options, &["--json"]].concat());
        assert_eq!(asked.status, Some(0), "{asked:?}");
        let decision = asked.outcome();
        assert_eq!(decision["event"], "decision");
        decision
    }
}

#[test]
fn a_configuration_without_faults_is_told_in_a_line() {
    let folder = Folder::with(OFFICE);
    let checked = folder.check(&[]);
    assert_eq!((checked.status, checked.stderr.as_str()), (Some(0), ""), "{checked:?}");
    let expected = format!(
        "{}: no faults; listens on udp:192.0.2.1:5060, tls:192.0.2.1:5061, domain example.org, \
         1 trunk, 5 rules\n",
        folder.name()
    );
    let lines: Vec<_> = checked.stdout.split_inclusive('\n').collect();
    let (outcome, warnings) = lines.split_last().unwrap();
    assert_eq!(*outcome, expected);
    let not_carried_out = "warning: 'antiphon serve' of this version does not carry out";
    assert!(warnings.iter().all(|line| line.contains(not_carried_out)), "{checked:?}");

    let object = folder.check(&["--json"]).outcome();
    assert_eq!((&object["event"], &object["faults"]), (&"checked".into(), &0.into()), "{object}");
    let configures = &object["configures"];
    assert_eq!(configures["listeners"][1], "tls:192.0.2.1:5061");
    assert_eq!(configures["trunks"], json!(["carrier"]));
    assert_eq!(configures["rules"].as_array().unwrap().len(), 5, "{object}");
}

#[test]
fn every_fault_has_a_line_with_its_place_and_what_was_meant() {
    let folder = Folder::with(TWO_FAULTS);
    let checked = folder.check(&[]);
    assert_eq!((checked.status, checked.stderr.as_str()), (Some(2), ""), "{checked:?}");
    let lines: Vec<_> = checked.stdout.lines().collect();
    let [unknown, no_name] = lines[..] else { panic!("{checked:?}") };
    let at = |line: &str| format!("{}:{line}: ", folder.name());
    assert!(unknown.starts_with(&at("1:1")), "{unknown}");
    assert!(unknown.ends_with("unknown key 'lisen'; did you mean 'listen'?"), "{unknown}");
    assert!(no_name.starts_with(&at("4:8")), "{no_name}");

    let finished = folder.check(&["--json"]);
    assert_eq!(finished.status, Some(2));
    let objects = finished.objects();
    let [first, _, outcome] = &objects[..] else { panic!("{objects:?}") };
    let expected = json!({
        "event": "fault",
        "file": folder.name(),
        "line": 1,
        "column": 1,
        "problem": "unknown key 'lisen'",
        "suggestion": "'listen'",
    });
    assert_eq!(first, &expected);
    assert_eq!((&outcome["faults"], &outcome["configures"]), (&2.into(), &Value::Null));
}

#[test]
fn a_server_does_not_start_with_rules_that_cannot_be_kept() {
    let folder = Folder::with(
        "[[trunk]]\nname = \"carrier\"\ntarget = [{ host = \"192.0.2.9\" }]\nusername = \"us\"\n\
         password = { env = \"PATH\" }\n[[rule]]\nname = \"out\"\n\
         do = { trunk = \"carrier\", stateless = true }\n",
    );
    let told = format!(
        "{}:8:6: 'stateless' does not go here: who answers the challenges of trunk 'carrier' has \
         to keep the request",
        folder.name()
    );
    let checked = folder.check(&[]);
    assert_eq!(checked.status, Some(2), "{checked:?}");
    assert!(checked.stdout.starts_with(&told), "{checked:?}");
    let home = folder.folder.path();
    let serve = ["serve", "--config", folder.name(), "--data", home.to_str().unwrap()];
    let served = run_in(home, &serve);
    assert_eq!((served.status, served.stdout.as_str()), (Some(2), ""), "{served:?}");
    assert!(served.stderr.contains(&told), "{served:?}");
}

#[test]
fn a_warning_is_marked_and_no_fault() {
    let rule = "[[rule]]\nname = \"all\"\ndo = { answer = 480 }\n\n";
    let folder = Folder::with(&format!("{rule}{}", rule.replace("all", "none")));
    let checked = folder.check(&[]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
    assert!(checked.stdout.contains(": warning: rule 'none' can never match"), "{checked:?}");
    let objects = folder.check(&["--json"]).objects();
    assert_eq!(objects[0]["event"], "warning", "{objects:?}");
}

#[test]
fn a_secret_that_is_elsewhere_is_a_warning() {
    let trunk = "[[trunk]]\nname = \"t\"\nusername = \"u\"\npassword = { file = \"/no/such/file\" }\n\
                 target = [{ host = \"gw.example\" }]\n";
    let folder = Folder::with(&format!("# The way out\n{trunk}"));
    let checked = folder.check(&[]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
    let expected = format!("{}:5:12: warning: the secret in '/no/such/file'", folder.name());
    assert!(checked.stdout.lines().any(|line| line.starts_with(&expected)), "{checked:?}");
}

#[test]
fn the_sample_of_the_documentation_has_no_fault() {
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/antiphon.sample.toml");
    let checked = Folder::with(&std::fs::read_to_string(sample).unwrap()).check(&[]);
    assert_eq!(checked.status, Some(0), "{checked:?}");
}

#[test]
fn a_rule_that_fails_is_told_with_what_it_wants_and_what_there_is() {
    let folder = Folder::with(OFFICE);
    let asked = folder.route("INVITE sip:0049301@example.org", &["--at", "mon 19:30"]);
    assert_eq!((asked.status, asked.stderr.as_str()), (Some(0), ""), "{asked:?}");
    let lines: Vec<_> = asked.stdout.lines().collect();
    assert_eq!(
        lines[0],
        "INVITE sip:0049301@example.org from somebody anonymous at 127.0.0.1 over udp, \
         not signed in, mon 19:30"
    );
    assert_eq!(lines[1], "trunks: all taken for up; no running server tells of them");
    assert!(
        lines[2].starts_with("rule 'abroad by day' (line 16): no, 'hours' wants "),
        "{asked:?}"
    );
    assert!(lines[2].ends_with("found mon 19:30"), "{asked:?}");
    assert!(lines.contains(&"rule 'our users' (built in): matches"), "{asked:?}");
    let end = "then: go where sip:0049301@example.org is registered";
    assert_eq!(lines[lines.len() - 2], end, "{asked:?}");
    assert_eq!(lines.last(), Some(&"whether that user exists is told with --data DIR"));

    let asked = &["--at", "mon 12:00", "--json"];
    let objects = folder.route("MESSAGE sip:carol@example.org", asked).objects();
    assert_eq!((&objects[0]["event"], &objects[0]["line"]), (&"rule".into(), &16.into()));
    let failed = json!({ "condition": "callee", "wanted": r"00(?<abroad>\d+)", "found": "carol" });
    assert_eq!(objects[0]["failed"], failed, "{objects:?}");
}

#[test]
fn a_trunk_is_for_those_who_signed_in_or_are_trusted() {
    let folder = Folder::with(OFFICE);
    let request = "INVITE sip:0049301@example.org";
    let by_day = |more: &[&str]| folder.decision(request, &[&["--at", "tue 08:00"], more].concat());
    assert_eq!(by_day(&[])["outcome"], json!({ "action": "sign_in" }));
    for may in [&["--authenticated"][..], &["--source", "198.51.100.9"]] {
        let decision = by_day(may);
        assert_eq!(decision["rule"], "abroad by day");
        let to = json!([{ "trunk": "carrier", "user": "+49301", "q": 1.0 }]);
        assert_eq!(decision["outcome"], json!({ "action": "forward", "to": to }));
        let busy = &decision["on"][1];
        assert_eq!((&busy["answer"], &busy["then"]), (&"486".into(), &"step".into()), "{busy}");
        let outcome = &busy["step"]["outcome"];
        assert_eq!((&outcome["code"], &outcome["reason"]), (&480.into(), &"Busy abroad".into()));
    }
    let down = by_day(&["--authenticated", "--down", "carrier"]);
    assert_eq!(down["rule"], "our users", "{down}");
}

#[test]
fn a_redirection_is_told_whole() {
    let folder = Folder::with(OFFICE);
    let asked = &["--header", "Subject: the office", "--transport", "wss"];
    let outcome = &folder.decision("INVITE sip:carol@example.org", asked)["outcome"];
    let contact = json!({ "uri": "sip:carol@example.com", "q": 0.5, "expires": 3600 });
    let expected = json!({
        "action": "redirect", "code": 302, "contacts": [contact], "located": null, "body": null
    });
    assert_eq!(outcome, &expected);
}

#[test]
fn who_claims_a_domain_of_ours_signs_in_before_any_rule() {
    let folder = Folder::with(OFFICE);
    let claim = ["--from", "sip:alice@example.org"];
    let asked = folder.route("INVITE sip:bob@example.org", &claim);
    assert!(asked.stdout.contains("From claims the domain example.org, so"), "{asked:?}");
    let decision = folder.decision("INVITE sip:bob@example.org", &claim);
    assert_eq!(
        (&decision["claims"], &decision["outcome"]["action"]),
        (&"example.org".into(), &"sign_in".into())
    );
    let trusted = [&claim[..], &["--source", "198.51.100.9"]].concat();
    let decision = folder.decision("INVITE sip:bob@example.org", &trusted);
    assert_eq!(decision["outcome"]["action"], "locate", "{decision}");
}

#[test]
fn a_stranger_who_wants_to_leave_is_asked_to_sign_in() {
    let folder = Folder::with("");
    let away = "INVITE sip:bob@example.net";
    assert_eq!(folder.decision(away, &[])["outcome"]["action"], "sign_in");
    let from = &["--from", "sip:alice@127.0.0.1", "--authenticated"];
    let decision = folder.decision(away, from);
    assert_eq!(decision["outcome"]["to"][0]["uri"], "sip:bob@example.net", "{decision}");
}

#[test]
fn whether_a_user_exists_is_told_when_the_accounts_are_at_hand() {
    let folder = Folder::with("");
    let data = TempDir::new().unwrap();
    let data = data.path().to_str().unwrap();
    let named = ["bob@127.0.0.1", "--password", "x", "--data", data];
    let added = run_in(folder.folder.path(), &[&["user", "add"][..], &named].concat());
    assert_eq!(added.status, Some(0), "{added:?}");
    for (user, exists) in [("bob", true), ("carol", false)] {
        let request = format!("INVITE sip:{user}@127.0.0.1");
        let decision = folder.decision(&request, &["--data", data]);
        assert_eq!(decision["user_exists"], exists, "{user}");
        assert_eq!(folder.decision(&request, &[])["user_exists"], Value::Null);
    }
}
