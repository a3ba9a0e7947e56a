//! What is remembered of a source that has failed.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use antiphon_core::time::Time;

use super::Failure;

/// How long nobody may have signed in after a challenge before it counts: a client answers at
/// once, a person who is asked for a password tries again.
const GRACE: Duration = Duration::from_secs(4);

/// Challenges without an answer that are too many even before that, in multiples of the failures
/// that are too many. All telephones of a building may start at once; a sweep is larger.
const BURST: u32 = 100;

/// Users that are remembered, so that the same one is not counted twice.
const USERS: usize = 8;

/// The failures of one source.
#[derive(Debug, Default)]
pub(super) struct Suspect {
    /// When the first of these failures was; none when there are none.
    since: Option<Time>,
    failures: u32,
    /// Challenges that may still be answered, and the first of them.
    open: u32,
    open_since: Option<Time>,
    /// The users that were asked for last, as hashes.
    users: [u64; USERS],
    next_user: usize,
    /// When something was told of it, and how much was not told since.
    told: Option<Time>,
    untold: u32,
}

impl Suspect {
    /// Takes a failure into account.
    pub(super) fn note(&mut self, now: Time, failure: Failure<'_>, window: Duration) {
        self.forget_what_is_old(now, window);
        if failure == Failure::WrongCredentials {
            // They answer a challenge, which is counted no second time.
            self.open = self.open.saturating_sub(1);
        }
        self.close_challenges(now);
        match failure {
            Failure::WrongCredentials => self.count(now),
            Failure::NotHere(user) if self.is_new(user) => self.count(now),
            Failure::Challenged(user) if self.is_new(user) => {
                self.open = self.open.saturating_add(1);
                self.open_since.get_or_insert(now);
            }
            Failure::NotHere(_) | Failure::Challenged(_) => {}
        }
    }

    /// How many failures there are, where so many are too many.
    pub(super) const fn failures(&self, limit: u32) -> u32 {
        if self.open >= limit.saturating_mul(BURST) {
            return self.failures.saturating_add(self.open);
        }
        self.failures
    }

    /// Challenges that had no answer had one after all. Whether nothing is left to be remembered.
    pub(super) fn forgive(&mut self) -> bool {
        self.open = 0;
        self.open_since = None;
        self.failures == 0 && self.told.is_none()
    }

    /// Whether to tell something now. Then, how much was not told since the last time.
    pub(super) fn tell(&mut self, now: Time, pause: Duration) -> Option<u32> {
        if self.told.is_some_and(|told| now.since(told) < pause) {
            self.untold = self.untold.saturating_add(1);
            return None;
        }
        self.told = Some(now);
        Some(std::mem::take(&mut self.untold))
    }

    fn forget_what_is_old(&mut self, now: Time, window: Duration) {
        if self.since.is_some_and(|since| now.since(since) > window) {
            self.since = None;
            self.failures = 0;
        }
    }

    fn close_challenges(&mut self, now: Time) {
        if self.open_since.is_some_and(|since| now.since(since) >= GRACE) {
            self.since.get_or_insert(now);
            self.failures = self.failures.saturating_add(std::mem::take(&mut self.open));
            self.open_since = None;
        }
    }

    fn count(&mut self, now: Time) {
        self.since.get_or_insert(now);
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether a user is none of those that were asked for last.
    fn is_new(&mut self, user: &str) -> bool {
        let mut hasher = DefaultHasher::new();
        user.hash(&mut hasher);
        // Zero is the mark of an empty place.
        let hash = hasher.finish().max(1);
        if self.users.contains(&hash) {
            return false;
        }
        if let Some(place) = self.users.get_mut(self.next_user) {
            *place = hash;
        }
        self.next_user = (self.next_user + 1) % USERS;
        true
    }
}
