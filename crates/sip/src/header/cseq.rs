//! CSeq (RFC 3261 §20.16): the place of a request among those of its dialog.
//!
//! ```text
//! CSeq = "CSeq" HCOLON 1*DIGIT LWS Method
//! ```

use std::fmt;

use super::Field;
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// A sequence number and the method it was given to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CSeq<'a> {
    /// The number. A greater one than these 32 bits hold is an error (RFC 4475 §3.1.2.4,
    /// §3.1.2.5); one that is sent must be less than 2^31 (§8.1.1.5).
    pub number: u32,
    /// The method as it stands; case counts.
    pub method: &'a str,
}

impl<'a> Field<'a> for CSeq<'a> {
    const NAME: HeaderName = HeaderName::CSeq;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let error = scanner.expected(Expected::Number);
        let number = u32::try_from(scanner.number(u64::from(u32::MAX))?).map_err(|_| error)?;
        let end = scanner.offset();
        scanner.skip_whitespace();
        if scanner.offset() == end {
            return Err(scanner.expected(Expected::Octet(b' ')));
        }
        Ok(Self { number, method: scanner.token()? })
    }
}

impl fmt::Display for CSeq<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number, self.method)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_value;
    use super::*;

    #[test]
    fn zeros_may_lead_and_folds_may_part_rfc4475_3_1_1_1() {
        let cseq: CSeq<'_> = parse_value(b"0009\r\n  INVITE").unwrap();
        assert_eq!(cseq, CSeq { number: 9, method: "INVITE" });
        assert_eq!(cseq.to_string(), "9 INVITE");
    }

    #[test]
    fn the_number_has_32_bits_rfc4475_3_1_2_4() {
        let cseq: CSeq<'_> = parse_value(b"4294967295 RE%47IST%45R").unwrap();
        assert_eq!(cseq.number, u32::MAX);
        for bad in [
            "4294967296 BYE",
            "36893488147419103232 REGISTER",
            "-1 BYE",
            "BYE",
            "1",
            "1BYE",
            "1 ",
            "1 a b",
        ] {
            assert!(parse_value::<CSeq<'_>>(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
