//! `answer`: takes calls and other requests, and answers them as it is told.

mod respond;

use std::collections::HashMap;
use std::time::Duration;

use antiphon_core::user_agent::{
    self, ActionId, CallId, Command, Event, Outcome, Part, Playbook, Reply,
};
use antiphon_sip::{Method, StatusCode, Uri, UriBuf, uri::SipUri};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::call::follow;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::media::Stream;
use crate::report::Verdict;
use crate::session::{self, Agent, Happening, Session};

pub use respond::{Respond, Unanswerable};

/// What is answered.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    /// The responses: [`Respond::playbook`] or [`script::parse`](crate::script::parse). Calls for
    /// which it has no part ring and are answered.
    pub playbook: Playbook,
    /// Ends after this many calls.
    pub count: Option<u64>,
}

/// Registers if there are an identity and a password, then answers every request that comes.
///
/// # Errors
/// See [`Failure`]. That nobody calls is no error.
pub async fn answer(client: &Client, answer: &Answer, session: Session) -> Result<Ending, Failure> {
    answer_telling(client, answer, None, session).await
}

/// As [`answer`]. `ready` is told when the registration stands.
pub(super) async fn answer_telling(
    client: &Client,
    answer: &Answer,
    ready: Option<oneshot::Sender<()>>,
    session: Session,
) -> Result<Ending, Failure> {
    let aor = registered_as(client);
    let session = session.playing(with_calls(answer.playbook.clone()));
    session::run(client, aor.as_ref(), session, async |agent| {
        agent.reporter.listening(agent.now(), agent.listeners());
        let registration = match &aor {
            Some(aor) => Some(register(agent, client, aor).await),
            None => None,
        };
        let count = answer.count;
        let answering = Answering { count, ready, registration, streams: HashMap::new(), ended: 0 };
        Ok(answering.run(agent, client.timeout).await)
    })
    .await
}

/// Sees to it that calls are answered even if nothing is said about them.
fn with_calls(mut playbook: Playbook) -> Playbook {
    let is_for_calls = |part: &Part| part.method == Method::Invite && !part.within;
    if !playbook.parts.iter().any(is_for_calls) {
        playbook.parts.extend(Respond::default().playbook(&[], &[]).parts);
    }
    playbook
}

/// Whose calls are wanted, if somebody can be authenticated as.
fn registered_as(client: &Client) -> Option<UriBuf> {
    client.credentials()?;
    let uri = &client.from.as_ref()?.uri;
    uri.as_uri().as_sip()?.user?;
    Some(uri.clone())
}

async fn register(agent: &mut Agent, client: &Client, aor: &UriBuf) -> ActionId {
    let mut ask = agent.ask(client, aor);
    // It is kept until the agent takes leave.
    ask.timeout = None;
    let action = ask.action;
    let expires = Duration::from_secs(3600);
    let register = user_agent::Register {
        ask,
        registrar: registrar(aor),
        contact: None,
        expires,
        keep: true,
        outbound: None,
        push: None,
    };
    agent.command(Command::Register(register)).await;
    action
}

/// The registrar of an address-of-record: its domain, without the user (RFC 3261 §10.2).
fn registrar(aor: &UriBuf) -> Option<UriBuf> {
    let uri = aor.as_uri();
    let sip = uri.as_sip()?;
    let registrar: SipUri<'_> = SipUri { user: None, password: None, headers: None, ..*sip };
    Some(UriBuf::from(Uri::Sip(registrar)))
}

struct Answering {
    count: Option<u64>,
    ready: Option<oneshot::Sender<()>>,
    registration: Option<ActionId>,
    streams: HashMap<CallId, Stream>,
    ended: u64,
}

impl Answering {
    async fn run(mut self, agent: &mut Agent, bound: Option<Duration>) -> Ending {
        let until = bound.map(|bound| Instant::now() + bound);
        while self.count.is_none_or(|count| self.ended < count) {
            match agent.next(until).await {
                Happening::Event(Event::Outcome(outcome))
                    if Some(outcome.action) == self.registration =>
                {
                    return unregistered(agent, outcome);
                }
                Happening::Event(event) => self.handle(agent, &event).await,
                Happening::Interrupted | Happening::Over => break,
                Happening::TimeUp => return self.time_up(),
            }
        }
        Ending::Succeeded
    }

    async fn handle(&mut self, agent: &mut Agent, event: &Event) {
        match event {
            Event::IncomingCall { call, .. } => self.begin(agent, *call).await,
            Event::Established { call, .. } | Event::MediaChanged { call, .. } => {
                if let Some(stream) = self.streams.get(call) {
                    follow(event, stream);
                }
            }
            Event::Ended { call, .. } => {
                self.ended += 1;
                if let Some(stream) = self.streams.remove(call) {
                    agent.reporter.rtp(agent.now(), *call, &stream.stop().await);
                }
            }
            Event::Registered { .. } => {
                if let Some(ready) = self.ready.take() {
                    // Who does not wait for it any more needs no word.
                    let _ = ready.send(());
                }
            }
            _ => {}
        }
    }

    /// The user agent plays by itself; what it waits for is where RTP is awaited.
    async fn begin(&mut self, agent: &mut Agent, call: CallId) {
        let Ok(stream) = agent.open_media().await else {
            // One call too many for this machine; those that are there go on.
            let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE);
            return agent.command(Command::Respond { call, reply }).await;
        };
        let address = stream.address();
        self.streams.insert(call, stream);
        agent.command(Command::Media { call, address }).await;
    }

    const fn time_up(&self) -> Ending {
        // Whoever waits for a number of calls did not get them.
        if self.count.is_some() { Ending::Stopped } else { Ending::Succeeded }
    }
}

/// The registration failed for good: nobody will call.
fn unregistered(agent: &Agent, outcome: Box<Outcome>) -> Ending {
    let target = outcome.tried.last().map_or_else(String::new, |last| last.target.to_string());
    let verdict = Verdict::of("answer", &target, outcome, |_| "The registration ended.".to_owned());
    agent.reporter.verdict(agent.now(), &verdict);
    verdict.ending
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_that_a_script_says_nothing_about_are_answered() {
        let parts = |text| with_calls(crate::script::parse(text).unwrap()).parts;
        let answered = Respond::default().playbook(&[], &[]).parts;
        assert_eq!(parts("MESSAGE\n415")[1..], answered);
        assert_eq!(parts("INVITE within\n491")[1..], answered);
        assert_eq!(parts("INVITE\n486").len(), 1);
    }

    #[test]
    fn the_registrar_is_the_domain_rfc3261_10_2() {
        let aor: UriBuf = "sip:alice@example.org:5070;transport=tcp".parse().unwrap();
        assert_eq!(registrar(&aor).unwrap().as_str(), "sip:example.org:5070;transport=tcp");
    }
}
