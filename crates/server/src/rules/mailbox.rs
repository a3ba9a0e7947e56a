//! The URI that tells a voicemail system whose call comes, and why (RFC 4458).

use antiphon_sip::uri::escape_header;
use antiphon_sip::{StatusCode, Uri, UriBuf};

/// The voicemail's URI with `target` and `cause` (RFC 4458 §2). `callee` is the Request-URI that
/// the call had; `status` is the answer that led here, `None` when nobody was asked before. What
/// is no SIP URI, or has a target already, stays as it is.
#[must_use]
pub fn mailbox_uri(voicemail: &UriBuf, callee: &Uri<'_>, status: Option<StatusCode>) -> UriBuf {
    let Uri::Sip(uri) = voicemail.as_uri() else { return voicemail.clone() };
    if uri.params.has("target") || uri.headers.is_some() {
        return voicemail.clone();
    }
    let target = target(callee);
    let cause = cause(status).as_u16();
    UriBuf::parse(&format!("{voicemail};target={target};cause={cause}"))
        .unwrap_or_else(|_| voicemail.clone())
}

/// The callee without parameters, in the octets that a parameter's value may have (RFC 3261 §25.1,
/// `paramchar`).
fn target(callee: &Uri<'_>) -> String {
    let plain = match callee {
        Uri::Sip(sip) => {
            let user = sip.user.map(|user| format!("{user}@")).unwrap_or_default();
            let scheme = if sip.secure { "sips" } else { "sip" };
            format!("{scheme}:{user}{}", sip.host)
        }
        Uri::Tel(tel) => format!("tel:{}", tel.number),
        other @ Uri::Other { .. } => other.to_string(),
    };
    escape_header(&plain).replace('?', "%3F")
}

/// The cause that an answer is (RFC 4458 §2.2): no answer is 408, no call before is 302, and what
/// has no row in the table is 302 too.
fn cause(status: Option<StatusCode>) -> StatusCode {
    let Some(status) = status else { return StatusCode::MOVED_TEMPORARILY };
    match status.as_u16() {
        404 | 410 | 604 => StatusCode::NOT_FOUND,
        486 | 600 => StatusCode::BUSY_HERE,
        408 | 487 => StatusCode::REQUEST_TIMEOUT,
        480 | 603 => StatusCode::TEMPORARILY_UNAVAILABLE,
        430 | 500..=599 => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::MOVED_TEMPORARILY,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mailbox_and_the_cause_are_in_the_uri_rfc4458_2() {
        let voicemail = UriBuf::parse("sip:voicemail@example.com").unwrap();
        let bob = UriBuf::parse("sip:bob;x=1@example.com:5070;transport=tcp").unwrap();
        let uri = mailbox_uri(&voicemail, &bob.as_uri(), Some(StatusCode::BUSY_HERE));
        assert_eq!(
            uri.as_str(),
            "sip:voicemail@example.com;target=sip:bob%3Bx%3D1%40example.com;cause=486"
        );
        let uri = mailbox_uri(&voicemail, &bob.as_uri(), None);
        assert!(uri.as_str().ends_with(";cause=302"), "{uri}");
    }

    #[test]
    fn a_target_of_ones_own_stays_rfc4458_2_1() {
        let voicemail = UriBuf::parse("sip:vm@example.com;target=sip:x%40y").unwrap();
        let bob = UriBuf::parse("sip:bob@example.com").unwrap();
        assert_eq!(mailbox_uri(&voicemail, &bob.as_uri(), None), voicemail);
    }
}
