//! Request validation (RFC 3261 §16.3), in the order of the steps. Reasonable syntax (step 1) is
//! the parser's; Proxy-Authorization (step 6) is the authenticator's.

use std::collections::hash_map::DefaultHasher;
use std::hash::Hasher as _;

use antiphon_sip::header::{MaxForwards, ProxyRequire, Via};
use antiphon_sip::{HeaderName, OptionTag, Request, StatusCode, Uri};
use data_encoding::HEXLOWER;

use crate::endpoint::Endpoint;
use crate::page::Page;
use crate::refusal::Refusal;

/// Steps 2, 3 and 5: scheme, Max-Forwards, Proxy-Require.
///
/// # Errors
/// 416, 483 or 420, as the steps say.
pub fn validate(request: &Request) -> Result<(), Refusal> {
    scheme(request)?;
    max_forwards(request)?;
    proxy_require(request)
}

/// Step 4, as RFC 5393 §4.2 makes it mandatory for a forking proxy: a Via of ours whose branch
/// holds the hash that we would compute again means that the request has come round unchanged. A
/// changed one is a spiral, and legal.
///
/// It compares what decides where the request goes, so it is to be called when our own Route
/// values are off, and the request is as [`Proxy::forward`](super::Proxy::forward) will get it.
///
/// # Errors
/// 482.
pub fn no_loop(request: &Request, endpoint: &Endpoint) -> Result<(), Refusal> {
    // What has come through nobody but its sender has not come through us.
    let mut hops = request.headers().values(HeaderName::Via);
    let only = hops.next().filter(|_| hops.next().is_none());
    if only.is_some_and(|hop| !hop.contains(&b',')) {
        return Ok(());
    }
    let hash = loop_hash(request);
    // A Via that is to end in the hash holds it, so most need not be taken apart.
    let holds_hash = |value: &[u8]| value.windows(hash.len()).any(|part| part == hash.as_bytes());
    if !request.headers().values(HeaderName::Via).any(holds_hash) {
        return Ok(());
    }
    let is_loop = |via: Via<'_>| {
        let ends_in_hash = via.branch().is_some_and(|branch| branch.ends_with(&hash));
        ends_in_hash && endpoint.is_own(via.sent_by_text())
    };
    if request.headers().list::<Via<'_>>().filter_map(Result::ok).any(is_loop) {
        return Err(Refusal::new(StatusCode::LOOP_DETECTED));
    }
    Ok(())
}

/// What the branch of a forwarded request ends in (§16.6 step 8): a hash over everything that
/// decides where the request goes, so that a request which comes back unchanged is known
/// (RFC 5393 §4.2.1).
pub(super) fn loop_hash(request: &Request) -> String {
    let mut page = Page::new(DefaultHasher::new());
    let mut add = |part: &[u8]| {
        page.put(part);
        // The length keeps `ab`, `c` apart from `a`, `bc`.
        page.put(&(part.len() as u64).to_le_bytes());
    };
    add(request.uri_text().as_bytes());
    add(request.from_tag().unwrap_or_default().as_bytes());
    add(request.to_tag().unwrap_or_default().as_bytes());
    add(request.call_id().as_bytes());
    add(&request.cseq().to_le_bytes());
    for name in [HeaderName::Route, HeaderName::ProxyRequire, HeaderName::ProxyAuthorization] {
        request.headers().values(name).for_each(&mut add);
    }
    HEXLOWER.encode(&page.into_hasher().finish().to_be_bytes())
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

/// Step 5: the one extension of proxies that is known is the privacy service (RFC 3323 §4.3); every
/// other tag of Proxy-Require is refused by name.
fn proxy_require(request: &Request) -> Result<(), Refusal> {
    if !request.headers().has(HeaderName::ProxyRequire) {
        return Ok(());
    }
    let tags = request.headers().list::<ProxyRequire>().collect::<Result<Vec<_>, _>>()?;
    let unsupported: Vec<_> =
        tags.iter().filter(|tag| tag.0 != OptionTag::Privacy).map(ToString::to_string).collect();
    if unsupported.is_empty() {
        return Ok(());
    }
    let unsupported = unsupported.join(", ");
    Err(Refusal::new(StatusCode::BAD_EXTENSION).with(HeaderName::Unsupported, unsupported))
}
