//! `quoted-string` (RFC 3261 §25.1): taking the quotes off and putting them on.

use std::borrow::Cow;
use std::fmt;

/// The text that the inside of a quoted string stands for: escapes undone, folds made a space.
/// Borrows when there is nothing to undo.
#[must_use]
pub fn unquote(inside: &str) -> Cow<'_, str> {
    if memchr::memchr3(b'\\', b'\r', b'\n', inside.as_bytes()).is_none() {
        return Cow::Borrowed(inside);
    }
    let mut text = String::with_capacity(inside.len());
    let mut characters = inside.chars().peekable();
    while let Some(character) = characters.next() {
        match character {
            '\\' => text.extend(characters.next()),
            '\r' | '\n' => {
                while characters.next_if(|next| matches!(next, '\r' | '\n' | ' ' | '\t')).is_some()
                {
                }
                text.push(' ');
            }
            other => text.push(other),
        }
    }
    Cow::Owned(text)
}

/// Writes `text` as a quoted string. Line ends cannot stand in one and become a space, so that no
/// text can start a header field of its own.
#[derive(Debug, Clone, Copy)]
pub struct Quoted<'a>(pub &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        let mut rest = self.0;
        // Piece by piece, not character by character: most texts are one piece.
        while let Some(at) = rest.bytes().position(needs_care) {
            let (piece, behind) = rest.split_at(at);
            f.write_str(piece)?;
            let mut characters = behind.chars();
            f.write_str(match characters.next() {
                Some('"') => "\\\"",
                Some('\\') => "\\\\",
                _ => " ",
            })?;
            rest = characters.as_str();
        }
        f.write_str(rest)?;
        f.write_str("\"")
    }
}

/// All of them ASCII, so that a text may be cut there.
const fn needs_care(octet: u8) -> bool {
    matches!(octet, b'"' | b'\\' | b'\r' | b'\n' | b'\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoting_and_unquoting_are_each_others_inverse_rfc3261_25_1() {
        let text = r#"a "b" \ c"#;
        let quoted = Quoted(text).to_string();
        assert_eq!(quoted, r#""a \"b\" \\ c""#);
        assert_eq!(unquote(&quoted[1..quoted.len() - 1]), text);
    }

    #[test]
    fn a_line_end_cannot_leave_a_quoted_string() {
        assert_eq!(Quoted("a\r\nRoute: x").to_string(), "\"a  Route: x\"");
    }
}
