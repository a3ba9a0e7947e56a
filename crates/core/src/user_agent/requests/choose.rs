//! The person's pick among the addresses of a 300 (RFC 3261 §8.1.3.4, §21.3.1): where somebody can
//! be asked, the list is shown before the best address is tried.

use super::super::UserAgent;
use super::super::state::{ActionKey, Purpose, State};
use super::super::words::{ActionId, Event};
use crate::reaction::{Decision, Reaction};
use crate::time::Time;

impl UserAgent {
    /// Has the person asked, if there is one and several addresses to choose from; otherwise gives
    /// the decision back.
    pub(super) fn shown_first(&mut self, key: ActionKey, decision: Decision) -> Option<Decision> {
        let is_person_there = self.config.policy.person;
        let Some(action) = self.actions.get_mut(&key).filter(|_| is_person_there) else {
            return Some(decision);
        };
        let (Reaction::ChooseTarget(redirect), Purpose::Call, Some(id)) =
            (&decision.reaction, &action.purpose, action.id)
        else {
            return Some(decision);
        };
        if redirect.added.len() < 2 {
            return Some(decision);
        }
        let targets = redirect.added.iter().map(|target| (target.uri.clone(), target.q)).collect();
        action.state = State::Choosing(Box::new(decision));
        self.arm_action(key);
        self.tell(Event::Choices { action: id, targets });
        None
    }

    /// The person has chosen: the pick goes first, and the others keep their order behind it.
    pub(in crate::user_agent) fn chosen(&mut self, now: Time, action: ActionId, pick: usize) {
        let Some(&key) = self.names.get(&action) else { return };
        let Some(action) = self.actions.get_mut(&key) else { return };
        let mut decision = match std::mem::replace(&mut action.state, State::Idle) {
            State::Choosing(decision) => *decision,
            other => {
                action.state = other;
                return;
            }
        };
        if let Reaction::ChooseTarget(redirect) = &mut decision.reaction
            && pick < redirect.added.len()
        {
            let picked = redirect.added.remove(pick);
            redirect.next = picked.clone();
            redirect.added.insert(0, picked);
        }
        self.follow(now, key, decision, None);
    }
}
