//! What a user agent tells.
//!
//! These types are what `--json` prints, one object an event: names and meanings are kept stable.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::{Method, StatusCode, Transport, UriBuf};
use bytes::Bytes;

use super::command::{ActionId, CallId};
use super::outcome::{Attempt, Outcome};
use super::remembered::Remembered;
use crate::locate::{Answer, Question};
use crate::offer_answer::Media;
use crate::reaction::Told;
use crate::time::Time;

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Event {
    /// The DNS has answered a question for a request of an action.
    LookedUp {
        /// The action.
        action: ActionId,
        /// The question, its answer and the time it took.
        look_up: LookUp,
    },
    /// The servers of a request's next hop are known, or at least the first of them: in this order
    /// they are tried (RFC 3263 §4.3). Not told for a host that is an address.
    Located {
        /// The action.
        action: ActionId,
        /// Transport, address and port of each.
        servers: Vec<(Transport, SocketAddr)>,
    },
    /// A request of an action was sent; its answer comes in [`Outcome::tried`].
    Attempt {
        /// The action.
        action: ActionId,
        /// The request: `code` and `failure` are empty, `did` says nothing yet.
        attempt: Attempt,
    },
    /// A request of an action was answered or failed, and this is what was done about it. The last
    /// one is followed by the outcome.
    Answered {
        /// The action.
        action: ActionId,
        /// As it stands in [`Outcome::tried`].
        attempt: Attempt,
    },
    /// A provisional response beyond 100 to an INVITE (RFC 3261 §13.2.2.1).
    Provisional {
        /// The action.
        action: ActionId,
        /// The call.
        call: CallId,
        /// 101 to 199.
        code: StatusCode,
        /// What it says.
        meaning: Progress,
        /// The reason phrase, to be shown in quotes.
        reason: String,
        /// The tag of To: which early dialog it belongs to. Empty if it has none.
        to_tag: String,
        /// The early media that its SDP agrees on, if it has one that can be understood.
        media: Option<Media>,
        /// What a person is told of it.
        told: Box<Told>,
    },
    /// A 300 names several addresses, and there is somebody to be asked
    /// ([`Policy::person`](crate::reaction::Policy::person)): the call waits for
    /// [`Command::Choose`](super::Command::Choose).
    Choices {
        /// The action.
        action: ActionId,
        /// The addresses with their preference in thousandths, best first.
        targets: Vec<(UriBuf, u16)>,
    },
    /// A call is answered, and this side has sent or received the 2xx.
    Established {
        /// The call.
        call: CallId,
        /// The action that placed it; `None` for an incoming one.
        action: Option<ActionId>,
        /// What the offer and the answer agree on. `None` as long as the answer is in an ACK that
        /// has not come, and when the other side's SDP cannot be understood.
        media: Option<Media>,
    },
    /// The called side has changed the early media of one branch by UPDATE (RFC 3311 §5.2).
    EarlyMediaChanged {
        /// The call.
        call: CallId,
        /// Which early dialog: the tag as in [`Event::Provisional`].
        to_tag: String,
        /// What is agreed on now.
        media: Media,
    },
    /// A re-INVITE or UPDATE, from whichever side, has changed the media.
    MediaChanged {
        /// The call.
        call: CallId,
        /// What is agreed on now.
        media: Media,
    },
    /// A call is over, answered or not. The last event of a call.
    Ended {
        /// The call.
        call: CallId,
        /// The action that placed it.
        action: Option<ActionId>,
        /// Who ended it.
        by: Side,
        /// How.
        why: EndCause,
        /// From the answer to the end; zero if it never was answered.
        talked: Duration,
    },
    /// Somebody calls. Answer with [`Command::Respond`](super::Command::Respond),
    /// [`Command::Play`](super::Command::Play) or [`Command::Hangup`](super::Command::Hangup);
    /// with a configured script it is answered by itself.
    IncomingCall {
        /// The call.
        call: CallId,
        /// Who and what.
        request: Incoming,
        /// Whether the INVITE carries an offer.
        has_offer: bool,
    },
    /// An instant message came (RFC 3428) and was answered 200.
    IncomingMessage {
        /// The call in which it came, if in one.
        call: Option<CallId>,
        /// The message.
        request: Incoming,
    },
    /// Another request came within a call and was answered.
    IncomingRequest {
        /// The call.
        call: CallId,
        /// The request.
        request: Incoming,
        /// With what it was answered.
        code: StatusCode,
    },
    /// A request outside of a call was answered by the playbook; also an INVITE that was only
    /// asked for credentials.
    Played {
        /// The request.
        request: Incoming,
        /// With what it was answered.
        code: StatusCode,
    },
    /// A registration stands, or was refreshed.
    Registered {
        /// The action.
        action: ActionId,
        /// How long it holds from now on.
        granted: Duration,
        /// All contacts of the address-of-record, as the registrar lists them.
        contacts: Vec<String>,
        /// When it will be refreshed, from now on; `None` if it will not.
        refresh_in: Option<Duration>,
    },
    /// A publication stands, or was refreshed (RFC 3903 §4).
    Published {
        /// The action.
        action: ActionId,
        /// How long it holds from now on.
        granted: Duration,
        /// The entity-tag that the other side knows it by; `None` if it gave none.
        etag: Option<String>,
        /// When it will be refreshed, from now on; `None` if it will not.
        refresh_in: Option<Duration>,
    },
    /// A subscription was taken or refreshed (RFC 6665 §4.1.2). What it is about comes with
    /// [`Event::Notified`].
    Subscribed {
        /// The action.
        action: ActionId,
        /// How long it holds from now on.
        granted: Duration,
        /// When it will be refreshed, from now on; `None` if it will not.
        refresh_in: Option<Duration>,
    },
    /// A NOTIFY of a subscription came and was answered (RFC 6665 §4.1.3).
    Notified {
        /// The action.
        action: ActionId,
        /// The tag of From: which notifier it is of, where the SUBSCRIBE reached several
        /// (§4.1.2.4).
        notifier: String,
        /// Where the subscription stands.
        state: Substate,
        /// Why it has ended, if that is said.
        reason: Option<String>,
        /// `Content-Type`, if any.
        content_type: Option<String>,
        /// The state, in the form that the event package has for it.
        body: Bytes,
    },
    /// A refresh failed; it is tried again after the time given (the outcome follows only when it
    /// is given up).
    RefreshFailed {
        /// The action.
        action: ActionId,
        /// The last request.
        attempt: Attempt,
        /// When it is tried again.
        retry_in: Duration,
    },
    /// An address has changed for good (RFC 3261 §21.3.2), and the new one has answered.
    Remembered {
        /// The action that has learnt it.
        action: ActionId,
        /// The old and the new.
        entry: Remembered,
        /// It is used from now on, and to be stored. Otherwise it only may be, on the person's
        /// word: [`Command::Remember`](super::Command::Remember).
        kept: bool,
    },
    /// What was remembered of an address has turned out to be wrong; it is not used any more.
    Forgotten {
        /// The address.
        old: UriBuf,
    },
    /// A realm has shown a better digest algorithm than any before. To be stored and given to the
    /// next user agent: a weaker one is refused from now on (RFC 8760 §3).
    AlgorithmSeen {
        /// The realm.
        realm: String,
        /// Its strength, as [`Algorithm::strength`](crate::auth::Algorithm::strength) has it.
        strength: u8,
    },
    /// An action is over. Exactly one for each.
    Outcome(Box<Outcome>),
    /// After [`Command::Shutdown`](super::Command::Shutdown): nothing is left to be done.
    Idle,
}

