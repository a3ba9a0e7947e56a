//! What is done about a response: the reactions with their data.

use std::time::Duration;

use antiphon_sip::{Method, OptionTag, UriBuf};

use super::Kind;
use super::challenge_fault::ChallengeFault;
use super::change::Change;
use super::data::{BodyChange, Redirect, Signing, UsageEnd};
use super::failure::{Failure, Server};
use super::limit::{Cause, Stopped};
use super::row::{DialogEffect, Key};
use crate::auth::Side;

/// What is done about a response, and what was not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The row of what came.
    pub key: Key,
    /// What is done.
    pub reaction: Reaction,
    /// What would have been done before it, and why it was not; in the order of trying.
    pub stopped: Vec<Stopped>,
    /// The failure of this request, if the action does not mend it.
    pub failure: Option<Failure>,
}

/// A step gives a reaction, or why there is none; `None` if it has nothing to do with the code.
pub(super) type Attempted = Option<Result<Reaction, Cause>>;

/// A reaction with its data. "Again" is a new transaction to the same server: the same Call-ID,
/// From tag and Route, the next CSeq, and the change that the reaction carries (RFC 3261
/// §8.1.3.5). "Moved" is the same to the URI it carries (§8.1.3.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reaction {
    /// The transaction proceeds.
    Progress(Proceeding),
    /// As [`Progress`](Self::Progress), with local ringback until early media comes.
    Ring(Proceeding),
    /// The early dialog of this To tag is gone; nothing is sent but the PRACK of a reliable
    /// response.
    EndEarlyDialog {
        /// Its tag; `None` if the response has none: nothing ends.
        to_tag: Option<String>,
        /// The code that ended it, from Reason.
        cause: Option<u32>,
        /// The response is to be acknowledged by PRACK.
        prack: Option<u32>,
    },
    /// The action succeeded.
    Succeed(Success),
    /// The subscription goes on; Timer N is stopped.
    KeepState {
        /// The new duration in seconds; `None` if the response does not say.
        expires: Option<u32>,
        /// The subscription is over: it was asked to end.
        over: bool,
    },
    /// Moved to the preferred Contact, or to the one the person picks among those that wait.
    ChooseTarget(Redirect),
    /// Moved, and the new addresses are remembered as far as the redirect says.
    RememberTarget(Redirect),
    /// Moved to the next target.
    TryTargets(Redirect),
    /// Again, through this proxy.
    UseProxy {
        /// The proxy, with `lr`.
        route: UriBuf,
        /// The Route values.
        change: Change,
    },
    /// A list for the person.
    OfferAlternatives {
        /// What can be chosen.
        choices: Vec<Choice>,
    },
    /// Again with credentials for these realms.
    AnswerChallenge {
        /// The realms that are answered.
        realms: Vec<(Side, String)>,
        /// The challenges that are not, and why.
        unanswered: Vec<ChallengeFault>,
    },
    /// Again with another body.
    ChangeBody {
        /// In which way.
        how: BodyChange,
        /// The change.
        change: Change,
    },
    /// Again, smaller as a whole.
    Shrink {
        /// Header fields and body.
        change: Change,
        /// Header names are written in their compact form.
        compact: bool,
        /// Over this stream instead of datagrams.
        stream: Option<Server>,
    },
    /// Moved to the SIP form of the URI.
    ChangeScheme {
        /// The SIP form.
        uri: UriBuf,
    },
    /// The same change of the session by another method.
    ChangeMethod {
        /// Which.
        to: Method,
    },
    /// Again with another Resource-Priority, or without requiring one.
    ChangePriority {
        /// The change.
        change: Change,
    },
    /// Again without an extension.
    DropExtension {
        /// The option tags that are left out.
        tags: Vec<OptionTag>,
        /// The change.
        change: Change,
    },
    /// Again with an extension.
    AddExtension {
        /// The option tags that are added.
        tags: Vec<OptionTag>,
        /// The change.
        change: Change,
    },
    /// Again with a longer interval.
    Lengthen {
        /// The interval in seconds.
        seconds: u32,
        /// The change.
        change: Change,
    },
    /// A first publication with the full state.
    StartAnew {
        /// The change.
        change: Change,
    },
    /// Again, signed.
    SignIdentity(Signing),
    /// The mechanism is set up, then again. For `digest`, whoever answers the challenge adds
    /// `d-ver` to Security-Verify (RFC 3329 §2.2): it needs the password.
    AgreeSecurity {
        /// Its name.
        mechanism: String,
        /// The fields that tell of it.
        change: Change,
    },
    /// Again with another offer.
    Reoffer {
        /// The change.
        change: Change,
    },
    /// Again without anonymity: the person has allowed it.
    RevealIdentity {
        /// The change; From is the sender's to make.
        change: Change,
    },
    /// The person is asked for more digits.
    AskForMore,
    /// After the wait, again in the dialog, if the change is still wanted.
    GlareBackoff {
        /// How long, in steps of 10 ms.
        wait: Duration,
    },
    /// After the wait, again.
    RetryAfter {
        /// How long.
        wait: Duration,
        /// Nothing, or the full Max-Forwards.
        change: Change,
    },
    /// The same request, CSeq too, to another server.
    NextServer {
        /// Which.
        server: Server,
        /// How long the server that failed gets no new requests.
        rest: Option<Duration>,
    },
    /// The usage of the request is over.
    EndUsage(UsageEnd),
    /// All other targets and servers are dropped.
    StopEverywhere {
        /// When it may be tried again.
        later: Option<Later>,
        /// What is left of the dialog.
        effect: DialogEffect,
    },
    /// The action is over; nothing is sent.
    Report(Report),
}

