//! When transactions are woken: to do something, or only to be forgotten.
//!
//! Most of the time of a transaction is the one in which it does nothing but absorb what comes
//! again. A call leaves four such transactions behind, and if each woke the loop to be forgotten,
//! a quiet server would wake more often for that than for messages. So these ends have queues of
//! their own, and nobody needs to be woken for the sake of one alone ([`Alarms::latest`]).

use std::collections::VecDeque;

use super::Owner;
use crate::time::Time;
use crate::timer::{Deadlines, GRAIN};
use crate::transaction::Timer;

/// The alarms of all transactions, one each at most.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    due: Deadlines<Owner>,
    /// The ends by the interval they come after: as time goes forward, each queue is in order.
    ends: [VecDeque<(Time, Owner)>; 3],
}

/// When a transaction is woken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Armed {
    at: Time,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// Something is sent or told then.
    Due,
    /// It is forgotten then; in which queue it stands.
    End(usize),
}

impl Alarms {
    /// Sees to it that an owner is woken no later than its next timer fires. An alarm that is
    /// early enough stays: most timers are stopped long before they are due, and waking up once
    /// for nothing costs less than moving the alarm each time. Only for an end nobody is to be
    /// woken early.
    pub(super) fn arm(
        &mut self,
        armed: &mut Option<Armed>,
        owner: Owner,
        next: Option<(Timer, Time)>,
    ) {
        let Some((timer, at)) = next else { return };
        let kind = kind_of(timer);
        if let Some(before) = *armed {
            if before.kind == kind && before.at <= at {
                return;
            }
            self.disarm(before, owner);
        }
        match kind {
            Kind::Due => self.due.insert(at, owner),
            Kind::End(queue) => self.put(queue, at, owner),
        }
        *armed = Some(Armed { at, kind });
    }

    /// Takes an alarm back.
    pub(super) fn disarm(&mut self, armed: Armed, owner: Owner) {
        let Armed { at, kind } = armed;
        match kind {
            Kind::Due => self.due.remove(at, owner),
            Kind::End(queue) => self.take(queue, at, owner),
        }
    }

    /// The earliest alarm.
    pub(super) fn next(&self) -> Option<Time> {
        self.next_end().map(|(_, at)| at).into_iter().chain(self.due.next()).min()
    }

    /// Until when the alarms that are due may wait.
    pub(super) fn latest(&self) -> Option<Time> {
        let end = self.next_end().map(|(_, at)| at + GRAIN);
        end.into_iter().chain(self.due.next()).min()
    }

    /// Takes the earliest alarm if its time has come.
    pub(super) fn pop_due(&mut self, now: Time) -> Option<Owner> {
        let end = self.next_end().filter(|(_, at)| *at <= now);
        match (self.due.next(), end) {
            (Some(due), Some((_, end))) if due <= end => {}
            (_, Some((queue, _))) => return self.pop_end(queue),
            _ => {}
        }
        self.due.pop_due(now).map(|(_, owner)| owner)
    }

    /// How many there are.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.due.len() + self.ends.iter().map(VecDeque::len).sum::<usize>()
    }

    /// The earliest end, and the queue it stands in.
    fn next_end(&self) -> Option<(usize, Time)> {
        let fronts = self.ends.iter().enumerate();
        let fronts = fronts.filter_map(|(queue, ends)| Some((queue, ends.front()?.0)));
        fronts.min_by_key(|(_, at)| *at)
    }

    fn put(&mut self, queue: usize, at: Time, owner: Owner) {
        let Some(ends) = self.ends.get_mut(queue) else { return };
        if ends.back().is_none_or(|(last, _)| *last <= at) {
            return ends.push_back((at, owner));
        }
        // Only a caller whose time does not go forward comes here.
        let place = ends.partition_point(|(earlier, _)| *earlier <= at);
        ends.insert(place, (at, owner));
    }

    /// Rare: a transaction that failed while it lingered.
    fn take(&mut self, queue: usize, at: Time, owner: Owner) {
        let Some(ends) = self.ends.get_mut(queue) else { return };
        let from = ends.partition_point(|(earlier, _)| *earlier < at);
        let same = ends.iter().skip(from).take_while(|(time, _)| *time == at);
        if let Some(place) = same.into_iter().position(|(_, other)| *other == owner) {
            ends.remove(from + place);
        }
    }

    fn pop_end(&mut self, queue: usize) -> Option<Owner> {
        let ends = self.ends.get_mut(queue)?;
        let owner = ends.pop_front().map(|(_, owner)| owner);
        if ends.len() < ends.capacity() / 4 {
            // The memory goes back after the load.
            ends.shrink_to(ends.len() * 2);
        }
        owner
    }
}

