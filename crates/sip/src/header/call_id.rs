//! Call-ID (RFC 3261 §20.8): what names a call, or all registrations of a client.
//!
//! ```text
//! Call-ID = ( "Call-ID" / "i" ) HCOLON callid
//! callid  = word [ "@" word ]
//! ```

use std::fmt;

use super::Field;
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str, is_token};

/// The Call-ID. Case counts, and it is compared octet by octet (§20.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CallId<'a>(&'a str);

impl<'a> CallId<'a> {
    /// A Call-ID from its text.
    ///
    /// # Errors
    /// Where the text is no `callid`.
    pub fn new(text: &'a str) -> Result<Self, SyntaxError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let call_id = Self::scan(&mut scanner)?;
        if scanner.is_at_end() { Ok(call_id) } else { Err(scanner.expected(Expected::End)) }
    }

    /// The text.
    #[must_use]
    pub const fn as_str(&self) -> &'a str {
        self.0
    }
}

impl<'a> Field<'a> for CallId<'a> {
    const NAME: HeaderName = HeaderName::CallId;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let start = scanner.offset();
        word(scanner)?;
        if scanner.eat(b'@') {
            word(scanner)?;
        }
        as_str(scanner.since(start), start).map(Self)
    }
}

fn word(scanner: &mut Scanner<'_>) -> Result<(), SyntaxError> {
    if scanner.take_while(is_word).is_empty() {
        return Err(scanner.expected(Expected::Rule("a word")));
    }
    Ok(())
}

/// Whether an octet belongs to a `word` (RFC 3261 §25.1).
pub(crate) const fn is_word(octet: u8) -> bool {
    is_token(octet)
        || matches!(
            octet,
            b'(' | b')'
                | b'<'
                | b'>'
                | b':'
                | b'\\'
                | b'"'
                | b'/'
                | b'['
                | b']'
                | b'?'
                | b'{'
                | b'}'
        )
}

impl fmt::Display for CallId<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_value;
    use super::*;

    #[test]
    fn a_call_id_is_one_word_or_two_rfc3261_20_8() {
        for text in [
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6@biloxi.com",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            r#"intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{"#,
        ] {
            let call_id: CallId<'_> = parse_value(text.as_bytes()).unwrap();
            assert_eq!(call_id.as_str(), text);
            assert_eq!(call_id.to_string(), text);
        }
        assert_eq!(parse_value::<CallId<'_>>(b" a@b ").map(|it| it.as_str()), Ok("a@b"));
    }

    #[test]
    fn what_is_no_word_is_refused_rfc3261_25_1() {
        for bad in ["", "@a", "a@", "a@b@c", "a b", "a;b", "a,b", "a=b", "ы"] {
            assert!(parse_value::<CallId<'_>>(bad.as_bytes()).is_err(), "{bad}");
            assert!(CallId::new(bad).is_err(), "{bad}");
        }
    }
}
