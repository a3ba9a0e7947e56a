//! Which of the loop's sources have something new.
//!
//! To ask all of them whenever one datagram arrives would touch memory all over the place, cold
//! after each pause. So each is given a waker of its own, which notes that it rang, and only those
//! that rang are asked.
//!
//! The rule for whoever asks one: until it says that there is nothing (only then does it keep the
//! waker), or it [is asked again](Bells::again). The same goes for one that got something to do
//! which it does not ring for before it was asked: an empty set of tasks keeps no waker.

use std::array;
use std::ptr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Wake, Waker};

/// Something that the loop waits for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// The signal to end.
    End,
    /// What other loops hand over.
    Letters,
    /// UDP ports.
    Datagrams,
    /// What the network says of datagrams.
    Reports,
    /// What connections bring, and their ends.
    Streams,
    /// Connections that peers open.
    Accepts,
    /// Answers to the node's questions.
    Answers,
    /// Commands for the node.
    Commands,
    /// The resolver.
    Lookups,
    /// The moment that the loop sleeps until.
    Time,
}

impl Source {
    const COUNT: usize = Self::Time as usize + 1;

    const fn bit(self) -> u32 {
        1 << self as u32
    }
}

const ALL: u32 = (1 << Source::COUNT) - 1;

/// The bells of one loop.
pub(super) struct Bells {
    rung: Arc<Rung>,
    /// Which task that is.
    task: Identity,
    wakers: [Waker; Source::COUNT],
    /// Those that are to be asked.
    due: u32,
}

/// Those that rang, and the task that is woken for them.
struct Rung {
    bits: AtomicU32,
    task: Waker,
}

/// A task by the waker that it comes with, as long as a clone of that is kept. The clone itself does
/// not always know it again ([`Waker::will_wake`]): its functions may be a copy of the others'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Identity {
    data: usize,
    functions: usize,
}

impl Identity {
    fn of(waker: &Waker) -> Self {
        Self { data: waker.data().addr(), functions: ptr::from_ref(waker.vtable()).addr() }
    }
}

/// The bell of one source.
struct Bell {
    rung: Arc<Rung>,
    bit: u32,
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Noted before the task is woken, which then finds it.
        self.rung.bits.fetch_or(self.bit, Ordering::Release);
        self.rung.task.wake_by_ref();
    }
}

impl Bells {
    /// Bells of sources of which none has been asked, for no task yet.
    pub(super) fn new() -> Self {
        Self::of(Waker::noop())
    }

    fn of(task: &Waker) -> Self {
        let rung = Arc::new(Rung { bits: AtomicU32::new(0), task: task.clone() });
        let waker = |index: usize| {
            Waker::from(Arc::new(Bell { rung: Arc::clone(&rung), bit: 1_u32 << index }))
        };
        Self { wakers: array::from_fn(waker), rung, task: Identity::of(task), due: ALL }
    }

    /// Makes this the task that is woken. When it was another before, all sources are to be asked,
    /// by which they learn it.
    pub(super) fn wake(&mut self, task: &Waker) {
        if self.task != Identity::of(task) {
            *self = Self::of(task);
        }
    }

    /// Takes down which have rung.
    pub(super) fn listen(&mut self) {
        // A look that changes nothing is cheaper, and most turns of a busy loop find nothing.
        if self.rung.bits.load(Ordering::Relaxed) != 0 {
            self.due |= self.rung.bits.swap(0, Ordering::Acquire);
        }
    }

    /// The waker for a source that is to be asked.
    pub(super) fn answer(&mut self, source: Source) -> Option<Waker> {
        if !self.is_due(source) {
            return None;
        }
        self.due &= !source.bit();
        Some(self.waker(source).clone())
    }

    /// The waker of a source.
    pub(super) const fn waker(&self, source: Source) -> &Waker {
        &self.wakers[source as usize]
    }

    /// Has a source asked although it did not ring.
    pub(super) const fn again(&mut self, source: Source) {
        self.due |= source.bit();
    }

    /// Whether a source is to be asked.
    pub(super) const fn is_due(&self, source: Source) -> bool {
        self.due & source.bit() != 0
    }

    /// Whether any is.
    pub(super) const fn is_any_due(&self) -> bool {
        self.due != 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicUsize;

    use super::*;

    /// A task that counts how often it was woken.
    #[derive(Default)]
    struct Task(AtomicUsize);

    impl Wake for Task {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    const SOURCES: [Source; Source::COUNT] = [
        Source::End,
        Source::Letters,
        Source::Datagrams,
        Source::Reports,
        Source::Streams,
        Source::Accepts,
        Source::Answers,
        Source::Commands,
        Source::Lookups,
        Source::Time,
    ];

    /// The sources that are to be asked, with the wakers that they keep afterwards.
    fn asked(bells: &mut Bells) -> Vec<(Source, Waker)> {
        bells.listen();
        SOURCES.into_iter().filter_map(|source| Some((source, bells.answer(source)?))).collect()
    }

    fn sources(bells: &mut Bells) -> Vec<Source> {
        asked(bells).into_iter().map(|(source, _)| source).collect()
    }

    fn task() -> (Arc<Task>, Waker) {
        let task = Arc::new(Task::default());
        (Arc::clone(&task), task.into())
    }

    #[test]
    fn each_is_asked_once_and_then_when_it_rang() {
        let (task, waker) = task();
        let mut bells = Bells::new();
        bells.wake(&waker);
        let kept = asked(&mut bells);
        assert_eq!(kept.iter().map(|(source, _)| *source).collect::<Vec<_>>(), SOURCES);
        assert_eq!(sources(&mut bells), []);
        for (source, bell) in &kept {
            bell.wake_by_ref();
            assert_eq!(sources(&mut bells), [*source]);
        }
        assert_eq!(task.0.load(Ordering::Relaxed), SOURCES.len());
    }

    #[test]
    fn one_that_rings_while_others_are_asked_is_not_lost() {
        let (_, waker) = task();
        let mut bells = Bells::new();
        bells.wake(&waker);
        let kept = asked(&mut bells);
        let ring = |source: Source| kept[source as usize].1.wake_by_ref();
        ring(Source::Datagrams);
        bells.listen();
        // Before it is its turn, and behind it.
        ring(Source::Reports);
        assert!(bells.answer(Source::Datagrams).is_some());
        ring(Source::Datagrams);
        assert!(!bells.is_any_due());
        assert_eq!(sources(&mut bells), [Source::Datagrams, Source::Reports]);
    }

    #[test]
    fn one_that_was_not_asked_to_the_end_is_asked_again() {
        let mut bells = Bells::new();
        drop(asked(&mut bells));
        bells.again(Source::Streams);
        assert!(bells.is_any_due() && bells.is_due(Source::Streams));
        assert_eq!(sources(&mut bells), [Source::Streams]);
        assert!(!bells.is_any_due());
    }

    #[test]
    fn another_task_has_all_of_them_asked_and_is_the_one_that_is_woken() {
        let ((first, one), (second, another)) = (task(), task());
        let mut bells = Bells::new();
        bells.wake(&one);
        drop(asked(&mut bells));
        bells.wake(&one);
        assert_eq!(sources(&mut bells), []);
        bells.wake(&another);
        for (_, bell) in asked(&mut bells) {
            bell.wake();
        }
        let woken = |task: &Task| task.0.load(Ordering::Relaxed);
        assert_eq!((woken(&first), woken(&second)), (0, SOURCES.len()));
    }
}