/// What a provisional response brings.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Proceeding {
    /// The early dialog it belongs to, by its To tag (RFC 3261 §12.1).
    pub early_dialog: Option<String>,
    /// The number by which it is to be acknowledged (RFC 3262 §4).
    pub prack: Option<u32>,
    /// It brings a session description.
    pub media: bool,
    /// The limit of ringing starts again (182).
    pub restarts_ringing: bool,
}

/// What a 2xx means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Success {
    /// ACK is due (INVITE).
    pub ack: bool,
    /// BYE follows the ACK: nobody waits for the call any more (RFC 3261 §9.1, §13.2.2.4).
    pub then_bye: bool,
    /// The message was taken but is not delivered (202, RFC 3428 §7).
    pub pending: bool,
    /// There was nothing to do any more: the state to be removed is gone (RFC 3903 §4.5).
    pub already_gone: bool,
}

/// The end of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The best failure of the whole action: what the person is told of.
    pub of: Failure,
    /// When it may be tried again, if anybody said so.
    pub later: Option<Later>,
    /// What is left of the dialog.
    pub effect: DialogEffect,
    /// The action was cancelled: this is no failure.
    pub cancelled: bool,
    /// An address that would do instead, to be tried on the person's word: the sips: form, when
    /// that is what is missing (480 with Warning 381, RFC 5630 §5.3).
    pub proposes: Option<UriBuf>,
}

/// When something may be tried again (RFC 3261 §20.33).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Later {
    /// Seconds from now.
    pub seconds: u32,
    /// For how long the called person can then be reached, in seconds.
    pub duration: Option<u32>,
}

/// Something the person may choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// A URI, text from outside.
    pub uri: String,
    /// The name that goes with it; empty if none.
    pub name: String,
}

impl Reaction {
    /// Which of the closed set it is.
    #[must_use]
    pub const fn kind(&self) -> Kind {
        match self {
            Self::Progress(_) => Kind::Progress,
            Self::Ring(_) => Kind::Ring,
            Self::EndEarlyDialog { .. } => Kind::EndEarlyDialog,
            Self::Succeed(_) => Kind::Succeed,
            Self::KeepState { .. } => Kind::KeepState,
            Self::ChooseTarget(_) => Kind::ChooseTarget,
            Self::RememberTarget(_) => Kind::RememberTarget,
            Self::TryTargets(_) => Kind::TryTargets,
            Self::UseProxy { .. } => Kind::UseProxy,
            Self::OfferAlternatives { .. } => Kind::OfferAlternatives,
            Self::AnswerChallenge { .. } => Kind::AnswerChallenge,
            Self::ChangeBody { .. } => Kind::ChangeBody,
            Self::Shrink { .. } => Kind::Shrink,
            Self::ChangeScheme { .. } => Kind::ChangeScheme,
            Self::ChangeMethod { .. } => Kind::ChangeMethod,
            Self::ChangePriority { .. } => Kind::ChangePriority,
            Self::DropExtension { .. } => Kind::DropExtension,
            Self::AddExtension { .. } => Kind::AddExtension,
            Self::Lengthen { .. } => Kind::Lengthen,
            Self::StartAnew { .. } => Kind::StartAnew,
            Self::SignIdentity(_) => Kind::SignIdentity,
            Self::AgreeSecurity { .. } => Kind::AgreeSecurity,
            Self::Reoffer { .. } => Kind::Reoffer,
            Self::RevealIdentity { .. } => Kind::RevealIdentity,
            Self::AskForMore => Kind::AskForMore,
            Self::GlareBackoff { .. } => Kind::GlareBackoff,
            Self::RetryAfter { .. } => Kind::RetryAfter,
            Self::NextServer { .. } => Kind::NextServer,
            Self::EndUsage(_) => Kind::EndUsage,
            Self::StopEverywhere { .. } => Kind::StopEverywhere,
            Self::Report(_) => Kind::Report,
        }
    }

    /// What is different in the request that is sent next; `None` if none is, or if nothing but
    /// target, server, credentials or signature is.
    #[must_use]
    pub const fn change(&self) -> Option<&Change> {
        match self {
            Self::UseProxy { change, .. }
            | Self::ChangeBody { change, .. }
            | Self::Shrink { change, .. }
            | Self::ChangePriority { change }
            | Self::DropExtension { change, .. }
            | Self::AddExtension { change, .. }
            | Self::Lengthen { change, .. }
            | Self::StartAnew { change }
            | Self::AgreeSecurity { change, .. }
            | Self::Reoffer { change }
            | Self::RevealIdentity { change }
            | Self::RetryAfter { change, .. } => Some(change),
            _ => None,
        }
    }

    /// Whether a request of the action is sent next.
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        !matches!(
            self,
            Self::Progress(_)
                | Self::Ring(_)
                | Self::EndEarlyDialog { .. }
                | Self::Succeed(_)
                | Self::KeepState { .. }
                | Self::OfferAlternatives { .. }
                | Self::AskForMore
                | Self::EndUsage(_)
                | Self::StopEverywhere { .. }
                | Self::Report(_)
        )
    }

    /// Whether the transaction is still open.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        matches!(self, Self::Progress(_) | Self::Ring(_) | Self::EndEarlyDialog { .. })
    }
}
