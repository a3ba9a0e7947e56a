//! Outcomes for tests.

use std::time::Duration;

use antiphon_core::reaction::{Row, Told};
use antiphon_core::time::Time;
use antiphon_core::user_agent::{ActionId, Conclusion, Outcome};
use antiphon_sip::StatusCode;

/// An action that a response with these header fields ended.
pub(super) fn refused(code: u16, evidence: &[(&str, &str)]) -> Outcome {
    let begun = Time::from_secs(1_795_440_730);
    Outcome {
        code: StatusCode::new(code),
        reason: "Because".to_owned(),
        evidence: evidence.iter().map(|(name, value)| pair(name, value)).collect(),
        ..ended(Conclusion::Refused, begun)
    }
}

/// What is told of a provisional response.
pub(super) fn provisional(code: StatusCode) -> Told {
    let row = Row::of(code);
    Told {
        key: row.key,
        code: Some(code.as_u16()),
        reason: String::new(),
        reaction: row.reaction,
        person: row.person,
        next_step: row.next_step,
        rfc: Vec::new(),
        evidence: Vec::new(),
        limit: None,
        later: None,
        proposes: None,
    }
}

/// An action that ended without a response.
pub(super) fn unanswered(conclusion: Conclusion) -> Outcome {
    ended(conclusion, Time::from_secs(1_795_440_730))
}

fn ended(conclusion: Conclusion, begun: Time) -> Outcome {
    Outcome::unanswered(ActionId(1), conclusion, begun, begun + Duration::from_secs(1))
}

fn pair(name: &str, value: &str) -> (String, String) {
    (name.to_owned(), value.to_owned())
}
