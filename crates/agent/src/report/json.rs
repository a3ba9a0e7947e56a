//! For programs: one object a line. `docs/json.md` documents the keys; a key once there stays and
//! keeps its meaning.

use std::time::Duration;

use antiphon_core::offer_answer::Media;
use antiphon_core::reaction::{self, Cause, Limit};
use antiphon_core::time::Time;
use antiphon_core::user_agent::{
    ActionId, Attempt, CallId, Conclusion, EndCause, Event, Incoming, Outcome, Progress, Side,
};
use antiphon_net::Bound;
use antiphon_sip::{StatusCode, UriBuf};
use serde::Serialize;

use super::later::Later;
use super::verdict::{self, Verdict};
use crate::media::Counts;

/// An object as a line, without its end.
pub(super) fn line(object: &impl Serialize) -> String {
    // Strings, numbers and lists of them always have a JSON form.
    serde_json::to_string(object).unwrap_or_default()
}

pub(super) fn listening(now: Time, listeners: &[Bound]) -> String {
    let listeners = listeners.iter().map(ToString::to_string).collect();
    line(&Stamped { event: Told::Listening { listeners }, time: seconds(now) })
}

pub(super) fn event(now: Time, event: &Event) -> Option<String> {
    told(event).map(|event| line(&Stamped { event, time: seconds(now) }))
}

pub(super) fn rtp(now: Time, call: CallId, counts: &Counts) -> String {
    let event = Told::Rtp { call: call.0, rtp: counts.into() };
    line(&Stamped { event, time: seconds(now) })
}

pub(super) fn verdict(now: Time, verdict: &Verdict) -> String {
    line(&Stamped {
        event: Told::Outcome(Box::new(VerdictObject::new(verdict))),
        time: seconds(now),
    })
}

/// A line: its kind first, its moment last.
#[derive(Serialize)]
struct Stamped<'a> {
    #[serde(flatten)]
    event: Told<'a>,
    time: f64,
}

