//! The client's side: answers to challenges.
//!
//! A [`Client`] holds the accounts of a person and what it learnt of each realm. An [`Attempt`]
//! belongs to one action (a call, a registration) and sees to it that refused credentials are not
//! sent again.

use antiphon_sip::header::authentication_info::AuthenticationInfo;
use antiphon_sip::header::challenge::{Challenge, DigestChallenge};

use self::session::{Qop, Session, Usable};
use super::digest::{Algorithm, Variant};

mod account;
mod attempt;
mod error;
mod session;

pub use self::account::Account;
pub use self::attempt::Attempt;
pub use self::error::ClientError;

/// Realms a client keeps a session with. A person has one or two; more are somebody making them
/// up, and the oldest is given up.
const MAX_SESSIONS: usize = 32;

/// Who asks: it decides which field the answer stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// A server: `WWW-Authenticate`, answered with `Authorization`.
    Server,
    /// A proxy: `Proxy-Authenticate`, answered with `Proxy-Authorization`.
    Proxy,
}

/// What a client does and does not do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Whether a realm that offers nothing but MD5 is answered. Default: yes, because RFC 3261
    /// peers know nothing else.
    pub allow_md5: bool,
    /// Whether a challenge without `qop` is answered without one, as RFC 2069 has it. Default: no:
    /// `qop=auth` is sent all the same (RFC 8760 §2.6 item 8), which lets nobody learn about the
    /// password by choosing nonces. Some old servers understand only the other.
    pub answer_without_qop: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { allow_md5: true, answer_without_qop: false }
    }
}

/// The request that is to be authenticated.
#[derive(Debug, Clone, Copy)]
pub struct Outgoing<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its Request-URI, as it will be written.
    pub uri: &'a str,
    /// Its body, empty if there is none.
    pub body: &'a [u8],
}

/// A field to put in the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthHeader {
    /// `Authorization` or `Proxy-Authorization`.
    pub side: Side,
    /// The realm it is for.
    pub realm: String,
    /// The field's value.
    pub value: String,
}

/// What the challenges of a response led to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// The fields for the next request, those for realms answered earlier in this action included.
    pub headers: Vec<AuthHeader>,
    /// The realms for which there is no answer, and why.
    pub unanswered: Vec<ClientError>,
}

/// Answers challenges.
#[derive(Debug)]
pub struct Client {
    settings: Settings,
    accounts: Vec<Account>,
    sessions: Vec<Session>,
    floors: Vec<Floor>,
}

/// The best strength a realm has offered.
#[derive(Debug)]
struct Floor {
    realm: String,
    strength: u8,
}

impl Client {
    /// A client with these accounts.
    #[must_use]
    pub const fn new(settings: Settings, accounts: Vec<Account>) -> Self {
        Self { settings, accounts, sessions: Vec::new(), floors: Vec::new() }
    }

