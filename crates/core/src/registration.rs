//! A registration as whoever makes it sees it (RFC 3261 §10.2).

use std::time::Duration;

use antiphon_sip::header::Contact;
use antiphon_sip::{HeaderName, Response, Uri, UriBuf};

/// The registrar of an address-of-record: its domain, without a user (§10.2).
#[must_use]
pub fn registrar_of(aor: &UriBuf) -> UriBuf {
    let Uri::Sip(mut domain) = aor.as_uri() else { return aor.clone() };
    domain.user = None;
    domain.password = None;
    domain.headers = None;
    UriBuf::from(Uri::Sip(domain))
}

/// For how long a binding holds by a 2xx to REGISTER: as the registrar says at the contact that was
/// registered, else in Expires, else as asked, in seconds (§10.2.4).
#[must_use]
pub fn granted(response: &Response, contact: Option<&UriBuf>, asked: u32) -> Duration {
    let headers = response.headers();
    let ours = headers.list::<Contact<'_>>().map_while(Result::ok).find(|bound| {
        let pair = bound.address().zip(contact);
        pair.is_some_and(|(address, own)| address.uri.is_equivalent(&own.as_uri()))
    });
    let seconds = ours
        .and_then(|contact| contact.expires())
        .or_else(|| headers.text(HeaderName::Expires)?.trim().parse().ok())
        .unwrap_or(asked);
    Duration::from_secs(seconds.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrar_is_the_domain_rfc3261_10_2() {
        let aor = "sip:alice:secret@example.org:5070;transport=tcp".parse().unwrap();
        assert_eq!(registrar_of(&aor).as_str(), "sip:example.org:5070;transport=tcp");
    }
}
