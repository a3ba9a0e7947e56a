//! What the guard of one worker has seen and those of the others are to know: a source that tries
//! many calls tries them at all of them.

use std::net::IpAddr;
use std::time::Duration;

use antiphon_core::time::Time;

use super::{Failure, Guard, Source};

/// How much longer a source must be expected to be there for it to be told anew. A telephone that
/// registers every minute need not be told every minute.
const LONGER: Duration = Duration::from_secs(300);

/// Something that counts for or against a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Testimony {
    /// Somebody has signed in from there ([`Guard::signed_in`]).
    SignedIn {
        /// Where.
        address: IpAddr,
        /// Until when.
        until: Time,
    },
    /// Credentials from there were wrong.
    WrongCredentials {
        /// Where.
        address: IpAddr,
    },
    /// A stranger there asked for somebody who is not here.
    NotHere {
        /// Where.
        address: IpAddr,
        /// For whom.
        user: Box<str>,
    },
}

impl Testimony {
    /// What a failure is to the others. A challenge is no failure by itself, and the most frequent
    /// of all: each guard counts those that it has seen.
    #[must_use]
    pub fn of(address: IpAddr, failure: Failure<'_>) -> Option<Self> {
        match failure {
            Failure::WrongCredentials => Some(Self::WrongCredentials { address }),
            Failure::NotHere(user) => Some(Self::NotHere { address, user: user.into() }),
            Failure::Challenged(_) => None,
        }
    }
}

impl Guard {
    /// Takes what another has seen for what it has seen itself. A ban that follows is in force; the
    /// guard that saw the last failure is the one that tells of it.
    pub fn hear(&mut self, now: Time, testimony: &Testimony) {
        match testimony {
            Testimony::SignedIn { address, until } => self.signed_in(*address, *until),
            Testimony::WrongCredentials { address } => {
                self.failed(now, *address, Failure::WrongCredentials);
            }
            Testimony::NotHere { address, user } => {
                self.failed(now, *address, Failure::NotHere(user));
            }
        }
    }

    /// Whether the others know less than that somebody is expected to be there until then.
    #[must_use]
    pub fn is_news(&mut self, address: IpAddr, until: Time) -> bool {
        let known = self.signed_in.find(Source::of(address)).copied();
        known.is_none_or(|known| until > known + LONGER)
    }
}
