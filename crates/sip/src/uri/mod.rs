//! URIs: SIP and SIPS (RFC 3261 §19.1), tel (RFC 3966), and any other as opaque text.
//!
//! [`Uri`] is a view that borrows the text it was parsed from; [`UriBuf`] keeps that text.

use std::fmt;

use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

mod buf;
mod compare;
mod escape;
mod host;
mod octets;
mod params;
mod places;
mod sip;
mod tel;
mod usual;

pub use buf::{UriBuf, is_sips};
pub use escape::{escape_header, escape_user, unescape, unescape_octets};
pub use host::Host;
pub use params::{UriHeader, UriHeaders, UriParams};
pub use sip::SipUri;
pub use tel::TelUri;

pub(crate) use places::Places;
pub(crate) use sip::port;
pub(crate) use usual::{usual_hostport, usual_sip, v4_hostport};

/// A URI.
///
/// `==` compares the parts as they are written; whether two URIs name the same resource is
/// [`is_equivalent`](Self::is_equivalent).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uri<'a> {
    /// `sip:` and `sips:`
    Sip(SipUri<'a>),
    /// `tel:`
    Tel(TelUri<'a>),
    /// Any other scheme.
    Other {
        /// The scheme as it stands, without the colon.
        scheme: &'a str,
        /// Everything behind the colon.
        rest: &'a str,
    },
}

impl<'a> Uri<'a> {
    /// A URI from the whole of the text: no white space, no `<` and `>` (RFC 4475 §3.1.2.7,
    /// §3.1.2.8). As a Request-URI it may not have headers, which is left to the caller
    /// (RFC 3261 §19.1.1 table 1, RFC 4475 §3.1.2.11).
    ///
    /// # Errors
    /// The place where the text leaves the grammar of its scheme; [`Expected::Uri`] when it has no
    /// scheme.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        // Nearly all are SIP URIs: their scheme is told at a glance.
        match text.as_bytes() {
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b':', ..] => sip(false, text, 4),
            [b's' | b'S', b'i' | b'I', b'p' | b'P', b's' | b'S', b':', ..] => sip(true, text, 5),
            _ => parse_other(text),
        }
    }

    /// Takes the `addr-spec` that stands at the cursor without `<` and `>`: it ends at white space
    /// and before the first `;`, `,` or `?` (RFC 3261 §20.10, §20.20, §20.39), for what follows
    /// such a URI belongs to the header field.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Self::scan_with_text(scanner).map(|(uri, _)| uri)
    }

    /// As [`scan`](Self::scan), with the text that was taken.
    pub(crate) fn scan_with_text(
        scanner: &mut Scanner<'a>,
    ) -> Result<(Self, &'a str), SyntaxError> {
        let rest = scanner.rest();
        let length = rest.iter().position(|&octet| ends_bare(octet)).unwrap_or(rest.len());
        take(scanner, length)
    }

    /// Takes the `addr-spec` that stands at the cursor up to the `>` behind it, which is not taken.
    ///
    /// # Errors
    /// As [`parse`](Self::parse); [`Expected::Octet`] at the end when there is no `>`.
    pub fn scan_bracketed(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Self::scan_bracketed_with_text(scanner).map(|(uri, _)| uri)
    }

    /// As [`scan_bracketed`](Self::scan_bracketed), with the text that was taken.
    pub(crate) fn scan_bracketed_with_text(
        scanner: &mut Scanner<'a>,
    ) -> Result<(Self, &'a str), SyntaxError> {
        let rest = scanner.rest();
        let Some(length) = memchr::memchr(b'>', rest) else {
            let offset = scanner.offset() + rest.len();
            return Err(SyntaxError { offset, expected: Expected::Octet(b'>') });
        };
        take(scanner, length)
    }

    /// The scheme as it stands, without the colon; schemes compare without regard to case. That of
    /// a SIP, SIPS or tel URI is in lower case.
    #[must_use]
    pub const fn scheme(&self) -> &'a str {
        match self {
            Self::Sip(SipUri { secure: false, .. }) => "sip",
            Self::Sip(SipUri { secure: true, .. }) => "sips",
            Self::Tel(_) => "tel",
            Self::Other { scheme, .. } => scheme,
        }
    }

    /// The SIP or SIPS URI that it is.
    #[must_use]
    pub const fn as_sip(&self) -> Option<&SipUri<'a>> {
        match self {
            Self::Sip(uri) => Some(uri),
            Self::Tel(_) | Self::Other { .. } => None,
        }
    }

    /// The tel URI that it is.
    #[must_use]
    pub const fn as_tel(&self) -> Option<&TelUri<'a>> {
        match self {
            Self::Tel(uri) => Some(uri),
            Self::Sip(_) | Self::Other { .. } => None,
        }
    }
}

