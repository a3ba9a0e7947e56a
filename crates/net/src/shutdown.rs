//! The end: asked for, with time to say goodbye, then done.

use std::future::{Future, pending};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

/// How far the end has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    Running,
    /// No new connections; the loop goes on until told that all is said, or until then.
    Draining {
        until: Instant,
    },
    Finished,
}

/// The signal that ends a [`Driver`](crate::Driver), or several. Cloned handles mean the same end.
///
/// [`begin`](Self::begin) stops accepting connections and lets the loop go on for a grace period,
/// in which the node may hang up, un-register and be answered: whoever began it tells the node so
/// with a command of its own, and calls [`finish`](Self::finish) when the node says it is done.
#[derive(Debug, Clone)]
pub struct Shutdown(watch::Sender<Stage>);

impl Default for Shutdown {
    fn default() -> Self {
        Self::new()
    }
}

impl Shutdown {
    /// A signal not given yet.
    #[must_use]
    pub fn new() -> Self {
        Self(watch::Sender::new(Stage::Running))
    }

    /// Begins the end, which comes after `grace` at the latest. Called again it can only bring the
    /// end nearer.
    pub fn begin(&self, grace: Duration) {
        let now = Instant::now();
        let until = now.checked_add(grace);
        self.0.send_if_modified(|stage| match (*stage, until) {
            (Stage::Finished, _) => false,
            (Stage::Draining { until: earlier }, Some(until)) if until >= earlier => false,
            (Stage::Draining { .. }, None) => false,
            (_, until) => {
                // A grace period beyond what the clock can say is a year.
                let until = until.unwrap_or(now + Duration::from_secs(365 * 86_400));
                *stage = Stage::Draining { until };
                true
            }
        });
    }

    /// Ends it now: nothing is left to be said.
    pub fn finish(&self) {
        self.0.send_replace(Stage::Finished);
    }

    /// Waits until the end begins.
    pub async fn begun(&self) {
        let mut stage = self.0.subscribe();
        // Who waits here keeps the sender.
        let _ = stage.wait_for(|stage| *stage != Stage::Running).await;
    }

    /// Whether the end has begun.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        *self.0.borrow() != Stage::Running
    }
}

/// The loop's end of the signal.
pub(crate) struct Ending {
    stage: Stage,
    change: Pin<Box<dyn Future<Output = watch::Receiver<Stage>> + Send>>,
}

impl Ending {
    pub(crate) fn new(shutdown: &Shutdown) -> Self {
        let receiver = shutdown.0.subscribe();
        let stage = *receiver.borrow();
        Self { stage, change: Box::pin(changed(receiver)) }
    }

    /// How far it has come; the task is woken when that changes.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Stage {
        while let Poll::Ready(mut receiver) = self.change.as_mut().poll(cx) {
            self.stage = *receiver.borrow_and_update();
            self.change = Box::pin(changed(receiver));
        }
        self.stage
    }

    /// How far it had come.
    pub(crate) const fn stage(&self) -> Stage {
        self.stage
    }

    /// When the grace period ends.
    pub(crate) const fn until(&self) -> Option<Instant> {
        match self.stage {
            Stage::Draining { until } => Some(until),
            Stage::Running | Stage::Finished => None,
        }
    }
}

/// The receiver, once there is something new. When nobody is left to give the signal, never.
async fn changed(mut receiver: watch::Receiver<Stage>) -> watch::Receiver<Stage> {
    if receiver.changed().await.is_err() {
        return pending().await;
    }
    receiver
}

#[cfg(test)]
mod tests {
    use super::*;

    fn until(shutdown: &Shutdown) -> Option<Instant> {
        match *shutdown.0.borrow() {
            Stage::Draining { until } => Some(until),
            _ => None,
        }
    }

    #[test]
    fn a_second_signal_only_shortens_the_grace() {
        let shutdown = Shutdown::new();
        assert!(!shutdown.has_begun());
        shutdown.begin(Duration::from_secs(10));
        let first = until(&shutdown).unwrap();
        shutdown.begin(Duration::from_secs(60));
        assert_eq!(until(&shutdown), Some(first));
        shutdown.begin(Duration::MAX);
        assert_eq!(until(&shutdown), Some(first));
        shutdown.begin(Duration::ZERO);
        assert!(until(&shutdown).unwrap() < first);
    }

    #[test]
    fn nothing_comes_after_the_end() {
        let shutdown = Shutdown::new();
        shutdown.finish();
        shutdown.begin(Duration::from_secs(10));
        assert_eq!(*shutdown.0.borrow(), Stage::Finished);
    }
}
