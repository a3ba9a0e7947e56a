//! The requests of an action: where they go, and what is done about what comes back.

use std::net::IpAddr;

use antiphon_sip::header::{Challenge, Contact, ProxyAuthenticate, WwwAuthenticate};
use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode, Transport, Uri, UriBuf};

use super::action::{Action, ActionKey, Base, Purpose, State, Waiting};
use super::event::Event;
use super::outcome::{Attempt, Conclusion, Misuse, NoAnswer, Outcome};
use super::react::{self, Got, Limit, Reaction, Situation};
use super::{ActionId, Resolving, Subject, UserAgent};
use crate::auth;
use crate::endpoint::{ClientId, Failure, RequestError};
use crate::flow::Fault;
use crate::locate::{Hop, HopHost};
use crate::node::{Output, ResolveId};
use crate::time::Time;

impl UserAgent {
    /// Begins an action.
    pub(super) fn begin(&mut self, now: Time, action: Action) {
        let key = ActionKey(self.number());
        if let Some(id) = action.id {
            self.names.insert(id, key);
        }
        if let Base::Dialog(call) = action.draft.base
            && let Some(call) = self.calls.get_mut(&call)
        {
            call.actions.push(key);
        }
        self.actions.insert(key, action);
        self.route(now, key);
    }

    /// Whether the number of an action may be used; tells the misuse if not.
    pub(super) fn is_new(&mut self, now: Time, action: ActionId) -> bool {
        if !self.names.contains_key(&action) {
            return true;
        }
        self.misused(now, action, Misuse::DuplicateAction);
        false
    }

    /// Tells that a command made no sense.
    pub(super) fn misused(&mut self, now: Time, action: ActionId, misuse: Misuse) {
        self.tell(Event::Outcome(Box::new(Outcome {
            action,
            call: None,
            conclusion: Conclusion::Misused(misuse),
            code: None,
            reason: String::new(),
            reaction: Reaction::Report,
            tried: Vec::new(),
            limit: None,
            evidence: Vec::new(),
            body: None,
            begun: now,
            ended: now,
        })));
    }

    /// Finds the server of the current target (RFC 3261 §8.1.2, RFC 3263 §4).
    pub(super) fn route(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let next_hop = match &action.draft.base {
            Base::Outside { routes, .. } => routes.apply(action.targets.current()).next_hop,
            Base::Dialog(call) => {
                let Some(talking) = self.calls.get_mut(call).and_then(super::call::Call::talking)
                else {
                    return self.conclude(now, key, Conclusion::Misused(Misuse::WrongState), None);
                };
                let dialog = &talking.dialog;
                dialog.routes().apply(dialog.remote_target()).next_hop
            }
        };
        let uri = next_hop.as_uri();
        let Some(hop) = self.hop(&uri, action.in_dialog()) else {
            return self.went_nowhere(now, key, NoAnswer::NoWayThere);
        };
        let host = hop.host.clone();
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.hop = Some(hop);
        match host {
            HopHost::Address(address) => self.located(now, key, vec![address]),
            HopHost::Name(host) => {
                let id = self.resolve(host.into(), Resolving::Action(key));
                if let Some(action) = self.actions.get_mut(&key) {
                    action.state = State::Locating(id);
                }
                self.arm_action(key);
            }
        }
    }

    /// The next hop that a URI names. Where the URI leaves the transport open, a dialog takes UDP,
    /// as RFC 3263 §4.1 has it and the other side that wrote the URI meant it, unless there is no
    /// UDP here; everything else takes the one that is configured.
    pub(super) fn hop(&self, uri: &Uri<'_>, in_dialog: bool) -> Option<Hop> {
        let mut hop = Hop::of(uri).ok()?;
        let sip = uri.as_sip()?;
        if sip.secure || sip.transport().is_some() {
            return Some(hop);
        }
        let listeners = &self.config.endpoint.listeners;
        let has_udp = listeners.iter().any(|listener| listener.transport == Transport::Udp);
        if !(in_dialog && has_udp) {
            hop.transport = self.config.transport;
            hop.port = sip.port.unwrap_or(hop.transport.default_port());
        }
        Some(hop)
    }

    pub(super) fn resolve(&mut self, host: String, whose: Resolving) -> ResolveId {
        let id = ResolveId(self.number());
        self.resolving.insert(id, whose);
        self.events.push_back(Output::Resolve { id, host });
        id
    }

