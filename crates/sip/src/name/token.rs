//! The text of a name that no table has.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The text of an unregistered name whose case matters. Its grammar has been checked, and a clone
/// shares the text.
///
/// Only the parser of a name makes one, after its table was searched: a registered name never
/// hides in an `Other`, so comparing two names is comparing two values.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Token(Arc<str>);

/// As [`Token`], for names that are equal whatever the case of their letters (RFC 3261 §7.3.1:
/// tokens are case-insensitive unless said otherwise). The spelling is kept for writing.
#[derive(Debug, Clone)]
pub struct CaselessToken(Arc<str>);

impl Token {
    pub(super) fn new(checked: &str) -> Self {
        Self(checked.into())
    }

    /// The text as it was received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl CaselessToken {
    pub(super) fn new(checked: &str) -> Self {
        Self(checked.into())
    }

    /// The text as it was received.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl PartialEq for CaselessToken {
    fn eq(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }
}

impl Eq for CaselessToken {}

impl Hash for CaselessToken {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for octet in self.0.bytes() {
            state.write_u8(octet.to_ascii_lowercase());
        }
        // No octet of UTF-8, as `str` ends its own hash.
        state.write_u8(0xff);
    }
}

impl fmt::Display for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for CaselessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
