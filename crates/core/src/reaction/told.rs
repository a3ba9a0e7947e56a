//! What a person or a program is told of a response: plain data, made of the row and of what the
//! response says.

use std::fmt;

use antiphon_sip::{HeaderName, Response, UriBuf};

use super::Kind;
use super::decision::{Decision, Later, Reaction};
use super::failure::Failure;
use super::inputs::Inputs;
use super::row::Key;
use super::table::Row;
use super::text;

/// What is told of a response and of what was done about it. Everything from outside is cleaned of
/// control characters and shortened; it is to be shown in quotes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What came.
    pub key: Key,
    /// The code; `None` if no response came.
    pub code: Option<u16>,
    /// The reason phrase as received; empty if no response came.
    pub reason: String,
    /// What was done.
    pub reaction: Kind,
    /// What it means, in one sentence.
    pub person: &'static str,
    /// What the person can do next.
    pub next_step: &'static str,
    /// Where it is written.
    pub rfc: Vec<String>,
    /// The header fields that decided.
    pub evidence: Vec<Evidence>,
    /// What kept from doing more: a limit, something that the response lacks, or something that is
    /// missing here.
    pub limit: Option<String>,
    /// When it may be tried again.
    pub later: Option<Later>,
    /// An address that would do instead, to be tried on the person's word.
    pub proposes: Option<UriBuf>,
}

/// A header field that says why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Evidence {
    /// The field.
    pub header: HeaderName,
    /// Its value, text from outside.
    pub value: String,
}

/// Header fields that say why. Call-Info is none of them: the card that a 608 brings in it is shown
/// only when its signature holds (RFC 8688 §3.4).
const TELLING: [HeaderName; 23] = [
    HeaderName::Warning,
    HeaderName::RetryAfter,
    HeaderName::Reason,
    HeaderName::Contact,
    HeaderName::WwwAuthenticate,
    HeaderName::ProxyAuthenticate,
    HeaderName::Allow,
    HeaderName::AllowEvents,
    HeaderName::Accept,
    HeaderName::AcceptEncoding,
    HeaderName::AcceptLanguage,
    HeaderName::AcceptResourcePriority,
    HeaderName::Unsupported,
    HeaderName::Require,
    HeaderName::MinExpires,
    HeaderName::MinSe,
    HeaderName::SecurityServer,
    HeaderName::RecvInfo,
    HeaderName::PermissionMissing,
    HeaderName::GeolocationError,
    HeaderName::AlertMsgError,
    HeaderName::ErrorInfo,
    HeaderName::Server,
];

/// Lines of evidence that are shown.
const MAX_EVIDENCE: usize = 12;

/// What is told of what came and of what was decided. A [`Report`](super::Report) may be of an
/// earlier failure of the action, which its own [`Told`] has the evidence of: this one then says
/// what the row says.
#[must_use]
pub fn told(inputs: &Inputs<'_>, decision: &Decision) -> Told {
    let here = inputs.failure();
    let of = match &decision.reaction {
        Reaction::Report(report) => report.of,
        _ => here,
    };
    let (row, response) = match of == here {
        true => (inputs.row(), inputs.response()),
        false => (of.row(), None),
    };
    let limit = decision.stopped.first().map(ToString::to_string);
    let proposes = match &decision.reaction {
        Reaction::Report(report) => report.proposes.clone(),
        _ => None,
    };
    Told {
        limit,
        later: later(decision),
        proposes,
        ..of_row(row, response, decision.reaction.kind(), of)
    }
}

fn of_row(row: &'static Row, response: Option<&Response>, reaction: Kind, of: Failure) -> Told {
    let heard = !matches!(row.key, Key::TransportError | Key::Timeout);
    Told {
        key: row.key,
        code: heard.then(|| of.status.as_u16()),
        reason: response.map(|response| text::clean(response.reason())).unwrap_or_default(),
        reaction,
        person: row.person,
        next_step: row.next_step,
        rfc: row.rfcs().collect(),
        evidence: response.map(evidence).unwrap_or_default(),
        limit: None,
        later: None,
        proposes: None,
    }
}

