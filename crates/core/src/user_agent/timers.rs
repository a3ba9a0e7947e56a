//! One deadline for each subject that has one, and the earliest of all.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;

use crate::time::Time;

/// Deadlines by subject.
#[derive(Debug)]
pub(super) struct Timers<S> {
    order: BTreeSet<(Time, S)>,
    at: HashMap<S, Time>,
}

impl<S: Copy + Ord + Hash> Timers<S> {
    pub(super) fn new() -> Self {
        Self { order: BTreeSet::new(), at: HashMap::new() }
    }

    /// Sets, moves or (`None`) removes the deadline of a subject.
    pub(super) fn set(&mut self, subject: S, at: Option<Time>) {
        if self.at.get(&subject).copied() == at {
            return;
        }
        if let Some(old) = self.at.remove(&subject) {
            self.order.remove(&(old, subject));
        }
        if let Some(at) = at {
            self.at.insert(subject, at);
            self.order.insert((at, subject));
        }
    }

    pub(super) fn earliest(&self) -> Option<Time> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes a subject whose deadline has come.
    pub(super) fn take_due(&mut self, now: Time) -> Option<S> {
        let (at, subject) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.order.pop_first();
        self.at.remove(&subject);
        Some(subject)
    }
}
