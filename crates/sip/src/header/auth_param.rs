//! `auth-param` (RFC 3261 §25.1, RFC 7235 §2.1): what stands behind the scheme of a challenge or
//! of credentials.

use std::borrow::Cow;
use std::fmt;

use super::quoted::{Quoted, unquote};
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str, is_token};

/// One `auth-param`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AuthParam<'a> {
    /// Its name as it stands; names compare without regard to case.
    pub name: &'a str,
    /// Its value without quotes, escapes as they stand.
    pub raw: &'a str,
    /// Whether the value stood in quotes.
    pub quoted: bool,
}

impl<'a> AuthParam<'a> {
    /// The text the value stands for (`unq()` of RFC 7616 §3.3): quotes and escapes undone.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        if self.quoted { unquote(self.raw) } else { Cow::Borrowed(self.raw) }
    }

    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

impl fmt::Display for AuthParam<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.quoted {
            write!(f, "{}=\"{}\"", self.name, self.raw)
        } else {
            write!(f, "{}={}", self.name, self.raw)
        }
    }
}

/// A list of `auth-param` as it stood in the field; empty when there are none.
///
/// The text was checked when it was scanned; looking a parameter up walks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct AuthParams<'a>(&'a str);

impl<'a> AuthParams<'a> {
    /// No parameters.
    pub const NONE: AuthParams<'static> = AuthParams("");

    /// Takes the parameters at the cursor up to the end of the field or to the scheme of another
    /// challenge. A comma too many or one too few is forgiven: the names tell the parameters
    /// apart, and peers send both.
    ///
    /// # Errors
    /// A name without `=`, a `=` without a value, a broken quoted string.
    pub fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Self::scan_each(scanner, |_| Ok(()))
    }

    /// As [`scan`](Self::scan), and shows each parameter to `take`, so that whoever wants them all
    /// walks them once.
    pub(super) fn scan_each(
        scanner: &mut Scanner<'a>,
        mut take: impl FnMut(&AuthParam<'a>) -> Result<(), SyntaxError>,
    ) -> Result<Self, SyntaxError> {
        let start = scanner.offset();
        let mut end = start;
        loop {
            let mut ahead = scanner.clone();
            skip_commas(&mut ahead);
            if ahead.is_at_end() {
                *scanner = ahead;
                break;
            }
            let Some(param) = scan_param_or_scheme(&mut ahead)? else { break };
            take(&param)?;
            *scanner = ahead;
            end = scanner.offset();
        }
        let text = scanner.since(start).get(..end - start).unwrap_or_default();
        Ok(Self(as_str(text, start)?))
    }

    /// The parameters in order.
    #[must_use]
    pub fn iter(&self) -> Iter<'a> {
        Iter(Scanner::new(self.0.as_bytes()))
    }

    /// The first parameter of this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<Cow<'a, str>> {
        self.iter().find(|param| param.is(name)).map(|param| param.text())
    }

    /// The text as it stood.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

impl fmt::Display for AuthParams<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut writer = ParamWriter::new(f);
        self.iter().try_for_each(|param| writer.param(&param))
    }
}

/// The parameters in order; see [`AuthParams::iter`].
#[derive(Debug, Clone)]
pub struct Iter<'a>(Scanner<'a>);

impl<'a> Iterator for Iter<'a> {
    type Item = AuthParam<'a>;

    fn next(&mut self) -> Option<AuthParam<'a>> {
        skip_commas(&mut self.0);
        scan_param_or_scheme(&mut self.0).ok().flatten()
    }
}

/// The parameters of a field that its type does not know. They are kept so that the field can be
/// written as it was read; otherwise they mean nothing (RFC 7616 §3.3: unknown ones are ignored).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extensions<'a> {
    all: AuthParams<'a>,
    known: &'static [&'static str],
}

impl<'a> Extensions<'a> {
    /// No further parameters.
    pub const NONE: Extensions<'static> = Extensions { all: AuthParams::NONE, known: &[] };

    pub(super) const fn new(all: AuthParams<'a>, known: &'static [&'static str]) -> Self {
        Self { all, known }
    }

    /// The parameters in order.
    pub fn iter(&self) -> impl Iterator<Item = AuthParam<'a>> + use<'a> {
        let known = self.known;
        self.all.iter().filter(move |param| !known.iter().any(|name| param.is(name)))
    }
}

/// Writes `scheme name="value", name=value`.
pub(super) struct ParamWriter<'f, 'b> {
    f: &'f mut fmt::Formatter<'b>,
    first: bool,
}

impl<'f, 'b> ParamWriter<'f, 'b> {
    pub(super) const fn new(f: &'f mut fmt::Formatter<'b>) -> Self {
        Self { f, first: true }
    }

    pub(super) fn quoted(&mut self, name: &str, value: Option<&str>) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        self.name(name)?;
        fmt::Display::fmt(&Quoted(value), self.f)
    }

