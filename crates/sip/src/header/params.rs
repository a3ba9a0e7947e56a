//! `*( SEMI generic-param )` (RFC 3261 §25.1): the parameters behind a header field value.

use std::fmt;

use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str, is_token};

/// The parameters of a header field value, as they stand: from the first `;` (which is part of the
/// text) to the end of the value. Empty when there are none.
///
/// The text was checked when it was scanned; looking a parameter up walks it. Names compare
/// without regard to case (RFC 3261 §7.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Params<'a>(&'a str);

impl<'a> Params<'a> {
    /// No parameters.
    pub const NONE: Params<'static> = Params("");

    /// Parameters from text that begins with `;`, or the empty text.
    ///
    /// # Errors
    /// Where the text is no list of parameters.
    pub fn new(text: &'a str) -> Result<Self, SyntaxError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let params = Self::scan(&mut scanner)?;
        scanner.end()?;
        Ok(params)
    }

    /// Takes as many parameters as stand at the cursor.
    ///
    /// # Errors
    /// A `;` without a parameter behind it, a `=` without a value, a broken quoted string.
    pub fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let mut ahead = scanner.clone();
        ahead.skip_whitespace();
        if ahead.peek() != Some(b';') {
            return Ok(Self::NONE);
        }
        let start = ahead.offset();
        *scanner = ahead;
        let mut end = start;
        while scanner.separator(b';') {
            scanner.token()?;
            if scanner.separator(b'=') {
                scan_value(scanner)?;
            }
            end = scanner.offset();
        }
        let text = scanner.since(start).get(..end - start).unwrap_or_default();
        Ok(Self(as_str(text, start)?))
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

    /// The parameters in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'a> {
        Iter(Scanner::new(self.0.as_bytes()))
    }

    /// The parameter of this name: `None` when it is not there, `Some(None)` when it has no value.
    /// A quoted value comes without its quotes, its escapes as they stand.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Option<&'a str>> {
        self.iter().find(|param| param.name.eq_ignore_ascii_case(name)).map(|param| param.value)
    }

    /// The value of this parameter; `None` when it is not there or has none.
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

/// `gen-value`: a token, a host (brackets and colons included) or a quoted string. Values met in
/// the field hold more octets than a token may (`;received=[2001:db8::1]`, RFC 5118 §4.5), so all
/// but separators of the list are taken.
fn scan_value<'a>(scanner: &mut Scanner<'a>) -> Result<Param<'a>, SyntaxError> {
    if scanner.peek() == Some(b'"') {
        let value = scanner.quoted_string()?;
        return Ok(Param { name: "", value: Some(value), quoted: true });
    }
    let start = scanner.offset();
    let value = scanner.take_while(|octet| is_value(octet) || octet >= 0x80);
    if value.is_empty() {
        return Err(scanner.expected(Expected::Token));
    }
    Ok(Param { name: "", value: Some(as_str(value, start)?), quoted: false })
}

/// Whether an octet of ASCII belongs to a value without quotes.
pub(crate) const fn is_value(octet: u8) -> bool {
    is_token(octet)
        || matches!(
            octet,
            b'[' | b']'
                | b':'
                | b'/'
                | b'@'
                | b'&'
                | b'$'
                | b'?'
                | b'='
                | b'('
                | b')'
                | b'{'
                | b'}'
                | b'#'
                | b'^'
                | b'|'
        )
}

/// One parameter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Param<'a> {
    /// Its name as it stands.
    pub name: &'a str,
    /// Its value without quotes, if it has one.
    pub value: Option<&'a str>,
    /// Whether the value stood in quotes.
    pub quoted: bool,
}

/// The parameters in order; see [`Params::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a>(Scanner<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = Param<'a>;

    fn next(&mut self) -> Option<Param<'a>> {
        if !self.0.separator(b';') {
            return None;
        }
        let name = self.0.token().ok()?;
        if !self.0.separator(b'=') {
            return Some(Param { name, value: None, quoted: false });
        }
        let param = scan_value(&mut self.0).ok()?;
        Some(Param { name, ..param })
    }
}

impl fmt::Display for Params<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_whatever_their_case_rfc3261_7_3_1() {
        let params = Params::new("; Branch = z9hG4bK1;lr;q=\"a;b\" ").unwrap();
        assert_eq!(params.value("branch"), Some("z9hG4bK1"));
        assert_eq!(params.get("LR"), Some(None));
        assert_eq!(params.value("q"), Some("a;b"));
        assert_eq!(params.get("missing"), None);
        assert_eq!(params.iter().count(), 3);
    }

    #[test]
    fn a_semicolon_without_a_parameter_is_an_error_rfc4475_3_1_2_1() {
        assert!(Params::new(";;a").is_err());
        assert!(Params::new(";").is_err());
        assert!(Params::new(";a=").is_err());
    }
}
