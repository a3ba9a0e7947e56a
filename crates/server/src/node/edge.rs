//! The edge proxy (RFC 5626 §5): the first hop of telephones whose registrar is somebody else's.
//!
//! A REGISTER gets a Path with the flow that it came by; what the registrar then sends by that
//! Path goes over this flow, and nowhere else. Nothing is kept of either. Who may call whom is for
//! the registrar to say: all that goes to its domains is passed, and to no other place.

use antiphon_core::endpoint::Listener;
use antiphon_core::flow::Flow;
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::supports;
use antiphon_core::time::Time;
use antiphon_sip::header::{Route, Via};
use antiphon_sip::{HeaderName, Method, OptionTag, Request, StatusCode, Transport, Uri};

use super::{Arrival, Server};

impl Server {
    /// Whether a request is on its way to a registrar that this server is the edge of.
    pub(super) fn is_for_beyond(&self, request: &Request) -> bool {
        let domains = &self.service.extensions.edge_for;
        let is_one = |uri: &Uri<'_>| {
            let Uri::Sip(uri) = uri else { return false };
            let host = uri.host.to_string();
            uri.maddr().is_none() && domains.iter().any(|domain| domain.eq_ignore_ascii_case(&host))
        };
        if domains.is_empty() || self.is_ours(&request.uri()) {
            return false;
        }
        match request.headers().first::<Route<'_>>() {
            Ok(Some(route)) => is_one(&route.uri),
            Ok(None) => is_one(&request.uri()),
            Err(_) => false,
        }
    }

    /// Passes it on, a REGISTER with the way back (§5.1).
    pub(super) fn pass_beyond(&mut self, now: Time, mut arrival: Arrival) {
        let is_first_hop = arrival.request.headers().list::<Via<'_>>().count() == 1;
        if *arrival.request.method() == Method::Register && is_first_hop {
            // RFC 3327 §5.2: without it the calls would not find back.
            if !supports(&arrival.request, &OptionTag::Path) {
                let refusal = Refusal::new(StatusCode::EXTENSION_REQUIRED)
                    .with(HeaderName::Require, OptionTag::Path);
                return self.refuse(now, &arrival, &refusal);
            }
            let Some(path) = self.path_of(&arrival.flow) else {
                let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
                return self.refuse(now, &arrival, &refusal);
            };
            arrival.request.headers_mut().push_top(HeaderName::Path, path);
        }
        let target = self.dialog_target(&arrival.request, None);
        self.forward(now, arrival, vec![target]);
    }

    /// Our URI with the flow, at a listener that the registrar can reach.
    fn path_of(&self, flow: &Flow) -> Option<String> {
        let token = self.route_tokens.edge_token(flow);
        let Listener { transport, sent_by, .. } = self.listener_for_servers(flow)?;
        let transport = match transport {
            Transport::Udp => String::new(),
            other => format!(";transport={}", other.as_uri_param()),
        };
        Some(format!("<sip:{token}@{sent_by}{transport};lr;ob>"))
    }

    /// UDP, or else TCP, or else the way that the telephone came itself.
    fn listener_for_servers(&self, flow: &Flow) -> Option<&Listener> {
        let by = |transport| self.endpoint.listener_for(transport, flow.remote);
        by(Transport::Udp).or_else(|| by(Transport::Tcp)).or_else(|| by(flow.transport))
    }
}

impl Arrival {
    /// Whether it came from the registrar by a Path of ours, and is to go over the flow in it.
    pub(super) fn is_from_beyond(&self) -> bool {
        self.follows && self.recorded.is_some_and(|recorded| recorded.is_edge)
    }

    /// §5.3: a telephone that names its own flow in a Route is on its way out, and the flow says
    /// nothing.
    pub(super) fn forget_own_flow(&mut self) {
        let is_same = |other: Flow| {
            (other.transport, other.remote) == (self.flow.transport, self.flow.remote)
        };
        let is_own = |flow: Option<Flow>| flow.is_some_and(is_same);
        if self.recorded.is_some_and(|it| it.is_edge && is_own(it.flow)) {
            self.recorded = None;
            self.follows = false;
        }
    }
}
