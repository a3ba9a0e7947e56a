//! What a driver runs: inputs in, outputs out, and the drain rule.
//!
//! **The drain rule.** A driver calls [`Node::handle`] with one input, then [`Node::next_output`]
//! until it gives nothing, then sleeps no longer than [`Node::latest_deadline`]. Nothing inside
//! ever waits: what a node does not know it asks ([`Output::Question`], [`Output::Resolve`]), and the
//! answer comes back as an input. The same inputs at the same times with the same seed give the
//! same outputs. The real driver is `antiphon-net`, the simulated one `antiphon-testkit`.

use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::parse::stream::Frame;
use bytes::Bytes;

use crate::flow::{Fault, Flow, Ticket, Transmit};
use crate::locate::{Answer, Question};
use crate::time::Time;

/// A participant: a server or a user agent.
pub trait Node {
    /// What it asks of whoever runs it (a look-up in the location service, say).
    type Question;
    /// The answers to those questions.
    type Answer;
    /// What a person or program tells it to do.
    type Command;
    /// What it tells.
    type Event;

    /// Takes one input. Drain the outputs afterwards.
    fn handle(&mut self, now: Time, input: Input<Self::Answer, Self::Command>);

    /// The next output, `None` when drained.
    fn next_output(&mut self) -> Option<Output<Self::Question, Self::Event>>;

    /// When [`Input::Deadline`] is wanted, if nothing else comes before.
    fn deadline(&self) -> Option<Time>;

    /// When [`Input::Deadline`] is wanted at the latest. From [`deadline`](Self::deadline) until
    /// then there is only something to be forgotten, for which a driver need not wake.
    fn latest_deadline(&self) -> Option<Time> {
        self.deadline()
    }

    /// How soon a datagram is to be handled. A driver asks when more wait than it can hand over
    /// at once; those of one urgency keep their order.
    fn urgency(&self, octets: &[u8]) -> Urgency {
        let _ = octets;
        Urgency::Ordinary
    }

    /// To which call a datagram belongs, by a glance at it; `None` when it does not say. A driver
    /// asks that has several nodes, each of which owns some of the calls.
    fn call_id<'a>(&self, octets: &'a [u8]) -> Option<&'a [u8]> {
        let _ = octets;
        None
    }

    /// How the Call-IDs of the requests begin that it makes for itself; empty when it makes none. What
    /// belongs to these calls is handed to it, if it is one of several nodes.
    fn own_calls(&self) -> &str {
        ""
    }

    /// Tells how long the messages that are handed over from now on have waited since they
    /// arrived; zero until it is told.
    fn set_delay(&mut self, delay: Duration) {
        let _ = delay;
    }

    /// Tells how long a message of no urgency would wait that came now; whether each datagram is to
    /// be offered to [`turn_away`](Self::turn_away) before anything else is done for it.
    fn set_wait(&mut self, now: Time, wait: Duration) -> bool {
        let _ = (now, wait);
        false
    }

    /// Turns a datagram away for which there is no time. `None` when it is to be handled in its
    /// turn.
    fn turn_away(&mut self, now: Time, flow: &Flow, octets: &[u8]) -> Option<TurnedAway> {
        let _ = (now, flow, octets);
        None
    }
}

/// What became of a datagram for which there was no time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TurnedAway {
    /// Nobody waits for an answer.
    Dropped,
    /// It is refused.
    Refused {
        /// Where the refusal goes.
        remote: SocketAddr,
        /// The refusal.
        octets: Bytes,
    },
}

/// How soon a message is to be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Before all others.
    First,
    /// In its turn.
    Ordinary,
}

/// What can happen to a node.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "an input is handed over once; a box would cost more"
)]
pub enum Input<A, C> {
    /// A datagram arrived.
    Datagram {
        /// From where and at which listener.
        flow: Flow,
        /// Its octets.
        octets: Bytes,
    },
    /// A stream carried a message, or lost its framing.
    Frame {
        /// On which connection.
        flow: Flow,
        /// What it carried.
        frame: Frame,
    },
    /// A transmission could not be delivered.
    Undelivered {
        /// Which.
        ticket: Ticket,
        /// Why.
        fault: Fault,
    },
    /// A connection is gone, or a flow does not answer its keep-alives.
    Closed {
        /// Which.
        flow: Flow,
    },
    /// The answer to [`Output::Resolve`].
    Resolved {
        /// The question.
        id: ResolveId,
        /// The records, or why there are none.
        answer: Answer,
    },
    /// The answer to a question of the node's own kind.
    Answer(A),
    /// Something to do.
    Command(C),
    /// The deadline has come.
    Deadline,
}

/// What a node wants.
#[derive(Debug)]
pub enum Output<Q, E> {
    /// Octets to be sent.
    Transmit(Transmit),
    /// Records of the DNS, or what stands in its place.
    Resolve {
        /// Comes back with the answer.
        id: ResolveId,
        /// Which.
        question: Question,
    },
    /// A connection is to be closed, once what was sent before is written.
    Close(Flow),
    /// A sign of life is to be asked for over a flow: by a double CRLF on a stream, by STUN among
    /// datagrams (RFC 5626 §4.4). If there is none in time, or we are seen at another address,
    /// [`Input::Closed`] tells that the flow is dead.
    KeepAlive(Flow),
    /// The peer of a connection takes requests over it that are for this address, if its
    /// certificate proves the name that they are for (RFC 5923 §8.2).
    Alias {
        /// The connection.
        flow: Flow,
        /// The address that it stands for.
        address: SocketAddr,
    },
    /// A question of the node's own kind.
    Question(Q),
    /// Something to be told.
    Event(E),
}

/// Names a question to the DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ResolveId(pub u64);
