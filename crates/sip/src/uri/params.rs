//! `uri-parameters` and `headers` (RFC 3261 §25.1): what stands behind the host of a SIP URI and
//! behind the number of a tel URI.

use std::borrow::Cow;
use std::fmt;

use super::escape;
use super::octets::{self, HEADER, PARAM, PARAM_RECEIVED};
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

/// The parameters of a URI as they stand, from the first `;` on; empty when there are none.
///
/// Names compare without regard to case, and an escaped letter is the letter
/// (RFC 3261 §19.1.4, RFC 4475 §3.1.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct UriParams<'a>(&'a str);

impl<'a> UriParams<'a> {
    /// No parameters.
    pub const NONE: UriParams<'static> = UriParams("");

    /// Parameters from text that begins with `;`, or the empty text.
    ///
    /// # Errors
    /// Where the text is no list of parameters of a URI.
    pub fn new(text: &'a str) -> Result<Self, SyntaxError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let params = Self::scan(&mut scanner)?;
        if scanner.is_at_end() { Ok(params) } else { Err(scanner.expected(Expected::End)) }
    }

    /// Parameters from a text that was found to be some before.
    pub(super) const fn checked(text: &'a str) -> Self {
        Self(text)
    }

    /// Takes as many parameters as stand at the cursor.
    ///
    /// # Errors
    /// A `;` without a name behind it, a `=` without a value, a `%` that begins no escape.
    pub(super) fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        if scanner.peek() != Some(b';') {
            return Ok(Self::NONE);
        }
        let text = scanner.rest();
        let start = scanner.offset();
        let mut end = 0;
        while text.get(end) == Some(&b';') {
            end = piece(text, end + 1, PARAM, start)?;
            if text.get(end) == Some(&b'=') {
                end = piece(text, end + 1, PARAM_RECEIVED, start)?;
            }
        }
        scanner.advance(end);
        Ok(Self(as_str(scanner.since(start), start)?))
    }

    /// The text, leading `;` included.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Names and values in order, escapes as they stand.
    pub fn iter(&self) -> impl Iterator<Item = (&'a str, Option<&'a str>)> + Clone + use<'a> {
        // Octet by octet: the texts are too short for a search that has to be prepared.
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let text = rest.strip_prefix(';')?;
            let param = until(text, b';');
            rest = text.get(param.len()..).unwrap_or_default();
            let name = until(param, b'=');
            Some((name, param.get(name.len() + 1..)))
        })
    }

    /// The parameter of this name: `None` when it is not there, `Some(None)` when it has no value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        if self.is_empty() {
            return None;
        }
        self.iter()
            .find(|(found, _)| escape::equivalent_ignoring_case(found, name))
            .map(|(_, value)| value)
    }

    /// The value of this parameter, escapes as they stand; `None` when it is not there or has none.
    #[must_use]
    pub fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name).flatten()
    }

    /// Whether the parameter is there, with or without a value.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }
}

impl fmt::Display for UriParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// What stands before the first of these octets, which is ASCII.
fn until(text: &str, end: u8) -> &str {
    let length = text.bytes().position(|octet| octet == end).unwrap_or(text.len());
    text.get(..length).unwrap_or_default()
}

/// The end of a name or value of at least one octet.
fn piece(text: &[u8], from: usize, class: u8, start: usize) -> Result<usize, SyntaxError> {
    let end = octets::run(text, from, class).map_err(|error| moved(error, start))?;
    if end == from {
        return Err(SyntaxError { offset: start + from, expected: Expected::Value });
    }
    Ok(end)
}

/// The error with its place counted from further left.
pub(super) fn moved(error: SyntaxError, by: usize) -> SyntaxError {
    SyntaxError { offset: error.offset + by, ..error }
}

/// The headers of a SIP URI in order; see [`SipUri::headers`](super::SipUri::headers).
#[derive(Debug, Clone)]
pub struct UriHeaders<'a>(Option<&'a str>);

impl<'a> UriHeaders<'a> {
    pub(super) const fn new(text: Option<&'a str>) -> Self {
        Self(text)
    }

    /// Takes `hname "=" hvalue *( "&" hname "=" hvalue )`, the `?` in front of it taken already.
    pub(super) fn scan(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
        let text = scanner.rest();
        let start = scanner.offset();
        let mut end = 0;
        loop {
            end = piece(text, end, HEADER, start)?;
            if text.get(end) != Some(&b'=') {
                return Err(SyntaxError { offset: start + end, expected: Expected::Octet(b'=') });
            }
            end = octets::run(text, end + 1, HEADER).map_err(|error| moved(error, start))?;
            if text.get(end) != Some(&b'&') {
                break;
            }
            end += 1;
        }
        scanner.advance(end);
        as_str(scanner.since(start), start)
    }
}

impl<'a> Iterator for UriHeaders<'a> {
    type Item = UriHeader<'a>;

    fn next(&mut self) -> Option<UriHeader<'a>> {
        let text = self.0?;
        let (header, rest) = match text.split_once('&') {
            Some((header, rest)) => (header, Some(rest)),
            None => (text, None),
        };
        self.0 = rest;
        let (name, value) = header.split_once('=').unwrap_or((header, ""));
        Some(UriHeader { name, value })
    }
}

/// A header of a SIP URI: a field of the request that is made from the URI (RFC 3261 §19.1.5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UriHeader<'a> {
    /// Its name, escapes as they stand.
    pub name: &'a str,
    /// Its value, escapes as they stand.
    pub value: &'a str,
}

impl<'a> UriHeader<'a> {
    /// Whether it has this name, case and escapes aside.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        escape::equivalent_ignoring_case(self.name, name)
    }

    /// Its value with the escapes undone. It may hold any character, line ends included: it has to
    /// be checked before it is written into a message.
    #[must_use]
    pub fn value_unescaped(&self) -> Cow<'a, str> {
        escape::unescape(self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_whatever_their_case_and_escapes_rfc4475_3_1_1_3() {
        let params = UriParams::new(";%6C%72;n%61me=v%61lue%25%34%31;Transport=TCP").unwrap();
        assert_eq!(params.get("lr"), Some(None));
        assert_eq!(params.value("name"), Some("v%61lue%25%34%31"));
        assert_eq!(params.value("transport"), Some("TCP"));
        assert!(!params.has("maddr"));
        assert_eq!(params.iter().count(), 3);
    }

    #[test]
    fn names_and_values_are_not_empty_rfc3261_25_1() {
        for bad in [";", ";;a", ";a;", ";a=", ";=b", "a", ";a=%4", ";a b", ";a=\"b\"", ";a,b"] {
            assert!(UriParams::new(bad).is_err(), "{bad}");
        }
        assert_eq!(UriParams::new(";vsf=AA==").map(|params| params.value("vsf")), Ok(Some("AA==")));
    }
}
