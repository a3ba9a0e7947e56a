//! Fields that are a number of seconds: `Expires` (RFC 3261 §20.19), `Min-Expires` (§20.23),
//! `Flow-Timer` (RFC 5626 §10), `Min-SE` and `Session-Expires` (RFC 4028 §4, §5).

use std::fmt;

use super::{Field, Params};
use crate::name::HeaderName;
use crate::parse::scan::{Scanner, SyntaxError};

/// The largest `delta-seconds`: 2^32 - 1 (RFC 3261 §20.19).
const MAX: u64 = u32::MAX as u64;

/// How long a registration, subscription, publication or invitation is to last, in seconds.
///
/// Every text is some duration: a value that is malformed, a date of RFC 2543 among them, or above
/// 2^32 - 1 is worth 3600 seconds (RFC 3261 §8.3 and §10.2, RFC 4475 §3.1.2.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Expires(pub u32);

impl Expires {
    /// What a value counts as that is none.
    pub const MALFORMED: Self = Self(super::contact::DEFAULT_EXPIRES);
}

impl<'a> Field<'a> for Expires {
    const NAME: HeaderName = HeaderName::Expires;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let mut ahead = scanner.clone();
        let number = seconds(&mut ahead).and_then(|value| ahead.end().map(|()| value));
        scanner.advance(scanner.rest().len());
        Ok(number.map_or(Self::MALFORMED, Self))
    }
}

impl fmt::Display for Expires {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One row a field: a number of seconds and nothing else, at most 2^32 - 1.
macro_rules! seconds_fields {
    ($($(#[$about:meta])* $Name:ident;)+) => {$(
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub struct $Name(pub u32);

        impl<'a> Field<'a> for $Name {
            const NAME: HeaderName = HeaderName::$Name;

            fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
                seconds(scanner).map(Self)
            }
        }

        impl fmt::Display for $Name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

seconds_fields! {
    /// `Min-Expires`: the shortest duration a server grants (RFC 3261 §20.23).
    MinExpires;
    /// `Flow-Timer`: the longest silence a server bears before it gives a flow up
    /// (RFC 5626 §5.4, §10).
    FlowTimer;
}

/// `Session-Expires`: how long a session lasts without being refreshed (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SessionExpires<'a> {
    /// Seconds; below the smallest allowed 90 too, for the one who answers 422 has to see it.
    pub seconds: u32,
    /// Parameters, `refresher` among them.
    pub params: Params<'a>,
}

/// Who sends the refreshes (RFC 4028 §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refresher {
    /// The client of the transaction that this value was agreed in.
    Uac,
    /// Its server.
    Uas,
}

impl Refresher {
    /// The value of the parameter.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Uac => "uac",
            Self::Uas => "uas",
        }
    }
}

impl<'a> SessionExpires<'a> {
    /// A value without a refresher, or with one.
    #[must_use]
    pub fn new(seconds: u32, refresher: Option<Refresher>) -> SessionExpires<'static> {
        let text = match refresher {
            None => "",
            Some(Refresher::Uac) => ";refresher=uac",
            Some(Refresher::Uas) => ";refresher=uas",
        };
        SessionExpires { seconds, params: Params::new(text).unwrap_or_default() }
    }

    /// Who is to refresh; `None` if that is not said, or in a way that RFC 4028 does not know.
    #[must_use]
    pub fn refresher(&self) -> Option<Refresher> {
        let value = self.params.value("refresher")?;
        let known = [Refresher::Uac, Refresher::Uas];
        known.into_iter().find(|refresher| refresher.as_str().eq_ignore_ascii_case(value))
    }
}

impl<'a> Field<'a> for SessionExpires<'a> {
    const NAME: HeaderName = HeaderName::SessionExpires;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Ok(Self { seconds: seconds(scanner)?, params: Params::scan(scanner)? })
    }
}

impl fmt::Display for SessionExpires<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params)
    }
}

/// `Min-SE`: the shortest session interval on the way (RFC 4028 §5).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MinSe<'a> {
    /// Seconds.
    pub seconds: u32,
    /// Parameters; none is defined.
    pub params: Params<'a>,
}

impl MinSe<'_> {
    /// What holds without the field, and below which no value is allowed (RFC 4028 §5).
    pub const DEFAULT: u32 = 90;
}

impl<'a> Field<'a> for MinSe<'a> {
    const NAME: HeaderName = HeaderName::MinSe;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        Ok(Self { seconds: seconds(scanner)?, params: Params::scan(scanner)? })
    }
}

impl fmt::Display for MinSe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.seconds, self.params)
    }
}

/// `delta-seconds`
pub(super) fn seconds(scanner: &mut Scanner<'_>) -> Result<u32, SyntaxError> {
    Ok(u32::try_from(scanner.number(MAX)?).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    #[test]
    fn malformed_and_overlarge_expiries_are_an_hour_rfc4475_3_1_2_4() {
        reads::<Expires>(&[
            (" 0 ", "0"),
            ("007", "7"),
            ("4294967295", "4294967295"),
            ("4294967296", "3600"),
            ("10000000000000000000000000000000000000", "3600"),
            ("Thu, 01 Dec 1994 16:00:00 GMT", "3600"),
            ("-1", "3600"),
            ("60;x", "3600"),
            ("", "3600"),
        ]);
    }

    #[test]
    fn other_durations_must_be_numbers_rfc3261_20_23() {
        reads::<MinExpires>(&[("60", "60")]);
        reads::<FlowTimer>(&[("126", "126")]);
        refuses::<MinExpires>(&["", "x", "60;a", "4294967296", "-1", "1.5"]);
    }

    #[test]
    fn a_session_interval_may_name_its_refresher_rfc4028_4() {
        reads::<SessionExpires<'_>>(&[
            ("4000 ; refresher=uac", "4000; refresher=uac"),
            ("90;x=y", "90;x=y"),
        ]);
        let read = parse_value::<SessionExpires<'_>>(b"90;Refresher=UAS").unwrap();
        assert_eq!(read.refresher(), Some(Refresher::Uas));
        assert_eq!(SessionExpires::new(90, Some(Refresher::Uac)).to_string(), "90;refresher=uac");
        assert_eq!(SessionExpires::new(90, None).refresher(), None);
        refuses::<SessionExpires<'_>>(&["", ";refresher=uac", "90;", "90 uac", "4294967296"]);
        reads::<MinSe<'_>>(&[("3600", "3600")]);
        refuses::<MinSe<'_>>(&["x", "90,91"]);
    }
}
