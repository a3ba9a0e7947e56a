//! Why a request goes where it goes.

use std::fmt;
use std::sync::Arc;

use super::decision::{Decision, Step, Then};
use crate::reading::fault::Place;

/// Every rule that was looked at, and what came out. Shown, it is a few lines for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// The domain of ours that the sender has to sign in to before the rules are looked at, because
    /// From claims it.
    pub claims: Option<Box<str>>,
    /// The rules up to the one that matched, in order.
    pub looks: Vec<Look>,
    /// What comes out.
    pub decision: Decision,
}

/// A rule that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// Its name.
    pub rule: Arc<str>,
    /// Where it is written.
    pub origin: Origin,
    /// What was found.
    pub verdict: Verdict,
}

/// Where a rule is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// At this place of the configuration.
    At(Place),
    /// Among the default rules.
    BuiltIn,
}

/// Whether a rule matched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It did.
    Matched,
    /// It did not.
    Failed {
        /// The key of the first condition that did not hold.
        condition: &'static str,
        /// What it wants.
        wanted: String,
        /// What the request has.
        found: String,
    },
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(domain) = &self.claims {
            writeln!(f, "From claims the domain {domain}, so the sender has to sign in first")?;
            return writeln!(f, "then: {}", self.decision.step.outcome);
        }
        for look in &self.looks {
            writeln!(f, "{look}")?;
        }
        if self.decision.step.rule.is_none() {
            writeln!(f, "no rule matched")?;
        }
        writeln!(f, "then: {}", self.decision.step.outcome)?;
        plan(f, &self.decision.step, 1)
    }
}

/// What is shown of steps that lead to steps; the configuration has all of it.
const SHOWN_DEPTH: usize = 4;

fn plan(f: &mut fmt::Formatter<'_>, step: &Step, depth: usize) -> fmt::Result {
    for (on, then) in step.plan.iter() {
        writeln!(f, "{:indent$}on {on}: {then}", "", indent = 2 * depth)?;
        if let Then::Do(next) = then
            && depth < SHOWN_DEPTH
        {
            plan(f, next, depth + 1)?;
        }
    }
    Ok(())
}

impl fmt::Display for Look {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "rule '{}' ({}): ", self.rule, self.origin)?;
        match &self.verdict {
            Verdict::Matched => f.write_str("matches"),
            Verdict::Failed { condition, wanted, found } if found.is_empty() => {
                write!(f, "no, '{condition}' wants {wanted}, found nothing")
            }
            Verdict::Failed { condition, wanted, found } => {
                write!(f, "no, '{condition}' wants {wanted}, found {found}")
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::At(place) => write!(f, "line {}", place.line),
            Self::BuiltIn => f.write_str("built in"),
        }
    }
}
