//! The time that the core is told.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use antiphon_core::time::Time;
use tokio::time::Instant;

/// The wall clock as it stood at the start, plus the monotonic time since: setting the system's
/// clock moves no deadline.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch: Time,
    started: Instant,
}

impl Clock {
    /// A clock that starts from the system's time.
    #[must_use]
    pub fn start() -> Self {
        // A system whose clock stands before 1970 counts from there.
        let wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { epoch: Time::EPOCH + wall, started: Instant::now() }
    }

    /// This moment.
    #[must_use]
    pub fn now(&self) -> Time {
        self.at(Instant::now())
    }

    /// What it shows at a moment.
    pub(crate) fn at(&self, moment: Instant) -> Time {
        self.epoch + moment.saturating_duration_since(self.started)
    }

    /// The moment of a deadline of the core. One too far away to be represented is taken as a day
    /// from now, after which it is looked at again.
    pub(crate) fn instant(&self, time: Time) -> Instant {
        const DAY: Duration = Duration::from_secs(86_400);
        self.started.checked_add(time.since(self.epoch)).unwrap_or_else(|| Instant::now() + DAY)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_deadline_is_the_moment_at_which_the_clock_shows_it() {
        let clock = Clock::start();
        let in_ten = clock.now() + Duration::from_secs(10);
        let left = clock.instant(in_ten).saturating_duration_since(Instant::now());
        assert!(left > Duration::from_secs(9) && left <= Duration::from_secs(10), "{left:?}");
    }

    #[test]
    fn a_deadline_at_the_end_of_time_does_not_overflow() {
        let clock = Clock::start();
        assert!(clock.instant(Time::from_micros(u64::MAX)) > Instant::now());
        assert!(clock.instant(Time::EPOCH) <= Instant::now());
    }
}
