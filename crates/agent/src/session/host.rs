//! The host of an agent's node: passes events on, shows messages to whoever wants them.

use antiphon_core::flow::Flow;
use antiphon_core::time::Time;
use antiphon_core::user_agent::{Answer, Event, Question, UserAgent};
use antiphon_net::{Direction, Host, Replies};
use tokio::sync::mpsc;

use super::signer::Signer;
use super::tap::Taps;

/// Events that may wait for the command, which reads them on the same thread. Far more than one
/// turn of the loop makes.
pub(super) const WAITING: usize = 4096;

/// Places kept for events that a command cannot do without. What strangers can cause in any number
/// is left out when no others are free.
const RESERVED: usize = WAITING / 2;

pub(super) struct AgentHost {
    pub(super) events: mpsc::Sender<Event>,
    pub(super) taps: Taps,
    pub(super) signer: Option<Signer>,
}

impl Host<UserAgent> for AgentHost {
    fn question(&mut self, question: Question, _: &Replies<UserAgent>) -> Option<Answer> {
        // Without keys nothing is configured that could be asked for.
        self.signer.as_ref().map(|signer| signer.answer(&question))
    }

    fn event(&mut self, event: Event) {
        let unasked =
            matches!(event, Event::IncomingMessage { .. } | Event::IncomingRequest { .. });
        if unasked && self.events.capacity() < RESERVED {
            return;
        }
        // With as many events as the number of calls admits, there is room. A command that is gone
        // needs none.
        let _ = self.events.try_send(event);
    }

    fn tap(&mut self, direction: Direction, flow: &Flow, octets: &[u8], now: Time) {
        self.taps.see(direction, flow, octets, now);
    }
}
