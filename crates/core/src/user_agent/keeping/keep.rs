//! State that is kept at another place for as long as it is wanted: registrations (RFC 3261 §10.2),
//! publications (RFC 3903 §4), subscriptions (RFC 6665 §4.1.2). What they have in common: the first
//! request, the refreshes, what becomes of one that fails, the removal.

use std::time::Duration;

use antiphon_sip::Response;

use super::super::UserAgent;
use super::super::state::{
    Action, ActionKey, Base, Draft, Got, Phase, Purpose, Soft, State, Upkeep, fork_of,
};
use super::super::words::{Ask, Conclusion, Event};
use crate::auth;
use crate::reaction::{Decision, Ended, History, KeeperState, Reaction, UsageEnd};
use crate::time::Time;

impl UserAgent {
    pub(super) fn begin_keeping(
        &mut self,
        now: Time,
        ask: &Ask,
        target: antiphon_sip::UriBuf,
        draft: Draft,
        mut upkeep: Upkeep,
    ) {
        upkeep.until = ask.timeout.filter(|_| upkeep.keep).map(|bound| now + bound);
        let bound = ask.timeout.unwrap_or(self.config.patience.action);
        let purpose = Purpose::Keep(Box::new(upkeep));
        let action = Action::new(purpose, draft, target, now);
        self.begin(now, action.bounded(ask.action, now, Some(bound)));
    }

    /// A 2xx has come, or what counts as one.
    pub(in crate::user_agent) fn kept_succeeded(
        &mut self,
        now: Time,
        key: ActionKey,
        response: Option<&Response>,
        reaction: &Reaction,
    ) {
        let Some(upkeep) = self.actions.get_mut(&key).and_then(Action::upkeep) else { return };
        let Some(response) = response else {
            return self.conclude(now, key, Conclusion::Succeeded, None);
        };
        match upkeep.soft {
            Soft::Registration => self.registered(now, key, response),
            Soft::Publication(_) => self.published(now, key, response),
            Soft::Subscription(_) => {
                let silent = matches!(reaction, Reaction::KeepState { .. });
                self.subscribed(now, key, response, silent);
            }
        }
    }

    /// The state stands for so long, and is refreshed in between if it is to be kept. When that is;
    /// `None` if it is not.
    pub(super) fn granted(
        &mut self,
        now: Time,
        key: ActionKey,
        lifetime: Duration,
    ) -> Option<Duration> {
        let upkeep = self.actions.get_mut(&key).and_then(Action::upkeep)?;
        if !upkeep.keep || lifetime.is_zero() {
            return None;
        }
        upkeep.phase = Phase::Kept;
        upkeep.keeper.granted(now, lifetime);
        let refresh_in = upkeep.keeper.due().unwrap_or(now).since(now);
        self.sleep(now, key, refresh_in);
        Some(refresh_in)
    }

    pub(super) fn sleep(&mut self, now: Time, key: ActionKey, duration: Duration) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Purpose::Keep(upkeep) = &action.purpose
            && upkeep.phase != Phase::Removing
        {
            action.deadline = upkeep.until;
        }
        action.state = State::Sleeping(now + duration);
        self.arm_action(key);
    }

    /// The time of the refresh has come: same Call-ID, next CSeq (RFC 3261 §10.2.4).
    pub(in crate::user_agent) fn refresh(&mut self, now: Time, key: ActionKey) {
        let bound = self.config.patience.action;
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(upkeep) = action.upkeep() else { return };
        if let Soft::Subscription(subscription) = &upkeep.soft
            && subscription.is_overdue(now)
        {
            return self.not_notified(now, key);
        }
        upkeep.asks();
        let until = upkeep.until;
        action.deadline = Some(until.map_or(now + bound, |until| until.min(now + bound)));
        self.begin_anew(now, key);
    }

    /// A refresh is an action of its own, with a budget of its own.
    pub(super) fn begin_anew(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let history = match &action.draft.base {
            Base::Subscription(dialog) => {
                History::new(dialog.remote_target().clone(), self.budget())
            }
            _ => self.new_history(now, action),
        };
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.history = history;
        action.tried.clear();
        action.carries.clear();
        action.remember = None;
        action.auth = auth::Attempt::default();
        action.state = State::Idle;
        self.route(now, key);
    }

    /// Takes back what is kept (RFC 3261 §10.2.2, RFC 3903 §4.5, RFC 6665 §4.1.2.3).
    pub(in crate::user_agent) fn remove_kept(&mut self, now: Time, key: ActionKey) {
        let bound = self.config.patience.action;
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Purpose::Keep(upkeep) = &mut action.purpose else { return };
        upkeep.phase = Phase::Removing;
        upkeep.asks();
        if let State::Waiting(waiting) = &action.state {
            // A refresh is under way; its answer does not matter any more.
            self.clients.remove(&waiting.client);
        }
        let nobody_notifies = matches!(upkeep.soft, Soft::Subscription(_))
            && matches!(action.draft.base, Base::Outside { .. });
        action.draft.expires = Some(0);
        if matches!(upkeep.soft, Soft::Publication(_)) {
            // A removal says no more than which state it is (RFC 3903 §4.5).
            action.draft.body = None;
        }
        action.deadline = Some(now + bound);
        self.end_forks(now, key);
        if nobody_notifies {
            // Without a dialog there is nothing that could be ended.
            return self.conclude(now, key, Conclusion::Succeeded, None);
        }
        self.begin_anew(now, key);
    }

    /// A request has failed: a refresh waits as its keeper says, anything else is over.
    pub(in crate::user_agent) fn keeping_failed(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        decision: &Decision,
    ) {
        let draw = self.endpoint.random();
        let is_lost = self.loses_subscription(now, key, decision);
        let Some(action) = self.actions.get_mut(&key) else { return };
        if is_lost && fork_of(action).is_some() {
            // A notifier that is gone is not looked for: the SUBSCRIBE was another one's.
            return self.conclude(now, key, Conclusion::of(got), response);
        }
        let Purpose::Keep(upkeep) = &mut action.purpose else { return };
        if let Reaction::EndUsage(UsageEnd { start_anew: true, .. }) = decision.reaction
            && is_lost
        {
            return self.refresh(now, key);
        }
        if let (Phase::Kept, Some(ended)) = (upkeep.phase, Ended::of(decision)) {
            upkeep.keeper.failed(now, ended, false, draw);
        }
        let KeeperState::Waiting { until } = upkeep.keeper.state() else {
            return self.conclude(now, key, Conclusion::of(got), response);
        };
        let retry_in = until.since(now);
        let told = action.id.zip(action.tried.last().cloned());
        self.sleep(now, key, retry_in);
        if let Some((action, attempt)) = told {
            self.tell(Event::RefreshFailed { action, attempt, retry_in });
        }
    }
}