fn ends_bare(octet: u8) -> bool {
    !octets::is(octet, octets::OPAQUE) || matches!(octet, b';' | b',' | b'?')
}

/// The URI that the next `length` octets are.
fn take<'a>(scanner: &mut Scanner<'a>, length: usize) -> Result<(Uri<'a>, &'a str), SyntaxError> {
    let start = scanner.offset();
    let text = as_str(scanner.rest().get(..length).unwrap_or_default(), start)?;
    let uri = Uri::parse(text).map_err(|error| params::moved(error, start))?;
    scanner.advance(length);
    Ok((uri, text))
}

fn sip(secure: bool, text: &str, scheme: usize) -> Result<Uri<'_>, SyntaxError> {
    SipUri::parse(secure, text.get(scheme..).unwrap_or_default())
        .map(Uri::Sip)
        .map_err(|error| params::moved(error, scheme))
}

fn parse_other(text: &str) -> Result<Uri<'_>, SyntaxError> {
    let (scheme, rest) = split_scheme(text)?;
    let start = scheme.len() + 1;
    if scheme.eq_ignore_ascii_case("tel") {
        return TelUri::parse(rest).map(Uri::Tel).map_err(|error| params::moved(error, start));
    }
    match rest.bytes().position(|octet| !octets::is(octet, octets::OPAQUE)) {
        Some(at) => Err(SyntaxError { offset: start + at, expected: Expected::Uri }),
        None if rest.is_empty() => Err(SyntaxError { offset: start, expected: Expected::Uri }),
        None => Ok(Uri::Other { scheme, rest }),
    }
}

/// `scheme = ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )` and the colon behind it.
fn split_scheme(text: &str) -> Result<(&str, &str), SyntaxError> {
    let error = SyntaxError { offset: 0, expected: Expected::Uri };
    let (scheme, rest) = text.split_once(':').ok_or(error)?;
    let mut octets = scheme.bytes();
    let well_formed = octets.next().is_some_and(|first| first.is_ascii_alphabetic())
        && octets.all(|octet| octet.is_ascii_alphanumeric() || matches!(octet, b'+' | b'-' | b'.'));
    if well_formed { Ok((scheme, rest)) } else { Err(error) }
}

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sip(uri) => uri.fmt(f),
            Self::Tel(uri) => uri.fmt(f),
            Self::Other { scheme, rest } => write!(f, "{scheme}:{rest}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_schemes_are_opaque_rfc4475_3_3_2_3_3_3() {
        for text in [
            "nobodyKnowsThisScheme:totallyopaquecontent",
            "soap.beep://192.0.2.103:3002",
            "http://www.example.com/a?b#c",
            "urn:service:sos",
            "sipx:a",
        ] {
            let uri = Uri::parse(text).unwrap();
            assert!(matches!(uri, Uri::Other { .. }), "{text}");
            assert_eq!(uri.to_string(), text);
        }
        for bad in ["", ":", "a:", "1a:b", "a", "a b:c", "a:b c", "*", "http://<"] {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn without_brackets_a_uri_ends_before_parameters_rfc3261_20_10() {
        let mut scanner = Scanner::new(b"sip:+19725552222@gw1.example.net;unknownparam");
        let uri = Uri::scan(&mut scanner).unwrap();
        assert_eq!(uri.to_string(), "sip:+19725552222@gw1.example.net");
        assert_eq!(scanner.rest(), b";unknownparam");
    }

    #[test]
    fn in_brackets_a_uri_ends_at_the_bracket_rfc3261_20_10() {
        let mut scanner = Scanner::new(b"<sip:a,b@c;d?e=f>;g");
        scanner.advance(1);
        let uri = Uri::scan_bracketed(&mut scanner).unwrap();
        assert_eq!(uri.to_string(), "sip:a,b@c;d?e=f");
        assert_eq!(scanner.rest(), b">;g");
        let error = Uri::scan_bracketed(&mut Scanner::new(b"sip:a"));
        assert_eq!(error, Err(SyntaxError { offset: 5, expected: Expected::Octet(b'>') }));
    }
}
