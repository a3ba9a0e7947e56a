//! Route information (RFC 3261 §16.4): what a request's Route set says about us is taken off.

use antiphon_sip::header::Route;
use antiphon_sip::{HeaderName, Request, Uri, UriBuf};

use crate::refusal::Refusal;

/// What was found in the Route set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Preprocessed {
    /// Whether a Route value of ours was taken off: the request was sent through us on purpose,
    /// in a dialog because we put ourselves into its route set.
    pub was_routed_here: bool,
}

/// Takes our own values off the top of the Route set and undoes what a strict router did.
/// `is_own` says whether a URI is one that this element puts into Record-Route.
///
/// # Errors
/// 400 for a Route that is none.
pub fn preprocess(
    request: &mut Request,
    is_own: impl Fn(&Uri<'_>) -> bool,
) -> Result<Preprocessed, Refusal> {
    let mut found = Preprocessed::default();
    if is_own(&request.uri()) && has_lr(&request.uri()) {
        undo_strict_routing(request)?;
        found.was_routed_here = true;
    }
    // A change of transport or address was recorded with two values (§16.6 step 4, RFC 5658), so
    // more than one of ours may stand there.
    while top_route_is(request, &is_own)? {
        request.headers_mut().pop_first(HeaderName::Route);
        found.was_routed_here = true;
    }
    Ok(found)
}

fn top_route_is(
    request: &Request,
    is_own: &impl Fn(&Uri<'_>) -> bool,
) -> Result<bool, Refusal> {
    let top = request.headers().first::<Route<'_>>()?;
    Ok(top.is_some_and(|route| is_own(&route.uri)))
}

/// The element before us was a strict router: it put our Record-Route value into the Request-URI
/// and the real Request-URI at the end of the Route set.
fn undo_strict_routing(request: &mut Request) -> Result<(), Refusal> {
    let routes = request
        .headers()
        .list::<Route<'_>>()
        .map(|route| route.map(|route| (route.to_string(), UriBuf::from(route.uri))))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(((_, uri), rest)) = routes.split_last() else { return Ok(()) };
    let uri = uri.clone();
    let rest = rest.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(", ");
    request.set_uri(uri);
    request.headers_mut().remove(HeaderName::Route);
    if !rest.is_empty() {
        request.headers_mut().push(HeaderName::Route, rest);
    }
    Ok(())
}

fn has_lr(uri: &Uri<'_>) -> bool {
    matches!(uri, Uri::Sip(uri) if uri.lr())
}
