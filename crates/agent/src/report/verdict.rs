//! What a person is told at the end of a command.

use std::time::Duration;

use antiphon_core::user_agent::{Conclusion, NoAnswer, Outcome};

use super::person;
use crate::ending::Ending;
use crate::media::Counts;

/// The end of a command.
#[derive(Debug, Clone)]
pub(crate) struct Verdict {
    /// The command's name.
    pub(crate) command: &'static str,
    /// Whom or what it was for.
    pub(crate) target: String,
    /// How it ended.
    pub(crate) ending: Ending,
    /// What happened, in one sentence.
    pub(crate) person: String,
    /// What belongs to it, a line each.
    pub(crate) details: Vec<String>,
    /// What to do now; empty when there is nothing.
    pub(crate) next_step: String,
    /// What became of the request, if there was one.
    pub(crate) outcome: Option<Box<Outcome>>,
    /// The conversation, if there was one.
    pub(crate) talked: Option<Talked>,
}

/// A conversation that is over.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Talked {
    /// From the answer to the end.
    pub(crate) duration: Duration,
    /// The RTP packets of both directions.
    pub(crate) rtp: Counts,
}

impl Verdict {
    /// The verdict on an outcome; `success` is the sentence for a 2xx.
    pub(crate) fn of(
        command: &'static str,
        target: &str,
        outcome: Box<Outcome>,
        success: impl FnOnce(&Outcome) -> String,
    ) -> Self {
        let ending = Ending::of(&outcome);
        let (person, next_step) = match ending {
            Ending::Succeeded => (success(&outcome), String::new()),
            _ => tell(&outcome),
        };
        Self {
            command,
            target: target.to_owned(),
            ending,
            person,
            details: Vec::new(),
            next_step,
            outcome: Some(outcome),
            talked: None,
        }
    }
}

/// The sentence and the next step for an action that did not succeed.
fn tell(outcome: &Outcome) -> (String, String) {
    let (person, next_step) = match (outcome.conclusion, outcome.code) {
        (Conclusion::Refused, Some(code)) => {
            let advice = person::of(code);
            (advice.person, advice.next_step)
        }
        (Conclusion::NoAnswer(why), _) => no_answer(why),
        (Conclusion::TimeUp, _) => ("Nobody answered in the time given.", "Try again later."),
        (Conclusion::Misused(misuse), _) => {
            return (format!("The request cannot be made: {misuse}."), String::new());
        }
        _ => ("It was stopped before it was answered.", ""),
    };
    (person.to_owned(), next_step.to_owned())
}

const fn no_answer(why: NoAnswer) -> (&'static str, &'static str) {
    match why {
        NoAnswer::Timeout => (
            "Nobody answered: nothing came back in 64*T1, 32 seconds.",
            "Check the address and port, and whether anything listens there.",
        ),
        NoAnswer::Transport(_) => (
            "Nobody answered: the request could not be delivered.",
            "Check the address, the port and the network.",
        ),
        NoAnswer::Unresolved => {
            ("Nobody answered: the host name has no address.", "Check the spelling of the host.")
        }
        NoAnswer::NoWayThere => (
            "The address names nothing that can be asked.",
            "Use a sip: address with udp or tcp, or give a --proxy that knows the way.",
        ),
        _ => ("Nobody answered.", "Check the address and the network."),
    }
}
