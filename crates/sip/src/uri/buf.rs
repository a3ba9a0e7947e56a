//! A URI that is kept.

use std::fmt;
use std::str::FromStr;

use super::Uri;
use crate::parse::scan::SyntaxError;

/// An owned URI: its text, which was checked when it was made.
///
/// Equality and hash are those of the text, so that it can be a key; whether two URIs name the
/// same resource is [`Uri::is_equivalent`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct UriBuf(Box<str>);

impl UriBuf {
    /// A URI from its text.
    ///
    /// # Errors
    /// As [`Uri::parse`].
    pub fn parse(text: &str) -> Result<Self, SyntaxError> {
        Uri::parse(text)?;
        Ok(Self(text.into()))
    }

    /// A URI from a text that was found to be one before.
    pub(crate) fn checked(text: &str) -> Self {
        Self(text.into())
    }

    /// The URI in its parts.
    #[must_use]
    pub fn as_uri(&self) -> Uri<'_> {
        // The text parses; the second half is what a URI made by hand of wrong parts comes to.
        Uri::parse(&self.0).unwrap_or_else(|_| {
            let (scheme, rest) = self.0.split_once(':').unwrap_or(("", &self.0));
            Uri::Other { scheme, rest }
        })
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Uri<'_>> for UriBuf {
    fn from(uri: Uri<'_>) -> Self {
        Self(uri.to_string().into())
    }
}

impl FromStr for UriBuf {
    type Err = SyntaxError;

    fn from_str(text: &str) -> Result<Self, SyntaxError> {
        Self::parse(text)
    }
}

impl fmt::Display for UriBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for UriBuf {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_kept_uri_is_its_text() {
        let uri: UriBuf = "sip:alice@Atlanta.com;lr".parse().unwrap();
        assert_eq!(UriBuf::from(uri.as_uri()), uri);
        assert_ne!(UriBuf::parse("sip:alice@atlanta.com;lr"), Ok(uri));
        assert!(UriBuf::parse("alice").is_err());
    }
}
