//! Subscriptions: made, kept and removed, and what they are notified of (RFC 6665 §4.1).

use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode};

use super::super::UserAgent;
use super::super::message::{is_secure, lifetime};
use super::super::state::{
    Action, ActionKey, Base, ContactLine, Draft, Notice, Phase, Purpose, Soft, State, Subscription,
    Upkeep, fork_of, is_for, package, without,
};
use super::super::words::{Ask, Conclusion, Event, NoAnswer, Subscribe, Substate};
use crate::dialog::{Dialog, DialogId};
use crate::endpoint::ServerId;
use crate::flow::Flow;
use crate::reaction::{
    Budget, Decision, DialogEffect, Ended, History, KeeperState, Key, Later, Reaction,
};
use crate::refusal::Refusal;
use crate::time::Time;

impl UserAgent {
    pub(in crate::user_agent) fn subscribe(&mut self, now: Time, subscribe: Subscribe) {
        if !self.is_new(now, subscribe.ask.action) {
            return;
        }
        let ask = subscribe.ask;
        let asked = u32::try_from(subscribe.expires.as_secs()).unwrap_or(u32::MAX);
        let draft = self.subscription_draft(&ask, &subscribe.event, asked);
        let subscription = Subscription {
            ask: ask.clone(),
            event: subscribe.event,
            asked,
            notify_by: None,
            notified: false,
            once: !subscribe.keep,
            ended: None,
            opened: None,
            fork_of: None,
        };
        let soft = Soft::Subscription(Box::new(subscription));
        // Even one that is wanted once is kept until it was notified of.
        let target = ask.to.clone();
        self.begin_keeping(now, &ask, target, draft, Upkeep::new(true, soft));
    }

    /// What every SUBSCRIBE of a subscription has in common.
    pub(super) fn subscription_draft(&mut self, ask: &Ask, event: &str, asked: u32) -> Draft {
        let mut draft = self.draft(Method::Subscribe, ask, ContactLine::Own);
        without(&mut draft, HeaderName::Event);
        draft.headers.push((HeaderName::Event.as_str().to_owned(), event.to_owned()));
        draft.expires = Some(asked);
        draft
    }

    /// A 2xx to SUBSCRIBE. `silent`: no NOTIFY will follow (RFC 5839 §5.2).
    pub(super) fn subscribed(
        &mut self,
        now: Time,
        key: ActionKey,
        response: &Response,
        silent: bool,
    ) {
        let timer_n = self.endpoint.config().intervals.t1 * 64;
        let patience = self.endpoint.config().intervals.t1 * 8;
        let Some(action) = self.actions.get_mut(&key) else { return };
        let (id, asked) = (action.id, action.draft.expires.unwrap_or(0));
        let Some(Upkeep { phase, soft: Soft::Subscription(own), .. }) = action.upkeep() else {
            return;
        };
        let (waits, once) = (!own.notified && !silent, own.once);
        let ended = own.ended.take();
        if *phase == Phase::Removing || asked == 0 {
            // The last NOTIFY is on its way (§4.1.2.3).
            if !waits {
                return self.conclude(now, key, Conclusion::Succeeded, Some(response));
            }
            own.notify_by = Some(now + patience);
            *phase = Phase::Removing;
            return self.sleep(now, key, patience);
        }
        own.notify_by = waits.then_some(now + if once { patience } else { timer_n });
        let granted = Duration::from_secs(lifetime(response, asked).into());
        let refresh_in = self.granted(now, key, granted);
        if let Some(action) = id {
            self.tell(Event::Subscribed { action, granted, refresh_in });
        }
        if refresh_in.is_none() {
            return self.conclude(now, key, Conclusion::Succeeded, Some(response));
        }
        match ended {
            Some(notice) => self.terminated(now, key, &notice),
            None if once && !waits => self.remove_kept(now, key),
            None => self.wake_for_notify(key),
        }
    }

