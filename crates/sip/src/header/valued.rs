//! The shape `value *( SEMI generic-param )`, which many fields have.

/// One row a field: its trait, its type, and the function that takes its value.
macro_rules! valued_fields {
    ($($(#[$about:meta])* $Trait:ident $Name:ident by $scan:path;)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name<'a> {
            /// The value in front of the parameters.
            pub value: &'a str,
            /// The parameters.
            pub params: $crate::header::Params<'a>,
        }

        impl<'a> $crate::header::$Trait<'a> for $Name<'a> {
            const NAME: $crate::name::HeaderName = $crate::name::HeaderName::$Name;

            fn scan(
                scanner: &mut $crate::parse::scan::Scanner<'a>,
            ) -> Result<Self, $crate::parse::scan::SyntaxError> {
                let value = $scan(scanner)?;
                Ok(Self { value, params: $crate::header::Params::scan(scanner)? })
            }
        }

        impl std::fmt::Display for $Name<'_> {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}{}", self.value, self.params)
            }
        }
    )+};
}

pub(super) use valued_fields;

use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

/// `token`
pub(super) fn token<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    scanner.token()
}

/// `language-tag` and `language-range` (RFC 3261 §25.1): `1*8ALPHA *( "-" 1*8ALPHA )` or `*`.
/// Digits are taken too, as today's tags have them (RFC 5646 §2.1).
pub(super) fn language<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    let start = scanner.offset();
    let tag = scanner.token()?;
    let is_subtag = |subtag: &str| {
        (1..=8).contains(&subtag.len()) && subtag.bytes().all(|octet| octet.is_ascii_alphanumeric())
    };
    if tag == "*" || tag.split('-').all(is_subtag) {
        return Ok(tag);
    }
    Err(SyntaxError { offset: start, expected: Expected::Rule("a language tag") })
}

/// `*`, as the fields of caller preferences and feature capabilities begin.
pub(super) fn star<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    scanner.expect(b'*')?;
    Ok("*")
}

/// `token-nodot *( "." token-nodot )` (RFC 6665 §8.4); every token of which no dot-separated part
/// is empty.
pub(super) fn dotted<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    let start = scanner.offset();
    let token = scanner.token()?;
    if token.split('.').any(str::is_empty) {
        return Err(SyntaxError { offset: start, expected: Expected::Rule("names between dots") });
    }
    Ok(token)
}

/// The rest of the field, white space and control characters around it aside.
pub(super) fn rest<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    let start = scanner.offset();
    let rest = as_str(scanner.rest(), start)?;
    scanner.advance(rest.len());
    Ok(rest.trim_matches(|octet: char| octet == ' ' || octet.is_ascii_control()))
}
