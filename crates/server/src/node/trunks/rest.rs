//! Servers that are left alone for a while, and how they come back: after its rest a server is
//! asked by OPTIONS, and gets calls again when it has answered. One that says nothing to OPTIONS,
//! as some do to strangers, is tried by one call.

use std::time::Duration;

use antiphon_core::time::Time;

/// The first rest of a server that said nothing of how long: about as long as a request takes to
/// find out (Timer B, RFC 3261 §17.1.1.2), so that not every call waits for it.
const FIRST: Duration = Duration::from_secs(30);

/// The longest rest. It bounds Retry-After as well: an hour is long for a server to be without
/// calls because of one response.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long the one call that tries a server may take to tell.
const TRIAL: Duration = Duration::from_secs(32);

/// Why and until when a server is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rest {
    phase: Phase,
    /// How long the rest is that follows another failure.
    next: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Until then. `is_wish`: it said so itself, and is not asked before (RFC 3261 §21.5.4).
    Resting { until: Time, is_wish: bool },
    /// It is being asked whether it is there.
    Asked,
    /// It said nothing to that; the next call tries it.
    Trial,
    /// A call tries it.
    Tried { until: Time },
}

/// What a rest means for a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// As good as any.
    Ready,
    /// After the others.
    Last,
    /// Not before then.
    NotBefore(Time),
}

impl Rest {
    /// The rest of a server that has failed; `asked` is its Retry-After. None if it wants none.
    pub(super) fn after(now: Time, earlier: Option<Self>, asked: Option<Duration>) -> Option<Self> {
        if asked.is_some_and(|asked| asked.is_zero()) {
            return earlier;
        }
        let own = earlier.map_or(FIRST, |rest| rest.next);
        let next = own.saturating_mul(2).min(LONGEST);
        let phase = Phase::Resting {
            until: now + asked.unwrap_or(own).min(LONGEST),
            is_wish: asked.is_some(),
        };
        // A call that began before the server asked to be left alone ends after it: what came of
        // it says nothing new, and makes the rest neither shorter nor less wanted.
        match earlier {
            Some(Self { phase: Phase::Resting { until, is_wish }, .. })
                if until > now && (is_wish || asked.is_none()) =>
            {
                let of = |phase| match phase {
                    Phase::Resting { until, is_wish: true } => Some(until),
                    _ => None,
                };
                if of(phase).is_some_and(|new| new > until) {
                    return Some(Self { phase, next });
                }
                earlier
            }
            _ => Some(Self { phase, next }),
        }
    }

    pub(super) fn usable(&self, now: Time) -> Use {
        match self.phase {
            Phase::Resting { until, is_wish: true } if until > now => Use::NotBefore(until),
            Phase::Tried { until } if until <= now => Use::Ready,
            Phase::Resting { .. } | Phase::Asked | Phase::Tried { .. } => Use::Last,
            Phase::Trial => Use::Ready,
        }
    }

    /// Until when it is known that nobody asks it.
    pub(super) const fn until(&self) -> Option<Time> {
        match self.phase {
            Phase::Resting { until, .. } => Some(until),
            Phase::Asked | Phase::Trial | Phase::Tried { .. } => None,
        }
    }

    /// When it is to be asked whether it is there.
    pub(super) const fn due(&self) -> Option<Time> {
        self.until()
    }

    /// The question is on its way.
    pub(super) const fn asks(&mut self) {
        self.phase = Phase::Asked;
    }

    /// Nothing came back.
    pub(super) fn unanswered(&mut self) {
        if self.phase == Phase::Asked {
            self.phase = Phase::Trial;
        }
    }

    /// A call goes there.
    pub(super) fn is_called(&mut self, now: Time) {
        let is_trial = match self.phase {
            Phase::Trial => true,
            Phase::Tried { until } => until <= now,
            Phase::Resting { .. } | Phase::Asked => false,
        };
        if is_trial {
            self.phase = Phase::Tried { until: now + TRIAL };
        }
    }

    /// Whether an answer to a call ends it: not while the server wants to be left alone, since the
    /// call may have begun before it said so.
    pub(super) fn ends_with_an_answer(&self, now: Time) -> bool {
        !matches!(self.usable(now), Use::NotBefore(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_secs(1_000_000 + seconds)
    }

    fn seconds(seconds: u64) -> Option<Duration> {
        Some(Duration::from_secs(seconds))
    }

    #[test]
    fn a_server_is_left_alone_for_as_long_as_it_asked_rfc3261_21_5_4() {
        let rest = Rest::after(at(0), None, seconds(60)).unwrap();
        assert_eq!(rest.usable(at(59)), Use::NotBefore(at(60)));
        assert_eq!(rest.usable(at(60)), Use::Last, "it is asked first");
        assert_eq!(Rest::after(at(0), None, seconds(0)), None);
        let rest = Rest::after(at(0), None, seconds(1_000_000)).unwrap();
        assert_eq!(rest.until(), Some(at(3600)), "nobody rests for days");
    }

    #[test]
    fn calls_that_overlap_make_a_rest_no_shorter() {
        let wish = Rest::after(at(0), None, seconds(60));
        // A call that began before gets no answer at all, another a shorter Retry-After.
        assert_eq!(Rest::after(at(1), wish, None), wish);
        assert_eq!(Rest::after(at(1), wish, seconds(10)), wish);
        assert_eq!(Rest::after(at(1), wish, seconds(90)).unwrap().until(), Some(at(91)));
        assert!(!wish.unwrap().ends_with_an_answer(at(1)), "of a call that began before");
        // Two that find a silent server do not make it rest for longer.
        let silent = Rest::after(at(0), None, None);
        assert_eq!(Rest::after(at(1), silent, None), silent);
        assert!(silent.unwrap().ends_with_an_answer(at(1)));
    }

    #[test]
    fn without_a_word_the_rest_doubles_up_to_an_hour() {
        let (mut now, mut rest) = (0, None);
        for expected in [30, 60, 120, 240, 480, 960, 1920, 3600, 3600] {
            rest = Rest::after(at(now), rest, None);
            now += expected;
            assert_eq!(rest.unwrap().due(), Some(at(now)), "{expected}");
        }
    }

    #[test]
    fn one_that_says_nothing_to_options_is_tried_by_one_call() {
        let mut rest = Rest::after(at(0), None, None).unwrap();
        rest.asks();
        assert_eq!(rest.usable(at(31)), Use::Last);
        rest.unanswered();
        assert_eq!(rest.usable(at(40)), Use::Ready);
        rest.is_called(at(40));
        assert_eq!(rest.usable(at(41)), Use::Last, "the others wait for what comes of it");
        assert_eq!(rest.usable(at(72)), Use::Ready, "but not for ever");
    }
}
