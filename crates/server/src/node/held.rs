//! Answers that are held back for a moment: those to sources that fail again and again.

use std::collections::BTreeMap;

use antiphon_core::endpoint::ServerId;
use antiphon_core::time::Time;
use antiphon_sip::Response;

use super::Server;

/// Answers held back at a time. Further ones go out at once: whoever sends that many failures is
/// banned rather than slowed.
const HELD: usize = 1024;

/// The answers, by the time they are due.
#[derive(Debug, Default)]
pub(super) struct Held {
    answers: BTreeMap<(Time, u64), (ServerId, Response)>,
    next: u64,
}

impl Held {
    pub(super) fn has_room(&self) -> bool {
        self.answers.len() < HELD
    }

    /// Keeps an answer until then.
    pub(super) fn hold(&mut self, until: Time, id: ServerId, response: Response) {
        self.answers.insert((until, self.next), (id, response));
        self.next += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.answers.len()
    }

    pub(super) fn deadline(&self) -> Option<Time> {
        self.answers.first_key_value().map(|((until, _), _)| *until)
    }

    fn due(&mut self, now: Time) -> Option<(ServerId, Response)> {
        self.deadline().filter(|until| *until <= now)?;
        self.answers.pop_first().map(|(_, answer)| answer)
    }
}

impl Server {
    /// Sends the answers that have been held back for long enough.
    pub(super) fn release(&mut self, now: Time) {
        while let Some((id, response)) = self.held.due(now) {
            // An ended transaction has nobody waiting for the answer.
            let _ = self.endpoint.respond(now, id, response);
        }
    }
}
