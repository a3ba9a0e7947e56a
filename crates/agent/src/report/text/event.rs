//! What happens on the way, in words.

use std::fmt::Write as _;
use std::time::Duration;

use antiphon_core::offer_answer::Media;
use antiphon_core::user_agent::{CallId, EndCause, Event, Incoming, Progress, Side, Substate};

use super::attempt::{answered, sent, status};
use crate::report::paint::Paint;
use crate::report::span::short;
use crate::report::{clean, names};

/// Where a line belongs.
pub(in crate::report) enum Line {
    /// What was asked for.
    Result(String),
    /// What happens on the way to it.
    Note(String),
    Nothing,
}

pub(in crate::report) fn event(event: &Event, colour: bool) -> Line {
    // Of the others the command makes its verdict.
    of_request(event, colour)
        .or_else(|| of_call(event))
        .or_else(|| of_incoming(event))
        .or_else(|| of_kept(event))
        .unwrap_or(Line::Nothing)
}

/// Requests of our own, and how they find their way.
fn of_request(event: &Event, colour: bool) -> Option<Line> {
    Some(match event {
        Event::Attempt { attempt, .. } => Line::Note(Paint::Faint.on(&sent(attempt), colour)),
        Event::Answered { attempt, .. } => Line::Note(format!("  {}", answered(attempt))),
        Event::LookedUp { look_up, .. } => {
            Line::Note(Paint::Faint.on(&names::look_up(look_up), colour))
        }
        Event::Located { servers, .. } => {
            Line::Note(Paint::Faint.on(&names::servers(servers), colour))
        }
        Event::Provisional { code, meaning, reason, media, told, .. } => {
            let early = if media.is_some() { " With early media." } else { "" };
            let (status, ended) = (status(*code, reason), branch_ended(*meaning));
            Line::Note(format!("  {status}{ended}: {}{early}", told.person))
        }
        _ => return None,
    })
}

/// A call from its answer to its end.
fn of_call(event: &Event) -> Option<Line> {
    Some(match event {
        Event::EarlyMediaChanged { media, .. } => {
            Line::Note(format!("  early media changed{}", on(Some(media))))
        }
        Event::Established { call, action, media } => {
            let whose = named(*call, action.is_some());
            Line::Result(format!("{whose}answered{}", on(media.as_ref())))
        }
        Event::MediaChanged { call, media } => {
            Line::Note(format!("Call {}: media changed{}", call.0, on(Some(media))))
        }
        Event::Ended { call, action, by, why, talked } => {
            let whose = named(*call, action.is_some());
            Line::Note(format!("{whose}{}", ended(*by, why, *talked)))
        }
        _ => return None,
    })
}

/// What the other side asks for.
fn of_incoming(event: &Event) -> Option<Line> {
    Some(match event {
        Event::IncomingCall { call, request, .. } => {
            Line::Result(format!("Call {} {}", call.0, incoming(request)))
        }
        Event::IncomingMessage { request, .. } => {
            let body = clean::line(&String::from_utf8_lossy(&request.body));
            Line::Result(format!("Message {}: {body}", incoming(request)))
        }
        Event::IncomingRequest { call, request, code } => Line::Note(format!(
            "Call {}: {} came, answered {}",
            call.0,
            request.method.as_str(),
            code.as_u16()
        )),
        Event::Played { request, code } => Line::Result(format!(
            "{} {}: answered {}",
            clean::line(request.method.as_str()),
            incoming(request),
            code.as_u16()
        )),
        _ => return None,
    })
}

/// Registrations, publications and subscriptions.
fn of_kept(event: &Event) -> Option<Line> {
    Some(match event {
        Event::Registered { granted, refresh_in, .. } => kept("Registered", *granted, *refresh_in),
        Event::Published { granted, refresh_in, .. } => kept("Published", *granted, *refresh_in),
        Event::Subscribed { granted, refresh_in, .. } => kept("Subscribed", *granted, *refresh_in),
        Event::Notified { state, reason, content_type, body, .. } => {
            Line::Result(notified(*state, reason.as_deref(), content_type.as_deref(), body))
        }
        Event::RefreshFailed { attempt, retry_in, .. } => Line::Note(format!(
            "It could not be refreshed ({}); tried again in {}",
            answered(attempt),
            whole(*retry_in)
        )),
        _ => return None,
    })
}

