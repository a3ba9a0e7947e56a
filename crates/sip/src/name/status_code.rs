//! Status codes (RFC 3261 §7.2, §21): how a request was answered.

use std::fmt;

/// The status code of a response: 100 to 699, registered or not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusCode(u16);

/// The class of a status code, its first digit (RFC 3261 §7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// 1xx: the request was received and is being processed.
    Provisional,
    /// 2xx: the request was accepted.
    Success,
    /// 3xx: something more has to be done elsewhere.
    Redirection,
    /// 4xx: this server cannot fulfil the request as it is.
    ClientError,
    /// 5xx: the server failed at a request that seems valid.
    ServerError,
    /// 6xx: no server can fulfil the request.
    GlobalFailure,
}

/// One row: `code NAME "reason phrase" "reference with section";`.
macro_rules! status_codes {
    ($($code:literal $NAME:ident $reason:literal $reference:literal;)+) => {
        impl StatusCode {
            $(
                #[doc = concat!("`", $code, " ", $reason, "` (", $reference, ").")]
                pub const $NAME: Self = Self($code);
            )+

            /// Every registered code, in order.
            pub const REGISTERED: &[Self] = &[$(Self::$NAME),+];

            const fn registered_reason(self) -> Option<&'static str> {
                match self.0 {
                    $($code => Some($reason),)+
                    _ => None,
                }
            }

            /// The document and section that define a registered code, as in `RFC 3261 21.4.5`.
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
            use super::StatusCode;

            $(
                #[test]
                #[expect(non_snake_case, reason = "a test a row, named as the row")]
                fn $NAME() {
                    let written = StatusCode::$NAME.to_string();
                    assert_eq!(written, stringify!($code));
                    assert_eq!(StatusCode::from_bytes(written.as_bytes()), Some(StatusCode::$NAME));
                    assert_eq!(StatusCode::$NAME.reason(), $reason);
                    assert_eq!(StatusCode::$NAME.recognized(), StatusCode::$NAME);
                }
            )+
        }
    };
}

