//! `Content-Type` (RFC 3261 §20.15) and `Accept` (§20.1).

use std::fmt;

use super::contact::qvalue;
use super::{Field, ListField, Params};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// `media-type`: what a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentType<'a> {
    /// The type, such as `application`; compares without regard to case.
    pub kind: &'a str,
    /// The subtype, such as `sdp`; compares without regard to case.
    pub subtype: &'a str,
    /// The parameters, such as `boundary`.
    pub params: Params<'a>,
}

/// `accept-range`: media types that are welcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Accept<'a> {
    /// The type, or `*` for all.
    pub kind: &'a str,
    /// The subtype, or `*` for all.
    pub subtype: &'a str,
    /// The parameters, `q` among them.
    pub params: Params<'a>,
}

impl<'a> ContentType<'a> {
    /// A media type without parameters.
    #[must_use]
    pub const fn new(kind: &'a str, subtype: &'a str) -> Self {
        Self { kind, subtype, params: Params::NONE }
    }

    /// Whether this is that type, whatever the parameters.
    #[must_use]
    pub const fn is(&self, kind: &str, subtype: &str) -> bool {
        self.kind.eq_ignore_ascii_case(kind) && self.subtype.eq_ignore_ascii_case(subtype)
    }
}

impl Accept<'_> {
    /// Whether the range holds that type, whatever the parameters.
    #[must_use]
    pub fn holds(&self, kind: &str, subtype: &str) -> bool {
        let matches = |range: &str, name: &str| range == "*" || range.eq_ignore_ascii_case(name);
        matches(self.kind, kind) && matches(self.subtype, subtype)
    }

    /// How welcome, in thousandths; one without a readable `q` is wholly welcome.
    #[must_use]
    pub fn q(&self) -> u16 {
        self.params.value("q").and_then(qvalue).unwrap_or(1000)
    }
}

impl<'a> Field<'a> for ContentType<'a> {
    const NAME: HeaderName = HeaderName::ContentType;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let (kind, subtype) = slashed(scanner)?;
        Ok(Self { kind, subtype, params: Params::scan(scanner)? })
    }
}

impl<'a> ListField<'a> for Accept<'a> {
    const NAME: HeaderName = HeaderName::Accept;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let start = scanner.offset();
        let (kind, subtype) = slashed(scanner)?;
        if kind == "*" && subtype != "*" {
            return Err(SyntaxError { offset: start, expected: Expected::Rule("a media range") });
        }
        Ok(Self { kind, subtype, params: Params::scan(scanner)? })
    }
}

fn slashed<'a>(scanner: &mut Scanner<'a>) -> Result<(&'a str, &'a str), SyntaxError> {
    let kind = scanner.token()?;
    if !scanner.separator(b'/') {
        return Err(scanner.expected(Expected::Octet(b'/')));
    }
    Ok((kind, scanner.token()?))
}

impl fmt::Display for ContentType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}

impl fmt::Display for Accept<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}{}", self.kind, self.subtype, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{elements, reads, refuses, refuses_lists};
    use crate::header::{parse_list, parse_value};

    #[test]
    fn a_media_type_compares_without_case_rfc3261_20_15() {
        reads::<ContentType<'_>>(&[
            ("application / sdp", "application/sdp"),
            ("multipart/mixed;boundary=\"a;b\"", "multipart/mixed;boundary=\"a;b\""),
        ]);
        let read = parse_value::<ContentType<'_>>(b"Application/SDP;charset=utf-8").unwrap();
        assert!(read.is("application", "sdp") && !read.is("text", "sdp"));
        refuses::<ContentType<'_>>(&["", "text", "text/", "/plain", "text/plain;", "a/b, c/d"]);
    }

    #[test]
    fn a_range_of_types_is_weighed_rfc3261_20_1() {
        let line = "application/sdp;level=1, text/* ;q=0.5, */*;q=0";
        assert_eq!(elements::<Accept<'_>>(line).len(), 3);
        let ranges: Vec<Accept<'_>> = parse_list(line.as_bytes()).flatten().collect();
        assert_eq!(ranges.iter().map(Accept::q).collect::<Vec<_>>(), [1000, 500, 0]);
        assert!(ranges[1].holds("TEXT", "html") && !ranges[1].holds("image", "png"));
        assert!(ranges[2].holds("image", "png"));
        assert!(elements::<Accept<'_>>("").is_empty());
        refuses_lists::<Accept<'_>>(&["*/sdp", "text", "a/b,", "a/b c/d"]);
    }
}
