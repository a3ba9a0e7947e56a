//! `Timestamp` (RFC 3261 §20.38): when the client sent the request, and how long the server took.

use std::fmt;
use std::time::Duration;

use super::Field;
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

/// `1*DIGIT [ "." *DIGIT ] [ LWS delay ]`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timestamp<'a> {
    /// The client's time, which has a meaning only to the client and is copied as it stands.
    pub time: &'a str,
    /// Seconds between the arrival of the request and the response, `1*DIGIT [ "." *DIGIT ]`.
    pub delay: Option<&'a str>,
}

impl Timestamp<'_> {
    /// The delay to the microsecond; `None` without one, or when it is beyond all reason (more
    /// than a day).
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        let (whole, part) = self.delay?.split_once('.').unwrap_or((self.delay?, ""));
        let seconds: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
        let digits = part.bytes().chain(std::iter::repeat(b'0')).take(6);
        let micros = digits.fold(0, |value, digit| value * 10 + u64::from(digit - b'0'));
        (seconds <= 86_400).then(|| Duration::from_micros(seconds * 1_000_000 + micros))
    }
}

impl<'a> Field<'a> for Timestamp<'a> {
    const NAME: HeaderName = HeaderName::Timestamp;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let missing = scanner.expected(Expected::Number);
        let time = decimal(scanner)?;
        if !time.starts_with(|first: char| first.is_ascii_digit()) {
            return Err(missing);
        }
        let mut ahead = scanner.clone();
        ahead.skip_whitespace();
        let delay = (ahead.offset() > scanner.offset()).then(|| decimal(&mut ahead)).transpose()?;
        let delay = delay.filter(|delay| !matches!(*delay, "" | "."));
        if delay.is_some() {
            *scanner = ahead;
        }
        Ok(Self { time, delay })
    }
}

fn decimal<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    let start = scanner.offset();
    scanner.take_while(|octet| octet.is_ascii_digit());
    if scanner.eat(b'.') {
        scanner.take_while(|octet| octet.is_ascii_digit());
    }
    as_str(scanner.since(start), start)
}

impl fmt::Display for Timestamp<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.time)?;
        self.delay.map_or(Ok(()), |delay| write!(f, " {delay}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    #[test]
    fn a_timestamp_is_copied_as_it_stands_rfc3261_20_38() {
        reads::<Timestamp<'_>>(&[
            ("54", "54"),
            ("54.21 \t0.5", "54.21 0.5"),
            ("54. .25", "54. .25"),
            ("99999999999999999999.0000000000 ", "99999999999999999999.0000000000"),
        ]);
        refuses::<Timestamp<'_>>(&["", ".5", "x", "-1", "1 2 3", "1.2.3", "1 x", "1,2"]);
    }

    #[test]
    fn the_delay_is_a_duration_within_reason() {
        let delay = |text: &str| parse_value::<Timestamp<'_>>(text.as_bytes()).unwrap().delay();
        assert_eq!(delay("1 0.5"), Some(Duration::from_millis(500)));
        assert_eq!(delay("1 .0000019"), Some(Duration::from_micros(1)));
        assert_eq!(delay("1 99999999999999999999"), None);
        assert_eq!(delay("1 99999999"), None);
        assert_eq!(delay("1"), None);
    }
}
