//! `options`: whether somebody is there, and how far away (RFC 3261 §11).

use antiphon_core::user_agent::{Command, Outcome};
use antiphon_sip::UriBuf;

use super::outcome_of;
use crate::client::Client;
use crate::ending::{Ending, Failure};
use crate::report::{Verdict, round_trip, short};
use crate::session::{self, Session};

/// What to ask.
#[derive(Debug, Clone)]
pub struct Options {
    /// Whom.
    pub target: UriBuf,
    /// Header fields beside those that belong to the request.
    pub headers: Vec<(String, String)>,
}

/// Sends OPTIONS and tells the answer and the time it took.
///
/// # Errors
/// See [`Failure`]. That nobody answers is no error but an ending.
pub async fn options(
    client: &Client,
    options: &Options,
    session: Session,
) -> Result<Ending, Failure> {
    session::run(client, Some(&options.target), session, async |agent| {
        let mut ask = agent.ask(client, &options.target);
        ask.headers.extend(options.headers.iter().cloned());
        let action = ask.action;
        agent.command(Command::Options(ask)).await;
        let Some(outcome) = outcome_of(agent, client, action, |_| {}).await else {
            return Ok(Ending::Stopped);
        };
        let target = options.target.as_str();
        let verdict = Verdict::of("options", target, outcome, |outcome| reached(target, outcome));
        agent.reporter.verdict(agent.now(), &verdict);
        Ok(verdict.ending)
    })
    .await
}

fn reached(target: &str, outcome: &Outcome) -> String {
    let time = round_trip(outcome).map_or_else(String::new, |time| format!(" in {}", short(time)));
    let code = outcome.code.map_or(200, antiphon_sip::StatusCode::as_u16);
    format!("{target} is there: it answered {code}{time}.")
}
