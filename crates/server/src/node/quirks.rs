//! Peers that cannot bear what the RFCs allow, and what is done for them. Each row is a fact of
//! docs/peers.md, seen with the version named there.

use antiphon_sip::{HeaderName, Request};

/// Beginnings of User-Agent whose owners give up when a response has a challenge with any
/// algorithm but MD5, where RFC 8760 §2.4 has them skip it: baresip at the first, JsSIP, SIP.js
/// and Twinkle because they read the last one alone.
const MD5_CHALLENGES_ONLY: &[&str] =
    &["baresip v0.", "baresip v1.", "baresip v2.", "JsSIP ", "SIP.js/", "Twinkle/"];

/// Whether this client must be offered MD5 alone. The field is not proof of anything: whoever
/// lies in it gets a challenge with MD5, which every client is offered anyway.
pub(super) fn needs_md5_alone(request: &Request) -> bool {
    let agent = request.headers().text(HeaderName::UserAgent).unwrap_or_default();
    MD5_CHALLENGES_ONLY.iter().any(|start| agent.starts_with(start))
}
