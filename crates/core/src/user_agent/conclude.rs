//! The end of an action: by itself, by its deadline, by a word.

use antiphon_sip::{HeaderName, Method, Response};

use super::action::{Action, ActionKey, Purpose, State};
use super::event::Event;
use super::outcome::{Conclusion, Misuse, Outcome};
use super::react::{Limit, Reaction};
use super::{ActionId, HangUp, Side, Subject, UserAgent};
use crate::time::Time;

impl UserAgent {
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
        if let Some(call) = action.draft.base.call()
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
            self.hang_up(now, call, Side::Local, HangUp::Asked);
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
