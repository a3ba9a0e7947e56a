//! `Date` (RFC 3261 §20.17): RFC 1123 dates, in GMT only.

use std::fmt;

use super::Field;
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// A moment, in whole seconds since the Unix epoch, from the year 0 to 9999.
///
/// Dates before 1970 are negative. A leap second, `23:59:60`, is refused: the grammar ends at 59.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date(i64);

const DAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const DAY: i64 = 86_400;
/// The first and the last second that four digits of a year can say.
const RANGE: std::ops::RangeInclusive<i64> = -62_167_219_200..=253_402_300_799;

impl Date {
    /// The date of a Unix time, if its year has four digits.
    #[must_use]
    pub fn from_unix(seconds: i64) -> Option<Self> {
        RANGE.contains(&seconds).then_some(Self(seconds))
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix(self) -> i64 {
        self.0
    }
}

impl<'a> Field<'a> for Date {
    const NAME: HeaderName = HeaderName::Date;

    /// `wkday "," SP 2DIGIT SP month SP 4DIGIT SP 2DIGIT ":" 2DIGIT ":" 2DIGIT SP "GMT"`. The day
    /// of the week must be a day of the week and the date must exist (RFC 4475 §3.1.2.12 shows one
    /// in another zone); whether the two fit together is not looked at.
    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let error = scanner.expected(Expected::Date);
        read(scanner).ok_or(error)
    }
}

fn read(scanner: &mut Scanner<'_>) -> Option<Date> {
    index(scanner, &DAYS)?;
    literal(scanner, b", ")?;
    let day = digits(scanner, 2)?;
    literal(scanner, b" ")?;
    let month = index(scanner, &MONTHS)? + 1;
    literal(scanner, b" ")?;
    let year = digits(scanner, 4)?;
    literal(scanner, b" ")?;
    let hour = digits(scanner, 2)?;
    literal(scanner, b":")?;
    let minute = digits(scanner, 2)?;
    literal(scanner, b":")?;
    let second = digits(scanner, 2)?;
    literal(scanner, b" GMT")?;
    let exists =
        (1..=days_in(year, month)).contains(&day) && hour < 24 && minute < 60 && second < 60;
    exists.then(|| Date(days_to(year, month, day) * DAY + hour * 3600 + minute * 60 + second))
}

fn literal(scanner: &mut Scanner<'_>, text: &[u8]) -> Option<()> {
    text.iter().all(|octet| scanner.eat(*octet)).then_some(())
}

/// Literals of the grammar compare without regard to case (RFC 5234 §2.3).
fn index(scanner: &mut Scanner<'_>, names: &[&str]) -> Option<i64> {
    let name = scanner.rest().get(..3)?;
    let index = names.iter().position(|known| known.as_bytes().eq_ignore_ascii_case(name))?;
    scanner.advance(3);
    i64::try_from(index).ok()
}

fn digits(scanner: &mut Scanner<'_>, count: usize) -> Option<i64> {
    let digits = scanner.rest().get(..count)?;
    scanner.advance(count);
    digits.iter().try_fold(0, |value, digit| {
        digit.is_ascii_digit().then(|| value * 10 + i64::from(digit - b'0'))
    })
}

const fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

const fn days_in(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days from the epoch to a date of the Gregorian calendar. The year is taken to begin in March,
/// so that the leap day is its last.
const fn days_to(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year - era * 400;
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// The date `days` after the epoch: year, month, day.
const fn date_of(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days - era * 146_097;
    let year = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + (if month <= 2 { 1 } else { 0 }), month, day)
}

fn name<'n>(names: &[&'n str], index: i64) -> &'n str {
    usize::try_from(index).ok().and_then(|index| names.get(index)).copied().unwrap_or_default()
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days = self.0.div_euclid(DAY);
        let second = self.0.rem_euclid(DAY);
        let (year, month, day) = date_of(days);
        // The epoch was a Thursday.
        let weekday = name(&DAYS, (days + 3).rem_euclid(7));
        let month = name(&MONTHS, month - 1);
        let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
        write!(f, "{weekday}, {day:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    #[test]
    fn a_date_is_a_number_of_seconds_rfc3261_20_17() {
        for (text, seconds) in [
            ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Sat, 13 Nov 2010 23:29:00 GMT", 1_289_690_940),
            ("Thu, 29 Feb 2024 12:00:00 GMT", 1_709_208_000),
            ("Wed, 31 Dec 1969 23:59:59 GMT", -1),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
            ("Sat, 01 Jan 0000 00:00:00 GMT", -62_167_219_200),
        ] {
            assert_eq!(parse_value::<Date>(text.as_bytes()), Ok(Date(seconds)), "{text}");
            assert_eq!(Date(seconds).to_string(), text);
        }
        let lower = "sat, 13 nov 2010 23:29:00 GMT";
        reads::<Date>(&[(lower, "Sat, 13 Nov 2010 23:29:00 GMT")]);
    }

    #[test]
    fn only_gmt_and_dates_that_exist_rfc4475_3_1_2_12() {
        refuses::<Date>(&[
            "Fri, 01 Jan 2010 16:00:00 EST",
            "Fri, 01 Jan 2010 16:00:00",
            "Fri, 29 Feb 2023 16:00:00 GMT",
            "Fri, 00 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 2010 24:00:00 GMT",
            "Fri, 31 Dec 2016 23:59:60 GMT",
            "Friday, 01 Jan 2010 16:00:00 GMT",
            "Fri, 1 Jan 2010 16:00:00 GMT",
            "Fri, 01 Jan 10 16:00:00 GMT",
            "",
        ]);
        assert_eq!(Date::from_unix(253_402_300_800), None);
    }
}
