//! Moments as a person reads them: on the clock of this machine, in its time zone.

use antiphon_core::time::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// The day and the time, as in `2026-11-23 14:32`.
#[must_use]
pub fn day_and_time(time: Time) -> String {
    local(time, TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

/// The time of day, as in `14:32:10`, with the day before it if it is not that of `now`.
pub(super) fn time_of_day(time: Time, now: Time) -> String {
    in_zone(time, now, TimeZone::system())
}

fn in_zone(time: Time, now: Time, zone: TimeZone) -> String {
    let (time, now) = (local(time, zone.clone()), local(now, zone));
    let form = if time.date() == now.date() { "%H:%M:%S" } else { "%Y-%m-%d %H:%M:%S" };
    time.strftime(form).to_string()
}

/// A time that no calendar has is shown as the first moment of 1970.
fn local(time: Time, zone: TimeZone) -> Zoned {
    let micros = i64::try_from(time.as_micros()).unwrap_or_default();
    Timestamp::from_microsecond(micros).unwrap_or_default().to_zoned(zone)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::tz;

    use super::*;

    #[test]
    fn the_day_is_told_when_it_is_another() {
        let zone = || tz::offset(1).to_time_zone();
        // 2026-11-23 13:32:10 UTC.
        let now = Time::from_secs(1_795_440_730);
        assert_eq!(in_zone(now, now, zone()), "14:32:10");
        let later = now + Duration::from_secs(10 * 3600);
        assert_eq!(in_zone(later, now, zone()), "2026-11-24 00:32:10");
    }

    #[test]
    fn no_moment_is_too_far() {
        assert_eq!(
            in_zone(Time::from_micros(u64::MAX), Time::from_secs(0), TimeZone::UTC),
            "00:00:00"
        );
    }
}
