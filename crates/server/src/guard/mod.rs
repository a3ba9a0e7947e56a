//! The guard: who fails again and again is slowed, then not listened to for a while.
//!
//! It is asked with the time and does no I/O. What is counted is in [`Failure`]; what it remembers
//! of a source is in `suspect.rs`. Three kinds of sources are never banned: those that are named in
//! [`Settings::never`] (trusted networks, trunks), those from which somebody has signed in
//! ([`Guard::signed_in`]), and those that have done nothing wrong.
//!
//! A source is an address, or a network of 64 bits in IPv6. Over UDP an address can be forged, so
//! a stranger may bring a ban upon somebody else; it cannot bring it upon those three kinds.

mod bounded;
mod source;
mod suspect;
mod testimony;

use std::net::IpAddr;
use std::time::Duration;

use antiphon_core::time::Time;
use ipnet::IpNet;

use bounded::Bounded;
pub use source::{Source, SourceError};
use suspect::Suspect;
pub use testimony::Testimony;

/// Sources that have failed and are remembered: some 150 octets each. A flood from more of them
/// makes it forget those that have been silent for longest.
const SUSPECTS: usize = 32_768;

/// Bans at a time. They stand in a file that is written whole, so that it must stay small.
const BANS: usize = 16_384;

/// Sources from which somebody has signed in: as many as a large server has telephones.
const SIGNED_IN: usize = 262_144;

/// Failures in a window that cost nothing: people mistype.
const FREE: u32 = 3;

/// What the first failure after those costs; each further one costs twice as much.
const FIRST_DELAY: Duration = Duration::from_millis(250);

/// The most that a failure costs. Well below the 32 s after which a client gives up
/// (RFC 3261 §17.1.1.2), so that a person who mistyped still hears of it.
const LONGEST_DELAY: Duration = Duration::from_secs(4);

/// Between two notes about one source.
const NOTE: Duration = Duration::from_secs(60);

/// When a source is banned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Whether anybody is slowed or banned. Default: yes.
    pub is_enabled: bool,
    /// So many failures are too many. Default: 10.
    pub failures: u32,
    /// They are counted over this time, from the first one. Default: 60 s.
    pub window: Duration,
    /// A ban lasts this long. Default: 15 min.
    pub length: Duration,
    /// Networks that are never banned: trusted ones, and those of trunks. Default: none.
    pub never: Vec<IpNet>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            is_enabled: true,
            failures: 10,
            window: Duration::from_secs(60),
            length: Duration::from_secs(900),
            never: Vec::new(),
        }
    }
}

/// What counts against a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure<'a> {
    /// Credentials that were wrong.
    WrongCredentials,
    /// A stranger's request to a user who is not here. The same user again counts once, as long as
    /// not many others came between: whoever redials is no scanner.
    NotHere(&'a str),
    /// A challenge, about this user. Nothing wrong in itself: it counts when nobody has signed in
    /// from there some seconds later, and once for each user.
    Challenged(&'a str),
}

/// A source that is not listened to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ban {
    /// Who.
    pub source: Source,
    /// Until when.
    pub until: Time,
    /// After so many failures.
    pub failures: u32,
}

/// What a failure brings upon its source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consequence {
    /// How long the answer is to be held back.
    pub delay: Duration,
    /// The ban, if this was one failure too many.
    pub ban: Option<Ban>,
}

impl Consequence {
    const NONE: Self = Self { delay: Duration::ZERO, ban: None };
}

/// The guard.
#[derive(Debug)]
pub struct Guard {
    settings: Settings,
    suspects: Bounded<Suspect>,
    bans: Bounded<Ban>,
    /// Until when each counts as one of ours.
    signed_in: Bounded<Time>,
}

