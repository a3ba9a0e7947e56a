//! When to send something again: after T1, and then after twice the time before
//! (RFC 3261 §17.1.1.2).

use std::collections::VecDeque;

use crate::clock::SECOND;

const T1: u64 = SECOND / 2;

/// T1 doubled so often is the last wait before Timer B or F has fired.
const LEVELS: usize = 6;

/// What waits to be sent again: a queue for each length of the wait, in which whoever comes later
/// is due later.
#[derive(Debug)]
pub(crate) struct Repeats<T> {
    queues: [VecDeque<(u64, T)>; LEVELS],
}

impl<T> Repeats<T> {
    pub(crate) fn new() -> Self {
        Self { queues: std::array::from_fn(|_| VecDeque::new()) }
    }

    /// Remembers something that was sent for the `times`-th time, counted from 0.
    pub(crate) fn push(&mut self, now: u64, times: usize, what: T) {
        if let Some(queue) = self.queues.get_mut(times) {
            queue.push_back((now + (T1 << times), what));
        }
    }

    /// Something that is due, and how often it was repeated before.
    pub(crate) fn due(&mut self, now: u64) -> Option<(usize, T)> {
        let (times, queue) = self
            .queues
            .iter_mut()
            .enumerate()
            .find(|(_, queue)| queue.front().is_some_and(|(due, _)| *due <= now))?;
        queue.pop_front().map(|(_, what)| (times, what))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_from_t1_rfc3261_17_1_1_2() {
        let mut repeats = Repeats::new();
        repeats.push(0, 0, 'a');
        assert_eq!(repeats.due(T1 - 1), None);
        assert_eq!(repeats.due(T1), Some((0, 'a')));
        repeats.push(T1, 1, 'a');
        assert_eq!(repeats.due(3 * T1 - 1), None);
        assert_eq!(repeats.due(3 * T1), Some((1, 'a')));
    }
}
