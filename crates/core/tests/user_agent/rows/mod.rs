//! Every row of the table of reactions, as it is seen on the wire: what follows one such answer,
//! what follows if it comes again and again, what follows if it lacks what it must carry. What is
//! decided is tested with `reaction` itself; here the user agent carries it out against a scripted
//! peer.
//!
//! The tables hold one entry or more for each row: [`redirection`], [`client_error`] (in two
//! halves), [`server_error`] with silence and failed delivery, [`global_failure`]; and for the rows
//! that end nothing [`provisional`] and [`success`].

mod client_error;
mod further_client_error;
mod global_failure;
mod play;
mod provisional;
mod redirection;
mod scenario;
mod server_error;
mod success;

use std::collections::BTreeSet;

use antiphon_core::reaction::{DialogEffect, Kind, Row, rows};
use antiphon_core::user_agent::Conclusion;
use antiphon_sip::{Request, StatusCode};

use super::support::status;
use play::{Played, play};
use scenario::{Answer, Asked, Checks, Scenario, Then};

fn scenarios() -> impl Iterator<Item = &'static Scenario> {
    [
        redirection::REDIRECTION,
        client_error::CLIENT_ERROR,
        further_client_error::CLIENT_ERROR,
        server_error::SERVER_ERROR,
        global_failure::GLOBAL_FAILURE,
    ]
    .into_iter()
    .flatten()
}

#[test]
fn every_row_of_the_table_is_played() {
    let played: BTreeSet<String> = scenarios()
        .map(|scenario| scenario.row)
        .chain(provisional::rows())
        .chain(success::rows())
        .map(str::to_owned)
        .collect();
    let all: BTreeSet<String> = rows().map(|row| row.key.to_string()).collect();
    assert_eq!(played, all);
    assert_eq!(all.len(), 75 + 6 + 2);
}

#[test]
fn each_answer_is_followed_as_its_row_says_rfc3261_8_1_3() {
    assert_all(scenarios().map(|scenario| (scenario, followed(scenario))));
}

#[test]
fn each_answer_that_comes_for_ever_ends_at_the_bound_of_its_row_rfc3261_8_1_3() {
    let as_it_is = |scenario: &Scenario| match scenario.bounds {
        // Who is there after all takes it.
        [] if matches!(scenario.then, Then::Elsewhere) => Ok(()),
        [] => bounded(scenario, &[scenario.answer], 1, ""),
        bounds => {
            bounds.iter().try_for_each(|of| bounded(scenario, of.answers, of.requests, of.says))
        }
    };
    assert_all(scenarios().map(|scenario| (scenario, as_it_is(scenario))));
}

#[test]
fn each_answer_without_what_it_must_carry_is_told_and_not_acted_on_rfc3261_8_1_3() {
    let all = |scenario: &Scenario| {
        scenario.malformed.iter().try_for_each(|malformed| {
            let bound = [malformed.answer];
            let played = play(scenario, &bound, true);
            let fits = played.attempts.len() == malformed.requests;
            let says = played.told.contains(malformed.says);
            let ends = malformed.requests > 1 || is_told(&played, &malformed.answer);
            verdict(fits && says && ends, malformed.says, &played)
        })
    };
    assert_all(scenarios().map(|scenario| (scenario, all(scenario))));
}