    /// Answers the challenges of a response, of all realms and both sides (RFC 3261 §22.3), for
    /// the request that is sent next. `random` gives what nobody can foresee.
    ///
    /// Of a realm's challenges the strongest is taken, of equals the first: that is the local
    /// policy for which RFC 8760 §2.4 leaves room beside "the topmost", because servers put MD5
    /// on top for clients that look no further.
    ///
    /// # Errors
    /// The first reason, when there is an answer for none of the realms.
    pub fn answer<'a>(
        &mut self,
        attempt: &mut Attempt,
        request: &Outgoing<'_>,
        challenges: &[(Side, Challenge<'a>)],
        random: &mut dyn FnMut() -> u64,
    ) -> Result<Answer, ClientError> {
        let mut unanswered = Vec::new();
        let mut answered = false;
        for (side, realm) in realms(challenges, &mut unanswered) {
            match self.begin(attempt, side, realm, challenges, random) {
                Ok(()) => answered = true,
                Err(error) => unanswered.push(error),
            }
        }
        if !answered {
            return Err(unanswered.into_iter().next().unwrap_or(ClientError::NoChallenge));
        }
        Ok(Answer { headers: self.headers(attempt, request), unanswered })
    }

    /// Credentials for a realm that was answered before, for a request that has not been
    /// challenged (RFC 3261 §22.2). `None` if the realm is not known. Counts as a try of this
    /// action.
    pub fn preempt(
        &mut self,
        attempt: &mut Attempt,
        side: Side,
        realm: &str,
        request: &Outgoing<'_>,
    ) -> Option<AuthHeader> {
        let session = find(&mut self.sessions, side, realm)?;
        attempt.begin(side, realm, false).ok()?;
        Some(session.header(request))
    }

    /// The fields of every realm that this target was given credentials for in this action, made
    /// anew: for a further request of the action that has not been challenged itself. Not for the
    /// ACK, which repeats the fields of its INVITE as they stand (RFC 3261 §22.1).
    pub fn headers(&mut self, attempt: &Attempt, request: &Outgoing<'_>) -> Vec<AuthHeader> {
        let mut headers = Vec::new();
        for (side, realm) in attempt.carried() {
            headers.extend(find(&mut self.sessions, side, realm).map(|own| own.header(request)));
        }
        headers
    }

    /// `d-ver` of RFC 3329 §2.2, for the credentials that were made last for this realm and
    /// request: their digest once more, with the server's list of mechanisms in it. `None` if the
    /// realm is not known.
    #[must_use]
    pub fn verification(
        &self,
        side: Side,
        realm: &str,
        request: &Outgoing<'_>,
        security_server: &str,
    ) -> Option<String> {
        let session = self.sessions.iter().find(|own| own.side == side && own.realm == realm)?;
        Some(session.verification(request, security_server))
    }

    /// The realms that have been answered: what [`preempt`](Self::preempt) may be asked for.
    pub fn known(&self) -> impl Iterator<Item = (Side, &str)> {
        self.sessions.iter().map(|session| (session.side, session.realm.as_str()))
    }

    /// Takes over the nonce a server wants to see next (RFC 7616 §3.5).
    pub fn learn(&mut self, side: Side, realm: &str, info: &AuthenticationInfo<'_>) {
        let next = info.nextnonce.as_deref().filter(|nonce| !nonce.is_empty());
        if let (Some(session), Some(nonce)) = (find(&mut self.sessions, side, realm), next) {
            session.renew(nonce);
        }
    }

    /// Forgets what was learnt of a realm, its best algorithm too: for a person who knows that the
    /// server was changed.
    pub fn forget(&mut self, realm: &str) {
        self.sessions.retain(|session| session.realm != realm);
        self.floors.retain(|floor| floor.realm != realm);
    }

    /// The best algorithm that each realm has offered, by its
    /// [strength](super::digest::Algorithm::strength): what is to be kept for the next client.
    pub fn floors(&self) -> impl Iterator<Item = (&str, u8)> {
        self.floors.iter().map(|floor| (floor.realm.as_str(), floor.strength))
    }

    /// Takes over what was seen of each realm before.
    pub fn set_floors(&mut self, floors: Vec<(String, u8)>) {
        self.floors =
            floors.into_iter().map(|(realm, strength)| Floor { realm, strength }).collect();
    }

    /// Chooses a challenge of the realm and begins a session with it.
    fn begin(
        &mut self,
        attempt: &mut Attempt,
        side: Side,
        realm: &str,
        challenges: &[(Side, Challenge<'_>)],
        random: &mut dyn FnMut() -> u64,
    ) -> Result<(), ClientError> {
        let usable = self.choose(side, realm, challenges)?;
        let account = account(&self.accounts, realm)
            .ok_or_else(|| ClientError::NoAccount { realm: realm.to_owned() })?;
        attempt.begin(side, realm, usable.challenge.stale)?;
        let session = Session::new(side, realm, account, &usable, random);
        self.sessions.retain(|old| old.side != side || old.realm != realm);
        if self.sessions.len() >= MAX_SESSIONS {
            self.sessions.remove(0);
        }
        self.sessions.push(session);
        Ok(())
    }

    /// The strongest challenge of the realm that may be answered.
    fn choose<'c>(
        &mut self,
        side: Side,
        realm: &str,
        challenges: &'c [(Side, Challenge<'c>)],
    ) -> Result<Usable<'c>, ClientError> {
        let mut best: Option<Usable<'c>> = None;
        let mut fault = None;
        for challenge in of_realm(challenges, side, realm) {
            match self.usable(realm, challenge) {
                Ok(usable) if best.as_ref().is_none_or(|best| usable.beats(best)) => {
                    best = Some(usable);
                }
                Ok(_) => {}
                Err(error) => fault = fault.or(Some(error)),
            }
        }
        let Some(best) = best else { return Err(fault.unwrap_or(ClientError::NoChallenge)) };
        let algorithm = best.variant.algorithm;
        if self.raise_floor(realm, algorithm.strength()) > algorithm.strength() {
            return Err(ClientError::Downgraded { realm: realm.to_owned(), offered: algorithm });
        }
        if algorithm == Algorithm::Md5 && !self.settings.allow_md5 {
            return Err(ClientError::Md5NotAllowed { realm: realm.to_owned() });
        }
        Ok(best)
    }

    fn usable<'c>(
        &self,
        realm: &str,
        challenge: &'c DigestChallenge<'c>,
    ) -> Result<Usable<'c>, ClientError> {
        let realm = || realm.to_owned();
        let nonce = challenge.nonce.as_deref().filter(|nonce| !nonce.is_empty());
        let nonce = nonce.ok_or_else(|| ClientError::MissingNonce { realm: realm() })?;
        let unknown = || ClientError::UnknownAlgorithm {
            realm: realm(),
            algorithm: challenge.algorithm.unwrap_or_default().to_owned(),
        };
        let variant = Variant::parse(challenge.algorithm).ok_or_else(unknown)?;
        let qop = match challenge.qop {
            Some(options) if options.has("auth") => Some(Qop::Auth),
            Some(options) if options.has("auth-int") => Some(Qop::AuthInt),
            Some(options) if options.iter().next().is_some() => {
                return Err(ClientError::UnknownQop { realm: realm(), qop: options.0.to_owned() });
            }
            // A session variant needs the cnonce, which needs the qop (RFC 3261 §22.4 item 8).
            _ if self.settings.answer_without_qop && !variant.session => None,
            _ => Some(Qop::Auth),
        };
        Ok(Usable { variant, nonce, qop, challenge })
    }

    /// The best strength seen of a realm before now; remembers this one if it is better.
    fn raise_floor(&mut self, realm: &str, strength: u8) -> u8 {
        if let Some(floor) = self.floors.iter_mut().find(|floor| floor.realm == realm) {
            floor.strength = floor.strength.max(strength);
            return floor.strength;
        }
        // Nothing pushes a floor out, or a stranger with many realms could lower one. A realm with
        // an account of its own is always remembered, others while there is room.
        let own = self.accounts.iter().any(|account| account.is_for(realm));
        if own || (account(&self.accounts, realm).is_some() && self.floors.len() < MAX_SESSIONS) {
            self.floors.push(Floor { realm: realm.to_owned(), strength });
        }
        strength
    }
}

