//! Request validation (RFC 3261 §16.3), in the order of the steps. Reasonable syntax (step 1) is
//! the parser's; Proxy-Authorization (step 6) is the authenticator's.

use antiphon_sip::header::{MaxForwards, ProxyRequire};
use antiphon_sip::{HeaderName, Request, StatusCode, Uri};

use super::loop_hash;
use crate::endpoint::Endpoint;
use crate::refusal::Refusal;

/// Steps 2 to 5: scheme, Max-Forwards, loop, Proxy-Require.
///
/// # Errors
/// 416, 483, 482 or 420, as the steps say.
pub fn validate(request: &Request, endpoint: &Endpoint) -> Result<(), Refusal> {
    scheme(request)?;
    max_forwards(request)?;
    no_loop(request, endpoint)?;
    proxy_require(request)
}

/// Step 2: a Request-URI whose scheme is not understood is refused with 416.
fn scheme(request: &Request) -> Result<(), Refusal> {
    match request.uri() {
        Uri::Sip(_) | Uri::Tel(_) => Ok(()),
        Uri::Other { .. } => Err(Refusal::new(StatusCode::UNSUPPORTED_URI_SCHEME)),
    }
}

/// Step 3: Max-Forwards 0 may not be forwarded.
fn max_forwards(request: &Request) -> Result<(), Refusal> {
    match request.headers().field::<MaxForwards>()? {
        Some(MaxForwards(0)) => Err(Refusal::new(StatusCode::TOO_MANY_HOPS)),
        _ => Ok(()),
    }
}

/// Step 4, as RFC 5393 §4.2 makes it mandatory for a forking proxy: a Via of ours whose branch
/// holds the hash that we would compute again means that the request has come round unchanged. A
/// changed one is a spiral, and legal.
fn no_loop(request: &Request, endpoint: &Endpoint) -> Result<(), Refusal> {
    use antiphon_sip::header::Via;
    let mut hash = None;
    for via in request.headers().list::<Via<'_>>().skip(1).filter_map(Result::ok) {
        if !endpoint.is_own(via.sent_by_text()) {
            continue;
        }
        let hash = hash.get_or_insert_with(|| loop_hash(request));
        if via.branch().is_some_and(|branch| branch.ends_with(hash.as_str())) {
            return Err(Refusal::new(StatusCode::LOOP_DETECTED));
        }
    }
    Ok(())
}

/// Step 5: no extension of proxies is implemented, so every tag of Proxy-Require is refused by
/// name.
fn proxy_require(request: &Request) -> Result<(), Refusal> {
    let tags =
        request.headers().list::<ProxyRequire>().collect::<Result<Vec<_>, _>>()?;
    if tags.is_empty() {
        return Ok(());
    }
    let unsupported = tags.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    Err(Refusal::new(StatusCode::BAD_EXTENSION).with(HeaderName::Unsupported, unsupported))
}