const fn later(decision: &Decision) -> Option<Later> {
    match &decision.reaction {
        Reaction::Report(report) => report.later,
        Reaction::StopEverywhere { later, .. } => *later,
        _ => None,
    }
}

fn evidence(response: &Response) -> Vec<Evidence> {
    let headers = response.headers();
    let lines = TELLING.into_iter().flat_map(|header| {
        headers.values(header).map(move |value| (header, String::from_utf8_lossy(value)))
    });
    lines
        .take(MAX_EVIDENCE)
        .map(|(header, value)| Evidence { header, value: text::clean(&value) })
        .collect()
}

impl fmt::Display for Told {
    /// As sentences, a line each: what it means with the phrase in quotes, the evidence, what kept
    /// from doing more, when it may be tried again, what to do next.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{code} \"{}\": {}", self.reason, self.person)?,
            None => f.write_str(self.person)?,
        }
        for Evidence { header, value } in &self.evidence {
            write!(f, "\n{header}: \"{value}\"")?;
        }
        if let Some(limit) = &self.limit {
            write!(f, "\n{limit}.")?;
        }
        if let Some(later) = self.later {
            write!(f, "\nIt may be tried again in {} s.", later.seconds)?;
        }
        if let Some(uri) = &self.proposes {
            write!(f, "\n{uri} would do instead.")?;
        }
        write!(f, "\n{}", self.next_step)
    }
}

#[cfg(test)]
mod tests {
    use super::super::inputs::Got;
    use super::super::testing::{Bench, invite};
    use super::*;

    #[test]
    fn a_person_hears_what_it_means_what_decided_and_what_to_do() {
        let bench = Bench::new(invite());
        let headers = [(HeaderName::RetryAfter, "600"), (HeaderName::Subject, "x")];
        let response = bench.response(486, &headers, None);
        let inputs = bench.inputs(Got::Response(&response));
        let told = told(&inputs, &bench.to(486, &headers));
        assert_eq!((told.code, told.reaction), (Some(486), Kind::Report));
        assert_eq!(
            told.to_string(),
            "486 \"Busy Here\": The person is busy.\nRetry-After: \"600\"\nIt may be tried again in \
             600 s.\nTry again later (time shown if given)."
        );
        assert!(told.rfc.contains(&"RFC 4412 4.6.6".to_owned()));
    }

    #[test]
    fn what_was_missing_is_named() {
        let bench = Bench::new(invite());
        let response = bench.response(401, &[], None);
        let inputs = bench.inputs(Got::Response(&response));
        let told = told(&inputs, &bench.to(401, &[]));
        let limit = "AnswerChallenge was not done: the response has no WWW-Authenticate";
        assert_eq!(told.limit.as_deref(), Some(limit));
    }

    #[test]
    fn silence_has_no_code_and_the_best_failure_is_told() {
        let mut bench = Bench::new(invite());
        let silence = Got::Timeout { proceeding: false };
        let heard = told(&bench.inputs(silence), &bench.got(silence));
        assert_eq!((heard.code, heard.person), (None, "Nobody answered."));
        bench.step(302, &[(HeaderName::Contact, "<sip:b@example.net>, <sip:c@example.net>")]);
        bench.step(486, &[]);
        let best = told(&bench.inputs(silence), &bench.got(silence));
        assert_eq!((best.code, best.person), (Some(486), "The person is busy."));
    }

    #[test]
    fn text_from_outside_cannot_write_on_the_screen_rfc3261_20_43() {
        let bench = Bench::new(invite());
        let headers = [(HeaderName::Warning, "399 h \"\u{1b}[2Jrun this\"")];
        let response = bench.response(400, &headers, None);
        let inputs = bench.inputs(Got::Response(&response));
        let told = told(&inputs, &bench.to(400, &headers));
        assert!(!told.to_string().contains('\u{1b}'));
    }
}
