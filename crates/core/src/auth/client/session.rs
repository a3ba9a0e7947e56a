//! What a client knows of a realm, and the credentials it makes from it.

use std::fmt;

use antiphon_sip::header::auth_param::Extensions;
use antiphon_sip::header::challenge::DigestChallenge;
use antiphon_sip::header::credentials::DigestCredentials;

use super::{Account, AuthHeader, Outgoing, Side};
use crate::auth::digest::{Hex, Protection, Variant, ha1, ha2, hash, response};

/// A challenge that could be answered.
pub(super) struct Usable<'a> {
    pub(super) variant: Variant,
    pub(super) nonce: &'a str,
    pub(super) qop: Option<Qop>,
    pub(super) challenge: &'a DigestChallenge<'a>,
}

impl Usable<'_> {
    /// Whether it is better: stronger, not just as strong.
    pub(super) const fn beats(&self, other: &Self) -> bool {
        self.variant.algorithm.strength() > other.variant.algorithm.strength()
    }
}

/// An authentication session (RFC 7616 §3.6).
pub(super) struct Session {
    pub(super) side: Side,
    pub(super) realm: String,
    username: String,
    userhash: bool,
    variant: Variant,
    /// Whether the challenge named the algorithm; it is named in return only then.
    named: bool,
    ha1: Hex,
    nonce: String,
    opaque: Option<String>,
    qop: Option<Qop>,
    cnonce: String,
    count: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Qop {
    Auth,
    AuthInt,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("side", &self.side)
            .field("realm", &self.realm)
            .field("variant", &self.variant)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

impl Session {
    pub(super) fn new(
        side: Side,
        realm: &str,
        account: &Account,
        usable: &Usable<'_>,
        random: &mut dyn FnMut() -> u64,
    ) -> Self {
        let cnonce = format!("{:016x}{:016x}", random(), random());
        let algorithm = usable.variant.algorithm;
        // The name is hashed "after any other hash calculation": H(A1) is over the plain one
        // (RFC 7616 §3.4.4).
        let userhash = usable.challenge.userhash;
        let username = if userhash {
            hash(algorithm, &[account.username().as_bytes(), realm.as_bytes()]).as_str().to_owned()
        } else {
            account.username().to_owned()
        };
        Self {
            side,
            realm: realm.to_owned(),
            username,
            userhash,
            variant: usable.variant,
            named: usable.challenge.algorithm.is_some(),
            ha1: ha1(usable.variant, &account.ha1(realm), usable.nonce, &cnonce),
            nonce: usable.nonce.to_owned(),
            opaque: usable.challenge.opaque.as_deref().map(str::to_owned),
            qop: usable.qop,
            cnonce,
            count: 0,
        }
    }

    /// Goes on with the nonce the server wants to see next.
    pub(super) fn renew(&mut self, nonce: &str) {
        nonce.clone_into(&mut self.nonce);
        self.count = 0;
    }

    /// The digest of the last field, with the list of mechanisms in A2 (RFC 3329 §2.2).
    pub(super) fn verification(&self, request: &Outgoing<'_>, security_server: &str) -> String {
        let algorithm = self.variant.algorithm;
        let nc = format!("{:08x}", self.count);
        let qop = self.qop.map(Qop::name);
        let protection = qop.map(|qop| Protection { qop, nc: &nc, cnonce: &self.cnonce });
        let body = (self.qop == Some(Qop::AuthInt)).then(|| hash(algorithm, &[request.body]));
        let mut a2 = vec![request.method.as_bytes(), request.uri.as_bytes()];
        a2.extend(body.as_ref().map(Hex::as_bytes));
        a2.push(security_server.as_bytes());
        let digest = response(algorithm, &self.ha1, &self.nonce, protection, &hash(algorithm, &a2));
        digest.as_str().to_owned()
    }

    /// The field for one more request with this nonce.
    pub(super) fn header(&mut self, request: &Outgoing<'_>) -> AuthHeader {
        // Past four thousand million requests the server will call the nonce stale.
        self.count = self.count.saturating_add(1);
        let nc = format!("{:08x}", self.count);
        let qop = self.qop.map(Qop::name);
        let protection = qop.map(|qop| Protection { qop, nc: &nc, cnonce: &self.cnonce });
        let algorithm = self.variant.algorithm;
        let body = (self.qop == Some(Qop::AuthInt)).then_some(request.body);
        let ha2 = ha2(algorithm, request.method, request.uri, body);
        let digest = response(algorithm, &self.ha1, &self.nonce, protection, &ha2);
        let credentials = DigestCredentials {
            username: self.username.as_str().into(),
            realm: self.realm.as_str().into(),
            nonce: self.nonce.as_str().into(),
            uri: request.uri.into(),
            response: digest.as_str().into(),
            algorithm: self.named.then(|| self.variant.name()),
            // No cnonce without qop (RFC 3261 §22.4 item 8).
            cnonce: qop.map(|_| self.cnonce.as_str().into()),
            opaque: self.opaque.as_deref().map(Into::into),
            qop,
            nc: qop.map(|_| nc.as_str()),
            userhash: self.userhash,
            extensions: Extensions::NONE,
        };
        AuthHeader { side: self.side, realm: self.realm.clone(), value: credentials.to_string() }
    }
}

impl Qop {
    const fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::AuthInt => "auth-int",
        }
    }
}
