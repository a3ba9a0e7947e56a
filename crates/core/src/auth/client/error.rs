//! Why a challenge has no answer.

use std::fmt;

use crate::auth::digest::Algorithm;

/// Why a challenge has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ClientError {
    /// The response held no challenge, which a 401 and a 407 must (RFC 3261 §22.2, §22.3).
    NoChallenge,
    /// A scheme that is not Digest.
    UnknownScheme(String),
    /// The challenge names no realm.
    MissingRealm,
    /// The challenge of this realm holds no nonce.
    MissingNonce {
        /// The realm.
        realm: String,
    },
    /// The realm offers only algorithms that are not known.
    UnknownAlgorithm {
        /// The realm.
        realm: String,
        /// What it offers.
        algorithm: String,
    },
    /// The realm offers neither `auth` nor `auth-int`.
    UnknownQop {
        /// The realm.
        realm: String,
        /// What it offers.
        qop: String,
    },
    /// The realm offers only MD5, which is not allowed here.
    Md5NotAllowed {
        /// The realm.
        realm: String,
    },
    /// The realm offers something weaker than it did before: somebody on the way may have taken
    /// the better challenges out (RFC 8760 §3).
    Downgraded {
        /// The realm.
        realm: String,
        /// The best it offers now.
        offered: Algorithm,
    },
    /// There is no account for the realm.
    NoAccount {
        /// The realm.
        realm: String,
    },
    /// The realm has refused the credentials; they are not sent again (RFC 3261 §22.1).
    Refused {
        /// The realm.
        realm: String,
    },
    /// More realms ask than one action answers.
    TooManyRealms,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoChallenge => f.write_str("no challenge in the response"),
            Self::UnknownScheme(scheme) => write!(f, "a challenge of the scheme {scheme}"),
            Self::MissingRealm => f.write_str("a challenge without a realm"),
            Self::MissingNonce { realm } => write!(f, "a challenge of {realm} without a nonce"),
            Self::UnknownAlgorithm { realm, algorithm } => {
                write!(f, "{realm} offers only the unknown algorithm {algorithm}")
            }
            Self::UnknownQop { realm, qop } => write!(f, "{realm} offers only the qop {qop}"),
            Self::Md5NotAllowed { realm } => {
                write!(f, "{realm} offers only MD5, which is not allowed")
            }
            Self::Downgraded { realm, offered } => {
                write!(f, "{realm} offers {offered}, which is weaker than it did before")
            }
            Self::NoAccount { realm } => write!(f, "no account for {realm}"),
            Self::Refused { realm } => write!(f, "{realm} refuses the credentials"),
            Self::TooManyRealms => f.write_str("too many realms ask for credentials"),
        }
    }
}

impl std::error::Error for ClientError {}
