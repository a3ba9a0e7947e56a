//! `RSeq` and `RAck` (RFC 3262 §7.1, §7.2): numbers of provisional responses.

use std::fmt;

use super::{CSeq, Field};
use crate::name::HeaderName;
use crate::parse::scan::{Expected, Scanner, SyntaxError};

/// The number of a reliable provisional response, 1 to 2^32 - 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RSeq(pub u32);

/// Which response a PRACK acknowledges.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RAck<'a> {
    /// The `RSeq` of the response.
    pub rseq: u32,
    /// The `CSeq` of the request that the response is to.
    pub cseq: CSeq<'a>,
}

impl<'a> Field<'a> for RSeq {
    const NAME: HeaderName = HeaderName::RSeq;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        number(scanner).map(Self)
    }
}

impl<'a> Field<'a> for RAck<'a> {
    const NAME: HeaderName = HeaderName::RAck;

    fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let rseq = number(scanner)?;
        let end = scanner.offset();
        scanner.skip_whitespace();
        if scanner.offset() == end {
            return Err(scanner.expected(Expected::Octet(b' ')));
        }
        Ok(Self { rseq, cseq: CSeq::scan(scanner)? })
    }
}

/// Zero is read though it is never sent (RFC 3262 §3): it matches no response.
fn number(scanner: &mut Scanner<'_>) -> Result<u32, SyntaxError> {
    Ok(u32::try_from(scanner.number(u64::from(u32::MAX))?).unwrap_or(u32::MAX))
}

impl fmt::Display for RSeq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for RAck<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rseq, self.cseq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::check::{reads, refuses};

    #[test]
    fn an_acknowledgement_names_number_and_request_rfc3262_7_2() {
        reads::<RSeq>(&[("988789", "988789")]);
        refuses::<RSeq>(&["", "-1", "4294967296", "1 2"]);
        reads::<RAck<'_>>(&[("776656  1\tINVITE", "776656 1 INVITE")]);
        refuses::<RAck<'_>>(&["776656 1", "776656 INVITE", "1", "1 2 INVITE x", "4294967296 1 A"]);
    }
}
