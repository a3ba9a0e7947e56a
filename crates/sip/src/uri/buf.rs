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

    /// Whether it is a SIP or SIPS URI (RFC 3261 §19.1).
    #[must_use]
    pub fn is_sip(&self) -> bool {
        has_scheme(&self.0, "sip:") || self.is_sips()
    }

    /// Whether it is a SIPS URI.
    #[must_use]
    pub fn is_sips(&self) -> bool {
        is_sips(&self.0)
    }
}

/// Whether the text of a URI is that of a SIPS URI (RFC 3261 §19.1): its scheme tells, and nothing
/// else of it is taken apart.
#[must_use]
pub fn is_sips(uri: &str) -> bool {
    has_scheme(uri, "sips:")
}

/// The case of a scheme does not count (RFC 3986 §3.1).
fn has_scheme(uri: &str, scheme: &str) -> bool {
    uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
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
    fn the_scheme_tells_whether_it_is_sip_rfc3261_19_1() {
        let told = |text| UriBuf::parse(text).map(|uri| (uri.is_sip(), uri.is_sips())).unwrap();
        assert_eq!(told("sip:a@b.example"), (true, false));
        assert_eq!(told("SIPS:a@b.example"), (true, true));
        assert_eq!(told("tel:+1"), (false, false));
    }

    #[test]
    fn a_kept_uri_is_its_text() {
        let uri: UriBuf = "sip:alice@Atlanta.com;lr".parse().unwrap();
        assert_eq!(UriBuf::from(uri.as_uri()), uri);
        assert_ne!(UriBuf::parse("sip:alice@atlanta.com;lr"), Ok(uri));
        assert!(UriBuf::parse("alice").is_err());
    }
}
