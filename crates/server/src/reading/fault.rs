//! What can be wrong with a configuration, where, and what was probably meant.

use std::fmt;

use antiphon_sip::parse::scan::SyntaxError;

use super::no_secret::SecretError;

/// A place in the text of a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The line, counted from 1.
    pub line: usize,
    /// The character in the line, counted from 1.
    pub column: usize,
}

/// A fault or a warning. Shown, it is one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Where.
    pub place: Place,
    /// What.
    pub problem: Problem,
    /// What was probably meant, or would be right.
    pub suggestion: Option<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, problem, suggestion } = self;
        write!(f, "line {}, column {}: {problem}", place.line, place.column)?;
        match suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The text is no TOML.
    Syntax(Box<str>),
    /// No such key exists here.
    UnknownKey {
        /// The key.
        key: Box<str>,
        /// The table it stands in; empty for the top of the file.
        table: &'static str,
    },
    /// A key that must be there is not.
    MissingKey {
        /// The key.
        key: &'static str,
        /// The table it belongs in.
        table: &'static str,
    },
    /// A value of another kind.
    WrongKind {
        /// What it must be.
        wanted: Box<str>,
        /// What it is.
        found: &'static str,
    },
    /// A text that is not what it must be.
    NotA {
        /// What it must be.
        wanted: Box<str>,
        /// What it is.
        found: Box<str>,
    },
    /// A text that leaves the grammar of SIP.
    Grammar {
        /// What it must be.
        wanted: &'static str,
        /// The text.
        found: Box<str>,
        /// Where it leaves the grammar.
        error: SyntaxError,
    },
    /// A list without an element.
    EmptyList,
    /// A pattern that is no regular expression, or too large a one.
    Pattern(Box<str>),
    /// Bits of a network's address behind its prefix are set.
    HostBits,
    /// Two things have one name.
    NameTaken {
        /// What kind of thing.
        what: &'static str,
        /// The name.
        name: Box<str>,
        /// Where the first one is.
        first: Place,
    },
    /// A name that nothing has.
    Unknown {
        /// What kind of thing.
        what: &'static str,
        /// The name.
        name: Box<str>,
    },
    /// A list names something twice.
    Twice(Box<str>),
    /// A number that must not be above another.
    Above {
        /// The key whose value is too large.
        key: &'static str,
        /// The key whose value it exceeds.
        limit: &'static str,
    },
    /// A key that needs another one.
    Needs {
        /// The key.
        key: &'static str,
        /// What it needs.
        other: &'static str,
    },
    /// An action without its key.
    NoAction,
    /// An action with two of the keys that say what to do.
    TwoActions {
        /// The first.
        first: &'static str,
        /// The second.
        second: &'static str,
    },
    /// A key that does not belong to the action.
    NotOfAction {
        /// The key.
        key: &'static str,
        /// The action.
        action: &'static str,
    },
    /// A key that needs state, in a rule whose action is `stateless`.
    NeedsState {
        /// The key.
        key: &'static str,
    },
    /// `stateless` where there has to be state (RFC 3261 §16.11).
    NotStateless(NotStateless),
    /// What follows answers, of an action that asks nobody.
    NoAnswers {
        /// The action.
        action: &'static str,
    },
    /// A time without an answer, in a rule that no INVITE meets.
    OnlyInvite,
    /// A rule that locates, and is for those who are not ours.
    LocatesStrangers,
    /// A URI that is located, in no domain of ours.
    LocatesNobody(Box<str>),
    /// A transport that the server does not listen by, and so cannot send by.
    NoListener(&'static str),
    /// A capture that no pattern of the rule makes.
    UnknownCapture(Box<str>),
    /// Two patterns of a rule give one name to their captures, or one that has a meaning already.
    CaptureTaken(Box<str>),
    /// What a text with captures makes is no URI.
    NotAUri(Box<str>),
    /// A 2xx has no session behind it when the server itself gives it.
    AnswerWithoutSession,
    /// Rules hand over to each other in a circle.
    Circle(Box<[Box<str>]>),
    /// A rule from which more rules follow each other than may.
    LongRow {
        /// The first.
        rule: Box<str>,
        /// How many may.
        limit: usize,
    },
    /// A rule whose conditions exclude each other.
    NeverHolds {
        /// The rule.
        rule: Box<str>,
        /// Why.
        why: Contradiction,
    },
    /// A rule that an earlier one leaves nothing for.
    Shadowed {
        /// The rule.
        rule: Box<str>,
        /// The earlier one.
        by: Box<str>,
        /// Where that is.
        place: Place,
    },
    /// A secret that is not where it is said to be.
    NoSecret(SecretError),
    /// Something that this version of the server does not do.
    NotCarriedOut(Box<str>),
}

impl Problem {
    /// Whether one value shows it, whatever else is in the text.
    pub(crate) const fn is_of_one_value(&self) -> bool {
        matches!(
            self,
            Self::UnknownKey { .. }
                | Self::WrongKind { .. }
                | Self::NotA { .. }
                | Self::Grammar { .. }
                | Self::Pattern(_)
                | Self::HostBits
        )
    }
}

/// Why there has to be state.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotStateless {
    /// The challenges of this trunk are to be answered.
    Credentials(Box<str>),
    /// Users of ours are looked up.
    OwnUsers,
    /// This condition holds at one time and not at another.
    Changes(&'static str),
    /// Credentials are good once.
    SignedIn,
    /// All calls go by way of the media relay.
    Relayed,
}

impl fmt::Display for NotStateless {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Credentials(trunk) => {
                write!(f, "who answers the challenges of trunk '{trunk}' has to keep the request")
            }
            Self::OwnUsers => f.write_str("users of ours have to be looked up"),
            Self::Changes(key) => write!(
                f,
                "a request that comes again has to go the same way, and '{key}' may say otherwise \
                 by then"
            ),
            Self::SignedIn => {
                f.write_str("'authenticated' needs credentials, which are good for one request")
            }
            Self::Relayed => f.write_str("'relay' of [media] has every call relayed"),
        }
    }
}

