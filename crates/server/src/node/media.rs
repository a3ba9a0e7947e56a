//! Media: a session description that passes is shown to the relay first, and goes on as the relay
//! gives it back.
//!
//! While the relay is asked about a message, what follows of the same call waits behind it, so
//! that nothing of a call overtakes anything else of it.

use std::collections::{HashMap, VecDeque};

use antiphon_core::endpoint::{ClientId, Failure, ServerId};
use antiphon_core::proxy::{Target, provide_if_critical, wants_hidden_session};
use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, Headers, Method, Request, Response, StatusCode, Transport, Uri};
use bytes::Bytes;

use super::{Arrival, Question, Server, ServerEvent, Ticket};
use crate::media::calls::{MediaCalls, Said};
use crate::media::ng::{Command, Reply};
use crate::media::{MediaPolicy, MediaUse, Side, WithoutRelay};

/// ACKs of one call that wait at one time; one more is dropped, and comes again with the next
/// 2xx. Everything else that waits is a transaction, and the endpoint bounds those.
const MAX_WAITING: usize = 32;

/// What is known of the calls that are relayed.
#[derive(Debug, Default)]
pub(super) struct Desk {
    calls: MediaCalls,
    /// The messages that wait, by Call-ID: about the first of each, the relay is being asked.
    lines: HashMap<Box<str>, VecDeque<Passing>>,
    asked: HashMap<Ticket, Asked>,
    /// The INVITE transactions of the calls that are not answered yet.
    setting_up: HashMap<Box<str>, ServerId>,
    is_relay_gone: bool,
}

/// What the relay is being asked.
#[derive(Debug)]
struct Asked {
    call_id: Box<str>,
    /// For whom each answer is.
    sides: Vec<Side>,
}

/// A message that waits for the relay, or behind one that does.
#[derive(Debug)]
pub(super) enum Passing {
    Request(Arrival, Vec<Target>),
    Ack(Box<Request>, Target),
    Response(ClientId, Box<Response>),
    Failed(ClientId, Failure),
    /// An INVITE whose caller has given up.
    Nothing,
}

impl Server {
    /// Whether a request has to be shown to the relay, or must not overtake one that is.
    pub(super) fn is_for_the_relay(&self, arrival: &Arrival, targets: &[Target]) -> bool {
        self.desk.has(arrival.request.call_id())
            || is_to_be_relayed(&self.service.media, arrival, targets)
    }

    /// Whether the session description of a request that goes there is the relay's.
    pub(super) fn hides_session(&self, arrival: &Arrival, targets: &[Target]) -> bool {
        self.is_for_the_relay(arrival, targets) && !self.desk.is_relay_gone
    }

    /// Whether the relay has the media of a call.
    pub(super) fn has_media_of(&self, call_id: &str) -> bool {
        self.desk.calls.has(call_id)
    }

    /// Whether what belongs to this call has to wait for its turn.
    pub(super) fn is_relayed(&self, call_id: &str) -> bool {
        self.desk.has(call_id)
    }

    /// What came of a request that was forwarded.
    pub(super) fn returned(&mut self, now: Time, passing: Passing) {
        let call_id = match &passing {
            _ if self.desk.is_empty() => None,
            Passing::Response(_, response) => Some(response.call_id()),
            Passing::Failed(client, _) => self.proxy.request_of(*client).map(Request::call_id),
            _ => None,
        };
        match call_id.filter(|call_id| self.is_relayed(call_id)).map(str::to_owned) {
            Some(call_id) => self.line_up(now, &call_id, passing),
            None => self.pass(now, passing),
        }
    }

    /// Takes a message of a call that is relayed, or is to be.
    pub(super) fn line_up(&mut self, now: Time, call_id: &str, passing: Passing) {
        let line = self.desk.lines.entry(call_id.into()).or_default();
        if matches!(passing, Passing::Ack(..)) && line.len() >= MAX_WAITING {
            return;
        }
        line.push_back(passing);
        if line.len() == 1 {
            self.serve_line(now, call_id);
        }
    }

