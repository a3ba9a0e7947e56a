//! What a loop does with what is not its own, and with what others hand it: see
//! [`crew`](super::crew).

use std::task::{Context, Poll};

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::node::{Input, Node};
use antiphon_sip::parse::stream::Frame;

use super::backlog::Waiting;
use super::crew::Letter;
use super::turn::{Loop, WORK};
use crate::host::Host;

impl<N: Node, H: Host<N>> Loop<N, H> {
    /// The datagram, if it is this loop's; otherwise it is handed to the one whose it is.
    pub(super) fn own(&self, waiting: Waiting) -> Option<Waiting> {
        let Some(place) = &self.place else { return Some(waiting) };
        let call_id = self.node.call_id(&waiting.octets);
        let Some(owner) = call_id.and_then(|call_id| place.other_owner(call_id)) else {
            return Some(waiting);
        };
        if !place.hand(owner, Letter::Datagram(waiting)) {
            self.counters.datagrams_shed.one();
        }
        None
    }

    /// The same for what a stream carried.
    pub(super) fn own_frame(&self, flow: Flow, frame: Frame) -> Option<Frame> {
        let (Some(place), Frame::Message(message)) = (&self.place, &frame) else {
            return Some(frame);
        };
        let Some(owner) = place.other_owner(message.call_id().as_bytes()) else {
            return Some(frame);
        };
        if !place.hand(owner, Letter::Frame(flow, Box::new(frame))) {
            self.counters.datagrams_shed.one();
        }
        None
    }

    /// The loop that handed a ticket on, if it was another.
    pub(super) fn other_sender(&self, ticket: Ticket) -> Option<(usize, Ticket)> {
        self.place.as_ref()?.sender_of(ticket)
    }

    /// Tells a loop that what it handed on could not be delivered. If its queue is full, the timers
    /// of the transaction tell it.
    pub(super) fn hand_back(&self, to: usize, ticket: Ticket, fault: Fault) {
        if let Some(place) = &self.place {
            place.hand(to, Letter::Undelivered(ticket, fault));
        }
    }

    /// Takes what the other loops have handed over.
    pub(super) fn letters(&mut self, cx: &mut Context<'_>) -> bool {
        for _ in 0..WORK {
            let Some(place) = &mut self.place else { return false };
            let Poll::Ready(letter) = place.poll(cx) else { return false };
            self.take(letter);
        }
        true
    }

    fn take(&mut self, letter: Letter) {
        match letter {
            // It has waited in the queue, so it counts as such.
            Letter::Datagram(waiting) if self.is_turned_away(&waiting) => {}
            Letter::Datagram(waiting) => self.wait(waiting),
            Letter::Frame(flow, frame) => self.frame(flow, *frame),
            Letter::Authenticated(flow, domains) => self.host.authenticated(&flow, &domains),
            Letter::Closed(flow) => self.feed(self.clock.now(), Input::Closed { flow }),
            Letter::Transmit(transmit) => self.send_for_another(transmit),
            Letter::Close(flow) => self.streams.close(&flow),
            Letter::Alias(flow, address) => self.streams.alias(&flow, address),
            Letter::Undelivered(ticket, fault) => {
                self.feed(self.clock.now(), Input::Undelivered { ticket, fault });
            }
        }
    }

    fn send_for_another(&mut self, transmit: Transmit) {
        let ticket = transmit.ticket;
        if let (Err(fault), Some(ticket)) = (self.send_on_stream(transmit), ticket)
            && let Some((to, ticket)) = self.other_sender(ticket)
        {
            self.hand_back(to, ticket, fault);
        }
    }
}
