//! What a response teaches beyond its action, and what is done with that at the next one.

use std::time::Duration;

use antiphon_sip::{Response, StatusCode, UriBuf};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, Base};
use super::super::words::{Event, Patience, Remembered};
use crate::reaction::{
    Budget, Decision, History, Reaction, Remember, confirms_remembered, forgets_remembered,
};
use crate::time::Time;

impl UserAgent {
    /// The history of an action that begins now: at what is remembered of its target.
    pub(in crate::user_agent) fn new_history(&self, now: Time, action: &Action) -> History {
        let asked = action.history.targets().first().clone();
        let new = match self.is_own(action) {
            true => self.memory.of(now, &asked),
            false => Vec::new(),
        };
        match new.is_empty() {
            true => History::new(asked, self.budget()),
            false => History::remembering(asked, new, self.budget()),
        }
    }

    /// The limits of an action, its times as they are configured.
    pub(in crate::user_agent) fn budget(&self) -> Budget {
        let Patience { ring, queue, action, .. } = self.config.patience;
        Budget { ringing: ring, queued: queue, whole: action, ..Budget::default() }
    }

    /// Whether the action is outside of dialogs and under the configured identity: what one
    /// identity has learnt, another one does not use.
    fn is_own(&self, action: &Action) -> bool {
        let Base::Outside { from, .. } = &action.draft.base else { return false };
        from.strip_prefix(&self.config.identity.name_addr())
            .is_some_and(|rest| rest.starts_with(";tag="))
    }

    /// Drops the waiting targets whose only server rests. Those with a name are looked up when
    /// their turn comes.
    pub(super) fn pass_over_resting(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        if action.in_dialog() || self.config.proxy.is_some() {
            return;
        }
        let rests = |target: &&UriBuf| {
            let hop = self.hop(&target.as_uri(), false);
            let place = hop.and_then(|hop| hop.place());
            place.is_some_and(|server| self.memory.rests(now, &server))
        };
        let resting: Vec<_> = action.history.targets().waiting().filter(rests).cloned().collect();
        let Some(action) = self.actions.get_mut(&key) else { return };
        for target in resting {
            action.history.rests(&target);
        }
    }

    /// Takes what a response teaches beyond its action.
    pub(in crate::user_agent) fn learn(
        &mut self,
        now: Time,
        key: ActionKey,
        response: &Response,
        did: &Decision,
    ) {
        let Some(action) = self.actions.get(&key) else { return };
        if !action.authentic || !self.is_own(action) {
            return;
        }
        self.judge_memory(key, response.status());
        let (Reaction::TryTargets(redirect) | Reaction::RememberTarget(redirect)) = &did.reaction
        else {
            return;
        };
        let Some(action) = self.actions.get_mut(&key) else { return };
        if redirect.remember.is_some() {
            action.remember.clone_from(&redirect.remember);
        }
        // As long as the shortest of them holds.
        let expires = redirect.added.iter().map(|target| target.expires).min().flatten();
        if let (StatusCode::MOVED_TEMPORARILY, Some(seconds)) = (response.status(), expires) {
            let old = action.history.targets().current().clone();
            let new = redirect.added.iter().map(|target| target.uri.clone()).collect();
            self.memory.keep(now, Remembered { old, new }, Duration::from_secs(seconds.into()));
        }
    }

    /// What the answer of a target says of the redirect, or of the memory, that led to it.
    fn judge_memory(&mut self, key: ActionKey, status: StatusCode) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let targets = action.history.targets();
        if targets.depth() == 0 || status.is_provisional() {
            return;
        }
        let (first, current) = (targets.first().clone(), targets.current().clone());
        if forgets_remembered(status) && self.memory.forget(&first) {
            self.tell(Event::Forgotten { old: first });
        }
        let Some(action) = self.actions.get_mut(&key) else { return };
        let (kept, old, mut new) = match action.remember.take() {
            Some(Remember::Keep { old, new }) => (true, old, new),
            Some(Remember::Offer { old, new }) => (false, old, new),
            Some(Remember::Nothing) | None => return,
        };
        if !confirms_remembered(status) {
            new.retain(|uri| *uri != current);
            if !new.is_empty() {
                action.remember = Some(match kept {
                    true => Remember::Keep { old, new },
                    false => Remember::Offer { old, new },
                });
            }
            return;
        }
        let Some(action) = action.id else { return };
        if kept {
            self.memory.remember(Remembered { old: old.clone(), new: new.clone() });
        }
        self.tell(Event::Remembered { action, entry: Remembered { old, new }, kept });
    }
}