/// Where a subscription stands (RFC 6665 §4.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Substate {
    /// It was accepted.
    Active,
    /// Somebody has to decide about it.
    Pending,
    /// It is over.
    Terminated,
    /// Something that is not known; it goes on.
    Other,
}

/// What a provisional response says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Progress {
    /// 180: a phone is ringing.
    Ringing,
    /// 181: the call is being passed on to another phone.
    Forwarded,
    /// 182: the call waits in a queue; the reason phrase may say at which place, in words for a
    /// person (RFC 3261 §21.1.4).
    Queued,
    /// 183 and every code that is not known (§8.1.3.2).
    Session,
    /// 199: the branch with this To tag has come to nothing; its early dialog and its early media
    /// are gone (RFC 6228 §4).
    BranchEnded {
        /// The status code that ended it, from Reason.
        cause: Option<u32>,
    },
}

/// A request that came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// Its method.
    pub method: Method,
    /// The Request-URI.
    pub uri: String,
    /// From, without the tag.
    pub from: String,
    /// To, without the tag.
    pub to: String,
    /// The Call-ID.
    pub call_id: String,
    /// The transport address it came from.
    pub source: SocketAddr,
    /// `Subject`, if any.
    pub subject: Option<String>,
    /// `Content-Type`, if any.
    pub content_type: Option<String>,
    /// The body.
    pub body: Bytes,
}

/// One of the two sides of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// This one.
    Local,
    /// The other one.
    Remote,
    /// Nobody: the network failed.
    Network,
}

/// How a call ended.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EndCause {
    /// BYE (RFC 3261 §15).
    Bye {
        /// Its Reason header field (RFC 3326), if any.
        reason: Option<String>,
    },
    /// CANCEL before the answer (§9).
    Cancelled {
        /// Its Reason header field, if any.
        reason: Option<String>,
    },
    /// A final response of 300 to 699.
    Refused {
        /// The code.
        code: StatusCode,
        /// The reason phrase.
        reason: String,
    },
    /// The bound of time was reached: `--timeout`, `--duration`, ringing for too long.
    TimeUp,
    /// No ACK came within 64*T1 of the 2xx (§13.3.1.4).
    NoAck,
    /// The dialog is gone at the other side: 481 or 408 to a request in it, or no answer at all
    /// (§12.2.1.2).
    Lost {
        /// The code, if there was an answer.
        code: Option<StatusCode>,
    },
    /// Its SDP could not be agreed on; hung up.
    NoCommonMedia,
    /// No final response to the INVITE.
    NoAnswer,
}

/// A question to the DNS with its answer.
#[derive(Debug, Clone)]
pub struct LookUp {
    /// What was asked.
    pub question: Question,
    /// The records, or why there are none.
    pub answer: Answer,
    /// When it was asked.
    pub asked: Time,
    /// When the answer came.
    pub answered: Time,
}
