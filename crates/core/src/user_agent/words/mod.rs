//! The words between a user agent and whoever drives it: what it is told once (`config.rs`), what
//! it is told to do (`command.rs`, `script.rs`, `playbook.rs`), what it tells (`event.rs`,
//! `outcome.rs`) and what it asks (`question.rs`). Values without a decision in them.

mod command;
mod config;
mod event;
mod identity;
mod outcome;
mod playbook;
mod question;
mod remembered;
mod script;

pub use command::{
    ActionId, Ask, CallId, Command, Identifiers, InCall, Outbound, PlaceCall, Publish, Push,
    Register, Reinvite, SendMessage, Subscribe, Unbind, Unregister, is_reserved,
};
pub use config::{Acceptance, Patience, Reliability, Signatures, UserAgentConfig};
pub use event::{EndCause, Event, Incoming, LookUp, Progress, Side, Substate};
pub use identity::Identity;
pub use outcome::{Attempt, Conclusion, Misuse, NoAnswer, Outcome};
pub use playbook::{Part, Playbook};
pub use question::{Answer, Question, Sign, SignId};
pub use remembered::Remembered;
pub use script::{Reply, Script, Step};

pub(super) use playbook::is_challenge;
