//! Fields that are text for people: `Subject` (RFC 3261 §20.36), `Organization` (§20.25),
//! `User-Agent` (§20.41), `Server` (§20.35).
//!
//! The last two have a grammar of products and comments, which senders do not keep and nobody acts
//! on; they are read as text.

use std::fmt::{self, Write as _};

use super::Field;
use super::valued::rest;
use crate::name::HeaderName;
use crate::parse::scan::{Scanner, SyntaxError};

/// One row a field.
macro_rules! text_fields {
    ($($(#[$about:meta])* $Name:ident;)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name<'a>(pub &'a str);

        impl<'a> Field<'a> for $Name<'a> {
            const NAME: HeaderName = HeaderName::$Name;

            fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
                rest(scanner).map(Self)
            }
        }

        impl fmt::Display for $Name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write_line(self.0, f)
            }
        }
    )+};
}

text_fields! {
    /// What the call is about. May be empty.
    Subject;
    /// The organization the sender belongs to. May be empty.
    Organization;
    /// The software of the client.
    UserAgent;
    /// The software of the server.
    Server;
}

/// Writes text as one line: a fold becomes a space (RFC 3261 §7.3.1), and so does every other
/// control character, so that no text can start a header field of its own.
fn write_line(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut rest = text.chars().peekable();
    while let Some(character) = rest.next() {
        if matches!(character, '\r' | '\n') {
            while rest.next_if(|next| matches!(next, '\r' | '\n' | ' ' | '\t')).is_some() {}
            f.write_char(' ')?;
        } else if character.is_ascii_control() {
            f.write_char(' ')?;
        } else {
            f.write_char(character)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::reads;
    use crate::header::parse_value;

    #[test]
    fn text_is_kept_but_for_its_folds_rfc3261_7_3_1() {
        reads::<Subject<'_>>(&[
            ("  I know you're there,\r\n   pick up  ", "I know you're there, pick up"),
            ("", ""),
            ("\u{4f60}\u{597d}", "\u{4f60}\u{597d}"),
        ]);
        reads::<UserAgent<'_>>(&[("Softphone/1 (\u{fc})", "Softphone/1 (\u{fc})")]);
        reads::<Server<'_>>(&[("HomeServer v2", "HomeServer v2")]);
        reads::<Organization<'_>>(&[("Boxes by Bob", "Boxes by Bob")]);
    }

    #[test]
    fn text_that_is_not_utf8_is_refused_and_line_ends_are_not_written_rfc3261_7_3_1() {
        assert!(parse_value::<Subject<'_>>(b"a\xff").is_err());
        assert_eq!(Subject("a\r\nRoute: b\0").to_string(), "a Route: b ");
    }
}
