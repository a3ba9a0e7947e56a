//! When a connection was last used, shared by its reading and its writing half.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

/// The moment of the last octet in either direction.
#[derive(Debug)]
pub(super) struct Activity {
    started: Instant,
    /// Milliseconds since then.
    last: AtomicU64,
}

impl Activity {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), last: AtomicU64::new(0) }
    }

    pub(super) fn touch(&self) {
        let elapsed = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(elapsed, Ordering::Relaxed);
    }

    /// Returns when nothing has happened for so long.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function has room for its arguments twice, for each connection"
    )]
    pub(super) fn silence(&self, duration: Duration) -> impl Future<Output = ()> + Send {
        async move {
            while let Some(end) = self.end_of(duration) {
                sleep_until(end).await;
            }
        }
    }

    /// When it will have been silent for so long; `None` when it has been.
    fn end_of(&self, duration: Duration) -> Option<Instant> {
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        let end = self.started + last + duration;
        (end > Instant::now()).then_some(end)
    }
}
