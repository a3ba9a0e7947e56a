//! Warning codes (RFC 3261 §20.43): what a Warning says about the status of a response.

use std::fmt;

/// A `warn-code`: three digits, registered or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WarnCode(u16);

/// One row: `code NAME "recommended text" "reference";`.
macro_rules! warn_codes {
    ($($code:literal $NAME:ident $text:literal $reference:literal;)+) => {
        impl WarnCode {
            $(
                #[doc = concat!("`", $code, " ", $text, "` (", $reference, ").")]
                pub const $NAME: Self = Self($code);
            )+

            /// Every registered code, in order.
            pub const REGISTERED: &[Self] = &[$(Self::$NAME),+];

            /// The recommended text of a registered code.
            #[must_use]
            pub const fn text(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($text),)+
                    _ => None,
                }
            }

            /// The document that defines a registered code.
            #[must_use]
            pub const fn reference(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($reference),)+
                    _ => None,
                }
            }
        }

        #[cfg(test)]
        mod rows {
            use super::WarnCode;

            $(
                #[test]
                #[expect(non_snake_case, reason = "a test a row, named as the row")]
                fn $NAME() {
                    assert_eq!(WarnCode::new($code), Some(WarnCode::$NAME));
                    assert_eq!(WarnCode::$NAME.to_string(), stringify!($code));
                    assert_eq!(WarnCode::$NAME.text(), Some($text));
                }
            )+
        }
    };
}

warn_codes! {
    300 INCOMPATIBLE_NETWORK_PROTOCOL                "Incompatible network protocol"                "RFC 3261";
    301 INCOMPATIBLE_NETWORK_ADDRESS_FORMATS         "Incompatible network address formats"         "RFC 3261";
    302 INCOMPATIBLE_TRANSPORT_PROTOCOL              "Incompatible transport protocol"              "RFC 3261";
    303 INCOMPATIBLE_BANDWIDTH_UNITS                 "Incompatible bandwidth units"                 "RFC 3261";
    304 MEDIA_TYPE_NOT_AVAILABLE                     "Media type not available"                     "RFC 3261";
    305 INCOMPATIBLE_MEDIA_FORMAT                    "Incompatible media format"                    "RFC 3261";
    306 ATTRIBUTE_NOT_UNDERSTOOD                     "Attribute not understood"                     "RFC 3261";
    307 SESSION_DESCRIPTION_PARAMETER_NOT_UNDERSTOOD "Session description parameter not understood" "RFC 3261";
    308 INCOMPATIBLE_LANGUAGE_SPECIFICATION          "Incompatible language specification"          "RFC 8373";
    330 MULTICAST_NOT_AVAILABLE                      "Multicast not available"                      "RFC 3261";
    331 UNICAST_NOT_AVAILABLE                        "Unicast not available"                        "RFC 3261";
    370 INSUFFICIENT_BANDWIDTH                       "Insufficient bandwidth"                       "RFC 3261";
    380 SIPS_NOT_ALLOWED                             "SIPS Not Allowed"                             "RFC 5630";
    381 SIPS_REQUIRED                                "SIPS Required"                                "RFC 5630";
    399 MISCELLANEOUS_WARNING                        "Miscellaneous warning"                        "RFC 3261";
}

impl WarnCode {
    /// The code, if it has three digits at most (`warn-code = 3DIGIT`, RFC 3261 §25.1).
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if code <= 999 { Some(Self(code)) } else { None }
    }

    /// The code as a number, 0 to 999.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }
}

impl fmt::Display for WarnCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:03}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warn_code_is_written_with_three_digits_rfc3261_25_1() {
        assert_eq!(WarnCode::new(7).map(|code| code.to_string()).as_deref(), Some("007"));
        assert_eq!(WarnCode::new(1000), None);
    }
}
