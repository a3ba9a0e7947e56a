//! What a rule may ask about a request.

use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use antiphon_sip::{Method, Request, Transport, Uri};
use jiff::Zoned;

use crate::reading::kinds::Role;

/// Everything that decides where a request goes. Nothing here is looked up: clock, location
/// service and probes are asked before.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// The request, its Route of ours taken off.
    pub request: &'a Request,
    /// Its method; of a CANCEL or ACK that goes without state, INVITE: it takes the way of what it
    /// belongs to (RFC 3261 §16.11).
    pub method: &'a Method,
    /// The address it came from.
    pub source: IpAddr,
    /// The transport it came over.
    pub transport: Transport,
    /// Whether its sender proved to be an account of ours.
    pub is_authenticated: bool,
    /// Whether `source` lies in a trusted network.
    pub is_trusted: bool,
    /// The trunk that it comes from, if it does.
    pub trunk: Option<&'a str>,
    /// The role of the domain that the Request-URI is in; `None` when it is none of ours.
    pub role: Option<Role>,
    /// The time in the server's time zone.
    pub moment: Moment,
    /// The trunks that are known to be down.
    pub down: &'a DownTrunks,
}

impl Facts<'_> {
    /// Whether the Request-URI is in a domain of ours.
    #[must_use]
    pub const fn is_local(&self) -> bool {
        self.role.is_some()
    }

    /// The user of the Request-URI with its escapes undone, or the digits of a telephone number
    /// (RFC 3966 §3); empty when there is neither.
    pub(crate) fn callee(&self) -> String {
        user_of(&self.request.uri())
    }

    /// The host of the Request-URI; of a telephone number there is none.
    pub(crate) fn callee_host(&self) -> String {
        host_of(&self.request.uri())
    }

    /// The user of From, as [`callee`](Self::callee).
    pub(crate) fn caller(&self) -> String {
        self.request.from().map(|from| user_of(&from.uri)).unwrap_or_default()
    }

    pub(crate) fn caller_host(&self) -> String {
        self.request.from().map(|from| host_of(&from.uri)).unwrap_or_default()
    }
}

fn user_of(uri: &Uri<'_>) -> String {
    match uri {
        Uri::Sip(sip) => sip.user_unescaped().unwrap_or_default().into_owned(),
        Uri::Tel(tel) if tel.is_global() => {
            let digits = tel.digits().filter(|digit| *digit != '+');
            std::iter::once('+').chain(digits).collect()
        }
        Uri::Tel(tel) => tel.digits().collect(),
        Uri::Other { .. } => String::new(),
    }
}

fn host_of(uri: &Uri<'_>) -> String {
    uri.as_sip().map(|sip| sip.host.to_string().to_ascii_lowercase()).unwrap_or_default()
}

/// A time of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The day.
    pub weekday: Weekday,
    /// Minutes since midnight, 0 to 1439.
    pub minute: u16,
}

impl Moment {
    /// What the clock on the wall shows.
    #[must_use]
    pub fn of(now: &Zoned) -> Self {
        // jiff numbers days from Monday and hours and minutes from 0: none is negative.
        let day = usize::from(now.weekday().to_monday_zero_offset().unsigned_abs());
        let weekday = Weekday::ALL.get(day).copied().unwrap_or(Weekday::Monday);
        let minutes = |number: i8| u16::from(number.unsigned_abs());
        Self { weekday, minute: minutes(now.hour()) * 60 + minutes(now.minute()) }
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:02}:{:02}", self.weekday.name(), self.minute / 60, self.minute % 60)
    }
}

/// A day of the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Weekday {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Weekday {
    /// The days of a week, in order.
    pub const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    /// The day's name in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Monday => "mon",
            Self::Tuesday => "tue",
            Self::Wednesday => "wed",
            Self::Thursday => "thu",
            Self::Friday => "fri",
            Self::Saturday => "sat",
            Self::Sunday => "sun",
        }
    }
}

/// The trunks that are down, by name. Of a trunk that is not probed nobody knows, and it is taken
/// for up.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DownTrunks(BTreeSet<Box<str>>);

impl DownTrunks {
    /// Every trunk is up.
    pub const NONE: Self = Self(BTreeSet::new());

    /// Whether a trunk is down.
    #[must_use]
    pub fn contains(&self, trunk: &str) -> bool {
        self.0.contains(trunk)
    }

    /// Takes down what a probe found.
    pub fn set(&mut self, trunk: &str, is_down: bool) {
        if is_down {
            self.0.insert(trunk.into());
        } else {
            self.0.remove(trunk);
        }
    }
}

impl<T: Into<Box<str>>> FromIterator<T> for DownTrunks {
    fn from_iter<I: IntoIterator<Item = T>>(trunks: I) -> Self {
        Self(trunks.into_iter().map(Into::into).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_that_of_the_clock_on_the_wall() {
        let at = |text: &str| Moment::of(&text.parse().unwrap()).to_string();
        assert_eq!(at("2024-07-10T14:30:59-03:30[-03:30]"), "wed 14:30");
        assert_eq!(at("2024-07-14T23:59:00+02:00[+02:00]"), "sun 23:59");
        assert_eq!(at("2024-07-15T00:00:00Z[+00:00]"), "mon 00:00");
    }
}
