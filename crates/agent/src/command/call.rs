//! `call`: places a call and holds it.

use std::time::Duration;

use antiphon_core::user_agent::{
    ActionId, Command, EndCause, Event, Identifiers, Outcome, PlaceCall, Side,
};
use antiphon_sip::UriBuf;

use super::question::{self, Heard, Next};
use super::waiting::Waiting;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::media::{Counts, Stream};
use crate::report::{Talked, Verdict, short};
use crate::session::{self, Agent, Happening, Session};

/// What to call.
#[derive(Debug, Clone)]
pub struct Call {
    /// Whom.
    pub target: UriBuf,
    /// Hangs up this long after the answer.
    pub duration: Option<Duration>,
    /// Header fields beside those that belong to the request.
    pub headers: Vec<(String, String)>,
}

/// How often somebody is asked what to do: a number that is dialled digit by digit has twenty.
const MAX_QUESTIONS: u8 = 20;

/// How a conversation ended.
#[derive(Debug)]
struct End {
    by: Side,
    why: EndCause,
    talked: Duration,
}

/// Places a call, holds it until one side hangs up, and tells what happens.
///
/// # Errors
/// See [`Failure`]. That nobody answers is no error but an ending.
pub async fn call(client: &Client, call: &Call, session: Session) -> Result<Ending, Failure> {
    session::run(client, Some(&call.target), session, async |agent| {
        let (mut call, mut client) = (call.clone(), client.clone());
        let mut before = None;
        for questions in 0..=MAX_QUESTIONS {
            let stream = agent.open_media().await?;
            let (outcome, end) = hold(agent, &client, &call, before.take(), &stream).await;
            let rtp = stream.stop().await;
            let Some(outcome) = outcome else { return Ok(Ending::Stopped) };
            let verdict = judge(&call, outcome, end, rtp);
            agent.reporter.verdict(agent.now(), &verdict);
            let outcome = verdict.outcome.as_deref().filter(|_| questions < MAX_QUESTIONS);
            let next = match outcome {
                Some(outcome) => {
                    let next = Next {
                        target: call.target.clone(),
                        headers: call.headers.clone(),
                        anonymous: client.manner.anonymous,
                        goes_on: false,
                    };
                    question::next(agent, next, outcome).await
                }
                None => None,
            };
            let Some(next) = next else { return Ok(verdict.ending) };
            before = outcome.filter(|_| next.goes_on).and_then(|told| told.identifiers.clone());
            client.manner.anonymous = next.anonymous;
            call = Call { target: next.target, headers: next.headers, ..call };
        }
        Ok(Ending::Stopped)
    })
    .await
}

/// From the INVITE to the end of what it began.
async fn hold(
    agent: &mut Agent,
    client: &Client,
    call: &Call,
    continues: Option<Identifiers>,
    stream: &Stream,
) -> (Option<Box<Outcome>>, Option<End>) {
    let mut ask = agent.ask(client, &call.target);
    ask.headers.extend(call.headers.iter().cloned());
    let action = ask.action;
    let (media, duration) = (stream.address(), call.duration);
    let place = PlaceCall { ask, media, late_offer: false, duration, continues };
    agent.command(Command::Call(place)).await;
    let (mut outcome, mut end) = (None, None);
    let mut waiting = Waiting::for_action(action, client, agent.now());
    let mut choices = Vec::new();
    loop {
        let happening = match question::hear(agent, !choices.is_empty(), waiting.until()).await {
            Heard::Happening(happening) => happening,
            Heard::Line(line) => {
                choose(agent, action, &mut choices, line).await;
                continue;
            }
        };
        match happening {
            Happening::Event(Event::Choices { targets, .. }) => {
                choices = targets;
                if !question::ask(agent, &question::which_first(&choices)) {
                    choose(agent, action, &mut choices, None).await;
                }
            }
            Happening::Event(Event::Outcome(told)) if told.action == action => {
                let ended = Ending::of(&told) != Ending::Succeeded || end.is_some();
                outcome = Some(told);
                if ended {
                    return (outcome, end);
                }
            }
            Happening::Event(Event::Ended { by, why, talked, .. }) => {
                end = Some(End { by, why, talked });
                if outcome.is_some() {
                    return (outcome, end);
                }
            }
            Happening::Event(event) => {
                waiting.look(&event);
                follow(&event, stream);
            }
            Happening::Interrupted => waiting.stop(agent).await,
            Happening::TimeUp => {
                let outcome = outcome.unwrap_or_else(|| waiting.give_up(agent));
                return (Some(outcome), end);
            }
            Happening::Over => return (outcome, end),
        }
    }
}

/// Tells which address is tried first. Nobody who types any more means the best.
async fn choose(
    agent: &mut Agent,
    action: ActionId,
    choices: &mut Vec<(UriBuf, u16)>,
    line: Option<String>,
) {
    let pick = match line {
        Some(line) => question::picked(line.trim(), choices.len()),
        None => Some(0),
    };
    let Some(pick) = pick else {
        question::ask(agent, &question::which_first(choices));
        return;
    };
    choices.clear();
    agent.command(Command::Choose { action, pick }).await;
}

/// Sends where and what was agreed on last.
pub(super) fn follow(event: &Event, stream: &Stream) {
    match event {
        Event::Provisional { media: Some(media), .. }
        | Event::Established { media: Some(media), .. }
        | Event::EarlyMediaChanged { media, .. }
        | Event::MediaChanged { media, .. } => stream.send(media),
        _ => {}
    }
}

fn judge(call: &Call, outcome: Box<Outcome>, end: Option<End>, rtp: Counts) -> Verdict {
    let target = call.target.as_str();
    let talked = end.as_ref().map(|end| Talked { duration: end.talked, rtp });
    let mut verdict = Verdict::of("call", target, outcome, |_| lasted(target, end.as_ref()));
    if verdict.ending == Ending::Succeeded {
        verdict.talked = talked;
    }
    verdict
}

fn lasted(target: &str, end: Option<&End>) -> String {
    let Some(End { by, why, talked }) = end else {
        return format!("{target} answered.");
    };
    let time = short(*talked);
    let how = match (why, by) {
        (EndCause::TimeUp, _) => "its time was up",
        (EndCause::NoAck | EndCause::Lost { .. }, _) => "then the other side was lost",
        (EndCause::NoCommonMedia, _) => "no media could be agreed on",
        (_, Side::Local) => "it was ended here",
        (_, Side::Remote) => "the other side hung up",
        (_, Side::Network) => "the network failed",
    };
    format!("{target} answered; the call lasted {time}: {how}.")
}