/// Why no request can meet all conditions of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Contradiction {
    /// A trunk must be up and down.
    UpAndDown(Box<str>),
    /// The role of a domain is asked for, and that the domain is not ours.
    RoleOfStrangers,
    /// The callee must be ours, and in a domain that is not.
    LocalElsewhere(Box<str>),
    /// No domain has the role.
    NoSuchRole(&'static str),
    /// The source must be trusted, and none of the networks has a trusted address.
    NeverTrusted,
    /// The source must not be trusted, and all of the networks are.
    AlwaysTrusted,
    /// The rules are not asked about any of the methods.
    NoSuchMethod,
    /// Registrations in a domain of ours are the registrar's.
    Registrar,
    /// Who is trusted is not asked to sign in.
    TrustedSignIn,
    /// The server does not listen by any of the transports.
    NoListener,
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UpAndDown(trunk) => write!(f, "trunk '{trunk}' cannot be up and down at once"),
            Self::RoleOfStrangers => f.write_str("only a domain of ours has a role"),
            Self::LocalElsewhere(domain) => write!(f, "'{domain}' is no domain of ours"),
            Self::NoSuchRole(role) => write!(f, "no domain has the role '{role}'"),
            Self::NeverTrusted => f.write_str("no address of 'source' is trusted"),
            Self::AlwaysTrusted => f.write_str("every address of 'source' is trusted"),
            Self::NoSuchMethod => f.write_str("ACK and CANCEL go the way of their INVITE"),
            Self::Registrar => f.write_str("REGISTER in a domain of ours is for the registrar"),
            Self::TrustedSignIn => f.write_str("who is trusted is not asked to sign in"),
            Self::NoListener => f.write_str("no listener has a transport of 'transport'"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax(message) => write!(f, "this is no TOML: {message}"),
            Self::UnknownKey { key, table } => write!(f, "unknown key '{key}'{}", In(table)),
            Self::MissingKey { key, table } => write!(f, "the key '{key}' is missing{}", In(table)),
            Self::WrongKind { wanted, found } => write!(f, "this must be {wanted}, not {found}"),
            Self::NotA { wanted, found } => write!(f, "'{found}' is not {wanted}"),
            Self::Grammar { wanted, found, error } => {
                write!(f, "'{found}' is not {wanted}: {error}")
            }
            Self::EmptyList => f.write_str("the list is empty"),
            Self::Pattern(message) => write!(f, "this is no usable pattern: {message}"),
            Self::HostBits => f.write_str("the address has bits behind the prefix"),
            Self::NameTaken { what, name, first } => {
                write!(f, "there is another {what} '{name}' in line {}", first.line)
            }
            Self::Unknown { what, name } => write!(f, "there is no {what} '{name}'"),
            Self::Twice(name) => write!(f, "'{name}' stands here twice"),
            Self::Above { key, limit } => write!(f, "'{key}' must not be above '{limit}'"),
            Self::Needs { key, other } => write!(f, "'{key}' needs {other}"),
            Self::NoAction => f.write_str("nothing here says what to do"),
            Self::TwoActions { first, second } => {
                write!(f, "'{first}' and '{second}' are two actions; a rule has one")
            }
            Self::NotOfAction { key, action } => {
                write!(f, "'{key}' does not belong to the action '{action}'")
            }
            Self::NeedsState { key } => {
                write!(f, "'{key}' needs state, and 'stateless' says that nothing is kept")
            }
            Self::NotStateless(why) => write!(f, "'stateless' does not go here: {why}"),
            Self::NoAnswers { action } => {
                write!(f, "'on' is for answers, and '{action}' sends nothing on that has any")
            }
            Self::OnlyInvite => {
                f.write_str("only INVITE is waited for, and no INVITE meets this rule")
            }
            Self::LocatesStrangers => {
                f.write_str("'locate' finds nobody here: the rule is for those who are not ours")
            }
            Self::LocatesNobody(host) => {
                write!(f, "'locate' finds nobody at '{host}', which is no domain of ours")
            }
            Self::NoListener(transport) => {
                write!(f, "nothing can be sent by '{transport}': no listener has it")
            }
            Self::UnknownCapture(name) => write!(f, "no pattern of this rule captures '${name}'"),
            Self::CaptureTaken(name) => write!(f, "the capture '${name}' has that name already"),
            Self::NotAUri(text) => write!(f, "'{text}' does not make a URI"),
            Self::AnswerWithoutSession => {
                f.write_str("a 2xx to INVITE promises a session that this server has not")
            }
            Self::Circle(names) => {
                write!(f, "rules hand over to each other for ever: {}", names.join(" -> "))
            }
            Self::LongRow { rule, limit } => {
                write!(f, "from rule '{rule}' on, more than {limit} rules hand over in a row")
            }
            Self::NeverHolds { rule, why } => write!(f, "rule '{rule}' can never match: {why}"),
            Self::Shadowed { rule, by, place } => {
                write!(
                    f,
                    "rule '{rule}' can never match: '{by}' in line {} comes before it and takes \
                     all that it would",
                    place.line
                )
            }
            Self::NoSecret(error) => error.fmt(f),
            Self::NotCarriedOut(key) => {
                write!(f, "'antiphon serve' of this version does not carry out '{key}'")
            }
        }
    }
}

/// ` in [table]`, or nothing for the top of the file.
struct In<'a>(&'a str);

impl fmt::Display for In<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() { Ok(()) } else { write!(f, " in [{}]", self.0) }
    }
}
