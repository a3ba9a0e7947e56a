//! The branch parameter of Via (RFC 3261 §8.1.1.7).

use std::fmt;

use antiphon_sip::header::MAGIC_COOKIE;

/// A branch: the magic cookie `z9hG4bK` and what makes it unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Branch(Box<str>);

impl Branch {
    /// The letters that make it unique, and behind them, set off by a dot, what a suffix has of
    /// letters and digits, if there is one.
    pub(crate) fn new(unique: &str, suffix: &str) -> Self {
        let dot = if suffix.is_empty() { "" } else { "." };
        if suffix.bytes().all(|octet| octet.is_ascii_alphanumeric()) {
            return Self([MAGIC_COOKIE, unique, dot, suffix].concat().into());
        }
        let suffix: String = suffix.chars().filter(char::is_ascii_alphanumeric).collect();
        Self([MAGIC_COOKIE, unique, dot, &suffix].concat().into())
    }

    /// The text, magic cookie included.
    #[must_use]
    pub const fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Branch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_branch_keeps_its_cookie_and_stays_a_token_rfc3261_8_1_1_7() {
        let branch = Branch::new("abc", "4f;x \r\n9");
        assert_eq!(branch.as_str(), "z9hG4bKabc.4fx9");
        assert_eq!(Branch::new("abc", "").as_str(), "z9hG4bKabc");
    }
}
