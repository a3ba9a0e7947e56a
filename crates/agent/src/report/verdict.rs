//! What a person is told at the end of a command.

use std::time::Duration;

use antiphon_core::locate::{Silence, Why};
use antiphon_core::reaction::{Cause, ChallengeFault, Lack, Row, Stopped};
use antiphon_core::user_agent::{Conclusion, NoAnswer, Outcome};
use antiphon_sip::StatusCode;

use super::clean;
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

/// The row of the table that an action ended with: that of its response, or of there being none.
pub(super) fn row(outcome: &Outcome) -> Option<&'static Row> {
    match (outcome.conclusion, outcome.code) {
        (Conclusion::NoAnswer(NoAnswer::Unnotified), _) => None,
        (_, Some(code)) => Some(Row::of(code)),
        (Conclusion::NoAnswer(NoAnswer::Timeout), None) => Some(Row::timeout()),
        (Conclusion::NoAnswer(NoAnswer::Transport(_)), None) => Some(Row::transport_error()),
        _ => None,
    }
}

/// Why more was not done, with the option that would let it be done.
pub(super) fn why_not(stopped: &Stopped) -> String {
    match stopped.cause {
        Cause::Lack(Lack::Key) => {
            format!("{stopped} (no key: --identity-key with --identity-url gives one)")
        }
        _ => stopped.to_string(),
    }
}

/// The sentence and the next step for an action that did not succeed.
fn tell(outcome: &Outcome) -> (String, String) {
    if let Some(realm) = refused_credentials(outcome) {
        return (
            format!("The user name or the password is wrong, says \"{}\".", clean::line(realm)),
            "Give the right ones: --user and --password.".to_owned(),
        );
    }
    let (person, next_step) = match (outcome.conclusion, row(outcome)) {
        (Conclusion::Refused | Conclusion::NoAnswer(_), Some(row)) => (row.person, row.next_step),
        (Conclusion::NoAnswer(NoAnswer::Unlocated(why)), None) => {
            return (unlocated(outcome, why), what_to_do(why).to_owned());
        }
        (Conclusion::NoAnswer(why), None) => no_answer(why),
        (Conclusion::TimeUp, _) => ("Nobody answered in the time given.", "Try again later."),
        (Conclusion::Misused(misuse), _) => {
            return (format!("The request cannot be made: {misuse}."), String::new());
        }
        _ => ("It was stopped before it was answered.", ""),
    };
    (person.to_owned(), next_step.to_owned())
}

/// The realm that refused the credentials at last: the row can only say that somebody asks for
/// them.
fn refused_credentials(outcome: &Outcome) -> Option<&str> {
    let asked = matches!(outcome.code.map(StatusCode::as_u16), Some(401 | 407));
    if !asked {
        return None;
    }
    let Cause::Challenges(faults) = &outcome.stopped.last()?.cause else { return None };
    faults.iter().find_map(|fault| match fault {
        ChallengeFault::Refused { realm } => Some(realm.as_str()),
        _ => None,
    })
}

/// Reasons for which no request was sent and that have no row.
const fn no_answer(why: NoAnswer) -> (&'static str, &'static str) {
    match why {
        NoAnswer::Unnotified => (
            "The subscription was taken, but nothing was notified in 32 seconds.",
            "Check that requests from the other side can reach this machine.",
        ),
        NoAnswer::NoWayThere => (
            "The address names nothing that can be asked.",
            "Use a sip: address with udp or tcp, or give a --proxy that knows the way.",
        ),
        _ => ("Nobody answered.", "Check the address and the network."),
    }
}

/// A name that leads nowhere, in the words of the DNS.
fn unlocated(outcome: &Outcome, why: Why) -> String {
    let target = outcome.tried.last().map(|attempt| attempt.target.as_uri());
    let host = target.and_then(|target| target.as_sip().map(|uri| uri.host.to_string()));
    let host = clean::line(host.as_deref().unwrap_or("The next hop"));
    format!("{host} cannot be found: {why}.")
}

const fn what_to_do(why: Why) -> &'static str {
    match why {
        Why::Name(Silence::NoSuchName | Silence::NoName) => "Check the spelling of the host.",
        Why::Name(Silence::NoAnswer) | Why::Hosts(Silence::NoAnswer) => {
            "Check the network, and which DNS server this machine asks."
        }
        Why::Ourselves => "Name another host, or another port.",
        Why::Transport => "Name another transport, or --listen for the one that is needed.",
        Why::Name(Silence::Busy) | Why::Hosts(Silence::Busy) => "Try again later.",
        Why::NoService | Why::Name(_) | Why::Hosts(_) => {
            "Whoever runs the domain has to put its servers into the DNS; until then name one of \
             them by its address."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{refused, unanswered};
    use super::*;

    #[test]
    fn every_final_code_is_told_in_the_words_of_its_row() {
        for code in 300..700 {
            let outcome = refused(code, &[]);
            let row = Row::of(StatusCode::new(code).unwrap());
            assert_eq!(tell(&outcome), (row.person.to_owned(), row.next_step.to_owned()), "{code}");
        }
    }

    #[test]
    fn silence_and_a_broken_way_are_told_in_the_words_of_their_rows() {
        let told = |why| tell(&unanswered(Conclusion::NoAnswer(why))).0;
        assert_eq!(told(NoAnswer::Timeout), Row::timeout().person);
        let unknown = told(NoAnswer::Unlocated(Why::Name(Silence::NoSuchName)));
        assert!(unknown.ends_with("cannot be found: the DNS knows no such name (NXDOMAIN)."));
    }
}
