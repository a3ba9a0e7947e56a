//! What is done about every response code: one table and one function.
//!
//! [`rows`] is the table: who sends a code and when, what it carries, what a client does, what a
//! proxy does, what is left of the dialog, what a person is told. [`reaction`] decides what a
//! client does about one response, or about there being none. It is pure and total: it reads
//! nothing but its [`Inputs`], it changes nothing, and every number from 100 to 699 with every
//! method has an answer; [`Reaction::Report`] is always possible.
//!
//! Where to begin: `order.rs` holds the order of precedence; each family of
//! reactions has a file of its own (`challenge.rs`, `redirect.rs`, `body.rs`, ...). [`History`]
//! keeps the budget of an action, [`Keeper`] the state that is refreshed, and [`Told`] is what a
//! person or a program hears. A proxy reads [`treatment()`] and [`Preference`] from the same rows.
//!
//! Whoever drives it sends what the reaction says, tells the [`History`] of every request
//! ([`History::sent`]) and of every decision it carries out ([`History::follow`]), and stops when
//! the reaction does not [go on](Reaction::goes_on).

mod body;
mod challenge;
mod challenge_fault;
mod change;
mod contact;
mod data;
mod decision;
mod dialog;
mod extension;
mod failure;
mod forms;
mod history;
mod identity;
mod inputs;
mod interval;
mod keeper;
mod kind;
mod limit;
mod order;
mod person;
mod preference;
mod provisional;
mod redirect;
mod remember;
mod retry;
mod row;
mod scheme;
mod security;
mod session;
mod shrink;
mod success;
mod table;
mod tags;
mod targets;
mod text;
mod told;
mod treatment;

#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub use challenge_fault::ChallengeFault;
pub use change::{Body, Change, Edit, Fingerprint, NewBody};
pub use data::{BodyChange, Redirect, RefusedContact, Remember, Signing, Target, UsageEnd};
pub use decision::{Choice, Decision, Later, Proceeding, Reaction, Report, Success};
pub use failure::{Failure, Server};
pub use history::{Budget, History, RealmUse};
pub use inputs::{Account, Got, Inputs, Means, Place, Policy, Purpose, Remembering, Signer};
pub use keeper::{Ended, Keeper, KeeperState};
pub use kind::Kind;
pub use limit::{Cause, Fault, FaultKind, Lack, Limit, Stopped};
pub use preference::{Preference, treatment};
pub use remember::{confirms_remembered, forgets_remembered};
pub use row::{Bound, DialogEffect, Element, Key, Times};
pub use table::{Row, rows};
pub use targets::Targets;
pub use told::{Evidence, Told, told};
pub use treatment::{Rank, Step, Treatment};

use antiphon_sip::name::Class;

/// What a client does about a response, or about there being none.
#[must_use]
pub fn reaction(inputs: &Inputs<'_>) -> Decision {
    let row = inputs.row();
    match row.key.class() {
        Class::Provisional => provisional::decide(inputs, row),
        Class::Success => success::decide(inputs, row),
        _ => order::decide(inputs, row),
    }
}
