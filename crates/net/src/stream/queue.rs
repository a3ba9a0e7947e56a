//! What waits to be written on one connection, and the word that ends it: the table has one end,
//! the connection's task the other.
//!
//! A channel of the runtime reserves room for 32 messages when it is made, some 2 KiB; an idle
//! connection needs none. What both ends have to know of the connection lies here as well, once.

use std::collections::LinkedList;
use std::future::{Future, poll_fn};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use antiphon_core::flow::{Fault, Flow, Ticket};
use bytes::Bytes;
use tokio::time::Instant;

use super::activity::Activity;
use crate::settings::Settings;

/// How much more may wait for a connection that takes what it is given, or is still being made:
/// what comes at once, as when the requests of another connection that broke move to it, is no
/// sign of a peer that does not read.
const BURST: usize = 8;

/// Octets to be written, and who wants to know if they are not.
#[derive(Debug)]
pub(super) struct Outgoing {
    pub(super) octets: Bytes,
    pub(super) ticket: Option<Ticket>,
    /// Until when it waits for the connection to be made.
    pub(super) patient_until: Option<Instant>,
}

/// The table's end. Dropped, it is closed.
#[derive(Debug)]
pub(super) struct Sender(Arc<Shared>);

/// The task's end.
#[derive(Debug)]
pub(super) struct Receiver(Arc<Shared>);

/// The two ends of the queue of a connection.
pub(super) fn queue(flow: Flow) -> (Sender, Receiver) {
    let (activity, state) = (Activity::new(), Mutex::default());
    let shared = Arc::new(Shared { flow, activity, state });
    (Sender(Arc::clone(&shared)), Receiver(shared))
}

#[derive(Debug)]
struct Shared {
    flow: Flow,
    activity: Activity,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    #[expect(
        clippy::linkedlist,
        reason = "most are empty, and then a list takes no memory and the least room"
    )]
    waiting: LinkedList<Outgoing>,
    /// Of what waits and of what is being written.
    octets: usize,
    /// Whether the kernel has no room for what is being written.
    is_blocked: bool,
    killed: Option<Fault>,
    /// Nothing more is put in.
    is_closed: bool,
    /// Nothing more is taken out.
    is_ended: bool,
    task: Option<Waker>,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing under the lock can end half way.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn wake(&mut self) {
        if let Some(task) = self.task.take() {
            task.wake();
        }
    }

    fn wait(&mut self, cx: &Context<'_>) {
        match &mut self.task {
            Some(task) => task.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
    }
}

impl Sender {
    /// Which connection it leads to.
    pub(super) fn flow(&self) -> &Flow {
        &self.0.flow
    }

    /// Puts a message into the queue. One that is larger than the queue still goes out when nothing
    /// else waits.
    ///
    /// # Errors
    /// Why it cannot be delivered.
    pub(super) fn push(&self, outgoing: Outgoing, settings: &Settings) -> Result<(), Fault> {
        let mut state = self.0.state();
        if state.is_closed || state.is_ended {
            return Err(Fault::Closed);
        }
        let octets = state.octets.saturating_add(outgoing.octets.len());
        let times = if state.is_blocked { 1 } else { BURST };
        let most_octets = settings.write_queue_octets.saturating_mul(times);
        let most_messages = settings.write_queue_messages.max(1).saturating_mul(times);
        let is_full =
            (state.octets > 0 && octets > most_octets) || state.waiting.len() >= most_messages;
        if is_full {
            return Err(Fault::Stalled);
        }
        state.octets = octets;
        state.waiting.push_back(outgoing);
        state.wake();
        Ok(())
    }

    /// Has the task write what waits, and then close.
    pub(super) fn close(&self) {
        let mut state = self.0.state();
        state.is_closed = true;
        state.wake();
    }

    /// Ends the task at once, for this reason.
    pub(super) fn kill(&self, fault: Fault) {
        let mut state = self.0.state();
        state.is_closed = true;
        state.killed.get_or_insert(fault);
        state.wake();
    }

    /// Whether something may still be put in.
    pub(super) fn is_open(&self) -> bool {
        !self.0.state().is_closed
    }

    /// Whether the task is gone.
    pub(super) fn is_ended(&self) -> bool {
        self.0.state().is_ended
    }
}

impl Drop for Sender {
    fn drop(&mut self) {
        self.close();
    }
}

impl Receiver {
    /// Which connection it is of.
    pub(super) fn flow(&self) -> &Flow {
        &self.0.flow
    }

    /// When the connection was last used.
    pub(super) fn activity(&self) -> &Activity {
        &self.0.activity
    }

    /// Waits until a message waits; says that none does when there is none and the queue is closed.
    pub(super) fn filled(&self) -> impl Future<Output = bool> + Send {
        poll_fn(|cx| {
            let mut state = self.0.state();
            if !state.waiting.is_empty() || state.is_closed {
                return Poll::Ready(!state.waiting.is_empty());
            }
            state.wait(cx);
            Poll::Pending
        })
    }

    /// The next message, if one waits.
    pub(super) fn take(&self) -> Option<Outgoing> {
        self.0.state().waiting.pop_front()
    }

    /// Waits until there is something that waits for the connection only so long, and says until
    /// when.
    pub(super) async fn impatient(&self) -> Instant {
        poll_fn(|cx| {
            let mut state = self.0.state();
            if let Some(until) = state.waiting.iter().filter_map(|it| it.patient_until).min() {
                return Poll::Ready(until);
            }
            state.wait(cx);
            Poll::Pending
        })
        .await
    }