    /// The relay has answered; `None` where it has not.
    pub(super) fn relay_answered(
        &mut self,
        now: Time,
        ticket: Ticket,
        replies: Vec<Option<Reply>>,
    ) {
        let is_gone = replies.iter().any(Option::is_none);
        if std::mem::replace(&mut self.desk.is_relay_gone, is_gone) != is_gone {
            self.events.push_back(ServerEvent::MediaRelay { is_gone });
        }
        let Some(Asked { call_id, sides }) = self.desk.asked.remove(&ticket) else { return };
        let line = self.desk.lines.get_mut(&call_id);
        let Some(passing) = line.and_then(VecDeque::pop_front) else { return };
        match descriptions(sides, replies) {
            Some(descriptions) => self.pass(now, passing.with(&descriptions)),
            None => self.pass_without_relay(now, &call_id, passing),
        }
        self.serve_line(now, &call_id);
    }

    /// The caller of an INVITE that waits has given up. Whether there was one.
    pub(super) fn leave_line(&mut self, now: Time, id: ServerId) -> bool {
        let is_its = |passing: &&mut Passing| matches!(passing, Passing::Request(arrival, _) if arrival.id == id);
        let Some(place) = self.desk.lines.values_mut().flatten().find(is_its) else { return false };
        if let Passing::Request(arrival, _) = std::mem::replace(place, Passing::Nothing) {
            self.refuse(now, &arrival, &Refusal::new(StatusCode::REQUEST_TERMINATED));
        }
        true
    }

    /// Lets the messages of a call pass up to the next about which the relay is to be asked.
    fn serve_line(&mut self, now: Time, call_id: &str) {
        loop {
            let Desk { calls, lines, .. } = &mut self.desk;
            let Some(line) = lines.get_mut(call_id) else { return };
            let Some(first) = line.front() else {
                lines.remove(call_id);
                return;
            };
            let questions = about(calls, &self.service.media, now, first);
            if !questions.is_empty() {
                return self.ask_the_relay(call_id, questions);
            }
            if let Some(passing) = line.pop_front() {
                self.pass(now, passing);
            }
        }
    }

    fn ask_the_relay(&mut self, call_id: &str, questions: Vec<(Side, Command)>) {
        let ticket = self.new_ticket();
        let (sides, commands) = questions.into_iter().unzip();
        self.desk.asked.insert(ticket, Asked { call_id: call_id.into(), sides });
        self.questions.push_back(Question::Media { ticket, commands });
    }

    fn pass(&mut self, now: Time, passing: Passing) {
        match passing {
            Passing::Nothing => {}
            Passing::Request(arrival, targets) => {
                // Of a call that goes on without the relay, nobody would ever forget it.
                if begins_call(&arrival.request) && self.desk.calls.has(arrival.request.call_id()) {
                    let call_id = arrival.request.call_id().into();
                    self.desk.setting_up.insert(call_id, arrival.id);
                }
                self.hand_over(now, arrival, targets);
            }
            Passing::Ack(request, target) => {
                self.proxy.forward_ack(now, &mut self.endpoint, request, &target);
            }
            Passing::Response(client, response) => {
                if self.desk.is_empty() {
                    return self.proxy.response(now, &mut self.endpoint, client, response);
                }
                let call_id = response.call_id().to_owned();
                let end = End::of(&response);
                self.proxy.response(now, &mut self.endpoint, client, response);
                self.note_end(&call_id, end);
            }
            Passing::Failed(client, failure) => {
                let request = self.proxy.request_of(client);
                let call_id = request.map(|request| request.call_id().to_owned());
                self.proxy.failed(now, &mut self.endpoint, client, failure);
                self.note_end(&call_id.unwrap_or_default(), End::OfBranch);
            }
        }
    }