fn kept(what: &str, granted: Duration, refresh_in: Option<Duration>) -> Line {
    let refresh =
        refresh_in.map_or_else(String::new, |time| format!("; refreshed in {}", whole(time)));
    Line::Note(format!("{what} for {}{refresh}", whole(granted)))
}

fn named(call: CallId, placed: bool) -> String {
    if placed { "Call ".to_owned() } else { format!("Call {} ", call.0) }
}

fn on(media: Option<&Media>) -> String {
    let Some(media) = media else { return String::new() };
    let with = media.remote.map_or_else(String::new, |address| format!(" with {address}"));
    format!(": {}{with}", media.codec.name())
}

fn incoming(request: &Incoming) -> String {
    let subject = request
        .subject
        .as_deref()
        .map_or_else(String::new, |subject| format!(" about \"{}\"", clean::line(subject)));
    format!(
        "from {} ({}) for {}{subject}",
        clean::line(&request.from),
        request.source,
        clean::line(&request.uri)
    )
}

/// A notification: where the subscription stands, and the state below it.
fn notified(
    state: Substate,
    reason: Option<&str>,
    content_type: Option<&str>,
    body: &[u8],
) -> String {
    let state = match state {
        Substate::Active => "active",
        Substate::Pending => "pending: somebody has to decide",
        Substate::Terminated => "ended",
        _ => "somewhere between",
    };
    let why = reason.map_or_else(String::new, |reason| format!(" ({})", clean::line(reason)));
    let mut text = format!("Notified: the subscription is {state}{why}");
    if !body.is_empty() {
        let kind = content_type.map(clean::line).unwrap_or_default();
        let _ = write!(text, ", {kind}");
        for line in clean::lines(&String::from_utf8_lossy(body)) {
            let _ = write!(text, "\n  {line}");
        }
    }
    text
}

/// What has ended a branch, if that is said.
fn branch_ended(meaning: Progress) -> String {
    match meaning {
        Progress::BranchEnded { cause: Some(cause) } => format!(" (because of {cause})"),
        _ => String::new(),
    }
}

fn ended(by: Side, why: &EndCause, talked: Duration) -> String {
    let who = match by {
        Side::Local => "this side",
        Side::Remote => "the other side",
        Side::Network => "the network",
    };
    let after = short(talked);
    match why {
        EndCause::Bye { reason } => format!("ended by {who} after {after}{}", because(reason)),
        EndCause::Cancelled { reason } => format!("cancelled by {who}{}", because(reason)),
        EndCause::Refused { code, reason } => format!("refused: {}", status(*code, reason)),
        EndCause::TimeUp => format!("ended because its time was up, after {after}"),
        EndCause::NoAck => "ended because the answer was never acknowledged".to_owned(),
        EndCause::Lost { code: Some(code) } => {
            format!("lost after {after}: the other side answered {}", code.as_u16())
        }
        EndCause::Lost { code: None } => {
            format!("lost after {after}: the other side no longer answers")
        }
        EndCause::NoCommonMedia => "ended because no media could be agreed on".to_owned(),
        EndCause::NoAnswer => "ended because nobody answered".to_owned(),
        _ => format!("ended by {who} after {after}"),
    }
}

fn because(reason: &Option<String>) -> String {
    reason.as_deref().map_or_else(String::new, |reason| format!(" ({})", clean::line(reason)))
}

fn whole(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

#[cfg(test)]
mod tests {
    use antiphon_core::user_agent::ActionId;
    use antiphon_sip::StatusCode;

    use super::*;
    use crate::report::testing::provisional;

    #[test]
    fn what_a_provisional_response_means_is_told_rfc3261_21_1_rfc6228_4() {
        let line = |code, meaning| {
            let (action, call) = (ActionId(1), CallId(1));
            let (reason, to_tag) = ("Yes".to_owned(), String::new());
            let code = StatusCode::new(code).unwrap();
            let told = Box::new(provisional(code));
            let came = Event::Provisional {
                action,
                call,
                code,
                meaning,
                reason,
                to_tag,
                media: None,
                told,
            };
            let Line::Note(line) = event(&came, false) else { return String::new() };
            line
        };
        let queued = "  182 \"Yes\": The call is waiting in a queue.";
        assert_eq!(line(182, Progress::Queued), queued);
        assert_eq!(line(183, Progress::Session), "  183 \"Yes\": The call is being set up.");
        let ended = line(199, Progress::BranchEnded { cause: Some(486) });
        assert!(ended.starts_with("  199 \"Yes\" (because of 486): One of the phones"), "{ended}");
    }
}
