//! Who runs a node: answers its questions, hears its events, gives its commands.

use std::fmt;
use std::sync::Arc;

use antiphon_core::flow::Flow;
use antiphon_core::node::Node;
use antiphon_core::time::Time;
use tokio::sync::mpsc;

use crate::counters::Counters;
use crate::notice::Notice;

/// Answers that may wait for the loop. A look-up that finds it full waits in its own thread, so
/// that a slow node slows the look-ups down and memory stays bounded.
pub(crate) const ANSWERS: usize = 4096;

/// Commands that may wait for the loop; people and programs that give more are told so.
pub(crate) const COMMANDS: usize = 1024;

/// Whoever runs a node. All of it is called on the loop: nothing here may block.
pub trait Host<N: Node> {
    /// The node asks. An answer that is known at once (a look-up in memory) is returned; one that
    /// takes time is `None` now and posted to `replies` later, from any thread.
    fn question(&mut self, question: N::Question, replies: &Replies<N>) -> Option<N::Answer>;

    /// The node tells.
    fn event(&mut self, event: N::Event);

    /// Hears which SIP domains the client on a connection has proved to be with its certificate
    /// (RFC 5922 §7.4), before its first message is handed to the node. They hold until the
    /// connection is closed.
    fn authenticated(&mut self, flow: &Flow, domains: &[Box<str>]) {
        let _ = (flow, domains);
    }

    /// Hears of what a peer did that is to be looked at by whoever runs the program. A source gives
    /// one notice a minute at most, so each can be a line of a log.
    fn notice(&mut self, notice: Notice) {
        let _ = notice;
    }

    /// Sees the octets of each message as it arrives or is sent, for traces. A message that cannot
    /// be parsed arrives here as well when it is a datagram; on a stream it has no octets of its
    /// own.
    fn tap(&mut self, direction: Direction, flow: &Flow, octets: &[u8], now: Time) {
        let _ = (direction, flow, octets, now);
    }
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// To us.
    In,
    /// From us.
    Out,
}

/// Takes the answers to a node's questions, from any thread. Cloned handles feed the same node.
pub struct Replies<N: Node>(mpsc::Sender<N::Answer>);

impl<N: Node> Replies<N> {
    pub(crate) const fn new(sender: mpsc::Sender<N::Answer>) -> Self {
        Self(sender)
    }

    /// Posts an answer, waiting while too many wait already. For tasks.
    ///
    /// # Errors
    /// Gives the answer back when the loop has ended.
    pub async fn post(&self, answer: N::Answer) -> Result<(), N::Answer> {
        self.0.send(answer).await.map_err(|error| error.0)
    }

    /// Posts an answer, blocking while too many wait already. For threads outside a runtime; inside
    /// one it panics.
    ///
    /// # Errors
    /// Gives the answer back when the loop has ended.
    pub fn post_blocking(&self, answer: N::Answer) -> Result<(), N::Answer> {
        self.0.blocking_send(answer).map_err(|error| error.0)
    }

    /// Posts an answer if there is room.
    ///
    /// # Errors
    /// Gives the answer back when too many wait or the loop has ended.
    pub fn try_post(&self, answer: N::Answer) -> Result<(), Full<N::Answer>> {
        self.0.try_send(answer).map_err(Full::from)
    }
}

impl<N: Node> Clone for Replies<N> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<N: Node> fmt::Debug for Replies<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").field("room", &self.0.capacity()).finish()
    }
}

/// Gives commands to a node, from any thread. Cloned handles command the same node.
pub struct Handle<N: Node> {
    commands: mpsc::Sender<N::Command>,
    replies: Replies<N>,
    counters: Arc<Counters>,
}

impl<N: Node> Handle<N> {
    pub(crate) const fn new(
        commands: mpsc::Sender<N::Command>,
        replies: Replies<N>,
        counters: Arc<Counters>,
    ) -> Self {
        Self { commands, replies, counters }
    }

    /// Gives a command, waiting while too many wait already. For tasks.
    ///
    /// # Errors
    /// Gives the command back when the loop has ended.
    pub async fn command(&self, command: N::Command) -> Result<(), N::Command> {
        self.commands.send(command).await.map_err(|error| error.0)
    }

    /// Gives a command if there is room.
    ///
    /// # Errors
    /// Gives the command back when too many wait or the loop has ended.
    pub fn try_command(&self, command: N::Command) -> Result<(), Full<N::Command>> {
        self.commands.try_send(command).map_err(Full::from)
    }

    /// Where the answers go.
    #[must_use]
    pub const fn replies(&self) -> &Replies<N> {
        &self.replies
    }

    /// What happened at the sockets.
    #[must_use]
    pub const fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }
}

impl<N: Node> Clone for Handle<N> {
    fn clone(&self) -> Self {
        Self {
            commands: self.commands.clone(),
            replies: self.replies.clone(),
            counters: Arc::clone(&self.counters),
        }
    }
}

impl<N: Node> fmt::Debug for Handle<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("room", &self.commands.capacity()).finish_non_exhaustive()
    }
}

/// Why something was not taken, with the thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Full<T> {
    /// Too many wait already.
    Busy(T),
    /// The loop has ended.
    Ended(T),
}

impl<T> From<mpsc::error::TrySendError<T>> for Full<T> {
    fn from(error: mpsc::error::TrySendError<T>) -> Self {
        match error {
            mpsc::error::TrySendError::Full(value) => Self::Busy(value),
            mpsc::error::TrySendError::Closed(value) => Self::Ended(value),
        }
    }
}

impl<T> fmt::Display for Full<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Busy(_) => "too much is waiting to be done",
            Self::Ended(_) => "it has ended",
        })
    }
}

impl<T: fmt::Debug> std::error::Error for Full<T> {}
