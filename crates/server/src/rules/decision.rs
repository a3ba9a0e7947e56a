//! What comes out: a plain value that says what is to be done.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use antiphon_sip::{StatusCode, UriBuf};

use super::on::On;
use crate::media::MediaUse;
use crate::reading::value::written;

/// What the rules say about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What is to be done first.
    pub step: Arc<Step>,
}

/// Something to be done, and what follows which answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The rule that says so; `None` when none matched.
    pub rule: Option<Arc<str>>,
    /// What is to be done.
    pub outcome: Outcome,
    /// What follows.
    pub plan: Plan,
    /// Which calls have their media relayed; `None` leaves it to `[media]`.
    pub media: Option<MediaUse>,
}

/// What follows an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    /// The next targets of the same step, if some are left; the best answer otherwise.
    Next,
    /// The answer goes to the caller.
    Forward,
    /// All branches are given up and this is done instead.
    Do(Arc<Step>),
}

/// What follows the answers to a step. Answers that it does not name are dealt with as RFC 3261
/// §16.7 says. It is asked each time when all targets that were tried together have failed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    entries: Vec<(On, Then)>,
}

/// What is to be done with a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// Look up the bindings of this address-of-record and forward to them.
    Locate(UriBuf),
    /// Forward to these, in parallel where `q` is equal and the higher `q` first
    /// (RFC 3261 §16.6).
    Forward(Vec<Hop>),
    /// Forward to this one without state, where that can be (RFC 3261 §16.11).
    ForwardStateless(Hop),
    /// Answer with a redirection (RFC 3261 §8.3).
    Redirect(Redirect),
    /// Answer.
    Answer(Answer),
    /// Hand over to a voicemail system: see [`mailbox_uri`](super::mailbox_uri).
    Voicemail(UriBuf),
    /// Ask the sender to sign in, and decide anew when it did: the rule is not for strangers.
    SignIn,
}

/// A target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// Where.
    pub to: Destination,
    /// The preference in thousandths.
    pub q: u16,
}

/// Where a hop goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// To a URI, which may be in a domain of ours.
    Uri(UriBuf),
    /// Through a trunk.
    Trunk {
        /// Its name.
        trunk: Arc<str>,
        /// The user part of the Request-URI there, escaped.
        user: Box<str>,
    },
}

/// A redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirect {
    /// 300, 301, 302, 305 or 380.
    pub status: StatusCode,
    /// Where to.
    pub contacts: Contacts,
    /// Content-Type and body.
    pub body: Option<(Box<str>, Box<str>)>,
}

/// The contacts of a redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contacts {
    /// The bindings of this address-of-record.
    Located(UriBuf),
    /// These.
    These(Vec<Contact>),
}

/// A contact of a redirection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The URI.
    pub uri: UriBuf,
    /// The preference in thousandths.
    pub q: u16,
    /// For how many seconds it holds.
    pub expires: Option<u32>,
}

/// An answer of the server itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// A final status code.
    pub status: StatusCode,
    /// A reason phrase other than that of the code.
    pub reason: Option<Box<str>>,
    /// Header fields to add: name and value, neither with a line end.
    pub headers: Vec<(Box<str>, Box<str>)>,
}

impl Plan {
    pub(crate) const fn new(entries: Vec<(On, Then)>) -> Self {
        Self { entries }
    }

    /// What follows this answer, the best of the targets that were tried together; a code goes
    /// before its class.
    #[must_use]
    pub fn answer(&self, status: StatusCode) -> Option<&Then> {
        let class = u8::try_from(status.as_u16() / 100).ok()?;
        self.find(|on| on == On::Status(status)).or_else(|| self.find(|on| on == On::Class(class)))
    }

    /// After how long without a final answer to INVITE something else is done, and what.
    #[must_use]
    pub fn no_answer(&self) -> Option<(Duration, &Then)> {
        self.entries.iter().find_map(|(on, then)| match on {
            On::NoAnswer(wait) => Some((Duration::from_secs(u64::from(*wait)), then)),
            On::Status(_) | On::Class(_) => None,
        })
    }