#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
enum Told<'a> {
    Listening { listeners: Vec<String> },
    Attempt { action: u64, attempt: AttemptObject<'a> },
    Answered { action: u64, attempt: AttemptObject<'a> },
    Provisional(ProvisionalObject<'a>),
    EarlyMediaChanged { call: u64, to_tag: &'a str, media: MediaObject },
    Established { call: u64, action: Option<u64>, media: Option<MediaObject> },
    MediaChanged { call: u64, media: MediaObject },
    Ended(EndObject<'a>),
    IncomingCall { call: u64, has_offer: bool, request: IncomingObject<'a> },
    IncomingMessage { call: Option<u64>, request: IncomingObject<'a> },
    IncomingRequest { call: u64, code: u16, request: IncomingObject<'a> },
    Played { code: u16, request: IncomingObject<'a> },
    Registered { action: u64, expires: u64, contacts: &'a [String], refresh_in: Option<u64> },
    RefreshFailed { action: u64, retry_in: u64, attempt: AttemptObject<'a> },
    Rtp { call: u64, rtp: RtpObject },
    Outcome(Box<VerdictObject<'a>>),
}

#[derive(Serialize)]
struct AttemptObject<'a> {
    method: &'a str,
    target: &'a str,
    server: Option<String>,
    cseq: u32,
    sent: f64,
    answered: Option<f64>,
    code: Option<u16>,
    reason: &'a str,
    failure: Option<String>,
    reaction: Option<&'static str>,
}

#[derive(Serialize)]
struct ProvisionalObject<'a> {
    action: u64,
    call: u64,
    code: u16,
    reason: &'a str,
    meaning: &'static str,
    cause: Option<u32>,
    to_tag: &'a str,
    early_media: bool,
}

#[derive(Serialize)]
struct MediaObject {
    codec: &'static str,
    payload: u8,
    remote: Option<String>,
    telephone_event: Option<u8>,
    direction: &'static str,
}

#[derive(Serialize)]
struct EndObject<'a> {
    call: u64,
    action: Option<u64>,
    by: &'static str,
    why: &'static str,
    code: Option<u16>,
    reason: Option<&'a str>,
    talked: f64,
}

#[derive(Serialize)]
struct IncomingObject<'a> {
    method: &'a str,
    uri: &'a str,
    from: &'a str,
    to: &'a str,
    call_id: &'a str,
    source: String,
    subject: Option<&'a str>,
    content_type: Option<&'a str>,
    body: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
struct RtpObject {
    sent: u64,
    received: u64,
    lost: u64,
}

#[derive(Serialize)]
struct VerdictObject<'a> {
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
    fn new(verdict: &'a Verdict) -> Self {
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
    outcome.stopped.iter().map(ToString::to_string).collect()
}

fn choices(outcome: &Outcome) -> Vec<ChoiceObject<'_>> {
    let choices = outcome.choices.iter();
    choices.map(|choice| ChoiceObject { uri: &choice.uri, name: &choice.name }).collect()
}

impl<'a> From<&'a Attempt> for AttemptObject<'a> {
    fn from(attempt: &'a Attempt) -> Self {
        Self {
            method: attempt.method.as_str(),
            target: attempt.target.as_str(),
            server: attempt.server.map(|(t, address)| format!("{}:{address}", t.as_uri_param())),
            cseq: attempt.cseq,
            sent: seconds(attempt.at),
            answered: attempt.answered_at.map(seconds),
            code: attempt.code.map(StatusCode::as_u16),
            reason: &attempt.reason,
            failure: attempt.failure.map(|failure| failure.to_string()),
            reaction: attempt.did.map(reaction::Kind::name),
        }
    }
}

impl From<&Media> for MediaObject {
    fn from(media: &Media) -> Self {
        Self {
            codec: media.codec.name(),
            payload: media.payload,
            remote: media.remote.map(|address| address.to_string()),
            telephone_event: media.events,
            direction: media.direction.as_str(),
        }
    }
}

impl<'a> From<&'a Incoming> for IncomingObject<'a> {
    fn from(incoming: &'a Incoming) -> Self {
        Self {
            method: incoming.method.as_str(),
            uri: &incoming.uri,
            from: &incoming.from,
            to: &incoming.to,
            call_id: &incoming.call_id,
            source: incoming.source.to_string(),
            subject: incoming.subject.as_deref(),
            content_type: incoming.content_type.as_deref(),
            body: String::from_utf8_lossy(&incoming.body),
        }
    }
}

impl From<&Counts> for RtpObject {
    fn from(counts: &Counts) -> Self {
        Self { sent: counts.sent, received: counts.received, lost: counts.lost() }
    }
}

fn told(event: &Event) -> Option<Told<'_>> {
    Some(match event {
        Event::Attempt { action, attempt } => {
            Told::Attempt { action: action.0, attempt: attempt.into() }
        }
        Event::Answered { action, attempt } => {
            Told::Answered { action: action.0, attempt: attempt.into() }
        }
        Event::Provisional { action, call, code, meaning, reason, to_tag, media } => {
            Told::Provisional(ProvisionalObject {
                action: action.0,
                call: call.0,
                code: code.as_u16(),
                reason,
                meaning: progress(*meaning),
                cause: branch_ended_by(*meaning),
                to_tag,
                early_media: media.is_some(),
            })
        }
        Event::EarlyMediaChanged { call, to_tag, media } => {
            Told::EarlyMediaChanged { call: call.0, to_tag, media: media.into() }
        }
        Event::Established { call, action, media } => Told::Established {
            call: call.0,
            action: number(*action),
            media: media.as_ref().map(Into::into),
        },
        Event::MediaChanged { call, media } => {
            Told::MediaChanged { call: call.0, media: media.into() }
        }
        Event::Ended { call, action, by, why, talked } => {
            Told::Ended(end(*call, *action, *by, why, *talked))
        }
        Event::IncomingCall { call, request, has_offer } => {
            Told::IncomingCall { call: call.0, has_offer: *has_offer, request: request.into() }
        }
        Event::IncomingMessage { call, request } => {
            Told::IncomingMessage { call: call.map(|call| call.0), request: request.into() }
        }
        Event::IncomingRequest { call, request, code } => {
            Told::IncomingRequest { call: call.0, code: code.as_u16(), request: request.into() }
        }
        Event::Played { request, code } => {
            Told::Played { code: code.as_u16(), request: request.into() }
        }
        Event::Registered { action, granted, contacts, refresh_in } => Told::Registered {
            action: action.0,
            expires: granted.as_secs(),
            contacts,
            refresh_in: refresh_in.map(|time| time.as_secs()),
        },
        Event::RefreshFailed { action, attempt, retry_in } => Told::RefreshFailed {
            action: action.0,
            retry_in: retry_in.as_secs(),
            attempt: attempt.into(),
        },
        // The command makes its verdict of it.
        _ => return None,
    })
}

fn end(
    call: CallId,
    action: Option<ActionId>,
    by: Side,
    why: &EndCause,
    talked: Duration,
) -> EndObject<'_> {
    let (code, reason) = match why {
        EndCause::Refused { code, reason } => (Some(*code), Some(reason.as_str())),
        EndCause::Lost { code } => (*code, None),
        EndCause::Bye { reason } | EndCause::Cancelled { reason } => (None, reason.as_deref()),
        _ => (None, None),
    };
    EndObject {
        call: call.0,
        action: number(action),
        by: side(by),
        why: cause(why),
        code: code.map(StatusCode::as_u16),
        reason,
        talked: talked.as_secs_f64(),
    }
}

const fn progress(meaning: Progress) -> &'static str {
    match meaning {
        Progress::Ringing => "ringing",
        Progress::Forwarded => "forwarded",
        Progress::Queued => "queued",
        Progress::BranchEnded { .. } => "branch_ended",
        _ => "session",
    }
}

const fn branch_ended_by(meaning: Progress) -> Option<u32> {
    match meaning {
        Progress::BranchEnded { cause } => cause,
        _ => None,
    }
}

fn number(action: Option<ActionId>) -> Option<u64> {
    action.map(|action| action.0)
}

const fn side(side: Side) -> &'static str {
    match side {
        Side::Local => "local",
        Side::Remote => "remote",
        Side::Network => "network",
    }
}

const fn cause(why: &EndCause) -> &'static str {
    match why {
        EndCause::Bye { .. } => "bye",
        EndCause::Cancelled { .. } => "cancelled",
        EndCause::Refused { .. } => "refused",
        EndCause::TimeUp => "time_up",
        EndCause::NoAck => "no_ack",
        EndCause::Lost { .. } => "lost",
        EndCause::NoCommonMedia => "no_common_media",
        EndCause::NoAnswer => "no_answer",
        _ => "other",
    }
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

/// Seconds since the Unix epoch.
fn seconds(time: Time) -> f64 {
    Duration::from_micros(time.as_micros()).as_secs_f64()
}

#[cfg(test)]
mod tests {
    use antiphon_sip::StatusCode;
    use serde_json::Value;

    use super::super::testing::refused;
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
        super::verdict(Time::from_secs(1_795_440_731), verdict)
    }
}
