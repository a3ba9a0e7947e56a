//! The scanner that every grammar of this crate is written with: a cursor over bytes with the
//! basic rules of RFC 3261 §25.1. It never copies and never looks back.

use std::fmt;

/// A place in a text and what the grammar wanted there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SyntaxError {
    /// Bytes from the start of the scanned text.
    pub offset: usize,
    /// What the grammar allows at that place.
    pub expected: Expected,
}

/// What a grammar rule of RFC 3261 §25.1 wanted where something else stood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Expected {
    /// `token`
    Token,
    /// One certain octet, such as `;` or `=`.
    Octet(u8),
    /// `1*DIGIT` that fits the field's range.
    Number,
    /// The closing `"` of a `quoted-string`.
    ClosingQuote,
    /// `host`: a name, an IPv4 address or an IPv6 reference.
    Host,
    /// `port`: 0 to 65535.
    Port,
    /// A URI with a scheme.
    Uri,
    /// `%` followed by two hexadecimal digits.
    Escape,
    /// A display name that is a quoted string or a list of tokens.
    DisplayName,
    /// A date of RFC 1123 in GMT.
    Date,
    /// UTF-8 text.
    Utf8,
    /// Some value where the field is empty.
    Value,
    /// The end of the field: something followed a complete value.
    End,
    /// Something else, named in the words of the grammar.
    Rule(&'static str),
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str("a token"),
            Self::Octet(octet) => write!(f, "'{}'", char::from(*octet)),
            Self::Number => f.write_str("a number in range"),
            Self::ClosingQuote => f.write_str("a closing quote"),
            Self::Host => f.write_str("a host"),
            Self::Port => f.write_str("a port"),
            Self::Uri => f.write_str("a URI"),
            Self::Escape => f.write_str("two hexadecimal digits after '%'"),
            Self::DisplayName => f.write_str("a display name"),
            Self::Date => f.write_str("a date in GMT"),
            Self::Utf8 => f.write_str("UTF-8 text"),
            Self::Value => f.write_str("a value"),
            Self::End => f.write_str("the end of the field"),
            Self::Rule(rule) => f.write_str(rule),
        }
    }
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {} at octet {}", self.expected, self.offset)
    }
}

impl std::error::Error for SyntaxError {}

