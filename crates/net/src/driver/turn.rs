//! One turn of the loop, and when the next is due.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::flow::{Flow, Transmit};
use antiphon_core::node::{Input, Node, Output};
use antiphon_core::time::Time;
use antiphon_sip::Transport;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::Stopped;
use super::backlog::Backlog;
use super::bells::{Bells, Source};
use super::crew::Place;
use super::pulse::Pulses;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::host::{Direction, Host, Replies};
use crate::resolver::Resolver;
use crate::shutdown::{Ending, Stage};
use crate::stream::Streams;
use crate::udp::{Datagram, Port};

/// Inputs of one kind that one turn handles at most, so that no kind can hold up the others.
pub(super) const WORK: usize = 64;

/// Turns in a row before other tasks of the thread, the connections among them, get theirs.
const TURNS: usize = 4;

type In<N> = Input<<N as Node>::Answer, <N as Node>::Command>;

/// The loop's state.
pub(super) struct Loop<N: Node, H> {
    pub(super) node: N,
    pub(super) host: H,
    pub(super) clock: Clock,
    pub(super) replies: Replies<N>,
    pub(super) counters: Arc<Counters>,
    pub(super) commands: mpsc::Receiver<N::Command>,
    pub(super) answers: mpsc::Receiver<N::Answer>,
    pub(super) ports: Vec<Port>,
    pub(super) streams: Streams,
    pub(super) resolver: Resolver,
    /// What the node's own outputs brought about at once: answers known already, transmissions
    /// that cannot be. An output brings about one input at most.
    pub(super) inbox: VecDeque<In<N>>,
    /// Room for a batch, kept between turns.
    pub(super) received: Vec<(Flow, Bytes)>,
    /// Room for what is refused of it.
    pub(super) refusals: Vec<Datagram>,
    /// Whether each datagram is to be offered to the node to be turned away.
    pub(super) is_watched: bool,
    pub(super) backlog: Backlog,
    /// Messages of streams that waited when this round of turns began.
    pub(super) waiting_frames: usize,
    pub(super) pulses: Pulses,
    /// Which sources are to be asked.
    pub(super) bells: Bells,
    /// When the node wants to be woken, as it said behind the last turn.
    pub(super) deadline: Option<Time>,
    /// When accepting goes on after a pause.
    pub(super) resume: Option<Instant>,
    pub(super) sleep: Pin<Box<Sleep>>,
    /// When the sleep ends, if it has been begun.
    pub(super) asleep_until: Option<Instant>,
    pub(super) ending: Ending,
    /// Among the loops that share the work, if there are others.
    pub(super) place: Option<Place>,
}

