//! What is kept at another place: a registration, a publication, a subscription.

use std::time::Duration;

use super::subscription::Subscription;
use crate::auth;
use crate::flow::Flow;
use crate::reaction::{Body, Keeper};
use crate::time::Time;

/// A state that is kept.
#[derive(Debug)]
pub(crate) struct Upkeep {
    pub(crate) keep: bool,
    pub(crate) phase: Phase,
    pub(crate) keeper: Keeper,
    /// Who was given credentials, and gets them with every refresh.
    pub(crate) realms: Vec<(auth::Side, String)>,
    /// Where the whole action ends as if by itself.
    pub(crate) until: Option<Time>,
    /// The flow that it is kept with (RFC 5626 §4.4).
    pub(crate) flow: Option<KeptFlow>,
    pub(crate) soft: Soft,
}

/// What is kept.
#[derive(Debug)]
pub(crate) enum Soft {
    Registration,
    Publication(Publication),
    Subscription(Box<Subscription>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Nothing is granted yet.
    Asking,
    /// Granted, to be refreshed.
    Kept,
    /// Being removed, after it was kept.
    Removing,
    /// A removal asked for by itself.
    Unbinding,
}

impl Upkeep {
    pub(crate) fn new(keep: bool, soft: Soft) -> Self {
        let (phase, keeper) = (Phase::Asking, Keeper::new());
        Self { keep, phase, keeper, realms: Vec::new(), until: None, flow: None, soft }
    }

    pub(crate) fn asks(&mut self) {
        self.keeper.asks();
        if let Soft::Subscription(subscription) = &mut self.soft {
            subscription.asks();
        }
    }

    /// Whether a state stands that is to be removed in the end.
    pub(crate) fn is_kept(&self) -> bool {
        self.phase == Phase::Kept
    }
}

/// A flow that is kept alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeptFlow {
    pub(crate) flow: Flow,
    /// The shortest and the longest time between two keep-alives.
    pub(crate) every: (Duration, Duration),
}

/// What is published.
#[derive(Debug)]
pub(crate) struct Publication {
    /// The whole state, for a first publication.
    pub(crate) state: Body,
    /// The tag of the state as it stands there; `None` if there was none.
    pub(crate) etag: Option<String>,
}
