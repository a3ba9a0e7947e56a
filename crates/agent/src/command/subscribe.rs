//! `subscribe`: asks to be told of a state (RFC 6665).

use std::time::Duration;

use antiphon_core::user_agent::{self, Command, Conclusion, Event, Substate};
use antiphon_sip::UriBuf;

use super::outcome_of;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::report::Verdict;
use crate::session::{self, Session};

/// What to subscribe to.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// Whose state.
    pub target: UriBuf,
    /// The event package.
    pub event: String,
    /// For how long.
    pub expires: Duration,
    /// Whether it is kept and refreshed until the command is stopped, or as long as
    /// [`Client::timeout`] says. A timeout asks for the same. Otherwise the first notification ends
    /// it.
    pub keep: bool,
    /// Header fields beside those that belong to the request.
    pub headers: Vec<(String, String)>,
}

/// Sends SUBSCRIBE, and tells every notification.
///
/// # Errors
/// See [`Failure`]. That nobody answers is no error but an ending.
pub async fn subscribe(
    client: &Client,
    subscribe: &Subscribe,
    session: Session,
) -> Result<Ending, Failure> {
    session::run(client, Some(&subscribe.target), session, async |agent| {
        let mut ask = agent.ask(client, &subscribe.target);
        ask.headers.extend(subscribe.headers.iter().cloned());
        let action = ask.action;
        let command = user_agent::Subscribe {
            ask,
            event: subscribe.event.clone(),
            expires: subscribe.expires,
            keep: subscribe.keep || client.timeout.is_some(),
        };
        agent.command(Command::Subscribe(command)).await;
        let mut seen = Seen::default();
        let Some(mut outcome) = outcome_of(agent, client, action, |event| seen.look(event)).await
        else {
            return Ok(Ending::Stopped);
        };
        if seen.taken && matches!(outcome.conclusion, Conclusion::Stopped | Conclusion::TimeUp) {
            // It was kept for as long as it was to be kept.
            outcome.conclusion = Conclusion::Succeeded;
        }
        let target = subscribe.target.as_str();
        let verdict = Verdict::of("subscribe", target, outcome, |_| seen.told(subscribe));
        agent.reporter.verdict(agent.now(), &verdict);
        Ok(verdict.ending)
    })
    .await
}

/// What came of the subscription so far.
#[derive(Debug, Default)]
struct Seen {
    taken: bool,
    notified: u32,
    /// Why the other side has ended it.
    ended: Option<String>,
}

impl Seen {
    fn look(&mut self, event: &Event) {
        match event {
            Event::Subscribed { .. } => self.taken = true,
            Event::Notified { state, reason, .. } => {
                self.notified = self.notified.saturating_add(1);
                let ended = *state == Substate::Terminated;
                self.ended = ended.then(|| reason.clone().unwrap_or_default());
            }
            _ => {}
        }
    }

    fn told(&self, subscribe: &Subscribe) -> String {
        let (target, event) = (subscribe.target.as_str(), &subscribe.event);
        match (self.notified, self.ended.as_deref()) {
            (0, _) => format!("{target} took the subscription to {event}, and notified nothing."),
            (_, Some("rejected")) => format!("{target} does not tell its {event} any more."),
            (_, Some("noresource")) => format!("{target} has no {event} any more."),
            (1, _) => format!("{target} told its {event} once; the subscription is over."),
            (count, _) => {
                format!("{target} told its {event} {count} times; the subscription is over.")
            }
        }
    }
}
