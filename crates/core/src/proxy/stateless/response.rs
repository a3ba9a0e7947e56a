//! A response to a request that was forwarded without state: it goes to where the next Via says
//! (RFC 3261 §16.11).

use antiphon_sip::{HeaderName, Response, Transport};

use super::super::{Proxy, TrustDomain};
use crate::endpoint::Endpoint;
use crate::flow::Flow;

impl Proxy {
    /// Passes a response on that belongs to no transaction, if it is one to a request that went
    /// through here; any other is dropped without a word (RFC 6026 §7.3).
    /// Nothing in it changes but our Via and what RFC 3325 §5 does not let through.
    pub fn pass_stray_response(
        &self,
        endpoint: &mut Endpoint,
        mut response: Response,
        from: &Flow,
        trust: &TrustDomain,
    ) {
        let Some(branch) = response.branch().map(str::to_owned) else { return };
        response.headers_mut().pop_first(HeaderName::Via);
        let branches = self.stateless_branches;
        let listeners = endpoint.config().listeners.iter();
        let local = listeners
            .filter(|listener| listener.transport == Transport::Udp)
            .map(|listener| listener.local)
            .find(|local| branches.is_of_response(&branch, &response, *local));
        let Some(local) = local else { return };
        let next = response.top_via().and_then(|via| via.received().or_else(|| via.host().ip()));
        let Some(caller) = next else { return };
        trust.release_response(&mut response, Some(from.remote.ip()), caller);
        endpoint.pass_response(&response, local);
    }
}
