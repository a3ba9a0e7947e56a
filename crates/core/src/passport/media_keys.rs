//! The claim `mky` (RFC 8225 §5.2.2): the fingerprints of the keys that media will be protected by.

use antiphon_sip::{HeaderName, Request};

use super::quoted;

/// Fingerprints that are signed for: one or two for each of the media of a call, which are few.
const MAX_KEYS: usize = 64;

/// The claim, if the request has a session description with fingerprints (RFC 8224 §4.1: then it
/// must be made).
pub(super) fn claim(request: &Request) -> Option<String> {
    let kind = request.headers().text(HeaderName::ContentType)?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(crate::offer_answer::CONTENT_TYPE) {
        return None;
    }
    let sdp = std::str::from_utf8(request.body()).ok()?;
    let mut keys: Vec<_> = sdp.lines().filter_map(fingerprint).take(MAX_KEYS).collect();
    if keys.is_empty() {
        return None;
    }
    keys.sort_by_key(|(hash, digest)| format!("{hash}{digest}"));
    // The same key may protect several media.
    keys.dedup();
    let key = |(hash, digest): &(&str, String)| {
        format!(r#"{{"alg":{},"dig":{}}}"#, quoted(hash), quoted(digest))
    };
    Some(format!("[{}]", keys.iter().map(key).collect::<Vec<_>>().join(",")))
}

/// Hash function and digest of an `a=fingerprint` line (RFC 8122 §5), the digest without colons.
fn fingerprint(line: &str) -> Option<(&str, String)> {
    let value = line.trim_end().strip_prefix("a=fingerprint:")?;
    let (hash, digest) = value.split_once(' ')?;
    Some((hash, digest.replace(':', "")))
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Method;

    use super::*;

    fn with(content_type: &str, sdp: &str) -> Option<String> {
        let request = Request::builder(Method::Invite, "sip:bob@example.net".parse().unwrap())
            .identity("<sip:a@h>;tag=1", "<sip:b@h>", "1@h", 1)
            .body(content_type, sdp.to_owned());
        claim(&request.build().unwrap())
    }

    #[test]
    fn media_keys_are_signed_in_their_order_rfc8225_5_2_2() {
        let sdp = "v=0\r\na=fingerprint:sha-256 4A:AD:B9\r\nm=audio 1 RTP/AVP 0\r\n\
                   a=fingerprint:sha-256 02:1A:CC\r\na=fingerprint:sha-256 4A:AD:B9\r\n";
        assert_eq!(
            with("application/sdp", sdp).as_deref(),
            Some(r#"[{"alg":"sha-256","dig":"021ACC"},{"alg":"sha-256","dig":"4AADB9"}]"#)
        );
        assert_eq!(with("text/plain", sdp), None);
        assert_eq!(with("application/sdp", "v=0\r\nm=audio 1 RTP/AVP 0\r\n"), None);
    }
}
