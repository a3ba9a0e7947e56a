//! How long a command waits for the outcome of what it began.
//!
//! The user agent keeps a cancelled INVITE until its transaction ends, 32 s later, because an
//! answer may still come and would have to be acknowledged and hung up (RFC 3261 §9.1). A person at
//! a command line has gone by then.

use antiphon_core::time::Time;
use antiphon_core::user_agent::{ActionId, Attempt, Command, Conclusion, Event, Outcome};
use tokio::time::Instant;

use crate::client::Client;
use crate::session::Agent;

/// The patience of a command with one action.
#[derive(Debug)]
pub(super) struct Waiting {
    action: ActionId,
    begun: Time,
    until: Option<Instant>,
    /// What it will have been when nothing comes.
    conclusion: Conclusion,
    tried: Vec<Attempt>,
}

impl Waiting {
    /// Waits as long as the client wants, and for the answer to a CANCEL after that.
    pub(super) fn for_action(action: ActionId, client: &Client, now: Time) -> Self {
        Self {
            action,
            begun: now,
            until: client.timeout.and_then(|timeout| Agent::grace().checked_add(timeout)),
            conclusion: Conclusion::TimeUp,
            tried: Vec::new(),
        }
    }

    /// Until when.
    pub(super) const fn until(&self) -> Option<Instant> {
        self.until
    }

    /// Remembers the requests, in case nobody else will tell of them.
    pub(super) fn look(&mut self, event: &Event) {
        match event {
            Event::Attempt { action, attempt } if *action == self.action => {
                self.tried.push(attempt.clone());
            }
            Event::Answered { action, attempt } if *action == self.action => {
                if self.tried.last().is_some_and(|last| last.cseq == attempt.cseq) {
                    self.tried.pop();
                }
                self.tried.push(attempt.clone());
            }
            _ => {}
        }
    }

    /// Ends the action properly, and waits only for a moment from now on.
    pub(super) async fn stop(&mut self, agent: &Agent) {
        self.until = Some(Agent::grace());
        self.conclusion = Conclusion::Stopped;
        agent.command(Command::Stop(self.action)).await;
    }

    /// Waits no longer. What is told when nothing came in time.
    pub(super) fn give_up(self, agent: &mut Agent) -> Box<Outcome> {
        agent.give_up();
        let nothing = Outcome::unanswered(self.action, self.conclusion, self.begun, agent.now());
        Box::new(Outcome { tried: self.tried, ..nothing })
    }
}
