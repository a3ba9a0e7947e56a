//! What a person or a program tells a user agent to do.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::{HeaderName, Method, UriBuf};
use bytes::Bytes;

use super::identity::Identity;
use super::remembered::Remembered;
use super::script::{Reply, Script};
use crate::offer_answer::Direction;

/// Names an action: one thing asked for. Chosen by whoever commands and told with every event
/// that belongs to it. A number is used once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ActionId(pub u64);

/// Names a call, placed or received. Chosen by the user agent, never used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CallId(pub u64);

/// Something to do. Every action ends with exactly one
/// [`Event::Outcome`](super::Event::Outcome).
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Command {
    /// Places a call (RFC 3261 §13).
    Call(PlaceCall),
    /// Registers, and keeps registered if asked to (§10.2).
    Register(Register),
    /// Removes bindings (§10.2.2).
    Unregister(Unregister),
    /// Publishes the state of something, and keeps it published if asked to (RFC 3903).
    Publish(Publish),
    /// Subscribes to the state of something (RFC 6665).
    Subscribe(Subscribe),
    /// Asks for capabilities (§11).
    Options(Ask),
    /// Sends an instant message (RFC 3428).
    Message(SendMessage),
    /// Sends a request within a call: INFO, MESSAGE, OPTIONS, UPDATE without a body, or whatever
    /// it is. Not INVITE, ACK, BYE, CANCEL.
    InCall(InCall),
    /// Offers the call's media anew (re-INVITE, §14): hold, resume, another address.
    Reinvite(Reinvite),
    /// Remembers that an address has changed, on the person's word (RFC 3261 §21.3.2).
    Remember(Remembered),
    /// Forgets what is remembered of an address.
    Forget(UriBuf),
    /// Says which of the [`Event::Choices`](super::Event::Choices) is tried first.
    Choose {
        /// The action.
        action: ActionId,
        /// Its place in the list, from 0 on; beyond the list: the first.
        pick: usize,
    },
    /// Gives an action up: a call not yet answered is cancelled (§9.1), an answered one hung up, a
    /// kept registration removed, any other action reported as given up.
    Stop(ActionId),
    /// Answers an incoming call with one response. Provisional ones may come before a final one.
    Respond {
        /// The call.
        call: CallId,
        /// The response.
        reply: Reply,
    },
    /// Answers an incoming call by a script, which takes the place of any before.
    Play {
        /// The call.
        call: CallId,
        /// The script.
        script: Script,
    },
    /// Tells where RTP of an incoming call is awaited, for the responses of a script that need it
    /// and wait for it.
    Media {
        /// The call.
        call: CallId,
        /// Where.
        address: SocketAddr,
    },
    /// Ends a call: BYE if it is answered, CANCEL or 603 if it is not.
    Hangup(CallId),
    /// Ends everything: calls, registrations, actions. [`Event::Idle`](super::Event::Idle) tells
    /// when it is done.
    Shutdown,
}

/// What every request outside a dialog takes.
#[derive(Debug, Clone)]
pub struct Ask {
    /// The action's name.
    pub action: ActionId,
    /// Whom or what it is for: To, and the Request-URI.
    pub to: UriBuf,
    /// From, if it is not the configured identity.
    pub from: Option<Identity>,
    /// Header fields beside those that belong to the request; what [`is_reserved`] is not taken.
    pub headers: Vec<(String, String)>,
    /// Bounds the whole action (`--timeout`).
    pub timeout: Option<Duration>,
}

impl Ask {
    /// A request without anything special.
    #[must_use]
    pub const fn new(action: ActionId, to: UriBuf) -> Self {
        Self { action, to, from: None, headers: Vec::new(), timeout: None }
    }
}

/// Whether a header field belongs to the request itself: the user agent writes it, and what a
/// command has of it is not taken.
#[must_use]
pub const fn is_reserved(name: &HeaderName) -> bool {
    matches!(
        name,
        HeaderName::From
            | HeaderName::To
            | HeaderName::CallId
            | HeaderName::CSeq
            | HeaderName::Via
            | HeaderName::Contact
            | HeaderName::MaxForwards
            | HeaderName::Route
            | HeaderName::RecordRoute
            | HeaderName::ContentLength
            | HeaderName::ContentType
    )
}

/// A call to be placed.
#[derive(Debug, Clone)]
pub struct PlaceCall {
    /// To whom and so on. Its `timeout` bounds the call too: not answered by then it is
    /// cancelled, answered it is hung up.
    pub ask: Ask,
    /// Where RTP is awaited.
    pub media: SocketAddr,
    /// Whether the offer is left to the called side (§13.2.1): INVITE without a body, the offer
    /// comes in the 2xx, the answer goes in the ACK.
    pub late_offer: bool,
    /// Hangs up this long after the answer (`--duration`).
    pub duration: Option<Duration>,
    /// What the call before was known by, if this one goes on with it: the same number with more
    /// digits, after a 484 (§21.4.22).
    pub continues: Option<Identifiers>,
}

