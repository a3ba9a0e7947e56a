//! The names by which the user agent finds what it has under way.

use super::super::words::CallId;
use crate::endpoint::{ClientId, ServerId};

/// Names an action within the user agent; also those that nobody asked for, such as the BYE of a
/// call that is hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ActionKey(pub(crate) u64);

/// Whose question to the DNS it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Resolving {
    Action(ActionKey),
    Ack(CallId),
}

/// What can have a deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Subject {
    Action(ActionKey),
    Call(CallId),
    Answered(ClientId),
    Performance(ServerId),
    /// The keep-alives of its flow.
    Flow(ActionKey),
}
