//! What the loop does with connections: see [`turn`](super::turn).

use std::net::SocketAddr;
use std::task::{Context, Poll};

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::node::{Input, Node};
use antiphon_sip::parse::stream::Frame;

use super::bells::Source;
use super::crew::Letter;
use super::turn::{Loop, WORK};
use crate::host::{Direction, Host};
use crate::stream::Arrival;

impl<N: Node, H: Host<N>> Loop<N, H> {
    /// Frames first: when none waits, what a connection that is gone had sent has been handled.
    pub(super) fn streams(&mut self, cx: &mut Context<'_>) -> bool {
        let busy = self.arrivals(cx) || self.ended(cx);
        self.notices();
        busy
    }

    pub(super) fn accepts(&mut self, cx: &mut Context<'_>) -> bool {
        let busy = self.streams.poll_accept(cx);
        if busy {
            // Each that was accepted is a task that may end.
            self.bells.again(Source::Streams);
        }
        self.resume = self.streams.resume_at();
        self.notices();
        busy
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

    /// Queues a message for a connection, which may be a new one.
    pub(super) fn send_on_stream(&mut self, transmit: Transmit) -> Result<(), Fault> {
        self.bells.again(Source::Streams);
        self.streams.send(transmit)
    }

    pub(super) fn close(&mut self, flow: Flow) {
        match &self.place {
            // A queue that is full leaves the connection to its time of idleness.
            Some(place) if !place.has_the_streams() => drop(place.hand(0, Letter::Close(flow))),
            _ => self.streams.close(&flow),
        }
    }

    pub(super) fn alias(&mut self, flow: Flow, address: SocketAddr) {
        match &self.place {
            // One that is lost is told with the next request.
            Some(place) if !place.has_the_streams() => {
                let _ = place.hand(0, Letter::Alias(flow, address));
            }
            _ => self.streams.alias(&flow, address),
        }
    }

    fn arrivals(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WORK {
            let Poll::Ready((flow, arrival)) = self.streams.poll_arrival(cx) else {
                return false;
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

    fn ended(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WORK {
            let Poll::Ready(ended) = self.streams.poll_ended(cx) else { return false };
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

    fn authenticated(&mut self, flow: Flow, domains: &[Box<str>]) {
        self.host.authenticated(&flow, domains);
        if let Some(place) = &self.place {
            place.tell_the_others(|| Letter::Authenticated(flow, domains.into()));
        }
    }

    fn notices(&mut self) {
        for notice in self.streams.take_notices() {
            self.host.notice(notice);
        }
    }
}
