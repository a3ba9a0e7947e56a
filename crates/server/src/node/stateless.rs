//! Forwarding without state, where a rule asks for it (RFC 3261 §16.11).
//!
//! A rule is asked again for the same request when it comes again, so nothing that changes with
//! time may have a say in where it goes. What needs state after all is forwarded with it.

use std::hash::Hasher as _;

use antiphon_core::flow::Flow;
use antiphon_core::proxy::{StatelessForwarding, Target};
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, Method, Request, StatusCode, Transport};
use siphasher::sip::SipHasher13;

use super::bound_route::sender_host;
use super::sought::Gather;
use super::source::flow_of_caller;
use super::{Arrival, Server};
use crate::rules::{Destination, Facts, Hop, Outcome, decide};

/// Octets of a request that is forwarded without state, at most. What is put on must leave it below
/// the 1,300 octets from which on it would have to go by a stream, and by UDP after all when that
/// fails (§18.1.1), which somebody would have to remember.
const MOST_OCTETS: usize = 1_000;

impl Server {
    /// Forwards a request without state, or with it where it has to be.
    pub(super) fn forward_statelessly(&mut self, now: Time, arrival: Arrival, hop: Hop) {
        let target = self
            .stateless_target(&arrival.request, &hop)
            .filter(|target| self.needs_no_state(&arrival, target));
        let Some(target) = target else {
            return self.gather(now, arrival, Gather::new(vec![hop]));
        };
        let Arrival { id, request, flow, .. } = arrival;
        self.endpoint.forget(id);
        self.send_statelessly(now, request, flow, target);
    }

    /// A CANCEL for nothing that is known here goes the way that its INVITE went, if that was one
    /// without state (§16.10, §16.11).
    pub(super) fn cancel_statelessly(&mut self, now: Time, request: &Request, flow: Flow) {
        let mut cancel = request.clone();
        let is_sound = self.take_off(&mut cancel, &flow).is_ok() && self.validate(&cancel).is_ok();
        if !is_sound || !self.pass_statelessly(now, &cancel, flow) {
            let status = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
            self.endpoint.refuse_statelessly(request, flow, status);
        }
    }

    /// Passes a CANCEL or ACK on, our own Route values taken off, as the INVITE that it belongs to
    /// was: the rules say the same of both. Whether they say so.
    pub(super) fn pass_statelessly(&mut self, now: Time, request: &Request, flow: Flow) -> bool {
        let claimed = self.service.domains.claimed_by(request, |port| self.is_our_port(port));
        let is_signed_in = claimed.is_some() && !self.service.trusts(flow.remote.ip());
        // Whoever had to sign in has state, and so has whoever came over a stream.
        if is_signed_in || flow.transport != Transport::Udp {
            return false;
        }
        let mut request = Box::new(request.clone());
        let trunk = self.recognize(&mut request, flow.remote.ip());
        let facts = Facts {
            method: &Method::Invite,
            trunk: trunk.as_deref(),
            ..self.facts(now, &request, &flow)
        };
        let step = decide(&self.service.rules, &facts).step;
        let Outcome::ForwardStateless(hop) = &step.outcome else { return false };
        let Some(target) = self.stateless_target(&request, hop) else { return false };
        self.send_statelessly(now, request, flow, target);
        true
    }

    /// The one place that a hop stands for, without anybody being asked; `None` for users of ours,
    /// who are to be located.
    fn stateless_target(&self, request: &Request, hop: &Hop) -> Option<Target> {
        match &hop.to {
            Destination::Uri(uri) => {
                let is_elsewhere = !self.is_this_server(&uri.as_uri());
                is_elsewhere.then(|| Target::new(uri.clone()))
            }
            Destination::Trunk { trunk, user } => {
                self.stateless_trunk_target(trunk, user, number_of(request.call_id()))
            }
        }
    }

    /// Whether nothing about a request has to be remembered: neither the connection that its
    /// answer belongs to, nor credentials, which would count as used when it comes again, nor a
    /// step of its rule that came before, nor media. One that asks for privacy may have to be
    /// refused.
    fn needs_no_state(&self, arrival: &Arrival, target: &Target) -> bool {
        arrival.flow.transport == Transport::Udp
            && arrival.identity.is_none()
            && !arrival.is_in_proxy()
            && !self.is_for_the_relay(arrival, std::slice::from_ref(target))
            && !arrival.request.headers().has(HeaderName::Privacy)
            && arrival.request.to_bytes().len() <= MOST_OCTETS
    }

    fn send_statelessly(
        &mut self,
        now: Time,
        mut request: Box<Request>,
        inbound: Flow,
        target: Target,
    ) {
        let tokens = self.route_tokens.of_call(request.call_id());
        let host = sender_host(&request);
        let token = tokens.token(host);
        let caller_token =
            flow_of_caller(&request, inbound).map(|flow| tokens.token_of_flow(host, &flow));
        let trust = self.service.extensions.trust.clone();
        trust.admit(&mut request, inbound.remote.ip(), None);
        self.take_off_own_credentials(&mut request);
        let forwarding =
            StatelessForwarding { request, inbound, target, token, caller_token, trust };
        self.proxy.forward_statelessly(now, &mut self.endpoint, forwarding);
    }
}

/// A number that is the same for all of a call.
fn number_of(call_id: &str) -> u64 {
    let mut hasher = SipHasher13::new();
    hasher.write(call_id.as_bytes());
    hasher.finish()
}
