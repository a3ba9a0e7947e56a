//! `Retry-After` (RFC 3261 §20.33): when the server, or the called person, can be asked again.

use std::fmt;

use super::seconds::seconds;
use super::{Field, Params};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

/// `delta-seconds [ comment ] *( SEMI retry-param )`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryAfter<'a> {
    /// Seconds to wait, as told; no upper end is defined, and what does not fit is the largest.
    /// See [`is_sensible`](Self::is_sensible).
    pub seconds: u64,
    /// What the server says about it, inside the parentheses, escapes as they stand.
    pub comment: Option<&'a str>,
    /// The parameters, `duration` among them.
    pub params: Params<'a>,
}

/// Comments within comments that are read. The grammar knows no end; people do.
const MAX_DEPTH: u8 = 16;

impl<'a> RetryAfter<'a> {
    /// The longest wait worth keeping, in seconds: a day.
    pub const SENSIBLE: u64 = 86_400;

    /// A time to wait and nothing more.
    #[must_use]
    pub const fn new(seconds: u64) -> RetryAfter<'static> {
        RetryAfter { seconds, comment: None, params: Params::NONE }
    }

    /// Whether the wait is a day at most. A longer one counts as absent where it is acted on:
    /// RFC 4475 §3.1.2.5 shows such a value, and believing it would silence a server for good.
    #[must_use]
    pub const fn is_sensible(&self) -> bool {
        self.seconds <= Self::SENSIBLE
    }

    /// Seconds for which the called person can then be reached.
    #[must_use]
    pub fn duration(&self) -> Option<u32> {
        let mut scanner = Scanner::new(self.params.value("duration")?.as_bytes());
        let duration = seconds(&mut scanner).ok()?;
        scanner.is_at_end().then_some(duration)
    }
}

impl<'a> Field<'a> for RetryAfter<'a> {
    const NAME: HeaderName = HeaderName::RetryAfter;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let seconds = scanner.number(u64::MAX)?;
        let mut ahead = scanner.clone();
        ahead.skip_whitespace();
        let mut comment = None;
        if ahead.peek() == Some(b'(') {
            comment = Some(scan_comment(&mut ahead)?);
            *scanner = ahead;
        }
        Ok(Self { seconds, comment, params: Params::scan(scanner)? })
    }
}

/// `comment = LPAREN *( ctext / quoted-pair / comment ) RPAREN`
fn scan_comment<'a>(scanner: &mut Scanner<'a>) -> Result<&'a str, SyntaxError> {
    scanner.expect(b'(')?;
    let start = scanner.offset();
    let mut depth = 1_u8;
    loop {
        match scanner.peek() {
            None => return Err(scanner.expected(Expected::Octet(b')'))),
            Some(b')') if depth == 1 => break,
            Some(b')') => depth -= 1,
            Some(b'(') if depth >= MAX_DEPTH => {
                return Err(scanner.expected(Expected::Octet(b')')));
            }
            Some(b'(') => depth += 1,
            Some(b'\\') => scanner.advance(1),
            Some(_) => {}
        }
        scanner.advance(1);
    }
    let inside = as_str(scanner.since(start), start)?;
    scanner.advance(1);
    Ok(inside)
}

impl fmt::Display for RetryAfter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seconds.fmt(f)?;
        if let Some(comment) = self.comment {
            write!(f, " ({comment})")?;
        }
        self.params.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};
    use crate::header::parse_value;

    #[test]
    fn a_wait_may_have_a_comment_and_a_duration_rfc3261_20_33() {
        reads::<RetryAfter<'_>>(&[
            ("18000;duration=3600", "18000;duration=3600"),
            ("120 (I'm (really) in a meeting\\))", "120 (I'm (really) in a meeting\\))"),
            ("5(now) ;x", "5 (now);x"),
        ]);
        let read = parse_value::<RetryAfter<'_>>(b"5 (a);duration=60").unwrap();
        assert_eq!((read.comment, read.duration()), (Some("a"), Some(60)));
        let deep = format!("5 {}", "(".repeat(400));
        refuses::<RetryAfter<'_>>(&["", "x", "-1", "5 (a", "5 (a))", "5 a", "(a)", "5 (\\", &deep]);
    }

    #[test]
    fn an_unreasonable_wait_is_told_apart_rfc4475_3_1_2_5() {
        let large = parse_value::<RetryAfter<'_>>(b"949302838503028349304023988").unwrap();
        assert_eq!((large.seconds, large.is_sensible()), (u64::MAX, false));
        assert!(RetryAfter::new(86_400).is_sensible());
    }
}
