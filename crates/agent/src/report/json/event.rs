//! What happens on the way, as objects.

use std::time::Duration;

use antiphon_core::offer_answer::Media;
use antiphon_core::user_agent::{
    ActionId, CallId, EndCause, Event, Incoming, Progress, Side, Substate,
};
use antiphon_sip::StatusCode;
use serde::Serialize;

use super::parts::{AttemptObject, RtpObject};
use super::verdict::VerdictObject;
use crate::report::names::{self, LookUpObject};

/// What is told: the kind of the line and its keys.
#[derive(Serialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub(super) enum Told<'a> {
    Listening { listeners: Vec<String> },
    LookedUp(LookUpObject<'a>),
    Located { action: u64, servers: Vec<String> },
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
    Published { action: u64, expires: u64, etag: Option<&'a str>, refresh_in: Option<u64> },
    Subscribed { action: u64, expires: u64, refresh_in: Option<u64> },
    Notified(NotifiedObject<'a>),
    RefreshFailed { action: u64, retry_in: u64, attempt: AttemptObject<'a> },
    Rtp { call: u64, rtp: RtpObject },
    Outcome(Box<VerdictObject<'a>>),
}

#[derive(Serialize)]
pub(super) struct ProvisionalObject<'a> {
    action: u64,
    call: u64,
    code: u16,
    reason: &'a str,
    meaning: &'static str,
    cause: Option<u32>,
    to_tag: &'a str,
    early_media: bool,
    reaction: &'static str,
    person: &'static str,
}

#[derive(Serialize)]
pub(super) struct NotifiedObject<'a> {
    action: u64,
    notifier: &'a str,
    state: &'static str,
    reason: Option<&'a str>,
    content_type: Option<&'a str>,
    body: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
pub(super) struct MediaObject {
    codec: &'static str,
    payload: u8,
    remote: Option<String>,
    telephone_event: Option<u8>,
    direction: &'static str,
}

#[derive(Serialize)]
pub(super) struct EndObject<'a> {
    call: u64,
    action: Option<u64>,
    by: &'static str,
    why: &'static str,
    code: Option<u16>,
    reason: Option<&'a str>,
    talked: f64,
}

#[derive(Serialize)]
pub(super) struct IncomingObject<'a> {
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

/// The object of an event; `None` where the verdict of the command says it.
pub(super) fn told(event: &Event) -> Option<Told<'_>> {
    of_request(event)
        .or_else(|| of_call(event))
        .or_else(|| of_incoming(event))
        .or_else(|| of_kept(event))
}

/// Requests of our own, and how they find their way.
fn of_request(event: &Event) -> Option<Told<'_>> {
    Some(match event {
        Event::LookedUp { action, look_up } => Told::LookedUp(LookUpObject::new(action.0, look_up)),
        Event::Located { action, servers } => {
            Told::Located { action: action.0, servers: names::named(servers) }
        }
        Event::Attempt { action, attempt } => {
            Told::Attempt { action: action.0, attempt: attempt.into() }
        }
        Event::Answered { action, attempt } => {
            Told::Answered { action: action.0, attempt: attempt.into() }
        }
        Event::Provisional { action, call, code, meaning, reason, to_tag, media, told } => {
            Told::Provisional(ProvisionalObject {
                action: action.0,
                call: call.0,
                code: code.as_u16(),
                reason,
                meaning: progress(*meaning),
                cause: branch_ended_by(*meaning),
                to_tag,
                early_media: media.is_some(),
                reaction: told.reaction.name(),
                person: told.person,
            })
        }
        _ => return None,
    })
}

/// A call from its answer to its end.
fn of_call(event: &Event) -> Option<Told<'_>> {
    Some(match event {
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
        _ => return None,
    })
}

/// What the other side asks for.
fn of_incoming(event: &Event) -> Option<Told<'_>> {
    Some(match event {
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
        _ => return None,
    })
}

/// Registrations, publications and subscriptions.
fn of_kept(event: &Event) -> Option<Told<'_>> {
    let seconds = |time: &Option<Duration>| time.map(|time| time.as_secs());
    Some(match event {
        Event::Registered { action, granted, contacts, refresh_in } => Told::Registered {
            action: action.0,
            expires: granted.as_secs(),
            contacts,
            refresh_in: seconds(refresh_in),
        },
        Event::Published { action, granted, etag, refresh_in } => Told::Published {
            action: action.0,
            expires: granted.as_secs(),
            etag: etag.as_deref(),
            refresh_in: seconds(refresh_in),
        },
        Event::Subscribed { action, granted, refresh_in } => Told::Subscribed {
            action: action.0,
            expires: granted.as_secs(),
            refresh_in: seconds(refresh_in),
        },
        Event::Notified { action, notifier, state, reason, content_type, body } => {
            Told::Notified(NotifiedObject {
                action: action.0,
                notifier,
                state: substate(*state),
                reason: reason.as_deref(),
                content_type: content_type.as_deref(),
                body: String::from_utf8_lossy(body),
            })
        }
        Event::RefreshFailed { action, attempt, retry_in } => Told::RefreshFailed {
            action: action.0,
            retry_in: retry_in.as_secs(),
            attempt: attempt.into(),
        },
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

const fn substate(state: Substate) -> &'static str {
    match state {
        Substate::Active => "active",
        Substate::Pending => "pending",
        Substate::Terminated => "terminated",
        _ => "other",
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
