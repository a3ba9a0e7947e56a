//! Counts what is refused, and tells of it once a source and minute.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use antiphon_sip::Transport;
use tokio::time::Instant;

use crate::counters::Counters;
use crate::notice::Notice;
use crate::refusal::Refusal;

/// Sources that are told apart. More at once are an attack from many places, and are told as one.
const SOURCES: usize = 1024;

/// How long a source stays silent after a notice.
const PERIOD: Duration = Duration::from_secs(60);

/// Counts all refusals and tells some.
#[derive(Debug)]
pub(crate) struct Refusals {
    counters: Arc<Counters>,
    /// `None` stands for all sources that found no room.
    told: HashMap<Option<IpAddr>, Told>,
    notices: VecDeque<Notice>,
}

#[derive(Debug)]
struct Told {
    at: Instant,
    /// Refusals since then.
    since: u64,
}

impl Refusals {
    pub(crate) fn new(counters: Arc<Counters>) -> Self {
        Self { counters, told: HashMap::new(), notices: VecDeque::new() }
    }

    /// Counts a refusal, and tells it unless its source has been told of in this minute.
    pub(crate) fn note(
        &mut self,
        now: Instant,
        source: IpAddr,
        transport: Transport,
        refusal: Refusal,
    ) {
        refusal.counter(&self.counters).one();
        let source = self.room_for(now, source);
        let unheard = self.told.get(&source).map_or(0, |told| told.since);
        if self.told.get(&source).is_some_and(|told| now.duration_since(told.at) < PERIOD) {
            if let Some(told) = self.told.get_mut(&source) {
                told.since = unheard.saturating_add(1);
            }
            return;
        }
        self.told.insert(source, Told { at: now, since: 0 });
        self.notices.push_back(Notice::Refused { source, transport, refusal, unheard });
    }

    /// What is to be told.
    pub(crate) fn take(&mut self) -> VecDeque<Notice> {
        std::mem::take(&mut self.notices)
    }

    /// The source as it is kept: itself if there is room for one more.
    fn room_for(&mut self, now: Instant, source: IpAddr) -> Option<IpAddr> {
        let source = Some(source);
        if self.told.len() >= SOURCES && !self.told.contains_key(&source) {
            // One of those that stay is the common one, so that looking through all of them again
            // and again is not the attacker's to have: it happens once a period.
            let overflow = self.told.get(&None).is_some_and(|o| now.duration_since(o.at) < PERIOD);
            if !overflow {
                self.told.retain(|_, told| now.duration_since(told.at) < PERIOD);
            }
            if self.told.len() >= SOURCES {
                return None;
            }
        }
        source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(refusals: &mut Refusals) -> Vec<(Option<IpAddr>, u64)> {
        let told = |notice| match notice {
            Notice::Refused { source, unheard, .. } => (source, unheard),
            other => panic!("{other:?}"),
        };
        refusals.take().into_iter().map(told).collect()
    }

    fn note(refusals: &mut Refusals, now: Instant, source: u32) {
        let source = IpAddr::from(source.to_be_bytes());
        refusals.note(now, source, Transport::Tls, Refusal::NotTls);
    }

    #[test]
    fn a_source_is_told_of_once_a_minute_and_always_counted() {
        let counters = Arc::new(Counters::default());
        let mut refusals = Refusals::new(Arc::clone(&counters));
        let start = Instant::now();
        for second in 0..60 {
            note(&mut refusals, start + Duration::from_secs(second), 1);
        }
        note(&mut refusals, start, 2);
        let ip = |number: u32| Some(IpAddr::from(number.to_be_bytes()));
        assert_eq!(told(&mut refusals), [(ip(1), 0), (ip(2), 0)]);
        note(&mut refusals, start + Duration::from_secs(60), 1);
        assert_eq!(told(&mut refusals), [(ip(1), 59)]);
        assert_eq!(counters.read().handshakes_failed, 62);
    }

    #[test]
    fn more_sources_than_there_is_room_for_are_told_as_one() {
        let mut refusals = Refusals::new(Arc::default());
        let start = Instant::now();
        for source in 0..5000 {
            note(&mut refusals, start, source);
        }
        let notices = told(&mut refusals);
        assert_eq!(notices.len(), SOURCES + 1);
        assert_eq!(notices.last(), Some(&(None, 0)));
        assert!(refusals.told.len() <= SOURCES + 1);
        // A minute later there is room again.
        note(&mut refusals, start + PERIOD, 9999);
        assert_eq!(told(&mut refusals).len(), 1);
        assert_eq!(refusals.told.len(), 1);
    }
}
