//! `message`: an instant message outside of a call (RFC 3428).

use antiphon_core::user_agent::{Command, Outcome, SendMessage};
use antiphon_sip::{StatusCode, UriBuf};
use bytes::Bytes;

use super::outcome_of;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::report::Verdict;
use crate::session::{self, Session};

/// Plain text in the encoding that everybody reads.
const CONTENT_TYPE: &str = "text/plain;charset=UTF-8";

/// What to say.
#[derive(Debug, Clone)]
pub struct Message {
    /// To whom.
    pub target: UriBuf,
    /// What.
    pub text: String,
    /// Header fields beside those that belong to the request.
    pub headers: Vec<(String, String)>,
}

/// Sends a MESSAGE and tells whether it was taken.
///
/// # Errors
/// See [`Failure`]. That nobody answers is no error but an ending.
pub async fn message(
    client: &Client,
    message: &Message,
    session: Session,
) -> Result<Ending, Failure> {
    session::run(client, Some(&message.target), session, async |agent| {
        let mut ask = agent.ask(client, &message.target);
        ask.headers.extend(message.headers.iter().cloned());
        let action = ask.action;
        let body = Bytes::from(message.text.clone());
        let content_type = CONTENT_TYPE.to_owned();
        agent.command(Command::Message(SendMessage { ask, content_type, body })).await;
        let Some(outcome) = outcome_of(agent, client, action, |_| {}).await else {
            return Ok(Ending::Stopped);
        };
        let target = message.target.as_str();
        let verdict = Verdict::of("message", target, outcome, |outcome| taken(target, outcome));
        agent.reporter.verdict(agent.now(), &verdict);
        Ok(verdict.ending)
    })
    .await
}

/// With 202 delivery may not be claimed (RFC 3428 §7).
fn taken(target: &str, outcome: &Outcome) -> String {
    if outcome.code == Some(StatusCode::ACCEPTED) {
        format!("The message for {target} was taken for later delivery; it is not yet there.")
    } else {
        format!("{target} has the message.")
    }
}