status_codes! {
    100 TRYING                                  "Trying"                                  "RFC 3261 21.1.1";
    180 RINGING                                 "Ringing"                                 "RFC 3261 21.1.2";
    181 CALL_IS_BEING_FORWARDED                 "Call Is Being Forwarded"                 "RFC 3261 21.1.3";
    182 QUEUED                                  "Queued"                                  "RFC 3261 21.1.4";
    183 SESSION_PROGRESS                        "Session Progress"                        "RFC 3261 21.1.5";
    199 EARLY_DIALOG_TERMINATED                 "Early Dialog Terminated"                 "RFC 6228 11.1";
    200 OK                                      "OK"                                      "RFC 3261 21.2.1";
    202 ACCEPTED                                "Accepted"                                "RFC 6665 8.3.1";
    204 NO_NOTIFICATION                         "No Notification"                         "RFC 5839 7.1";
    300 MULTIPLE_CHOICES                        "Multiple Choices"                        "RFC 3261 21.3.1";
    301 MOVED_PERMANENTLY                       "Moved Permanently"                       "RFC 3261 21.3.2";
    302 MOVED_TEMPORARILY                       "Moved Temporarily"                       "RFC 3261 21.3.3";
    305 USE_PROXY                               "Use Proxy"                               "RFC 3261 21.3.4";
    380 ALTERNATIVE_SERVICE                     "Alternative Service"                     "RFC 3261 21.3.5";
    400 BAD_REQUEST                             "Bad Request"                             "RFC 3261 21.4.1";
    401 UNAUTHORIZED                            "Unauthorized"                            "RFC 3261 21.4.2";
    402 PAYMENT_REQUIRED                        "Payment Required"                        "RFC 3261 21.4.3";
    403 FORBIDDEN                               "Forbidden"                               "RFC 3261 21.4.4";
    404 NOT_FOUND                               "Not Found"                               "RFC 3261 21.4.5";
    405 METHOD_NOT_ALLOWED                      "Method Not Allowed"                      "RFC 3261 21.4.6";
    406 NOT_ACCEPTABLE                          "Not Acceptable"                          "RFC 3261 21.4.7";
    407 PROXY_AUTHENTICATION_REQUIRED           "Proxy Authentication Required"           "RFC 3261 21.4.8";
    408 REQUEST_TIMEOUT                         "Request Timeout"                         "RFC 3261 21.4.9";
    410 GONE                                    "Gone"                                    "RFC 3261 21.4.10";
    412 CONDITIONAL_REQUEST_FAILED              "Conditional Request Failed"              "RFC 3903 11.2.1";
    413 REQUEST_ENTITY_TOO_LARGE                "Request Entity Too Large"                "RFC 3261 21.4.11";
    414 REQUEST_URI_TOO_LONG                    "Request-URI Too Long"                    "RFC 3261 21.4.12";
    415 UNSUPPORTED_MEDIA_TYPE                  "Unsupported Media Type"                  "RFC 3261 21.4.13";
    416 UNSUPPORTED_URI_SCHEME                  "Unsupported URI Scheme"                  "RFC 3261 21.4.14";
    417 UNKNOWN_RESOURCE_PRIORITY               "Unknown Resource-Priority"               "RFC 4412 12.4";
    420 BAD_EXTENSION                           "Bad Extension"                           "RFC 3261 21.4.15";
    421 EXTENSION_REQUIRED                      "Extension Required"                      "RFC 3261 21.4.16";
    422 SESSION_INTERVAL_TOO_SMALL              "Session Interval Too Small"              "RFC 4028 6";
    423 INTERVAL_TOO_BRIEF                      "Interval Too Brief"                      "RFC 3261 21.4.17";
    424 BAD_LOCATION_INFORMATION                "Bad Location Information"                "RFC 6442 4.3";
    425 BAD_ALERT_MESSAGE                       "Bad Alert Message"                       "RFC 8876 5.1";
    428 USE_IDENTITY_HEADER                     "Use Identity Header"                     "RFC 8224 6.2.2";
    429 PROVIDE_REFERRER_IDENTITY               "Provide Referrer Identity"               "RFC 3892 5";
    430 FLOW_FAILED                             "Flow Failed"                             "RFC 5626 11.5";
    433 ANONYMITY_DISALLOWED                    "Anonymity Disallowed"                    "RFC 5079 5";
    436 BAD_IDENTITY_INFO                       "Bad Identity Info"                       "RFC 8224 6.2.2";
    437 UNSUPPORTED_CREDENTIAL                  "Unsupported Credential"                  "RFC 8224 6.2.2";
    438 INVALID_IDENTITY_HEADER                 "Invalid Identity Header"                 "RFC 8224 6.2.2";
    439 FIRST_HOP_LACKS_OUTBOUND_SUPPORT        "First Hop Lacks Outbound Support"        "RFC 5626 11.6";
    440 MAX_BREADTH_EXCEEDED                    "Max-Breadth Exceeded"                    "RFC 5393 6.2";
    469 BAD_INFO_PACKAGE                        "Bad Info Package"                        "RFC 6086 11.6";
    470 CONSENT_NEEDED                          "Consent Needed"                          "RFC 5360 5.9.2";
    480 TEMPORARILY_UNAVAILABLE                 "Temporarily Unavailable"                 "RFC 3261 21.4.18";
    481 CALL_OR_TRANSACTION_DOES_NOT_EXIST      "Call/Transaction Does Not Exist"         "RFC 3261 21.4.19";
    482 LOOP_DETECTED                           "Loop Detected"                           "RFC 3261 21.4.20";
    483 TOO_MANY_HOPS                           "Too Many Hops"                           "RFC 3261 21.4.21";
    484 ADDRESS_INCOMPLETE                      "Address Incomplete"                      "RFC 3261 21.4.22";
    485 AMBIGUOUS                               "Ambiguous"                               "RFC 3261 21.4.23";
    486 BUSY_HERE                               "Busy Here"                               "RFC 3261 21.4.24";
    487 REQUEST_TERMINATED                      "Request Terminated"                      "RFC 3261 21.4.25";
    488 NOT_ACCEPTABLE_HERE                     "Not Acceptable Here"                     "RFC 3261 21.4.26";
    489 BAD_EVENT                               "Bad Event"                               "RFC 6665 8.3.2";
    491 REQUEST_PENDING                         "Request Pending"                         "RFC 3261 21.4.27";
    493 UNDECIPHERABLE                          "Undecipherable"                          "RFC 3261 21.4.28";
    494 SECURITY_AGREEMENT_REQUIRED             "Security Agreement Required"             "RFC 3329 2.3.1";
    500 SERVER_INTERNAL_ERROR                   "Server Internal Error"                   "RFC 3261 21.5.1";
    501 NOT_IMPLEMENTED                         "Not Implemented"                         "RFC 3261 21.5.2";
    502 BAD_GATEWAY                             "Bad Gateway"                             "RFC 3261 21.5.3";
    503 SERVICE_UNAVAILABLE                     "Service Unavailable"                     "RFC 3261 21.5.4";
    504 SERVER_TIMEOUT                          "Server Time-out"                         "RFC 3261 21.5.5";
    505 VERSION_NOT_SUPPORTED                   "Version Not Supported"                   "RFC 3261 21.5.6";
    513 MESSAGE_TOO_LARGE                       "Message Too Large"                       "RFC 3261 21.5.7";
    555 PUSH_NOTIFICATION_SERVICE_NOT_SUPPORTED "Push Notification Service Not Supported" "RFC 8599 8.1";
    580 PRECONDITION_FAILURE                    "Precondition Failure"                    "RFC 3312 8";
    600 BUSY_EVERYWHERE                         "Busy Everywhere"                         "RFC 3261 21.6.1";
    603 DECLINE                                 "Decline"                                 "RFC 3261 21.6.2";
    604 DOES_NOT_EXIST_ANYWHERE                 "Does Not Exist Anywhere"                 "RFC 3261 21.6.3";
    606 NOT_ACCEPTABLE_ANYWHERE                 "Not Acceptable"                          "RFC 3261 21.6.4";
    607 UNWANTED                                "Unwanted"                                "RFC 8197 4";
    608 REJECTED                                "Rejected"                                "RFC 8688 3.1";
}

