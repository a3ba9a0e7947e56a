//! Servers that have failed, and when they are trusted again (RFC 3263 §4.3, RFC 3261 §21.5.4).

use std::cell::Cell;
use std::collections::HashMap;
use std::time::Duration;

use super::server::Server;
use crate::time::Time;

/// Servers that are remembered at most. More fail at a time only when the network is gone, and then
/// it matters little which of them is tried first.
const MAX_ENTRIES: usize = 1024;

/// The first rest of a server that said nothing of how long: 64*T1 of the usual T1, as long as it
/// would have had time to answer.
const FIRST: Duration = Duration::from_secs(32);

/// The longest rest. It bounds Retry-After as well: an hour is long for a server to be without calls
/// because of one response.
const LONGEST: Duration = Duration::from_secs(3600);

/// How long the one request that tries a server again, or the one that probes it, may take to tell:
/// 64*T1 of the usual T1.
const TRIAL: Duration = Duration::from_secs(32);

/// The servers that rest. One that has failed gets no requests as long as there are others. Who can
/// probes it when its rest is over and it is wanted ([`keeps_away`](Self::keeps_away),
/// [`next_wanted`](Self::next_wanted)); otherwise one request tries it, and the next ones follow
/// when that has been answered.
#[derive(Debug, Default)]
pub struct Rests {
    entries: HashMap<Server, Rest>,
}

#[derive(Debug)]
struct Rest {
    /// The end of the rest, or of the trial that follows it.
    until: Time,
    /// How long the rest is that follows another failure.
    next: Duration,
    /// Whether a request would have gone there, had it been probed.
    is_wanted: Cell<bool>,
}

impl Rests {
    /// A server has failed. It rests for as long as it asked (Retry-After), or for 32 s, and twice
    /// as long with each further failure, up to an hour.
    pub fn failed(&mut self, now: Time, server: Server, asked: Option<Duration>) {
        if asked.is_some_and(|asked| asked.is_zero()) {
            return;
        }
        let known = self.entries.get(&server).map(|rest| rest.next);
        if known.is_none() && !self.has_room(now) {
            return;
        }
        let own = known.unwrap_or(FIRST);
        let rest = asked.unwrap_or(own).min(LONGEST);
        let next = own.saturating_mul(2).min(LONGEST);
        let is_wanted = Cell::new(false);
        self.entries.insert(server, Rest { until: now + rest, next, is_wanted });
    }

    /// A server has answered: it is as good as any.
    pub fn works(&mut self, server: &Server) {
        if !self.entries.is_empty() {
            self.entries.remove(server);
        }
    }

    /// Whether a server rests, or is being tried by another request.
    #[must_use]
    pub fn rests(&self, now: Time, server: &Server) -> bool {
        self.entries.get(server).is_some_and(|rest| rest.until > now)
    }

    /// Whether a server is to get no request as long as there are others, for those who probe: until
    /// it has answered one. That its rest is over is noted.
    #[must_use]
    pub fn keeps_away(&self, now: Time, server: &Server) -> bool {
        let Some(rest) = self.entries.get(server) else { return false };
        if rest.until <= now {
            rest.is_wanted.set(true);
        }
        true
    }

    /// A server whose rest is over and that would have been sent to since: it is to be probed now.
    pub fn next_wanted(&mut self, now: Time) -> Option<Server> {
        let wanted = self.entries.iter_mut().find(|(_, rest)| rest.is_wanted.get());
        let (server, rest) = wanted?;
        rest.is_wanted.set(false);
        rest.until = now + TRIAL;
        Some(*server)
    }

    /// A request is sent to a server. If its rest is over, the others wait for what comes of it.
    pub fn tries(&mut self, now: Time, server: &Server) {
        if self.entries.is_empty() {
            return;
        }
        if let Some(rest) = self.entries.get_mut(server).filter(|rest| rest.until <= now) {
            rest.until = now + TRIAL;
            rest.is_wanted.set(false);
        }
    }