/// What the requests of an action outside of dialogs are known by. Another action that goes on with
/// them has the same Call-ID and From tag, and greater numbers (RFC 3261 §8.1.1.4, §8.1.1.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identifiers {
    /// The Call-ID.
    pub call_id: String,
    /// The tag of From.
    pub from_tag: String,
    /// The CSeq number of the last request.
    pub cseq: u32,
}

/// A registration.
#[derive(Debug, Clone)]
pub struct Register {
    /// The address-of-record in [`Ask::to`], and the rest. With [`keep`](Self::keep) its
    /// `timeout` is how long the registration is kept.
    pub ask: Ask,
    /// The registrar, if it is not the domain of the address-of-record.
    pub registrar: Option<UriBuf>,
    /// What to bind, if it is not this user agent.
    pub contact: Option<UriBuf>,
    /// For how long. 3600 s is usual.
    pub expires: Duration,
    /// Whether the binding is refreshed until it is stopped, and then removed.
    pub keep: bool,
    /// By what the registrar is to know the flow of this binding; `None` for the plain way.
    pub outbound: Option<Outbound>,
    /// The push service by which this user agent is woken; `None` if it needs none.
    pub push: Option<Push>,
}

/// A push service, and which device of it a registration is for (RFC 8599 §4.1.1). Where no proxy
/// on the way knows the service (555), the registration is made without it if
/// [`Policy::stays_awake`](crate::reaction::Policy::stays_awake) allows that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Push {
    /// The kind of service, such as `apns`, `fcm` or `webpush` (`pn-provider`, §13). A value of a
    /// URI parameter, escaped where it has to be; so are the others.
    pub provider: String,
    /// What the service asks for besides (`pn-param`), if it does.
    pub param: Option<String>,
    /// The device, as the service names it (`pn-prid`).
    pub prid: String,
}

/// A registration that the registrar ties to a flow (RFC 5626 §4.2). One that cannot do so for
/// want of an edge proxy that could says 439, and is asked again the plain way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outbound {
    /// The instance of this user agent, a URN that stays the same over restarts (§4.1).
    pub instance: String,
    /// The number of the flow among those of the instance, from 1 on.
    pub reg_id: u32,
}

/// A registration to be taken back.
#[derive(Debug, Clone)]
pub struct Unregister {
    /// The address-of-record in [`Ask::to`], and the rest.
    pub ask: Ask,
    /// The registrar, if it is not the domain of the address-of-record.
    pub registrar: Option<UriBuf>,
    /// Which binding.
    pub contact: Unbind,
}

/// Which bindings an [`Unregister`] removes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unbind {
    /// That of this user agent.
    Own,
    /// That of another contact.
    Contact(UriBuf),
    /// All of the address-of-record: `Contact: *` (§10.2.2).
    All,
}

/// A publication.
#[derive(Debug, Clone)]
pub struct Publish {
    /// Whose state it is in [`Ask::to`], and the rest. With [`keep`](Self::keep) its `timeout` is
    /// how long it is kept.
    pub ask: Ask,
    /// The event package, as Event has it.
    pub event: String,
    /// What the body is.
    pub content_type: String,
    /// The state. The first publication needs it (RFC 3903 §4.2).
    pub body: Bytes,
    /// For how long. 3600 s is usual.
    pub expires: Duration,
    /// Whether it is refreshed until it is stopped, and then removed.
    pub keep: bool,
}

/// A subscription.
#[derive(Debug, Clone)]
pub struct Subscribe {
    /// To whose state, in [`Ask::to`], and the rest. With [`keep`](Self::keep) its `timeout` is how
    /// long it is kept.
    pub ask: Ask,
    /// The event package, as Event has it.
    pub event: String,
    /// For how long. 3600 s is usual; 0 asks for the state once (RFC 6665 §4.4.3).
    pub expires: Duration,
    /// Whether it is refreshed until it is stopped. Otherwise it ends with the first notification.
    pub keep: bool,
}

/// An instant message.
#[derive(Debug, Clone)]
pub struct SendMessage {
    /// To whom and so on.
    pub ask: Ask,
    /// `text/plain;charset=UTF-8` usually.
    pub content_type: String,
    /// The message.
    pub body: Bytes,
}

/// A request within a call.
#[derive(Debug, Clone)]
pub struct InCall {
    /// The action's name.
    pub action: ActionId,
    /// The call.
    pub call: CallId,
    /// The method.
    pub method: Method,
    /// Header fields; as [`Ask::headers`].
    pub headers: Vec<(String, String)>,
    /// Content type and body.
    pub body: Option<(String, Bytes)>,
}

/// New media for a call.
#[derive(Debug, Clone)]
pub struct Reinvite {
    /// The action's name.
    pub action: ActionId,
    /// The call.
    pub call: CallId,
    /// Where RTP is awaited, if that changes.
    pub media: Option<SocketAddr>,
    /// Which way it flows: [`Direction::SendOnly`] puts on hold (RFC 3264 §8.4).
    pub direction: Direction,
}
