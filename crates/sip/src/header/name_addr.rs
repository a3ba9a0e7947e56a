//! `name-addr / addr-spec` with the parameters behind it (RFC 3261 §20.10, §25.1).
//!
//! ```text
//! name-addr    = [ display-name ] LAQUOT addr-spec RAQUOT
//! display-name = *(token LWS) / quoted-string
//! ```

use std::borrow::Cow;
use std::fmt;

use super::Params;
use super::quoted::{Quoted, unquote};
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str, is_token};
use crate::uri::Uri;

/// An address: who, where, and the parameters of the header field it stands in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameAddr<'a> {
    /// The name to be shown, when there is one.
    pub display: Option<DisplayName<'a>>,
    /// The URI.
    pub uri: Uri<'a>,
    /// The text of the URI as it stands; it is what is written.
    pub uri_text: &'a str,
    /// The parameters behind the URI: those of the header field, not of the URI.
    pub params: Params<'a>,
}

impl<'a> NameAddr<'a> {
    /// An address of nothing but a URI.
    ///
    /// # Errors
    /// As [`Uri::parse`].
    pub fn new(uri: &'a str) -> Result<Self, SyntaxError> {
        Ok(Self { display: None, uri: Uri::parse(uri)?, uri_text: uri, params: Params::NONE })
    }

    /// The same address with this display name.
    #[must_use]
    pub const fn with_display(self, name: &'a str) -> Self {
        Self { display: Some(DisplayName::new(name)), ..self }
    }

    /// The same address with these parameters.
    #[must_use]
    pub const fn with_params(self, params: Params<'a>) -> Self {
        Self { params, ..self }
    }

    /// Takes an address of either form and its parameters. Without `<` and `>` every parameter
    /// belongs to the header field, and a URI with headers is refused, as §20.10 demands.
    ///
    /// # Errors
    /// The place where the address leaves the grammar: a display name that needs quotes and has
    /// none (RFC 4475 §3.1.2.15), a quote that is not closed (§3.1.2.6), white space about the URI
    /// (§3.1.2.14), a bare URI with headers (§3.1.2.13).
    pub fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        if is_bare(scanner) { scan_bare(scanner) } else { Self::scan_bracketed(scanner) }
    }

    /// As [`scan`](Self::scan), for fields that allow no URI without `<` and `>`.
    ///
    /// # Errors
    /// As [`scan`](Self::scan).
    pub fn scan_bracketed(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let display = scan_display(scanner)?;
        scanner.expect(b'<')?;
        let (uri, uri_text) = Uri::scan_bracketed_with_text(scanner)?;
        scanner.expect(b'>')?;
        let params = Params::scan(scanner)?;
        Ok(Self { display, uri, uri_text, params })
    }
}

/// Whether an `addr-spec` begins here: a scheme with its colon. A display name of tokens may begin
/// alike, but no colon follows.
fn is_bare(scanner: &Scanner<'_>) -> bool {
    let text = scanner.rest();
    let scheme = text.iter().position(|&octet| !is_token(octet)).unwrap_or(text.len());
    scheme > 0 && text.get(scheme) == Some(&b':')
}

fn scan_bare<'a>(scanner: &mut Scanner<'a>) -> Result<NameAddr<'a>, SyntaxError> {
    let (uri, uri_text) = Uri::scan_with_text(scanner)?;
    if scanner.peek() == Some(b'?') {
        return Err(scanner.expected(Expected::Rule("'<' and '>' around a URI with headers")));
    }
    let params = Params::scan(scanner)?;
    Ok(NameAddr { display: None, uri, uri_text, params })
}

/// The display name, and the white space up to the `<` behind it. None is needed there: the grammar
/// that says so is in error (RFC 4475 §3.1.1.6).
fn scan_display<'a>(scanner: &mut Scanner<'a>) -> Result<Option<DisplayName<'a>>, SyntaxError> {
    let start = scanner.offset();
    let form = match scanner.peek() {
        Some(b'<') => return Ok(None),
        Some(b'"') => Form::Quoted(scanner.quoted_string()?),
        _ => Form::Tokens(scan_tokens(scanner, start)?),
    };
    scanner.skip_whitespace();
    if scanner.peek() != Some(b'<') {
        let expected = match form {
            Form::Tokens(_) => Expected::DisplayName,
            _ => Expected::Octet(b'<'),
        };
        return Err(scanner.expected(expected));
    }
    Ok(Some(DisplayName(form)))
}

fn scan_tokens<'a>(scanner: &mut Scanner<'a>, start: usize) -> Result<&'a str, SyntaxError> {
    let mut end = start;
    while !scanner.take_while(is_token).is_empty() {
        end = scanner.offset();
        scanner.skip_whitespace();
    }
    if end == start {
        return Err(scanner.expected(Expected::Uri));
    }
    as_str(scanner.since(start).get(..end - start).unwrap_or_default(), start)
}

