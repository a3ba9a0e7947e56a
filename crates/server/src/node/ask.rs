//! What the server asks of the stores and of the media relay, and what they answer.

use antiphon_core::auth::Ha1Set;
use antiphon_core::registrar::{Aor, Binding, BindingSet};

use crate::media::ng::{Command, Reply};

/// Names a question; comes back with its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(pub u64);

/// What the server does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Question {
    /// The bindings of an address-of-record.
    Bindings {
        /// Comes back.
        ticket: Ticket,
        /// Whose.
        aor: Aor,
    },
    /// Store these bindings in place of the present ones, durably, if nobody else has changed
    /// them since.
    Commit {
        /// Comes back.
        ticket: Ticket,
        /// Whose.
        aor: Aor,
        /// The version that the change was made from.
        expected_version: u64,
        /// The bindings that there will be.
        bindings: Vec<Binding>,
    },
    /// What is known of a subscriber.
    Subscriber {
        /// Comes back.
        ticket: Ticket,
        /// The user.
        user: String,
        /// The domain.
        domain: String,
    },
    /// Tell the media relay, each command beside the others.
    Media {
        /// Comes back.
        ticket: Ticket,
        /// What it is to do.
        commands: Vec<Command>,
    },
}

/// What the stores and the media relay say.
#[derive(Debug)]
pub enum Answer {
    /// To [`Question::Bindings`].
    Bindings {
        /// The question.
        ticket: Ticket,
        /// The bindings; `None` when they could not be read.
        set: Option<BindingSet>,
    },
    /// To [`Question::Commit`].
    Committed {
        /// The question.
        ticket: Ticket,
        /// Whether it is stored.
        result: Result<(), CommitFault>,
    },
    /// To [`Question::Subscriber`].
    Subscriber {
        /// The question.
        ticket: Ticket,
        /// The secrets of the user; `None` when there is none of that name.
        ha1: Option<Ha1Set>,
    },
    /// To [`Question::Media`].
    Media {
        /// The question.
        ticket: Ticket,
        /// The reply to each command; `None` where there is none.
        replies: Vec<Option<Reply>>,
    },
}

/// Why a change was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CommitFault {
    /// Somebody else changed the bindings first.
    Conflict,
    /// More changes wait than can be taken.
    Overloaded,
    /// The disk is full or failed; the words are for the log.
    Failed(String),
}

impl std::fmt::Display for CommitFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Conflict => f.write_str("changed by another request at the same time"),
            Self::Overloaded => f.write_str("too many changes wait to be written"),
            Self::Failed(reason) => f.write_str(reason),
        }
    }
}

impl Answer {
    /// The question that this answers.
    #[must_use]
    pub const fn ticket(&self) -> Ticket {
        match self {
            Self::Bindings { ticket, .. }
            | Self::Committed { ticket, .. }
            | Self::Subscriber { ticket, .. }
            | Self::Media { ticket, .. } => *ticket,
        }
    }
}
