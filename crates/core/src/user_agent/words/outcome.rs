//! What became of an action, and of each request of it.

use std::fmt;
use std::net::SocketAddr;

use antiphon_sip::{Method, StatusCode, Transport, UriBuf};

use super::command::{ActionId, CallId, Identifiers};
use crate::flow::Fault;
use crate::locate::Why;
use crate::reaction::{Choice, Kind, Stopped, Told};
use crate::time::Time;

/// What became of an action.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The action.
    pub action: ActionId,
    /// The call it placed, if one.
    pub call: Option<CallId>,
    /// How it ended.
    pub conclusion: Conclusion,
    /// The final response that decided, if one came: of several failures the best, by the ranks of
    /// proxies (RFC 3261 §16.7 step 6).
    pub code: Option<StatusCode>,
    /// Its reason phrase as received: text for a person, to be shown in quotes.
    pub reason: String,
    /// The last reaction; [`Kind::Report`] too when something stopped the action from outside.
    pub reaction: Kind,
    /// Every request that began a transaction, in order.
    pub tried: Vec<Attempt>,
    /// What a person is told of it: what it means, the header fields that say why, what to do.
    /// `None` if nothing came.
    pub told: Option<Box<Told>>,
    /// Header fields of the deciding response that say why (`Warning`, `Retry-After`, `Reason`,
    /// `Allow`, `Accept`, `Unsupported`, `Contact`, `Error-Info`...), shortened.
    pub evidence: Vec<(String, String)>,
    /// What would have been done about the last answer, and why it was not.
    pub stopped: Vec<Stopped>,
    /// What the person may choose from (380, 485), text from outside.
    pub choices: Vec<Choice>,
    /// What its requests were known by; `None` within a dialog, and where there was none.
    pub identifiers: Option<Identifiers>,
    /// The body of the deciding response, its content type first.
    pub body: Option<(String, bytes::Bytes)>,
    /// From which time.
    pub begun: Time,
    /// Until which time.
    pub ended: Time,
}

impl Outcome {
    /// The outcome of an action that had no answer.
    #[must_use]
    pub const fn unanswered(
        action: ActionId,
        conclusion: Conclusion,
        begun: Time,
        ended: Time,
    ) -> Self {
        Self {
            action,
            call: None,
            conclusion,
            code: None,
            reason: String::new(),
            reaction: Kind::Report,
            tried: Vec::new(),
            told: None,
            evidence: Vec::new(),
            stopped: Vec::new(),
            choices: Vec::new(),
            identifiers: None,
            body: None,
            begun,
            ended,
        }
    }
}

/// How an action ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conclusion {
    /// A 2xx. For a call: answered (its end is told by [`Event::Ended`](super::Event::Ended)).
    Succeeded,
    /// A final response of 300 to 699 that could not be helped.
    Refused,
    /// No final response.
    NoAnswer(NoAnswer),
    /// [`Command::Stop`](super::Command::Stop), [`Command::Hangup`](super::Command::Hangup) or
    /// [`Command::Shutdown`](super::Command::Shutdown) came first.
    Stopped,
    /// The bound of time was reached: a call that rang was cancelled.
    TimeUp,
    /// The command made no sense: see the fault.
    Misused(Misuse),
}

/// Why no final response came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoAnswer {
    /// 64*T1 passed (Timer B or F).
    Timeout,
    /// The request could not be delivered.
    Transport(Fault),
    /// A subscription was taken, but no NOTIFY came (RFC 6665 §4.1.2.4).
    Unnotified,
    /// The name leads nowhere: this is what the DNS said.
    Unlocated(Why),
    /// The URI names nothing that can be asked (`tel:` without a proxy, an unknown scheme or
    /// transport).
    NoWayThere,
}

/// What is wrong with a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misuse {
    /// No such call, or it has ended.
    NoSuchCall,
    /// The call is not in a state for that.
    WrongState,
    /// The action's number is in use.
    DuplicateAction,
    /// The request cannot be written: From, To or a header field leaves its grammar.
    Unwritable,
    /// The method has a command of its own.
    ReservedMethod,
    /// The key to sign the request with gave no signature.
    Unsigned,
}

/// One request that began a transaction.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// Its method.
    pub method: Method,
    /// The Request-URI.
    pub target: UriBuf,
    /// Where it went; `None` if it went nowhere.
    pub server: Option<(Transport, SocketAddr)>,
    /// When it was sent.
    pub at: Time,
    /// Its CSeq number.
    pub cseq: u32,
    /// When the final response came or the failure was known.
    pub answered_at: Option<Time>,
    /// The final response's code.
    pub code: Option<StatusCode>,
    /// The final response's reason phrase.
    pub reason: String,
    /// Why there is no final response.
    pub failure: Option<NoAnswer>,
    /// What was done about it.
    pub did: Option<Kind>,
    /// What would have been done before that, and why it was not.
    pub stopped: Vec<Stopped>,
    /// What a person is told of it; `None` as long as nothing came.
    pub told: Option<Box<Told>>,
}

impl fmt::Display for NoAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Timeout => f.write_str("no answer in time"),
            Self::Transport(fault) => fault.fmt(f),
            Self::Unnotified => f.write_str("taken, but nothing was notified"),
            Self::Unlocated(why) => why.fmt(f),
            Self::NoWayThere => f.write_str("the address names nothing that can be asked"),
        }
    }
}

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchCall => "no such call",
            Self::WrongState => "the call is not in a state for that",
            Self::DuplicateAction => "the action's number is in use",
            Self::Unwritable => "a header field leaves its grammar",
            Self::ReservedMethod => "the method has a command of its own",
            Self::Unsigned => "the key gave no signature",
        })
    }
}
