//! What a person at the terminal is asked when a call was refused in a way that only a person can
//! mend: whom else to call (380, 485), which digits are missing (484), whether to be seen (433).
//! Without a terminal nobody is asked.

use std::fmt::Write as _;

use antiphon_core::user_agent::Outcome;
use antiphon_sip::{StatusCode, Uri, UriBuf};

use crate::session::{Agent, Happening, Lines};

/// Choices that are offered at once.
const MAX_CHOICES: usize = 9;
/// Digits that are added at once; an E.164 number has fifteen in all.
const MAX_DIGITS: usize = 32;

/// Header fields.
type Fields = [(String, String)];

/// Whom to call in place of a call to `target` with these header fields that was refused, and with
/// which; `None` if nobody wants that.
pub(super) async fn next(
    agent: &mut Agent,
    target: &UriBuf,
    fields: &Fields,
    outcome: &Outcome,
) -> Option<(UriBuf, Vec<(String, String)>)> {
    let question = Question::of(fields, outcome)?;
    let mut lines = agent.lines.take()?;
    agent.reporter.note(&question.text());
    let answer = line(agent, &mut lines).await;
    agent.lines = Some(lines);
    question.answered(target, fields, answer?.trim())
}

/// Waits for a line, and looks meanwhile whether the command is to end.
async fn line(agent: &mut Agent, lines: &mut Lines) -> Option<String> {
    loop {
        tokio::select! {
            line = lines.recv() => return line,
            happening = agent.next(None) => match happening {
                Happening::Event(_) => {}
                _ => return None,
            },
        }
    }
}

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Whom(Vec<(UriBuf, String)>),
    Digits,
    Reveal,
}

impl Question {
    fn of(fields: &Fields, outcome: &Outcome) -> Option<Self> {
        let choices: Vec<_> = outcome
            .choices
            .iter()
            .filter_map(|choice| Some((callable(&choice.uri)?, choice.name.clone())))
            .take(MAX_CHOICES)
            .collect();
        match outcome.code? {
            _ if !choices.is_empty() => Some(Self::Whom(choices)),
            StatusCode::ADDRESS_INCOMPLETE => Some(Self::Digits),
            StatusCode::ANONYMITY_DISALLOWED if fields.iter().any(is_privacy) => Some(Self::Reveal),
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Whom(choices) => {
                let mut text = "Whom to call? A number, or Enter for nobody.".to_owned();
                for (number, (uri, name)) in (1..).zip(choices) {
                    let name: String = name.chars().filter(|c| !c.is_control()).take(80).collect();
                    let _ = write!(text, "\n  {number}  {name} {uri}");
                }
                text
            }
            Self::Digits => "Which digits are missing? Enter for none.".to_owned(),
            Self::Reveal => "Call again and show who you are? y, or Enter for no.".to_owned(),
        }
    }

    fn answered(
        &self,
        target: &UriBuf,
        fields: &Fields,
        answer: &str,
    ) -> Option<(UriBuf, Vec<(String, String)>)> {
        let mut next = (target.clone(), fields.to_vec());
        match self {
            Self::Whom(choices) => {
                let number = answer.parse::<usize>().ok()?.checked_sub(1)?;
                next.0 = choices.get(number)?.0.clone();
            }
            Self::Digits => next.0 = longer(target, answer)?,
            Self::Reveal if answer.eq_ignore_ascii_case("y") => {
                next.1.retain(|field| !is_privacy(field));
            }
            Self::Reveal => return None,
        }
        Some(next)
    }
}

fn is_privacy((name, _): &(String, String)) -> bool {
    name.eq_ignore_ascii_case("Privacy")
}

/// A choice that can be called: nothing of it but whom (RFC 3261 §19.1.5).
fn callable(text: &str) -> Option<UriBuf> {
    let uri = UriBuf::parse(text).ok()?;
    match uri.as_uri() {
        Uri::Sip(mut sip) => {
            sip.headers = None;
            Some(UriBuf::from(Uri::Sip(sip)))
        }
        Uri::Tel(_) => Some(uri.clone()),
        Uri::Other { .. } => None,
    }
}

/// The number with these digits behind it.
fn longer(uri: &UriBuf, digits: &str) -> Option<UriBuf> {
    let is_digit = |c: char| c.is_ascii_digit() || "*#".contains(c);
    if digits.is_empty() || digits.len() > MAX_DIGITS || !digits.chars().all(is_digit) {
        return None;
    }
    match uri.as_uri() {
        Uri::Sip(mut sip) => {
            let user = format!("{}{}", sip.user.unwrap_or_default(), digits.replace('#', "%23"));
            sip.user = Some(&user);
            Some(UriBuf::from(Uri::Sip(sip)))
        }
        Uri::Tel(_) => {
            let (number, rest) = match uri.as_str().split_once(';') {
                Some((number, rest)) => (number, format!(";{rest}")),
                None => (uri.as_str(), String::new()),
            };
            UriBuf::parse(&format!("{number}{digits}{rest}")).ok()
        }
        Uri::Other { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> UriBuf {
        text.parse().unwrap()
    }

    #[test]
    fn digits_are_added_to_the_number_rfc3261_21_4_22() {
        let longer =
            |uri: &str, digits| longer(&uri.parse().unwrap(), digits).map(|uri| uri.to_string());
        assert_eq!(longer("sip:0441@h;user=phone", "63").unwrap(), "sip:044163@h;user=phone");
        assert_eq!(longer("tel:+4416;phone-context=x", "3").unwrap(), "tel:+44163;phone-context=x");
        for wrong in ["", "12x", "1 2", "@evil"] {
            assert_eq!(longer("sip:0@h", wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_choice_is_called_without_what_it_brings_rfc3261_19_1_5() {
        let question = Question::Whom(vec![
            (callable("sip:a@h?Subject=x").unwrap(), "A".to_owned()),
            (callable("tel:+44").unwrap(), String::new()),
        ]);
        let chosen = |answer| {
            let next = question.answered(&uri("sip:bob@h"), &[], answer);
            next.map(|(target, _)| target.to_string())
        };
        assert_eq!(chosen("1").as_deref(), Some("sip:a@h"));
        assert_eq!(chosen("2").as_deref(), Some("tel:+44"));
        for nobody in ["", "0", "3", "-1", "x"] {
            assert_eq!(chosen(nobody), None, "{nobody}");
        }
        assert_eq!(callable("http://example.org"), None);
    }

    #[test]
    fn only_a_yes_shows_who_calls_rfc5079_3() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [field("Privacy", "id"), field("Subject", "x")];
        let answered = |answer| Question::Reveal.answered(&uri("sip:bob@h"), &fields, answer);
        assert_eq!(answered("y").unwrap().1, [field("Subject", "x")]);
        assert!(answered("").is_none());
    }
}
