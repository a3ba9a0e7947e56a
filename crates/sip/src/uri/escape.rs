//! `escaped = "%" HEXDIG HEXDIG` (RFC 3261 §19.1.2): undoing it, writing it, and comparing text
//! that holds it.

use std::borrow::Cow;
use std::fmt;

use super::octets::{self, HEADER, RESERVED, USER};

/// The octets that the text stands for, its escapes undone once. A `%` that begins no escape
/// stands for itself. An escaped NUL is an octet like any other (RFC 4475 §3.1.1.4).
#[must_use]
pub fn unescape_octets(text: &str) -> Cow<'_, [u8]> {
    let octets = text.as_bytes();
    let Some(first) = memchr::memchr(b'%', octets) else { return Cow::Borrowed(octets) };
    let (plain, mut rest) = octets.split_at(first);
    let mut plainly = Vec::with_capacity(octets.len());
    plainly.extend_from_slice(plain);
    while let Some((&octet, behind)) = rest.split_first() {
        if let Some(escaped) = octets::escaped(rest, 0) {
            plainly.push(escaped);
            rest = rest.get(3..).unwrap_or_default();
        } else {
            plainly.push(octet);
            rest = behind;
        }
    }
    Cow::Owned(plainly)
}

/// The text with its escapes undone once; borrowed when there are none. When the octets are not
/// UTF-8 no text can hold them, and the escapes stay: [`unescape_octets`] gives them all the same.
#[must_use]
pub fn unescape(text: &str) -> Cow<'_, str> {
    match unescape_octets(text) {
        Cow::Borrowed(_) => Cow::Borrowed(text),
        Cow::Owned(octets) => String::from_utf8(octets).map_or(Cow::Borrowed(text), Cow::Owned),
    }
}

/// `text` as the user part of a SIP URI: everything escaped that may not stand there plainly,
/// `%` included.
#[must_use]
pub fn escape_user(text: &str) -> Cow<'_, str> {
    escape(text, USER)
}

/// `text` as name or value of a header of a SIP URI (`?Replaces=...`), likewise.
#[must_use]
pub fn escape_header(text: &str) -> Cow<'_, str> {
    escape(text, HEADER)
}

fn escape(text: &str, class: u8) -> Cow<'_, str> {
    if text.bytes().all(|octet| octets::is(octet, class)) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for octet in text.bytes() {
        if octets::is(octet, class) {
            escaped.push(char::from(octet));
        } else {
            escaped.extend(['%', digit(octet >> 4), digit(octet & 0xf)]);
        }
    }
    Cow::Owned(escaped)
}

fn digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble), 16).unwrap_or('0').to_ascii_uppercase()
}

/// Writes text whose escapes are in place, and escapes what should have been: no part that was put
/// into a URI by hand can end that URI or the line it stands on.
pub(super) struct Checked<'a> {
    pub(super) text: &'a str,
    pub(super) class: u8,
    /// An octet that parts the pieces of the text, such as `&` in headers.
    pub(super) and: &'static [u8],
}

impl fmt::Display for Checked<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        let octets = self.text.as_bytes();
        let stays = |at: usize, octet: u8| {
            octets::is(octet, self.class)
                || self.and.contains(&octet)
                || octets::escaped(octets, at).is_some()
        };
        if octets.iter().enumerate().all(|(at, &octet)| stays(at, octet)) {
            return f.write_str(self.text);
        }
        for (at, &octet) in octets.iter().enumerate() {
            if stays(at, octet) {
                f.write_char(char::from(octet))?;
            } else {
                write!(f, "%{octet:02X}")?;
            }
        }
        Ok(())
    }
}

/// Whether two texts are the same but for escapes: a character outside the "reserved" set is
/// equivalent to its escape, a reserved one is not (RFC 3261 §19.1.4, RFC 2396 §2.2).
pub(super) fn equivalent(one: &str, other: &str) -> bool {
    one == other || has_escapes(one, other) && characters(one).eq(characters(other))
}

/// As [`equivalent`], without regard to case.
pub(super) fn equivalent_ignoring_case(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other)
        || has_escapes(one, other) && characters(one).map(lower).eq(characters(other).map(lower))
}

fn has_escapes(one: &str, other: &str) -> bool {
    one.contains('%') || other.contains('%')
}

/// One character of a URI: its octet, and whether it is a reserved one that stood escaped.
type Character = (u8, bool);

fn lower((octet, escaped): Character) -> Character {
    (octet.to_ascii_lowercase(), escaped)
}

fn characters(text: &str) -> impl Iterator<Item = Character> {
    let octets = text.as_bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let octet = *octets.get(at)?;
        if let Some(meant) = octets::escaped(octets, at) {
            at += 3;
            // An escaped "%" is kept apart from the "%" of an escape.
            return Some((meant, octets::is(meant, RESERVED) || meant == b'%'));
        }
        at += 1;
        Some((octet, false))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_undone_once_rfc4475_3_1_1_3() {
        assert_eq!(unescape("value%25%34%31"), "value%41");
        assert_eq!(unescape("sips%3Auser%40example.com"), "sips:user@example.com");
        assert_eq!(unescape("100%"), "100%");
    }

    #[test]
    fn an_escaped_nul_does_not_end_the_text_rfc4475_3_1_1_4() {
        assert_eq!(unescape("null-%00-null"), "null-\0-null");
        assert_eq!(escape_user("null-\0-null"), "null-%00-null");
    }

    #[test]
    fn what_is_no_utf_8_stays_escaped_as_text_and_is_given_as_octets() {
        assert_eq!(unescape("%FF"), "%FF");
        assert_eq!(&*unescape_octets("a%FF"), b"a\xff");
    }

    #[test]
    fn an_at_sign_in_the_user_must_be_escaped_rfc3261_19_1_2() {
        assert_eq!(escape_user("j@s0n"), "j%40s0n");
        assert_eq!(escape_user("i have 50%"), "i%20have%2050%25");
        assert!(matches!(escape_user("alice;day=tuesday"), Cow::Borrowed(_)));
        assert_eq!(escape_header("1@a;to-tag=2"), "1%40a%3Bto-tag%3D2");
    }

    #[test]
    fn reserved_characters_are_no_equals_of_their_escapes_rfc3261_19_1_4() {
        assert!(equivalent("%61lice", "alice"));
        assert!(!equivalent("%3b", ";"));
        assert!(equivalent("%3b", "%3B"));
        assert!(!equivalent("Alice", "alice"));
        assert!(equivalent_ignoring_case("%41lice", "alice"));
        assert!(!equivalent("%2541", "%41"));
    }
}
