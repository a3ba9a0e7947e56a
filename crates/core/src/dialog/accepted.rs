//! The 2xx to an INVITE, sent again until its ACK comes (RFC 3261 §13.3.1.4).

use antiphon_sip::Response;

use crate::endpoint::Intervals;
use crate::time::Time;

/// A 2xx that has not been acknowledged. It is repeated whatever the transport is, because a
/// later hop may lose it.
#[derive(Debug, Clone)]
pub struct AcceptedInvite {
    response: Response,
    cseq: u32,
    interval: std::time::Duration,
    next: Time,
    give_up: Time,
    longest: std::time::Duration,
}

/// What is due for an [`AcceptedInvite`].
#[derive(Debug)]
pub enum Due<'a> {
    /// Nothing yet.
    Nothing,
    /// The 2xx is to be sent again.
    Repeat(&'a Response),
    /// 64*T1 have passed: the session is to be ended by BYE.
    GiveUp,
}

impl AcceptedInvite {
    /// The 2xx that was sent just now.
    #[must_use]
    pub fn new(response: Response, now: Time, intervals: &Intervals) -> Self {
        Self {
            cseq: response.cseq(),
            response,
            interval: intervals.t1,
            next: now + intervals.t1,
            give_up: now + intervals.t1 * 64,
            longest: intervals.t2,
        }
    }

    /// The CSeq number its ACK will have (§13.2.2.4).
    #[must_use]
    pub const fn cseq(&self) -> u32 {
        self.cseq
    }

    /// When something is due.
    #[must_use]
    pub fn deadline(&self) -> Time {
        self.next.min(self.give_up)
    }

    /// What is due now. The interval starts at T1 and doubles up to T2.
    pub fn due(&mut self, now: Time) -> Due<'_> {
        if now >= self.give_up {
            return Due::GiveUp;
        }
        if now < self.next {
            return Due::Nothing;
        }
        self.interval = (self.interval * 2).min(self.longest);
        self.next = now + self.interval;
        Due::Repeat(&self.response)
    }
}
