//! What is done about what comes back to a request of an action.

use antiphon_sip::{HeaderName, Method, Response, UriBuf};

use super::UserAgent;
use super::action::{ActionKey, Purpose, State};
use super::call::Call;
use super::event::Event;
use super::outcome::{Conclusion, NoAnswer};
use super::react::{self, Got, Limit, Reaction, Situation};
use crate::auth;
use crate::endpoint::{ClientId, Failure};
use crate::time::Time;

impl UserAgent {
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
        self.early_dialogs_over(key);
        self.settle(now, key, Got::Response(response.status()), Some(response));
    }

    pub(super) fn request_failed(&mut self, now: Time, client: ClientId, failure: Failure) {
        let Some(key) = self.clients.remove(&client) else { return };
        let failure = match failure {
            Failure::Timeout => NoAnswer::Timeout,
            Failure::Transport(fault) => NoAnswer::Transport(fault),
        };
        self.early_dialogs_over(key);
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
            (Purpose::InCall, Some(response)) if action.draft.method == Method::Update => {
                // A target refresh (RFC 3311 §5.1).
                let call = action.call.and_then(|call| self.calls.get_mut(&call));
                if let Some(talking) = call.and_then(Call::talking) {
                    talking.dialog.refresh_target(response.headers());
                }
                self.conclude(now, key, Conclusion::Succeeded, Some(response));
            }
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
            Purpose::Call | Purpose::Ask | Purpose::Bye { .. } | Purpose::Prack => {}
        }
        let conclusion = match got {
            Got::Response(_) => Conclusion::Refused,
            Got::Failure(failure) => Conclusion::NoAnswer(failure),
        };
        self.conclude_at(now, key, conclusion, response, limit);
    }
}
