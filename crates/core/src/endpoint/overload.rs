//! Overload: requests that would begin something new are refused before any work is done for them,
//! so that what has begun can be ended (RFC 7339 §5.10.1, RFC 3261 §21.5.4).
//!
//! The measure is how long a message has waited for its turn. A server that keeps up has nothing
//! waiting; one that does not has a queue, and every request that it takes on makes all others
//! later. By age the right number is refused without knowing how fast the machine is.
//!
//! It is looked at twice. At the door, where a refusal costs next to nothing, by how long a request
//! would wait ([`Gate`]); and when its turn has come, by how long it has waited, should the door have
//! judged wrongly.

use std::time::Duration;

use antiphon_sip::Request;

use super::Endpoint;
use super::feedback::{Algorithm, Measure};
use super::gate::{FAR_TOO_LATE, Gate, STANDING};
use super::path::ReturnPath;
use super::urgency::is_spared;
use crate::time::Time;

/// What the endpoint knows of its load.
#[derive(Debug, Default)]
pub(super) struct Load {
    /// How long the message that is being handled has waited.
    delay: Duration,
    /// Since when, and until when, every new request has come late.
    late: Option<(Time, Time)>,
    pub(super) gate: Gate,
    pub(super) measure: Measure,
}

impl Load {
    /// Whether a new request that comes now comes too late.
    fn is_too_late(&mut self, now: Time, limit: Duration) -> bool {
        if self.delay <= limit {
            self.late = None;
            return false;
        }
        let since = match self.late {
            Some((since, last)) if now < last + STANDING => since,
            _ => now,
        };
        self.late = Some((since, now));
        now >= since + STANDING || self.delay > FAR_TOO_LATE * limit
    }
}

impl Endpoint {
    /// Tells how long the messages that are handed over from now on have waited since they
    /// arrived. When new ones come later than [`shed_after`](super::EndpointConfig::shed_after)
    /// again and again, they are refused.
    pub const fn set_delay(&mut self, delay: Duration) {
        self.load.delay = delay;
    }

    /// Tells how long a message of no urgency would wait that came now; whether each datagram is to
    /// be offered to [`turn_away`](Self::turn_away) first.
    pub fn set_wait(&mut self, now: Time, wait: Duration) -> bool {
        self.load.gate.set_wait(now, wait, self.config.shed_after)
    }

    /// Refuses a request that would begin something while too much waits; whether it did.
    pub(super) fn is_shed(
        &mut self,
        now: Time,
        path: &ReturnPath,
        request: &Request,
        feedback: Option<Algorithm>,
    ) -> bool {
        if is_spared(request) {
            return false;
        }
        // What came over a stream waited in queues that nobody sees, and then not at all: of it only
        // the door knows.
        let is_shed = if path.transport().is_reliable() {
            self.load.gate.is_closed()
        } else {
            self.load.is_too_late(now, self.config.shed_after)
        };
        self.load.measure.count(now, is_shed);
        if is_shed {
            self.counters.shed += 1;
            self.refuse_for_overload(now, path, request, feedback);
        }
        is_shed
    }

    /// Whether an ACK is for a response that was given without state.
    pub(super) fn is_of_stateless(&self, ack: &Request) -> bool {
        ack.to_tag().is_some_and(|tag| tag == self.stateless_tag(ack))
    }
}
