//! Requests that are watched: whoever has them forwarded is asked what follows when the targets
//! that were tried have failed, before others are tried or an answer goes upstream.

use std::sync::Arc;
use std::time::Duration;

use antiphon_sip::{Response, StatusCode};

use super::{Place, Proxy};
use crate::endpoint::{Endpoint, ServerId};
use crate::refusal::Refusal;
use crate::time::Time;

use super::Target;

/// That a request is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Watch {
    /// How long the targets that are tried at one time may take to answer an INVITE finally. They
    /// are given up then.
    pub no_answer: Option<Duration>,
}

/// What is told of requests that are being forwarded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The targets that were tried last have failed. Nothing more happens until one of
    /// [`Proxy::proceed`], [`Proxy::instead`] and [`Proxy::conclude`] is called, or the caller gives
    /// up. After a 6xx only the last of them does more than to send it: nothing else may be tried
    /// (RFC 3261 §16.7 step 5).
    Failed {
        /// The request.
        server: ServerId,
        /// The best of their answers; `None` when they took longer than [`Watch::no_answer`].
        answer: Option<StatusCode>,
    },
    /// The request has its answer.
    Ended {
        /// The request.
        server: ServerId,
    },
    /// A server of a target cannot be reached, does not answer or takes no requests. Told of
    /// requests that are not watched as well.
    Unavailable {
        /// [`TargetServer::name`](super::TargetServer::name).
        name: Arc<str>,
        /// For how many seconds it says that it takes none.
        retry_after: Option<u32>,
    },
}

/// What follows a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// What RFC 3261 §16.7 says: the targets that wait are tried; when there are none, the best
    /// answer goes to the caller.
    Usual,
    /// The same, but other servers of the targets that have failed are tried first, whatever those
    /// have answered.
    Next,
    /// The best answer goes to the caller.
    Answer,
}

/// What a response context knows of its being watched.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// The watcher is told of the end.
    pub(super) is_watched: bool,
    watch: Option<Watch>,
    /// The answers of the targets that are being tried, 2xx left out.
    tried: Vec<StatusCode>,
    /// Other servers of the targets that are being tried.
    spares: Vec<Target>,
    /// The watcher was asked and has not answered.
    pub(super) is_asked: bool,
    /// When the targets that are being tried have taken too long.
    no_answer: Option<Time>,
    /// A response that is sent in place of the best.
    pub(super) verdict: Option<Response>,
}

impl Watched {
    pub(super) fn new(watch: Option<Watch>) -> Self {
        Self { is_watched: watch.is_some(), watch, ..Self::default() }
    }

    /// The next targets are about to be tried.
    pub(super) fn begin_group(&mut self) {
        self.tried.clear();
        self.spares.clear();
    }

    /// A branch is over, and its target has this server left.
    pub(super) fn note(&mut self, response: Option<&Response>, spare: Option<Target>) {
        if self.watch.is_some() {
            self.tried.extend(response.map(Response::status));
            self.spares.extend(spare);
        }
    }

    pub(super) fn take_spares(&mut self) -> Vec<Target> {
        std::mem::take(&mut self.spares)
    }

    /// The answers, once.
    pub(super) fn take_tried(&mut self) -> Option<Vec<StatusCode>> {
        self.watch?;
        Some(std::mem::take(&mut self.tried))
    }

    /// The watcher has answered.
    pub(super) fn go_on(&mut self, watch: Option<Watch>) {
        self.is_asked = false;
        self.watch = watch;
        self.tried.clear();
        self.spares.clear();
    }
}

impl Proxy {
    /// What there is to be told.
    pub fn next_notice(&mut self) -> Option<Notice> {
        self.notices.pop_front()
    }

    /// Goes on with what there is.
    pub fn proceed(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId, turn: Turn) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        match turn {
            Turn::Usual => context.watched.is_asked = false,
            Turn::Next => {
                context.watched.is_asked = false;
                context.use_spares();
            }
            Turn::Answer => context.end(None),
        }
        self.advance(now, endpoint, server);
    }

    /// Goes on with other targets, in place of those that wait.
    pub fn instead(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        targets: Vec<Target>,
        watch: Option<Watch>,
    ) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        if !context.watched.is_asked {
            return;
        }
        context.replace(targets, watch);
        self.advance(now, endpoint, server);
    }

    /// Ends it with an answer that is given here.
    pub fn conclude(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        refusal: &Refusal,
    ) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        let verdict = refusal.response(context.request(), &endpoint.tag_of(server));
        context.end(Some(verdict));
        self.advance(now, endpoint, server);
    }

    /// Begins to wait for the answers of the targets that are tried now.
    pub(super) fn start_no_answer(&mut self, now: Time, server: ServerId) {
        self.stop_no_answer(server);
        let Some(context) = self.contexts.get_mut(&server) else { return };
        let is_invite = *context.request().method() == antiphon_sip::Method::Invite;
        let wait = context.watched.watch.and_then(|watch| watch.no_answer);
        if let Some(wait) = wait.filter(|_| is_invite) {
            context.watched.no_answer = Some(now + wait);
            self.no_answer.insert((now + wait, server));
        }
    }

    pub(super) fn stop_no_answer(&mut self, server: ServerId) {
        let context = self.contexts.get_mut(&server);
        if let Some(at) = context.and_then(|context| context.watched.no_answer.take()) {
            self.no_answer.remove(&(at, server));
        }
    }

    /// The targets that are tried have taken too long: they are given up, and the watcher is asked.
    pub(super) fn took_too_long(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        context.watched.no_answer = None;
        if context.has_given_up() || !context.has_pending() {
            return;
        }
        let left = context.leave();
        context.watched.is_asked = true;
        self.notices.push_back(Notice::Failed { server, answer: None });
        for (branch, client) in left {
            let place = Place { server, branch };
            self.stop_timer_c(place);
            if endpoint.cancel(now, client, None).is_err() {
                self.clients.remove(&client);
                self.fail(now, endpoint, place, StatusCode::REQUEST_TIMEOUT);
            }
        }
    }
}
