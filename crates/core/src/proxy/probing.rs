//! Servers that have failed are asked by OPTIONS whether they are there again, before they get
//! requests (RFC 3263 §4.3 says that they rest, RFC 3261 §11 how one asks).
//!
//! Nobody is asked that no request wanted: whoever is never sent to again is never asked.

use std::net::IpAddr;
use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode, UriBuf};

use super::servers::retry_after;
use super::{Place, Proxy};
use crate::endpoint::{ClientId, Endpoint, Failure};
use crate::locate::{Hop, HopHost};
use crate::time::Time;

impl Proxy {
    /// Asks those that the request of a branch would have gone to, had they not been resting.
    pub(super) fn probe_wanted(&mut self, now: Time, endpoint: &mut Endpoint, place: Place) {
        while let Some(server) = self.rests.next_wanted(now) {
            let Some(context) = self.contexts.get(&place.server) else { continue };
            let Some(hop) = context.hop(place.branch).cloned() else { continue };
            let Some(to) = hop.destination(&server, endpoint) else { continue };
            let Some(request) = question(endpoint, &hop) else { continue };
            if let Ok(client) = endpoint.request(now, request, to, None) {
                self.probes.insert(client, server);
            }
        }
    }

    /// Takes the answer to a probe; whether it was one. Whatever is said, somebody is there, except
    /// that 503 says that nothing is taken.
    pub(super) fn probe_answered(
        &mut self,
        now: Time,
        client: ClientId,
        response: &Response,
    ) -> bool {
        let Some(server) = self.probes.remove(&client) else { return false };
        if response.status() == StatusCode::SERVICE_UNAVAILABLE {
            let asked = retry_after(response).map(u64::from).map(Duration::from_secs);
            self.rests.failed(now, server, asked);
        } else {
            self.rests.works(&server);
        }
        true
    }

    /// The same when there was none.
    pub(super) fn probe_failed(&mut self, now: Time, client: ClientId, failure: Failure) -> bool {
        let Some(server) = self.probes.remove(&client) else { return false };
        match failure {
            Failure::Timeout | Failure::Transport(_) => self.rests.failed(now, server, None),
        }
        true
    }
}

/// OPTIONS to the server itself, which nobody behind it is to see: Max-Forwards is 0, and both 200
/// and 483 are an answer (RFC 3261 §11.2, §16.3 step 3).
fn question(endpoint: &mut Endpoint, hop: &Hop) -> Option<Request> {
    let host = match hop.domain.as_ref().unwrap_or(&hop.host) {
        HopHost::Address(IpAddr::V4(address)) => address.to_string(),
        HopHost::Address(IpAddr::V6(address)) => format!("[{address}]"),
        HopHost::Name(name) => name.to_string(),
    };
    let scheme = if hop.is_secure { "sips" } else { "sip" };
    let uri = UriBuf::parse(&format!("{scheme}:{host}")).ok()?;
    let own = endpoint.config().listeners.first()?.sent_by.clone();
    let from = format!("<sip:{own}>;tag={}", endpoint.new_tag());
    let (to, call_id) = (format!("<{uri}>"), endpoint.new_call_id());
    let request = Request::builder(Method::Options, uri).identity(&from, &to, &call_id, 1);
    request.header(HeaderName::MaxForwards, 0).build().ok()
}
