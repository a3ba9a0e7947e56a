//! When something may be tried again (RFC 3261 §20.33).

use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_core::user_agent::Outcome;
use antiphon_sip::StatusCode;
use antiphon_sip::header::{RetryAfter, parse_value};

/// A moment at which it may be tried again, told by the response that decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Later {
    /// From the response on.
    pub(super) wait: Duration,
    /// The moment.
    pub(super) at: Time,
}

impl Later {
    /// From the outcome's Retry-After. A value that is no number, or above a day, counts as absent
    /// (RFC 4475 §3.1.2.5 shows one), and so does one with a code that defines none.
    pub(super) fn of(outcome: &Outcome) -> Option<Self> {
        outcome.code.filter(|code| defines_retry_after(*code))?;
        let fields = outcome.evidence.iter();
        let mut values = fields.filter(|(name, _)| name.eq_ignore_ascii_case("Retry-After"));
        let field: RetryAfter<'_> = parse_value(values.next()?.1.as_bytes()).ok()?;
        let wait = field.is_sensible().then(|| Duration::from_secs(field.seconds))?;
        Some(Self { wait, at: outcome.ended + wait })
    }
}

/// The codes with which RFC 3261 §20.33 defines the field; an unknown 5xx counts as 500.
const fn defines_retry_after(code: StatusCode) -> bool {
    matches!(code.as_u16(), 404 | 413 | 480 | 486 | 500 | 503 | 600 | 603)
        || matches!(code.as_u16(), 500..=599) && !code.is_registered()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::testing::refused;

    fn later(code: u16, value: &str) -> Option<u64> {
        Later::of(&refused(code, &[("Retry-After", value)])).map(|later| later.wait.as_secs())
    }

    #[test]
    fn the_wait_is_counted_from_the_response_rfc3261_20_33() {
        let outcome = refused(486, &[("Retry-After", "600 (in a meeting);duration=3600")]);
        let later = Later::of(&outcome).unwrap();
        assert_eq!(later.at, outcome.ended + Duration::from_secs(600));
    }

    #[test]
    fn at_once_is_a_time_and_an_unknown_5xx_is_a_500_rfc3261_8_1_3_2() {
        assert_eq!(later(503, "0"), Some(0));
        assert_eq!(later(599, "5"), Some(5));
    }

    #[test]
    fn what_is_no_sensible_time_or_not_defined_is_not_told_rfc4475_3_1_2_5() {
        for value in ["", "-1", "949302838503028349304023988", "315360000", "soon"] {
            assert_eq!(later(503, value), None, "{value}");
        }
        assert_eq!(later(403, "5"), None);
        assert_eq!(Later::of(&refused(486, &[])), None);
    }
}
