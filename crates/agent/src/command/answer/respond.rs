//! What an agent says to calls, as a list of codes.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use antiphon_core::user_agent::{Playbook, Script};
use antiphon_sip::{StatusCode, UriBuf};

/// The responses to calls in their order. What stands behind a final response is for the next
/// call, but for a 401 or 407, behind which the same call goes on when it comes with credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Respond(Vec<StatusCode>);

/// Why a list of codes is no answer to calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unanswerable {
    /// Something that is no code of 100 to 699.
    NoCode,
    /// More than 64 for one call.
    TooMany,
}

impl Respond {
    /// More than any test wants, and what a script of the user agent takes.
    const MAX: usize = 64;

    /// The transaction sends a 100 by itself when nothing else was sent for 200 ms (RFC 3261
    /// §17.2.1), so what comes behind a 100 waits a little longer than that.
    const AFTER_TRYING: Duration = Duration::from_millis(300);

    /// Whether any of them takes the contacts that are given: 3xx and 485 (RFC 3261 §20.10).
    #[must_use]
    pub fn redirects(&self) -> bool {
        self.0.iter().any(|code| redirects(*code))
    }

    /// What is played. `contacts` are those of 3xx and 485, `headers` stand in the final response
    /// of each turn; what a code must carry and neither brings is filled in as it is sent.
    #[must_use]
    pub fn playbook(&self, contacts: &[UriBuf], headers: &[(String, String)]) -> Playbook {
        let mut playbook = Playbook::of_codes(&self.0);
        for script in playbook.parts.iter_mut().flat_map(|part| &mut part.scripts) {
            wait_for_trying(script);
            dress(script, contacts, headers);
        }
        playbook
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
        let parts = Playbook::of_codes(&codes).parts;
        let mut scripts = parts.iter().flat_map(|part| &part.scripts);
        if scripts.any(|script| script.steps.len() > Self::MAX) {
            return Err(Unanswerable::TooMany);
        }
        Ok(Self(codes))
    }
}

impl fmt::Display for Unanswerable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoCode => "write codes of 100 to 699 with commas between them, such as 180,200",
            Self::TooMany => "write 64 codes for one call at most",
        })
    }
}

impl std::error::Error for Unanswerable {}

fn code(text: &str) -> Result<StatusCode, Unanswerable> {
    text.trim().parse().ok().and_then(StatusCode::new).ok_or(Unanswerable::NoCode)
}

const fn redirects(code: StatusCode) -> bool {
    matches!(code.as_u16(), 300..=399 | 485)
}

fn wait_for_trying(script: &mut Script) {
    let mut tries = false;
    for step in &mut script.steps {
        if std::mem::replace(&mut tries, step.reply.code == StatusCode::TRYING) {
            step.after = Respond::AFTER_TRYING;
        }
    }
}

fn dress(script: &mut Script, contacts: &[UriBuf], headers: &[(String, String)]) {
    let Some(last) = script.steps.last_mut().filter(|step| step.reply.code.is_final()) else {
        return;
    };
    let reply = &mut last.reply;
    reply.headers.extend_from_slice(headers);
    if redirects(reply.code) {
        let contact = |uri: &UriBuf| ("Contact".to_owned(), format!("<{uri}>"));
        reply.headers.extend(contacts.iter().map(contact));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn played(codes: &str) -> Vec<Vec<(u16, u128)>> {
        let respond: Respond = codes.parse().unwrap();
        let part = respond.playbook(&[], &[]).parts.remove(0);
        let turn = |script: &Script| {
            let steps = script.steps.iter();
            steps.map(|step| (step.reply.code.as_u16(), step.after.as_millis())).collect()
        };
        part.scripts.iter().map(turn).collect()
    }

    #[test]
    fn a_final_response_ends_a_turn_rfc3261_13_3_1() {
        assert_eq!(played("180, 183,486"), [vec![(180, 0), (183, 0), (486, 0)]]);
        assert_eq!(played("302,200"), [vec![(302, 0)], vec![(200, 0)]]);
        assert_eq!(played("401,200"), [vec![(401, 0), (200, 0)]], "a gate");
        assert_eq!(played("180"), [vec![(180, 0)]]);
    }

    #[test]
    fn what_comes_behind_100_waits_for_it_rfc3261_17_2_1() {
        assert_eq!(played("100,180,200"), [vec![(100, 0), (180, 300), (200, 0)]]);
    }

    #[test]
    fn a_list_that_is_none_is_refused() {
        for wrong in ["", "99", "700", "busy", "200,", "70000"] {
            assert_eq!(wrong.parse::<Respond>(), Err(Unanswerable::NoCode), "{wrong}");
        }
        let many = ["180"; 65].join(",");
        assert_eq!(many.parse::<Respond>(), Err(Unanswerable::TooMany));
        assert!(["486"; 65].join(",").parse::<Respond>().is_ok(), "one for each call");
    }

    #[test]
    fn what_was_given_stands_in_the_final_response_of_each_turn() {
        let respond: Respond = "180,302,486".parse().unwrap();
        let contact: UriBuf = "sip:carol@example.org".parse().unwrap();
        let given = [("Subject".to_owned(), "x".to_owned())];
        let part = respond.playbook(&[contact], &given).parts.remove(0);
        let names = |turn: usize, step: usize| -> Vec<&str> {
            let headers = &part.scripts[turn].steps[step].reply.headers;
            headers.iter().map(|(name, _)| name.as_str()).collect()
        };
        assert_eq!(names(0, 0), [""; 0]);
        assert_eq!(names(0, 1), ["Subject", "Contact"]);
        assert_eq!(names(1, 0), ["Subject"], "Contact means something else there");
        assert!(respond.redirects() && !Respond::default().redirects());
    }
}
