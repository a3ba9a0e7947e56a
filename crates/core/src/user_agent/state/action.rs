//! An action: one thing asked for, with every request it took.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Request, Transport, UriBuf};
use bytes::Bytes;

use super::super::words::{
    ActionId, Attempt, CallId, Conclusion, EndCause, Identifiers, Outbound, Push, Side, Unbind,
};
use super::got::Held;
use super::keys::ActionKey;
use super::signing::{Manner, Unsigned};
use super::upkeep::{Soft, Upkeep};
use crate::auth;
use crate::dialog::{Confirmed, Dialog, Early, RouteSet};
use crate::endpoint::ClientId;
use crate::flow::Flow;
use crate::locate::{Hop, Search};
use crate::offer_answer::LocalMedia;
use crate::reaction::{Budget, Change, Choice, Decision, History, Remember, Server};
use crate::time::Time;

#[derive(Debug)]
pub(crate) struct Action {
    pub(crate) id: Option<ActionId>,
    pub(crate) call: Option<CallId>,
    pub(crate) purpose: Purpose,
    pub(crate) draft: Draft,
    pub(crate) history: History,
    pub(crate) hop: Option<Hop>,
    /// Whether the URI of the next hop leaves the transport open.
    pub(crate) transport_is_open: bool,
    /// Where the last request went, or the next one goes.
    pub(crate) server: Option<Server>,
    /// The search for the servers of the hop, if its host is a name.
    pub(crate) search: Option<Box<Search>>,
    /// A failure that waits for that search.
    pub(crate) held: Option<Held>,
    /// Servers of the hop that were not tried yet, as far as they are known.
    pub(crate) servers: Vec<Server>,
    /// The last request; `None` before it, and where it went nowhere.
    pub(crate) last: Option<Request>,
    /// Whether the last response came from where the request went.
    pub(crate) authentic: bool,
    /// What is different from the draft, in the order of the changes.
    pub(crate) changes: Vec<Change>,
    /// Header fields that the current target brought with it.
    pub(crate) carries: Vec<(HeaderName, String)>,
    /// Header names are written in their compact form.
    pub(crate) compact: bool,
    /// The server, reached in the clear, with which TLS was agreed on; until the first request
    /// has gone there.
    pub(crate) agreed: Option<(Transport, SocketAddr)>,
    /// How its requests are signed; `None` if they are not.
    pub(crate) manner: Option<Manner>,
    /// What a 301 said, until the new address has answered.
    pub(crate) remember: Option<Remember>,
    /// The media that a re-INVITE offers, while it waits.
    pub(crate) wanted: Option<LocalMedia>,
    /// What the person may choose from.
    pub(crate) choices: Vec<Choice>,
    pub(crate) state: State,
    pub(crate) auth: auth::Attempt,
    /// Credentials made for the next request.
    pub(crate) credentials: Option<Vec<auth::AuthHeader>>,
    /// The Contact of the last REGISTER.
    pub(crate) bound: Option<UriBuf>,
    /// How the last response came.
    pub(crate) came_over: Option<Flow>,
    pub(crate) tried: Vec<Attempt>,
    pub(crate) begun: Time,
    /// The end of the whole action.
    pub(crate) deadline: Option<Time>,
    /// The end of ringing.
    pub(crate) ring_deadline: Option<Time>,
    /// The end of ringing however often it is put off.
    pub(crate) queue_deadline: Option<Time>,
}

/// What an action is for.
#[derive(Debug)]
pub(crate) enum Purpose {
    /// A call.
    Call,
    /// A registration, a publication or a subscription, or its removal.
    Keep(Box<Upkeep>),
    /// OPTIONS, MESSAGE.
    Ask,
    /// A request within a call that changes nothing here.
    InCall,
    /// A re-INVITE.
    Reinvite,
    /// The end of a call.
    Bye { by: Side, why: EndCause },
    /// The acknowledgement of a reliable provisional response (RFC 3262 §4).
    Prack,
}

#[derive(Debug)]
pub(crate) enum State {
    /// Nothing is under way.
    Idle,
    /// Until the DNS has answered.
    Locating,
    /// Until the person has chosen what is done first.
    Choosing(Box<Decision>),
    /// Until the request is signed.
    Signing(Box<Unsigned>),
    Waiting(Box<Waiting>),
    /// Until the next refresh.
    Sleeping(Time),
    /// Until the next request.
    Pausing(Time),
}

#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) client: ClientId,
    pub(crate) request: Request,
    pub(crate) flow: Flow,
    /// Whether any response came.
    pub(crate) answered: bool,
    /// CANCEL was asked for, and this is what it will be reported as.
    pub(crate) stopped: Option<Conclusion>,
}

/// What the requests of an action have in common.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) method: Method,
    pub(crate) base: Base,
    pub(crate) contact: ContactLine,
    /// User part of an own Contact.
    pub(crate) user: String,
    pub(crate) expires: Option<u32>,
    /// What a registration says of its flow.
    pub(crate) outbound: Option<Outbound>,
    /// What it says of a push service.
    pub(crate) push: Option<Push>,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Option<(String, Bytes)>,
}