    /// Takes the addresses of the hop.
    pub(super) fn located(&mut self, now: Time, key: ActionKey, addresses: Vec<IpAddr>) {
        /// Servers of one request at most.
        const MAX_SERVERS: usize = 8;
        let Some(action) = self.actions.get_mut(&key) else { return };
        if addresses.is_empty() {
            return self.went_nowhere(now, key, NoAnswer::Unresolved);
        }
        // Addresses of a family that is not spoken here are no servers.
        let endpoint = &self.endpoint;
        let hop = action.hop.as_ref();
        action.servers = addresses
            .into_iter()
            .filter(|address| hop.is_some_and(|hop| hop.flow(*address, endpoint).is_some()))
            .take(MAX_SERVERS)
            .collect();
        self.send(now, key, true);
    }

    /// Sends the request to the next server. `fresh`: as a new request, not as the same one to
    /// another server (RFC 3263 §4.3).
    pub(super) fn send(&mut self, now: Time, key: ActionKey, fresh: bool) {
        let Some(mut action) = self.actions.remove(&key) else { return };
        let flow = match (action.servers.pop_front(), &action.hop) {
            (Some(address), Some(hop)) => hop.flow(address, &self.endpoint),
            _ => None,
        };
        let Some(flow) = flow else {
            self.actions.insert(key, action);
            return self.went_nowhere(now, key, NoAnswer::Transport(Fault::NoListener));
        };
        let target = action.targets.current().clone();
        let made = action.credentials.take();
        let realms = self.known_realms(&action);
        let attempt = &mut action.auth;
        let request = self.write(&mut action.draft, &target, &flow, fresh, |client, outgoing| {
            made.unwrap_or_else(|| {
                let mut headers = client.headers(attempt, outgoing);
                for (side, realm) in realms {
                    headers.extend(client.preempt(attempt, side, &realm, outgoing));
                }
                headers
            })
        });
        let request = match request {
            Ok(request) => request,
            Err(misuse) => {
                self.actions.insert(key, action);
                return self.conclude(now, key, Conclusion::Misused(misuse), None);
            }
        };
        let attempt = Attempt {
            method: action.draft.method.clone(),
            target,
            server: Some((flow.transport, flow.remote)),
            at: now,
            cseq: request.cseq(),
            answered_at: None,
            code: None,
            reason: String::new(),
            failure: None,
            did: None,
        };
        action.tried.push(attempt.clone());
        action.bound = own_contact(&request);
        let id = action.id;
        let sent = self.endpoint.request(now, request.clone(), flow, None);
        match sent {
            Ok(client) => {
                let waiting = Waiting { client, request, flow, answered: false, stopped: None };
                action.state = State::Waiting(Box::new(waiting));
                action.ring_deadline = None;
                self.clients.insert(client, key);
                self.actions.insert(key, action);
                self.arm_action(key);
                if let Some(action) = id {
                    self.tell(Event::Attempt { action, attempt });
                }
            }
            Err(error) => {
                self.actions.insert(key, action);
                let fault = match error {
                    RequestError::NoListener => Fault::NoListener,
                    _ => Fault::Stalled,
                };
                self.settle(now, key, Got::Failure(NoAnswer::Transport(fault)), None);
            }
        }
    }

    /// The realms that get credentials without asking: those of the call (RFC 3261 §22.3), and
    /// those of the registration that is refreshed.
    fn known_realms(&self, action: &Action) -> Vec<(auth::Side, String)> {
        match (&action.draft.base, &action.purpose) {
            (Base::Dialog(call), _) => {
                self.calls.get(call).map(|call| call.realms.clone()).unwrap_or_default()
            }
            (_, Purpose::Register(registration)) => registration.realms.clone(),
            _ => Vec::new(),
        }
    }

