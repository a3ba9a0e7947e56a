//! `Content-Length` (RFC 3261 §20.14).

use std::fmt;

use super::Field;
use crate::name::HeaderName;
use crate::parse::scan::{Scanner, SyntaxError};

/// Octets of the body: `Content-Length = 1*DIGIT`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContentLength(pub u64);

impl<'a> Field<'a> for ContentLength {
    const NAME: HeaderName = HeaderName::ContentLength;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        // No body comes near this; a larger number is a fault of its own and not "too long".
        scanner.number(u64::from(u32::MAX)).map(Self)
    }
}

impl fmt::Display for ContentLength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::parse_value;

    #[test]
    fn a_negative_length_is_no_length_rfc4475_3_1_2_3() {
        assert!(parse_value::<ContentLength>(b"-999").is_err());
        assert_eq!(parse_value(b" 0150 "), Ok(ContentLength(150)));
    }
}
