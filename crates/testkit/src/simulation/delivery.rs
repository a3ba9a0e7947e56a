//! What becomes of what nodes want: datagrams, connections, look-ups.

use std::time::Duration;

use antiphon_core::flow::{ConnectionId, Fault, Flow, Ticket, Transmit};
use antiphon_core::locate::{Question, Silence};
use antiphon_core::node::ResolveId;
use antiphon_core::time::Time;
use antiphon_sip::Transport;
use antiphon_trace::{Fate, Record};
use bytes::Bytes;

use super::conditions::{between, happens, travel};
use super::station::{Effect, Happening};
use super::streams::{EndState, Parcel};
use super::{NodeId, Simulation, What};

/// When a node hears that the DNS does not answer, as from a driver of real sockets.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(4);

impl Simulation {
    pub(super) fn perform(&mut self, node: NodeId, effect: Effect) {
        match effect {
            Effect::Transmit(transmit) if transmit.flow.transport == Transport::Udp => {
                self.send_datagram(node, transmit);
            }
            Effect::Transmit(transmit) => self.send_on_stream(node, transmit),
            Effect::Resolve { id, question } => self.resolve(node, id, &question),
            Effect::Close(flow) => self.close_flow(node, &flow),
            Effect::KeepAlive(flow) => self.keep_alive(node, flow),
        }
    }

    fn send_datagram(&mut self, node: NodeId, transmit: Transmit) {
        let Transmit { flow, octets, ticket, .. } = transmit;
        if self.listener(Transport::Udp, flow.local) != Some(node) {
            return self.fail(node, ticket, Fault::NoListener, Duration::ZERO);
        }
        if flow.local.is_ipv4() != flow.remote.is_ipv4() {
            return self.fail(node, ticket, Fault::Unreachable, Duration::ZERO);
        }
        let target = self.listener(Transport::Udp, flow.remote);
        let conditions = target.map_or(self.usual, |to| self.conditions_between(node, to));
        if octets.len() > conditions.mtu {
            return self.fail(node, ticket, Fault::TooLarge, Duration::ZERO);
        }
        let Some(target) = target.filter(|target| self.sites[target.0].running) else {
            self.record(&flow, &octets, Fate::Lost);
            if self.tells_refused_datagrams && self.machine(flow.remote.ip()).is_some() {
                self.fail(node, ticket, Fault::Refused, 2 * conditions.longest);
            }
            return;
        };
        let lost = happens(conditions.loss, &mut self.random) || self.is_cut(node, target);
        let doubled = happens(conditions.doubling, &mut self.random);
        let fate = match (lost, doubled) {
            (true, _) => Fate::Lost,
            (false, true) => Fate::Doubled,
            (false, false) => Fate::Arrived,
        };
        self.record(&flow, &octets, fate);
        for _ in 0..copies(fate) {
            let at = self.datagram_arrival(node, target);
            let seen = Flow { local: flow.remote, remote: flow.local, ..flow };
            self.queue.push(at, What::Datagram { to: target, flow: seen, octets: octets.clone() });
        }
    }

    /// When a datagram that is sent now arrives: behind those sent before it, unless it is held
    /// back, and then those sent later do not wait for it.
    fn datagram_arrival(&mut self, from: NodeId, to: NodeId) -> Time {
        let conditions = self.conditions_between(from, to);
        let at = self.now + travel(&conditions, &mut self.random);
        if happens(conditions.reordering, &mut self.random) {
            return at + between(Duration::ZERO, conditions.held_back, &mut self.random);
        }
        let last = self.last_arrivals.entry((from, to)).or_insert(at);
        *last = at.max(*last);
        *last
    }

    fn send_on_stream(&mut self, node: NodeId, transmit: Transmit) {
        let Transmit { flow, octets, ticket, is_open_flow, connect_within, .. } = transmit;
        if let Some(id) = self.streams.find(node, &flow) {
            if let Some(end) = self.streams.end(id)
                && let EndState::Opening(waiting) = &mut end.state
            {
                waiting.push((octets, ticket));
                return;
            }
            return self.send_parcel(id, Parcel::Octets(octets));
        }
        if flow.connection.is_some() || is_open_flow {
            return self.fail(node, ticket, Fault::Closed, Duration::ZERO);
        }
        match self.connect(node, &flow) {
            Ok((id, takes)) => {
                if let Some(time) = connect_within.filter(|time| *time < takes) {
                    return self.fail(node, ticket, Fault::NotYet, time);
                }
                if let Some(end) = self.streams.end(id)
                    && let EndState::Opening(waiting) = &mut end.state
                {
                    waiting.push((octets, ticket));
                }
            }
            Err((_, after)) if connect_within.is_some_and(|time| time < after) => {
                self.fail(node, ticket, Fault::NotYet, connect_within.unwrap_or(after));
            }
            Err((fault, after)) => {
                self.fail(node, ticket, fault, after);
                if matches!(fault, Fault::Refused | Fault::TimedOut) {
                    let connection = Some(self.streams.next_id());
                    self.ended(node, Flow { connection, ..flow }, after);
                }
            }
        }
    }

