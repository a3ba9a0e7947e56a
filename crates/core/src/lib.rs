//! The decisions of SIP: transactions, dialogs, authentication, and the roles on top of them
//! (user agent, proxy, registrar). Sans I/O: no socket, no clock, no task, no randomness of its
//! own. Time and chance are arguments.
//!
//! Where to begin: [`node`] says how a participant is driven; [`endpoint`] finds the transaction
//! of a message and keeps its timers; a role turns the endpoint's events into decisions.

pub mod auth;
pub mod dialog;
pub mod endpoint;
pub mod flow;
pub mod id_map;
pub mod locate;
pub mod node;
pub mod offer_answer;
mod option_tags;
mod page;
mod params;
pub mod passport;
pub mod proxy;
pub mod reaction;
pub mod refusal;
pub mod registrar;
pub mod registration;
pub mod reply;
pub mod time;
pub mod timer;
mod transaction;
pub mod user_agent;
