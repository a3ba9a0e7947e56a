//! `telephone-uri` (RFC 3966 §3).
//!
//! ```text
//! telephone-uri        = "tel:" telephone-subscriber
//! telephone-subscriber = global-number / local-number
//! ```

use std::fmt;

use super::{UriParams, escape};
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

/// A tel URI: a number and its parameters.
///
/// `==` compares the text; the comparison of RFC 3966 §4 is
/// [`is_equivalent`](Self::is_equivalent).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TelUri<'a> {
    /// The number as it stands, `+` and visual separators included.
    pub number: &'a str,
    /// The parameters behind it.
    pub params: UriParams<'a>,
}

impl<'a> TelUri<'a> {
    /// The URI whose text behind the scheme is `text`; offsets of errors count from there.
    ///
    /// A local number without `phone-context` is taken, although RFC 3966 §5.1.5 demands one:
    /// `tel:911` is what telephones send.
    pub(super) fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let global = scanner.eat(b'+');
        let digits = scanner.take_while(|octet| {
            is_separator(octet) || if global { octet.is_ascii_digit() } else { is_local(octet) }
        });
        if digits.iter().all(|&octet| is_separator(octet)) {
            return Err(scanner.expected(Expected::Rule("a telephone number")));
        }
        let number = as_str(scanner.since(0), 0)?;
        let params = UriParams::scan(&mut scanner)?;
        if !scanner.is_at_end() {
            return Err(scanner.expected(Expected::End));
        }
        Ok(Self { number, params })
    }

    /// Whether the number is a global one (E.164 with `+`, RFC 3966 §5.1.4).
    #[must_use]
    pub fn is_global(&self) -> bool {
        self.number.starts_with('+')
    }

    /// The number without visual separators (RFC 3966 §5.1.1), `+` included.
    pub fn digits(&self) -> impl Iterator<Item = char> + use<'a> {
        without_separators(self.number)
    }

    /// The context in which a local number is unique: a domain or leading digits of a global
    /// number (RFC 3966 §5.1.5).
    #[must_use]
    pub fn phone_context(&self) -> Option<&'a str> {
        self.params.value("phone-context")
    }

    /// The extension behind a private exchange (RFC 3966 §5.3).
    #[must_use]
    pub fn ext(&self) -> Option<&'a str> {
        self.params.value("ext")
    }

    /// The ISDN subaddress (RFC 3966 §5.2), escapes as they stand.
    #[must_use]
    pub fn isub(&self) -> Option<&'a str> {
        self.params.value("isub")
    }

    /// Whether both name the same number (RFC 3966 §4): visual separators and case do not count,
    /// every parameter does.
    #[must_use]
    pub fn is_equivalent(&self, other: &TelUri<'_>) -> bool {
        self.is_global() == other.is_global()
            && same_digits(self.number, other.number)
            && super::compare::same_sets(
                self.params.iter(),
                other.params.iter(),
                |(name, value), (other_name, other_value)| {
                    escape::equivalent_ignoring_case(name, other_name)
                        && same_value(name, value, other_value)
                },
            )
    }
}

const fn is_separator(octet: u8) -> bool {
    matches!(octet, b'-' | b'.' | b'(' | b')')
}

const fn is_local(octet: u8) -> bool {
    octet.is_ascii_hexdigit() || matches!(octet, b'*' | b'#')
}

fn without_separators(number: &str) -> impl Iterator<Item = char> + use<'_> {
    number.chars().filter(|character| !matches!(character, '-' | '.' | '(' | ')'))
}

fn same_digits(one: &str, other: &str) -> bool {
    let lower = |character: char| character.to_ascii_lowercase();
    without_separators(one).map(lower).eq(without_separators(other).map(lower))
}

/// Values that are numbers compare by their digits, all others as text.
fn same_value(name: &str, one: Option<&str>, other: Option<&str>) -> bool {
    let (Some(one), Some(other)) = (one, other) else { return one == other };
    let is_number = name.eq_ignore_ascii_case("ext")
        || name.eq_ignore_ascii_case("phone-context")
            && one.starts_with('+')
            && other.starts_with('+');
    if is_number { same_digits(one, other) } else { escape::equivalent_ignoring_case(one, other) }
}

impl fmt::Display for TelUri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tel:{}{}", self.number, self.params)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Uri;
    use super::*;

    fn tel(text: &str) -> TelUri<'_> {
        match Uri::parse(text) {
            Ok(Uri::Tel(uri)) => uri,
            other => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn the_examples_of_the_rfc_rfc3966_6() {
        let global = tel("tel:+1-201-555-0123");
        assert!(global.is_global());
        assert_eq!(global.digits().collect::<String>(), "+12015550123");
        assert_eq!(tel("tel:7042;phone-context=example.com").phone_context(), Some("example.com"));
        let local = tel("tel:863-1234;phone-context=+1-914-555");
        assert!(!local.is_global());
        assert_eq!(local.to_string(), "tel:863-1234;phone-context=+1-914-555");
    }

    #[test]
    fn visual_separators_and_order_do_not_count_rfc3966_4() {
        for (one, other, same) in [
            ("tel:+1-201-555-0123", "TEL:+1(201)555.0123", true),
            ("tel:+12015550123", "tel:12015550123", false),
            ("tel:+1;ext=1-2", "tel:+1;EXT=12", true),
            ("tel:+1;ext=12", "tel:+1", false),
            ("tel:+1", "tel:+1;ext=12", false),
            ("tel:7;phone-context=+1-914", "tel:7;phone-context=+1914", true),
            ("tel:7;phone-context=A.com", "tel:7;phone-context=a.com", true),
            ("tel:7;phone-context=a.com", "tel:7;phone-context=b.com", false),
            ("tel:+1;a=1;b=2", "tel:+1;b=2;a=1", true),
            ("tel:1A", "tel:1a", true),
        ] {
            assert_eq!(tel(one).is_equivalent(&tel(other)), same, "{one} {other}");
        }
    }

    #[test]
    fn letters_and_blanks_are_no_number_rfc3966_5_1_1_5_1_2() {
        for bad in
            ["tel:", "tel:+", "tel:+-", "tel:---", "tel:+1 2", "tel:+1a", "tel:1-800-FLOWERS"]
        {
            assert!(Uri::parse(bad).is_err(), "{bad}");
        }
        assert!(Uri::parse("tel:*21#").is_ok());
    }
}