    /// Notes an attempt that did not come to a request.
    fn went_nowhere(&mut self, now: Time, key: ActionKey, failure: NoAnswer) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.tried.push(Attempt {
            method: action.draft.method.clone(),
            target: action.targets.current().clone(),
            server: None,
            at: now,
            cseq: 0,
            answered_at: None,
            code: None,
            reason: String::new(),
            failure: None,
            did: None,
        });
        self.settle(now, key, Got::Failure(failure), None);
    }

    pub(super) fn response_came(&mut self, now: Time, client: ClientId, response: &Response) {
        let success = response.status().is_success();
        let Some(&key) = self.clients.get(&client) else {
            if success && response.cseq_method() == Method::Invite {
                self.further_2xx(now, client, response);
            }
            return;
        };
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Some(waiting) = action.waiting() {
            waiting.answered = true;
        }
        if response.status().is_provisional() {
            return self.provisional(now, key, response);
        }
        self.clients.remove(&client);
        if success && response.cseq_method() == Method::Invite {
            return self.invite_accepted(now, key, client, response);
        }
        self.settle(now, key, Got::Response(response.status()), Some(response));
    }

    pub(super) fn request_failed(&mut self, now: Time, client: ClientId, failure: Failure) {
        let Some(key) = self.clients.remove(&client) else { return };
        let failure = match failure {
            Failure::Timeout => NoAnswer::Timeout,
            Failure::Transport(fault) => NoAnswer::Transport(fault),
        };
        self.settle(now, key, Got::Failure(failure), None);
    }

    /// A request has come to its end: what is done about it.
    pub(super) fn settle(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Some(stopped) = action.waiting().and_then(|waiting| waiting.stopped) {
            self.note(now, key, got, response, Reaction::Report);
            return self.conclude(now, key, stopped, response);
        }
        let redirect = self.redirect_targets(key, response);
        let credentials = self.credentials_for(key, response);
        let situation = self.situation(key, response, &redirect, credentials.as_ref());
        let Some(situation) = situation else { return };
        let (reaction, limit) = react::reaction(got, &situation);
        self.note(now, key, got, response, reaction.clone());
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.state = State::Idle;
        match reaction {
            Reaction::TryTargets { added } => {
                if let (1.., Ok(targets)) = (added, redirect) {
                    action.targets.add(targets);
                }
                action.targets.advance();
                action.auth.new_target();
                self.route(now, key);
            }
            Reaction::AnswerChallenge => {
                action.credentials = credentials.and_then(Result::ok);
                self.remember_realms(key);
                self.same_server(key);
                self.send(now, key, true);
            }
            Reaction::Lengthen { seconds } => {
                action.draft.expires = Some(seconds);
                self.same_server(key);
                self.send(now, key, true);
            }
            Reaction::NextServer => self.send(now, key, false),
            Reaction::Succeed => self.succeeded(now, key, response),
            _ => self.given_up(now, key, got, response, limit),
        }
    }

    /// Those who have asked for credentials get them with later requests too.
    fn remember_realms(&mut self, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(credentials) = &action.credentials else { return };
        let realms = match (&mut action.purpose, action.call) {
            (Purpose::Register(registration), _) => &mut registration.realms,
            (_, Some(call)) => match self.calls.get_mut(&call) {
                Some(call) => &mut call.realms,
                None => return,
            },
            _ => return,
        };
        for credential in credentials {
            let realm = (credential.side, credential.realm.clone());
            if !realms.contains(&realm) {
                realms.push(realm);
            }
        }
    }

    /// Puts the server of the last request in front again.
    fn same_server(&mut self, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let last = action.tried.last().and_then(|attempt| attempt.server);
        if let Some((_, address)) = last {
            action.servers.push_front(address.ip());
        }
    }

    fn situation(
        &self,
        key: ActionKey,
        response: Option<&Response>,
        redirect: &Result<Vec<UriBuf>, Limit>,
        credentials: Option<&Result<Vec<auth::AuthHeader>, auth::ClientError>>,
    ) -> Option<Situation> {
        let action = self.actions.get(&key)?;
        let server_lives = match &action.state {
            State::Waiting(waiting) => waiting.answered,
            _ => false,
        };
        Some(Situation {
            in_dialog: action.in_dialog(),
            requests: action.tried.len(),
            server_lives,
            servers_left: !action.servers.is_empty(),
            targets_left: action.targets.are_left(),
            follow_redirects: self.config.follow_redirects,
            redirect: redirect.as_ref().map(Vec::len).map_err(|limit| *limit),
            credentials: credentials.map(Result::is_ok),
            min_expires: response
                .and_then(|response| response.headers().text(HeaderName::MinExpires))
                .and_then(|text| text.trim().parse().ok()),
            asked_expires: action.draft.expires.filter(|_| action.draft.method == Method::Register),
        })
    }

    fn redirect_targets(
        &self,
        key: ActionKey,
        response: Option<&Response>,
    ) -> Result<Vec<UriBuf>, Limit> {
        let (Some(action), Some(response)) = (self.actions.get(&key), response) else {
            return Err(Limit::NothingNew);
        };
        if !(300..=302).contains(&response.status().as_u16()) {
            return Err(Limit::NothingNew);
        }
        let server = action.tried.last().and_then(|attempt| attempt.server);
        action.targets.fit(response.headers(), server.map(|(_, address)| address.ip()))
    }

    /// Answers the challenges of a 401 or 407; `None` if there are none.
    fn credentials_for(
        &mut self,
        key: ActionKey,
        response: Option<&Response>,
    ) -> Option<Result<Vec<auth::AuthHeader>, auth::ClientError>> {
        let response = response?;
        if !matches!(
            response.status(),
            StatusCode::UNAUTHORIZED | StatusCode::PROXY_AUTHENTICATION_REQUIRED
        ) {
            return None;
        }
        let headers = response.headers();
        let server = headers.each::<WwwAuthenticate<'_>>().filter_map(Result::ok);
        let proxy = headers.each::<ProxyAuthenticate<'_>>().filter_map(Result::ok);
        let mut challenges: Vec<_> = server
            .map(|challenge| (auth::Side::Server, challenge.0))
            .chain(proxy.map(|challenge| (auth::Side::Proxy, challenge.0)))
            .collect();
        if challenges.is_empty() {
            return None;
        }
        let redirected = self.is_elsewhere(key);
        let action = self.actions.get_mut(&key)?;
        let State::Waiting(waiting) = &action.state else { return None };
        if redirected {
            // A digest is something to guess the password with: one that is configured for no
            // realm is not given to servers that the person never named.
            let accounts = &self.config.accounts;
            let named = |realm: &str| accounts.iter().any(|account| account.realm() == Some(realm));
            challenges.retain(|(_, challenge)| match challenge {
                Challenge::Digest(digest) => digest.realm.as_deref().is_some_and(named),
                Challenge::Other(_) => false,
            });
        }
        let outgoing = auth::Outgoing {
            method: waiting.request.method().as_str(),
            uri: waiting.request.uri_text(),
            body: waiting.request.body(),
        };
        let endpoint = &mut self.endpoint;
        let mut random = || endpoint.random();
        let answer = self.auth.answer(&mut action.auth, &outgoing, &challenges, &mut random);
        Some(answer.map(|answer| answer.headers))
    }

    /// Whether a redirect has led to another domain than the one that was asked for.
    fn is_elsewhere(&self, key: ActionKey) -> bool {
        let Some(action) = self.actions.get(&key) else { return false };
        let host = |uri: &UriBuf| uri.as_uri().as_sip().map(|uri| uri.host.to_string());
        !action.in_dialog()
            && self.config.proxy.is_none()
            && host(action.targets.current()) != host(action.targets.first())
    }

    /// Writes into the history what became of the last request, and tells it.
    pub(super) fn note(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        did: Reaction,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let id = action.id;
        let Some(attempt) = action.tried.last_mut() else { return };
        attempt.answered_at = Some(now);
        attempt.did = Some(did);
        match got {
            Got::Response(status) => attempt.code = Some(status),
            Got::Failure(failure) => attempt.failure = Some(failure),
        }
        if let Some(response) = response {
            response.reason().clone_into(&mut attempt.reason);
        }
        let attempt = attempt.clone();
        if let Some(action) = id {
            self.tell(Event::Answered { action, attempt });
        }
    }

    fn succeeded(&mut self, now: Time, key: ActionKey, response: Option<&Response>) {
        let Some(action) = self.actions.get(&key) else { return };
        match (&action.purpose, response) {
            (Purpose::Register(_), Some(response)) => self.registered(now, key, response),
            _ => self.conclude(now, key, Conclusion::Succeeded, response),
        }
    }

    /// Nothing more is tried.
    fn given_up(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        limit: Option<Limit>,
    ) {
        let Some(action) = self.actions.get(&key) else { return };
        match &action.purpose {
            Purpose::Register(_) => {
                return self.registration_failed(now, key, got, response, limit);
            }
            Purpose::InCall | Purpose::Reinvite => self.in_call_failed(now, key, got),
            Purpose::Call | Purpose::Ask | Purpose::Bye { .. } => {}
        }
        let conclusion = match got {
            Got::Response(_) => Conclusion::Refused,
            Got::Failure(failure) => Conclusion::NoAnswer(failure),
        };
        self.conclude_at(now, key, conclusion, response, limit);
    }

    pub(super) fn conclude(
        &mut self,
        now: Time,
        key: ActionKey,
        conclusion: Conclusion,
        response: Option<&Response>,
    ) {
        self.conclude_at(now, key, conclusion, response, None);
    }

    /// The end of an action.
    pub(super) fn conclude_at(
        &mut self,
        now: Time,
        key: ActionKey,
        conclusion: Conclusion,
        response: Option<&Response>,
        limit: Option<Limit>,
    ) {
        let Some(mut action) = self.actions.remove(&key) else { return };
        self.timers.set(Subject::Action(key), None);
        if let Some(waiting) = action.waiting() {
            self.clients.remove(&waiting.client);
        }
        if let Base::Dialog(call) = action.draft.base
            && let Some(call) = self.calls.get_mut(&call)
        {
            call.actions.retain(|other| *other != key);
        }
        self.reinvite_over(&action);
        if let Some(id) = action.id {
            self.names.remove(&id);
            let last = action.tried.last();
            let reaction = match conclusion {
                Conclusion::Succeeded => Reaction::Succeed,
                _ => Reaction::Report,
            };
            let outcome = Outcome {
                action: id,
                call: action.call,
                conclusion,
                code: last.and_then(|attempt| attempt.code),
                reason: last.map(|attempt| attempt.reason.clone()).unwrap_or_default(),
                reaction,
                limit,
                evidence: response.map(evidence).unwrap_or_default(),
                body: response.and_then(body),
                begun: action.begun,
                ended: now,
                tried: std::mem::take(&mut action.tried),
            };
            self.tell(Event::Outcome(Box::new(outcome)));
        }
        match (&action.purpose, action.call) {
            (Purpose::Call, _) if conclusion != Conclusion::Succeeded => {
                self.call_failed(now, &action, conclusion, response);
            }
            // The session is over whatever is answered to the BYE (RFC 3261 §15.1.1).
            (Purpose::Bye { by, why }, Some(call)) => self.end_call(now, call, *by, why.clone()),
            _ => {}
        }
    }

    pub(super) fn arm_action(&mut self, key: ActionKey) {
        let due = self.actions.get(&key).and_then(Action::due);
        self.timers.set(Subject::Action(key), due);
    }

    /// A deadline of the action has come.
    pub(super) fn action_due(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let over = action.deadline.is_some_and(|deadline| deadline <= now);
        match &action.state {
            State::Sleeping(_) if !over => self.refresh(now, key),
            _ => self.stop_action(now, key, Conclusion::TimeUp),
        }
    }

    /// Gives an action up.
    pub(super) fn stop(&mut self, now: Time, action: ActionId, why: Conclusion) {
        if let Some(&key) = self.names.get(&action) {
            return self.stop_action(now, key, why);
        }
        let placed = self.calls.iter().find(|(_, call)| call.action == Some(action) && call.told);
        if let Some((&call, _)) = placed {
            self.hang_up(now, call, super::Side::Local, super::HangUp::Asked);
        }
    }

    pub(super) fn stop_action(&mut self, now: Time, key: ActionKey, why: Conclusion) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Purpose::Register(registration) = &action.purpose
            && registration.is_kept()
        {
            return self.remove_registration(now, key);
        }
        let is_invite = action.draft.method == Method::Invite;
        match &mut action.state {
            State::Waiting(waiting) if is_invite => {
                if waiting.stopped.is_some() {
                    return;
                }
                waiting.stopped = Some(why);
                let client = waiting.client;
                action.targets.drop_waiting();
                action.servers.clear();
                self.arm_action(key);
                // Held back by the endpoint until a provisional response has come (RFC 3261 §9.1).
                if self.endpoint.cancel(now, client, None).is_err() {
                    self.conclude(now, key, why, None);
                }
            }
            // Of other methods nothing can be taken back (§9.1): the answer is not waited for.
            _ => self.conclude(now, key, why, None),
        }
    }
}