    /// Begins to make a connection, and says how long it takes. The error says when the node learns
    /// that it fails.
    fn connect(
        &mut self,
        node: NodeId,
        flow: &Flow,
    ) -> Result<(ConnectionId, Duration), (Fault, Duration)> {
        if self.listener(flow.transport, flow.local) != Some(node) {
            return Err((Fault::NoListener, Duration::ZERO));
        }
        if flow.local.is_ipv4() != flow.remote.is_ipv4() {
            return Err((Fault::Unreachable, Duration::ZERO));
        }
        let target = self.listener(flow.transport, flow.remote);
        let Some(machine) = target.or_else(|| self.machine(flow.remote.ip())) else {
            return Err((Fault::TimedOut, self.connect_timeout));
        };
        if self.is_cut(node, machine) || self.is_cut(machine, node) {
            return Err((Fault::TimedOut, self.connect_timeout));
        }
        let there = travel(&self.conditions_between(node, machine), &mut self.random);
        let back = travel(&self.conditions_between(machine, node), &mut self.random);
        let Some(target) = target.filter(|target| self.sites[target.0].running) else {
            return Err((Fault::Refused, there + back));
        };
        let (here, _) = self.streams.open((node, *flow), (target, flow.remote));
        if let Some(seen) = self.streams.caller_address(here) {
            let name = self.sites[node.0].name.clone();
            self.names.add(seen, &name);
        }
        self.queue.push(self.now + there + back, What::Connected(here));
        Ok((here, there + back))
    }

    /// The callee has answered: what waited is sent.
    pub(super) fn connected(&mut self, id: ConnectionId) {
        let Some(end) = self.streams.end(id) else { return };
        let EndState::Opening(waiting) = std::mem::replace(&mut end.state, EndState::Open) else {
            return;
        };
        let closing = std::mem::take(&mut end.closing);
        for (octets, _) in waiting {
            self.send_parcel(id, Parcel::Octets(octets));
        }
        if closing {
            self.finish(id);
        }
    }

    /// Sends something from one end to the other, behind everything sent before.
    fn send_parcel(&mut self, id: ConnectionId, parcel: Parcel) {
        let Some(end) = self.streams.end(id) else { return };
        let (from, flow, peer) = (end.node, end.wire_flow(), end.peer);
        if let Parcel::Octets(octets) = &parcel {
            self.record(&flow, octets, Fate::Arrived);
        }
        self.forward(id, from, peer, parcel);
    }

    fn forward(&mut self, id: ConnectionId, from: NodeId, peer: ConnectionId, parcel: Parcel) {
        let Some(to) = self.streams.end(peer).map(|end| end.node) else { return };
        let cut = self.is_cut(from, to);
        let conditions = self.conditions_between(from, to);
        let arrival = self.now + travel(&conditions, &mut self.random);
        let Some(end) = self.streams.end(id) else { return };
        if cut {
            end.held.push_back(parcel);
            return;
        }
        end.not_before = end.not_before.max(arrival);
        let at = end.not_before;
        self.queue.push(at, What::Arrival { to: peer, parcel });
    }

    /// Sends what waited for cuts that are healed.
    pub(super) fn release_held(&mut self) {
        for id in self.streams.ids() {
            let Some(end) = self.streams.end(id) else { continue };
            let (from, peer) = (end.node, end.peer);
            for parcel in std::mem::take(&mut end.held) {
                self.forward(id, from, peer, parcel);
            }
            if self.streams.end(id).is_some_and(|end| end.closing && end.held.is_empty()) {
                self.remove(id);
            }
        }
    }

    pub(super) fn arrive(&mut self, to: ConnectionId, parcel: Parcel) {
        let Some(end) = self.streams.end(to) else { return };
        let (node, flow) = (end.node, end.flow);
        match parcel {
            Parcel::Octets(octets) => {
                for frame in end.frames(&octets) {
                    self.happen(node, Happening::Frame { flow, frame: Box::new(frame) });
                }
            }
            Parcel::Close => {
                self.streams.remove(to);
                self.happen(node, Happening::Closed { flow });
            }
        }
    }

