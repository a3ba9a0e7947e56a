//! The keeper of soft state: when a registration, a subscription or a publication is refreshed,
//! and what becomes of it when a refresh fails.
//!
//! A refresh is one action. The keeper only says when the next one begins.

use std::time::Duration;

use super::decision::{Decision, Later, Reaction};
use super::row::Key;
use crate::time::Time;

/// The longest wait between two tries (RFC 5626 §4.5).
const MAX_WAIT: Duration = Duration::from_secs(1800);
/// The first wait when nothing works any more (RFC 5626 §4.5).
const BASE_ALL_FAIL: Duration = Duration::from_secs(30);
/// The first wait while another flow still works (RFC 5626 §4.5).
const BASE_NOT_FAILED: Duration = Duration::from_secs(90);
/// How long before its end a long-lived state is refreshed.
const AHEAD: Duration = Duration::from_secs(600);

/// Keeps one state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keeper {
    state: KeeperState,
    failures: u32,
}

/// Where a [`Keeper`] stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeeperState {
    /// A refresh, or the first request, is under way.
    Asking,
    /// The state is granted.
    Kept {
        /// When it is refreshed.
        refresh: Time,
        /// When it ends if it is not.
        end: Time,
    },
    /// A refresh has failed and is tried again.
    Waiting {
        /// When.
        until: Time,
    },
    /// Nothing more is tried until something changes: the person is told.
    Stopped,
}

/// How a refresh ended that did not succeed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ended {
    /// The row of the failure.
    pub key: Key,
    /// When it may be tried again, if the response says so.
    pub later: Option<Later>,
}

impl Ended {
    /// How an action ended with this decision; `None` if it did not end, or succeeded.
    #[must_use]
    pub const fn of(decision: &Decision) -> Option<Self> {
        match &decision.reaction {
            Reaction::Report(report) => Some(Self { key: report.of.key, later: report.later }),
            Reaction::StopEverywhere { later, .. } => {
                Some(Self { key: decision.key, later: *later })
            }
            _ => None,
        }
    }

    /// Whether asking again by itself would be rude or useless.
    fn is_for_good(&self) -> bool {
        match self.key {
            Key::Code(code) => {
                matches!(code.as_u16(), 401 | 403 | 404 | 407 | 410 | 485 | 489 | 600..)
            }
            Key::Unknown(class) => class == antiphon_sip::name::Class::GlobalFailure,
            Key::TransportError | Key::Timeout => false,
        }
    }

    /// Whether the code's Retry-After is about the person or the service, so that even a refusal
    /// for good becomes one for a time.
    fn may_come_back(&self) -> bool {
        match self.key {
            Key::Code(code) => !matches!(code.as_u16(), 401 | 403 | 407 | 410 | 485 | 489),
            Key::Unknown(_) | Key::TransportError | Key::Timeout => true,
        }
    }
}

impl Default for Keeper {
    fn default() -> Self {
        Self::new()
    }
}

