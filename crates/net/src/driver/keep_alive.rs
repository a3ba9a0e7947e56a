//! Keep-alives over the flows that a node has made: see [`pulse`](super::pulse).

use antiphon_core::flow::{Fault, Flow, Transmit};
use antiphon_core::node::{Input, Node};
use bytes::Bytes;
use tokio::time::Instant;

use super::pulse::{Due, is_by_crlf};
use super::turn::{Loop, WORK};
use crate::host::Host;
use crate::udp::{Datagram, stun};

/// What a stream is asked with (RFC 5626 §4.4.1).
const PING: &[u8] = b"\r\n\r\n";

impl<N: Node, H: Host<N>> Loop<N, H> {
    /// Asks over a flow whether it lives.
    pub(super) fn keep_alive(&mut self, flow: Flow) {
        let now = Instant::now();
        if !is_by_crlf(flow.transport) {
            if let Some(transaction) = self.pulses.ask(now, flow) {
                self.ask_by_stun(flow, &transaction);
            }
            return;
        }
        let (octets, is_open_flow) = (Bytes::from_static(PING), true);
        let (ticket, server_name, connect_within) = (None, None, None);
        let ping = Transmit { flow, octets, ticket, server_name, is_open_flow, connect_within };
        match self.streams.send(ping) {
            Ok(()) => self.pulses.pinged(flow, now + self.streams.pong_timeout()),
            Err(_) => self.inbox.push_back(Input::Closed { flow }),
        }
    }

    /// Repeats what was not answered, and tells which flows are dead.
    pub(super) fn pulses(&mut self, now: Instant) {
        if self.pulses.next().is_none() {
            return;
        }
        for _ in 0..WORK {
            match self.pulses.due(now) {
                None => return,
                Some(Due::Again(flow, transaction)) => self.ask_by_stun(flow, &transaction),
                // The connection's end tells it.
                Some(Due::Dead(flow)) if is_by_crlf(flow.transport) => {
                    self.streams.give_up(&flow, Fault::TimedOut);
                }
                Some(Due::Dead(flow)) => self.inbox.push_back(Input::Closed { flow }),
            }
        }
    }

    fn ask_by_stun(&mut self, flow: Flow, transaction: &[u8; 12]) {
        let octets = stun::request(transaction);
        if let Some(port) = self.ports.iter_mut().find(|port| port.has(flow.local)) {
            port.queue(Datagram::over(&flow, octets, None));
        }
    }
}
