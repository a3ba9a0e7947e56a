//! The server's side: challenges, and the judgement of credentials.
//!
//! Two steps, because the user's secret lies in a store: [`Authenticator::examine`] says whose it
//! has to be, [`Authenticator::verify`] judges with it.
//!
//! ```text
//! examine(credentials) -> Claim ---- the caller looks up the user ----> verify(claim, secret)
//! ```
//!
//! What is not challenged is the caller's business: ACK and CANCEL never are (RFC 3261 §22.1), and
//! a request that comes back through the same server carries counts that were taken on its first
//! visit.

use std::time::Duration;

use antiphon_sip::header::challenge::{DigestChallenge, QopOptions};
use antiphon_sip::header::credentials::{Credentials, DigestCredentials};

use super::digest::{Algorithm, Ha1Set, Hex, Protection, Variant, ha2, hash, write_behind_ha1};
use super::nonce::{Mint, Uses};
use super::resource::same_resource;
use crate::time::Time;

/// What an [`Authenticator`] demands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The realms it answers for, usually the domains served (RFC 3261 §22.1).
    pub realms: Vec<Realm>,
    /// How long a nonce is good for. Default: 300 s. Longer saves round trips, shorter leaves less
    /// time to whoever recorded one.
    pub nonce_lifetime: Duration,
    /// Nonces in use that are remembered. Default: 65,536, at about 50 octets each. With fewer
    /// than are in use at a time, clients are asked for a new nonce more often, nothing else.
    pub nonces_in_use: usize,
    /// Whether credentials without `qop` are taken, as RFC 2069 made them. Default: no.
    ///
    /// Every challenge offers `qop`, so all but the oldest clients use it (RFC 8760 §2.6 item 8
    /// has it sent always). Without it there is no count and no client nonce: each nonce then
    /// serves for one request only, and whoever answers in the server's place may choose nonces to
    /// attack the password with.
    pub allow_missing_qop: bool,
    /// Whether the `uri` must name the resource of the Request-URI (RFC 7616 §3.4.6). Default:
    /// yes. Turn it off where a proxy in front rewrites Request-URIs (RFC 8760 §2.6 item 6).
    pub check_uri: bool,
}

/// A realm that somebody can sign in to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Realm {
    /// Its name, as it stands in challenges.
    pub name: String,
    /// The algorithms offered, one challenge each, in this order.
    ///
    /// RFC 8760 §2.3 puts the most preferred first and §2.4 lets clients take the topmost they
    /// support. But clients that know nothing but MD5 often read nothing but the first challenge
    /// (SIPp 3.6, baresip 1.0, older telephones), and with SHA-256 above they are locked out. A
    /// client that looks at all of them can choose by strength wherever MD5 stands. Where no such
    /// client has to get in, put SHA-256 first or leave MD5 out.
    pub algorithms: Vec<Algorithm>,
}

impl Realm {
    /// A realm that lets every client in: MD5, then SHA-256.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), algorithms: vec![Algorithm::Md5, Algorithm::Sha256] }
    }
}

impl Settings {
    /// The defaults for these realms.
    #[must_use]
    pub const fn new(realms: Vec<Realm>) -> Self {
        Self {
            realms,
            nonce_lifetime: Duration::from_secs(300),
            nonces_in_use: 65_536,
            allow_missing_qop: false,
            check_uri: true,
        }
    }

    /// The defaults for one realm.
    #[must_use]
    pub fn for_realm(realm: &str) -> Self {
        Self::new(vec![Realm::new(realm)])
    }
}

/// Credentials that are complete and meant for us; whether they are right is not known yet.
///
/// Every request that is signed makes one, so all its texts are one: username, realm, response,
/// and what the digest is over behind HA1, which begins with the nonce.
#[derive(Debug, Clone)]
pub struct Claim {
    text: String,
    /// Where each of the texts ends; that of the digest at the end of all.
    username: usize,
    realm: usize,
    response: usize,
    nonce: usize,
    algorithm: Algorithm,
    /// `None` without protection.
    count: Option<u32>,
}

/// Octets of a claim that are written without asking for more memory.
const TEXT: usize = 256;

