//! How the calls went.

use crate::clock::{Pace, SECOND};
use crate::histogram::Histogram;

/// Counts and times of one load.
#[derive(Debug)]
pub(super) struct Outcome {
    /// Calls that came to an end of whatever kind.
    pub(super) ended: usize,
    /// Calls whose BYE was answered 200, and those that were to stay open and were answered.
    pub(super) completed: u64,
    /// Those of them that were completed while new calls were still begun.
    pub(super) ended_in_time: u64,
    /// Calls refused with 503.
    pub(super) refused: u64,
    /// Calls refused with anything else.
    pub(super) failed: u64,
    /// Messages that an end sent again because no answer came within T1.
    pub(super) retransmissions: u64,
    /// Messages that came a second time.
    pub(super) duplicates: u64,
    /// BYEs that reached the callee before their ACK.
    pub(super) overtaken: u64,
    /// Calls whose INVITE was answered 200.
    pub(super) answered: u64,
    /// From an end, through the server, to the other end.
    pub(super) through: Histogram,
    /// From the INVITE to its 200, at the caller.
    pub(super) setup: Histogram,
}

impl Outcome {
    pub(super) fn new() -> Self {
        Self {
            ended: 0,
            completed: 0,
            ended_in_time: 0,
            refused: 0,
            failed: 0,
            retransmissions: 0,
            duplicates: 0,
            overtaken: 0,
            answered: 0,
            through: Histogram::new(),
            setup: Histogram::new(),
        }
    }

    pub(super) fn print(&self, pace: &Pace) {
        println!("completed {}", self.completed);
        println!("answered {}", self.answered);
        println!("refused {}", self.refused);
        println!("failed {}", self.failed);
        println!("retransmissions {}", self.retransmissions);
        println!("duplicates {}", self.duplicates);
        println!("overtaken {}", self.overtaken);
        println!("rate {}", pace.achieved());
        println!("completed_per_second {}", self.ended_in_time * SECOND / pace.last_at().max(1));
        self.through.print("through");
        self.setup.print("setup");
    }
}
