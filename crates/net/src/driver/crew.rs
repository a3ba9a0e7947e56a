//! Several loops that do the work of one server: each call belongs to one of them.
//!
//! Every loop has a socket of its own for each UDP port, among which the kernel deals out what
//! arrives by the addresses of the packets. The messages of one call come from two sides and so
//! may arrive at two loops: what belongs to another loop is handed to it, in the order in which it
//! arrived. Connections are all of the first loop, so that a limit on them is one number and a
//! peer is reached over the connection that it has; the others hand it what is to be sent.
//!
//! A handing-over waits in a bounded queue and is dropped when that is full, as the kernel drops a
//! datagram; whoever sent it sends it again.

use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_sip::parse::stream::Frame;
use tokio::sync::mpsc;

use super::backlog::Waiting;

/// Letters that wait for one loop: as many datagrams as a fast loop handles within a few hundredths
/// of a second. More would only hide that it is behind.
const LETTERS: usize = 4096;

/// Where in a ticket the number of the loop stands that handed it on.
const LOOP_BITS: u32 = 56;

/// What one loop hands to another.
pub(super) enum Letter {
    /// A datagram of a call that belongs to the receiver.
    Datagram(Waiting),
    /// A message from a stream, likewise.
    Frame(Flow, Box<Frame>),
    /// What the client on a connection has proved to be.
    Authenticated(Flow, Box<[Box<str>]>),
    /// A connection is gone.
    Closed(Flow),
    /// Octets for a connection, which are the first loop's.
    Transmit(Transmit),
    /// A connection is to be closed.
    Close(Flow),
    /// A connection stands for an address.
    Alias(Flow, SocketAddr),
    /// What was handed on could not be delivered.
    Undelivered(Ticket, Fault),
}

/// One loop's place among several.
pub(crate) struct Place {
    index: usize,
    letters: mpsc::Receiver<Letter>,
    /// The letter boxes of all, its own among them.
    all: Vec<mpsc::Sender<Letter>>,
    hasher: RandomState,
    /// How the Call-IDs begin that are one loop's by their name.
    own_calls: Arc<[Box<[u8]>]>,
}

impl Place {
    /// The places of loops. Calls whose Call-ID begins as one of them says are that one's, unless
    /// that is empty.
    pub(crate) fn of(own_calls: &[&str]) -> Vec<Self> {
        let hasher = RandomState::new();
        let own_calls: Arc<_> = own_calls.iter().map(|own| own.as_bytes().into()).collect();
        let (all, boxes): (Vec<_>, Vec<_>) =
            own_calls.iter().map(|_| mpsc::channel(LETTERS)).unzip();
        let place = |(index, letters)| Self {
            index,
            letters,
            all: all.clone(),
            hasher: hasher.clone(),
            own_calls: Arc::clone(&own_calls),
        };
        boxes.into_iter().enumerate().map(place).collect()
    }

    /// Whether the connections are this loop's.
    pub(super) const fn has_the_streams(&self) -> bool {
        self.index == 0
    }

    /// The loop to which a call belongs, if it is another.
    pub(super) fn other_owner(&self, call_id: &[u8]) -> Option<usize> {
        let loops = u64::try_from(self.all.len()).unwrap_or(u64::MAX).max(1);
        let is_own = |own: &[u8]| !own.is_empty() && call_id.starts_with(own);
        let own = self.own_calls.iter().position(|own| is_own(own));
        let owner = own.unwrap_or_else(|| {
            usize::try_from(self.hasher.hash_one(call_id) % loops).unwrap_or_default()
        });
        (owner != self.index).then_some(owner)
    }

    /// Hands a letter to one loop; whether it was taken.
    pub(super) fn hand(&self, to: usize, letter: Letter) -> bool {
        self.all.get(to).is_some_and(|letters| letters.try_send(letter).is_ok())
    }

    /// Hands letters to all other loops.
    pub(super) fn tell_the_others(&self, letter: impl Fn() -> Letter) {
        for to in (0..self.all.len()).filter(|to| *to != self.index) {
            // One that is not taken is found out when the connection is used.
            self.hand(to, letter());
        }
    }

    /// Hands octets to the loop that has the connections.
    ///
    /// # Errors
    /// When its queue is full.
    pub(super) fn send(&self, mut transmit: Transmit) -> Result<(), Fault> {
        transmit.ticket = transmit.ticket.map(|ticket| self.mark(ticket));
        if self.hand(0, Letter::Transmit(transmit)) { Ok(()) } else { Err(Fault::Stalled) }
    }

    /// The loop that handed a ticket on, with the ticket as that one knows it; `None` for our own.
    pub(super) const fn sender_of(&self, ticket: Ticket) -> Option<(usize, Ticket)> {
        let index = (ticket.0 >> LOOP_BITS) as usize;
        let own = Ticket(ticket.0 & ((1 << LOOP_BITS) - 1));
        if index == 0 || index == self.index { None } else { Some((index, own)) }
    }

    /// The next letter.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Letter> {
        match self.letters.poll_recv(cx) {
            Poll::Ready(Some(letter)) => Poll::Ready(letter),
            // It cannot be closed: one of the senders is ours.
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    const fn mark(&self, ticket: Ticket) -> Ticket {
        Ticket(ticket.0 | (self.index as u64) << LOOP_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bind::MOST_LOOPS;

    #[test]
    fn all_loops_agree_on_the_owner_of_a_call() {
        let places = Place::of(&["", "", ""]);
        for call in 0..100 {
            let call_id = format!("{call}@192.0.2.1");
            let owners: Vec<_> =
                places.iter().map(|place| place.other_owner(call_id.as_bytes())).collect();
            let owner = owners.iter().position(Option::is_none).unwrap();
            let expected: Vec<_> = (0..3).map(|at| (at != owner).then_some(owner)).collect();
            assert_eq!(owners, expected);
        }
    }

    #[test]
    fn what_a_node_asks_for_itself_is_answered_to_it() {
        let places = Place::of(&["one-", "", "three-"]);
        for call in 0..100 {
            let owners = |own: &str| -> Vec<_> {
                let call_id = format!("{own}{call}");
                places.iter().map(|place| place.other_owner(call_id.as_bytes())).collect()
            };
            assert_eq!(owners("one-"), [None, Some(0), Some(0)]);
            assert_eq!(owners("three-"), [Some(2), Some(2), None]);
        }
    }

    #[test]
    fn a_ticket_finds_back_to_the_loop_that_handed_it_on() {
        let places = Place::of(&[""; MOST_LOOPS]);
        let first = &places[0];
        for place in &places[1..] {
            let marked = place.mark(Ticket(7));
            assert_eq!(first.sender_of(marked), Some((place.index, Ticket(7))));
        }
        assert_eq!(first.sender_of(Ticket(7)), None);
    }
}
