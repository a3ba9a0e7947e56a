//! One command a file.

pub(crate) mod answer;
pub(crate) mod call;
pub(crate) mod code;
pub(crate) mod demo;
pub(crate) mod message;
pub(crate) mod options;
pub(crate) mod publish;
mod question;
pub(crate) mod register;
pub(crate) mod subscribe;
mod waiting;

use antiphon_core::user_agent::{ActionId, Event, Outcome};

use crate::client::Client;
use crate::session::{Agent, Happening};
use waiting::Waiting;

/// Waits for the outcome of an action, looking at everything else that happens. `None` when it had
/// to end without.
async fn outcome_of(
    agent: &mut Agent,
    client: &Client,
    action: ActionId,
    mut look: impl FnMut(&Event),
) -> Option<Box<Outcome>> {
    let mut waiting = Waiting::for_action(action, client, agent.now());
    loop {
        match agent.next(waiting.until()).await {
            Happening::Event(Event::Outcome(outcome)) if outcome.action == action => {
                return Some(outcome);
            }
            Happening::Event(event) => {
                waiting.look(&event);
                look(&event);
            }
            Happening::Interrupted => waiting.stop(agent).await,
            Happening::TimeUp => return Some(waiting.give_up(agent)),
            Happening::Over => return None,
        }
    }
}
