//! Where the routes that we recorded lead: each side of a dialog to the other, and nowhere else.
//!
//! Which host the caller is reached at stands in the request that begins the dialog; which the
//! callee, only in its response. So the value that the caller gets to see is written anew then
//! (RFC 3261 §16.7 step 8).

use antiphon_core::time::Time;
use antiphon_sip::header::{Contact, RecordRoute, Route};
use antiphon_sip::{HeaderName, Headers, Host, Method, Request, Response, Uri};

use super::route_token::Recorded;
use super::{Arrival, Server};

impl Server {
    /// Whether a request that came by a route of ours goes where that route leads: by the flow that
    /// was recorded, to the host that was, or to a user of ours, whom anybody may call.
    pub(super) fn follows_its_route(&self, request: &Request, recorded: &Recorded) -> bool {
        let has_route = request.headers().has(HeaderName::Route);
        if !has_route && recorded.flow.is_some() {
            return true;
        }
        let next = match request.headers().first::<Route<'_>>() {
            Ok(Some(route)) => host_of(&route.uri),
            Ok(None) => {
                let uri = request.uri();
                if !has_route && self.is_this_server(&uri) {
                    return true;
                }
                host_of(&uri)
            }
            Err(_) => None,
        };
        self.route_tokens.of_call(request.call_id()).leads_to(recorded, next)
    }

    /// Whether an ACK may go on: where its route leads or, since nobody can be asked to sign in for
    /// it, from where one of our users is or from a trusted network.
    pub(super) fn may_acknowledge(
        &mut self,
        now: Time,
        arrival: &Request,
        source: &Arrived,
    ) -> bool {
        self.follows_its_route(arrival, &source.recorded)
            || self.service.trusts(source.address)
            || self.guard.is_of_ours(now, source.address)
    }

    /// Has our value in the Record-Route of a response lead to whoever gives it.
    pub(super) fn bind_route(&self, response: &mut Response) {
        let code = response.status().as_u16();
        if !(101..300).contains(&code) || !makes_dialog(&response.cseq_method()) {
            return;
        }
        if let Some((old, new)) = self.bound_token(response) {
            response.headers_mut().replace_part(HeaderName::RecordRoute, &old, &new);
        }
    }

    /// The topmost token of ours in Record-Route, and what is to stand in its place, if it does not
    /// lead there already. The values above it are of the elements between us and the callee.
    fn bound_token(&self, response: &Response) -> Option<(String, String)> {
        let headers = response.headers();
        headers.value(HeaderName::RecordRoute)?;
        let tokens = self.route_tokens.of_call(response.call_id());
        let mut above = None;
        for route in headers.list::<RecordRoute<'_>>() {
            let uri = route.ok()?.uri;
            let recorded = tokens.read(&uri).filter(|_| self.is_this_server(&uri));
            if let Some(recorded) = recorded {
                let host = match above {
                    Some(above) => host_of(&above)?,
                    None => contact_host(headers)?,
                };
                let new = tokens.led_to(&recorded, host)?;
                return Some((uri.as_sip()?.user?.to_owned(), new));
            }
            above = Some(uri);
        }
        None
    }
}

/// How an ACK came.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) recorded: Recorded,
    pub(super) address: std::net::IpAddr,
}

impl Arrival {
    /// Whether it belongs to a dialog that was let in, and goes where the route of that leads.
    pub(super) fn is_within(&self) -> bool {
        self.recorded.is_some() && self.follows && self.request.to_tag().is_some()
    }
}

/// The host at which the sender of a request is reached in the dialog that it may make: that of the
/// element before us which stays in it, else its own.
pub(super) fn sender_host(request: &Request) -> Option<Host<'_>> {
    let above = request.headers().first::<RecordRoute<'_>>().ok().flatten();
    match above {
        Some(above) => host_of(&above.uri),
        None => contact_host(request.headers()),
    }
}

/// The host at which the sender of a message is reached, as its Contact says.
pub(super) fn contact_host(headers: &Headers) -> Option<Host<'_>> {
    match headers.first::<Contact<'_>>() {
        Ok(Some(Contact::Addr(address))) => host_of(&address.uri),
        _ => None,
    }
}

/// The host that a URI leads to.
pub(super) fn host_of<'a>(uri: &Uri<'a>) -> Option<Host<'a>> {
    let uri = uri.as_sip()?;
    Some(uri.maddr().unwrap_or(uri.host))
}

const fn makes_dialog(method: &Method) -> bool {
    matches!(method, Method::Invite | Method::Subscribe | Method::Refer | Method::Notify)
}
