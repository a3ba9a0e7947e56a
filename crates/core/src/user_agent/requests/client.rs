//! What is done about what comes back to a request of an action: the reactions carried out.

use std::time::Duration;

use antiphon_sip::header::Route;
use antiphon_sip::{Method, Response, StatusCode, UriBuf};
use bytes::Bytes;

use super::super::UserAgent;
use super::super::message::{is_authentic, is_sdp};
use super::super::state::{ActionKey, Base, Got, Purpose, Role, State};
use super::super::words::{Conclusion, NoAnswer};
use crate::dialog::RouteSet;
use crate::endpoint::{ClientId, Failure};
use crate::flow::{Fault, Flow};
use crate::reaction::{Body, Change, Decision, NewBody, Reaction, Redirect, Server};
use crate::time::Time;

impl UserAgent {
    pub(in crate::user_agent) fn response_came(
        &mut self,
        now: Time,
        client: ClientId,
        response: &Response,
        from: &Flow,
    ) {
        let success = response.status().is_success();
        let Some(&key) = self.clients.get(&client) else {
            if success && response.cseq_method() == Method::Invite {
                self.further_2xx(now, client, response);
            }
            return;
        };
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.came_over = Some(*from);
        if let State::Waiting(waiting) = &mut action.state {
            waiting.answered = true;
            action.authentic = is_authentic(&waiting.request, &waiting.flow, response, from);
        }
        if let Some(server) = action.server.filter(|_| action.authentic)
            && response.status() != StatusCode::SERVICE_UNAVAILABLE
        {
            self.memory.works(&server.place());
            let search = action.search.as_ref();
            for slower in search.map(|search| search.left_behind()).unwrap_or_default() {
                self.memory.left_behind(now, slower);
            }
        }
        if response.status().is_provisional() {
            return self.provisional(now, key, response);
        }
        self.take_next_nonces(key, response);
        self.clients.remove(&client);
        if success && response.cseq_method() == Method::Invite {
            return self.invite_accepted(now, key, client, response);
        }
        self.early_dialogs_over(key);
        self.settle(now, key, Got::Response(response.status()), Some(response));
    }

    pub(in crate::user_agent) fn request_failed(
        &mut self,
        now: Time,
        client: ClientId,
        failure: Failure,
    ) {
        let Some(key) = self.clients.remove(&client) else { return };
        if failure == Failure::Transport(Fault::NotYet) && self.try_beside(now, key) {
            return;
        }
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
        if self.holds(now, key, got, response) {
            return;
        }
        let Some(decision) = self.consider(now, key, got, response) else {
            return self.conclude(now, key, Conclusion::of(got), response);
        };
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Some(stopped) = action.waiting().and_then(|waiting| waiting.stopped) {
            return self.conclude(now, key, stopped, response);
        }
        action.state = State::Idle;
        if decision.reaction.goes_on() {
            if let Some(decision) = self.shown_first(key, decision) {
                self.follow(now, key, decision, response);
            }
            return;
        }
        match decision.reaction {
            Reaction::Succeed(_) | Reaction::KeepState { .. } => {
                self.succeeded(now, key, response, &decision.reaction);
            }
            _ => self.given_up(now, key, got, response, &decision),
        }
    }

    /// Does what was decided, and notes that it is done.
    pub(in crate::user_agent) fn follow(
        &mut self,
        now: Time,
        key: ActionKey,
        decision: Decision,
        response: Option<&Response>,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.history.follow(&decision);
        self.go_on(now, key, decision, response);
    }

