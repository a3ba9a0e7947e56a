//! What the steps of a user agent remember from one input to the next: plain values, which know
//! neither the user agent nor the steps.

mod action;
mod agreement;
mod call;
mod got;
mod keys;
mod memory;
mod performance;
mod reliable;
mod session_timer;
mod signing;
mod subscription;
mod timers;
mod turns;
mod upkeep;

pub(super) use action::{
    Action, Base, ContactLine, Draft, Purpose, State, Waiting, fork_of, without,
};
pub(super) use agreement::{Agreement, Agreements, Mechanism, wants_tls};
pub(super) use call::{
    Ack, AnsweredInvite, Call, EarlyDialog, EndedBranch, HangUp, Ringing, Said, Stage, Talking,
    Unacked,
};
pub(super) use got::{Got, Held};
pub(super) use keys::{ActionKey, Resolving, Subject};
pub(super) use memory::Memory;
pub(super) use performance::Performance;
pub(super) use reliable::{Due, LatePrack, Reliable};
pub(super) use session_timer::{MIN_SE, Role, SessionDue, SessionTimer, grant};
pub(super) use signing::{Manner, Unsigned};
pub(super) use subscription::{Notice, Opened, Subscription, is_for, package};
pub(super) use timers::{BUSY, Timers};
pub(super) use turns::Turns;
pub(super) use upkeep::{KeptFlow, Phase, Publication, Soft, Upkeep};