/// Every header field that decides anything, filled with nonsense: ten years and less than no time
/// to wait, a Contact that is no URI, an algorithm that nobody knows.
const NONSENSE: [&[(&str, &str)]; 3] = [
    &[
        ("Retry-After", "-1"),
        ("Contact", "<nobody at all>"),
        ("WWW-Authenticate", "Digest realm=\"r\", nonce=\"n\", algorithm=ROT13"),
        ("Proxy-Authenticate", "Digest realm=\"r\", nonce=\"n\", algorithm=ROT13"),
        ("Accept", "text"),
        ("Unsupported", "a b"),
        ("Require", "a b"),
        ("Min-SE", "soon"),
        ("Min-Expires", "soon"),
        ("Warning", "3o5 x"),
        ("Allow", "a b"),
        ("Security-Server", "a b"),
        ("Geolocation-Error", "x"),
        ("Accept-Resource-Priority", "x"),
        ("Content-Type", "no type"),
        ("Reason", "="),
    ],
    &[
        ("Retry-After", "315360000"),
        ("Contact", "*"),
        ("WWW-Authenticate", "Basic realm=\"r\""),
        ("Proxy-Authenticate", "Digest"),
        ("Accept", ";"),
        ("Unsupported", "-"),
        ("Require", "-"),
        ("Min-SE", "99999999999"),
        ("Min-Expires", "99999999999"),
        ("Warning", "399 h \"do something\""),
        ("Allow", ","),
        ("Security-Server", "none"),
        ("Geolocation-Error", "999"),
        ("Accept-Resource-Priority", "x.y"),
    ],
    &[
        ("Retry-After", "99999999999999999999999999"),
        ("Contact", "<sip:alice@192.0.2.1>"),
        ("WWW-Authenticate", "Digest nonce=\"n\""),
        ("Proxy-Authenticate", "Digest realm=\"r\""),
        ("Accept", "a/b;q=7"),
        ("Unsupported", ""),
        ("Require", ""),
        ("Min-SE", "0"),
        ("Min-Expires", "0"),
        ("Warning", ""),
        ("Security-Server", ""),
    ],
];

#[test]
fn nonsense_in_every_header_field_makes_nobody_ask_on_and_on_rfc3261_8_1_3() {
    let all = |scenario: &Scenario| {
        let Answer::Response { code, .. } = scenario.answer else { return Ok(()) };
        NONSENSE.iter().try_for_each(|fields| {
            let answer = scenario::with(code, fields);
            let played = play(scenario, &[answer], true);
            // Some need nothing but the code to ask on; none asks on without end.
            let of_row = scenarios().filter(|other| other.row == scenario.row);
            let bounds = of_row.flat_map(|other| other.bounds);
            let most = bounds.map(|bound| bound.requests).max().unwrap_or(1);
            let fits = played.attempts.len() <= most;
            verdict(fits && is_told(&played, &answer), "nonsense", &played)
        })
    };
    assert_all(scenarios().map(|scenario| (scenario, all(scenario))));
}

