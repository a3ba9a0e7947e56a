//! `answer`: takes calls and answers them as it is told.

mod respond;

use std::collections::HashMap;
use std::time::Duration;

use antiphon_core::user_agent::{
    self, ActionId, CallId, Command, Event, Outcome, Reply, Script, Step,
};
use antiphon_net::Bound;
use antiphon_sip::{StatusCode, Uri, UriBuf, uri::SipUri};
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::call::follow;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::media::Stream;
use crate::report::Verdict;
use crate::session::{self, Agent, Happening, Session};
use respond::must_carry;

pub use respond::{Respond, Unanswerable};

/// How calls are answered.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The responses to every call.
    pub respond: Respond,
    /// Contacts of a 3xx or 485.
    pub contacts: Vec<UriBuf>,
    /// Header fields of the final response beside those that belong to it.
    pub headers: Vec<(String, String)>,
    /// Ends after this many calls.
    pub count: Option<u64>,
}

/// Registers if there are an identity and a password, then answers every call that comes.
///
/// # Errors
/// See [`Failure`]. That nobody calls is no error.
pub async fn answer(client: &Client, answer: &Answer, session: Session) -> Result<Ending, Failure> {
    let plan = Plan { answers: vec![answer.clone()], count: answer.count, ready: None };
    follow_plan(client, |_| plan, session).await
}

/// How calls are answered one after the other.
#[derive(Debug)]
pub(super) struct Plan {
    /// The first call by the first, and so on; the last stands for all that come later.
    pub(super) answers: Vec<Answer>,
    /// Ends after this many calls.
    pub(super) count: Option<u64>,
    /// Is told when calls can come.
    pub(super) ready: Option<oneshot::Sender<()>>,
}

/// As [`answer`], by a plan that is made when the listeners are known.
pub(super) async fn follow_plan(
    client: &Client,
    plan: impl FnOnce(&[Bound]) -> Plan,
    session: Session,
) -> Result<Ending, Failure> {
    let aor = registered_as(client);
    session::run(client, aor.as_ref(), session, async |agent| {
        agent.reporter.listening(agent.now(), agent.listeners());
        let registration = match &aor {
            Some(aor) => Some(register(agent, client, aor).await),
            None => None,
        };
        let plan = plan(agent.listeners());
        let answering =
            Answering { plan, registration, streams: HashMap::new(), begun: 0, ended: 0 };
        Ok(answering.run(agent, client.timeout).await)
    })
    .await
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
    let register =
        user_agent::Register { ask, registrar: registrar(aor), contact: None, expires, keep: true };
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
    plan: Plan,
    registration: Option<ActionId>,
    streams: HashMap<CallId, Stream>,
    begun: usize,
    ended: u64,
}

impl Answering {
    async fn run(mut self, agent: &mut Agent, bound: Option<Duration>) -> Ending {
        let until = bound.map(|bound| Instant::now() + bound);
        while self.plan.count.is_none_or(|count| self.ended < count) {
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
                if let Some(ready) = self.plan.ready.take() {
                    // Who does not wait for it any more needs no word.
                    let _ = ready.send(());
                }
            }
            _ => {}
        }
    }

    async fn begin(&mut self, agent: &mut Agent, call: CallId) {
        let Ok(stream) = agent.open_media().await else {
            // One call too many for this machine; those that are there go on.
            let reply = Reply::new(StatusCode::SERVICE_UNAVAILABLE);
            return agent.command(Command::Respond { call, reply }).await;
        };
        let last = self.plan.answers.len().saturating_sub(1);
        let answer = self.plan.answers.get(self.begun.min(last));
        let script = answer.map(|answer| answer.script(&stream)).unwrap_or_default();
        self.begun += 1;
        self.streams.insert(call, stream);
        agent.command(Command::Play { call, script }).await;
    }

    const fn time_up(&self) -> Ending {
        // Whoever waits for a number of calls did not get them.
        if self.plan.count.is_some() { Ending::Stopped } else { Ending::Succeeded }
    }
}

impl Answer {
    fn script(&self, stream: &Stream) -> Script {
        let last = self.respond.codes().len().saturating_sub(1);
        let steps = self.respond.codes().iter().enumerate().map(|(number, code)| {
            let mut reply = Reply::new(*code);
            // 183 is there for early media; a 2xx always has an answer or an offer.
            let has_media = *code == StatusCode::SESSION_PROGRESS || code.is_success();
            reply.media = has_media.then(|| stream.address());
            if number == last {
                reply.headers = self.final_headers(*code);
            }
            Step { after: Duration::ZERO, reply }
        });
        Script { steps: steps.collect() }
    }

    /// What the final response carries: what was asked for, and for the rest what its code must
    /// have.
    fn final_headers(&self, code: StatusCode) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        for contact in &self.contacts {
            headers.push(("Contact".to_owned(), format!("<{contact}>")));
        }
        for (name, value) in must_carry(code) {
            if !headers.iter().any(|(given, _)| given.eq_ignore_ascii_case(name.as_str())) {
                headers.push((name.as_str().to_owned(), (*value).to_owned()));
            }
        }
        headers
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
    fn the_registrar_is_the_domain_rfc3261_10_2() {
        let aor: UriBuf = "sip:alice@example.org:5070;transport=tcp".parse().unwrap();
        assert_eq!(registrar(&aor).unwrap().as_str(), "sip:example.org:5070;transport=tcp");
    }
}
