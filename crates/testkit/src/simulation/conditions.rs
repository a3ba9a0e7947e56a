//! What one direction of the network does to what travels in it.

use std::time::Duration;

/// The conditions of one direction between two nodes. Loss, doubling and reordering concern
/// datagrams; a stream only has latency and cuts, because its own protocol repairs the rest.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Conditions {
    pub(super) shortest: Duration,
    pub(super) longest: Duration,
    pub(super) loss: f64,
    pub(super) doubling: f64,
    pub(super) reordering: f64,
    pub(super) held_back: Duration,
    pub(super) mtu: usize,
}

impl Conditions {
    /// The largest payload of a UDP datagram over IPv4.
    const LARGEST_DATAGRAM: usize = 65_507;

    /// A perfect network that takes no time.
    #[must_use]
    pub const fn ideal() -> Self {
        Self {
            shortest: Duration::ZERO,
            longest: Duration::ZERO,
            loss: 0.0,
            doubling: 0.0,
            reordering: 0.0,
            held_back: Duration::from_millis(100),
            mtu: Self::LARGEST_DATAGRAM,
        }
    }

    /// A local network: one millisecond, no faults. The default.
    #[must_use]
    pub const fn lan() -> Self {
        Self::ideal().latency(Duration::from_millis(1), Duration::from_millis(1))
    }

    /// The open Internet on a bad day: 20 to 120 ms, 5 % lost, 1 % doubled, 2 % out of order.
    #[must_use]
    pub const fn rough() -> Self {
        Self::ideal()
            .latency(Duration::from_millis(20), Duration::from_millis(120))
            .loss(0.05)
            .doubling(0.01)
            .reordering(0.02)
    }

    /// How long octets travel, drawn evenly between the two. Datagrams keep their order unless
    /// [`reordering`](Self::reordering) says otherwise.
    #[must_use]
    pub const fn latency(mut self, shortest: Duration, longest: Duration) -> Self {
        self.shortest = shortest;
        self.longest = longest;
        self
    }

    /// The part of the datagrams that is lost, 0 to 1.
    #[must_use]
    pub const fn loss(mut self, part: f64) -> Self {
        self.loss = part;
        self
    }

    /// The part of the datagrams that arrives twice, 0 to 1.
    #[must_use]
    pub const fn doubling(mut self, part: f64) -> Self {
        self.doubling = part;
        self
    }

    /// The part of the datagrams that is held back so that later ones overtake it, 0 to 1.
    #[must_use]
    pub const fn reordering(mut self, part: f64) -> Self {
        self.reordering = part;
        self
    }

    /// How long a datagram that is to be overtaken is held back at most; 100 ms by default.
    #[must_use]
    pub const fn held_back(mut self, longest: Duration) -> Self {
        self.held_back = longest;
        self
    }

    /// The largest datagram, in octets; a larger one cannot be delivered
    /// ([`Fault::TooLarge`](antiphon_core::flow::Fault::TooLarge)).
    #[must_use]
    pub const fn mtu(mut self, octets: usize) -> Self {
        self.mtu = octets;
        self
    }
}

impl Default for Conditions {
    fn default() -> Self {
        Self::lan()
    }
}

/// How long these octets travel.
pub(super) fn travel(conditions: &Conditions, random: &mut fastrand::Rng) -> Duration {
    between(conditions.shortest, conditions.longest, random)
}

/// A duration drawn evenly, both ends included.
pub(super) fn between(
    shortest: Duration,
    longest: Duration,
    random: &mut fastrand::Rng,
) -> Duration {
    let micros = |duration: Duration| u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let (from, to) = (micros(shortest), micros(longest).max(micros(shortest)));
    Duration::from_micros(random.u64(from..=to))
}

/// Whether something of this probability happens. Always draws, so that the run does not change
/// its course when a probability is set to zero.
pub(super) fn happens(probability: f64, random: &mut fastrand::Rng) -> bool {
    random.f64() < probability
}