    /// All of it, as it was written.
    pub fn iter(&self) -> impl Iterator<Item = &(On, Then)> {
        self.entries.iter()
    }

    fn find(&self, is_it: impl Fn(On) -> bool) -> Option<&Then> {
        self.entries.iter().find(|(on, _)| is_it(*on)).map(|(_, then)| then)
    }
}

impl Answer {
    pub(crate) const fn new(status: StatusCode) -> Self {
        Self { status, reason: None, headers: Vec::new() }
    }
}

impl Outcome {
    /// Whether the request goes to somebody else by it.
    pub(crate) const fn sends_on(&self) -> bool {
        match self {
            Self::Locate(_) | Self::Forward(_) | Self::ForwardStateless(_) | Self::Voicemail(_) => {
                true
            }
            Self::Redirect(_) | Self::Answer(_) | Self::SignIn => false,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locate(uri) => write!(f, "go where {uri} is registered"),
            Self::Forward(hops) => join(f, "go to ", hops),
            Self::ForwardStateless(hop) => write!(f, "go to {hop}, without state"),
            Self::Redirect(redirect) => redirect.fmt(f),
            Self::Answer(answer) => answer.fmt(f),
            Self::Voicemail(uri) => write!(f, "hand over to voicemail at {uri}"),
            Self::SignIn => f.write_str("ask the sender to sign in"),
        }
    }
}

impl fmt::Display for Hop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.to {
            Destination::Uri(uri) => uri.fmt(f)?,
            Destination::Trunk { trunk, user } => write!(f, "{user} through trunk '{trunk}'")?,
        }
        preference(f, self.q)
    }
}

impl fmt::Display for Redirect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "redirect with {} {}", self.status.as_u16(), self.status.reason())?;
        match &self.contacts {
            Contacts::Located(uri) => write!(f, " to where {uri} is registered"),
            Contacts::These(contacts) if contacts.is_empty() => Ok(()),
            Contacts::These(contacts) => join(f, " to ", contacts),
        }
    }
}

impl fmt::Display for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)?;
        preference(f, self.q)?;
        self.expires.map_or(Ok(()), |expires| write!(f, " for {}", written(expires)))
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reason = self.reason.as_deref().unwrap_or_else(|| self.status.reason());
        write!(f, "answer {} {reason}", self.status.as_u16())?;
        self.headers.iter().try_for_each(|(name, value)| write!(f, ", {name}: {value}"))
    }
}

impl fmt::Display for Then {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Next => f.write_str("the next target"),
            Self::Forward => f.write_str("the answer goes to the caller"),
            Self::Do(step) => step.outcome.fmt(f),
        }
    }
}

fn join<T: fmt::Display>(f: &mut fmt::Formatter<'_>, before: &str, list: &[T]) -> fmt::Result {
    f.write_str(before)?;
    list.iter().enumerate().try_for_each(|(at, element)| {
        if at > 0 {
            f.write_str(", ")?;
        }
        element.fmt(f)
    })
}

/// 1.0 is what is meant when nothing is said.
fn preference(f: &mut fmt::Formatter<'_>, thousandths: u16) -> fmt::Result {
    if thousandths == 1000 {
        return Ok(());
    }
    let decimals = format!("{thousandths:03}");
    let decimals = decimals.trim_end_matches('0');
    write!(f, " (q 0.{})", if decimals.is_empty() { "0" } else { decimals })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_goes_before_its_class() {
        let plan = Plan::new(vec![
            (On::Class(4), Then::Forward),
            (On::Status(StatusCode::BUSY_HERE), Then::Next),
        ]);
        assert_eq!(plan.answer(StatusCode::BUSY_HERE), Some(&Then::Next));
        assert_eq!(plan.answer(StatusCode::NOT_FOUND), Some(&Then::Forward));
        assert_eq!(plan.answer(StatusCode::DECLINE), None);
        assert_eq!(plan.no_answer(), None);
    }
}
