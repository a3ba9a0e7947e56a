//! Forward: what is decided goes to the proxy (RFC 3261 §16.6).

use antiphon_core::flow::Flow;
use antiphon_core::proxy::{self, Forwarding, Recursion, Target};
use antiphon_core::registrar::has_gr;
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, Request};

use super::bound_route::{Arrived, sender_host};
use super::course::Course;
use super::media::Passing;
use super::offence::Unroutable;
use super::route_token::Recorded;
use super::source::{flow_of_caller, names_public_place};
use super::{Arrival, Offence, Server};

impl Server {
    /// The target that a request names itself: its Request-URI, by the flow that we recorded for
    /// that side of the dialog unless another element is to come first.
    pub(super) fn dialog_target(&self, request: &Request, recorded: Option<Recorded>) -> Target {
        let flow = recorded.and_then(|it| self.flow_of_who_moved(request, it.flow));
        let flow = flow.filter(|_| !request.headers().has(HeaderName::Route));
        let tokens = || self.route_tokens.of_call(request.call_id());
        let token = |flow| tokens().token_of_flow(None, &flow);
        let target = Target { flow, token: flow.map(token), ..Target::new(request.uri_buf()) };
        self.with_account(target, recorded, request.call_id())
    }

    /// Forwards a request, by way of the media relay when its call is to be relayed.
    pub(super) fn forward(&mut self, now: Time, arrival: Arrival, targets: Vec<Target>) {
        let hides_session = self.hides_session(&arrival, &targets);
        if let Err(refusal) = proxy::provide_if_critical(&arrival.request, hides_session) {
            return self.refuse(now, &arrival, &refusal);
        }
        if self.is_for_the_relay(&arrival, &targets) {
            let call_id = arrival.request.call_id().to_owned();
            return self.line_up(now, &call_id, Passing::Request(arrival, targets));
        }
        self.hand_over(now, arrival, targets);
    }

    /// What is decided goes to the proxy.
    pub(super) fn hand_over(&mut self, now: Time, arrival: Arrival, targets: Vec<Target>) {
        let watch = arrival.course.as_ref().and_then(Course::watch);
        if arrival.is_in_proxy() && !self.courses.contains_key(&arrival.id) {
            // It was answered or cancelled meanwhile.
            return;
        }
        if watch.is_some() {
            self.courses.insert(arrival.id, arrival.clone());
        }
        if arrival.is_in_proxy() {
            return self.proxy.instead(now, &mut self.endpoint, arrival.id, targets, watch);
        }
        let tokens = self.route_tokens.of_call(arrival.request.call_id());
        let host = sender_host(&arrival.request);
        let token = tokens.token(host);
        let caller_flow = flow_of_caller(&arrival.request, arrival.flow);
        // A trunk is a server: it is reached where its Contact says, whatever it came over, unless
        // that means nothing here. Its challenges are answered by its account.
        let is_known = caller_flow.is_none() || names_public_place(&arrival.request);
        let trunk = arrival.trunk.as_ref().filter(|_| is_known);
        let caller_token = trunk
            .and_then(|trunk| self.token_with_account(&tokens, host, trunk))
            .or_else(|| caller_flow.map(|flow| tokens.token_of_flow(host, &flow)));
        let is_edge = arrival.is_from_beyond();
        let Arrival { id: server, mut request, flow: inbound, identity, .. } = arrival;
        let trust = self.service.extensions.trust.clone();
        trust.admit(&mut request, inbound.remote.ip(), identity.as_ref());
        let hides_session = self.has_media_of(request.call_id());
        proxy::provide(&mut request, hides_session);
        self.take_off_own_credentials(&mut request);
        let recursion = self.recursion(&request);
        let forwarding = Forwarding {
            server,
            request,
            inbound,
            targets,
            token,
            caller_token,
            recursion,
            is_edge,
            trust,
            watch,
        };
        self.proxy.forward(now, &mut self.endpoint, forwarding);
    }

    /// Whether a redirection of this request is for us to follow: only of one to our own users.
    fn recursion(&self, request: &Request) -> Option<Recursion> {
        let is_followed = self.service.extensions.follow_redirections
            && self.is_ours(&request.uri())
            // RFC 5627 §6.1: one instance is meant, and nobody else.
            && !has_gr(&request.uri())
            && !request.headers().has(HeaderName::Route);
        let own_hosts = || self.service.domains.hosts().map(Into::into).collect();
        is_followed.then(|| Recursion { own_hosts: own_hosts() })
    }

    /// An ACK of a 2xx follows its dialog's route set; it is never challenged or answered
    /// (RFC 3261 §22.1, §16.11).
    pub(super) fn acknowledge(&mut self, now: Time, request: Box<Request>, flow: Flow) {
        let mut request = request;
        let recorded = match self.take_off(&mut request, &flow) {
            Ok(recorded) => recorded,
            Err(Unroutable::Malformed(_)) => return,
            Err(Unroutable::Forged) => return self.tell(now, flow, Offence::ForgedRoute),
        };
        if self.validate(&request).is_err() {
            return;
        }
        // Without a Route that we made for this call we would be a relay for strangers, unless it
        // belongs to an INVITE that a rule lets through without state.
        let Some(this) = recorded else {
            self.pass_statelessly(now, &request, flow);
            return;
        };
        let arrived = Arrived { recorded: this, address: flow.remote.ip() };
        let is_led = self.may_acknowledge(now, &request, &arrived);
        if is_led || self.follows_who_moved(&request) {
            self.take_off_own_credentials(&mut request);
            if self.is_to_be_located(&request, &this) {
                return self.locate_ack(request);
            }
            let target = self.dialog_target(&request, recorded);
            self.pass_ack(now, request, target);
        }
    }
}