impl Keeper {
    /// A keeper whose first request is under way.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: KeeperState::Asking, failures: 0 }
    }

    /// Where it stands.
    #[must_use]
    pub const fn state(&self) -> KeeperState {
        self.state
    }

    /// When the next refresh is due.
    #[must_use]
    pub const fn due(&self) -> Option<Time> {
        match self.state {
            KeeperState::Kept { refresh, .. } => Some(refresh),
            KeeperState::Waiting { until } => Some(until),
            KeeperState::Asking | KeeperState::Stopped => None,
        }
    }

    /// A refresh begins: because it is due, or because something has changed.
    pub const fn asks(&mut self) {
        self.state = KeeperState::Asking;
    }

    /// The state was granted for a time. It is refreshed at half of it, or 600 s before its end,
    /// whichever is later.
    pub fn granted(&mut self, now: Time, lifetime: Duration) {
        self.failures = 0;
        let refresh = now + (lifetime / 2).max(lifetime.saturating_sub(AHEAD));
        self.state = KeeperState::Kept { refresh, end: now + lifetime };
    }

    /// The refresh has failed. `other_flow`: another flow of the same state still works.
    pub fn failed(&mut self, now: Time, ended: Ended, other_flow: bool, random: u64) {
        self.failures = self.failures.saturating_add(1);
        let asked = ended.later.filter(|_| ended.may_come_back());
        self.state = match asked {
            Some(later) => {
                // Zero means at once, which a server in trouble must not be taken at its word for.
                let seconds = u64::from(later.seconds).max(1);
                KeeperState::Waiting { until: now + Duration::from_secs(seconds) }
            }
            None if ended.is_for_good() => KeeperState::Stopped,
            None => KeeperState::Waiting { until: now + self.backoff(other_flow, random) },
        };
    }

    /// RFC 5626 §4.5, used for all kinds of soft state: between half and all of
    /// `min(1800, base * 2^failures)` seconds.
    fn backoff(&self, other_flow: bool, random: u64) -> Duration {
        let base = if other_flow { BASE_NOT_FAILED } else { BASE_ALL_FAIL };
        let upper = base.saturating_mul(1_u32 << self.failures.min(10)).min(MAX_WAIT);
        let half = u64::try_from(upper.as_millis() / 2).unwrap_or(u64::MAX);
        Duration::from_millis(half + random % (half + 1))
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::StatusCode;

    use super::super::failure::Failure;
    use super::super::inputs::{Account, Purpose};
    use super::super::testing::{Bench, register};
    use super::*;

    const NOW: Time = Time::from_secs(1_000_000);

    fn ended(code: u16, seconds: Option<u32>) -> Ended {
        let later = seconds.map(|seconds| Later { seconds, duration: None });
        Ended { key: Key::Code(StatusCode::new(code).unwrap()), later }
    }

    fn wait(keeper: &mut Keeper, ended: Ended, random: u64) -> Option<u64> {
        keeper.failed(NOW, ended, false, random);
        keeper.due().map(|due| due.since(NOW).as_secs())
    }

    #[test]
    fn a_state_is_refreshed_at_half_its_time_or_ten_minutes_ahead() {
        for (lifetime, refresh) in [(60, 30), (1200, 600), (3600, 3000), (0, 0)] {
            let mut keeper = Keeper::new();
            keeper.granted(NOW, Duration::from_secs(lifetime));
            assert_eq!(keeper.due(), Some(NOW + Duration::from_secs(refresh)), "{lifetime}");
        }
    }

    #[test]
    fn failures_double_the_wait_up_to_half_an_hour_rfc5626_4_5() {
        let mut keeper = Keeper::new();
        for bounds in [30..=60, 60..=120, 120..=240, 240..=480, 480..=960, 900..=1800, 900..=1800] {
            for random in [0, u64::MAX / 3, u64::MAX] {
                let mut same = keeper.clone();
                let waited = wait(&mut same, ended(500, None), random).unwrap();
                assert!(bounds.contains(&waited), "{waited} {bounds:?}");
            }
            keeper.failed(NOW, ended(500, None), false, 0);
        }
        keeper.granted(NOW, Duration::from_secs(60));
        assert!((30..=60).contains(&wait(&mut keeper, ended(408, None), 7).unwrap()));
    }

    #[test]
    fn a_flow_that_still_works_makes_it_less_urgent_rfc5626_4_5() {
        let mut keeper = Keeper::new();
        keeper.failed(NOW, ended(503, None), true, 0);
        assert_eq!(keeper.due(), Some(NOW + Duration::from_secs(90)));
    }

    #[test]
    fn a_refusal_for_good_stops_the_keeper_until_something_changes() {
        for code in [401, 403, 404, 407, 410, 485, 489, 600, 603, 604, 607] {
            let mut keeper = Keeper::new();
            assert_eq!(wait(&mut keeper, ended(code, None), 0), None, "{code}");
            assert_eq!(keeper.state(), KeeperState::Stopped);
            keeper.asks();
            assert_eq!(keeper.state(), KeeperState::Asking);
        }
    }

    #[test]
    fn the_time_that_is_told_is_waited_rfc3261_20_33() {
        for code in [404, 480, 500, 503, 600] {
            assert_eq!(wait(&mut Keeper::new(), ended(code, Some(77)), 0), Some(77), "{code}");
        }
        assert_eq!(wait(&mut Keeper::new(), ended(503, Some(0)), 0), Some(1));
    }

    #[test]
    fn a_decision_that_ends_an_action_tells_the_keeper() {
        let mut bench = Bench::new(register());
        bench.purpose = Purpose::SoftState;
        bench.means.accounts = vec![Account { realm: None }];
        let later = [(antiphon_sip::HeaderName::RetryAfter, "99")];
        let told = Ended::of(&bench.to(503, &later)).unwrap();
        assert_eq!((told.key, told.later.unwrap().seconds), (ended(503, None).key, 99));
        assert_eq!(Ended::of(&bench.to(200, &[])), None);
        let failure = Failure { key: Key::Timeout, status: StatusCode::REQUEST_TIMEOUT };
        assert_eq!(failure.row().key, Key::Timeout);
    }
}
