//! What waits to be written on one connection, and when it is too much.

use std::future::{Future, poll_fn};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use antiphon_core::flow::Fault;
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Semaphore, mpsc};

use super::connection::Outgoing;
use crate::settings::Settings;

/// How much more may wait for a connection that takes what it is given, or is still being made:
/// what comes at once, as when the requests of another connection that broke move to it, is no
/// sign of a peer that does not read.
const BURST: usize = 8;

/// A queue for one connection.
pub(super) fn queue(settings: &Settings) -> (mpsc::Sender<Outgoing>, mpsc::Receiver<Outgoing>) {
    let most = settings.write_queue_messages.max(1).saturating_mul(BURST);
    mpsc::channel(most.min(Semaphore::MAX_PERMITS))
}

/// How it stands, as both ends of the queue know it.
#[derive(Debug, Default)]
pub(super) struct Standing {
    octets: AtomicUsize,
    /// Whether the kernel has no room for what is being written.
    is_blocked: AtomicBool,
}

impl Standing {
    /// Puts a message into the queue. One that is larger than the queue still goes out when nothing
    /// else waits.
    pub(super) fn push(
        &self,
        queue: &mpsc::Sender<Outgoing>,
        outgoing: Outgoing,
        settings: &Settings,
    ) -> Result<(), Fault> {
        let length = outgoing.octets.len();
        let octets = self.octets.load(Ordering::Relaxed);
        let messages = queue.max_capacity() - queue.capacity();
        let is_blocked = self.is_blocked.load(Ordering::Relaxed);
        let most = settings.write_queue_octets.saturating_mul(if is_blocked { 1 } else { BURST });
        let is_full = octets > 0 && octets.saturating_add(length) > most;
        if is_full || (is_blocked && messages >= settings.write_queue_messages) {
            return Err(Fault::Stalled);
        }
        // Counted before the task can count it out again.
        self.octets.fetch_add(length, Ordering::Relaxed);
        queue.try_send(outgoing).map_err(|error| match error {
            TrySendError::Full(_) => Fault::Stalled,
            TrySendError::Closed(_) => Fault::Closed,
        })
    }

    /// So much of it is written.
    pub(super) fn written(&self, length: usize) {
        self.octets.fetch_sub(length, Ordering::Relaxed);
    }

    /// Watches a write: when it does not end at once, the peer has to read first.
    pub(super) async fn watch<T>(&self, write: impl Future<Output = T>) -> T {
        let mut write = std::pin::pin!(write);
        let written = poll_fn(|cx| {
            let written = write.as_mut().poll(cx);
            self.is_blocked.store(written.is_pending(), Ordering::Relaxed);
            written
        });
        written.await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: usize) -> Outgoing {
        Outgoing { octets: vec![b'x'; length].into(), ticket: None }
    }

    const SETTINGS: fn() -> Settings =
        || Settings { write_queue_octets: 1000, write_queue_messages: 10, ..Settings::default() };

    #[test]
    fn more_may_wait_as_long_as_the_peer_reads() {
        let settings = SETTINGS();
        let (sender, _receiver) = queue(&settings);
        let standing = Standing::default();
        for _ in 0..8 {
            assert_eq!(standing.push(&sender, message(1000), &settings), Ok(()));
        }
        assert_eq!(standing.push(&sender, message(1), &settings), Err(Fault::Stalled));
        standing.written(7000);
        assert_eq!(standing.push(&sender, message(1), &settings), Ok(()));
        standing.is_blocked.store(true, Ordering::Relaxed);
        assert_eq!(standing.push(&sender, message(1), &settings), Err(Fault::Stalled));
    }

    #[test]
    fn messages_are_counted_as_well_as_octets() {
        let settings = SETTINGS();
        let (sender, _receiver) = queue(&settings);
        let standing = Standing::default();
        for _ in 0..80 {
            assert_eq!(standing.push(&sender, message(1), &settings), Ok(()));
        }
        assert_eq!(standing.push(&sender, message(1), &settings), Err(Fault::Stalled));
    }

    #[test]
    fn one_message_may_be_larger_than_the_queue() {
        let settings = SETTINGS();
        let (sender, _receiver) = queue(&settings);
        let standing = Standing::default();
        standing.is_blocked.store(true, Ordering::Relaxed);
        assert_eq!(standing.push(&sender, message(1_000_000), &settings), Ok(()));
        assert_eq!(standing.push(&sender, message(1), &settings), Err(Fault::Stalled));
    }
}
