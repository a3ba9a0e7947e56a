//! Overload control between neighbours (RFC 7339): what is heeded of those that requests are sent to.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::header::Via;
use antiphon_sip::{Request, Response};

use super::Endpoint;
use super::feedback::{Algorithm, VALIDITY};
use super::urgency::is_spared;
use crate::time::Time;

/// Neighbours whose wishes are kept at most. A wish holds for moments, and of more neighbours than
/// these only those that are overloaded at the same time matter.
const NEIGHBOURS: usize = 1024;

/// The wishes of those that requests are sent to, by address and port (§5.4).
#[derive(Debug, Default)]
pub(super) struct Wishes(HashMap<SocketAddr, Wish>);

#[derive(Debug, Clone, Copy)]
struct Wish {
    limit: Limit,
    until: Time,
    sequence: Sequence,
}

#[derive(Debug, Clone, Copy)]
enum Limit {
    /// The part of new requests that is to be kept back, in percent (§7).
    Loss(u32),
    Rate(Bucket),
}

/// A leaky bucket (RFC 7415 §3.5): it fills by [`each`](Self::each) with every request that is
/// sent, and runs out by a second a second.
#[derive(Debug, Clone, Copy)]
struct Bucket {
    /// T; `None` when nothing may be sent.
    each: Option<Duration>,
    /// X, and when it was that: LCT.
    content: Duration,
    filled_at: Time,
}

/// `oc-seq`: a number with a fraction, compared as both its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Sequence(u64, u32);

impl Wishes {
    fn heed(&mut self, now: Time, neighbour: SocketAddr, mut wish: Wish) {
        if let Some(known) = self.0.get(&neighbour).filter(|known| known.until > now) {
            if known.sequence >= wish.sequence {
                return;
            }
            wish.limit.follow(&known.limit);
        }
        if self.0.len() >= NEIGHBOURS {
            self.0.retain(|_, wish| wish.until > now);
        }
        if wish.until <= now || matches!(wish.limit, Limit::Loss(0)) {
            self.0.remove(&neighbour);
        } else if self.0.len() < NEIGHBOURS || self.0.contains_key(&neighbour) {
            self.0.insert(neighbour, wish);
        }
    }

    fn limit(&mut self, now: Time, neighbour: SocketAddr) -> Option<&mut Limit> {
        let wish = self.0.get_mut(&neighbour)?;
        (wish.until > now).then_some(&mut wish.limit)
    }
}

impl Limit {
    /// What has been sent already counts on when the rate changes.
    const fn follow(&mut self, known: &Self) {
        if let (Self::Rate(bucket), Self::Rate(known)) = (self, known) {
            (bucket.content, bucket.filled_at) = (known.content, known.filled_at);
        }
    }

    /// Whether a request is to be kept back.
    fn keeps_back(&mut self, now: Time, is_spared: bool, chance: u64) -> bool {
        match self {
            Self::Loss(percent) => !is_spared && chance % 100 < u64::from(*percent),
            Self::Rate(bucket) => !bucket.takes(now, is_spared, chance),
        }
    }
}

impl Bucket {
    /// TAU1 and TAU2 as multiples of T (RFC 7415 §3.5.2).
    const ORDINARY: u32 = 5;
    const SPARED: u32 = 10;

    fn new(now: Time, rate: u32) -> Self {
        let each = Duration::from_secs(1).checked_div(rate);
        Self { each, content: Duration::ZERO, filled_at: now }
    }

    /// Whether there is room for one more, which then is in it. Calls that there are and calls for
    /// help have room where others have none; but the rate is a limit to them too (§3.4).
    fn takes(&mut self, now: Time, is_spared: bool, chance: u64) -> bool {
        let Some(each) = self.each else { return false };
        let content = self.content.saturating_sub(now.since(self.filled_at));
        let most = each * if is_spared { Self::SPARED } else { Self::ORDINARY };
        if content > most {
            return false;
        }
        // §3.5.3: who finds it empty fills it by T/2 to 3T/2, so that many that have begun together
        // do not go on together.
        let filled = if content.is_zero() { each / 2 + part(each, chance) } else { each };
        (self.content, self.filled_at) = (content + filled, now);
        true
    }
}

/// A random part of a duration.
fn part(whole: Duration, chance: u64) -> Duration {
    let nanos = u64::try_from(whole.as_nanos()).unwrap_or(u64::MAX).max(1);
    Duration::from_nanos(chance % nanos)
}

impl Endpoint {
    /// Takes what a neighbour says of its load in our Via (§5.4).
    pub(super) fn take_feedback(&mut self, now: Time, from: SocketAddr, response: &Response) {
        if let Some(wish) = response.top_via().and_then(|via| wish(now, &via)) {
            self.wishes.heed(now, from, wish);
        }
    }

    /// Whether a request is kept back because its next hop has asked for less (§5.5, §7.2,
    /// RFC 7415 §3.5).
    pub(super) fn is_kept_back(&mut self, now: Time, to: SocketAddr, request: &Request) -> bool {
        let Some(limit) = self.wishes.limit(now, to) else { return false };
        limit.keeps_back(now, is_spared(request), self.chance.number())
    }
}

/// What a Via that came back says, if it says something that is understood.
fn wish(now: Time, via: &Via<'_>) -> Option<Wish> {
    let params = via.params();
    let value: u32 = params.value("oc")?.parse().ok()?;
    // §4.2: of other algorithms a value means something else.
    let limit = match Algorithm::named(params.value("oc-algo")?)? {
        Algorithm::Loss => Limit::Loss(value.min(100)),
        Algorithm::Rate => Limit::Rate(Bucket::new(now, value)),
    };
    let validity = match params.value("oc-validity") {
        Some(text) => Duration::from_millis(u64::from(text.parse::<u32>().ok()?)),
        None => VALIDITY,
    };
    let (whole, fraction) = params.value("oc-seq")?.split_once('.')?;
    let sequence = Sequence(whole.parse().ok()?, fraction.parse().ok()?);
    Some(Wish { limit, until: now + validity, sequence })
}
