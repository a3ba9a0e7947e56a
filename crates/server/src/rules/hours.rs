//! Hours and weekdays.

use std::fmt;

use super::facts::Weekday;
use crate::reading::reader::{FromValue, Item, Reader};
use crate::reading::suggest::nearest;

/// Part of a day in minutes since midnight; the end does not belong to it. When it ends before it
/// begins it goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let hours = Self { from: minute(from.trim())?, to: minute(to.trim())? };
        (hours.from != hours.to && hours.from < DAY).then_some(hours)
    }

    pub(crate) const fn contains(self, minute: u16) -> bool {
        if self.from < self.to {
            self.from <= minute && minute < self.to
        } else {
            self.from <= minute || minute < self.to
        }
    }

    /// Whether every minute of it is in one of others.
    pub(crate) fn is_within(self, others: &[Self]) -> bool {
        (0..DAY)
            .filter(|minute| self.contains(*minute))
            .all(|minute| others.iter().any(|other| other.contains(minute)))
    }
}

const DAY: u16 = 24 * 60;

/// `08:30`; `24:00` is the end of a day.
fn minute(text: &str) -> Option<u16> {
    let (hour, minute) = text.split_once(':')?;
    let two = |digits: &str| {
        let is_two = digits.len() == 2 && digits.bytes().all(|octet| octet.is_ascii_digit());
        is_two.then(|| digits.parse::<u16>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let whole = hour * 60 + minute;
    (minute < 60 && whole <= DAY).then_some(whole)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { from, to } = self;
        write!(f, "{:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)
    }
}

impl FromValue for Hours {
    fn kind() -> String {
        "hours such as \"08:00-18:00\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        Self::parse(text).or_else(|| {
            let meant = padded(text).filter(|meant| Self::parse(meant).is_some());
            reader.not_a(item, Self::kind(), meant.as_deref())
        })
    }
}

/// `8-18` or `8:00-18:00` as it should have been written.
fn padded(text: &str) -> Option<String> {
    let (from, to) = text.split_once('-')?;
    let pad = |time: &str| {
        let (hour, minute) = time.trim().split_once(':').unwrap_or((time.trim(), "00"));
        format!("{hour:0>2}:{minute:0>2}")
    };
    Some(format!("{}-{}", pad(from), pad(to)))
}

/// Days that follow each other: `mon-fri`, `sat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Days {
    first: Weekday,
    last: Weekday,
}

impl Days {
    pub(crate) fn contains(self, day: Weekday) -> bool {
        if self.first <= self.last {
            self.first <= day && day <= self.last
        } else {
            self.first <= day || day <= self.last
        }
    }

    pub(crate) fn is_within(self, others: &[Self]) -> bool {
        let mut mine = Weekday::ALL.into_iter().filter(|day| self.contains(*day));
        mine.all(|day| others.iter().any(|other| other.contains(day)))
    }
}

fn day(text: &str) -> Option<Weekday> {
    Weekday::ALL.into_iter().find(|day| day.name().eq_ignore_ascii_case(text.trim()))
}

impl fmt::Display for Days {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.first.name())?;
        if self.first == self.last { Ok(()) } else { write!(f, "-{}", self.last.name()) }
    }
}

impl FromValue for Days {
    fn kind() -> String {
        "weekdays such as \"mon-fri\" or \"sat\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        match (day(first), day(last)) {
            (Some(first), Some(last)) => Some(Self { first, last }),
            _ => {
                let meant = meant(first, last);
                reader.not_a(item, Self::kind(), meant.as_deref())
            }
        }
    }
}

/// `monday`, `Tues` and `wedn` begin as the day does.
fn meant(first: &str, last: &str) -> Option<String> {
    let near = |text: &str| {
        let start: String = text.trim().chars().take(3).collect();
        nearest(&start, Weekday::ALL.map(Weekday::name))
    };
    let (from, to) = (near(first)?, near(last)?);
    Some(if from == to { from.to_owned() } else { format!("{from}-{to}") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hours_may_go_over_midnight_and_end_before_their_end() {
        let day = Hours::parse("08:00-18:00").unwrap();
        assert!(day.contains(480) && day.contains(1079));
        assert!(!day.contains(479) && !day.contains(1080));
        let night = Hours::parse("22:00-06:00").unwrap();
        assert!(night.contains(1320) && night.contains(0) && night.contains(359));
        assert!(!night.contains(360) && !night.contains(1319));
        assert!(Hours::parse("00:00-24:00").unwrap().contains(1439));
        for bad in ["8-18", "08:00", "08:00-08:00", "24:00-01:00", "08:60-09:00", "25:00-26:00", ""]
        {
            assert_eq!(Hours::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn hours_may_be_within_several() {
        let all = ["08:00-12:00", "12:00-18:00"].map(|text| Hours::parse(text).unwrap());
        assert!(Hours::parse("09:00-13:00").unwrap().is_within(&all));
        assert!(!Hours::parse("09:00-19:00").unwrap().is_within(&all));
    }

    #[test]
    fn days_may_go_over_the_end_of_the_week() {
        let days = Days { first: Weekday::Friday, last: Weekday::Monday };
        assert!(days.contains(Weekday::Sunday) && days.contains(Weekday::Monday));
        assert!(!days.contains(Weekday::Tuesday));
    }
}
