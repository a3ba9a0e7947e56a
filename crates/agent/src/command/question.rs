//! What a person at the terminal is asked: which of several addresses is tried first (300), and, when
//! a call was refused in a way that only a person can mend, whom else to call (380, 485), which
//! digits are missing (484), whether to be seen (433). Without a terminal nobody is asked, and what
//! was typed before a question is no answer to it.

use std::fmt::Write as _;

use antiphon_core::user_agent::Outcome;
use antiphon_sip::{StatusCode, Uri, UriBuf};
use tokio::time::Instant;

use crate::session::{Agent, Happening};

/// Choices that are offered at once.
const MAX_CHOICES: usize = 9;
/// Digits that are added at once; an E.164 number has fifteen in all.
const MAX_DIGITS: usize = 32;

/// A call, as far as a person's word changes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Next {
    pub(super) target: UriBuf,
    /// Header fields that the person gave.
    pub(super) headers: Vec<(String, String)>,
    /// Whether it hides who calls by itself.
    pub(super) anonymous: bool,
    /// Whether it is the same call with more digits.
    pub(super) goes_on: bool,
}

/// What to call in place of a call that was refused, and how; `None` if nobody wants that.
pub(super) async fn next(agent: &mut Agent, refused: Next, outcome: &Outcome) -> Option<Next> {
    let question = Question::of(&refused, outcome)?;
    // What is still to be told of the call before stands above the question.
    loop {
        match agent.next(Some(Instant::now())).await {
            Happening::Event(_) => {}
            Happening::TimeUp => break,
            Happening::Interrupted | Happening::Over => return None,
        }
    }
    if !ask(agent, &question.text()) {
        return None;
    }
    loop {
        match hear(agent, true, None).await {
            Heard::Line(answer) => return question.answered(refused, answer?.trim()),
            Heard::Happening(Happening::Event(_)) => {}
            Heard::Happening(_) => return None,
        }
    }
}

/// Shows a question to whoever is there. False if nobody is.
pub(super) fn ask(agent: &mut Agent, question: &str) -> bool {
    let Some(lines) = &mut agent.lines else { return false };
    // Nobody has answered before they were asked.
    while lines.try_recv().is_ok() {}
    agent.reporter.note(question);
    true
}

/// What came while somebody was asked.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment, and there is one at a time")]
pub(super) enum Heard {
    /// A line; `None` when nobody types any more.
    Line(Option<String>),
    /// Something else, as without a question.
    Happening(Happening),
}

/// Waits for what happens next, and, while a question is open, for a line.
pub(super) async fn hear(agent: &mut Agent, is_asked: bool, until: Option<Instant>) -> Heard {
    let Some(mut lines) = agent.lines.take_if(|_| is_asked) else {
        return Heard::Happening(agent.next(until).await);
    };
    let heard = tokio::select! {
        line = lines.recv() => Heard::Line(line),
        happening = agent.next(until) => Heard::Happening(happening),
    };
    if !matches!(heard, Heard::Line(None)) {
        agent.lines = Some(lines);
    }
    heard
}

/// The addresses of a 300, to choose the first from. Their text comes from outside.
pub(super) fn which_first(targets: &[(UriBuf, u16)]) -> String {
    let count = targets.len();
    let mut text = format!("Which first? A number up to {count}, or Enter for 1.");
    for (number, (uri, q)) in (1..).zip(targets) {
        let (whole, part) = (q / 1000, q % 1000);
        let _ = write!(text, "\n  {number}  {} (q={whole}.{part:03})", shown(uri.as_str()));
    }
    text
}

/// The place in the list that was chosen; `None` if the line names none.
pub(super) fn picked(answer: &str, count: usize) -> Option<usize> {
    if answer.is_empty() {
        return Some(0);
    }
    let place = answer.parse::<usize>().ok()?.checked_sub(1)?;
    (place < count).then_some(place)
}

fn shown(text: &str) -> String {
    text.chars().filter(|c| !c.is_control()).take(80).collect()
}

/// What is asked.
#[derive(Debug, PartialEq, Eq)]
enum Question {
    Whom(Vec<(UriBuf, String)>),
    Digits,
    Reveal,
}

impl Question {
    fn of(refused: &Next, outcome: &Outcome) -> Option<Self> {
        let hides = refused.anonymous || refused.headers.iter().any(is_privacy);
        let choices: Vec<_> = outcome
            .choices
            .iter()
            .filter_map(|choice| Some((callable(&choice.uri)?, choice.name.clone())))
            .take(MAX_CHOICES)
            .collect();
        match outcome.code? {
            _ if !choices.is_empty() => Some(Self::Whom(choices)),
            StatusCode::ADDRESS_INCOMPLETE => Some(Self::Digits),
            StatusCode::ANONYMITY_DISALLOWED if hides => Some(Self::Reveal),
            _ => None,
        }
    }

    fn text(&self) -> String {
        match self {
            Self::Whom(choices) => {
                let mut text = "Whom to call? A number, or Enter for nobody.".to_owned();
                for (number, (uri, name)) in (1..).zip(choices) {
                    let _ = write!(text, "\n  {number}  {} {uri}", shown(name));
                }
                text
            }
            Self::Digits => "Which digits are missing? Enter for none.".to_owned(),
            Self::Reveal => "Call again and show who you are? y, or Enter for no.".to_owned(),
        }
    }

    fn answered(&self, mut next: Next, answer: &str) -> Option<Next> {
        next.goes_on = *self == Self::Digits;
        match self {
            Self::Whom(choices) => {
                let number = answer.parse::<usize>().ok()?.checked_sub(1)?;
                next.target = choices.get(number)?.0.clone();
            }
            Self::Digits => next.target = longer(&next.target, answer)?,
            Self::Reveal if answer.eq_ignore_ascii_case("y") => {
                next.headers.retain(|field| !is_privacy(field));
                next.anonymous = false;
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

    fn refused(fields: &[(String, String)]) -> Next {
        let (target, headers) = ("sip:bob@h".parse().unwrap(), fields.to_vec());
        Next { target, headers, anonymous: true, goes_on: false }
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
        let chosen =
            |answer| question.answered(refused(&[]), answer).map(|next| next.target.to_string());
        assert_eq!(chosen("1").as_deref(), Some("sip:a@h"));
        assert_eq!(chosen("2").as_deref(), Some("tel:+44"));
        for nobody in ["", "0", "3", "-1", "x"] {
            assert_eq!(chosen(nobody), None, "{nobody}");
        }
        assert_eq!(callable("http://example.org"), None);
    }

    #[test]
    fn enter_is_the_best_and_a_number_one_of_the_list_rfc3261_21_3_1() {
        let uri = |text: &str| text.parse().unwrap();
        let targets = [(uri("sip:a@h"), 900), (uri("sip:b@h"), 50)];
        let text = which_first(&targets);
        assert!(text.ends_with("\n  1  sip:a@h (q=0.900)\n  2  sip:b@h (q=0.050)"), "{text}");
        assert_eq!(["", "1", "2"].map(|answer| picked(answer, 2)), [Some(0), Some(0), Some(1)]);
        assert_eq!(["0", "3", "x", "-1"].map(|answer| picked(answer, 2)), [None; 4]);
    }

    #[test]
    fn only_a_yes_shows_who_calls_rfc5079_3() {
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [field("Privacy", "id"), field("Subject", "x")];
        let answered = |answer| Question::Reveal.answered(refused(&fields), answer);
        let shown = answered("y").unwrap();
        assert_eq!(shown.headers, [field("Subject", "x")]);
        assert!(!shown.anonymous);
        assert!(answered("").is_none());
    }
}
