//! One deadline for each subject that has one, and the earliest of all.

use std::collections::{BTreeSet, HashMap};
use std::hash::Hash;
use std::time::Duration;

use crate::time::Time;

/// The time to wait before what is in the way is looked at again.
pub(crate) const BUSY: Duration = Duration::from_millis(500);

/// Deadlines by subject.
#[derive(Debug)]
pub(crate) struct Timers<S> {
    order: BTreeSet<(Time, S)>,
    at: HashMap<S, Time>,
}

impl<S: Copy + Ord + Hash> Timers<S> {
    pub(crate) fn new() -> Self {
        Self { order: BTreeSet::new(), at: HashMap::new() }
    }

    /// Sets, moves or (`None`) removes the deadline of a subject.
    pub(crate) fn set(&mut self, subject: S, at: Option<Time>) {
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

    pub(crate) fn earliest(&self) -> Option<Time> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes a subject whose deadline has come.
    pub(crate) fn take_due(&mut self, now: Time) -> Option<S> {
        let (at, subject) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.order.pop_first();
        self.at.remove(&subject);
        Some(subject)
    }
}