impl Claim {
    fn new(
        digest: &DigestCredentials<'_>,
        algorithm: Algorithm,
        protection: Option<(Protection<'_>, u32)>,
        ha2: &Hex,
    ) -> Self {
        let mut text = String::with_capacity(TEXT);
        let mut put = |part: &str| {
            text.push_str(part);
            text.len()
        };
        let username = put(&digest.username);
        let realm = put(&digest.realm);
        let response = put(&digest.response);
        let nonce = response + digest.nonce.len();
        write_behind_ha1(&mut text, &digest.nonce, protection.map(|(words, _)| words), ha2);
        let count = protection.map(|(_, count)| count);
        Self { text, username, realm, response, nonce, algorithm, count }
    }

    /// The user the credentials are of, to be looked up.
    #[must_use]
    pub fn username(&self) -> &str {
        self.part(0, self.username)
    }

    /// The realm in which the user has that name: one of ours.
    #[must_use]
    pub fn realm(&self) -> &str {
        self.part(self.username, self.realm)
    }

    /// The algorithm of the digest.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    fn nonce(&self) -> &str {
        self.part(self.response, self.nonce)
    }

    fn fits(&self, secret: &Ha1Set) -> bool {
        let ha1 = secret.hex(self.algorithm);
        let behind = self.part(self.response, self.text.len());
        let right = hash(self.algorithm, &[ha1.as_bytes(), behind.as_bytes()]);
        right.matches(self.part(self.realm, self.response))
    }

    fn part(&self, start: usize, end: usize) -> &str {
        self.text.get(start..end).unwrap_or_default()
    }
}

/// Why credentials are not looked into. But for [`OtherUri`](Self::OtherUri) the answer is a
/// challenge, as if there had been none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// A scheme other than Digest; Basic must not be taken (RFC 8760 §2.6).
    OtherScheme,
    /// They are for a realm of somebody else. Other fields of the request may be for ours
    /// (RFC 3261 §22.3).
    OtherRealm,
    /// Nonce or response are empty: the client has seen no challenge yet (RFC 8760 §2.7).
    NotChallengedYet,
    /// The algorithm was not offered.
    OtherAlgorithm,
    /// The user name is hashed, which was not offered (RFC 7616 §3.4.4).
    HashedUsername,
    /// There is no `qop`, and there must be.
    MissingQop,
    /// The `qop` was not offered.
    OtherQop,
    /// With a `qop` there must be `nc`, not zero, and `cnonce` (RFC 7616 §3.4).
    MissingCount,
    /// The `uri` names another resource than the Request-URI: 400 (RFC 7616 §3.4.6), and worth a
    /// line in the log.
    OtherUri,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::OtherScheme => "credentials of a scheme other than Digest",
            Self::OtherRealm => "credentials for another realm",
            Self::NotChallengedYet => "credentials made before the first challenge",
            Self::OtherAlgorithm => "credentials with an algorithm that was not offered",
            Self::HashedUsername => "credentials with a hashed user name",
            Self::MissingQop => "credentials without qop",
            Self::OtherQop => "credentials with a qop that was not offered",
            Self::MissingCount => "credentials without nc or cnonce",
            Self::OtherUri => "credentials for another URI",
        })
    }
}

impl std::error::Error for Refusal {}

/// What a claim turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// The request is from the user.
    Accepted,
    /// The digest is right, but its nonce is too old, not from here, or was used with this count
    /// before: a replay, or a client that does not count. Not accepted; challenge again with
    /// `stale=true`, and a client that knows the password makes a new digest without asking its
    /// person (RFC 7616 §3.3). A replayed request gains nothing from that.
    Stale,
    /// The digest is wrong or there is no such user; which, is not told.
    Refused,
}

/// Challenges and judges for a set of realms. One owner, one authenticator: the counts of a nonce
/// are known only where it was made, so each has a secret of its own and takes another's nonces as
/// stale.
#[derive(Debug)]
pub struct Authenticator {
    settings: Settings,
    mint: Mint,
    uses: Uses,
}

impl Authenticator {
    /// An authenticator whose nonces nobody can foresee who does not know `secret`, 32 random
    /// octets. `started` is now.
    #[must_use]
    pub fn new(settings: Settings, secret: &[u8; 32], started: Time) -> Self {
        let uses = Uses::new(settings.nonces_in_use, started);
        Self { mint: Mint::new(secret), uses, settings }
    }

    /// What it demands.
    #[must_use]
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Other realms from now on. Nonces of those that stay are as good as before.
    pub fn set_realms(&mut self, realms: Vec<Realm>) {
        self.settings.realms = realms;
    }