#[test]
fn what_is_left_of_a_call_is_what_the_row_says_rfc5057_5_1() {
    let unknown = [399, 499, 599, 699].map(status);
    let all = StatusCode::REGISTERED.iter().chain(&unknown);
    let final_ones = all.filter(|code| code.is_final() && !code.is_success());
    let wrong: Vec<_> = final_ones.filter_map(|code| left(*code).err()).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// A re-INVITE that gets this answer for ever.
fn left(code: StatusCode) -> Result<(), String> {
    let row = Row::of(code);
    let scenario =
        Scenario::call("", scenario::bare(code.as_u16()), Then::Nowhere).asked(Asked::Hold);
    let played = play(&scenario, &[scenario.answer], true);
    let (talks, byes) = match row.dialog {
        DialogEffect::None | DialogEffect::Transaction => (true, 0),
        DialogEffect::Usage => (false, 1),
        // No request is sent in it any more.
        DialogEffect::Dialog => (false, 0),
    };
    let wanted = format!("{}: {:?}", row.key, row.dialog);
    verdict(played.talks == talks && played.byes == byes, &wanted, &played)
}

fn followed(scenario: &Scenario) -> Result<(), String> {
    if let Answer::Response { code, .. } = scenario.answer {
        assert_eq!(Row::of(status(code)).key.to_string(), scenario.row, "the code of another row");
    }
    let played = play(scenario, &[scenario.answer], false);
    match scenario.then {
        Then::Again(kind, checks) => again(&played, kind, checks),
        Then::Told(kind, words) => {
            let says = words.iter().all(|words| played.told.contains(words));
            let did = played.did() == [kind];
            verdict(says && did && is_told(&played, &scenario.answer), "told", &played)
        }
        Then::Ends { bye } => {
            let fits = played.attempts.len() == 1 && played.byes == usize::from(bye);
            verdict(fits && !played.talks && is_told(&played, &scenario.answer), "ends", &played)
        }
        Then::Elsewhere => {
            let fits = played.did() == [Kind::NextServer, Kind::Succeed];
            verdict(fits && played.servers == ["next"], "elsewhere", &played)
        }
        Then::Nowhere => {
            let fits = played.servers.is_empty() && is_told(&played, &scenario.answer);
            verdict(fits, "nowhere", &played)
        }
    }
}

/// One more request, and it is taken. Unless it is another one on purpose it is of the same call,
/// with the next number and without a tag in To (RFC 3261 §8.1.3.5).
fn again(played: &Played, kind: Kind, checks: Checks) -> Result<(), String> {
    let [first, second] = &*played.requests else { return verdict(false, "two", played) };
    let unlike = checks.iter().any(|(place, _)| *place == "Call-ID");
    let same_server = played.servers[0] == played.servers[1];
    let numbers = first.cseq() + u32::from(kind != Kind::NextServer) == second.cseq();
    let is_of_it = first.call_id() == second.call_id()
        && first.from_tag() == second.from_tag()
        && first.to_tag() == second.to_tag()
        && numbers;
    let did = played.did().first() == Some(&kind);
    let taken = played.outcome.as_ref().is_none_or(|end| {
        matches!(end.conclusion, Conclusion::Succeeded) && end.reaction == Kind::Succeed
    });
    let missed: Vec<_> =
        checks.iter().filter(|check| !holds(second, &played.servers[1], check)).collect();
    let fits = did && taken && (unlike || is_of_it) && missed.is_empty();
    verdict(fits && (same_server || !checks.is_empty()), &format!("again {missed:?}"), played)
}

fn holds(request: &Request, server: &str, (place, wanted): &(&str, &str)) -> bool {
    let (place, is_wanted) = match place.strip_prefix('!') {
        Some(place) => (place, false),
        None => (*place, true),
    };
    let name = antiphon_sip::HeaderName::from_bytes(place.as_bytes());
    let text = match place {
        "method" => Some(request.method().as_str().to_owned()),
        "uri" => Some(request.uri_text().to_owned()),
        "server" => Some(server.to_owned()),
        "body" => Some(String::from_utf8_lossy(request.body()).into_owned()),
        _ => request.headers().text(name.expect("a header field")).map(str::to_owned),
    };
    text.is_some_and(|text| text.contains(wanted)) == is_wanted
}

fn bounded(
    scenario: &Scenario,
    answers: &[Answer],
    requests: usize,
    says: &str,
) -> Result<(), String> {
    let played = play(scenario, answers, true);
    let last = answers.last().unwrap_or(&scenario.answer);
    let fits = played.attempts.len() == requests && played.told.contains(says);
    verdict(fits && is_told(&played, last), &format!("{requests} requests, {says}"), &played)
}

/// Whether the end is a refusal that names the code, or that nobody answered; a keeper has no end,
/// but the last of its attempts.
fn is_told(played: &Played, answer: &Answer) -> bool {
    let Some(last) = played.attempts.last() else { return false };
    let is_end = |conclusion: Conclusion| match answer {
        Answer::Response { .. } => conclusion == Conclusion::Refused,
        Answer::Silence | Answer::Nowhere => matches!(conclusion, Conclusion::NoAnswer(_)),
    };
    let code = match answer {
        Answer::Response { code, .. } => Some(status(*code)),
        Answer::Silence | Answer::Nowhere => None,
    };
    last.told.is_some()
        && last.code == code
        && played.outcome.as_ref().is_none_or(|end| is_end(end.conclusion) && end.told.is_some())
}

fn verdict(fits: bool, wanted: &str, played: &Played) -> Result<(), String> {
    if fits {
        return Ok(());
    }
    let sent: Vec<_> = played
        .requests
        .iter()
        .zip(&played.servers)
        .map(|(request, server)| format!("{} {} at {server}", request.method(), request.uri_text()))
        .collect();
    let end = played.outcome.as_ref().map(|end| end.conclusion);
    Err(format!(
        "wanted: {wanted}\nsent: {sent:#?}\ndid: {:?} end: {end:?} BYEs: {}\n{}",
        played.did(),
        played.byes,
        played.told
    ))
}

/// All that went wrong at once.
fn assert_all<'a>(results: impl Iterator<Item = (&'a Scenario, Result<(), String>)>) {
    let wrong: Vec<String> = results
        .filter_map(|(scenario, result)| {
            Some(format!("{} to {:?}: {}", scenario.row, scenario.asked, result.err()?))
        })
        .collect();
    assert!(wrong.is_empty(), "{} are wrong\n\n{}", wrong.len(), wrong.join("\n\n"));
}