impl Guard {
    /// A guard that knows nobody.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            suspects: Bounded::new(SUSPECTS),
            bans: Bounded::new(BANS),
            signed_in: Bounded::new(SIGNED_IN),
        }
    }

    /// Takes other settings. What is known of sources stays; a ban that these would not make stays
    /// as well, but for sources that are never to be banned.
    pub fn set(&mut self, settings: Settings) {
        self.settings = settings;
    }

    /// Whether a source is not listened to. While nobody is banned it costs nothing.
    pub fn is_banned(&mut self, now: Time, address: IpAddr) -> bool {
        if self.bans.is_empty() || !self.settings.is_enabled {
            return false;
        }
        let source = Source::of(address);
        let is_over = self.bans.find(source).map(|ban| ban.until <= now);
        if is_over == Some(true) {
            self.bans.remove(source);
        }
        is_over == Some(false) && !self.is_never_banned(now, address)
    }

    /// Notes a failure, and says what comes of it.
    pub fn failed(&mut self, now: Time, address: IpAddr, failure: Failure<'_>) -> Consequence {
        if !self.settings.is_enabled || self.is_exempt(address) {
            return Consequence::NONE;
        }
        let source = Source::of(address);
        let is_ours = self.has_signed_in(now, source);
        if is_ours && matches!(failure, Failure::Challenged(_)) {
            return Consequence::NONE;
        }
        let Settings { window, length, failures: limit, .. } = self.settings;
        let suspect = self.suspects.of(source);
        suspect.note(now, failure, window);
        let failures = suspect.failures(limit);
        let is_punished = !matches!(failure, Failure::Challenged(_));
        let delay = if is_punished { delay(failures) } else { Duration::ZERO };
        if failures < limit || is_ours {
            return Consequence { delay, ban: None };
        }
        self.suspects.remove(source);
        let ban = Ban { source, until: now + length, failures };
        *self.bans.of_or(source, ban) = ban;
        Consequence { delay, ban: Some(ban) }
    }

    /// Somebody has signed in from there, and is expected to be there until then.
    pub fn signed_in(&mut self, address: IpAddr, until: Time) {
        let source = Source::of(address);
        let known = self.signed_in.of_or(source, until);
        *known = (*known).max(until);
        // Challenges without an answer were those of telephones that are being started.
        if self.suspects.find(source).is_some_and(Suspect::forgive) {
            self.suspects.remove(source);
        }
    }

    /// Whether an address counts as that of one of ours.
    pub fn is_of_ours(&mut self, now: Time, address: IpAddr) -> bool {
        self.has_signed_in(now, Source::of(address))
    }

    /// Whether something about a source is to be told now: once a minute. Then, how much was not
    /// told before.
    pub fn note(&mut self, now: Time, address: IpAddr) -> Option<u32> {
        self.suspects.of(Source::of(address)).tell(now, NOTE)
    }

    /// Whether an address is in a network that is never banned.
    #[must_use]
    pub fn is_exempt(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.settings.never.iter().any(|network| network.contains(&address))
    }

    /// The bans in force, by source.
    #[must_use]
    pub fn bans(&self, now: Time) -> Vec<Ban> {
        let mut bans: Vec<Ban> = self.bans.iter().copied().filter(|ban| ban.until > now).collect();
        bans.sort_unstable();
        bans
    }

    /// Takes over a ban from an earlier life.
    pub fn restore(&mut self, ban: Ban) {
        *self.bans.of_or(ban.source, ban) = ban;
    }

    /// Ends a ban, and forgets the failures before it. Whether there was one.
    pub fn lift(&mut self, source: Source) -> bool {
        self.suspects.remove(source);
        self.bans.remove(source)
    }

    fn is_never_banned(&mut self, now: Time, address: IpAddr) -> bool {
        self.is_exempt(address) || self.has_signed_in(now, Source::of(address))
    }

    fn has_signed_in(&mut self, now: Time, source: Source) -> bool {
        self.signed_in.find(source).is_some_and(|until| *until > now)
    }
}

/// What so many failures cost.
fn delay(failures: u32) -> Duration {
    let Some(doublings) = failures.checked_sub(FREE + 1) else { return Duration::ZERO };
    let factor = 2_u32.saturating_pow(doublings);
    FIRST_DELAY.saturating_mul(factor).min(LONGEST_DELAY)
}

#[cfg(test)]
mod tests;