#[derive(Debug)]
pub(crate) enum Base {
    Outside {
        from: String,
        to: String,
        call_id: String,
        cseq: u32,
        routes: RouteSet,
    },
    Dialog(CallId),
    /// An early dialog of the call, which the action outlives.
    Early(CallId, Box<Dialog<Early>>),
    /// The dialog of the action itself, which is a subscription (RFC 6665 §4.4.1).
    Subscription(Box<Dialog<Confirmed>>),
}

impl Base {
    /// What its requests are known by.
    pub(crate) fn identifiers(&self) -> Option<Identifiers> {
        let Self::Outside { from, call_id, cseq, .. } = self else { return None };
        let (_, from_tag) = from.rsplit_once(";tag=")?;
        let (call_id, from_tag) = (call_id.clone(), from_tag.to_owned());
        Some(Identifiers { call_id, from_tag, cseq: *cseq })
    }

    /// Goes on with what other requests were known by.
    pub(crate) fn go_on_with(&mut self, known: Identifiers) {
        let Self::Outside { from, call_id, cseq, .. } = self else { return };
        if let Some((named, _)) = from.rsplit_once(";tag=") {
            *from = format!("{named};tag={}", known.from_tag);
        }
        *call_id = known.call_id;
        *cseq = known.cseq;
    }

    /// The call within which it runs.
    pub(crate) const fn call(&self) -> Option<CallId> {
        match self {
            Self::Outside { .. } | Self::Subscription(_) => None,
            Self::Dialog(call) | Self::Early(call, _) => Some(*call),
        }
    }
}

/// The Contact of a request.
#[derive(Debug, Clone)]
pub(crate) enum ContactLine {
    None,
    Own,
    Other(UriBuf),
    Star,
}

impl From<Unbind> for ContactLine {
    fn from(unbind: Unbind) -> Self {
        match unbind {
            Unbind::Own => Self::Own,
            Unbind::Contact(uri) => Self::Other(uri),
            Unbind::All => Self::Star,
        }
    }
}

impl Action {
    pub(crate) fn new(purpose: Purpose, draft: Draft, target: UriBuf, now: Time) -> Self {
        Self {
            id: None,
            call: None,
            purpose,
            draft,
            history: History::new(target, Budget::default()),
            hop: None,
            transport_is_open: false,
            server: None,
            search: None,
            held: None,
            servers: Vec::new(),
            last: None,
            authentic: false,
            changes: Vec::new(),
            carries: Vec::new(),
            compact: false,
            agreed: None,
            manner: None,
            remember: None,
            wanted: None,
            choices: Vec::new(),
            state: State::Idle,
            auth: auth::Attempt::default(),
            credentials: None,
            bound: None,
            came_over: None,
            tried: Vec::new(),
            begun: now,
            deadline: None,
            ring_deadline: None,
            queue_deadline: None,
        }
    }

    pub(crate) fn bounded(mut self, id: ActionId, now: Time, bound: Option<Duration>) -> Self {
        self.id = Some(id);
        self.deadline = bound.map(|bound| now + bound);
        self
    }

    pub(crate) const fn in_dialog(&self) -> bool {
        !matches!(self.draft.base, Base::Outside { .. })
    }

    /// When something is due.
    pub(crate) fn due(&self) -> Option<Time> {
        let state = match &self.state {
            State::Sleeping(until) | State::Pausing(until) => Some(*until),
            // A cancelled INVITE is waited for as long as the transaction lasts (RFC 3261 §9.1).
            State::Waiting(waiting) if waiting.stopped.is_some() => return None,
            State::Waiting(_) => self.ring_deadline,
            State::Idle | State::Locating | State::Choosing(_) | State::Signing(_) => None,
        };
        [state, self.deadline].into_iter().flatten().min()
    }

    pub(crate) const fn waiting(&mut self) -> Option<&mut Waiting> {
        match &mut self.state {
            State::Waiting(waiting) => Some(waiting),
            _ => None,
        }
    }

    pub(crate) const fn upkeep(&mut self) -> Option<&mut Upkeep> {
        match &mut self.purpose {
            Purpose::Keep(upkeep) => Some(upkeep),
            _ => None,
        }
    }

    /// Whether it goes to another target than the one it began with.
    pub(crate) fn is_moved(&self) -> bool {
        self.history.targets().current() != self.history.targets().first()
    }

    /// The preloaded route set, for requests outside of a dialog.
    pub(crate) const fn routes(&mut self) -> Option<&mut RouteSet> {
        match &mut self.draft.base {
            Base::Outside { routes, .. } => Some(routes),
            Base::Dialog(_) | Base::Early(..) | Base::Subscription(_) => None,
        }
    }
}

/// The subscription that a further one runs beside.
pub(crate) fn fork_of(action: &Action) -> Option<ActionKey> {
    match &action.purpose {
        Purpose::Keep(upkeep) => match &upkeep.soft {
            Soft::Subscription(own) => own.fork_of,
            Soft::Registration | Soft::Publication(_) => None,
        },
        _ => None,
    }
}

/// A draft without a header field that the user agent writes by itself.
pub(crate) fn without(draft: &mut Draft, name: HeaderName) {
    draft.headers.retain(|(own, _)| HeaderName::from_bytes(own.as_bytes()) != Some(name));
}
