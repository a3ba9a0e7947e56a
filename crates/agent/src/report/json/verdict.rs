//! The end of a command, as an object.

use antiphon_core::reaction::{self, Cause, Limit};
use antiphon_core::user_agent::{Conclusion, Outcome};
use antiphon_sip::{StatusCode, UriBuf};
use serde::Serialize;

use super::super::later::Later;
use super::super::verdict::{self, Verdict};
use super::parts::{AttemptObject, RtpObject};
use super::seconds;

/// The last line of a command.
#[derive(Serialize)]
pub(super) struct VerdictObject<'a> {
    command: &'a str,
    target: &'a str,
    exit: u8,
    conclusion: &'static str,
    code: Option<u16>,
    reason: Option<&'a str>,
    reaction: Option<&'static str>,
    tried: Vec<AttemptObject<'a>>,
    person: &'a str,
    next_step: &'a str,
    rfc: Vec<String>,
    limit: Option<&'static str>,
    stopped: Vec<String>,
    retry_after: Option<u64>,
    retry_at: Option<f64>,
    evidence: Vec<(&'a str, &'a str)>,
    choices: Vec<ChoiceObject<'a>>,
    proposes: Option<&'a str>,
    body: Option<BodyObject<'a>>,
    elapsed: Option<f64>,
    talked: Option<f64>,
    rtp: Option<RtpObject>,
}

#[derive(Serialize)]
struct ChoiceObject<'a> {
    uri: &'a str,
    name: &'a str,
}

#[derive(Serialize)]
struct BodyObject<'a> {
    content_type: &'a str,
    text: std::borrow::Cow<'a, str>,
}

impl<'a> VerdictObject<'a> {
    pub(super) fn new(verdict: &'a Verdict) -> Self {
        let outcome = verdict.outcome.as_deref();
        let body = outcome.and_then(|outcome| outcome.body.as_ref());
        let told = outcome.and_then(|outcome| outcome.told.as_deref());
        let later = outcome.and_then(Later::of);
        Self {
            command: verdict.command,
            target: &verdict.target,
            exit: verdict.ending.exit_status(),
            conclusion: outcome.map_or("done", |outcome| conclusion(outcome.conclusion)),
            code: outcome.and_then(|outcome| outcome.code).map(StatusCode::as_u16),
            reason: outcome.filter(|o| o.code.is_some()).map(|o| o.reason.as_str()),
            reaction: outcome.map(|outcome| outcome.reaction.name()),
            tried: outcome.map_or_else(Vec::new, tried),
            person: &verdict.person,
            next_step: &verdict.next_step,
            rfc: outcome.and_then(verdict::row).map_or_else(Vec::new, |row| row.rfcs().collect()),
            limit: outcome.and_then(|outcome| outcome.stopped.first()).map(limit),
            stopped: outcome.map_or_else(Vec::new, stopped),
            retry_after: later.map(|later| later.wait.as_secs()),
            retry_at: later.map(|later| seconds(later.at)),
            evidence: outcome.map_or_else(Vec::new, evidence),
            choices: outcome.map_or_else(Vec::new, choices),
            proposes: told.and_then(|told| told.proposes.as_ref()).map(UriBuf::as_str),
            body: body.map(|(content_type, body)| BodyObject {
                content_type,
                text: String::from_utf8_lossy(body),
            }),
            elapsed: outcome.map(|o| o.ended.since(o.begun).as_secs_f64()),
            talked: verdict.talked.map(|talked| talked.duration.as_secs_f64()),
            rtp: verdict.talked.map(|talked| (&talked.rtp).into()),
        }
    }
}

fn tried(outcome: &Outcome) -> Vec<AttemptObject<'_>> {
    outcome.tried.iter().map(AttemptObject::from).collect()
}

fn evidence(outcome: &Outcome) -> Vec<(&str, &str)> {
    outcome.evidence.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

fn stopped(outcome: &Outcome) -> Vec<String> {
    outcome.stopped.iter().map(verdict::why_not).collect()
}

fn choices(outcome: &Outcome) -> Vec<ChoiceObject<'_>> {
    let choices = outcome.choices.iter();
    choices.map(|choice| ChoiceObject { uri: &choice.uri, name: &choice.name }).collect()
}

const fn conclusion(conclusion: Conclusion) -> &'static str {
    match conclusion {
        Conclusion::Succeeded => "succeeded",
        Conclusion::Refused => "refused",
        Conclusion::NoAnswer(_) => "no_answer",
        Conclusion::Stopped => "stopped",
        Conclusion::TimeUp => "time_up",
        Conclusion::Misused(_) => "misused",
        _ => "other",
    }
}

const fn limit(stopped: &reaction::Stopped) -> &'static str {
    match &stopped.cause {
        Cause::Limit(limit) => of_limit(*limit),
        Cause::Fault(_) => "malformed",
        Cause::Lack(_) => "lack",
        Cause::Challenges(_) => "credentials",
        _ => "other",
    }
}

const fn of_limit(limit: Limit) -> &'static str {
    match limit {
        Limit::Requests(_) => "requests",
        Limit::Targets(_) => "targets",
        Limit::RedirectDepth(_) => "redirect_depth",
        Limit::Servers(_) => "servers",
        Limit::Bound(_) => "bound",
        Limit::OneWait(_) | Limit::AllWaits(_) | Limit::TimeLeft(_) => "wait",
        Limit::NoProgress => "no_progress",
        Limit::NothingNew => "nothing_new",
        Limit::SipsToSip => "sips_to_sip",
        Limit::ClearText => "clear_text",
        Limit::ForeignProxy => "foreign_proxy",
        Limit::LessProtection => "less_protection",
        Limit::MoreDisclosure => "more_disclosure",
        Limit::WeakerSecurity => "weaker_security",
        Limit::Insisted => "insisted",
        Limit::NoPlace => "no_place",
        Limit::Stranger => "stranger",
        Limit::NotFollowed => "not_followed",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::StatusCode;
    use serde_json::Value;

    use antiphon_core::time::Time;

    use super::super::super::testing::refused;
    use super::*;

    #[test]
    fn an_outcome_has_what_its_row_says_and_when_to_try_again() {
        let outcome = Box::new(refused(480, &[("Retry-After", "60")]));
        let verdict = Verdict::of("call", "sip:bob@example.org", outcome, |_| String::new());
        let told: Value = serde_json::from_str(&verdict_line(&verdict)).unwrap();
        let row = reaction::Row::of(StatusCode::TEMPORARILY_UNAVAILABLE);
        assert_eq!((&told["code"], &told["reason"]), (&480.into(), &"Because".into()));
        assert_eq!(told["person"], row.person);
        assert_eq!(told["next_step"], row.next_step);
        assert_eq!(told["rfc"][0], row.rfcs().next().unwrap());
        assert_eq!((&told["reaction"], &told["limit"]), (&"Report".into(), &Value::Null));
        assert_eq!(
            (&told["retry_after"], &told["retry_at"]),
            (&60.into(), &1_795_440_791.0.into())
        );
        assert_eq!(told["tried"], Value::Array(Vec::new()));
    }

    fn verdict_line(verdict: &Verdict) -> String {
        super::super::verdict(Time::from_secs(1_795_440_731), verdict)
    }
}