    pub(super) fn bare(&mut self, name: &str, value: Option<&str>) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        self.name(name)?;
        self.f.write_str(value)
    }

    pub(super) fn param(&mut self, param: &AuthParam<'_>) -> fmt::Result {
        self.separator()?;
        write!(self.f, "{param}")
    }

    fn name(&mut self, name: &str) -> fmt::Result {
        self.separator()?;
        self.f.write_str(name)?;
        self.f.write_str("=")
    }

    fn separator(&mut self) -> fmt::Result {
        if std::mem::take(&mut self.first) { Ok(()) } else { self.f.write_str(", ") }
    }
}

/// Puts `value` where a parameter of that name belongs, which must be empty still: each may stand
/// once (RFC 7235 §2.1), and two different values for one name is how a check is slipped past.
pub(super) fn set_once<T>(slot: &mut Option<T>, value: T, at: usize) -> Result<(), SyntaxError> {
    if slot.is_some() {
        return Err(SyntaxError { offset: at, expected: Expected::Rule("each parameter once") });
    }
    *slot = Some(value);
    Ok(())
}

/// The value of a parameter that is written without quotes: a token, whether it stood in quotes or
/// not.
pub(super) fn word(raw: &str, at: usize) -> Result<&str, SyntaxError> {
    let fits = !raw.is_empty() && raw.bytes().all(is_token);
    if fits { Ok(raw) } else { Err(SyntaxError { offset: at, expected: Expected::Token }) }
}

/// `nc-value`: eight hexadecimal digits (RFC 7616 §3.4). Fewer are taken, because some peers count
/// without leading zeros; the digits go into the digest as they stand.
pub(super) fn nonce_count(raw: &str, at: usize) -> Result<&str, SyntaxError> {
    let fits = (1..=8).contains(&raw.len()) && raw.bytes().all(|octet| octet.is_ascii_hexdigit());
    let expected = Expected::Rule("a nonce count of eight hexadecimal digits");
    if fits { Ok(raw) } else { Err(SyntaxError { offset: at, expected }) }
}

/// The `auth-scheme` with the white space behind it.
pub(super) fn scan_scheme<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    let scheme = scanner.token()?;
    let before = scanner.offset();
    scanner.skip_whitespace();
    if scanner.offset() == before {
        return Err(scanner.expected(Expected::Octet(b' ')));
    }
    Ok(scheme)
}

fn skip_commas(scanner: &mut Scanner<'_>) {
    scanner.take_while(|octet| matches!(octet, b',' | b' ' | b'\t' | b'\r' | b'\n'));
}

/// A parameter, or none before the scheme of a further challenge.
fn scan_param_or_scheme<'a>(
    scanner: &mut Scanner<'a>,
) -> Result<Option<AuthParam<'a>>, SyntaxError> {
    let name = scanner.token()?;
    if scanner.separator(b'=') {
        return scan_value(scanner, name).map(Some);
    }
    if starts_more(scanner) {
        return Ok(None);
    }
    Err(scanner.expected(Expected::Octet(b'=')))
}

/// A token that is followed by white space and no `=` is the scheme of a further challenge.
fn starts_more(scanner: &Scanner<'_>) -> bool {
    let mut ahead = scanner.clone();
    ahead.skip_whitespace();
    ahead.offset() > scanner.offset() && !ahead.is_at_end()
}

/// The value behind `=`.
fn scan_value<'a>(scanner: &mut Scanner<'a>, name: &'a str) -> Result<AuthParam<'a>, SyntaxError> {
    if scanner.peek() == Some(b'"') {
        return Ok(AuthParam { name, raw: scanner.quoted_string()?, quoted: true });
    }
    // More than a token: a `uri` without its quotes is met in the field (RFC 3261 §22.4 item 2).
    let start = scanner.offset();
    let raw = scanner.take_while(|octet| octet > b' ' && !matches!(octet, b',' | b'"'));
    if raw.is_empty() {
        return Err(scanner.expected(Expected::Value));
    }
    Ok(AuthParam { name, raw: as_str(raw, start)?, quoted: false })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(text: &str) -> Result<AuthParams<'_>, SyntaxError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let params = AuthParams::scan(&mut scanner)?;
        scanner.end().map(|()| params)
    }

    #[test]
    fn commas_too_many_or_too_few_are_forgiven() {
        let params = scan(r#"a="1",, b=2 c = "3" ,"#).unwrap();
        assert_eq!(params.to_string(), r#"a="1", b=2, c="3""#);
        assert_eq!(params.get("C").as_deref(), Some("3"));
    }

    #[test]
    fn a_name_without_a_value_is_an_error_rfc7235_2_1() {
        for text in ["a", "a=", "a=,b=1", "=1", "a=\"open", "a=1;\u{0}"] {
            assert!(scan(text).is_err(), "{text}");
        }
    }
}
