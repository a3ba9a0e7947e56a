//! What came of a command, in words.

use std::fmt::Write as _;
use std::time::Duration;

use antiphon_core::reaction::Choice;
use antiphon_core::time::Time;
use antiphon_core::user_agent::Outcome;

use super::attempt::{answered, sent, status};
use crate::ending::Ending;
use crate::media::Counts;
use crate::report::later::Later;
use crate::report::paint::Paint;
use crate::report::span::short;
use crate::report::verdict::{Talked, Verdict, why_not};
use crate::report::{clean, clock};

pub(in crate::report) fn verdict(verdict: &Verdict, colour: bool) -> String {
    let paint = if verdict.ending == Ending::Succeeded { Paint::Good } else { Paint::Bad };
    let mut text = paint.on(&verdict.person, colour);
    text.push('\n');
    for detail in &verdict.details {
        let _ = writeln!(text, "  {}", clean::line(detail));
    }
    if let Some(outcome) = verdict.outcome.as_ref().filter(|_| verdict.ending != Ending::Succeeded)
    {
        ground(&mut text, outcome, &verdict.target);
        if outcome.tried.len() > 1 {
            tries(&mut text, outcome);
        }
    }
    if let Some(Talked { rtp, .. }) = &verdict.talked {
        let _ = writeln!(text, "  {}", packets(rtp));
    }
    if !verdict.next_step.is_empty() {
        let _ = writeln!(text, "{}", verdict.next_step);
    }
    text
}

/// What the verdict rests on.
fn ground(text: &mut String, outcome: &Outcome, target: &str) {
    let target = clean::line(target);
    match outcome.code {
        Some(code) => {
            let after = round_trip(outcome)
                .map_or_else(String::new, |time| format!(" after {}", short(time)));
            let status = status(code, &outcome.reason);
            let _ = writeln!(text, "  {target} answered {status}{after}");
        }
        None => {
            let last = outcome.tried.last().and_then(|attempt| attempt.failure);
            let why = last.map_or_else(String::new, |failure| format!(": {failure}"));
            let _ = writeln!(text, "  {target}{why}");
        }
    }
    for (name, value) in &outcome.evidence {
        let _ = writeln!(text, "  {}: {}", clean::line(name), clean::line(value));
    }
    for Choice { uri, name } in &outcome.choices {
        let _ = writeln!(text, "  {} {}", clean::line(name), clean::line(uri));
    }
    if let Some(later) = Later::of(outcome) {
        let _ = writeln!(text, "  {}", again(&later, outcome.ended));
    }
    for stopped in &outcome.stopped {
        let _ = writeln!(text, "  {}.", clean::line(&why_not(stopped)));
    }
    if let Some(uri) = outcome.told.as_ref().and_then(|told| told.proposes.as_ref()) {
        let _ = writeln!(text, "  {} would do instead.", clean::line(uri.as_str()));
    }
}

/// When it may be tried again, on the clock.
fn again(later: &Later, now: Time) -> String {
    if later.wait.is_zero() {
        return "It may be tried again at once.".to_owned();
    }
    let at = clock::time_of_day(later.at, now);
    format!("It may be tried again at {at}, in {}.", short(later.wait))
}

/// Every request with its answer.
fn tries(text: &mut String, outcome: &Outcome) {
    for attempt in &outcome.tried {
        let after = attempt
            .answered_at
            .map_or_else(String::new, |at| format!(", after {}", short(at.since(attempt.at))));
        let _ = writeln!(text, "  {}: {}{after}", sent(attempt), answered(attempt));
    }
}

pub(in crate::report) fn rtp(counts: &Counts, colour: bool) -> String {
    Paint::Faint.on(&packets(counts), colour)
}

/// From the last request to its final response.
pub(crate) fn round_trip(outcome: &Outcome) -> Option<Duration> {
    let last = outcome.tried.last()?;
    last.answered_at.map(|at| at.since(last.at))
}

fn packets(counts: &Counts) -> String {
    let lost = counts.lost();
    let lost = if lost == 0 { String::new() } else { format!(", {lost} lost") };
    format!("RTP: {} packets sent, {} received{lost}", counts.sent, counts.received)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::refused;

    #[test]
    fn a_wait_is_told_as_a_time_of_the_clock_rfc3261_20_33() {
        let told = |value| {
            let outcome = Box::new(refused(486, &[("Retry-After", value)]));
            let of = Verdict::of("call", "sip:bob@example.org", outcome, |_| String::new());
            verdict(&of, false)
        };
        assert!(told("0").contains("  It may be tried again at once.\n"));
        let later = told("600");
        let line = later.lines().find(|line| line.contains("tried again")).unwrap();
        assert!(line.ends_with(", in 10 min 0 s.") && line.contains(":"), "{line}");
        assert!(later.starts_with("The person is busy.\n"), "{later}");
        assert!(!told("soon").contains("tried again"));
    }
}