    /// Sends what the reaction says.
    fn go_on(
        &mut self,
        now: Time,
        key: ActionKey,
        decision: Decision,
        response: Option<&Response>,
    ) {
        match decision.reaction {
            Reaction::ChooseTarget(redirect)
            | Reaction::RememberTarget(redirect)
            | Reaction::TryTargets(redirect) => self.move_to(now, key, redirect),
            Reaction::UseProxy { change, .. } => self.use_proxy(now, key, &change),
            Reaction::AnswerChallenge { .. } => {
                self.remember_realms(key);
                self.send(now, key, true);
            }
            Reaction::ChangeScheme { .. } => self.route(now, key),
            Reaction::ChangeMethod { .. } => self.change_to_reinvite(now, key, response),
            Reaction::GlareBackoff { wait } => self.pause(now, key, wait),
            Reaction::RetryAfter { wait, change } => self.send_later(now, key, wait, change),
            Reaction::NextServer { server, rest } => self.move_on(now, key, server, rest),
            Reaction::Shrink { change, compact, stream } => {
                self.shrink(key, compact, stream);
                self.offers(key, &change);
                self.send_changed(now, key, change);
            }
            Reaction::Lengthen { seconds, change } => {
                self.note_min_se(key, response);
                self.lengthen(now, key, seconds, change);
            }
            Reaction::Reoffer { change } | Reaction::ChangeBody { change, .. } => {
                self.offers(key, &change);
                self.send_changed(now, key, change);
            }
            Reaction::AgreeSecurity { mechanism, change } => {
                self.agree_security(now, key, &mechanism, change, response);
            }
            Reaction::RevealIdentity { change } => {
                self.reveal(key);
                self.send_changed(now, key, change);
            }
            Reaction::ChangePriority { change }
            | Reaction::DropExtension { change, .. }
            | Reaction::AddExtension { change, .. } => self.send_changed(now, key, change),
            Reaction::StartAnew { .. } => self.publish_anew(now, key),
            Reaction::SignIdentity(signing) => self.sign_otherwise(now, key, signing),
            // The others send nothing.
            _ => self.conclude(now, key, Conclusion::Refused, response),
        }
    }