impl StatusCode {
    /// The code, if it is in 100 to 699.
    #[must_use]
    pub const fn new(code: u16) -> Option<Self> {
        if matches!(code, 100..=699) { Some(Self(code)) } else { None }
    }

    /// Reads `Status-Code`, three digits (RFC 3261 §25.1).
    #[must_use]
    pub const fn from_bytes(digits: &[u8]) -> Option<Self> {
        let [hundreds @ b'1'..=b'6', tens @ b'0'..=b'9', ones @ b'0'..=b'9'] = digits else {
            return None;
        };
        let [hundreds, tens, ones] = [*hundreds - b'0', *tens - b'0', *ones - b'0'];
        Some(Self(hundreds as u16 * 100 + tens as u16 * 10 + ones as u16))
    }

    /// The code as a number, 100 to 699.
    #[must_use]
    pub const fn as_u16(self) -> u16 {
        self.0
    }

    /// The class.
    #[must_use]
    pub const fn class(self) -> Class {
        match self.0 {
            ..=199 => Class::Provisional,
            200..=299 => Class::Success,
            300..=399 => Class::Redirection,
            400..=499 => Class::ClientError,
            500..=599 => Class::ServerError,
            600.. => Class::GlobalFailure,
        }
    }

    /// Whether the response leaves the request open (1xx).
    #[must_use]
    pub const fn is_provisional(self) -> bool {
        matches!(self.class(), Class::Provisional)
    }

    /// Whether the response ends the request (2xx to 6xx).
    #[must_use]
    pub const fn is_final(self) -> bool {
        !self.is_provisional()
    }

    /// Whether the request was accepted (2xx).
    #[must_use]
    pub const fn is_success(self) -> bool {
        matches!(self.class(), Class::Success)
    }

    /// Whether the registry has the code.
    #[must_use]
    pub const fn is_registered(self) -> bool {
        self.registered_reason().is_some()
    }

    /// Whether the code is registered but not to be sent any more (RFC 6665 §8.3.1).
    #[must_use]
    pub const fn is_deprecated(self) -> bool {
        self.0 == Self::ACCEPTED.0
    }

    /// The registered code that this one counts as: itself, or for an unregistered one 183 if it
    /// is provisional and the x00 of its class otherwise (RFC 3261 §8.1.3.2).
    #[must_use]
    pub const fn recognized(self) -> Self {
        if self.is_registered() {
            return self;
        }
        match self.class() {
            Class::Provisional => Self::SESSION_PROGRESS,
            Class::Success => Self::OK,
            Class::Redirection => Self::MULTIPLE_CHOICES,
            Class::ClientError => Self::BAD_REQUEST,
            Class::ServerError => Self::SERVER_INTERNAL_ERROR,
            Class::GlobalFailure => Self::BUSY_EVERYWHERE,
        }
    }

    /// The default reason phrase, for an unregistered code that of the code it counts as.
    #[must_use]
    pub const fn reason(self) -> &'static str {
        match self.recognized().registered_reason() {
            Some(reason) => reason,
            None => "Unknown",
        }
    }
}

impl From<StatusCode> for u16 {
    fn from(code: StatusCode) -> Self {
        code.0
    }
}

impl fmt::Display for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for StatusCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "StatusCode({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unrecognized_final_code_counts_as_x00_of_its_class_rfc3261_8_1_3_2() {
        let counts_as = |code| StatusCode::new(code).map(StatusCode::recognized);
        assert_eq!(counts_as(299), Some(StatusCode::OK));
        assert_eq!(counts_as(399), Some(StatusCode::MULTIPLE_CHOICES));
        assert_eq!(counts_as(431), Some(StatusCode::BAD_REQUEST));
        assert_eq!(counts_as(599), Some(StatusCode::SERVER_INTERNAL_ERROR));
        assert_eq!(counts_as(699), Some(StatusCode::BUSY_EVERYWHERE));
    }

    #[test]
    fn an_unrecognized_provisional_code_counts_as_183_rfc3261_8_1_3_2() {
        let code = StatusCode::new(155).unwrap();
        assert_eq!(code.recognized(), StatusCode::SESSION_PROGRESS);
        assert_eq!(code.reason(), "Session Progress");
        assert!(code.is_provisional() && !code.is_final());
    }

    #[test]
    fn a_status_code_is_three_digits_of_six_classes_rfc3261_7_2() {
        for text in [&b""[..], b"20", b"2000", b"099", b"700", b"2x0", b" 20", b"+20"] {
            assert_eq!(StatusCode::from_bytes(text), None);
        }
        for code in 0..1000 {
            let three_digits = StatusCode::from_bytes(format!("{code:03}").as_bytes());
            assert_eq!(StatusCode::new(code), three_digits);
        }
    }
}
