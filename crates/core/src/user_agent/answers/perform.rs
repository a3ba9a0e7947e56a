//! Scripts for requests that begin no call, and what every response that is played carries.

use std::collections::VecDeque;
use std::net::SocketAddr;

use antiphon_sip::{Method, Request, Response, StatusCode};

use super::super::UserAgent;
use super::super::message::{ALLOW, add_free, incoming, supported};
use super::super::state::{Performance, Subject};
use super::super::words::{Event, Reply, Script};
use crate::dialog::DialogId;
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::offer_answer::{self, Direction, LocalMedia, SessionVersion};
use crate::reply::{Given, complete};
use crate::time::Time;

/// Steps of a script that are played.
const MAX_STEPS: usize = 64;

impl UserAgent {
    /// Plays the script of a request that begins no call. Gives the request back if it has none.
    pub(in crate::user_agent) fn perform(
        &mut self,
        now: Time,
        id: ServerId,
        request: Request,
        flow: Flow,
    ) -> Option<Request> {
        let within = request.to_tag().is_some();
        let begins_call = *request.method() == Method::Invite && !within;
        let cue = self.turns.cue(&self.config.playbook, request.method(), within);
        let Some(mut cue) = cue.filter(|_| !begins_call) else { return Some(request) };
        let (script, passed) = self.open_gates(now, std::mem::take(&mut cue.script), &request);
        if passed {
            self.turns.count(&cue);
        }
        self.begin_performance(now, id, request, flow, script);
        None
    }

    pub(in crate::user_agent) fn begin_performance(
        &mut self,
        now: Time,
        id: ServerId,
        request: Request,
        flow: Flow,
        script: Script,
    ) {
        let is_invite = *request.method() == Method::Invite;
        let mut at = now;
        let mut steps = VecDeque::new();
        for step in script.steps.into_iter().take(MAX_STEPS) {
            at = at + step.after;
            let is_final = step.reply.code.is_final();
            if is_final || is_invite {
                steps.push_back((at, step.reply));
            }
            if is_final {
                break;
            }
        }
        self.performances.insert(id, Performance { request, flow, steps });
        self.performance_due(now, id);
    }

    /// The next response of a script is due.
    pub(in crate::user_agent) fn performance_due(&mut self, now: Time, id: ServerId) {
        while let Some(performance) = self.performances.get_mut(&id) {
            match performance.steps.front() {
                Some((at, _)) if *at > now => {
                    return self.timers.set(Subject::Performance(id), Some(*at));
                }
                Some(_) => {}
                None => {
                    // A script without a final response leaves its request unanswered.
                    self.performances.remove(&id);
                    return;
                }
            }
            let Some((_, reply)) = performance.steps.pop_front() else { return };
            let (request, flow) = (performance.request.clone(), performance.flow);
            if reply.code.is_final() {
                self.performances.remove(&id);
            }
            self.play_one(now, id, request, flow, reply);
        }
    }

    /// A re-INVITE that is being played to was cancelled (RFC 3261 §9.2).
    pub(in crate::user_agent) fn end_performance(&mut self, now: Time, id: ServerId) {
        let Some(Performance { request, flow, .. }) = self.performances.remove(&id) else { return };
        self.timers.set(Subject::Performance(id), None);
        let reply = Reply::new(StatusCode::REQUEST_TERMINATED);
        self.play_one(now, id, request, flow, reply);
    }

    fn play_one(
        &mut self,
        now: Time,
        id: ServerId,
        request: Request,
        flow: Flow,
        mut reply: Reply,
    ) {
        if reply.code == StatusCode::OK && self.does_by_itself(&request, &reply) {
            return self.take_request(now, id, request, flow);
        }
        self.challenge(now, &mut reply, false);
        let tag = self.endpoint.tag_of(id);
        let response = self.complete_reply(&request, &flow, &reply, &tag);
        let code = response.status();
        self.reply(now, id, response);
        if code.is_final() {
            let call = self.dialogs.get(&DialogId::of_request(&request)).copied();
            let request = incoming(&request, flow);
            self.tell(match call {
                Some(call) => Event::IncomingRequest { call, request, code },
                None => Event::Played { request, code },
            });
        }
    }

    /// Whether 200 is what this agent would say anyway, and does something beside.
    fn does_by_itself(&self, request: &Request, reply: &Reply) -> bool {
        let is_plain = reply.headers.is_empty() && reply.body.is_none() && reply.reason.is_none();
        let knows = match request.method() {
            Method::Options | Method::Message => true,
            Method::Invite | Method::Bye | Method::Info | Method::Update | Method::Prack => {
                self.dialogs.contains_key(&DialogId::of_request(request))
            }
            _ => false,
        };
        is_plain && knows
    }

    /// A response with all that its code must carry.
    pub(in crate::user_agent) fn complete_reply(
        &self,
        request: &Request,
        flow: &Flow,
        reply: &Reply,
        tag: &str,
    ) -> Response {
        let additions = complete(reply.code, request, &self.given(flow));
        let mut builder = self.sign(Response::builder(request, reply.code).to_tag(tag));
        if let Some(reason) = &reply.reason {
            builder = builder.reason(reason);
        }
        if reply.code.is_final() {
            builder = match (&reply.body, &additions.body) {
                (Some((kind, body)), _) => builder.body(kind, body.clone()),
                (None, Some((kind, body))) => builder.body(kind, body.clone()),
                (None, None) => builder,
            };
        }
        let mut response = builder.build();
        add_free(&mut response, &reply.headers);
        additions.add_to(&mut response);
        response
    }

    /// Adds what a response of 101 to 299 must carry beside what makes its dialog: the Reason of a
    /// 199 (RFC 6228 §5).
    pub(in crate::user_agent) fn complete_early(
        &self,
        request: &Request,
        flow: &Flow,
        response: &mut Response,
    ) {
        complete(response.status(), request, &self.given(flow)).add_to(response);
    }

    /// What is known here for the completion of a response.
    fn given(&self, flow: &Flow) -> Given {
        let contact = self.contact("", flow, false);
        let uri = contact.trim_matches(['<', '>']).trim_start_matches("sip:");
        let (authority, params) = uri.split_at(uri.find(';').unwrap_or(uri.len()));
        // What could be: described without a port, so that nothing is sent (RFC 3264 §9).
        let address = SocketAddr::new(flow.local.ip(), 0);
        let capabilities = LocalMedia { address, direction: Direction::SendRecv };
        Given {
            authority: authority.to_owned(),
            uri_params: params.to_owned(),
            session: Some(offer_answer::offer(&capabilities, SessionVersion::first(0))),
            allow: ALLOW,
            supported: supported(self.config.reliability),
            ..Given::default()
        }
    }
}
