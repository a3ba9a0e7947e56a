//! Rules: where a request goes, in words of the configuration.
//!
//! [`decide`] is a pure and total function of the [`RuleSet`] and the [`Facts`] about a request;
//! its [`Decision`] is a plain value, which the node carries out. [`explain()`] is the same with
//! every rule that was looked at. Rules are read and checked with the rest of the configuration
//! ([`crate::config`]); here they only decide.

mod action;
mod actions;
mod captures;
mod condition;
mod decision;
mod explain;
mod facts;
mod hand_over;
mod hours;
mod impossible;
mod mailbox;
mod never;
mod on;
mod set;
mod template;

pub(crate) mod build;
pub(crate) mod pattern;
pub(crate) mod raw;
pub(crate) mod scope;

#[cfg(test)]
mod tests;

pub use decision::{
    Answer, Contact, Contacts, Decision, Destination, Hop, Outcome, Plan, Redirect, Step, Then,
};
pub use explain::{Explanation, Look, Origin, Verdict};
pub use facts::{DownTrunks, Facts, Moment, Weekday};
pub use mailbox::mailbox_uri;
pub use on::On;
pub use set::{RuleSet, decide, explain};
