//! The short terms of a row, in words.

use antiphon_core::reaction::{DialogEffect, Element, Key, Rank, Row, Step};
use antiphon_sip::name::Class;

/// The class that a code of the row has; `None` for what is found out here and is no response.
pub(super) const fn class(row: &Row) -> Option<Class> {
    match row.key {
        Key::Code(_) | Key::Unknown(_) => Some(row.key.class()),
        Key::TransportError | Key::Timeout => None,
    }
}

/// The class as people write it, and what it says.
pub(super) const fn of_class(class: Class) -> (&'static str, &'static str) {
    match class {
        Class::Provisional => ("1xx", "the request is being worked on"),
        Class::Success => ("2xx", "the request was accepted"),
        Class::Redirection => ("3xx", "something more has to be done elsewhere"),
        Class::ClientError => ("4xx", "this server refuses the request as it is"),
        Class::ServerError => ("5xx", "the server failed at a request that seems valid"),
        Class::GlobalFailure => ("6xx", "no server anywhere will take the request"),
    }
}

pub(super) const fn provisional_or_final(row: &Row) -> &'static str {
    if row.is_provisional() { "provisional" } else { "final" }
}

pub(super) fn sent_by(row: &Row) -> String {
    let elements: Vec<_> = row.sent_by.iter().map(|element| of_element(*element)).collect();
    elements.join(", ")
}

const fn of_element(element: Element) -> &'static str {
    match element {
        Element::Any => "every server",
        Element::Uas => "the called side (UAS)",
        Element::Registrar => "a registrar",
        Element::Proxy => "a proxy",
        Element::Redirect => "a redirect server",
        Element::Notifier => "a notifier",
        Element::Presence => "a server of published state",
        Element::AuthService => "a service that signs or verifies identity",
        Element::Local => "nobody: it is found out here",
    }
}

pub(super) const fn dialog_effect(effect: DialogEffect) -> &'static str {
    match effect {
        DialogEffect::None => "everything goes on",
        DialogEffect::Transaction => "only the request failed; the dialog goes on",
        DialogEffect::Usage => {
            "the usage that the request belongs to is over (a call, a subscription)"
        }
        DialogEffect::Dialog => "the dialog is over, with all its usages",
    }
}

/// What a proxy does.
pub(super) fn proxy(row: &Row) -> String {
    let mut words: Vec<String> = row.proxy.steps.iter().map(|step| of_step(*step)).collect();
    if !row.proxy.remark.is_empty() {
        words.push(row.proxy.remark.to_owned());
    }
    words.join("; ")
}

fn of_step(step: Step) -> String {
    let words = match step {
        Step::ForwardNow => "sends it on at once",
        Step::NeverForward => "never sends it on",
        Step::Hold(rank) => {
            let place = Rank::ALL.iter().position(|other| *other == rank).unwrap_or_default() + 1;
            let of = Rank::ALL.len();
            return format!("keeps it until all branches are done (rank {place} of {of})");
        }
        Step::MergeChallenges => "puts the challenges of all branches into one response",
        Step::RecurseIfConfigured => "follows it for its own domains, if configured",
        Step::CancelOthers => "cancels the other branches",
        Step::NoNewBranches => "begins no further branch",
        Step::NextServer => "tries the next server of the target",
        Step::NextFlow => "tries another flow of the same phone",
        Step::RetargetSip => "tries the target again as a sip: URI",
        Step::SignAndFork => "signs and tries again",
        Step::Replace(code) => return format!("answers {} in its place", code.as_u16()),
        Step::ResetTimerC => "starts Timer C again",
    };
    words.to_owned()
}