fn own_contact(request: &Request) -> Option<UriBuf> {
    let contact = request.headers().first::<Contact<'_>>().ok().flatten()?;
    UriBuf::parse(contact.address()?.uri_text).ok()
}

/// The header fields that tell a person why.
const EVIDENCE: [HeaderName; 12] = [
    HeaderName::Warning,
    HeaderName::RetryAfter,
    HeaderName::Reason,
    HeaderName::Contact,
    HeaderName::Allow,
    HeaderName::Accept,
    HeaderName::AcceptEncoding,
    HeaderName::Unsupported,
    HeaderName::Require,
    HeaderName::MinExpires,
    HeaderName::ErrorInfo,
    HeaderName::Server,
];

fn evidence(response: &Response) -> Vec<(String, String)> {
    let headers = response.headers();
    EVIDENCE
        .into_iter()
        .flat_map(|name| headers.values(name).map(move |value| (name, value)))
        .map(|(name, value)| {
            (name.as_str().to_owned(), String::from_utf8_lossy(value).into_owned())
        })
        .collect()
}

fn body(response: &Response) -> Option<(String, bytes::Bytes)> {
    if response.body().is_empty() {
        return None;
    }
    let content_type = response.headers().text(HeaderName::ContentType).unwrap_or_default();
    Some((content_type.to_owned(), response.body().clone()))
}
