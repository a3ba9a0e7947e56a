//! What a response of each code must carry, for whoever plays a part: one pure function over one
//! table.
//!
//! A role that answers out of its own knowledge (the registrar, the proxy, the user agent that
//! refuses an offer) writes its own header fields. This is for the other case: somebody wants a
//! device to see a 421 or a 580, and the response is to be one that a device can act on.
//!
//! Where to begin: [`complete`]; the rows are in `rows.rs`, what each piece comes to in
//! `pieces.rs`.

use antiphon_sip::{HeaderName, Request, Response, StatusCode};
use bytes::Bytes;

mod pieces;
mod rows;

/// What the one who plays has said or knows.
#[derive(Debug, Clone, Default)]
pub struct Given {
    /// Host and port where requests are taken here, as they stand in a Contact.
    pub authority: String,
    /// Parameters of a URI that leads here, such as `;transport=tcp`.
    pub uri_params: String,
    /// URIs for Contact in 3xx and 485. Without any, they lead back here under other names.
    pub contacts: Vec<String>,
    /// Option tags for 420 and 421. Without any, 420 names what the request requires, and 421
    /// something that it does not support.
    pub tags: Vec<String>,
    /// Seconds for Min-SE and Min-Expires. Without them, more than the request asked for.
    pub minimum: Option<u32>,
    /// Seconds for Retry-After, where that is defined for the code (RFC 3261 §20.33).
    pub retry_after: Option<u32>,
    /// Values of WWW-Authenticate or Proxy-Authenticate, one line each. Without any there is none:
    /// only who will judge the credentials can make a challenge.
    pub challenges: Vec<String>,
    /// The session description of this side: the answer or offer of a 183, and what would do for a
    /// 488 and 606.
    pub session: Option<Bytes>,
    /// Methods understood here.
    pub allow: &'static str,
    /// Extensions understood here.
    pub supported: &'static str,
}

/// What a response needs beyond what is already there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Additions {
    /// Header fields.
    pub headers: Vec<(HeaderName, String)>,
    /// Content type and body.
    pub body: Option<(&'static str, Bytes)>,
}

impl Additions {
    /// Adds the header fields whose names the response does not have yet. The body is not taken:
    /// it has to be there when a response is built.
    pub fn add_to(&self, response: &mut Response) {
        let missing: Vec<_> =
            self.headers.iter().filter(|(name, _)| !response.headers().has(*name)).collect();
        for (name, value) in missing {
            response.headers_mut().push(*name, value);
        }
    }
}

/// What a response with this code to this request must carry, and what it should carry to be of
/// use. Total: a code that is not registered is completed as the first of its class
/// (RFC 3261 §8.1.3.2), an unknown 1xx as 183.
#[must_use]
pub fn complete(code: StatusCode, request: &Request, given: &Given) -> Additions {
    let mut additions = Additions::default();
    for piece in rows::row(code.as_u16()) {
        piece.add(request, given, &mut additions);
    }
    additions
}

#[cfg(test)]
mod tests;
