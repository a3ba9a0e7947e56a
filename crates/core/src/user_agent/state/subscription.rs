//! A subscription, and what its notifications say of it (RFC 6665).

use antiphon_sip::Request;
use antiphon_sip::header::{self, SubscriptionState};

use super::super::words::{Ask, Substate};
use super::keys::ActionKey;
use crate::refusal::Refusal;
use crate::time::Time;

/// A subscription.
#[derive(Debug)]
pub(crate) struct Subscription {
    pub(crate) ask: Ask,
    /// The value of Event.
    pub(crate) event: String,
    /// For how long it is asked for, in seconds.
    pub(crate) asked: u32,
    /// By when a NOTIFY has to have come: Timer N (§4.1.2.4).
    pub(crate) notify_by: Option<Time>,
    /// Whether any has come since the last SUBSCRIBE.
    pub(crate) notified: bool,
    /// Only the state at this moment is wanted.
    pub(crate) once: bool,
    /// The other side has ended it before its SUBSCRIBE was answered.
    pub(crate) ended: Option<Notice>,
    /// From which SUBSCRIBE it came; others may, too.
    pub(crate) opened: Option<Opened>,
    /// The subscription that was asked for, if this is one of another notifier.
    pub(crate) fork_of: Option<ActionKey>,
}

impl Subscription {
    pub(crate) fn is_overdue(&self, now: Time) -> bool {
        self.notify_by.is_some_and(|by| by <= now)
    }

    /// The same, with another notifier.
    pub(crate) fn forked(&self, from: ActionKey) -> Self {
        Self {
            ask: self.ask.clone(),
            event: self.event.clone(),
            asked: self.asked,
            notify_by: None,
            notified: true,
            once: false,
            ended: None,
            opened: None,
            fork_of: Some(from),
        }
    }

    /// A SUBSCRIBE goes out, which a NOTIFY has to follow.
    pub(crate) const fn asks(&mut self) {
        self.notified = false;
        self.notify_by = None;
    }
}

/// The SUBSCRIBE that may have been forked, and until when its notifiers may speak up.
#[derive(Debug, Clone)]
pub(crate) struct Opened {
    pub(crate) request: Request,
    /// Timer N: 64*T1 from when it was sent.
    pub(crate) until: Time,
}

/// What a NOTIFY says of its subscription.
#[derive(Debug, Clone)]
pub(crate) struct Notice {
    pub(crate) state: Substate,
    pub(crate) reason: Option<String>,
    pub(crate) expires: Option<u32>,
    pub(crate) retry_after: Option<u32>,
}

impl Notice {
    /// Whether the subscription is over.
    pub(crate) fn is_the_end(&self) -> bool {
        self.state == Substate::Terminated
    }

    pub(crate) fn of(request: &Request) -> Result<Self, Refusal> {
        let field = request.headers().field::<SubscriptionState<'_>>().ok().flatten();
        let Some(field) = field else {
            return Err(Refusal::bad_request("Missing Subscription-State header field"));
        };
        let state = match field.state() {
            header::Substate::Active => Substate::Active,
            header::Substate::Pending => Substate::Pending,
            header::Substate::Terminated => Substate::Terminated,
            header::Substate::Extension => Substate::Other,
        };
        Ok(Self {
            state,
            reason: field.reason().map(str::to_ascii_lowercase),
            expires: field.expires(),
            retry_after: field.retry_after(),
        })
    }
}

/// Whether a NOTIFY is for a subscription with this Event (§8.2.1).
pub(crate) fn is_for(event: &str, request: &Request) -> bool {
    let own = header::parse_value::<header::Event<'_>>(event.as_bytes());
    let other = request.headers().field::<header::Event<'_>>().ok().flatten();
    own.ok().zip(other).is_some_and(|(own, other)| own.matches(&other))
}

pub(crate) fn package(event: &str) -> &str {
    event.split(';').next().unwrap_or_default().trim()
}