    /// Makes room: what has not failed again for long after its rest is forgotten.
    fn has_room(&mut self, now: Time) -> bool {
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.retain(|_, rest| rest.until + LONGEST > now);
        }
        if self.entries.len() >= MAX_ENTRIES {
            self.entries.retain(|_, rest| rest.until > now);
        }
        self.entries.len() < MAX_ENTRIES
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Transport;

    use super::*;

    fn server(port: u16) -> Server {
        Server { transport: Transport::Udp, address: ([192, 0, 2, 1], port).into() }
    }

    fn at(seconds: u64) -> Time {
        Time::from_secs(1_000_000 + seconds)
    }

    #[test]
    fn a_target_rests_as_long_as_it_asked_rfc3261_21_5_4() {
        let mut rests = Rests::default();
        rests.failed(at(0), server(1), Some(Duration::from_secs(100)));
        assert!(rests.rests(at(99), &server(1)));
        assert!(!rests.rests(at(100), &server(1)));
        assert!(!rests.rests(at(0), &server(2)));
        rests.failed(at(0), server(2), Some(Duration::ZERO));
        assert!(!rests.rests(at(0), &server(2)), "it asked for no rest");
        rests.failed(at(0), server(3), Some(Duration::from_secs(1_000_000)));
        assert!(!rests.rests(at(3600), &server(3)), "nobody rests for days");
    }

    #[test]
    fn without_a_word_the_rest_doubles_up_to_an_hour() {
        let mut rests = Rests::default();
        let mut now = 0;
        for expected in [32, 64, 128, 256, 512, 1024, 2048, 3600, 3600] {
            rests.failed(at(now), server(1), None);
            assert!(rests.rests(at(now + expected - 1), &server(1)), "{expected}");
            assert!(!rests.rests(at(now + expected), &server(1)), "{expected}");
            now += expected;
        }
        rests.works(&server(1));
        rests.failed(at(now), server(1), None);
        assert!(!rests.rests(at(now + 32), &server(1)), "an answer makes it forgotten");
    }

    #[test]
    fn after_its_rest_one_request_tries_a_target_before_the_others_do() {
        let mut rests = Rests::default();
        rests.failed(at(0), server(1), None);
        assert!(!rests.rests(at(32), &server(1)));
        rests.tries(at(32), &server(1));
        assert!(rests.rests(at(33), &server(1)), "the others wait");
        rests.works(&server(1));
        assert!(!rests.rests(at(33), &server(1)));
    }

    #[test]
    fn a_trial_that_nobody_heard_of_again_does_not_last_for_ever() {
        let mut rests = Rests::default();
        rests.failed(at(0), server(1), None);
        rests.tries(at(40), &server(1));
        assert!(rests.rests(at(71), &server(1)));
        assert!(!rests.rests(at(72), &server(1)));
    }

    #[test]
    fn a_probe_is_made_once_the_rest_is_over_and_somebody_wants_the_server() {
        let mut rests = Rests::default();
        rests.failed(at(0), server(1), None);
        assert!(rests.keeps_away(at(31), &server(1)) && rests.next_wanted(at(31)).is_none());
        assert!(rests.next_wanted(at(40)).is_none(), "nobody wants it");
        assert!(rests.keeps_away(at(40), &server(1)));
        assert_eq!(rests.next_wanted(at(40)), Some(server(1)));
        assert!(rests.keeps_away(at(41), &server(1)) && rests.next_wanted(at(41)).is_none());
        rests.works(&server(1));
        assert!(!rests.keeps_away(at(41), &server(1)));
    }

    #[test]
    fn no_more_are_remembered_than_there_is_room_for() {
        let mut rests = Rests::default();
        for port in 0..2000 {
            rests.failed(at(0), server(port), None);
        }
        assert_eq!(rests.entries.len(), MAX_ENTRIES);
        rests.failed(at(10_000), server(5000), None);
        assert!(rests.rests(at(10_000), &server(5000)), "old ones make room");
    }
}
