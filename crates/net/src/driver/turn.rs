//! One turn of the loop, and when the next is due.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::node::{Input, Node, Output, TurnedAway};
use antiphon_core::time::Time;
use antiphon_sip::Transport;
use antiphon_sip::parse::stream::Frame;
use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, Sleep};

use super::Stopped;
use super::backlog::{Backlog, Waiting};
use super::crew::{Letter, Place};
use super::pulse::Pulses;
use crate::clock::Clock;
use crate::counters::Counters;
use crate::host::{Direction, Host, Replies};
use crate::resolver::Resolver;
use crate::shutdown::{Ending, Stage};
use crate::stream::{Arrival, Streams};
use crate::udp::{Datagram, Port, stun};

/// Inputs of one kind that one turn handles at most, so that no kind can hold up the others.
pub(super) const WORK: usize = 64;

/// Batches of datagrams that one turn takes from a port at most. Taking one costs a fraction of
/// handling it, so a queue that builds up builds up in the backlog, not in the kernel, which drops
/// without looking at what it drops. A thousand take about a millisecond.
const BATCHES: usize = 32;

/// Batches of them that are handled at once.
const BATCHES_AT_ONCE: usize = 2;

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
    pub(super) sleep: Pin<Box<Sleep>>,
    pub(super) ending: Ending,
    /// Among the loops that share the work, if there are others.
    pub(super) place: Option<Place>,
}

