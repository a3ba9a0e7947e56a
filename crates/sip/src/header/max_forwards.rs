//! Max-Forwards (RFC 3261 §20.22): how many hops a request may still take.
//!
//! ```text
//! Max-Forwards = "Max-Forwards" HCOLON 1*DIGIT
//! ```

use std::fmt;

use super::Field;
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// The number of hops left, 0 to 255. A greater number is an error (RFC 4475 §3.1.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxForwards(pub u8);

impl MaxForwards {
    /// What a request begins with (RFC 3261 §8.1.1.6).
    pub const INITIAL: Self = Self(70);
}

impl<'a> Field<'a> for MaxForwards {
    const NAME: HeaderName = HeaderName::MaxForwards;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let error = scanner.expected(Expected::Number);
        u8::try_from(scanner.number(u64::from(u8::MAX))?).map(Self).map_err(|_| error)
    }
}

impl fmt::Display for MaxForwards {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::super::parse_value;
    use super::*;

    #[test]
    fn the_number_is_at_most_255_rfc3261_20_22() {
        for (text, hops) in [("0", 0), ("0068", 68), ("255", 255)] {
            assert_eq!(parse_value(text.as_bytes()), Ok(MaxForwards(hops)), "{text}");
        }
        for bad in ["256", "300", "-1", "", "7 0", "a"] {
            assert!(parse_value::<MaxForwards>(bad.as_bytes()).is_err(), "{bad}");
        }
        assert_eq!(MaxForwards::INITIAL.to_string(), "70");
    }
}