const fn kind_of(timer: Timer) -> Kind {
    match timer {
        Timer::I | Timer::K => Kind::End(0),
        Timer::J | Timer::L | Timer::M => Kind::End(1),
        Timer::D => Kind::End(2),
        Timer::A
        | Timer::B
        | Timer::E
        | Timer::F
        | Timer::G
        | Timer::H
        | Timer::Trying
        | Timer::LateTrying
        | Timer::Cancelled
        | Timer::Unanswered => Kind::Due,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::endpoint::ClientId;

    fn owner(number: u64) -> Owner {
        Owner::Client(ClientId(number))
    }

    fn at(millis: u64) -> Time {
        Time::EPOCH + Duration::from_millis(millis)
    }

    fn armed(alarms: &mut Alarms, number: u64, timer: Timer, millis: u64) -> Option<Armed> {
        let mut armed = None;
        alarms.arm(&mut armed, owner(number), Some((timer, at(millis))));
        armed
    }

    fn order(alarms: &mut Alarms, now: Time) -> Vec<Owner> {
        std::iter::from_fn(|| alarms.pop_due(now)).collect()
    }

    #[test]
    fn alarms_come_in_the_order_of_their_times_whatever_they_are_for() {
        let mut alarms = Alarms::default();
        let all = [(1, Timer::K, 50), (2, Timer::A, 30), (3, Timer::J, 40), (4, Timer::D, 20)];
        for (number, timer, millis) in all {
            armed(&mut alarms, number, timer, millis);
        }
        // Time that does not go forward costs order nothing.
        armed(&mut alarms, 5, Timer::K, 10);
        assert_eq!(alarms.next(), Some(at(10)));
        assert_eq!(order(&mut alarms, at(40)), [5, 4, 2, 3].map(owner));
        assert_eq!(order(&mut alarms, at(50)), [owner(1)]);
        assert_eq!(alarms.len(), 0);
    }

    #[test]
    fn an_end_alone_wakes_nobody_at_once_and_what_is_to_be_done_does() {
        let mut alarms = Alarms::default();
        armed(&mut alarms, 1, Timer::J, 100);
        assert_eq!((alarms.next(), alarms.latest()), (Some(at(100)), Some(at(100) + GRAIN)));
        armed(&mut alarms, 2, Timer::E, 110);
        assert_eq!((alarms.next(), alarms.latest()), (Some(at(100)), Some(at(110))));
    }

    #[test]
    fn a_transaction_that_has_nothing_left_to_do_is_not_woken_for_what_it_had() {
        let mut alarms = Alarms::default();
        let mut armed = armed(&mut alarms, 1, Timer::E, 500);
        alarms.arm(&mut armed, owner(1), Some((Timer::E, at(1_000))));
        assert_eq!(alarms.next(), Some(at(500)), "early enough");
        alarms.arm(&mut armed, owner(1), Some((Timer::K, at(5_000))));
        assert_eq!((alarms.next(), alarms.len()), (Some(at(5_000)), 1));
        alarms.disarm(armed.unwrap(), owner(1));
        assert_eq!((alarms.next(), alarms.len()), (None, 0));
    }
}
