//! What the loop does with datagrams: see [`turn`](super::turn).

use std::collections::VecDeque;
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::node::{Input, Node, TurnedAway};
use antiphon_core::time::Time;
use bytes::Bytes;

use super::backlog::Waiting;
use super::bells::Source;
use super::crew::Place;
use super::turn::{Loop, WORK};
use crate::host::{Direction, Host};
use crate::udp::{Datagram, stun};

/// Batches of datagrams that one turn takes from a port at most. Taking one costs a fraction of
/// handling it, so a queue that builds up builds up in the backlog, not in the kernel, which drops
/// without looking at what it drops. A thousand take about a millisecond.
const BATCHES: usize = 32;

/// Batches of them that are handled at once.
const BATCHES_AT_ONCE: usize = 2;

impl<N: Node, H: Host<N>> Loop<N, H> {
    pub(super) fn datagrams(&mut self) {
        let now = self.clock.now();
        self.is_watched = self.node.set_wait(now, self.wait_now());
        self.ask(Source::Datagrams, |turns, cx| {
            let mut busy = false;
            for index in 0..turns.ports.len() {
                busy |= turns.receive(index, now, cx);
            }
            busy
        });
        self.work_off();
    }

    pub(super) fn reports(&mut self, cx: &mut Context<'_>) -> bool {
        let inbox = &mut self.inbox;
        let mut busy = false;
        for port in &mut self.ports {
            busy |= port.poll_reports(cx, &mut told_to(inbox));
        }
        busy
    }

    /// Queues a datagram. It leaves at the end of the turn, or when a batch has come together.
    pub(super) fn send_datagram(&mut self, transmit: Transmit) -> Result<(), Fault> {
        let Transmit { flow, octets, ticket, .. } = transmit;
        let port =
            self.ports.iter_mut().find(|port| port.has(flow.local)).ok_or(Fault::NoListener)?;
        port.queue(Datagram::over(&flow, octets, ticket));
        if port.has_batch() {
            port.flush(&mut told_to(&mut self.inbox));
        }
        Ok(())
    }

    pub(super) fn flush(&mut self, is_busy: bool) {
        for port in &mut self.ports {
            port.flush_refusals(is_busy);
            port.flush(&mut told_to(&mut self.inbox));
        }
    }

    pub(super) fn wait(&mut self, waiting: Waiting) {
        let urgency = self.node.urgency(&waiting.octets);
        if !self.backlog.push(urgency, waiting) {
            self.counters.datagrams_shed.one();
        }
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

    /// Takes what has arrived at a port, and says whether there may be more. As long as nothing
    /// waits it is handled at once; what comes faster than that joins the backlog.
    fn receive(&mut self, index: usize, mut now: Time, cx: &mut Context<'_>) -> bool {
        let mut is_emptied = false;
        let mut received = std::mem::take(&mut self.received);
        for batch in 0..BATCHES {
            if batch > 0 || index > 0 {
                now = self.clock.now();
                self.is_watched = self.node.set_wait(now, self.wait_now());
            }
            is_emptied = self.sort(index, now, cx, &mut received).is_pending();
            for (flow, octets) in received.drain(..) {
                if self.is_stun(index, &flow, &octets) {
                    continue;
                }
                let Some(waiting) = self.own(Waiting { since: now, flow, octets }) else {
                    continue;
                };
                if batch < BATCHES_AT_ONCE && self.backlog.is_empty() {
                    self.datagram(now, waiting);
                } else {
                    self.wait(waiting);
                }
            }
            if is_emptied {
                break;
            }
        }
        self.received = received;
        !is_emptied
    }

    /// Takes one batch, and turns away what there is no time for. Pending when there are no more.
    fn sort(
        &mut self,
        index: usize,
        now: Time,
        cx: &mut Context<'_>,
        received: &mut Vec<(Flow, Bytes)>,
    ) -> Poll<()> {
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

    /// How long a request would wait that came now.
    fn wait_now(&self) -> Duration {
        self.backlog.wait(self.waiting_frames)
    }

    /// Handles a part of what waits.
    fn work_off(&mut self) {
        if self.backlog.is_empty() {
            return;
        }
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
