//! What the program does by itself about a response, against SIPp over UDP: SIPp looks at the
//! request that follows, and the exit status is that of the answer to it.

mod calls;
mod malformed;
mod others;

use std::time::Duration;

use serde_json::Value;

use crate::harness::antiphon;
use crate::harness::ports;
use crate::harness::scenario::{Turn, scenario};
use crate::harness::sipp::{Scenario, Sipp};

const LIMIT: Duration = Duration::from_secs(40);

/// One command against one SIPp.
struct Case {
    /// The response it is about.
    name: &'static str,
    /// The command; `{uri}` stands for the callee, `{port}` for its port, `{own}` for one that the
    /// command may listen on.
    command: &'static [&'static str],
    turns: &'static [Turn],
    exit: i32,
    /// The reactions to the responses, in order; empty is not looked at.
    did: &'static [&'static str],
    /// What the outcome says: key and value as JSON text.
    says: &'static [(&'static str, &'static str)],
}

const CALL: &[&str] = &["call", "{uri}", "--json", "--duration", "0.2", "--timeout", "20"];
/// A call of a fifth of a second to `{uri}`, with these options.
macro_rules! call {
    ($($option:literal),+) => {
        &["call", "{uri}", "--json", "--duration", "0.2", $($option),+]
    };
}
use call;

const ANSWERED: Turn = Turn::taken("INVITE", &[], &[]);

/// A call that is asked again and then answered.
const fn again(name: &'static str, turns: &'static [Turn], did: &'static [&'static str]) -> Case {
    again_by(name, CALL, turns, did)
}

/// The same by a command of its own.
const fn again_by(
    name: &'static str,
    command: &'static [&'static str],
    turns: &'static [Turn],
    did: &'static [&'static str],
) -> Case {
    Case { name, command, turns, exit: 0, did, says: &[] }
}

/// A call that is refused, and about which nothing more is done than telling why.
const fn told(
    name: &'static str,
    turns: &'static [Turn],
    exit: i32,
    says: &'static [(&'static str, &'static str)],
) -> Case {
    Case { name, command: CALL, turns, exit, did: &[], says }
}

#[test]
fn a_call_is_asked_again_or_its_refusal_told_rfc3261_8_1_3() {
    assert_all(calls::CALLS);
}

#[test]
fn a_response_that_lacks_what_it_must_carry_is_told_and_not_acted_on_rfc3261_8_1_3_5() {
    assert_all(malformed::MALFORMED);
}

#[test]
fn other_requests_are_asked_again_too_rfc3261_8_1_3_5_rfc3903_5() {
    assert_all(others::OTHERS);
}

#[test]
fn a_subscription_is_notified_of_and_ended_rfc6665_4_1_2() {
    let notifier = Sipp::callee(&Scenario { name: "notifier", calls: 1, arguments: &[] });
    let uri = format!("sip:bob@127.0.0.1:{}", notifier.port);
    let finished = antiphon::run(&["subscribe", &uri, "--event", "presence", "--json"]);
    assert_eq!(finished.code, Some(0), "{finished:#?}");
    let told: Vec<Value> =
        finished.stdout.iter().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let notified: Vec<&Value> = told.iter().filter(|one| one["event"] == "notified").collect();
    assert_eq!(notified.len(), 2, "{told:#?}");
    assert_eq!(
        (&notified[0]["state"], &notified[1]["state"]),
        (&"active".into(), &"terminated".into())
    );
    assert!(notified[0]["body"].to_string().contains("open"), "{notified:#?}");
    let totals = notifier.finish(LIMIT);
    assert!(totals.all_succeeded(1), "{totals:?}");
}

/// All that went wrong at once.
fn assert_all(cases: &[Case]) {
    let wrong: Vec<String> = cases.iter().filter_map(|case| played(case).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

fn played(case: &Case) -> Result<(), String> {
    let own = ports::free().to_string();
    let callee = Sipp::callee_that_says(&scenario(case.turns).replace("{own}", &own));
    let port = callee.port.to_string();
    let uri = format!("sip:bob@127.0.0.1:{port}");
    let arguments: Vec<String> = case
        .command
        .iter()
        .map(|argument| {
            argument.replace("{uri}", &uri).replace("{port}", &port).replace("{own}", &own)
        })
        .collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let finished = antiphon::run(&arguments);
    let outcome = finished.json_with("conclusion");
    let totals = callee.finish(LIMIT);
    let tried = outcome["tried"].as_array().cloned().unwrap_or_default();
    let did: Vec<&str> = tried.iter().filter_map(|attempt| attempt["reaction"].as_str()).collect();
    let fits = finished.code == Some(case.exit)
        && totals.all_succeeded(1)
        && (case.did.is_empty() || did == case.did)
        && case.says.iter().all(|(key, words)| says(&outcome, key, words));
    if fits {
        return Ok(());
    }
    Err(format!("{}: {:?} {did:?} {totals:?}\n{outcome}", case.name, finished.code))
}

fn says(outcome: &Value, key: &str, words: &str) -> bool {
    let value = &outcome[key];
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).contains(words)
}