    /// Moved: the server is found afresh (RFC 3261 §8.1.3.4).
    fn move_to(&mut self, now: Time, key: ActionKey, redirect: Redirect) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.auth.new_target();
        action.carries = redirect.next.carries;
        self.route(now, key);
    }

    /// Again through the proxy that a 305 names (§21.3.4).
    fn use_proxy(&mut self, now: Time, key: ActionKey, change: &Change) {
        let last = self.actions.get(&key).and_then(|action| action.last.as_ref());
        let Some(routed) = last.and_then(|last| change.apply(last).ok()) else {
            return self.conclude(now, key, Conclusion::Refused, None);
        };
        let hops = routed.headers().list::<Route<'_>>().map_while(Result::ok);
        let hops = hops.filter_map(|route| UriBuf::parse(route.0.uri_text).ok()).collect();
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.auth.new_target();
        if let Some(routes) = action.routes() {
            *routes = RouteSet::preloaded(hops);
        }
        self.route(now, key);
    }

    /// To the host's next server (RFC 3263 §4.3), while the one that has failed rests.
    fn move_on(&mut self, now: Time, key: ActionKey, server: Server, rest: Option<Duration>) {
        let Some(action) = self.actions.get(&key) else { return };
        if let (Some(failed), Some(rest)) = (action.server, rest) {
            self.memory.rest(now, failed, rest);
        }
        self.take_server(now, key, server);
        self.send(now, key, false);
    }

    /// In fewer words, or over a stream.
    fn shrink(&mut self, key: ActionKey, compact: bool, stream: Option<Server>) {
        if let Some(action) = self.actions.get_mut(&key) {
            action.compact |= compact;
            action.server = stream.or(action.server);
        }
    }

    /// A longer interval. That of a state that is kept is its own from now on.
    fn lengthen(&mut self, now: Time, key: ActionKey, seconds: u32, change: Change) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        if matches!(action.purpose, Purpose::Keep(_)) {
            action.draft.expires = Some(seconds);
            return self.send(now, key, true);
        }
        self.send_changed(now, key, change);
    }

    /// A 422 within a dialog is kept to from now on (RFC 4028 §7.4).
    fn note_min_se(&mut self, key: ActionKey, response: Option<&Response>) {
        let Some(action) = self.actions.get(&key).filter(|action| action.in_dialog()) else {
            return;
        };
        let call = action.call.and_then(|call| self.calls.get_mut(&call));
        if let (Some(call), Some(response)) = (call, response) {
            call.timer.learn_minimum(response.headers());
        }
    }

    /// The offer that is sent now is what an answer is an answer to.
    fn offers(&mut self, key: ActionKey, change: &Change) {
        let Some(body) = &change.body else { return };
        let Some(action) = self.actions.get(&key) else { return };
        if !matches!(action.purpose, Purpose::Call | Purpose::Reinvite) {
            return;
        }
        if let Some(call) = action.call.and_then(|call| self.calls.get_mut(&call)) {
            call.version = call.version.next();
            call.local_sdp = match body {
                NewBody::Other(body) => sdp_within(body),
                // The offer is left to the other side (RFC 3261 §13.2.1).
                NewBody::Empty => None,
            };
        }
    }

    /// From names the caller again; the tag stays (RFC 5079 §3).
    fn reveal(&mut self, key: ActionKey) {
        let named = self.config.identity.name_addr();
        let user = self.config.identity.contact_user();
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Base::Outside { from, .. } = &mut action.draft.base else { return };
        let tag = from.rsplit_once(";tag=").map(|(_, tag)| tag.to_owned());
        if let Some(tag) = tag {
            *from = format!("{named};tag={tag}");
            action.draft.user = user;
        }
    }

    fn send_changed(&mut self, now: Time, key: ActionKey, change: Change) {
        self.change(key, change);
        self.send(now, key, true);
    }

    pub(in crate::user_agent) fn change(&mut self, key: ActionKey, change: Change) {
        if let Some(action) = self.actions.get_mut(&key)
            && !change.is_empty()
        {
            action.changes.push(change);
        }
    }

    fn send_later(&mut self, now: Time, key: ActionKey, wait: Duration, change: Change) {
        if wait.is_zero() {
            return self.send_changed(now, key, change);
        }
        self.change(key, change);
        self.pause(now, key, wait);
    }

    /// Waits, and then asks again.
    pub(in crate::user_agent) fn pause(&mut self, now: Time, key: ActionKey, wait: Duration) {
        self.leave_media(key);
        if let Some(action) = self.actions.get_mut(&key) {
            action.state = State::Pausing(now + wait);
        }
        self.arm_action(key);
    }

    fn succeeded(
        &mut self,
        now: Time,
        key: ActionKey,
        response: Option<&Response>,
        reaction: &Reaction,
    ) {
        let Some(action) = self.actions.get(&key) else { return };
        match (&action.purpose, response) {
            (Purpose::InCall, Some(response)) if action.draft.method == Method::Update => {
                // A target refresh (RFC 3311 §5.1).
                let id = action.call;
                if let Some(call) = id.and_then(|call| self.calls.get_mut(&call)) {
                    call.timer.agree(now, Role::Client, response.headers());
                    if let Some(talking) = call.talking() {
                        talking.dialog.refresh_target(response.headers());
                    }
                }
                if let Some(call) = id {
                    self.arm_call(call);
                }
                self.conclude(now, key, Conclusion::Succeeded, Some(response));
            }
            (Purpose::Keep(_), response) => self.kept_succeeded(now, key, response, reaction),
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
        decision: &Decision,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Reaction::OfferAlternatives { choices } = &decision.reaction {
            action.choices.clone_from(choices);
        }
        match &action.purpose {
            Purpose::Keep(_) => self.keeping_failed(now, key, got, response, decision),
            Purpose::InCall | Purpose::Reinvite => {
                self.in_call_failed(now, key, got, response, decision);
            }
            Purpose::Call | Purpose::Ask | Purpose::Bye { .. } | Purpose::Prack => {
                self.conclude(now, key, Conclusion::of(got), response);
            }
        }
    }
}

/// The session description of a body: it may be one part of several (RFC 5621 §3), where a location
/// was put beside it.
fn sdp_within(body: &Body) -> Option<Bytes> {
    if is_sdp(&body.content_type) {
        return Some(body.content.clone());
    }
    let text = std::str::from_utf8(&body.content).ok()?;
    let (_, part) = text.split_once("Content-Type: application/sdp\r\n\r\n")?;
    let end = part.find("\r\n--").map_or(part.len(), |end| end + 2);
    part.get(..end).map(|sdp| Bytes::copy_from_slice(sdp.as_bytes()))
}
