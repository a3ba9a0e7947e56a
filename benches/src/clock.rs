//! Nanoseconds since the start of a bench, and a pace to keep.

use std::time::Instant;

/// Nanoseconds in a second.
pub(crate) const SECOND: u64 = 1_000_000_000;

/// A clock that began when the bench did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock(Instant);

impl Clock {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Nanoseconds since the start.
    pub(crate) fn now(self) -> u64 {
        u64::try_from(self.0.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }
}

/// An even pace: the n-th of something is due n/rate seconds after the start, however late those
/// before it were.
#[derive(Debug)]
pub(crate) struct Pace {
    rate: u64,
    count: u32,
    next: u32,
    last_at: u64,
}

impl Pace {
    /// `count` of something, `rate` of them a second.
    pub(crate) fn new(rate: u32, count: u32) -> Self {
        Self { rate: u64::from(rate.max(1)), count, next: 0, last_at: 0 }
    }

    /// The number of the next one, if it is due.
    pub(crate) fn take(&mut self, now: u64) -> Option<u32> {
        if self.due()? > now {
            return None;
        }
        let number = self.next;
        self.next += 1;
        self.last_at = now;
        Some(number)
    }

    /// When the next one is due; `None` after the last.
    pub(crate) fn due(&self) -> Option<u64> {
        (self.next < self.count).then(|| u64::from(self.next) * SECOND / self.rate)
    }

    /// When the last one that was taken was taken.
    pub(crate) const fn last_at(&self) -> u64 {
        self.last_at
    }

    /// How many a second were taken in fact.
    pub(crate) fn achieved(&self) -> u64 {
        u64::from(self.next.saturating_sub(1)) * SECOND / self.last_at.max(1)
    }
}