impl<N: Node, H: Host<N>> Loop<N, H> {
    /// Runs while there is work, and says whether the end has come. If not, the task is woken when
    /// there is something to do.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> bool {
        // Between two turns the connections bring nothing.
        self.waiting_frames = self.streams.waiting();
        for _ in 0..TURNS {
            if self.is_over(cx) {
                return true;
            }
            if !self.turn(cx) && !self.is_due(cx) {
                return false;
            }
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

    fn is_over(&mut self, cx: &mut Context<'_>) -> bool {
        match self.ending.poll(cx) {
            Stage::Running => false,
            Stage::Draining { until } => {
                self.streams.stop_accepting();
                until <= Instant::now()
            }
            Stage::Finished => true,
        }
    }

    /// Takes some of everything that has happened; says whether there may be more of it. What
    /// datagrams lead to is looked at behind them, so that most turns need no second one.
    fn turn(&mut self, cx: &mut Context<'_>) -> bool {
        self.deadline();
        self.pulses();
        self.inbox();
        let mut busy = self.letters(cx);
        busy |= self.datagrams(cx);
        busy |= self.reports(cx);
        busy |= self.streams(cx);
        busy |= self.streams.poll_accept(cx);
        self.notices();
        busy |= self.answers(cx);
        busy |= self.commands(cx);
        busy |= self.resolved(cx);
        self.flush(busy);
        busy || !self.inbox.is_empty()
    }

    /// Whether something is due already; if not, the task is woken when it is.
    fn is_due(&mut self, cx: &mut Context<'_>) -> bool {
        let deadline = self.node.latest_deadline().map(|at| self.clock.instant(at));
        let retries = self.ports.iter().filter_map(Port::retry_at);
        let next = retries
            .chain(deadline)
            .chain(self.streams.resume_at())
            .chain(self.pulses.next())
            .chain(self.ending.until())
            .min();
        let Some(next) = next else { return false };
        if next <= Instant::now() {
            return true;
        }
        // A sleep that ends too early is looked at again then; moving it for each message would
        // cost more.
        if next < self.sleep.deadline() || self.sleep.is_elapsed() {
            self.sleep.as_mut().reset(next);
        }
        self.sleep.as_mut().poll(cx).is_ready()
    }

    fn deadline(&mut self) {
        let now = self.clock.now();
        if self.node.latest_deadline().is_some_and(|at| at <= now) {
            self.feed(now, Input::Deadline);
        }
    }

    fn inbox(&mut self) {
        let count = self.inbox.len().min(WORK);
        for _ in 0..count {
            let Some(input) = self.inbox.pop_front() else { break };
            self.feed(self.clock.now(), input);
        }
    }

    fn datagrams(&mut self, cx: &mut Context<'_>) -> bool {
        let mut busy = false;
        self.is_watched = self.node.set_wait(self.clock.now(), self.wait_now());
        for index in 0..self.ports.len() {
            busy |= self.receive(index, cx);
        }
        self.work_off();
        busy || !self.backlog.is_empty()
    }

    /// Takes what has arrived at a port, and says whether there may be more. As long as nothing
    /// waits it is handled at once; what comes faster than that joins the backlog.
    fn receive(&mut self, index: usize, cx: &mut Context<'_>) -> bool {
        let mut is_emptied = false;
        let mut received = std::mem::take(&mut self.received);
        for batch in 0..BATCHES {
            if self.sort(index, cx, &mut received).is_pending() {
                is_emptied = true;
                break;
            }
            for (flow, octets) in received.drain(..) {
                if self.is_stun(index, &flow, &octets) {
                    continue;
                }
                let waiting = Waiting { since: self.clock.now(), flow, octets };
                let Some(waiting) = self.own(waiting) else { continue };
                if batch < BATCHES_AT_ONCE && self.backlog.is_empty() {
                    self.datagram(waiting.since, waiting);
                } else {
                    self.wait(waiting);
                }
            }
        }
        self.received = received;
        !is_emptied
    }

    /// Takes one batch, and turns away what there is no time for.
    fn sort(
        &mut self,
        index: usize,
        cx: &mut Context<'_>,
        received: &mut Vec<(Flow, Bytes)>,
    ) -> Poll<()> {
        let now = self.clock.now();
        self.is_watched = self.node.set_wait(now, self.wait_now());
        let Self { node, host, place, refusals, ports, is_watched, .. } = self;
        let Some(port) = ports.get_mut(index) else { return Poll::Pending };
        let polled = port.poll_receive(cx, &mut |flow, octets| {
            // STUN begins with two bits that no letter has (RFC 5626 §8).
            let is_sip = octets.first().is_some_and(u8::is_ascii_alphabetic);
            if !*is_watched || !is_sip || !is_own(node, place.as_ref(), octets) {
                received.push((flow, Bytes::copy_from_slice(octets)));
                return;
            }
            match turn_away(node, host, now, &flow, octets) {
                None => received.push((flow, Bytes::copy_from_slice(octets))),
                Some(refusal) => refusals.extend(refusal),
            }
        });
        port.refuse(refusals);
        polled
    }

    /// Turns away what another loop has handed over, if there is no time for it; whether it did.
    pub(super) fn is_turned_away(&mut self, waiting: &Waiting) -> bool {
        let Self { node, host, refusals, ports, .. } = self;
        let (flow, octets) = (&waiting.flow, &waiting.octets);
        if !self.is_watched {
            return false;
        }
        let Some(refusal) = turn_away(node, host, self.clock.now(), flow, octets) else {
            return false;
        };
        refusals.extend(refusal);
        if let Some(port) = ports.iter_mut().find(|port| port.has(flow.local)) {
            port.refuse(refusals);
        }
        true
    }

    pub(super) fn wait(&mut self, waiting: Waiting) {
        let urgency = self.node.urgency(&waiting.octets);
        if !self.backlog.push(urgency, waiting) {
            self.counters.datagrams_shed.one();
        }
    }

    /// How long a request would wait that came now.
    fn wait_now(&self) -> Duration {
        self.backlog.wait(self.waiting_frames)
    }

    /// Handles a part of what waits.
    fn work_off(&mut self) {
        for _ in 0..WORK {
            let now = self.clock.now();
            let Some(waiting) = self.backlog.pop(now) else { break };
            self.node.set_delay(waiting.delay(now));
            self.datagram(now, waiting);
        }
        self.node.set_delay(Duration::ZERO);
    }

    fn datagram(&mut self, now: Time, waiting: Waiting) {
        let Waiting { flow, octets, .. } = waiting;
        self.host.tap(Direction::In, &flow, &octets, now);
        self.feed(now, Input::Datagram { flow, octets });
    }

    /// Answers what is STUN; keep-alives are no concern of the node.
    fn is_stun(&mut self, port: usize, flow: &Flow, octets: &[u8]) -> bool {
        let answer = match stun::read(octets, flow.remote) {
            stun::Datagram::NotStun => return false,
            stun::Datagram::Other => None,
            stun::Datagram::Request(answer) => Some(answer),
            stun::Datagram::Answer(transaction, seen) => {
                let dead = self.pulses.answered(flow.remote, &transaction, seen);
                self.inbox.extend(dead.map(|flow| Input::Closed { flow }));
                None
            }
        };
        self.counters.stun_messages.one();
        if let (Some(octets), Some(port)) = (answer, self.ports.get_mut(port)) {
            port.queue(Datagram::over(flow, octets, None));
        }
        true
    }

    fn reports(&mut self, cx: &mut Context<'_>) -> bool {
        let inbox = &mut self.inbox;
        let mut busy = false;
        for port in &mut self.ports {
            busy |= port.poll_reports(cx, &mut told_to(inbox));
        }
        busy
    }

    /// Frames first: when none waits, what a connection that is gone had sent has been handled.
    fn streams(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WORK {
            let Poll::Ready((flow, arrival)) = self.streams.poll_arrival(cx) else {
                return self.ended(cx);
            };
            let frame = match arrival {
                Arrival::Frame(frame) => frame,
                Arrival::Identities(domains) => {
                    self.authenticated(flow, &domains);
                    continue;
                }
                Arrival::NotYet(tickets) => {
                    self.undelivered(tickets, Fault::NotYet);
                    continue;
                }
            };
            if let Some(frame) = self.own_frame(flow, frame) {
                self.frame(flow, frame);
            }
        }
        true
    }

    pub(super) fn frame(&mut self, flow: Flow, frame: Frame) {
        let now = self.clock.now();
        match &frame {
            Frame::Message(message) => {
                self.host.tap(Direction::In, &flow, &message.to_bytes(), now);
            }
            Frame::Ping => self.host.tap(Direction::In, &flow, b"\r\n\r\n", now),
            Frame::Pong => self.host.tap(Direction::In, &flow, b"\r\n", now),
            Frame::Rejected(_) | Frame::Broken(_) => {}
        }
        self.pulses.heard(&flow);
        self.feed(now, Input::Frame { flow, frame });
    }

    fn authenticated(&mut self, flow: Flow, domains: &[Box<str>]) {
        self.host.authenticated(&flow, domains);
        if let Some(place) = &self.place {
            place.tell_the_others(|| Letter::Authenticated(flow, domains.into()));
        }
    }

    fn ended(&mut self, cx: &mut Context<'_>) -> bool {
        for handled in 0..WORK {
            let Poll::Ready(ended) = self.streams.poll_ended(cx) else { return handled > 0 };
            let now = self.clock.now();
            self.undelivered(ended.undelivered, ended.fault);
            if let Some(place) = &self.place {
                place.tell_the_others(|| Letter::Closed(ended.flow));
            }
            self.pulses.heard(&ended.flow);
            self.feed(now, Input::Closed { flow: ended.flow });
        }
        true
    }

    /// Tells whoever holds the tickets.
    fn undelivered(&mut self, tickets: Vec<Ticket>, fault: Fault) {
        let now = self.clock.now();
        for ticket in tickets {
            match self.other_sender(ticket) {
                Some((to, ticket)) => self.hand_back(to, ticket, fault),
                None => self.feed(now, Input::Undelivered { ticket, fault }),
            }
        }
    }

    fn notices(&mut self) {
        for notice in self.streams.take_notices() {
            self.host.notice(notice);
        }
    }

    fn answers(&mut self, cx: &mut Context<'_>) -> bool {
        for handled in 0..WORK {
            let Poll::Ready(Some(answer)) = self.answers.poll_recv(cx) else { return handled > 0 };
            self.feed(self.clock.now(), Input::Answer(answer));
        }
        true
    }

    fn commands(&mut self, cx: &mut Context<'_>) -> bool {
        for handled in 0..WORK {
            let Poll::Ready(Some(command)) = self.commands.poll_recv(cx) else {
                return handled > 0;
            };
            self.feed(self.clock.now(), Input::Command(command));
        }
        true
    }

    fn resolved(&mut self, cx: &mut Context<'_>) -> bool {
        for handled in 0..WORK {
            let Poll::Ready((id, answer)) = self.resolver.poll(cx) else { return handled > 0 };
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
            Output::Resolve { id, question } => {
                if let Some(answer) = self.resolver.ask(id, question) {
                    self.inbox.push_back(Input::Resolved { id, answer });
                }
            }
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
            self.streams.send(transmit)
        };
        if let (Err(fault), Some(ticket)) = (sent, ticket) {
            self.inbox.push_back(Input::Undelivered { ticket, fault });
        }
    }

    fn close(&mut self, flow: Flow) {
        match &self.place {
            // A queue that is full leaves the connection to its time of idleness.
            Some(place) if !place.has_the_streams() => drop(place.hand(0, Letter::Close(flow))),
            _ => self.streams.close(&flow),
        }
    }

    fn alias(&mut self, flow: Flow, address: SocketAddr) {
        match &self.place {
            // One that is lost is told with the next request.
            Some(place) if !place.has_the_streams() => {
                let _ = place.hand(0, Letter::Alias(flow, address));
            }
            _ => self.streams.alias(&flow, address),
        }
    }

    /// Queues a datagram. It leaves at the end of the turn, or when a batch has come together.
    fn send_datagram(&mut self, transmit: Transmit) -> Result<(), Fault> {
        let Transmit { flow, octets, ticket, .. } = transmit;
        let port =
            self.ports.iter_mut().find(|port| port.has(flow.local)).ok_or(Fault::NoListener)?;
        port.queue(Datagram::over(&flow, octets, ticket));
        if port.has_batch() {
            port.flush(&mut told_to(&mut self.inbox));
        }
        Ok(())
    }

    fn flush(&mut self, is_busy: bool) {
        for port in &mut self.ports {
            port.flush_refusals(is_busy);
            port.flush(&mut told_to(&mut self.inbox));
        }
    }
}

/// Has a node turn a datagram away. `None` when it does not; otherwise the refusal, if it is to be
/// given one.
fn turn_away<N: Node, H: Host<N>>(
    node: &mut N,
    host: &mut H,
    now: Time,
    flow: &Flow,
    octets: &[u8],
) -> Option<Option<Datagram>> {
    let turned = node.turn_away(now, flow, octets)?;
    host.tap(Direction::In, flow, octets, now);
    let TurnedAway::Refused { remote, octets } = turned else { return Some(None) };
    let back = Flow { remote, ..*flow };
    host.tap(Direction::Out, &back, &octets, now);
    Some(Some(Datagram::over(&back, octets, None)))
}

/// Whether no other loop has the call that a datagram belongs to.
fn is_own<N: Node>(node: &N, place: Option<&Place>, octets: &[u8]) -> bool {
    let other = |place: &Place| place.other_owner(node.call_id(octets)?);
    place.and_then(other).is_none()
}

/// Puts what cannot be delivered into the inbox.
fn told_to<A, C>(inbox: &mut VecDeque<Input<A, C>>) -> impl FnMut(Ticket, Fault) {
    |ticket, fault| inbox.push_back(Input::Undelivered { ticket, fault })
}
