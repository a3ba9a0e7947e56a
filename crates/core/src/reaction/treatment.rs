//! What a proxy does with a response: the steps of a row, and the ranks under which responses are
//! held (RFC 3261 §16.7). Which of them is sent on stands in `preference.rs`.

use std::fmt;

use antiphon_sip::StatusCode;

/// What a proxy does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Treatment {
    /// The steps.
    pub steps: &'static [Step],
    /// What else a reader should know; empty if nothing.
    pub remark: &'static str,
}

/// One step of a [`Treatment`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Sent on at once (§16.7 step 5).
    ForwardNow,
    /// Not sent on: it is between neighbours.
    NeverForward,
    /// Kept until all branches are done.
    Hold(Rank),
    /// All challenges of all 401 and 407 go into the one that is sent (§16.7 step 7, RFC 8760
    /// §2.5).
    MergeChallenges,
    /// The Contacts of a 3xx become targets, for own domains only (§16.5).
    RecurseIfConfigured,
    /// CANCEL to the pending INVITE branches.
    CancelOthers,
    /// No further branch is begun.
    NoNewBranches,
    /// The next server of the branch's target (RFC 3263 §4.3).
    NextServer,
    /// Another binding of the same instance (RFC 5626 §7).
    NextFlow,
    /// The target again as a sip: URI.
    RetargetSip,
    /// A serial fork with a repaired Identity (RFC 8224 §6.1.1).
    SignAndFork,
    /// The response sent upstream is made here, with this code.
    Replace(StatusCode),
    /// Timer C starts again (§16.7 step 2).
    ResetTimerC,
}

/// The order in which held responses are preferred, best first. It keeps what §16.7 step 6
/// demands (6xx, then the lowest class) and puts answers that help the caller first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rank {
    /// 6xx: the first received.
    Global,
    /// 3xx.
    Redirect,
    /// 401 and 407: merged.
    Challenge,
    /// The caller can mend its request and try again.
    Repair,
    /// About the called person.
    Person,
    /// Refused.
    Refuse,
    /// About the way there.
    Path,
    /// 5xx but 503.
    Server,
    /// 503.
    Unavailable,
}

impl Rank {
    /// Every rank, best first.
    pub const ALL: [Self; 9] = [
        Self::Global,
        Self::Redirect,
        Self::Challenge,
        Self::Repair,
        Self::Person,
        Self::Refuse,
        Self::Path,
        Self::Server,
        Self::Unavailable,
    ];

    /// The codes of the rank in the order in which they are preferred; others of the rank come
    /// behind them, in the order of their arrival.
    #[must_use]
    pub const fn codes(self) -> &'static [u16] {
        match self {
            // Among 6xx the first received counts, whichever it is (§16.7 step 5).
            Self::Global => &[],
            Self::Redirect => &[302, 301, 300, 305, 380],
            Self::Challenge => &[407, 401],
            Self::Repair => &[
                484, 415, 420, 416, 421, 422, 423, 413, 488, 493, 494, 417, 412, 428, 433, 436,
                437, 438, 424, 425, 429, 439, 469, 470, 485, 489,
            ],
            Self::Person => &[486, 480, 410, 404],
            Self::Refuse => &[403, 405, 406, 414, 402, 400, 491],
            Self::Path => &[408, 440, 430, 483, 481, 487, 482],
            Self::Server => &[500, 501, 502, 504, 505, 513, 555, 580],
            Self::Unavailable => &[503],
        }
    }
}

impl Treatment {
    pub(super) const fn new(steps: &'static [Step], remark: &'static str) -> Self {
        Self { steps, remark }
    }

    /// Whether the step is among the steps.
    #[must_use]
    pub fn has(&self, step: Step) -> bool {
        self.steps.contains(&step)
    }

    /// The rank under which a response is held; `None` if it is not held.
    #[must_use]
    pub fn rank(&self) -> Option<Rank> {
        self.steps.iter().find_map(|step| match step {
            Step::Hold(rank) => Some(*rank),
            _ => None,
        })
    }

    /// The code of the response that is made here in place of this one.
    #[must_use]
    pub fn replacement(&self) -> Option<StatusCode> {
        self.steps.iter().find_map(|step| match step {
            Step::Replace(status) => Some(*status),
            _ => None,
        })
    }
}

impl fmt::Display for Treatment {
    /// As the column of the table: the steps, then a bar and the remark.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, step) in self.steps.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            step.fmt(f)?;
        }
        if self.remark.is_empty() { Ok(()) } else { write!(f, " | {}", self.remark) }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hold(rank) => return write!(f, "hold:{rank}"),
            Self::Replace(status) => return write!(f, "replace({status})"),
            Self::ForwardNow => "forward-now",
            Self::NeverForward => "never-forward",
            Self::MergeChallenges => "merge-challenges",
            Self::RecurseIfConfigured => "recurse-if-configured",
            Self::CancelOthers => "cancel-others",
            Self::NoNewBranches => "no-new-branches",
            Self::NextServer => "next-server",
            Self::NextFlow => "next-flow",
            Self::RetargetSip => "retarget-sip",
            Self::SignAndFork => "sign-and-fork",
            Self::ResetTimerC => "reset-timer-C",
        })
    }
}

impl fmt::Display for Rank {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Global => "global",
            Self::Redirect => "redirect",
            Self::Challenge => "challenge",
            Self::Repair => "repair",
            Self::Person => "person",
            Self::Refuse => "refuse",
            Self::Path => "path",
            Self::Server => "server",
            Self::Unavailable => "unavailable",
        })
    }
}
