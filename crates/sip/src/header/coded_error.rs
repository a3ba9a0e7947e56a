//! Fields that carry an error of a body: `Geolocation-Error` (RFC 6442 §4.4) and `AlertMsg-Error`
//! (RFC 8876 §5.2).

use std::borrow::Cow;
use std::fmt;

use super::quoted::unquote;
use super::{Field, Params};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// One row a field: how many digits its code has, and which parameter its text is.
macro_rules! coded_errors {
    ($($(#[$about:meta])* $Name:ident of $digits:expr, $text:literal;)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub struct $Name<'a> {
            /// The code, 0 to 999.
            pub code: u16,
            /// The parameters, the text among them.
            pub params: Params<'a>,
        }

        impl<'a> $Name<'a> {
            /// The error in words.
            #[must_use]
            pub fn text(&self) -> Option<Cow<'a, str>> {
                self.params.value($text).map(unquote)
            }
        }

        impl<'a> Field<'a> for $Name<'a> {
            const NAME: HeaderName = HeaderName::$Name;

            fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
                let start = scanner.offset();
                let error = scanner.expected(Expected::Number);
                let code = u16::try_from(scanner.number(999)?).map_err(|_| error)?;
                if !$digits.contains(&(scanner.offset() - start)) {
                    return Err(error);
                }
                Ok(Self { code, params: Params::scan(scanner)? })
            }
        }

        impl fmt::Display for $Name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{:0width$}{}", self.code, self.params, width = *$digits.start())
            }
        }
    )+};
}

coded_errors! {
    /// What is wrong with the location in the request; the text is the parameter `code`.
    GeolocationError of (1..=3), "code";
    /// What is wrong with the alert in the request; the text is the parameter `message`.
    AlertMsgError of (3..=3), "message";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    #[test]
    fn an_error_has_a_code_and_perhaps_a_text_rfc8876_5_2() {
        reads::<GeolocationError<'_>>(&[("100;code=\"a\"", "100;code=\"a\""), ("7", "7")]);
        reads::<AlertMsgError<'_>>(&[("101 ; message=\"b\"", "101; message=\"b\"")]);
        let read = parse_value::<AlertMsgError<'_>>(b"100;message=\"not\\\" found\"").unwrap();
        assert_eq!((read.code, read.text().as_deref()), (100, Some("not\" found")));
        refuses::<GeolocationError<'_>>(&["", "1000", "0001", "x", "100;", "100,200"]);
        refuses::<AlertMsgError<'_>>(&["10", "1000", "100 a"]);
    }
}
