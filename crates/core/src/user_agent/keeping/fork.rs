//! A SUBSCRIBE that reached several notifiers (RFC 6665 §4.1.2.4, §4.1.4): each that notifies is a
//! subscription of its own, if the event package allows more than one. They run beside the one
//! that was asked for, tell under its name, and end with it.

use antiphon_sip::Request;

use super::super::UserAgent;
use super::super::message::is_secure;
use super::super::state::{
    Action, ActionKey, Base, Notice, Opened, Phase, Purpose, Soft, Subscription, Upkeep, fork_of,
    is_for, package,
};
use crate::dialog::Dialog;
use crate::flow::Flow;
use crate::refusal::Refusal;
use crate::time::Time;

/// Notifiers of one subscription: more phones than a person has.
const MAX_NOTIFIERS: usize = 8;

impl UserAgent {
    /// Notes from which SUBSCRIBE the first dialog came.
    pub(super) fn opened(&self, action: &Action) -> Option<Opened> {
        let sent = action.tried.last()?.at;
        let until = sent + self.endpoint.config().intervals.t1 * 64;
        Some(Opened { request: action.last.clone()?, until })
    }

    /// The subscription whose SUBSCRIBE this notifier got, too: Call-ID, the tag of this side and
    /// Event are its own (§4.4.1), and there may be one more.
    pub(super) fn forked_from(&self, now: Time, request: &Request) -> Option<ActionKey> {
        let takes = |action: &Action| {
            let Some((own, opened)) = open(action) else { return false };
            let sent = &opened.request;
            sent.call_id() == request.call_id()
                && sent.from_tag() == request.to_tag()
                && now <= opened.until
                && !own.once
                && allows_several(&own.event)
                && is_for(&own.event, request)
        };
        let key = *self.actions.iter().find(|(_, action)| takes(action))?.0;
        (self.forks_of(key).len() + 1 < MAX_NOTIFIERS).then_some(key)
    }

    /// One more subscription, in the dialog of this NOTIFY. `None` if it tells nothing but its end:
    /// then there is none (§4.4.1).
    pub(super) fn take_fork(
        &mut self,
        now: Time,
        parent: ActionKey,
        request: &Request,
        flow: &Flow,
    ) -> Result<(Notice, Option<ActionKey>), Refusal> {
        let notice = Notice::of(request)?;
        let missing = || Refusal::bad_request("Missing Contact header field");
        let Some((own, opened)) = self.actions.get(&parent).and_then(open) else {
            return Err(missing());
        };
        if notice.is_the_end() {
            return Ok((notice, None));
        }
        let sent = &opened.request;
        let dialog =
            Dialog::subscriber(sent, request, is_secure(sent, flow)).map_err(|_| missing())?;
        let own = own.forked(parent);
        let seconds = notice.expires.unwrap_or(own.asked);
        let target = dialog.remote_target().clone();
        let mut draft = self.subscription_draft(&own.ask, &own.event, own.asked);
        draft.base = Base::Subscription(Box::new(dialog));
        let mut upkeep = Upkeep::new(true, Soft::Subscription(Box::new(own)));
        upkeep.phase = Phase::Kept;
        if let Some(Purpose::Keep(of)) = self.actions.get(&parent).map(|action| &action.purpose) {
            upkeep.until = of.until;
            upkeep.realms.clone_from(&of.realms);
        }
        let action = Action::new(Purpose::Keep(Box::new(upkeep)), draft, target, now);
        let key = ActionKey(self.number());
        self.actions.insert(key, action);
        self.granted(now, key, std::time::Duration::from_secs(seconds.into()));
        Ok((notice, Some(key)))
    }

    /// The subscriptions that came of the same SUBSCRIBE as this one, which was asked for.
    pub(super) fn forks_of(&self, key: ActionKey) -> Vec<ActionKey> {
        let is_fork = |action: &Action| fork_of(action) == Some(key);
        let mut forks: Vec<_> = self
            .actions
            .iter()
            .filter(|(_, action)| is_fork(action))
            .map(|(key, _)| *key)
            .collect();
        forks.sort_unstable();
        forks
    }

    /// Ends what runs beside a subscription that is over.
    pub(in crate::user_agent) fn end_forks(&mut self, now: Time, key: ActionKey) {
        for fork in self.forks_of(key) {
            let kept = self.actions.get_mut(&fork).and_then(Action::upkeep);
            if kept.is_some_and(|upkeep| upkeep.is_kept()) {
                self.remove_kept(now, fork);
            }
        }
    }

    /// One of several notifiers has ended its subscription: another one's takes the name over, and
    /// this one may go. False if there is none.
    pub(super) fn hand_over(&mut self, key: ActionKey) -> bool {
        let forks = self.forks_of(key);
        let Some((heir, others)) = forks.split_first() else { return false };
        let Some(action) = self.actions.get_mut(&key) else { return false };
        let (id, begun) = (action.id.take(), action.begun);
        let opened = subscription(action).and_then(|own| own.opened.take());
        if let Some(action) = self.actions.get_mut(heir) {
            (action.id, action.begun) = (id, begun);
            if let Some(own) = subscription(action) {
                (own.fork_of, own.opened) = (None, opened);
            }
        }
        for other in others {
            if let Some(own) = self.actions.get_mut(other).and_then(subscription) {
                own.fork_of = Some(*heir);
            }
        }
        if let Some(id) = id {
            self.names.insert(id, *heir);
        }
        true
    }
}

fn subscription(action: &mut Action) -> Option<&mut Subscription> {
    match &mut action.upkeep()?.soft {
        Soft::Subscription(own) => Some(own),
        Soft::Registration | Soft::Publication(_) => None,
    }
}

fn open(action: &Action) -> Option<(&Subscription, &Opened)> {
    let Purpose::Keep(upkeep) = &action.purpose else { return None };
    let Soft::Subscription(own) = &upkeep.soft else { return None };
    let is_ending = matches!(upkeep.phase, Phase::Removing | Phase::Unbinding);
    let opened = own.opened.as_ref().filter(|_| !is_ending)?;
    Some((own, opened))
}

/// Whether a package allows several subscriptions from one SUBSCRIBE; each has to say so (§5.4.9).
/// One that is not known here is taken at the rule of §4.1.2.4: every notification is welcome.
fn allows_several(event: &str) -> bool {
    // RFC 3856 §6.9, RFC 3680 §4.9, RFC 4575 §3.8.
    let single = ["presence", "reg", "conference"];
    !single.iter().any(|name| package(event).eq_ignore_ascii_case(name))
}
