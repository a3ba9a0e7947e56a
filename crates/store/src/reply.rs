//! How an answer that takes time comes back: a handle that is always answered, exactly once.

use std::fmt;
use std::sync::mpsc;

use crate::{Reason, StoreError};

/// Where the answer of a change goes. Dropping it unanswered answers that the store was stopped,
/// so that no request waits for ever.
pub struct Reply<T> {
    answer: Option<Callback<T>>,
}

type Callback<T> = Box<dyn FnOnce(Result<T, StoreError>) + Send>;

impl<T> Reply<T> {
    /// A handle that hands its answer to `answer`. That runs on the writer's thread, or on the
    /// caller's when the answer is known at once: it should put the answer into a queue and return.
    pub fn new(answer: impl FnOnce(Result<T, StoreError>) + Send + 'static) -> Self {
        Self { answer: Some(Box::new(answer)) }
    }

    /// Answers.
    pub fn send(mut self, result: Result<T, StoreError>) {
        if let Some(answer) = self.answer.take() {
            answer(result);
        }
    }
}

impl<T: Send + 'static> Reply<T> {
    /// A handle, and the place where a thread can wait for what it is answered.
    #[must_use]
    pub fn channel() -> (Self, Answer<T>) {
        let (sender, receiver) = mpsc::sync_channel(1);
        // There is room for the one answer; whoever no longer wants it has dropped the receiver.
        let reply = Self::new(move |result| drop(sender.try_send(result)));
        (reply, Answer(receiver))
    }
}

impl<T> Drop for Reply<T> {
    fn drop(&mut self) {
        if let Some(answer) = self.answer.take() {
            answer(Err(StoreError::unavailable(Reason::Stopped)));
        }
    }
}

impl<T> fmt::Debug for Reply<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply").finish_non_exhaustive()
    }
}

/// The waiting end of [`Reply::channel`], for tests and commands; a server uses [`Reply::new`].
#[derive(Debug)]
pub struct Answer<T>(mpsc::Receiver<Result<T, StoreError>>);

impl<T> Answer<T> {
    /// Waits for the answer.
    ///
    /// # Errors
    ///
    /// What the store answered.
    pub fn wait(self) -> Result<T, StoreError> {
        self.0.recv().unwrap_or(Err(StoreError::unavailable(Reason::Stopped)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_that_is_dropped_says_that_the_store_stopped() {
        let (reply, answer) = Reply::<u64>::channel();
        drop(reply);
        assert_eq!(answer.wait(), Err(StoreError::unavailable(Reason::Stopped)));
    }

    #[test]
    fn a_reply_answers_once() {
        let (reply, answer) = Reply::channel();
        reply.send(Ok(7));
        assert_eq!(answer.wait(), Ok(7));
    }
}