    /// The challenges for a realm, one for each of its algorithms (RFC 8760 §2.3), to be written in
    /// this order, each in a field of its own; none for a realm of somebody else. `stale` after
    /// [`Verdict::Stale`].
    pub fn challenges<'r>(
        &mut self,
        now: Time,
        realm: &'r str,
        stale: bool,
    ) -> Vec<DigestChallenge<'r>> {
        let nonce = self.mint.issue(now, realm);
        let challenge = |algorithm: &Algorithm| DigestChallenge {
            realm: Some(realm.into()),
            nonce: Some(nonce.clone().into()),
            algorithm: Some(algorithm.name()),
            // Always sent (RFC 8760 §2.6 item 8). Not auth-int: proxies change bodies that are
            // not theirs too often for it to be worth refusing calls over.
            qop: Some(QopOptions("auth")),
            stale,
            ..DigestChallenge::default()
        };
        let found = self.settings.realms.iter().find(|known| known.name == realm);
        found.into_iter().flat_map(|realm| &realm.algorithms).map(challenge).collect()
    }

    /// Whether credentials are complete, for us, and for this request; and whose they claim to be.
    ///
    /// # Errors
    /// Why they are none that could be judged.
    pub fn examine(
        &self,
        method: &str,
        request_uri: &str,
        credentials: &Credentials<'_>,
    ) -> Result<Claim, Refusal> {
        let Credentials::Digest(digest) = credentials else {
            return Err(Refusal::OtherScheme);
        };
        let realm = self.settings.realms.iter().find(|realm| realm.name == digest.realm);
        let realm = realm.ok_or(Refusal::OtherRealm)?;
        if digest.nonce.is_empty() || digest.response.is_empty() {
            return Err(Refusal::NotChallengedYet);
        }
        if digest.userhash {
            return Err(Refusal::HashedUsername);
        }
        let algorithm = realm.offered(digest.algorithm).ok_or(Refusal::OtherAlgorithm)?;
        let protection = self.protection(digest)?;
        if self.settings.check_uri && !same_resource(request_uri, &digest.uri) {
            return Err(Refusal::OtherUri);
        }
        // The digest is over the URI as the client wrote it, not over ours.
        let ha2 = ha2(algorithm, method, &digest.uri, None);
        Ok(Claim::new(digest, algorithm, protection, &ha2))
    }

    /// Judges a claim with the secret of its user; `None` if there is no such user, which takes
    /// the same time as a wrong password, so that names cannot be tried out.
    pub fn verify(&mut self, now: Time, claim: &Claim, secret: Option<&Ha1Set>) -> Verdict {
        let right = claim.fits(secret.unwrap_or(&Ha1Set::NOBODY));
        if !right || secret.is_none() {
            return Verdict::Refused;
        }
        self.uses.expire(now, self.settings.nonce_lifetime);
        let Some(id) = self.mint.recognise(claim.nonce(), claim.realm()) else {
            return Verdict::Stale;
        };
        // A nonce from the future was made before the clock was set back.
        if id.issued > now || now.since(id.issued) > self.settings.nonce_lifetime {
            return Verdict::Stale;
        }
        // Without a count a nonce serves once: that use takes the last count there is.
        let count = claim.count.unwrap_or(u32::MAX);
        if self.uses.note(id, count) { Verdict::Accepted } else { Verdict::Stale }
    }

    /// The protection and its count, if there is any.
    fn protection<'d>(
        &self,
        digest: &'d DigestCredentials<'_>,
    ) -> Result<Option<(Protection<'d>, u32)>, Refusal> {
        let Some(qop) = digest.qop else {
            let allowed = self.settings.allow_missing_qop;
            return if allowed { Ok(None) } else { Err(Refusal::MissingQop) };
        };
        if !qop.eq_ignore_ascii_case("auth") {
            return Err(Refusal::OtherQop);
        }
        let (Some(nc), Some(cnonce)) = (digest.nc, &digest.cnonce) else {
            return Err(Refusal::MissingCount);
        };
        let count = u32::from_str_radix(nc, 16).unwrap_or(0);
        if count == 0 {
            return Err(Refusal::MissingCount);
        }
        Ok(Some((Protection { qop, nc, cnonce }, count)))
    }
}

impl Realm {
    /// The algorithm, if we offer it. We never offer a session variant.
    fn offered(&self, parameter: Option<&str>) -> Option<Algorithm> {
        let variant = Variant::parse(parameter)?;
        let offered = !variant.session && self.algorithms.contains(&variant.algorithm);
        offered.then_some(variant.algorithm)
    }
}

#[cfg(test)]
mod tests;
