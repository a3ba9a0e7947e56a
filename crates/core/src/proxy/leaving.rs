//! The last touches to a copy, when it is known where it goes: what is not to be told there is taken
//! off, and our Record-Route put on (RFC 3261 §16.6 step 4).

use antiphon_sip::Request;

use super::forward::Side;
use super::history::History;
use super::{TrustDomain, forward};
use crate::endpoint::Endpoint;
use crate::flow::Flow;

/// A copy about to leave.
pub(super) struct Leaving<'a> {
    pub(super) trust: &'a TrustDomain,
    pub(super) history: Option<&'a History>,
    /// How the request came, and what that side is called in Record-Route.
    pub(super) inbound: (&'a Flow, &'a str),
    /// The same of the way that it takes.
    pub(super) outbound: (&'a Flow, &'a str),
}

impl Leaving<'_> {
    /// Makes the copy what is sent.
    pub(super) fn finish(self, request: &mut Request, endpoint: &Endpoint) {
        let Self { trust, history, inbound, outbound } = self;
        let next = outbound.0.remote.ip();
        trust.release(request, next);
        if let Some(history) = history.filter(|_| !trust.trusts(next)) {
            history.hide(request.headers_mut());
        }
        if forward::makes_dialog(request)
            && let Some(from) = side(endpoint, inbound)
            && let Some(to) = side(endpoint, outbound)
        {
            forward::record_route(request, &from, &to);
        }
    }
}

/// Our side at a flow: that of the listener which requests over it leave from or came to, as it is
/// after a restart with other listeners too.
fn side<'a>(endpoint: &'a Endpoint, (flow, token): (&Flow, &'a str)) -> Option<Side<'a>> {
    let (listener, sent_by) = (endpoint.listener_of(flow)?, endpoint.sent_by(flow)?);
    Some(Side { listener, sent_by, token })
}
