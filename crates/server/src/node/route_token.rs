//! Proof that a route set is one that we made: the URI by which this server puts itself into
//! Record-Route carries a keyed hash of the Call-ID. A stranger cannot make one, so nobody can use
//! this server as a relay by writing a Route of ours into a request.

use antiphon_sip::Uri;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// Makes and knows the tokens.
#[derive(Debug)]
pub(super) struct RouteTokens {
    keyed: Hmac<Sha256>,
}

/// Octets of the hash that are used: guessing one takes 2^63 requests on average.
const LENGTH: usize = 8;

impl RouteTokens {
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        // A key of any length is taken, so the fixed one always is.
        let mut block = [0u8; 64];
        block[..32].copy_from_slice(secret);
        Self { keyed: Hmac::new((&block).into()) }
    }

    /// The token for the requests of one call.
    pub(super) fn token(&self, call_id: &str) -> String {
        use std::fmt::Write as _;
        let mut keyed = self.keyed.clone();
        keyed.update(b"route\0");
        keyed.update(call_id.as_bytes());
        let mut token = String::with_capacity(2 * LENGTH);
        for octet in keyed.finalize().into_bytes().iter().take(LENGTH) {
            let _ = write!(token, "{octet:02x}");
        }
        token
    }

    /// Whether a Route value carries the token of this call.
    pub(super) fn fits(&self, uri: &Uri<'_>, call_id: &str) -> bool {
        let Uri::Sip(uri) = uri else { return false };
        // Not a secret once it is on the wire, so an ordinary comparison does.
        uri.user.is_some_and(|user| user == self.token(call_id))
    }
}
