//! The branch parameter of Via (RFC 3261 §8.1.1.7).

use std::fmt;

use antiphon_sip::header::MAGIC_COOKIE;

/// A branch: the magic cookie `z9hG4bK` and what makes it unique.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Branch(Box<str>);

impl Branch {
    pub(crate) fn new(unique: &str) -> Self {
        Self([MAGIC_COOKIE, unique].concat().into())
    }

    /// This branch with something behind it, such as the hash by which a proxy tells a loop from
    /// a spiral (§16.6 step 8). What is not a letter or a digit is left out.
    #[must_use]
    pub fn with_suffix(&self, suffix: &str) -> Self {
        if suffix.bytes().all(|octet| octet.is_ascii_alphanumeric()) {
            return Self([&self.0, ".", suffix].concat().into());
        }
        let mut text = String::with_capacity(self.0.len() + 1 + suffix.len());
        text.push_str(&self.0);
        text.push('.');
        text.extend(suffix.chars().filter(char::is_ascii_alphanumeric));
        Self(text.into())
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
        let branch = Branch::new("abc").with_suffix("4f;x \r\n9");
        assert_eq!(branch.as_str(), "z9hG4bKabc.4fx9");
    }
}
