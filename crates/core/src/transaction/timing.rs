//! The timers of RFC 3261 §17 (Table 4), RFC 6026 and RFC 4320, and their intervals.

use std::time::Duration;

use crate::endpoint::Intervals;
use crate::time::Time;

/// Every timer that a transaction runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Timer {
    /// Sends an INVITE again over UDP: T1, doubling (RFC 3261 §17.1.1.2).
    A,
    /// Ends an INVITE without any response: 64*T1 (§17.1.1.2).
    B,
    /// Waits for repeated non-2xx responses to an INVITE: 32 s or more (§17.1.1.2).
    D,
    /// Sends another request again over UDP: T1, doubling up to T2 (§17.1.2.2).
    E,
    /// Ends another request without a final response: 64*T1 (§17.1.2.2).
    F,
    /// Sends a non-2xx response to INVITE again over UDP: T1, doubling up to T2 (§17.2.1).
    G,
    /// Gives up waiting for the ACK: 64*T1 (§17.2.1).
    H,
    /// Waits for repeated ACKs: T4 (§17.2.1).
    I,
    /// Waits for repeated requests: 64*T1 (§17.2.2).
    J,
    /// Waits for repeated responses: T4 (§17.1.2.2).
    K,
    /// Waits for repeated INVITEs behind a 2xx: 64*T1 (RFC 6026 §7.1).
    L,
    /// Waits for further 2xx responses: 64*T1 (RFC 6026 §7.2).
    M,
    /// Answers an INVITE with 100 when its user is silent: 200 ms (RFC 3261 §17.2.1).
    Trying,
    /// Answers another request with 100: when Timer E of its client has reached T2
    /// (RFC 4320 §4.1).
    LateTrying,
    /// Gives up waiting for the response to a cancelled INVITE: 64*T1 (RFC 3261 §9.1).
    Cancelled,
    /// Notices that the user does not answer: 64*T1, and an hour for INVITE.
    Unanswered,
}

/// When the user must have said something to an INVITE. A net under roles that forget a request,
/// so it is wider than any of them may rightly take: a proxy that tries ten targets one after the
/// other waits for Timer C, more than 3 minutes, with each (§16.6 step 11).
const INVITE_ANSWER: Duration = Duration::from_secs(60 * 60);

/// How long a user may be silent before the 100 to an INVITE is sent (§17.2.1).
const INVITE_TRYING: Duration = Duration::from_millis(200);

/// The least that Timer D is over UDP (§17.1.1.2).
const TIMER_D_LEAST: Duration = Duration::from_secs(32);

/// The intervals that hold for one transaction.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    intervals: Intervals,
    reliable: bool,
    patience: Option<Duration>,
}

impl Timing {
    pub(crate) const fn new(intervals: Intervals, reliable: bool) -> Self {
        Self { intervals, reliable, patience: None }
    }

    /// The same, for a request that is to be tried elsewhere when nothing has come back for so
    /// long.
    pub(crate) const fn with_patience(self, patience: Option<Duration>) -> Self {
        Self { patience, ..self }
    }

    /// How long a request may be without any response: Timers B and F, or less when there is
    /// another server to be tried (RFC 3263 §4.3), so that all of them fit into the time of one.
    pub(super) fn patience(&self) -> Duration {
        let lifetime = self.lifetime();
        self.patience.map_or(lifetime, |patience| patience.min(lifetime))
    }

    /// 64*T1: Timers B, F, H, J, L and M.
    pub(crate) fn lifetime(&self) -> Duration {
        self.intervals.t1.saturating_mul(64)
    }

    /// The first interval of Timer A, E or G; none over a transport that does not lose.
    pub(super) fn retransmission(&self, now: Time) -> Option<Backoff> {
        let interval = self.intervals.t1;
        (!self.reliable).then(|| Backoff { at: now + interval, interval })
    }

    /// T2, up to which Timers E and G double.
    pub(super) const fn t2(&self) -> Duration {
        self.intervals.t2
    }

    /// Timer D; zero over a reliable transport, as K, I and J.
    pub(super) fn timer_d(&self, now: Time) -> Option<Time> {
        self.linger(now, self.lifetime().max(TIMER_D_LEAST))
    }

    /// Timer I.
    pub(super) fn timer_i(&self, now: Time) -> Option<Time> {
        self.linger(now, self.intervals.t4)
    }

    /// Timer J.
    pub(super) fn timer_j(&self, now: Time) -> Option<Time> {
        self.linger(now, self.lifetime())
    }

    /// Timer K.
    pub(super) fn timer_k(&self, now: Time) -> Option<Time> {
        self.linger(now, self.intervals.t4)
    }

    /// When an INVITE gets its 100.
    pub(super) fn trying(&self, now: Time) -> Time {
        now + INVITE_TRYING
    }

    /// When another request gets its 100 (RFC 4320 §4.1).
    pub(super) fn late_trying(&self, now: Time) -> Time {
        now + self.e_reaches_t2()
    }

    /// Whether a 100 to a request other than INVITE that came at `since` may be sent
    /// (RFC 4320 §4.1).
    pub(super) fn may_say_trying(&self, since: Time, now: Time) -> bool {
        self.reliable || now >= self.late_trying(since)
    }

    /// When an INVITE must have been answered.
    pub(super) fn invite_answer(&self, now: Time) -> Time {
        now + INVITE_ANSWER
    }

    /// How long after the request Timer E is set to T2 for the first time.
    fn e_reaches_t2(&self) -> Duration {
        let Intervals { t1, t2, .. } = self.intervals;
        let (mut elapsed, mut interval) = (Duration::ZERO, t1);
        while interval < t2 && !interval.is_zero() {
            elapsed += interval;
            interval = interval.saturating_mul(2);
        }
        elapsed.max(t1)
    }

    fn linger(&self, now: Time, time: Duration) -> Option<Time> {
        (!self.reliable).then(|| now + time)
    }
}

/// A timer that is set again each time it fires.
#[derive(Debug, Clone, Copy)]
pub(super) struct Backoff {
    pub(super) at: Time,
    interval: Duration,
}

impl Backoff {
    /// The next interval: twice the last, `most` at most.
    pub(super) fn double(self, now: Time, most: Duration) -> Self {
        let interval = self.interval.saturating_mul(2).min(most);
        Self { at: now + interval, interval }
    }

    /// The next interval: this one.
    pub(super) fn again_in(now: Time, interval: Duration) -> Self {
        Self { at: now + interval, interval }
    }
}

/// The earlier of two timers; the first when they are due together.
pub(super) fn earlier(one: Option<(Timer, Time)>, other: (Timer, Time)) -> (Timer, Time) {
    match one {
        Some(one) if one.1 <= other.1 => one,
        _ => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timer_e_reaches_t2_after_three_and_a_half_seconds_rfc4320_4_1() {
        let timing = Timing::new(Intervals::default(), false);
        assert_eq!(timing.e_reaches_t2(), Duration::from_millis(3_500));
    }

    #[test]
    fn timer_e_reaches_t2_whatever_the_intervals_are_rfc4320_4_1() {
        let after = |t1, t2| {
            let (t1, t2) = (Duration::from_millis(t1), Duration::from_millis(t2));
            let intervals = Intervals { t1, t2, ..Intervals::default() };
            Timing::new(intervals, false).e_reaches_t2().as_millis()
        };
        assert_eq!(after(500, 3_000), 3_500);
        assert_eq!(after(500, 500), 500);
        assert_eq!(after(1_000, 500), 1_000);
        assert_eq!(after(0, 500), 0);
    }
}
