//! What is looked at when a request has come to its end, and what is noted of it. What is done
//! about it is decided by [`reaction()`](crate::reaction::reaction) and carried out in `client.rs`.

use antiphon_sip::{Request, Response};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, Got, Phase, Purpose, State};
use super::super::words::{Event, NoAnswer};
use crate::reaction::{self, Decision, Inputs, Place, Reaction, Told, reaction, told};
use crate::time::Time;

impl UserAgent {
    /// Decides about what came, and notes it with the last attempt.
    pub(in crate::user_agent) fn consider(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
    ) -> Option<Decision> {
        self.pass_over_resting(now, key);
        self.know_servers(now, key);
        let random = self.endpoint.random();
        let (mut decision, mut told) = self.decide(now, key, got, response, random, true)?;
        if let (Reaction::AnswerChallenge { realms, .. }, Some(response)) =
            (&decision.reaction, response)
            && !self.make_credentials(key, response, realms)
        {
            // The credentials that there are do not fit what is asked for.
            (decision, told) = self.decide(now, key, got, Some(response), random, false)?;
        }
        self.note(now, key, got, response, &decision, told);
        if let Some(response) = response {
            self.learn(now, key, response, &decision);
        }
        Some(decision)
    }

    /// What is done about what came, and what is told of it. Changes nothing.
    pub(in crate::user_agent) fn decide(
        &self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        random: u64,
        with_accounts: bool,
    ) -> Option<(Decision, Told)> {
        let action = self.actions.get(&key)?;
        let request = match &action.last {
            Some(last) => last.clone(),
            None => unsent(action)?,
        };
        let mut means = self.means(action);
        if !with_accounts {
            means.accounts.clear();
        }
        let policy = self.policy(action);
        let proceeding = matches!(&action.state, State::Waiting(waiting) if waiting.answered);
        let inputs = Inputs {
            got: match (got, response) {
                (Got::Response(_), Some(response)) => reaction::Got::Response(response),
                (Got::Failure(NoAnswer::Timeout), _) => reaction::Got::Timeout { proceeding },
                _ => reaction::Got::TransportError,
            },
            request: &request,
            place: self.place(action),
            purpose: purpose(action),
            server: action.server,
            servers_left: &action.servers,
            history: &action.history,
            means: &means,
            policy: &policy,
            authentic: action.authentic,
            time_left: action.deadline.map(|deadline| deadline.since(now)),
            random,
        };
        let decision = reaction(&inputs);
        let told = told(&inputs, &decision);
        Some((decision, told))
    }

    fn place(&self, action: &Action) -> Place {
        let Some(call) = action.draft.base.call() else {
            // A subscription's dialog was begun here.
            return if action.in_dialog() { Place::Dialog { owner: true } } else { Place::Outside };
        };
        // Whoever placed the call made its Call-ID (RFC 3261 §14.1).
        Place::Dialog { owner: self.calls.get(&call).is_some_and(|call| call.action.is_some()) }
    }

    /// Writes into the history what became of the last request, and tells it.
    fn note(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        decision: &Decision,
        told: Told,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let id = action.id;
        let Some(attempt) = action.tried.last_mut() else { return };
        attempt.answered_at = Some(now);
        attempt.did = Some(decision.reaction.kind());
        attempt.stopped.clone_from(&decision.stopped);
        attempt.told = Some(Box::new(told));
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
}

/// A request for what never came to one: nobody hears it, but it is what is decided about.
fn unsent(action: &Action) -> Option<Request> {
    let target = action.history.targets().current().clone();
    let identity = format!("<{target}>");
    Request::builder(action.draft.method.clone(), target)
        .identity(format_args!("{identity};tag=0"), &identity, "0", 1)
        .build()
        .ok()
}

const fn purpose(action: &Action) -> reaction::Purpose {
    match &action.purpose {
        Purpose::Keep(upkeep) if matches!(upkeep.phase, Phase::Kept) => {
            reaction::Purpose::SoftState
        }
        _ => reaction::Purpose::Once,
    }
}
