//! The order in which reactions to a failure are tried: the first that is possible is taken.
//!
//! 1. the code's own reaction: the targets of a 3xx, or a repair at the same server;
//! 2. the next server of the same target, for 503, a transport error and silence only: any other
//!    code came from a live server (RFC 3263 §4.3);
//! 3. the next target of an earlier 3xx (RFC 3261 §8.1.3.4);
//! 4. a wait that the response asks for;
//! 5. what a person can choose from;
//! 6. a report of the best failure of the whole action.
//!
//! A 6xx is about the person, not about a place (RFC 3261 §16.7 step 5, §21.6): after it no other
//! target and no other server is asked, although §8.1.3.4 read alone would let a client go on.

use antiphon_sip::name::Class;

use super::change::Change;
use super::data::Redirect;
use super::decision::{Attempted, Decision, Reaction, Report};
use super::inputs::{Got, Inputs};
use super::limit::{Cause, Limit, Stopped};
use super::row::Row;
use super::{
    Kind, body, challenge, dialog, extension, identity, interval, person, redirect, remember,
    retry, scheme, security, session, shrink,
};

type Step = (fn(&Inputs<'_>, &Row) -> Attempted, fn(&Row) -> Kind);

/// The steps in their order, each with the name of what it would do.
const STEPS: [Step; 5] = [
    (own, |row| row.reaction),
    (retry::next_server, |_| Kind::NextServer),
    (next_target, |_| Kind::TryTargets),
    (retry::wait, |_| Kind::RetryAfter),
    (person::choose, |row| row.reaction),
];

pub(super) fn decide(inputs: &Inputs<'_>, row: &Row) -> Decision {
    let mut stopped = Vec::new();
    if !inputs.means.cancelled {
        for (step, kind) in STEPS {
            match step(inputs, row).map(|attempt| attempt.and_then(|did| allowed(inputs, row, did)))
            {
                None => {}
                Some(Ok(reaction)) => return decision(inputs, row, reaction, stopped),
                Some(Err(cause)) => stopped.push(Stopped { kind: kind(row), cause }),
            }
        }
    }
    decision(inputs, row, report(inputs), stopped)
}

fn decision(inputs: &Inputs<'_>, row: &Row, reaction: Reaction, stopped: Vec<Stopped>) -> Decision {
    let given_up = match &reaction {
        Reaction::TryTargets(redirect) => redirect.added.is_empty(),
        // Whether there is a stream was a guess: if there is none, this is what the answer was.
        Reaction::Shrink { stream, .. } => stream.is_some(),
        reaction => matches!(reaction, Reaction::NextServer { .. }) || !reaction.goes_on(),
    };
    let failure = given_up.then(|| inputs.failure());
    Decision { key: row.key, reaction, stopped, failure }
}

/// The code's own reaction.
fn own(inputs: &Inputs<'_>, row: &Row) -> Attempted {
    let Got::Response(response) = inputs.got else { return None };
    // 604 stops an action, but a remembered address that has gone is only a bad memory.
    if row.reaction == Kind::StopEverywhere && is_bad_memory(inputs) {
        return None;
    }
    let attempted = match row.reaction {
        Kind::ChooseTarget | Kind::RememberTarget | Kind::TryTargets => {
            redirect::follow(inputs, row, response)
        }
        Kind::UseProxy => redirect::use_proxy(inputs, response),
        Kind::AnswerChallenge => challenge::answer(inputs, response),
        Kind::ChangeBody => return body::change(inputs, response),
        Kind::Shrink => shrink::shrink(inputs),
        Kind::ChangeScheme => scheme::change(inputs),
        Kind::ChangeMethod => return session::change_method(inputs, response),
        Kind::ChangePriority => extension::change_priority(inputs, response),
        Kind::DropExtension => extension::drop(inputs, response),
        Kind::AddExtension => extension::add(inputs, response),
        Kind::Lengthen => interval::lengthen(inputs, response),
        Kind::StartAnew => interval::start_anew(inputs),
        Kind::SignIdentity => identity::sign(inputs, response),
        Kind::RevealIdentity => identity::reveal(inputs),
        Kind::AgreeSecurity => security::agree(inputs, response),
        Kind::Reoffer => session::reoffer(inputs, response),
        Kind::GlareBackoff => retry::glare(inputs),
        Kind::EndUsage => return dialog::end_usage(inputs).map(Ok),
        Kind::StopEverywhere => Ok(Reaction::StopEverywhere {
            later: retry::later(inputs),
            effect: dialog::effect(inputs),
        }),
        _ => return own_of_a_report(inputs, response),
    };
    Some(attempted)
}

/// Two rows that report do something first in one case each.
fn own_of_a_report(inputs: &Inputs<'_>, response: &antiphon_sip::Response) -> Attempted {
    match response.status().as_u16() {
        483 => retry::raise_max_forwards(inputs),
        // RFC 3311 §5.2: 504 to an UPDATE that would need the user's consent.
        504 => session::change_method(inputs, response),
        _ => None,
    }
}

/// The next target of an earlier 3xx, or of a remembered one; behind the last of these the address
/// that was asked for.
fn next_target(inputs: &Inputs<'_>, row: &Row) -> Attempted {
    let targets = inputs.history.targets();
    let next = match inputs.history.next_target() {
        Some(waits) => waits,
        None => targets.asked().filter(|_| is_bad_memory(inputs))?,
    };
    let about_person = row.key.class() == Class::GlobalFailure && !is_bad_memory(inputs);
    if about_person || inputs.status().as_u16() == 380 {
        return None;
    }
    Some(Ok(Reaction::TryTargets(Redirect::to_waiting(next.clone()))))
}

/// Whether an address that was remembered has turned out to be wrong.
fn is_bad_memory(inputs: &Inputs<'_>) -> bool {
    let silent = !matches!(inputs.got, Got::Response(_));
    let wrong = silent || !remember::confirms_remembered(inputs.status());
    wrong && inputs.history.targets().asked().is_some()
}

/// Whether the budget, the bound of the row and the progress rule have room for the reaction.
fn allowed(inputs: &Inputs<'_>, row: &Row, reaction: Reaction) -> Result<Reaction, Cause> {
    if !reaction.goes_on() {
        return Ok(reaction);
    }
    let history = inputs.history;
    history.room()?;
    match &reaction {
        // Moved: the target list takes no URI twice.
        Reaction::ChooseTarget(_) | Reaction::RememberTarget(_) | Reaction::TryTargets(_) => {}
        // Counted per realm, after a wait by its own count, per server.
        Reaction::AnswerChallenge { .. } | Reaction::RetryAfter { .. } => {}
        Reaction::NextServer { server, .. } => history.is_new(inputs.request, Some(*server))?,
        _ => history.within_bound(row)?,
    }
    if let Some(change) = reaction.change().filter(|change| !change.is_empty()) {
        makes_progress(inputs, &reaction, change)?;
    }
    Ok(reaction)
}

fn makes_progress(inputs: &Inputs<'_>, reaction: &Reaction, change: &Change) -> Result<(), Cause> {
    let server = match reaction {
        Reaction::Shrink { stream: Some(stream), .. } => Some(*stream),
        _ => inputs.server,
    };
    let next = change.apply(inputs.request).map_err(|_| Limit::NoProgress)?;
    inputs.history.is_new(&next, server)
}

fn report(inputs: &Inputs<'_>) -> Reaction {
    let last = inputs.failure();
    let of = if inputs.means.cancelled { last } else { inputs.history.best_failure(last) };
    Reaction::Report(Report {
        of,
        later: retry::later(inputs),
        effect: dialog::effect(inputs),
        cancelled: inputs.means.cancelled,
        proposes: person::proposes(inputs),
    })
}
