//! An action: one thing asked for, with every request it took.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Request, Transport, UriBuf};
use bytes::Bytes;

use super::keep::Upkeep;
use super::locating::Held;
use super::sign::{Manner, Unsigned};
use super::words::{
    ActionId, Attempt, CallId, Conclusion, EndCause, Identifiers, Outbound, Push, Side, Unbind,
};
use crate::auth;
use crate::dialog::{Confirmed, Dialog, Early, RouteSet};
use crate::endpoint::ClientId;
use crate::flow::Flow;
use crate::locate::{Hop, Search};
use crate::offer_answer::LocalMedia;
use crate::reaction::{Budget, Change, Choice, Decision, History, Remember, Server};
use crate::time::Time;

/// Names an action within the user agent; also those that nobody asked for, such as the BYE of a
/// call that is hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct ActionKey(pub(super) u64);

#[derive(Debug)]
pub(super) struct Action {
    pub(super) id: Option<ActionId>,
    pub(super) call: Option<CallId>,
    pub(super) purpose: Purpose,
    pub(super) draft: Draft,
    pub(super) history: History,
    pub(super) hop: Option<Hop>,
    /// Whether the URI of the next hop leaves the transport open.
    pub(super) transport_is_open: bool,
    /// Where the last request went, or the next one goes.
    pub(super) server: Option<Server>,
    /// The search for the servers of the hop, if its host is a name.
    pub(super) search: Option<Box<Search>>,
    /// A failure that waits for that search.
    pub(super) held: Option<Held>,
    /// Servers of the hop that were not tried yet, as far as they are known.
    pub(super) servers: Vec<Server>,
    /// The last request; `None` before it, and where it went nowhere.
    pub(super) last: Option<Request>,
    /// Whether the last response came from where the request went.
    pub(super) authentic: bool,
    /// What is different from the draft, in the order of the changes.
    pub(super) changes: Vec<Change>,
    /// Header fields that the current target brought with it.
    pub(super) carries: Vec<(HeaderName, String)>,
    /// Header names are written in their compact form.
    pub(super) compact: bool,
    /// The server, reached in the clear, with which TLS was agreed on; until the first request
    /// has gone there.
    pub(super) agreed: Option<(Transport, SocketAddr)>,
    /// How its requests are signed; `None` if they are not.
    pub(super) manner: Option<Manner>,
    /// What a 301 said, until the new address has answered.
    pub(super) remember: Option<Remember>,
    /// The media that a re-INVITE offers, while it waits.
    pub(super) wanted: Option<LocalMedia>,
    /// What the person may choose from.
    pub(super) choices: Vec<Choice>,
    pub(super) state: State,
    pub(super) auth: auth::Attempt,
    /// Credentials made for the next request.
    pub(super) credentials: Option<Vec<auth::AuthHeader>>,
    /// The Contact of the last REGISTER.
    pub(super) bound: Option<UriBuf>,
    /// How the last response came.
    pub(super) came_over: Option<Flow>,
    pub(super) tried: Vec<Attempt>,
    pub(super) begun: Time,
    /// The end of the whole action.
    pub(super) deadline: Option<Time>,
    /// The end of ringing.
    pub(super) ring_deadline: Option<Time>,
    /// The end of ringing however often it is put off.
    pub(super) queue_deadline: Option<Time>,
}

/// What an action is for.
#[derive(Debug)]
pub(super) enum Purpose {
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
pub(super) enum State {
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
pub(super) struct Waiting {
    pub(super) client: ClientId,
    pub(super) request: Request,
    pub(super) flow: Flow,
    /// Whether any response came.
    pub(super) answered: bool,
    /// CANCEL was asked for, and this is what it will be reported as.
    pub(super) stopped: Option<Conclusion>,
}

/// What the requests of an action have in common.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) method: Method,
    pub(super) base: Base,
    pub(super) contact: ContactLine,
    /// User part of an own Contact.
    pub(super) user: String,
    pub(super) expires: Option<u32>,
    /// What a registration says of its flow.
    pub(super) outbound: Option<Outbound>,
    /// What it says of a push service.
    pub(super) push: Option<Push>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<(String, Bytes)>,
}

#[derive(Debug)]
pub(super) enum Base {
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
    pub(super) fn identifiers(&self) -> Option<Identifiers> {
        let Self::Outside { from, call_id, cseq, .. } = self else { return None };
        let (_, from_tag) = from.rsplit_once(";tag=")?;
        let (call_id, from_tag) = (call_id.clone(), from_tag.to_owned());
        Some(Identifiers { call_id, from_tag, cseq: *cseq })
    }

    /// Goes on with what other requests were known by.
    pub(super) fn go_on_with(&mut self, known: Identifiers) {
        let Self::Outside { from, call_id, cseq, .. } = self else { return };
        if let Some((named, _)) = from.rsplit_once(";tag=") {
            *from = format!("{named};tag={}", known.from_tag);
        }
        *call_id = known.call_id;
        *cseq = known.cseq;
    }

    /// The call within which it runs.
    pub(super) const fn call(&self) -> Option<CallId> {
        match self {
            Self::Outside { .. } | Self::Subscription(_) => None,
            Self::Dialog(call) | Self::Early(call, _) => Some(*call),
        }
    }
}

/// The Contact of a request.
#[derive(Debug, Clone)]
pub(super) enum ContactLine {
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
    pub(super) fn new(purpose: Purpose, draft: Draft, target: UriBuf, now: Time) -> Self {
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

    pub(super) fn bounded(mut self, id: ActionId, now: Time, bound: Option<Duration>) -> Self {
        self.id = Some(id);
        self.deadline = bound.map(|bound| now + bound);
        self
    }

    pub(super) const fn in_dialog(&self) -> bool {
        !matches!(self.draft.base, Base::Outside { .. })
    }

    /// When something is due.
    pub(super) fn due(&self) -> Option<Time> {
        let state = match &self.state {
            State::Sleeping(until) | State::Pausing(until) => Some(*until),
            // A cancelled INVITE is waited for as long as the transaction lasts (RFC 3261 §9.1).
            State::Waiting(waiting) if waiting.stopped.is_some() => return None,
            State::Waiting(_) => self.ring_deadline,
            State::Idle | State::Locating | State::Choosing(_) | State::Signing(_) => None,
        };
        [state, self.deadline].into_iter().flatten().min()
    }

    pub(super) const fn waiting(&mut self) -> Option<&mut Waiting> {
        match &mut self.state {
            State::Waiting(waiting) => Some(waiting),
            _ => None,
        }
    }
}
