//! A row of the table: all that is known of one response code.

use std::fmt;

use antiphon_sip::StatusCode;
use antiphon_sip::name::Class;

use super::Kind;
use super::treatment::Treatment;

/// What a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Key {
    /// A registered code.
    Code(StatusCode),
    /// Every code of a class that has no row of its own (RFC 3261 §8.1.3.2).
    Unknown(Class),
    /// The request could not be delivered (RFC 3261 §8.1.3.1, §17.1.4).
    TransportError,
    /// No response at all (RFC 3261 §17.1: Timer B or F).
    Timeout,
}

/// Who sends a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// Every element.
    Any,
    /// A user agent server.
    Uas,
    /// A registrar.
    Registrar,
    /// A proxy.
    Proxy,
    /// A redirect server.
    Redirect,
    /// A notifier (RFC 6665).
    Notifier,
    /// A server of published state (RFC 3903).
    Presence,
    /// An element that signs or verifies identity (RFC 8224).
    AuthService,
    /// Nobody: it is found out here.
    Local,
}

/// What is left of the dialog when the code answers a request within it and nothing is sent again
/// (RFC 5057 §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DialogEffect {
    /// Everything goes on.
    None,
    /// Only the request failed.
    Transaction,
    /// The usage that the request belongs to is over.
    Usage,
    /// The dialog is over, with all its usages.
    Dialog,
}

/// How often an automatic reaction may be repeated in one action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// The number that decides; what it counts (per action, realm, dialog, tag or server) is said
    /// in the text and counted by the reaction.
    pub times: Times,
    /// The bound in words.
    pub text: &'static str,
}

/// The number in a [`Bound`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Times {
    /// Nothing is sent by itself.
    Never,
    /// At most so often.
    Upto(u8),
    /// As often as it comes; it cannot make a loop.
    Any,
}

/// All that is known of one response code, or of there being none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// What the row is about.
    pub key: Key,
    /// Who sends it.
    pub sent_by: &'static [Element],
    /// On which condition it is sent.
    pub sent_when: &'static str,
    /// What it carries.
    pub must_carry: &'static str,
    /// What a client does.
    pub reaction: Kind,
    /// What a client does, in detail.
    pub detail: &'static str,
    /// How often.
    pub bound: Bound,
    /// The requests it is about.
    pub applies_to: &'static str,
    /// What a proxy does.
    pub proxy: Treatment,
    /// What is left of the dialog.
    pub dialog: DialogEffect,
    /// What it means, in one sentence for a person.
    pub person: &'static str,
    /// What the person can do next.
    pub next_step: &'static str,
    /// RFCs and sections, as in `3261 8.2.6.1, 21.1.1; 4320 4.1`.
    pub refs: &'static str,
}

impl Bound {
    pub(super) const fn new(times: Times, text: &'static str) -> Self {
        Self { times, text }
    }

    /// Whether one more is within the bound after `used`.
    #[must_use]
    pub const fn allows(&self, used: u8) -> bool {
        match self.times {
            Times::Never => false,
            Times::Upto(times) => used < times,
            Times::Any => true,
        }
    }
}

impl Key {
    /// The registered code, if the row has one.
    #[must_use]
    pub const fn code(self) -> Option<StatusCode> {
        match self {
            Self::Code(code) => Some(code),
            Self::Unknown(_) | Self::TransportError | Self::Timeout => None,
        }
    }

    /// The class of the codes; a missing response counts as a final one of the class of 503 and
    /// 408 (RFC 3261 §8.1.3.1).
    #[must_use]
    pub const fn class(self) -> Class {
        match self {
            Self::Code(code) => code.class(),
            Self::Unknown(class) => class,
            Self::TransportError => Class::ServerError,
            Self::Timeout => Class::ClientError,
        }
    }
}

impl Row {
    /// Whether the code leaves the request open.
    #[must_use]
    pub const fn is_provisional(&self) -> bool {
        matches!(self.key.class(), Class::Provisional)
    }

    /// The registered phrase; `None` for a row that has no code.
    #[must_use]
    pub const fn phrase(&self) -> Option<&'static str> {
        match self.key.code() {
            Some(code) => Some(code.reason()),
            None => None,
        }
    }

    /// The references, one RFC each: `RFC 3261 8.2.6.1, 21.1.1`.
    pub fn rfcs(&self) -> impl Iterator<Item = String> {
        self.refs.split("; ").map(|reference| format!("RFC {reference}"))
    }
}

impl fmt::Display for Key {
    /// As the first column of the table: `404`, `4xx-unknown`, `timeout`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digit = match self {
            Self::Code(code) => return code.fmt(f),
            Self::TransportError => return f.write_str("transport-error"),
            Self::Timeout => return f.write_str("timeout"),
            Self::Unknown(Class::Provisional) => 1,
            Self::Unknown(Class::Success) => 2,
            Self::Unknown(Class::Redirection) => 3,
            Self::Unknown(Class::ClientError) => 4,
            Self::Unknown(Class::ServerError) => 5,
            Self::Unknown(Class::GlobalFailure) => 6,
        };
        write!(f, "{digit}xx-unknown")
    }
}

impl fmt::Display for Element {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Any => "any",
            Self::Uas => "uas",
            Self::Registrar => "registrar",
            Self::Proxy => "proxy",
            Self::Redirect => "redirect",
            Self::Notifier => "notifier",
            Self::Presence => "presence",
            Self::AuthService => "auth-service",
            Self::Local => "local",
        })
    }
}

impl fmt::Display for DialogEffect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "none",
            Self::Transaction => "transaction",
            Self::Usage => "usage",
            Self::Dialog => "dialog",
        })
    }
}
