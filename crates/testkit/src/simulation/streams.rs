//! Connections: reliable, in order, with an end on each side.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use antiphon_core::flow::{ConnectionId, Flow, Ticket};
use antiphon_core::time::Time;
use antiphon_sip::parse;
use antiphon_sip::parse::stream::{Frame, Framer};
use antiphon_sip::{Limits, Transport};
use bytes::Bytes;

use super::NodeId;

/// One end of a connection. The two ends have numbers of their own, as two machines would.
#[derive(Debug)]
pub(super) struct End {
    pub(super) node: NodeId,
    pub(super) flow: Flow,
    pub(super) peer: ConnectionId,
    pub(super) state: EndState,
    /// The caller's address as the callee sees it.
    caller: SocketAddr,
    /// Whether it is to be closed as soon as everything is sent.
    pub(super) closing: bool,
    framer: Framer,
    /// What this end sends is not before this, so that a stream keeps its order.
    pub(super) not_before: Time,
    /// What was sent while the network was cut.
    pub(super) held: VecDeque<Parcel>,
}

#[derive(Debug)]
pub(super) enum EndState {
    /// The peer has not answered yet; this is what will be sent when it does.
    Opening(Vec<(Bytes, Option<Ticket>)>),
    Open,
}

/// What travels over a connection.
#[derive(Debug, Clone)]
pub(super) enum Parcel {
    Octets(Bytes),
    Close,
}

/// All ends of all connections.
#[derive(Debug, Default)]
pub(super) struct Streams {
    ends: BTreeMap<ConnectionId, End>,
    last: u64,
    /// Port numbers for the callers' ends.
    ports: u16,
}

impl Streams {
    /// Makes the two ends of a connection between two addresses. Both are unknown to the nodes
    /// until the connection is made. Gives the caller's end and the callee's.
    pub(super) fn open(
        &mut self,
        caller: (NodeId, Flow),
        callee: (NodeId, SocketAddr),
    ) -> (ConnectionId, ConnectionId) {
        let (here, there) = (self.next_id(), self.next_id());
        let (node, flow) = caller;
        let seen = SocketAddr::new(flow.local.ip(), self.next_port());
        let opening = EndState::Opening(Vec::new());
        self.ends.insert(here, End::new(node, flow, (here, there), opening, seen));
        let back = Flow { local: callee.1, remote: seen, ..flow };
        self.ends.insert(there, End::new(callee.0, back, (there, here), EndState::Open, seen));
        (here, there)
    }

    pub(super) fn end(&mut self, id: ConnectionId) -> Option<&mut End> {
        self.ends.get_mut(&id)
    }

    /// An end of this node that leads where the flow wants to go.
    pub(super) fn find(&self, node: NodeId, flow: &Flow) -> Option<ConnectionId> {
        let leads_there = |end: &End| {
            end.node == node
                && end.flow.transport == flow.transport
                && end.flow.local == flow.local
                && end.flow.remote == flow.remote
        };
        match flow.connection {
            Some(id) => self.ends.get(&id).filter(|end| end.node == node).map(|_| id),
            None => self.ends.iter().find(|(_, end)| leads_there(end)).map(|(id, _)| *id),
        }
    }

    /// The caller's address as the callee sees it.
    pub(super) fn caller_address(&self, id: ConnectionId) -> Option<SocketAddr> {
        self.ends.get(&id).map(|end| end.caller)
    }

    /// All ends.
    pub(super) fn ids(&self) -> Vec<ConnectionId> {
        self.ends.keys().copied().collect()
    }

    pub(super) fn remove(&mut self, id: ConnectionId) -> Option<End> {
        self.ends.remove(&id)
    }

    /// The ends of a node, in the order of their making.
    pub(super) fn of_node(&self, node: NodeId) -> Vec<ConnectionId> {
        self.ends.iter().filter(|(_, end)| end.node == node).map(|(id, _)| *id).collect()
    }

    /// A number that no connection had.
    pub(super) fn next_id(&mut self) -> ConnectionId {
        self.last += 1;
        ConnectionId(self.last)
    }

    fn next_port(&mut self) -> u16 {
        // The range of ephemeral ports, RFC 6335 §6.
        self.ports = self.ports.wrapping_add(1);
        49_152 + self.ports % 16_384
    }
}

impl End {
    fn new(
        node: NodeId,
        flow: Flow,
        (id, peer): (ConnectionId, ConnectionId),
        state: EndState,
        caller: SocketAddr,
    ) -> Self {
        let flow = Flow { connection: Some(id), ..flow };
        let framer = Framer::new(Limits::default());
        Self {
            node,
            flow,
            peer,
            state,
            caller,
            closing: false,
            framer,
            not_before: Time::EPOCH,
            held: VecDeque::new(),
        }
    }

    /// The flow with the addresses that the packets have: a caller's own port, not its listener's.
    pub(super) fn wire_flow(&self) -> Flow {
        if self.flow.remote == self.caller {
            return self.flow;
        }
        Flow { local: self.caller, ..self.flow }
    }

    /// The messages in octets that arrived.
    pub(super) fn frames(&mut self, octets: &Bytes) -> Vec<Frame> {
        if matches!(self.flow.transport, Transport::Ws | Transport::Wss) {
            return web_socket_message(octets).into_iter().collect();
        }
        self.framer.push(octets);
        std::iter::from_fn(|| self.framer.next_frame()).collect()
    }
}

/// A WebSocket message carries exactly one SIP message (RFC 7118 §5), or a keep-alive.
fn web_socket_message(octets: &Bytes) -> Option<Frame> {
    match &octets[..] {
        b"\r\n\r\n" => return Some(Frame::Ping),
        b"\r\n" => return None,
        _ => {}
    }
    Some(match parse::datagram(octets.clone(), &Limits::default()) {
        Ok(message) => Frame::Message(message),
        Err(rejected) => Frame::Rejected(rejected),
    })
}
