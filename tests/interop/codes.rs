//! Every refusal of the registry, said by SIPp with nothing but its status line: `antiphon call`
//! ends at once, with the exit status of the class and words for a person.

use std::time::Duration;

use crate::harness::antiphon;
use crate::harness::sipp::Sipp;

const REGISTRY: &str = include_str!("../../crates/sip/tests/registry/response-codes.csv");
const LIMIT: Duration = Duration::from_secs(20);

/// These are answered by a smaller request, so one INVITE does not end the call.
const ASKED_AGAIN: [u16; 2] = [413, 513];

#[test]
fn every_bare_refusal_ends_the_call_with_its_class_rfc3261_8_1_3() {
    let refusals: Vec<(u16, &str)> = REGISTRY
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut columns = line.split(',');
            Some((columns.next()?.parse().ok()?, columns.next()?))
        })
        .filter(|(code, _)| *code >= 300 && !ASKED_AGAIN.contains(code))
        .collect();
    assert!(refusals.len() > 60, "{refusals:?}");
    let wrong: Vec<String> =
        refusals.iter().filter_map(|(code, phrase)| refused(*code, phrase).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A call that is refused with this code, judged.
fn refused(code: u16, phrase: &str) -> Result<(), String> {
    let callee = Sipp::callee_that_refuses(&format!("{code} {phrase}"));
    let uri = format!("sip:bob@127.0.0.1:{}", callee.port);
    let finished = antiphon::run(&["call", &uri, "--json", "--timeout", "15"]);
    let outcome = finished.json_with("conclusion");
    let totals = callee.finish(LIMIT);
    let fits = finished.code == Some(i32::from(code / 100))
        && outcome["code"] == code
        && outcome["tried"].as_array().is_some_and(|tried| tried.len() == 1)
        && outcome["person"].as_str().is_some_and(|words| !words.is_empty())
        && totals.all_succeeded(1);
    if fits { Ok(()) } else { Err(format!("{code}: {:?} {outcome} {totals:?}", finished.code)) }
}
