//! Why a challenge is not answered.

use std::fmt;

use antiphon_sip::HeaderName;

/// Why a challenge is not answered. Names of realms, schemes and algorithms are text from outside,
/// shortened.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChallengeFault {
    /// The field cannot be read.
    Malformed(HeaderName),
    /// A scheme that is not Digest. Basic is never answered (RFC 3261 §22); Bearer only by whoever
    /// has a token for that server (RFC 8898 §2.1.1).
    Scheme(String),
    /// It names no realm.
    NoRealm,
    /// It holds no nonce.
    NoNonce {
        /// The realm.
        realm: String,
    },
    /// Only an algorithm that is not known.
    Algorithm {
        /// The realm.
        realm: String,
        /// The algorithm.
        algorithm: String,
    },
    /// Only kinds of protection that are not known.
    Qop {
        /// The realm.
        realm: String,
    },
    /// Only MD5, which is not allowed.
    Md5 {
        /// The realm.
        realm: String,
    },
    /// Something weaker than the realm has offered before (RFC 8760 §3).
    Weaker {
        /// The realm.
        realm: String,
    },
    /// There are no credentials for the realm.
    NoAccount {
        /// The realm.
        realm: String,
    },
    /// The credentials name no realm, and this is not the domain that was called.
    ForeignDomain {
        /// The realm.
        realm: String,
    },
    /// The realm has refused the credentials; they are not sent again (RFC 3261 §22.1).
    Refused {
        /// The realm.
        realm: String,
    },
    /// More realms ask than one action answers.
    TooManyRealms(u8),
}

impl fmt::Display for ChallengeFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(header) => write!(f, "a {header} that cannot be read"),
            Self::Scheme(scheme) => write!(f, "a challenge of the scheme \"{scheme}\""),
            Self::NoRealm => f.write_str("a challenge without a realm"),
            Self::NoNonce { realm } => write!(f, "a challenge of \"{realm}\" without a nonce"),
            Self::Algorithm { realm, algorithm } => {
                write!(f, "\"{realm}\" offers only the unknown algorithm \"{algorithm}\"")
            }
            Self::Qop { realm } => write!(f, "\"{realm}\" offers only an unknown qop"),
            Self::Md5 { realm } => {
                write!(f, "\"{realm}\" offers only MD5, which is not allowed here")
            }
            Self::Weaker { realm } => {
                write!(f, "\"{realm}\" offers only something weaker than it did before")
            }
            Self::NoAccount { realm } => write!(f, "there are no credentials for \"{realm}\""),
            Self::ForeignDomain { realm } => {
                write!(f, "\"{realm}\" is reached by a redirect to another domain")
            }
            Self::Refused { realm } => write!(f, "\"{realm}\" has refused the credentials"),
            Self::TooManyRealms(limit) => write!(f, "{limit} realms are the limit"),
        }
    }
}
