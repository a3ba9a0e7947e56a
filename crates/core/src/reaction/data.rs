//! The data of reactions, and what they are told apart by; whoever decides reads them from here.

use antiphon_sip::{HeaderName, UriBuf};
use bytes::Bytes;

use super::limit::Cause;

/// A URI that is tried in place of the one asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The URI, without `method` and headers (RFC 3261 §19.1.5).
    pub uri: UriBuf,
    /// Header fields that the URI brought and that may be taken.
    pub carries: Vec<(HeaderName, String)>,
    /// The preference in thousandths.
    pub q: u16,
    /// How long it holds, in seconds; `None`: once.
    pub expires: Option<u32>,
}

/// Where the action moves to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// The target that is tried now; the first of `added`, or one of an earlier 3xx.
    pub next: Target,
    /// The targets of this response, best first; none when an earlier one's is tried.
    pub added: Vec<Target>,
    /// The Contacts that are not followed.
    pub refused: Vec<RefusedContact>,
    /// What is remembered of a 301 once the new address has answered.
    pub remember: Option<Remember>,
}

impl Redirect {
    /// To a target that has waited.
    pub(super) const fn to_waiting(next: Target) -> Self {
        Self { next, added: Vec::new(), refused: Vec::new(), remember: None }
    }
}

/// A Contact that was not followed, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedContact {
    /// The URI, text from outside, shortened; empty if it cannot be read.
    pub uri: String,
    /// Why.
    pub cause: Cause,
}

/// What is remembered of a 301.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remember {
    /// The old address and the new ones, best first, once one of them has answered with anything
    /// that does not [forget](super::forgets_remembered) it.
    Keep {
        /// The address that has changed.
        old: UriBuf,
        /// Its new ones.
        new: Vec<UriBuf>,
    },
    /// The same, on the person's word.
    Offer {
        /// The address that has changed.
        old: UriBuf,
        /// Its new ones.
        new: Vec<UriBuf>,
    },
    /// Nothing.
    Nothing,
}

/// In which way the body is another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BodyChange {
    /// The same in another form.
    OtherForm,
    /// A smaller one.
    Smaller,
    /// None: an INVITE leaves the offer to the other side (RFC 3261 §13.2.1).
    LeftOut,
    /// With the location that the response brought (RFC 6442 §4.3).
    Location,
    /// Encrypted to this certificate, once it has been checked: that it is the called person's and
    /// is trusted (RFC 3261 §23.2).
    Encrypted {
        /// The body of the response: certificates.
        certificate: Bytes,
    },
}

/// The end of a usage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageEnd {
    /// BYE is sent for the INVITE usage (RFC 3261 §12.2.1.2).
    pub bye: bool,
    /// A new subscription is begun, with a new Call-ID and From tag and without To tag (RFC 6665
    /// §4.1.2.2).
    pub start_anew: bool,
}

/// How the request is signed when it is sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signing {
    /// With Date and Identity (RFC 8224 §6.1).
    Sign,
    /// The same, the certificate to be fetched elsewhere (§6.2.2, 436).
    OtherInfo,
    /// With another certificate (437).
    OtherCredential,
    /// In the full form (438).
    FullForm,
    /// With a Referred-By token (RFC 3892 §2.1, 429).
    ReferredBy,
}
