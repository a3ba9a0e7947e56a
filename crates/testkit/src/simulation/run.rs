//! Letting time pass.

use std::time::Duration;

use antiphon_core::time::Time;

use super::station::Happening;
use super::{NodeId, START, Simulation, What};

/// A simulated day: a network that is not idle after it will never be.
const DAY: Duration = Duration::from_secs(86_400);

/// What may happen at one moment. More means that two nodes, or a node and its deadline, play
/// ball without the clock moving.
const MOST_AT_ONCE: u32 = 1_000_000;

impl Simulation {
    /// Now.
    #[must_use]
    pub const fn now(&self) -> Time {
        self.now
    }

    /// The time since the simulation began.
    #[must_use]
    pub const fn elapsed(&self) -> Duration {
        self.now.since(START)
    }

    /// Lets everything happen until a moment, that moment included.
    pub fn run_until(&mut self, time: Time) {
        while self.next_time().is_some_and(|next| next <= time) {
            self.step();
        }
        self.move_to(time);
    }

    /// Lets everything happen for a while.
    pub fn run_for(&mut self, duration: Duration) {
        self.run_until(self.now + duration);
    }

    /// Lets everything happen until nothing is under way and no node has a deadline. Gives the
    /// time that it took.
    ///
    /// # Panics
    /// When that is not so within a simulated day, as with a node that refreshes for ever.
    pub fn run_until_idle(&mut self) -> Duration {
        let start = self.now;
        while self.step() {
            assert!(self.now.since(start) < DAY, "the network is not idle within a day");
        }
        self.now.since(start)
    }

    /// Lets everything happen until something is so, and fails if it is not within a time.
    ///
    /// # Panics
    /// When the time is over, or nothing is left to happen.
    pub fn wait_for(&mut self, what: &str, limit: Duration, is_so: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        while !is_so(self) {
            let next = self.next_time().filter(|next| *next <= end);
            assert!(next.is_some(), "not so within {limit:?}: {what}");
            self.step();
        }
    }

    /// When the next thing happens; `None` when the network is idle.
    pub fn next_time(&mut self) -> Option<Time> {
        self.discard_stale();
        self.queue.next_time()
    }

    /// Lets the next thing happen. `false` when the network is idle.
    pub fn step(&mut self) -> bool {
        self.discard_stale();
        let Some((at, what)) = self.queue.pop() else { return false };
        self.move_to(at);
        self.at_once += 1;
        assert!(self.at_once < MOST_AT_ONCE, "the clock does not move any more");
        match what {
            What::Start(node) => self.drain(node),
            What::Wake(node) => {
                self.sites[node.0].armed = None;
                self.drain(node);
            }
            What::Datagram { to, flow, octets } => {
                self.happen(to, Happening::Datagram { flow, octets });
            }
            What::Happening { to, life, happening } if life == self.sites[to.0].life => {
                self.happen(to, happening);
            }
            What::Happening { .. } => {}
            What::Connected(id) => self.connected(id),
            What::Arrival { to, parcel } => self.arrive(to, parcel),
            What::Call(call) => call(self),
        }
        true
    }

    /// Gives a node what has happened, and drains it.
    pub(super) fn happen(&mut self, node: NodeId, happening: Happening) {
        let now = self.now;
        let site = &mut self.sites[node.0];
        if !site.running {
            return;
        }
        if let Some(actor) = &mut site.actor {
            actor.happen(now, happening);
        }
        self.drain(node);
    }

    /// Takes everything the node wants and gives it what is due, until only a later deadline is
    /// left.
    pub(super) fn drain(&mut self, node: NodeId) {
        if !self.sites[node.0].running {
            return;
        }
        let Some(mut actor) = self.sites[node.0].actor.take() else { return };
        loop {
            while let Some(effect) = actor.next_effect(self.now) {
                self.perform(node, effect);
            }
            if !actor.catch_up(self.now) {
                break;
            }
            self.at_once += 1;
            assert!(
                self.at_once < MOST_AT_ONCE,
                "{} has a deadline that it does not move",
                self.sites[node.0].name,
            );
        }
        let deadline = actor.deadline();
        let site = &mut self.sites[node.0];
        site.actor = Some(actor);
        if let Some(deadline) = deadline
            && site.armed.is_none_or(|armed| deadline < armed)
        {
            let at = deadline.max(self.now);
            site.armed = Some(at);
            self.queue.push(at, What::Wake(node));
        }
    }

    /// Has a new node drained with the next step.
    pub(super) fn start(&mut self, node: NodeId) {
        self.queue.push(self.now, What::Start(node));
    }

    /// Takes wake-ups off the top of the queue whose deadline was moved, so that the clock does
    /// not run to a moment in which nothing happens.
    fn discard_stale(&mut self) {
        while let Some((at, What::Wake(node))) = self.queue.peek() {
            let (at, node) = (at, *node);
            let site = &mut self.sites[node.0];
            let deadline = site.actor.as_ref().and_then(|actor| actor.deadline());
            let is_due = deadline.is_some_and(|deadline| deadline <= at);
            if site.running && site.armed == Some(at) && is_due {
                return;
            }
            self.queue.pop();
            if site.armed == Some(at) {
                site.armed = deadline;
                if let Some(deadline) = deadline {
                    self.queue.push(deadline, What::Wake(node));
                }
            }
        }
    }

    fn move_to(&mut self, time: Time) {
        if time > self.now {
            self.now = time;
            self.at_once = 0;
        }
    }
}
