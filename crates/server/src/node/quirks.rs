//! Peers that cannot bear what the RFCs allow, and what is done for them. Each row is a fact of
//! docs/peers.md, seen with the version named there.

use antiphon_sip::{HeaderName, Request};

/// Beginnings of User-Agent whose owners give up when a response has a challenge with any
/// algorithm but MD5, where RFC 8760 §2.4 has them skip it: baresip at the first, JsSIP, SIP.js
/// and Twinkle because they read the last one alone.
const MD5_CHALLENGES_ONLY: &[&str] =
    &["baresip v0.", "baresip v1.", "baresip v2.", "JsSIP ", "SIP.js/", "Twinkle/"];

/// Beginnings of User-Agent whose owners answer the first challenge that they know (RFC 8760 §2.4),
/// and know more than MD5: they would use MD5 where it comes first for the sake of others.
const FIRST_KNOWN: &[&str] = &["Antiphon/", "Linphonec/5."];

/// How a client is to be challenged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// As the domain says.
    AsSaid,
    /// With MD5 alone.
    Md5Alone,
    /// With MD5 behind all others.
    Md5Last,
}

impl Offer {
    /// The field is not proof of anything: whoever lies in it gets challenges that every client is
    /// offered anyway.
    pub(super) fn to(request: &Request) -> Self {
        let agent = request.headers().text(HeaderName::UserAgent).unwrap_or_default();
        let is_one = |starts: &[&str]| starts.iter().any(|start| agent.starts_with(start));
        if is_one(MD5_CHALLENGES_ONLY) {
            Self::Md5Alone
        } else if is_one(FIRST_KNOWN) {
            Self::Md5Last
        } else {
            Self::AsSaid
        }
    }
}
