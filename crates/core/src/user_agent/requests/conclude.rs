//! The end of an action: by itself, by its deadline, by a word.

use antiphon_sip::{HeaderName, Method, Response, StatusCode};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, HangUp, Purpose, State, Subject};
use super::super::words::{ActionId, Attempt, Conclusion, Event, Misuse, Outcome, Side};
use crate::reaction::{Kind, Told};
use crate::time::Time;

impl UserAgent {
    /// Whether the number of an action may be used; tells the misuse if not.
    pub(in crate::user_agent) fn is_new(&mut self, now: Time, action: ActionId) -> bool {
        if !self.names.contains_key(&action) {
            return true;
        }
        self.misused(now, action, Misuse::DuplicateAction);
        false
    }

    /// Tells that a command made no sense.
    pub(in crate::user_agent) fn misused(&mut self, now: Time, action: ActionId, misuse: Misuse) {
        let conclusion = Conclusion::Misused(misuse);
        let outcome = Outcome::unanswered(action, conclusion, now, now);
        self.tell(Event::Outcome(Box::new(outcome)));
    }

    /// The end of an action.
    pub(in crate::user_agent) fn conclude(
        &mut self,
        now: Time,
        key: ActionKey,
        conclusion: Conclusion,
        response: Option<&Response>,
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
        if matches!(action.purpose, Purpose::Keep(_)) {
            self.end_forks(now, key);
        }
        let verdict = Verdict::of(&action.tried, conclusion);
        let conclusion = verdict.conclusion;
        if let Some(id) = action.id {
            self.names.remove(&id);
            let last = action.tried.last();
            let decided = last.is_some_and(|last| last.code == verdict.code);
            let outcome = Outcome {
                action: id,
                call: action.call,
                conclusion,
                code: verdict.code,
                reason: verdict.reason.clone(),
                reaction: verdict.reaction,
                stopped: last.map(|attempt| attempt.stopped.clone()).unwrap_or_default(),
                choices: std::mem::take(&mut action.choices),
                identifiers: action.draft.base.identifiers(),
                body: response.filter(|_| decided).and_then(body),
                begun: action.begun,
                ended: now,
                evidence: verdict.told.as_deref().map(evidence).unwrap_or_default(),
                told: verdict.told,
                tried: std::mem::take(&mut action.tried),
            };
            self.tell(Event::Outcome(Box::new(outcome)));
        }
        match (&action.purpose, action.call) {
            (Purpose::Call, _) if conclusion != Conclusion::Succeeded => {
                let refused = verdict.code.map(|code| (code, verdict.reason));
                self.call_failed(now, &action, conclusion, refused);
            }
            // The session is over whatever is answered to the BYE (RFC 3261 §15.1.1).
            (Purpose::Bye { by, why }, Some(call)) => self.end_call(now, call, *by, why.clone()),
            _ => {}
        }
    }

    pub(in crate::user_agent) fn arm_action(&mut self, key: ActionKey) {
        let due = self.actions.get(&key).and_then(Action::due);
        self.timers.set(Subject::Action(key), due);
    }

    /// A deadline of the action has come.
    pub(in crate::user_agent) fn action_due(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let over = action.deadline.is_some_and(|deadline| deadline <= now);
        match &action.state {
            State::Sleeping(_) if !over => self.refresh(now, key),
            State::Pausing(_) if !over => self.pause_over(now, key),
            _ => self.stop_action(now, key, Conclusion::TimeUp),
        }
    }

    /// Gives an action up.
    pub(in crate::user_agent) fn stop(&mut self, now: Time, action: ActionId, why: Conclusion) {
        if let Some(&key) = self.names.get(&action) {
            return self.stop_action(now, key, why);
        }
        let placed = self.calls.iter().find(|(_, call)| call.action == Some(action) && call.told);
        if let Some((&call, _)) = placed {
            self.hang_up(now, call, Side::Local, HangUp::Asked);
        }
    }

    pub(in crate::user_agent) fn stop_action(
        &mut self,
        now: Time,
        key: ActionKey,
        why: Conclusion,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Purpose::Keep(upkeep) = &action.purpose
            && upkeep.is_kept()
        {
            return self.remove_kept(now, key);
        }
        let is_invite = action.draft.method == Method::Invite;
        match &mut action.state {
            State::Waiting(waiting) if is_invite => {
                if waiting.stopped.is_some() {
                    return;
                }
                waiting.stopped = Some(why);
                let client = waiting.client;
                action.servers.clear();
                action.search = None;
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

/// What an action comes to: of its failures the best, which the last attempt was told of.
struct Verdict {
    conclusion: Conclusion,
    code: Option<StatusCode>,
    reason: String,
    reaction: Kind,
    told: Option<Box<Told>>,
}

impl Verdict {
    fn of(tried: &[Attempt], conclusion: Conclusion) -> Self {
        let last = tried.last();
        let told = last.and_then(|attempt| attempt.told.as_deref());
        let best = match (conclusion, told) {
            (Conclusion::Refused | Conclusion::NoAnswer(_), Some(told)) => {
                tried.iter().rev().find(|attempt| is_of(attempt, told)).or(last)
            }
            _ => last,
        };
        let reaction = match (conclusion, told) {
            (Conclusion::Refused | Conclusion::NoAnswer(_), Some(told)) => told.reaction,
            (Conclusion::Succeeded, Some(told)) => told.reaction,
            (Conclusion::Succeeded, None) => Kind::Succeed,
            _ => Kind::Report,
        };
        Self {
            conclusion: match (conclusion, best.map(|best| (best.code, best.failure))) {
                (Conclusion::NoAnswer(_), Some((Some(code), _))) if !code.is_success() => {
                    Conclusion::Refused
                }
                (Conclusion::Refused, Some((None, Some(failure)))) => Conclusion::NoAnswer(failure),
                _ => conclusion,
            },
            code: best.and_then(|attempt| attempt.code),
            reason: best.map(|attempt| attempt.reason.clone()).unwrap_or_default(),
            reaction,
            told: told.map(|told| Box::new(with_ground(told, best))),
        }
    }
}

/// Whether an attempt is what is told of.
fn is_of(attempt: &Attempt, told: &Told) -> bool {
    match (attempt.code, told.code) {
        (Some(code), Some(of)) => code.as_u16() == of,
        (None, None) => attempt.told.as_ref().is_some_and(|own| own.key == told.key),
        _ => false,
    }
}

/// What is told, with the phrase and the evidence of the attempt it is told of.
fn with_ground(told: &Told, best: Option<&Attempt>) -> Told {
    let of = best.and_then(|attempt| attempt.told.as_deref()).filter(|of| of.key == told.key);
    match of {
        Some(of) => {
            Told { reason: of.reason.clone(), evidence: of.evidence.clone(), ..told.clone() }
        }
        None => told.clone(),
    }
}

fn evidence(told: &Told) -> Vec<(String, String)> {
    let lines = told.evidence.iter();
    lines.map(|line| (line.header.as_str().to_owned(), line.value.clone())).collect()
}

fn body(response: &Response) -> Option<(String, bytes::Bytes)> {
    if response.body().is_empty() {
        return None;
    }
    let content_type = response.headers().text(HeaderName::ContentType).unwrap_or_default();
    Some((content_type.to_owned(), response.body().clone()))
}