impl<N: Node, H: Host<N>> Loop<N, H> {
    /// Runs while there is work, and says whether the end has come. If not, the task is woken when
    /// there is something to do.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        self.bells.wake(cx.waker());
        self.bells.listen();
        // Between two turns the connections bring nothing.
        let is_quiet = !self.bells.is_due(Source::Streams);
        self.waiting_frames = if is_quiet { 0 } else { self.streams.waiting() };
        for _ in 0..TURNS {
            let now = Instant::now();
            if self.is_over(now) {
                return true;
            }
            if !self.turn(now) && !self.is_due(now) {
                return false;
            }
            self.bells.listen();
        }
        cx.waker().wake_by_ref();
        false
    }

    /// Sends what is left and ends every task.
    pub(super) async fn finish(mut self) -> Stopped<N, H> {
        self.flush(false);
        self.resolver.shutdown().await;
        self.streams.shutdown().await;
        for port in &mut self.ports {
            port.shutdown().await;
        }
        Stopped { node: self.node, host: self.host }
    }

    fn is_over(&mut self, now: Instant) -> bool {
        self.ask(Source::End, |turns, cx| {
            if turns.ending.poll(cx) != Stage::Running {
                turns.streams.stop_accepting();
            }
            false
        });
        match self.ending.stage() {
            Stage::Running => false,
            Stage::Draining { until } => until <= now,
            Stage::Finished => true,
        }
    }

    /// Has a source asked, if it is to be, by work that says whether there may be more of it.
    pub(super) fn ask(
        &mut self,
        source: Source,
        work: impl FnOnce(&mut Self, &mut Context<'_>) -> bool,
    ) {
        let Some(waker) = self.bells.answer(source) else { return };
        if work(self, &mut Context::from_waker(&waker)) {
            self.bells.again(source);
        }
    }

    /// Takes some of everything that has happened; says whether there may be more of it. What
    /// datagrams lead to is looked at behind them, so that most turns need no second one.
    fn turn(&mut self, now: Instant) -> bool {
        self.ask(Source::Time, |turns, _| {
            turns.asleep_until = None;
            false
        });
        let time = self.clock.at(now);
        if self.deadline.is_some_and(|at| at <= time) {
            self.feed(time, Input::Deadline);
        }
        self.pulses(now);
        self.inbox(time);
        self.ask(Source::Letters, Self::letters);
        self.datagrams();
        self.ask(Source::Reports, Self::reports);
        self.ask(Source::Streams, Self::streams);
        self.ask(Source::Accepts, Self::accepts);
        self.ask(Source::Answers, Self::answers);
        self.ask(Source::Commands, Self::commands);
        self.ask(Source::Lookups, Self::resolved);
        let busy = self.bells.is_any_due() || !self.backlog.is_empty();
        self.flush(busy);
        self.deadline = self.node.latest_deadline();
        busy || !self.inbox.is_empty()
    }

    /// Whether something was due already when the turn began; if not, the task is woken when it is.
    fn is_due(&mut self, now: Instant) -> bool {
        if self.resume.is_some_and(|at| at <= now) {
            self.bells.again(Source::Accepts);
            return true;
        }
        let deadline = self.deadline.map(|at| self.clock.instant(at));
        let others = [deadline, self.resume, self.pulses.next(), self.ending.until()];
        let retries = self.ports.iter().filter_map(Port::retry_at);
        let Some(next) = retries.chain(others.into_iter().flatten()).min() else { return false };
        if next <= now {
            return true;
        }
        // A sleep that ends too early is looked at again then; moving it for each message would
        // cost more.
        if self.asleep_until.is_some_and(|until| until <= next) {
            return false;
        }
        self.sleep.as_mut().reset(next);
        let mut cx = Context::from_waker(self.bells.waker(Source::Time));
        let is_over = self.sleep.as_mut().poll(&mut cx).is_ready();
        self.asleep_until = Some(next).filter(|_| !is_over);
        is_over
    }

    fn inbox(&mut self, now: Time) {
        let count = self.inbox.len().min(WORK);
        for _ in 0..count {
            let Some(input) = self.inbox.pop_front() else { break };
            self.feed(now, input);
        }
    }

    fn answers(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WORK {
            let Poll::Ready(Some(answer)) = self.answers.poll_recv(cx) else { return false };
            self.feed(self.clock.now(), Input::Answer(answer));
        }
        true
    }

    fn commands(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WORK {
            let Poll::Ready(Some(command)) = self.commands.poll_recv(cx) else {
                return false;
            };
            self.feed(self.clock.now(), Input::Command(command));
        }
        true
    }

    fn resolved(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WORK {
            let Poll::Ready((id, answer)) = self.resolver.poll(cx) else { return false };
            self.feed(self.clock.now(), Input::Resolved { id, answer });
        }
        true
    }

    /// One input, then outputs until there are none: the drain rule.
    pub(super) fn feed(&mut self, now: Time, input: In<N>) {
        self.node.handle(now, input);
        while let Some(output) = self.node.next_output() {
            self.carry_out(now, output);
        }
    }

    fn carry_out(&mut self, now: Time, output: Output<N::Question, N::Event>) {
        match output {
            Output::Transmit(transmit) => self.transmit(now, transmit),
            Output::Resolve { id, question } => match self.resolver.ask(id, question) {
                Some(answer) => self.inbox.push_back(Input::Resolved { id, answer }),
                None => self.bells.again(Source::Lookups),
            },
            Output::Close(flow) => self.close(flow),
            Output::KeepAlive(flow) => self.keep_alive(flow),
            Output::Alias { flow, address } => self.alias(flow, address),
            Output::Question(question) => {
                if let Some(answer) = self.host.question(question, &self.replies) {
                    self.inbox.push_back(Input::Answer(answer));
                }
            }
            Output::Event(event) => self.host.event(event),
        }
    }

    fn transmit(&mut self, now: Time, transmit: Transmit) {
        self.host.tap(Direction::Out, &transmit.flow, &transmit.octets, now);
        let ticket = transmit.ticket;
        let sent = if transmit.flow.transport == Transport::Udp {
            self.send_datagram(transmit)
        } else if let Some(place) = self.place.as_ref().filter(|place| !place.has_the_streams()) {
            place.send(transmit)
        } else {
            self.send_on_stream(transmit)
        };
        if let (Err(fault), Some(ticket)) = (sent, ticket) {
            self.inbox.push_back(Input::Undelivered { ticket, fault });
        }
    }
}