    /// A message goes on as it came, as far as the configuration allows.
    fn pass_without_relay(&mut self, now: Time, call_id: &str, passing: Passing) {
        if let Passing::Request(arrival, _) = &passing
            && begins_call(&arrival.request)
        {
            self.forget(call_id);
            if let Err(refusal) = provide_if_critical(&arrival.request, false) {
                return self.refuse(now, arrival, &refusal);
            }
            if self.service.media.without == WithoutRelay::Refuse {
                let refusal =
                    Refusal::new(StatusCode::SERVICE_UNAVAILABLE).because("No media relay");
                return self.refuse(now, arrival, &refusal);
            }
        }
        self.pass(now, passing);
    }

    /// Notes what a response, or its absence, means for the call.
    fn note_end(&mut self, call_id: &str, end: End) {
        match end {
            End::No => {}
            End::Answered => {
                self.desk.setting_up.remove(call_id);
            }
            End::OfCall => self.forget(call_id),
            // The call is over when its INVITE has no other branch.
            End::OfBranch => {
                let invite = self.desk.setting_up.get(call_id);
                if invite.is_some_and(|invite| !self.proxy.is_forwarding(*invite)) {
                    self.forget(call_id);
                }
            }
        }
    }

    /// The call is over: the relay is told.
    fn forget(&mut self, call_id: &str) {
        self.desk.setting_up.remove(call_id);
        if let Some(command) = self.desk.calls.end(call_id) {
            let ticket = self.new_ticket();
            self.questions.push_back(Question::Media { ticket, commands: vec![command] });
        }
    }
}

impl Desk {
    fn has(&self, call_id: &str) -> bool {
        !self.is_empty() && (self.calls.has(call_id) || self.lines.contains_key(call_id))
    }

    /// Whether no call is relayed: then nothing of it costs anything.
    fn is_empty(&self) -> bool {
        self.calls.is_empty() && self.lines.is_empty()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.lines.is_empty() && self.setting_up.is_empty()
    }
}

impl Passing {
    /// The message with what the relay made of its session description.
    fn with(self, descriptions: &[(Side, Bytes)]) -> Self {
        let for_side = |side: Side| {
            let own = descriptions.iter().find(|(of, _)| *of == side);
            own.or(descriptions.first()).map(|(_, description)| description.clone())
        };
        match self {
            Self::Request(arrival, mut targets) => {
                for target in &mut targets {
                    describe(target, &for_side);
                }
                Self::Request(arrival, targets)
            }
            Self::Ack(request, mut target) => {
                describe(&mut target, &for_side);
                Self::Ack(request, target)
            }
            Self::Response(client, mut response) => {
                if let Some(description) = for_side(Side::Phone) {
                    response.set_body(description);
                }
                Self::Response(client, response)
            }
            other @ (Self::Failed(..) | Self::Nothing) => other,
        }
    }
}

/// What a response means for the call that it belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    No,
    Answered,
    OfBranch,
    OfCall,
}

impl End {
    fn of(response: &Response) -> Self {
        let status = response.status();
        match response.cseq_method() {
            Method::Invite if status.is_success() => Self::Answered,
            Method::Invite if status.is_final() => Self::OfBranch,
            // A BYE that has to be signed comes again.
            Method::Bye if matches!(status.as_u16(), 401 | 407) => Self::No,
            Method::Bye if status.is_final() => Self::OfCall,
            _ => Self::No,
        }
    }
}

fn describe(target: &mut Target, for_side: &impl Fn(Side) -> Option<Bytes>) {
    target.body = for_side(callee(target));
    let servers = target.server.iter_mut().flat_map(|server| &mut server.next);
    for next in target.next_flows.iter_mut().chain(servers) {
        next.body = for_side(callee(next));
    }
}

