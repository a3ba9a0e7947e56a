//! What an agent says to a call: codes, and the header fields that belong to them.

use std::fmt;
use std::str::FromStr;

use antiphon_sip::{HeaderName, StatusCode};

/// The responses to a call in their order: provisional ones, then a final one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Respond(Vec<StatusCode>);

/// Why a list of codes is no answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswerable {
    /// Something that is no code of 101 to 699.
    NoCode,
    /// More than 64.
    TooMany,
    /// Something comes after the final response.
    AfterFinal,
    /// There is no final response: the call would ring for ever.
    NoFinal,
}

impl Respond {
    /// More than any test wants, and what a script of the user agent takes.
    const MAX: usize = 64;

    /// All of them.
    pub(super) fn codes(&self) -> &[StatusCode] {
        &self.0
    }

    /// The final response.
    #[must_use]
    pub fn last(&self) -> StatusCode {
        self.0.last().copied().unwrap_or(StatusCode::OK)
    }

    /// Whether the final response says where else to ask, and therefore needs a Contact.
    #[must_use]
    pub fn redirects(&self) -> bool {
        matches!(self.last().as_u16(), 300..=302 | 305)
    }
}

/// Rings and answers.
impl Default for Respond {
    fn default() -> Self {
        Self(vec![StatusCode::RINGING, StatusCode::OK])
    }
}

impl FromStr for Respond {
    type Err = Unanswerable;

    fn from_str(text: &str) -> Result<Self, Unanswerable> {
        let codes: Vec<_> = text.split(',').map(code).collect::<Result<_, _>>()?;
        if codes.len() > Self::MAX {
            return Err(Unanswerable::TooMany);
        }
        let (last, before) = codes.split_last().ok_or(Unanswerable::NoFinal)?;
        if before.iter().any(|code| code.is_final()) {
            return Err(Unanswerable::AfterFinal);
        }
        if last.is_final() { Ok(Self(codes)) } else { Err(Unanswerable::NoFinal) }
    }
}

fn code(text: &str) -> Result<StatusCode, Unanswerable> {
    let number = text.trim().parse().map_err(|_| Unanswerable::NoCode)?;
    // 100 is sent by the transaction itself (RFC 3261 §17.2.1).
    StatusCode::new(number).filter(|_| number > 100).ok_or(Unanswerable::NoCode)
}

impl fmt::Display for Unanswerable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCode => "write codes of 101 to 699 with commas between them, such as 180,200",
            Self::TooMany => "write 64 codes at most",
            Self::AfterFinal => "nothing can follow a final response (200 to 699)",
            Self::NoFinal => "the last code must be a final response (200 to 699)",
        })
    }
}

impl std::error::Error for Unanswerable {}

/// The header fields without which a final response says nothing (RFC 3261 §20, §21.4; RFC 4028
/// §6), as far as an agent that plays a part can know them.
pub(super) fn must_carry(code: StatusCode) -> &'static [(HeaderName, &'static str)] {
    const CHALLENGE: &str =
        "Digest realm=\"antiphon\", nonce=\"played\", algorithm=SHA-256, qop=\"auth\"";
    match code.as_u16() {
        401 => &[(HeaderName::WwwAuthenticate, CHALLENGE)],
        405 => &[(HeaderName::Allow, "OPTIONS, REGISTER, MESSAGE")],
        407 => &[(HeaderName::ProxyAuthenticate, CHALLENGE)],
        415 => &[(HeaderName::Accept, "application/sdp")],
        420 => &[(HeaderName::Unsupported, "100rel")],
        421 => &[(HeaderName::Require, "100rel")],
        422 => &[(HeaderName::MinSe, "1800")],
        423 => &[(HeaderName::MinExpires, "3600")],
        489 => &[(HeaderName::AllowEvents, "presence")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_ends_with_one_final_response_rfc3261_13_3_1() {
        let respond: Respond = "180, 183,486".parse().unwrap();
        assert_eq!(respond.last(), StatusCode::BUSY_HERE);
        assert!("302".parse::<Respond>().unwrap().redirects());
        for (wrong, why) in [
            ("", Unanswerable::NoCode),
            ("100", Unanswerable::NoCode),
            ("700", Unanswerable::NoCode),
            ("busy", Unanswerable::NoCode),
            ("180", Unanswerable::NoFinal),
            ("200,180", Unanswerable::AfterFinal),
        ] {
            assert_eq!(wrong.parse::<Respond>(), Err(why), "{wrong}");
        }
    }
}