    /// Wakes when the first NOTIFY is overdue, if that is before the refresh.
    fn wake_for_notify(&mut self, key: ActionKey) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let by = match action.upkeep().map(|upkeep| &upkeep.soft) {
            Some(Soft::Subscription(own)) => own.notify_by,
            _ => None,
        };
        if let (State::Sleeping(until), Some(by)) = (&mut action.state, by) {
            *until = (*until).min(by);
        }
        self.arm_action(key);
    }

    /// Timer N has fired (§4.1.2.4).
    pub(super) fn not_notified(&mut self, now: Time, key: ActionKey) {
        let Some(upkeep) = self.actions.get_mut(&key).and_then(Action::upkeep) else { return };
        let Soft::Subscription(own) = &mut upkeep.soft else { return };
        own.notify_by = None;
        let fine = own.once || upkeep.phase == Phase::Removing;
        let conclusion = match fine {
            true => Conclusion::Succeeded,
            false => Conclusion::NoAnswer(NoAnswer::Unnotified),
        };
        self.conclude(now, key, conclusion, None);
    }

    /// A NOTIFY (§4.1.3).
    pub(in crate::user_agent) fn notify_came(
        &mut self,
        now: Time,
        id: ServerId,
        request: &Request,
        flow: Flow,
    ) {
        let taken = match (self.subscription_of(request), self.forked_from(now, request)) {
            (Some(key), _) => {
                self.take_notify(key, request, flow).map(|notice| (notice, Some(key), key))
            }
            (None, Some(parent)) => self
                .take_fork(now, parent, request, &flow)
                .map(|(notice, fork)| (notice, fork, parent)),
            (None, None) => Err(Refusal::new(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST)),
        };
        let (notice, key, named) = match taken {
            Ok(taken) => taken,
            Err(refusal) => return self.refuse(now, id, request, &refusal),
        };
        self.answer_plainly(now, id, request);
        // One of another notifier is told under the name of the one that was asked for.
        let named = self.actions.get(&named).and_then(fork_of).unwrap_or(named);
        let action = self.actions.get(&named).and_then(|action| action.id);
        if let Some(action) = action {
            let content_type = request.headers().text(HeaderName::ContentType).map(str::to_owned);
            self.tell(Event::Notified {
                action,
                notifier: request.from_tag().unwrap_or_default().to_owned(),
                state: notice.state,
                reason: notice.reason.clone(),
                content_type,
                body: request.body().clone(),
            });
        }
        if let Some(key) = key {
            self.notified(now, key, &notice);
        }
    }

    /// The subscription that a NOTIFY is for: by Call-ID and the tag of this side, and once there
    /// is a dialog by that (§4.4.1).
    fn subscription_of(&self, request: &Request) -> Option<ActionKey> {
        let tag = request.to_tag()?;
        let is_ours = |action: &Action| match (&action.purpose, &action.draft.base) {
            (Purpose::Keep(upkeep), _) if !matches!(upkeep.soft, Soft::Subscription(_)) => false,
            (Purpose::Keep(_), Base::Subscription(dialog)) => {
                *dialog.id() == DialogId::of_request(request)
            }
            (Purpose::Keep(_), Base::Outside { from, call_id, .. }) => {
                let own = from.rsplit_once(";tag=").map(|(_, own)| own);
                call_id == request.call_id() && own == Some(tag)
            }
            _ => false,
        };
        let mut found = self.actions.iter().filter(|(_, action)| is_ours(action));
        found.next().map(|(key, _)| *key)
    }

    fn take_notify(
        &mut self,
        key: ActionKey,
        request: &Request,
        flow: Flow,
    ) -> Result<Notice, Refusal> {
        let bad = Refusal::new(StatusCode::BAD_EVENT);
        let Some(action) = self.actions.get_mut(&key) else { return Err(bad) };
        let Some(Soft::Subscription(own)) = action.upkeep().map(|upkeep| &mut upkeep.soft) else {
            return Err(bad);
        };
        let event = own.event.clone();
        if !is_for(&event, request) {
            return Err(bad.with(HeaderName::AllowEvents, package(&event)));
        }
        let notice = Notice::of(request)?;
        let last = action.last.clone();
        let opened = self.actions.get(&key).and_then(|action| self.opened(action));
        let Some(action) = self.actions.get_mut(&key) else { return Err(bad) };
        match &mut action.draft.base {
            Base::Subscription(dialog) => {
                if dialog.receive(request).is_err() {
                    let late = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
                    return Err(late.because("CSeq Out of Order"));
                }
                dialog.refresh_target(request.headers());
            }
            base => {
                let Some(last) = last else { return Err(bad) };
                let dialog = Dialog::subscriber(&last, request, is_secure(&last, &flow))
                    .map_err(|_| Refusal::bad_request("Missing Contact header field"))?;
                *base = Base::Subscription(Box::new(dialog));
                if let Some(Soft::Subscription(own)) = action.upkeep().map(|own| &mut own.soft) {
                    own.opened = opened;
                }
            }
        }
        Ok(notice)
    }

    fn notified(&mut self, now: Time, key: ActionKey, notice: &Notice) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let waiting = matches!(action.state, State::Waiting(_));
        let Some(Upkeep { phase, keeper, soft: Soft::Subscription(own), .. }) = action.upkeep()
        else {
            return;
        };
        own.notify_by = None;
        own.notified = true;
        let phase = *phase;
        match (notice.state, phase) {
            // The answer to the SUBSCRIBE is still awaited, and says whether it was taken.
            (Substate::Terminated, Phase::Removing) if waiting => {}
            (Substate::Terminated, _) if waiting => own.ended = Some(notice.clone()),
            (Substate::Terminated, Phase::Removing) => {
                self.conclude(now, key, Conclusion::Succeeded, None);
            }
            (Substate::Terminated, _) => self.terminated(now, key, notice),
            _ if waiting => {}
            _ if own.once => self.remove_kept(now, key),
            (_, Phase::Kept) => {
                if let Some(expires) = notice.expires {
                    self.granted(now, key, Duration::from_secs(expires.into()));
                } else if let Some(due) = keeper.due() {
                    self.sleep(now, key, due.since(now));
                }
            }
            _ => {}
        }
    }

    /// The other side has ended the subscription; the reason says whether another one makes sense
    /// (§4.1.3).
    fn terminated(&mut self, now: Time, key: ActionKey, notice: &Notice) {
        let draw = self.endpoint.random();
        let again = match notice.reason.as_deref() {
            Some("rejected" | "noresource" | "invariant") => None,
            Some("deactivated" | "timeout") => Some(0),
            Some("probation" | "giveup") => Some(notice.retry_after.unwrap_or(PROBATION)),
            // It may be asked for again, but nothing says that this would be wanted.
            _ => notice.retry_after,
        };
        let Some(upkeep) = self.actions.get_mut(&key).and_then(Action::upkeep) else { return };
        let once = matches!(&upkeep.soft, Soft::Subscription(own) if own.once);
        let kept = !once && upkeep.is_kept();
        let is_fork = self.actions.get(&key).is_some_and(|action| fork_of(action).is_some());
        if is_fork || self.hand_over(key) {
            // The subscription goes on with the other notifiers.
            return self.conclude(now, key, Conclusion::Succeeded, None);
        }
        let Some(seconds) = again.filter(|_| kept) else {
            return self.conclude(now, key, Conclusion::Succeeded, None);
        };
        let Some(upkeep) = self.actions.get_mut(&key).and_then(Action::upkeep) else { return };
        let later = Some(Later { seconds, duration: None });
        upkeep.keeper.failed(now, Ended { key: Key::Timeout, later }, false, draw);
        self.leave_dialog(now, key);
        let state =
            self.actions.get_mut(&key).and_then(Action::upkeep).map(|own| own.keeper.state());
        if let Some(KeeperState::Waiting { until }) = state {
            self.sleep(now, key, until.since(now));
        }
    }

    /// Whether a refresh that failed has cost the subscription: then the next one is a new one.
    pub(super) fn loses_subscription(
        &mut self,
        now: Time,
        key: ActionKey,
        decision: &Decision,
    ) -> bool {
        let effect = match &decision.reaction {
            Reaction::Report(report) => report.effect,
            Reaction::StopEverywhere { effect, .. } => *effect,
            Reaction::EndUsage(_) => DialogEffect::Usage,
            _ => DialogEffect::None,
        };
        let ends = matches!(effect, DialogEffect::Usage | DialogEffect::Dialog);
        ends && self.leave_dialog(now, key)
    }

    /// An unrelated SUBSCRIBE comes next: another Call-ID, another tag (§4.1.2.2). It reaches the
    /// other notifiers again.
    fn leave_dialog(&mut self, now: Time, key: ActionKey) -> bool {
        self.end_forks(now, key);
        let Some(action) = self.actions.get_mut(&key) else { return false };
        let is_dialog = matches!(action.draft.base, Base::Subscription(_));
        let Some(Soft::Subscription(own)) = action.upkeep().map(|upkeep| &mut upkeep.soft) else {
            return false;
        };
        if !is_dialog {
            return false;
        }
        own.asks();
        own.opened = None;
        let (ask, asked) = (own.ask.clone(), own.asked);
        let draft = self.draft(Method::Subscribe, &ask, ContactLine::Own);
        let Some(action) = self.actions.get_mut(&key) else { return false };
        action.draft.base = draft.base;
        action.draft.expires = Some(asked);
        action.history = History::new(ask.to, Budget::default());
        true
    }
}

/// After which time somebody asks again who was told to do it later, and not when.
const PROBATION: u32 = 60;
