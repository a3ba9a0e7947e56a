//! Targets that are one server of several, as a trunk has them: when one cannot be reached, does not
//! answer or takes no requests, the next one is asked the same (RFC 3263 §4.3). Any other answer
//! came from a live server, and is that of all.

use std::sync::Arc;
use std::time::Duration;

use antiphon_sip::Response;
use antiphon_sip::header::RetryAfter;

use super::{Notice, Place, Proxy, Target};
use crate::endpoint::{ClientId, Endpoint};
use crate::time::Time;

/// What makes a target one server of several.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetServer {
    /// By which it is told of in [`Notice::Unavailable`].
    pub name: Arc<str>,
    /// That it is not to be asked for so many seconds: it counts as having answered 503 with them
    /// in Retry-After (RFC 3261 §21.5.4).
    pub rests: Option<u32>,
    /// How long it may be without any response while there are others, if that is less than 64*T1.
    pub patience: Option<Duration>,
    /// The others, in the order in which they are tried, each of them a server too. Those of theirs
    /// are not looked at.
    pub next: Vec<Target>,
}

impl Proxy {
    /// The server of a target that a client transaction went to ([`TargetServer::name`]), if it is
    /// one of several.
    #[must_use]
    pub fn server_of(&self, client: ClientId) -> Option<Arc<str>> {
        let place = self.clients.get(&client)?;
        self.contexts.get(&place.server)?.server_of(place.branch)
    }

    /// Starts a branch to the next server in the place of one that is about to end.
    pub(super) fn try_next_server(&mut self, now: Time, endpoint: &mut Endpoint, place: Place) {
        let context = self.contexts.get_mut(&place.server);
        let next = context.and_then(|context| context.next_server(now, place.branch));
        if let Some((target, breadth)) = next {
            self.start(now, endpoint, place.server, target, breadth);
        }
    }

    /// Tells that the server of a branch is of no use, and for how long it says so itself.
    pub(super) fn tell_unavailable(&mut self, place: Place, response: Option<&Response>) {
        let context = self.contexts.get(&place.server);
        let Some(name) = context.and_then(|context| context.server_of(place.branch)) else {
            return;
        };
        let retry_after = response.and_then(retry_after);
        self.notices.push_back(Notice::Unavailable { name, retry_after });
    }
}

/// What does not look sensible counts as absent.
pub(super) fn retry_after(response: &Response) -> Option<u32> {
    let field = response.headers().field::<RetryAfter<'_>>().ok().flatten()?;
    u32::try_from(field.seconds).ok().filter(|_| field.is_sensible())
}