/// A name to be shown to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DisplayName<'a>(Form<'a>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form<'a> {
    /// Tokens with white space between them.
    Tokens(&'a str),
    /// The inside of a quoted string, escapes as they stand.
    Quoted(&'a str),
    /// Any text, to be quoted when it is written.
    Plain(&'a str),
}

impl<'a> DisplayName<'a> {
    /// A name from any text; it is quoted and escaped when it is written.
    #[must_use]
    pub const fn new(text: &'a str) -> Self {
        Self(Form::Plain(text))
    }

    /// The text to be shown: without quotes, escapes undone.
    #[must_use]
    pub fn text(&self) -> Cow<'a, str> {
        match self.0 {
            Form::Tokens(raw) | Form::Quoted(raw) => unquote(raw),
            Form::Plain(text) => Cow::Borrowed(text),
        }
    }
}

impl fmt::Display for DisplayName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Form::Tokens(raw) if raw.contains(['\r', '\n']) => f.write_str(&unquote(raw)),
            Form::Tokens(raw) => f.write_str(raw),
            Form::Quoted(raw) if raw.contains(['\r', '\n']) => Quoted(&unquote(raw)).fmt(f),
            Form::Quoted(raw) => write!(f, "\"{raw}\""),
            Form::Plain(text) => Quoted(text).fmt(f),
        }
    }
}

impl fmt::Display for NameAddr<'_> {
    /// Writes the `name-addr` form, whose parameters cannot be mistaken.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(display) = &self.display {
            write!(f, "{display} ")?;
        }
        write!(f, "<{}>{}", self.uri_text, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<NameAddr<'_>, SyntaxError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let address = NameAddr::scan(&mut scanner)?;
        scanner.end()?;
        Ok(address)
    }

    fn shown(text: &str) -> String {
        parse(text).unwrap().display.unwrap().text().into_owned()
    }

    #[test]
    fn without_brackets_parameters_are_the_fields_rfc3261_20_10() {
        let bare = parse("sip:+19725552222@gw1.example.net;unknownparam").unwrap();
        assert!(bare.params.has("unknownparam"));
        assert_eq!(bare.uri_text, "sip:+19725552222@gw1.example.net");
        assert_eq!(bare.to_string(), "<sip:+19725552222@gw1.example.net>;unknownparam");
        let bracketed = parse("<sip:+19725552222@gw1.example.net;unknownparam>").unwrap();
        assert!(bracketed.params.is_empty());
        assert!(bracketed.uri.as_sip().unwrap().params.has("unknownparam"));
    }

    #[test]
    fn display_names_are_tokens_or_a_quoted_string_rfc3261_25_1() {
        assert_eq!(shown(r#""J Rosenberg \\\"" <sip:a@b>"#), r#"J Rosenberg \""#);
        assert_eq!(
            shown("token1~` token2'+_ token3*%!.- <sip:a@b>"),
            "token1~` token2'+_ token3*%!.-"
        );
        assert_eq!(shown("A. G.\r\n Bell <sip:a@b>"), "A. G. Bell");
        assert_eq!(shown("\"%Z%45\" <sip:a@b>"), "%Z%45");
        assert_eq!(
            shown("\"BEL:\\\x07 NUL:\\\x00 DEL:\\\x7f\" <sip:a@b>"),
            "BEL:\x07 NUL:\0 DEL:\x7f"
        );
        assert_eq!(shown("sip <sip:a@b>"), "sip");
    }

    #[test]
    fn no_white_space_is_needed_before_the_bracket_rfc4475_3_1_1_6() {
        assert_eq!(shown("caller<sip:caller@example.com>;tag=323"), "caller");
        assert_eq!(shown("\"caller\"<sip:caller@example.com>"), "caller");
    }

    #[test]
    fn what_leaves_the_grammar_is_refused_there_rfc4475_3_1_2() {
        for (text, offset) in [
            ("\"Mr. J. User <sip:j.user@example.com>", 37),
            ("Bell, Alexander <sip:a.g.bell@example.com>;tag=43", 4),
            ("\"Watson, Thomas\" < sip:t.watson@example.org >", 18),
            ("<sip:t.watson@example.org >", 25),
            ("sip:user@example.com?Route=%3Csip:sip.example.com%3E", 20),
            ("\"Joe\" <sip:joe@example.org>;;;;", 28),
            ("<sip:a@b", 8),
            ("<>", 1),
            ("", 0),
            ("alice", 5),
            ("\"alice\"", 7),
            ("\"a\" sip:a@b", 4),
            ("a sip:a@b", 5),
            ("sip:a;b@c", 7),
            ("<sip:a@b> x", 10),
            ("Юзер <sip:a@b>", 0),
        ] {
            let error = parse(text).expect_err(text);
            assert_eq!(error.offset, offset, "{text}: {error}");
        }
    }

    #[test]
    fn other_schemes_stand_in_either_form_rfc4475_3_3_4() {
        assert_eq!(parse("isbn:2983792873").map(|it| it.uri.scheme()), Ok("isbn"));
        assert_eq!(parse("<http://www.example.com>;tag=3").map(|it| it.uri.scheme()), Ok("http"));
        assert_eq!(parse("<name:John_Smith>").map(|it| it.uri.scheme()), Ok("name"));
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for text in [
            "\"A \\\"B\\\" \\\\\" <sip:a@b;lr?x=y>;q=0.5;z",
            "Alice B <sips:a@[2001:db8::1]:5061>",
            "<tel:+1-201-555-0123>;tag=1",
        ] {
            let address = parse(text).unwrap();
            assert_eq!(address.to_string(), text);
        }
        let made = NameAddr::new("sip:a@b").unwrap().with_display("A \"B\"\r\nX: y");
        assert_eq!(made.to_string(), "\"A \\\"B\\\"  X: y\" <sip:a@b>");
        assert_eq!(parse("\"a\r\n b\" <sip:a@b>").unwrap().to_string(), "\"a b\" <sip:a@b>");
    }
}
