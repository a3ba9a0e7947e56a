//! Fields of one plain value: `Max-Breadth` (RFC 5393 §5.8), `MIME-Version` (RFC 3261 §20.24),
//! `In-Reply-To` (§20.21), `SIP-ETag` and `SIP-If-Match` (RFC 3903 §12),
//! `Suppress-If-Match` (RFC 5839 §7.3).

use std::fmt;

use super::{CallId, Field, ListField};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// How many branches a request may have at a time from here on (RFC 5393 §5.3). A number above
/// 2^32 - 1 is no different from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MaxBreadth(pub u32);

/// The MIME version of the message; only 1.0 exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MimeVersion {
    /// The number before the dot.
    pub major: u16,
    /// The number behind it.
    pub minor: u16,
}

/// A call that this call returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InReplyTo<'a>(pub CallId<'a>);

/// The name of the event state a server keeps. Case counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SipETag<'a>(pub &'a str);

/// The event state a PUBLISH changes, by the name the server gave it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SipIfMatch<'a>(pub &'a str);

/// The event state that the subscriber has and need not be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SuppressIfMatch<'a> {
    /// `*`: whatever the state is.
    Any,
    /// The state of this name. Case counts.
    Tag(&'a str),
}

impl<'a> Field<'a> for MaxBreadth {
    const NAME: HeaderName = HeaderName::MaxBreadth;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Ok(Self(u32::try_from(scanner.number(u64::MAX)?).unwrap_or(u32::MAX)))
    }
}

impl<'a> Field<'a> for MimeVersion {
    const NAME: HeaderName = HeaderName::MimeVersion;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let major = version_number(scanner)?;
        scanner.expect(b'.')?;
        Ok(Self { major, minor: version_number(scanner)? })
    }
}

fn version_number(scanner: &mut Scanner<'_>) -> Result<u16, SyntaxError> {
    let error = scanner.expected(Expected::Number);
    u16::try_from(scanner.number(u64::from(u16::MAX))?).map_err(|_| error)
}

impl<'a> ListField<'a> for InReplyTo<'a> {
    const NAME: HeaderName = HeaderName::InReplyTo;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        CallId::scan(scanner).map(Self)
    }
}

impl<'a> Field<'a> for SipETag<'a> {
    const NAME: HeaderName = HeaderName::SipETag;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        scanner.token().map(Self)
    }
}

impl<'a> Field<'a> for SipIfMatch<'a> {
    const NAME: HeaderName = HeaderName::SipIfMatch;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        scanner.token().map(Self)
    }
}

impl<'a> Field<'a> for SuppressIfMatch<'a> {
    const NAME: HeaderName = HeaderName::SuppressIfMatch;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Ok(match scanner.token()? {
            "*" => Self::Any,
            tag => Self::Tag(tag),
        })
    }
}

impl fmt::Display for MaxBreadth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for MimeVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl fmt::Display for InReplyTo<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for SipETag<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for SipIfMatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl fmt::Display for SuppressIfMatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("*"),
            Self::Tag(tag) => f.write_str(tag),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, reads, refuses, refuses_lists};

    #[test]
    fn numbers_and_versions_rfc5393_5_8() {
        reads::<MaxBreadth>(&[("60", "60"), ("99999999999999999999999", "4294967295")]);
        refuses::<MaxBreadth>(&["", "x", "-1", "1 2"]);
        reads::<MimeVersion>(&[("1.0", "1.0")]);
        refuses::<MimeVersion>(&["1", "1.", ".0", "1.0.0", "70000.0"]);
    }

    #[test]
    fn calls_returned_are_a_list_rfc3261_20_21() {
        let line = "70710@saturn.bell-tel.com, 17320@saturn.bell-tel.com";
        assert_eq!(elements::<InReplyTo<'_>>(line).len(), 2);
        refuses_lists::<InReplyTo<'_>>(&["a@", "a b", "a,", "@b"]);
    }

    #[test]
    fn entity_tags_are_tokens_rfc3903_12() {
        reads::<SipETag<'_>>(&[("dx200xyz", "dx200xyz")]);
        reads::<SipIfMatch<'_>>(&[("dx200xyz", "dx200xyz")]);
        refuses::<SipIfMatch<'_>>(&["", "\"a\"", "a, b"]);
        reads::<SuppressIfMatch<'_>>(&[("*", "*"), ("b4cf7", "b4cf7")]);
        refuses::<SuppressIfMatch<'_>>(&["", "* x"]);
    }
}
