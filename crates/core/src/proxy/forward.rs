//! The copy that goes to one target (RFC 3261 §16.6), all but the Via, which is the endpoint's.

use antiphon_sip::header::{MaxForwards, Route};
use antiphon_sip::{HeaderName, Method, Request, Uri, UriBuf};

use super::Target;
use crate::endpoint::Listener;
use crate::locate::{Hop, NoHop};

/// A request ready for one target.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) request: Request,
    pub(super) hop: Hop,
}

/// Steps 1, 2, 3, 6 and 7. Record-Route (step 4) needs the outgoing flow and comes after.
pub(super) fn copy(received: &Request, target: &Target) -> Result<Copy, NoHop> {
    let mut request = received.clone();
    if request.uri_text() != target.uri.as_str() {
        request.set_uri(request_uri(&target.uri));
    }
    let hops = match request.headers().field::<MaxForwards>() {
        Ok(Some(MaxForwards(hops))) => hops.saturating_sub(1),
        _ => 70,
    };
    request.headers_mut().set(HeaderName::MaxForwards, hops);
    for route in target.path.iter().rev() {
        request.headers_mut().push_top(HeaderName::Route, route);
    }
    let hop = next_hop(&mut request)?;
    Ok(Copy { request, hop })
}

/// Step 2: the target's URI without what §19.1.1 table 1 forbids in a Request-URI.
fn request_uri(target: &UriBuf) -> UriBuf {
    match target.as_uri() {
        Uri::Sip(uri) if uri.headers.is_some() => {
            UriBuf::from(Uri::Sip(antiphon_sip::uri::SipUri { headers: None, ..uri }))
        }
        _ => target.clone(),
    }
}

/// Steps 6 and 7: the topmost Route decides where the request goes, the Request-URI when there is
/// none. For a strict router the two change places.
fn next_hop(request: &mut Request) -> Result<Hop, NoHop> {
    let top = request.headers().first::<Route<'_>>().ok().flatten();
    let Some(top) = top else { return Hop::of(&request.uri()) };
    let hop = Hop::of(&top.uri)?;
    let is_loose = matches!(top.uri, Uri::Sip(uri) if uri.lr());
    if !is_loose {
        let strict = UriBuf::from(top.uri);
        let last = format!("<{}>", request.uri_text());
        request.headers_mut().pop_first(HeaderName::Route);
        request.headers_mut().push(HeaderName::Route, last);
        request.set_uri(strict);
    }
    Ok(hop)
}

/// Step 4: whether requests in the dialog that this one may make have to come through us again.
pub(super) fn makes_dialog(request: &Request) -> bool {
    matches!(
        request.method(),
        Method::Invite | Method::Subscribe | Method::Refer | Method::Notify
    )
}

/// Step 4: our values, one when the request leaves the way it came, two when transport or address
/// change (RFC 5658 §3): the side that each end of the dialog talks to stands nearest to it.
pub(super) fn record_route(
    request: &mut Request,
    inbound: &Listener,
    outbound: &Listener,
    token: &str,
) {
    let headers = request.headers_mut();
    headers.push_top(HeaderName::RecordRoute, own_route(inbound, token));
    if inbound != outbound {
        headers.push_top(HeaderName::RecordRoute, own_route(outbound, token));
    }
}

/// The URI by which a listener puts itself into a route set.
fn own_route(listener: &Listener, token: &str) -> String {
    use antiphon_sip::Transport;
    let transport = match listener.transport {
        Transport::Udp => String::new(),
        other => format!(";transport={}", other.as_uri_param()),
    };
    format!("<sip:{token}@{}{transport};lr>", listener.sent_by)
}