fn find<'s>(sessions: &'s mut [Session], side: Side, realm: &str) -> Option<&'s mut Session> {
    sessions.iter_mut().find(|session| session.side == side && session.realm == realm)
}

/// The account for a realm: its own before one for all.
fn account<'s>(accounts: &'s [Account], realm: &str) -> Option<&'s Account> {
    let own = accounts.iter().find(|account| account.is_for(realm));
    own.or_else(|| accounts.iter().find(|account| account.is_for_any()))
}

/// The realms that ask, each once, in order; what asks without a realm or by another scheme goes
/// to `faults`.
fn realms<'c>(
    challenges: &'c [(Side, Challenge<'c>)],
    faults: &mut Vec<ClientError>,
) -> Vec<(Side, &'c str)> {
    let mut realms = Vec::new();
    for (side, challenge) in challenges {
        match challenge {
            Challenge::Other(other) => {
                faults.push(ClientError::UnknownScheme(other.scheme.to_owned()));
            }
            Challenge::Digest(DigestChallenge { realm: None, .. }) => {
                faults.push(ClientError::MissingRealm);
            }
            Challenge::Digest(DigestChallenge { realm: Some(realm), .. }) => {
                let asking = (*side, realm.as_ref());
                if !realms.contains(&asking) {
                    realms.push(asking);
                }
            }
        }
    }
    realms
}

fn of_realm<'c>(
    challenges: &'c [(Side, Challenge<'c>)],
    side: Side,
    realm: &str,
) -> impl Iterator<Item = &'c DigestChallenge<'c>> {
    challenges.iter().filter_map(move |(asking, challenge)| match challenge {
        Challenge::Digest(digest) if *asking == side && digest.realm.as_deref() == Some(realm) => {
            Some(digest)
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
