//! Early dialogs that end while the call goes on (RFC 6228 §6): the caller is told by a 199, so
//! that it can let go of what it holds for them.

use antiphon_sip::{HeaderName, Method, OptionTag, Request, Response, StatusCode};

use super::{Place, Proxy};
use crate::endpoint::Endpoint;
use crate::registrar::supports;
use crate::time::Time;

/// Early dialogs that are remembered of one branch: as many as a callee of the usual kind has
/// telephones. Those beyond end with the call.
const MAX_EARLY: usize = 16;

impl Proxy {
    /// A provisional response goes to the caller, who then knows of its early dialog, or of its
    /// end.
    pub(super) fn note_early(&mut self, place: Place, response: &Response) {
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        if !wants_199(context.request()) {
            return;
        }
        let (Some(tag), Some(early)) = (response.to_tag(), context.early_mut(place.branch)) else {
            return;
        };
        early.retain(|known| **known != *tag);
        let has_ended = response.status() == StatusCode::EARLY_DIALOG_TERMINATED;
        if !has_ended && early.len() < MAX_EARLY {
            early.push(tag.into());
        }
    }

    /// A branch has ended, with all early dialogs that came over it, and its response is not the
    /// answer to the caller.
    pub(super) fn end_early(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        place: Place,
        status: StatusCode,
    ) {
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        let tags = context.early_mut(place.branch).map(std::mem::take).unwrap_or_default();
        // After a 6xx the others end as well, and the answer is near.
        if context.answered || !context.goes_on() || status.as_u16() >= 600 {
            return;
        }
        for tag in tags {
            let reason = format!("SIP;cause={}", status.as_u16());
            let told = Response::builder(context.request(), StatusCode::EARLY_DIALOG_TERMINATED)
                .to_tag(tag)
                .header(HeaderName::Reason, reason)
                .build();
            let _ = endpoint.respond(now, place.server, told);
        }
    }
}

/// Whether the caller understands 199, and does not demand of it what a proxy cannot give: to be
/// sent reliably.
fn wants_199(request: &Request) -> bool {
    let requires_100rel = || {
        let required = request.headers().list::<antiphon_sip::header::Require>().flatten();
        required.into_iter().any(|tag| tag.0 == OptionTag::Rel100)
    };
    *request.method() == Method::Invite
        && request.to_tag().is_none()
        && supports(request, &OptionTag::EarlyDialogTerminated)
        && !requires_100rel()
}