/// What is to be asked about a message; nothing when it may pass as it is.
fn about(
    calls: &mut MediaCalls,
    policy: &MediaPolicy,
    now: Time,
    passing: &Passing,
) -> Vec<(Side, Command)> {
    let single = |command: Option<Command>| {
        command.into_iter().map(|command| (Side::Phone, command)).collect()
    };
    match passing {
        Passing::Request(arrival, targets) if begins_call(&arrival.request) => {
            if !is_to_be_relayed(policy, arrival, targets) {
                return Vec::new();
            }
            let said = said(&arrival.request);
            calls.begin(now, said, caller(arrival), &callees(targets))
        }
        Passing::Request(arrival, _) => single(calls.request(said(&arrival.request))),
        Passing::Ack(request, _) => single(calls.request(said(request))),
        Passing::Response(_, response) => {
            let method = response.cseq_method();
            single(calls.response(Said {
                call_id: response.call_id(),
                method: &method,
                from_tag: response.from_tag().unwrap_or_default(),
                to_tag: response.to_tag(),
                sdp: description(response.headers(), response.body()),
            }))
        }
        Passing::Failed(..) | Passing::Nothing => Vec::new(),
    }
}

fn said(request: &Request) -> Said<'_> {
    Said {
        call_id: request.call_id(),
        method: request.method(),
        from_tag: request.from_tag().unwrap_or_default(),
        to_tag: request.to_tag(),
        sdp: description(request.headers(), request.body()),
    }
}

/// The session descriptions that the relay gives back; `None` when it did not give all of them.
fn descriptions(sides: Vec<Side>, replies: Vec<Option<Reply>>) -> Option<Vec<(Side, Bytes)>> {
    let all = sides.into_iter().zip(replies).map(|(side, reply)| match reply {
        Some(Reply::Done(Some(description))) => Some((side, description.into())),
        _ => None,
    });
    all.collect()
}

fn is_to_be_relayed(policy: &MediaPolicy, arrival: &Arrival, targets: &[Target]) -> bool {
    if !policy.has_relay() || !begins_call(&arrival.request) {
        return false;
    }
    let rule = arrival.course.as_ref().and_then(|course| course.step.media);
    // RFC 3323 §5.2: a caller that wants its addresses hidden has them hidden by the relay.
    let wish = wants_hidden_session(&arrival.request).then_some(MediaUse::Always);
    let rule = wish.or(rule);
    policy.relays(rule, caller(arrival), &callees(targets))
}

fn begins_call(request: &Request) -> bool {
    *request.method() == Method::Invite && request.to_tag().is_none()
}

/// What the caller speaks: known best from what it says, and otherwise from how it came.
fn caller(arrival: &Arrival) -> Side {
    let request = &arrival.request;
    match description(request.headers(), request.body()) {
        Some(sdp) => Side::of_description(sdp.as_bytes()),
        None => Side::behind(arrival.flow.transport),
    }
}

/// What those who are called are likely to speak, each kind once.
fn callees(targets: &[Target]) -> Vec<Side> {
    let flows = targets.iter().flat_map(|target| std::iter::once(target).chain(&target.next_flows));
    let mut sides: Vec<Side> = flows.map(callee).collect();
    sides.sort_unstable();
    sides.dedup();
    sides
}

fn callee(target: &Target) -> Side {
    let named = || match target.uri.as_uri() {
        Uri::Sip(uri) => uri.transport().and_then(|name| Transport::from_bytes(name.as_bytes())),
        _ => None,
    };
    let transport = target.flow.map(|flow| flow.transport).or_else(named);
    transport.map_or(Side::Phone, Side::behind)
}

/// The session description of a message, when that is all its body is.
fn description<'a>(headers: &Headers, body: &'a Bytes) -> Option<&'a str> {
    let kind = headers.text(HeaderName::ContentType)?;
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if !kind.eq_ignore_ascii_case(antiphon_core::offer_answer::CONTENT_TYPE) || body.is_empty() {
        return None;
    }
    std::str::from_utf8(body).ok()
}