    /// Takes out what does not wait any longer, for whoever holds its tickets.
    pub(super) fn take_impatient(&self, now: Instant) -> Vec<Ticket> {
        let mut state = self.0.state();
        let is_over = |it: &Outgoing| it.patient_until.is_some_and(|until| until <= now);
        let (over, waiting) = std::mem::take(&mut state.waiting).into_iter().partition(is_over);
        let over: LinkedList<Outgoing> = over;
        state.waiting = waiting;
        let octets: usize = over.iter().map(|it| it.octets.len()).sum();
        state.octets = state.octets.saturating_sub(octets);
        over.into_iter().filter_map(|it| it.ticket).collect()
    }

    /// Says that so many octets are the kernel's now.
    pub(super) fn written(&self, octets: usize) {
        let mut state = self.0.state();
        state.octets = state.octets.saturating_sub(octets);
    }

    /// Watches a write: when it does not end at once, the peer has to read first.
    pub(super) async fn watch<T>(&self, write: impl Future<Output = T>) -> T {
        let mut write = std::pin::pin!(write);
        let written = poll_fn(|cx| {
            let written = write.as_mut().poll(cx);
            self.0.state().is_blocked = written.is_pending();
            written
        });
        written.await
    }

    /// Waits for the word to end at once, and why.
    pub(super) fn killed(&self) -> impl Future<Output = Fault> + Send {
        poll_fn(|cx| {
            let mut state = self.0.state();
            if let Some(fault) = state.killed {
                return Poll::Ready(fault);
            }
            state.wait(cx);
            Poll::Pending
        })
    }

    /// Takes nothing more, and gives what waits.
    pub(super) fn end(self) -> impl ExactSizeIterator<Item = Outgoing> {
        std::mem::take(&mut self.0.state().waiting).into_iter()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.0.state().is_ended = true;
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;
    use std::pin::pin;
    use std::task::Context;

    use antiphon_sip::Transport;

    use super::*;

    fn queue() -> (Sender, Receiver) {
        let address: SocketAddr = "127.0.0.1:5060".parse().unwrap();
        let (local, remote) = (address, address);
        super::queue(Flow { transport: Transport::Tcp, local, remote, connection: None })
    }

    fn message(length: usize) -> Outgoing {
        Outgoing { octets: vec![0; length].into(), ticket: None, patient_until: None }
    }

    fn settings() -> Settings {
        Settings { write_queue_octets: 100, write_queue_messages: 3, ..Settings::default() }
    }

    /// What a future gives when it is polled once.
    fn now<T>(future: impl Future<Output = T>) -> Option<T> {
        match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(value) => Some(value),
            Poll::Pending => None,
        }
    }

    fn push(sender: &Sender, length: usize) -> Result<(), Fault> {
        sender.push(message(length), &settings())
    }

    /// Has the peer stop reading, as far as the queue knows.
    fn block(receiver: &Receiver) {
        assert!(now(receiver.watch(std::future::pending::<()>())).is_none());
    }

    #[test]
    fn more_may_wait_as_long_as_the_peer_reads() {
        let (sender, receiver) = queue();
        for _ in 0..8 {
            assert_eq!(push(&sender, 100), Ok(()));
        }
        assert_eq!(push(&sender, 1), Err(Fault::Stalled));
        receiver.written(700);
        assert_eq!(push(&sender, 1), Ok(()));
        block(&receiver);
        assert_eq!(push(&sender, 1), Err(Fault::Stalled));
        assert_eq!(now(receiver.watch(std::future::ready(()))), Some(()));
        assert_eq!(push(&sender, 1), Ok(()));
    }

    #[test]
    fn messages_are_counted_as_well_as_octets() {
        let (sender, receiver) = queue();
        for _ in 0..24 {
            assert_eq!(push(&sender, 1), Ok(()));
        }
        assert_eq!(push(&sender, 1), Err(Fault::Stalled));
        assert!(receiver.take().is_some());
        assert_eq!(push(&sender, 1), Ok(()));
    }

    #[test]
    fn one_message_may_be_larger_than_the_queue() {
        let (sender, receiver) = queue();
        block(&receiver);
        assert_eq!(push(&sender, 5000), Ok(()));
        assert_eq!(push(&sender, 1), Err(Fault::Stalled), "until it is written");
    }

    #[test]
    fn what_waits_comes_out_before_the_end() {
        let (sender, receiver) = queue();
        assert!(now(receiver.filled()).is_none(), "it waits");
        sender.push(message(1), &settings()).unwrap();
        sender.close();
        assert!(!sender.is_open());
        assert_eq!(sender.push(message(1), &settings()), Err(Fault::Closed));
        assert_eq!(now(receiver.filled()), Some(true));
        assert!(receiver.take().is_some());
        assert_eq!(now(receiver.filled()), Some(false));
        assert!(now(receiver.killed()).is_none());
    }

    #[test]
    fn the_first_reason_to_end_counts_and_what_waits_is_given_back() {
        let (sender, receiver) = queue();
        sender.push(message(1), &settings()).unwrap();
        sender.kill(Fault::Stalled);
        sender.kill(Fault::Closed);
        assert_eq!(now(receiver.killed()), Some(Fault::Stalled));
        assert!(!sender.is_ended());
        assert_eq!(receiver.end().len(), 1);
        assert!(sender.is_ended());
        assert_eq!(sender.push(message(1), &settings()), Err(Fault::Closed));
    }
}
