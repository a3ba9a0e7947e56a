//! What the patterns of a rule captured, in the form in which it may stand in a URI.

use std::borrow::Cow;
use std::fmt;

use antiphon_sip::uri::escape_user;

use super::facts::Facts;

/// What a template can name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Word {
    /// A group by its number, over all patterns of the rule.
    Group(usize),
    /// A group by its name.
    Named(Box<str>),
    /// The Request-URI.
    Uri,
    /// Its user or number.
    User,
    /// Its host.
    Host,
    /// The user of From.
    Caller,
}

impl Word {
    /// The names that are there without a pattern.
    pub(crate) const BUILT_IN: [&'static str; 4] = ["uri", "user", "host", "caller"];

    pub(crate) fn new(word: &str) -> Self {
        match word {
            "uri" => Self::Uri,
            "user" => Self::User,
            "host" => Self::Host,
            "caller" => Self::Caller,
            word => word.parse().map_or_else(|_| Self::Named(word.into()), Self::Group),
        }
    }
}

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Group(number) => number.fmt(f),
            Self::Named(name) => f.write_str(name),
            Self::Uri => f.write_str("uri"),
            Self::User => f.write_str("user"),
            Self::Host => f.write_str("host"),
            Self::Caller => f.write_str("caller"),
        }
    }
}

/// The captures of a rule for one request.
#[derive(Debug)]
pub(crate) struct Captures<'f> {
    facts: &'f Facts<'f>,
    groups: Vec<Group<'f>>,
}

#[derive(Debug)]
struct Group<'f> {
    name: Option<&'f str>,
    text: Box<str>,
}

impl<'f> Captures<'f> {
    pub(crate) const fn new(facts: &'f Facts<'f>) -> Self {
        Self { facts, groups: Vec::new() }
    }

    /// Adds a group. What was captured out of a URI is escaped already; all else is escaped here,
    /// so that nobody writes a host or a parameter into a user part.
    pub(crate) fn push(&mut self, name: Option<&'f str>, text: &str, is_escaped: bool) {
        let text = if is_escaped { text.into() } else { escape_user(text).into() };
        self.groups.push(Group { name, text });
    }

    /// A group that took no part in the match is empty.
    pub(crate) fn get(&self, word: &Word) -> Option<Cow<'_, str>> {
        match word {
            Word::Group(number) => {
                let group = self.groups.get(number.checked_sub(1)?)?;
                Some(Cow::Borrowed(&*group.text))
            }
            Word::Named(name) => {
                let group = self.groups.iter().find(|group| group.name == Some(&**name))?;
                Some(Cow::Borrowed(&*group.text))
            }
            Word::Uri => Some(Cow::Borrowed(self.facts.request.uri_text())),
            Word::User => Some(escaped(&self.facts.callee())),
            Word::Host => Some(Cow::Owned(self.facts.callee_host())),
            Word::Caller => Some(escaped(&self.facts.caller())),
        }
    }
}

fn escaped(text: &str) -> Cow<'static, str> {
    Cow::Owned(escape_user(text).into_owned())
}
