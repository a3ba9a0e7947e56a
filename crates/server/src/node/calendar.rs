//! The Date of responses (RFC 3261 §20.17), which is written anew once a second.

use antiphon_core::time::Time;
use antiphon_sip::header::Date;

/// The last moment that was asked for, and its text.
#[derive(Debug, Default)]
pub(super) struct Calendar {
    seconds: u64,
    text: String,
}

impl Calendar {
    /// The value of a Date field; none beyond the year 9999.
    pub(super) fn date(&mut self, now: Time) -> Option<&str> {
        let seconds = now.as_secs();
        if self.text.is_empty() || seconds != self.seconds {
            let date = i64::try_from(seconds).ok().and_then(Date::from_unix);
            self.text = date.map(|date| date.to_string()).unwrap_or_default();
            self.seconds = seconds;
        }
        Some(&*self.text).filter(|text| !text.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_date_is_that_of_its_second_rfc3261_20_17() {
        let mut calendar = Calendar::default();
        let now = Time::from_secs(784_111_777);
        assert_eq!(calendar.date(now), Some("Sun, 06 Nov 1994 08:49:37 GMT"));
        assert_eq!(
            calendar.date(now + Duration::from_millis(999)),
            Some("Sun, 06 Nov 1994 08:49:37 GMT")
        );
        assert_eq!(
            calendar.date(now + Duration::from_secs(1)),
            Some("Sun, 06 Nov 1994 08:49:38 GMT")
        );
        assert_eq!(calendar.date(Time::EPOCH), Some("Thu, 01 Jan 1970 00:00:00 GMT"));
    }
}
