//! Datagrams that have arrived and wait for their turn: only when more come than the node can
//! handle.
//!
//! The kernel's own queue holds some hundred datagrams, and when it is full it drops whatever comes
//! next. So the loop takes from it all that there is, and keeps it here, where what belongs to
//! calls that there are goes before what would begin new ones.

use std::collections::VecDeque;
use std::time::Duration;

use antiphon_core::flow::Flow;
use antiphon_core::node::Urgency;
use antiphon_core::time::Time;
use bytes::Bytes;

/// Octets that wait at most: some ten thousand messages, more than a core handles within the half
/// second after which they are sent again (RFC 3261 §17.1.1.1, T1).
const OCTETS: usize = 16 * 1024 * 1024;

/// What one datagram costs besides its octets.
const OVERHEAD: usize = size_of::<Waiting>();

/// The queues. What is in one of them keeps its order.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    first: VecDeque<Waiting>,
    ordinary: VecDeque<Waiting>,
    octets: usize,
    pace: Pace,
}

/// A datagram that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) since: Time,
    pub(super) flow: Flow,
    pub(super) octets: Bytes,
}

impl Waiting {
    /// How long it has waited.
    pub(super) fn delay(&self, now: Time) -> Duration {
        now.since(self.since)
    }

    fn cost(&self) -> usize {
        OVERHEAD + self.octets.len()
    }
}

/// How fast those of no urgency get their turn, with all that goes before them.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// The time that each takes.
    each: Duration,
    /// Since when they wait without a pause, and how many have had their turn.
    since: Option<Time>,
    count: u32,
}

impl Default for Pace {
    fn default() -> Self {
        // What a slow machine takes for a call; the first measurements put it right.
        Self { each: Duration::from_micros(100), since: None, count: 0 }
    }
}

impl Pace {
    /// Over so many it is measured.
    const MEASURE: u32 = 64;

    fn one(&mut self, now: Time) {
        let since = *self.since.get_or_insert(now);
        self.count += 1;
        if self.count <= Self::MEASURE {
            return;
        }
        // A machine that stood still for a moment tells nothing of the next.
        let measured = (now.since(since) / Self::MEASURE).min(self.each * 2);
        self.each = (self.each * 3 + measured) / 4;
        (self.since, self.count) = (Some(now), 1);
    }

    /// Nobody waits any more.
    const fn pause(&mut self) {
        (self.since, self.count) = (None, 0);
    }
}

impl Backlog {
    pub(super) fn is_empty(&self) -> bool {
        self.first.is_empty() && self.ordinary.is_empty()
    }

    /// Queues a datagram; whether there was room for it. The last quarter of the room is for what
    /// is handled first.
    pub(super) fn push(&mut self, urgency: Urgency, waiting: Waiting) -> bool {
        let (queue, room) = match urgency {
            Urgency::First => (&mut self.first, OCTETS),
            Urgency::Ordinary => (&mut self.ordinary, OCTETS / 4 * 3),
        };
        if self.octets + waiting.cost() > room {
            return false;
        }
        self.octets += waiting.cost();
        queue.push_back(waiting);
        true
    }

    /// How long one of no urgency would wait that came now, when so many `others` wait elsewhere.
    pub(super) fn wait(&self, others: usize) -> Duration {
        let waiting = u32::try_from(self.ordinary.len() + others).unwrap_or(u32::MAX);
        self.pace.each.saturating_mul(waiting)
    }

    /// The next to be handled.
    pub(super) fn pop(&mut self, now: Time) -> Option<Waiting> {
        let waiting = self.first.pop_front().or_else(|| {
            let waiting = self.ordinary.pop_front();
            self.pace.one(now);
            waiting
        })?;
        self.octets -= waiting.cost();
        if self.ordinary.is_empty() {
            self.pace.pause();
        }
        if self.is_empty() {
            // The memory goes back after the load.
            *self = Self { pace: self.pace, ..Self::default() };
        }
        Some(waiting)
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Transport;

    use super::*;

    fn waiting(octets: Bytes) -> Waiting {
        let address = "192.0.2.1:5060".parse().unwrap();
        let flow =
            Flow { transport: Transport::Udp, local: address, remote: address, connection: None };
        Waiting { since: Time::EPOCH, flow, octets }
    }

    #[test]
    fn what_is_first_goes_before_and_each_kind_keeps_its_order() {
        let mut backlog = Backlog::default();
        for (urgency, text) in [
            (Urgency::Ordinary, "INVITE"),
            (Urgency::First, "ACK"),
            (Urgency::Ordinary, "CANCEL"),
            (Urgency::First, "BYE"),
        ] {
            assert!(backlog.push(urgency, waiting(text.into())));
        }
        let order: Vec<_> =
            std::iter::from_fn(|| backlog.pop(Time::EPOCH)).map(|next| next.octets).collect();
        assert_eq!(order, ["ACK", "BYE", "INVITE", "CANCEL"]);
        assert!(backlog.is_empty() && backlog.octets == 0);
    }

    #[test]
    fn the_wait_is_what_those_before_will_take() {
        let mut backlog = Backlog::default();
        let fill = |backlog: &mut Backlog| {
            while backlog.ordinary.len() < 1000 {
                assert!(backlog.push(Urgency::Ordinary, waiting("INVITE".into())));
            }
        };
        fill(&mut backlog);
        assert_eq!(backlog.wait(0), Duration::from_millis(100), "until it is known better");
        let mut now = Time::EPOCH;
        let mut take = |backlog: &mut Backlog, count: u32, each: Duration| {
            for _ in 0..count {
                fill(backlog);
                now = now + each;
                assert!(backlog.pop(now).is_some());
            }
        };
        take(&mut backlog, 2000, Duration::from_micros(20));
        fill(&mut backlog);
        let learnt = backlog.wait(0);
        assert!((20..22).contains(&learnt.as_millis()), "{learnt:?}");
        // A machine that stands still for a second is not a slow one.
        take(&mut backlog, 1, Duration::from_secs(1));
        take(&mut backlog, 64, Duration::from_micros(20));
        fill(&mut backlog);
        assert!(backlog.wait(0) < Duration::from_millis(30), "{:?}", backlog.wait(0));
        // Nor is one that had nothing to do.
        while backlog.pop(now).is_some() {}
        assert_eq!(backlog.wait(0), Duration::ZERO);
    }

    #[test]
    fn what_waits_is_bounded_and_the_last_room_is_for_what_is_first() {
        let mut backlog = Backlog::default();
        let large = Bytes::from(vec![0; 60_000]);
        while backlog.push(Urgency::Ordinary, waiting(large.clone())) {}
        let ordinary = backlog.ordinary.len();
        while backlog.push(Urgency::First, waiting(large.clone())) {}
        assert!(backlog.first.len() > ordinary / 4 && backlog.octets <= OCTETS);
    }
}
