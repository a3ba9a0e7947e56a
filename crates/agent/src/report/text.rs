//! For people.

use std::fmt::Write as _;
use std::time::Duration;

use antiphon_core::flow::Flow;
use antiphon_core::offer_answer::Media;
use antiphon_core::reaction::{Choice, Kind};
use antiphon_core::time::Time;
use antiphon_core::user_agent::{
    Attempt, CallId, EndCause, Event, Incoming, Outcome, Progress, Side, Substate,
};
use antiphon_net::{Bound, Direction};
use antiphon_sip::StatusCode;

use super::Paint;
use super::clean;
use super::clock;
use super::later::Later;
use super::names;
use super::span::short;
use super::verdict::{Talked, Verdict, why_not};
use crate::ending::Ending;
use crate::media::Counts;

/// Where a line belongs.
pub(super) enum Line {
    /// What was asked for.
    Result(String),
    /// What happens on the way to it.
    Note(String),
    Nothing,
}

pub(super) fn listening(listeners: &[Bound], colour: bool) -> String {
    let listeners: Vec<_> =
        listeners.iter().filter(|bound| bound.accepts).map(ToString::to_string).collect();
    let text = format!("Listening on {}. Ctrl-C ends it.", listeners.join(" and "));
    Paint::Faint.on(&text, colour)
}

pub(super) fn event(event: &Event, colour: bool) -> Line {
    match event {
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
        Event::Registered { granted, refresh_in, .. } => {
            let refresh = refresh_in
                .map_or_else(String::new, |time| format!("; refreshed in {}", whole(time)));
            Line::Note(format!("Registered for {}{refresh}", whole(*granted)))
        }
        Event::Published { granted, refresh_in, .. } => {
            let refresh = refresh_in
                .map_or_else(String::new, |time| format!("; refreshed in {}", whole(time)));
            Line::Note(format!("Published for {}{refresh}", whole(*granted)))
        }
        Event::Subscribed { granted, refresh_in, .. } => {
            let refresh = refresh_in
                .map_or_else(String::new, |time| format!("; refreshed in {}", whole(time)));
            Line::Note(format!("Subscribed for {}{refresh}", whole(*granted)))
        }
        Event::Notified { state, reason, content_type, body, .. } => {
            Line::Result(notified(*state, reason.as_deref(), content_type.as_deref(), body))
        }
        Event::RefreshFailed { attempt, retry_in, .. } => Line::Note(format!(
            "It could not be refreshed ({}); tried again in {}",
            answered(attempt),
            whole(*retry_in)
        )),
        // The command makes its verdict of it.
        _ => Line::Nothing,
    }
}

pub(super) fn rtp(counts: &Counts, colour: bool) -> String {
    Paint::Faint.on(&packets(counts), colour)
}

pub(super) fn message(direction: Direction, flow: &Flow, octets: &[u8], colour: bool) -> String {
    let (arrow, way) = match direction {
        Direction::In => ("<-", "from"),
        Direction::Out => ("->", "to"),
    };
    let transport = flow.transport.as_uri_param();
    let head = format!("{arrow} {way} {transport}:{}, {} octets", flow.remote, octets.len());
    let mut text = Paint::Strong.on(&head, colour);
    text.push('\n');
    for line in clean::lines(&String::from_utf8_lossy(octets)) {
        let _ = writeln!(text, "   {line}");
    }
    text
}

pub(super) fn verdict(verdict: &Verdict, colour: bool) -> String {
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

/// A request on its way.
fn sent(attempt: &Attempt) -> String {
    let to = attempt.server.map_or_else(String::new, |(transport, address)| {
        format!(" to {}:{address}", transport.as_uri_param())
    });
    format!("{} {}{to}", attempt.method.as_str(), clean::line(attempt.target.as_str()))
}

/// What came of a request, and what was done about it.
fn answered(attempt: &Attempt) -> String {
    let came = match (attempt.code, attempt.failure) {
        (Some(code), _) => status(code, &attempt.reason),
        (None, Some(failure)) => failure.to_string(),
        (None, None) => "nothing yet".to_owned(),
    };
    attempt.did.and_then(doing).map_or_else(|| came.clone(), |did| format!("{came}; {did}"))
}

/// What was done, if anything was.
const fn doing(reaction: Kind) -> Option<&'static str> {
    Some(match reaction {
        Kind::ChooseTarget | Kind::RememberTarget | Kind::TryTargets => "trying another address",
        Kind::UseProxy => "asking again through the proxy it names",
        Kind::AnswerChallenge => "asking again with credentials",
        Kind::ChangeBody => "asking again with another body",
        Kind::Shrink => "asking again in a smaller way",
        Kind::ChangeScheme => "asking again with a sip: address",
        Kind::ChangeMethod => "asking again by re-INVITE",
        Kind::ChangePriority => "asking again with another priority",
        Kind::DropExtension => "asking again without the extension",
        Kind::AddExtension => "asking again with the extension",
        Kind::Lengthen => "asking again for longer",
        Kind::StartAnew => "publishing anew",
        Kind::SignIdentity => "asking again signed otherwise",
        Kind::AgreeSecurity => "agreeing on the security",
        Kind::Reoffer => "offering something else",
        Kind::RevealIdentity => "asking again by name",
        Kind::GlareBackoff | Kind::RetryAfter => "waiting and asking again",
        Kind::NextServer => "trying the host's next address",
        Kind::Progress
        | Kind::Ring
        | Kind::EndEarlyDialog
        | Kind::Succeed
        | Kind::KeepState
        | Kind::OfferAlternatives
        | Kind::AskForMore
        | Kind::EndUsage
        | Kind::StopEverywhere
        | Kind::Report => return None,
    })
}

/// From the last request to its final response.
pub(crate) fn round_trip(outcome: &Outcome) -> Option<Duration> {
    let last = outcome.tried.last()?;
    last.answered_at.map(|at| at.since(last.at))
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

fn status(code: StatusCode, reason: &str) -> String {
    format!("{} \"{}\"", code.as_u16(), clean::line(reason))
}

fn packets(counts: &Counts) -> String {
    let lost = counts.lost();
    let lost = if lost == 0 { String::new() } else { format!(", {lost} lost") };
    format!("RTP: {} packets sent, {} received{lost}", counts.sent, counts.received)
}

fn whole(time: Duration) -> String {
    format!("{} s", time.as_secs())
}

#[cfg(test)]
mod tests {
    use antiphon_core::user_agent::ActionId;

    use super::*;
    use crate::report::testing::{provisional, refused};

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

    #[test]
    fn what_a_peer_wrote_stands_in_quotes_and_harms_nobody() {
        let busy = status(StatusCode::BUSY_HERE, "Not \x1b[31mnow");
        assert_eq!(busy, "486 \"Not ?[31mnow\"");
    }

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

    #[test]
    fn a_message_is_shown_line_by_line() {
        let address = "127.0.0.1:5060".parse().unwrap();
        let transport = antiphon_sip::Transport::Udp;
        let flow = Flow { transport, local: address, remote: address, connection: None };
        let shown = message(Direction::Out, &flow, b"OPTIONS sip:a SIP/2.0\r\n\r\n", false);
        let expected = "-> to udp:127.0.0.1:5060, 25 octets\n   OPTIONS sip:a SIP/2.0\n   \n";
        assert_eq!(shown, expected);
    }
}