    fn close_flow(&mut self, node: NodeId, flow: &Flow) {
        let Some(id) = self.streams.find(node, flow) else { return };
        let Some(end) = self.streams.end(id) else { return };
        if matches!(end.state, EndState::Opening(_)) {
            end.closing = true;
        } else {
            self.finish(id);
        }
    }

    /// Closes an end behind what it has sent.
    fn finish(&mut self, id: ConnectionId) {
        self.send_parcel(id, Parcel::Close);
        match self.streams.end(id) {
            Some(end) if !end.held.is_empty() => end.closing = true,
            _ => self.remove(id),
        }
    }

    /// Takes away an end of which everything is sent, and tells its node.
    fn remove(&mut self, id: ConnectionId) {
        if let Some(end) = self.streams.remove(id) {
            self.ended(end.node, end.flow, Duration::ZERO);
        }
    }

    /// Closes an end whose process is gone.
    pub(super) fn abandon(&mut self, id: ConnectionId) {
        let Some(end) = self.streams.end(id) else { return };
        let peer = end.peer;
        if matches!(end.state, EndState::Opening(_)) {
            self.streams.remove(id);
            self.streams.remove(peer);
            return;
        }
        self.refuse_opening(peer);
        if self.streams.end(peer).is_some() {
            self.finish(id);
        } else {
            self.streams.remove(id);
        }
    }

    /// Fails a connection that is being made to a node that has just gone.
    fn refuse_opening(&mut self, id: ConnectionId) {
        let Some(end) = self.streams.end(id) else { return };
        let EndState::Opening(waiting) = &mut end.state else { return };
        let (node, waiting) = (end.node, std::mem::take(waiting));
        for (_, ticket) in waiting {
            self.fail(node, ticket, Fault::Refused, Duration::ZERO);
        }
        self.remove(id);
    }

    fn resolve(&mut self, node: NodeId, id: ResolveId, question: &Question) {
        let answer = self.zones.answer(question);
        let time = match answer {
            Err(Silence::NoAnswer) => RESOLVE_TIMEOUT,
            _ => self.resolve_time,
        };
        self.tell(node, self.now + time, Happening::Resolved { id, answer });
    }

    /// A sign of life, which is not shown. Where nobody answers, the node hears after the time that a
    /// driver of real sockets takes (RFC 5626 §4.4).
    fn keep_alive(&mut self, node: NodeId, flow: Flow) {
        const PONG: Duration = Duration::from_secs(10);
        const STUN: Duration = Duration::from_millis(39_500);
        if flow.transport == Transport::Udp {
            let target = self.listener(Transport::Udp, flow.remote);
            let lives = |to: NodeId| self.sites[to.0].running && !self.is_cut(node, to);
            if !target.is_some_and(lives) {
                self.ended(node, flow, STUN);
            }
            return;
        }
        let Some(id) = self.streams.find(node, &flow) else {
            return self.ended(node, flow, Duration::ZERO);
        };
        let peer = self.streams.end(id).map(|end| end.peer);
        let to = peer.and_then(|peer| self.streams.end(peer)).map(|end| end.node);
        if !to.is_some_and(|to| self.sites[to.0].running && !self.is_cut(node, to)) {
            self.streams.remove(id);
            self.ended(node, flow, PONG);
        }
    }

    /// Tells a node that something could not be delivered, if it wants to know.
    fn fail(&mut self, node: NodeId, ticket: Option<Ticket>, fault: Fault, after: Duration) {
        let Some(ticket) = ticket else { return };
        let happening = Happening::Undelivered { ticket, fault };
        self.tell(node, self.now + after, happening);
    }

    /// Tells a node that a connection is gone: also when it was the node that closed it, and when
    /// it was never made, as a driver of real sockets does.
    fn ended(&mut self, node: NodeId, flow: Flow, after: Duration) {
        let happening = Happening::Closed { flow };
        self.tell(node, self.now + after, happening);
    }

    /// Tells something that concerns the node as it is now, and not one that is started in its
    /// place.
    fn tell(&mut self, node: NodeId, at: Time, happening: Happening) {
        let life = self.sites[node.0].life;
        self.queue.push(at, What::Happening { to: node, life, happening });
    }

    fn record(&mut self, flow: &Flow, octets: &Bytes, fate: Fate) {
        let Flow { transport, local, remote, .. } = *flow;
        let record = Record::new(self.now, local, remote, transport, octets.clone());
        self.capture.push(record.with_fate(fate));
    }
}

const fn copies(fate: Fate) -> usize {
    match fate {
        Fate::Lost => 0,
        Fate::Arrived => 1,
        Fate::Doubled => 2,
    }
}
