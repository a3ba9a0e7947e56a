//! The door at which requests that would begin something are refused before they are parsed.

use std::time::Duration;

use crate::time::Time;

/// How long new requests must have come late before they are refused: a machine that had other
/// work for a moment, and keeps up, is through what waited by then.
pub(super) const STANDING: Duration = Duration::from_millis(150);

/// So many times the limit is too late even so: with the defaults an answer would soon cross the
/// request that is sent again after T1.
pub(super) const FAR_TOO_LATE: u32 = 4;

/// How long the door is watched after the last refusal: an ACK of a refusal that was given may come
/// until then, and a load that comes in waves is met at once.
const WATCHED: Duration = Duration::from_secs(1);

/// Whether new requests are let in.
#[derive(Debug, Default)]
pub(super) struct Gate {
    /// Since when more waits than should.
    late_since: Option<Time>,
    is_closed: bool,
    watched_until: Option<Time>,
}

impl Gate {
    pub(super) const fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// Closes or opens by how long a request would wait that came now; whether the door is watched.
    ///
    /// Half of what a request may wait is let stand: the other half is for what nobody foresees. For
    /// a moment more may, since a machine that had other work for that long, and keeps up, is soon
    /// through with what came meanwhile; not where the load has been too much just before.
    pub(super) fn set_wait(&mut self, now: Time, wait: Duration, most: Duration) -> bool {
        let limit = most / 2;
        if wait > limit {
            let since = *self.late_since.get_or_insert(now);
            self.is_closed =
                self.is_watched(now) || now >= since + STANDING || wait > limit * FAR_TOO_LATE;
        } else {
            self.late_since = None;
            self.is_closed = false;
        }
        if self.is_closed {
            self.watched_until = Some(now + WATCHED);
        }
        self.is_watched(now)
    }

    fn is_watched(&self, now: Time) -> bool {
        self.watched_until.is_some_and(|until| now < until)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_millis(100);

    fn at(millis: u64) -> Time {
        Time::EPOCH + Duration::from_millis(millis)
    }

    /// Whether it is closed, and whether it is watched.
    fn told(gate: &mut Gate, now: u64, wait: u64) -> (bool, bool) {
        let is_watched = gate.set_wait(at(now), Duration::from_millis(wait), MOST);
        (gate.is_closed(), is_watched)
    }

    #[test]
    fn what_waits_for_a_moment_is_let_in_and_what_stands_is_not() {
        let mut gate = Gate::default();
        assert_eq!(told(&mut gate, 0, 60), (false, false));
        assert_eq!(told(&mut gate, 149, 60), (false, false));
        assert_eq!(told(&mut gate, 150, 60), (true, true));
        assert_eq!(told(&mut Gate::default(), 0, 201), (true, true), "far too much at once");
    }

    #[test]
    fn a_load_that_comes_back_is_met_at_once_for_a_while() {
        let mut gate = Gate::default();
        assert_eq!(told(&mut gate, 0, 201), (true, true));
        assert_eq!(told(&mut gate, 10, 50), (false, true));
        assert_eq!(told(&mut gate, 999, 51), (true, true));
        assert_eq!(told(&mut gate, 1000, 0), (false, true));
        assert_eq!(told(&mut gate, 1999, 0), (false, false));
        assert_eq!(told(&mut gate, 2000, 51), (false, false));
    }
}