/// A cursor over the octets of a message or a header field value.
#[derive(Debug, Clone)]
pub struct Scanner<'a> {
    text: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    /// A scanner at the start of `text`.
    #[must_use]
    pub const fn new(text: &'a [u8]) -> Self {
        Self { text, at: 0 }
    }

    /// Octets from the start of the text to the cursor.
    #[must_use]
    pub const fn offset(&self) -> usize {
        self.at
    }

    /// The octet under the cursor, `None` at the end.
    #[must_use]
    pub fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    /// Whether every octet has been taken.
    #[must_use]
    pub const fn is_at_end(&self) -> bool {
        self.at >= self.text.len()
    }

    /// What has not been taken yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.text.get(self.at..).unwrap_or_default()
    }

    /// The text between `from` (an earlier [`offset`](Self::offset)) and the cursor.
    #[must_use]
    pub fn since(&self, from: usize) -> &'a [u8] {
        self.text.get(from..self.at).unwrap_or_default()
    }

    /// Moves the cursor by `count` octets, at most to the end.
    pub fn advance(&mut self, count: usize) {
        self.at = self.text.len().min(self.at.saturating_add(count));
    }

    /// Takes `octet` if it is next.
    pub fn eat(&mut self, octet: u8) -> bool {
        let found = self.peek() == Some(octet);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes octets as long as `belongs` holds.
    pub fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let taken = rest.iter().position(|octet| !belongs(*octet)).unwrap_or(rest.len());
        self.at += taken;
        rest.get(..taken).unwrap_or_default()
    }

    /// An error at the cursor.
    #[must_use]
    pub const fn expected(&self, expected: Expected) -> SyntaxError {
        SyntaxError { offset: self.at, expected }
    }

    /// Takes `octet` or fails.
    ///
    /// # Errors
    /// [`Expected::Octet`] when something else is next.
    pub fn expect(&mut self, octet: u8) -> Result<(), SyntaxError> {
        if self.eat(octet) { Ok(()) } else { Err(self.expected(Expected::Octet(octet))) }
    }

    /// `SWS`: skips blanks and folds (CRLF or a lone LF or CR followed by a blank).
    pub fn skip_whitespace(&mut self) {
        while let Some(octet) = self.peek() {
            if !matches!(octet, b' ' | b'\t' | b'\r' | b'\n') {
                return;
            }
            self.at += 1;
        }
    }

    /// A separator with the white space that RFC 3261 §25.1 allows around it (`SEMI`, `COMMA`,
    /// `EQUAL`, `SLASH`). Nothing is taken when it is not next.
    pub fn separator(&mut self, octet: u8) -> bool {
        let from = self.at;
        self.skip_whitespace();
        if self.eat(octet) {
            self.skip_whitespace();
            return true;
        }
        self.at = from;
        false
    }

    /// `token`
    ///
    /// # Errors
    /// [`Expected::Token`] when no token octet is next.
    pub fn token(&mut self) -> Result<&'a str, SyntaxError> {
        let start = self.at;
        let token = self.take_while(is_token);
        if token.is_empty() {
            return Err(self.expected(Expected::Token));
        }
        as_str(token, start)
    }

    /// `quoted-string`: the text between the quotes, escapes left as they stand
    /// (see [`unquote`](crate::header::quoted::unquote)).
    ///
    /// # Errors
    /// When no `"` is next, when the closing one is missing, or when the text is not UTF-8.
    pub fn quoted_string(&mut self) -> Result<&'a str, SyntaxError> {
        self.expect(b'"')?;
        let start = self.at;
        loop {
            match self.peek() {
                None => return Err(self.expected(Expected::ClosingQuote)),
                Some(b'"') => break,
                Some(b'\\') => self.advance(2),
                Some(_) => self.at += 1,
            }
        }
        let inside = self.since(start);
        self.at += 1;
        as_str(inside, start)
    }

    /// `1*DIGIT` up to `max`.
    ///
    /// # Errors
    /// [`Expected::Number`] when no digit is next or the number is above `max`.
    pub fn number(&mut self, max: u64) -> Result<u64, SyntaxError> {
        let start = self.at;
        let mut value: u64 = 0;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            value = value.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
            self.at += 1;
        }
        if self.at == start || value > max {
            return Err(SyntaxError { offset: start, expected: Expected::Number });
        }
        Ok(value)
    }

    /// The end of the text, white space aside.
    ///
    /// # Errors
    /// [`Expected::End`] when something is left.
    pub fn end(&mut self) -> Result<(), SyntaxError> {
        self.skip_whitespace();
        if self.is_at_end() { Ok(()) } else { Err(self.expected(Expected::End)) }
    }
}

/// Text that must be UTF-8 (RFC 3261 §7.3.1); `start` places the error.
///
/// # Errors
/// [`Expected::Utf8`] at the first octet that is not.
pub fn as_str(octets: &[u8], start: usize) -> Result<&str, SyntaxError> {
    std::str::from_utf8(octets).map_err(|error| SyntaxError {
        offset: start + error.valid_up_to(),
        expected: Expected::Utf8,
    })
}

/// Whether an octet belongs to a `token` (RFC 3261 §25.1).
#[must_use]
pub const fn is_token(octet: u8) -> bool {
    TOKEN[octet as usize]
}

const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut octet = 0;
    while octet < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 256")]
        let ascii = octet as u8;
        table[octet] = matches!(ascii,
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9'
            | b'-' | b'.' | b'!' | b'%' | b'*' | b'_' | b'+' | b'`' | b'\'' | b'~');
        octet += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn separators_take_the_white_space_and_folds_around_them_rfc3261_25_1() {
        let mut scanner = Scanner::new(b"a \r\n ; b");
        assert_eq!(scanner.token(), Ok("a"));
        assert!(scanner.separator(b';'));
        assert_eq!(scanner.token(), Ok("b"));
        assert!(!scanner.separator(b';'));
    }

    #[test]
    fn a_quoted_string_ends_at_the_first_unescaped_quote_rfc3261_25_1() {
        let mut scanner = Scanner::new(br#""a \" b" c"#);
        assert_eq!(scanner.quoted_string(), Ok(r#"a \" b"#));
        let error = Scanner::new(br#""open"#).quoted_string();
        assert_eq!(error, Err(SyntaxError { offset: 5, expected: Expected::ClosingQuote }));
    }

    #[test]
    fn a_number_above_its_range_is_an_error_at_its_first_digit() {
        let mut scanner = Scanner::new(b"36893488147419103232");
        assert_eq!(
            scanner.number(u64::from(u32::MAX)),
            Err(SyntaxError { offset: 0, expected: Expected::Number })
        );
    }
}
