//! The network as a test sets it up.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use antiphon_core::flow::Flow;
use antiphon_core::locate::Silence;
use antiphon_sip::Transport;

use super::{Conditions, NodeId, Simulation};

impl Simulation {
    /// Sets the conditions of every direction that has none of its own.
    pub fn conditions(&mut self, conditions: Conditions) {
        self.usual = conditions;
    }

    /// Sets the conditions from one node to another, not back.
    pub fn link(&mut self, from: impl Into<NodeId>, to: impl Into<NodeId>, conditions: Conditions) {
        self.links.insert((from.into(), to.into()), conditions);
    }

    /// Sets the conditions between two nodes in both directions.
    pub fn link_both(
        &mut self,
        one: impl Into<NodeId>,
        other: impl Into<NodeId>,
        conditions: Conditions,
    ) {
        let (one, other) = (one.into(), other.into());
        self.link(one, other, conditions);
        self.link(other, one, conditions);
    }

    /// Cuts the network between two nodes: datagrams are lost, streams wait, connections cannot be
    /// made.
    pub fn cut(&mut self, one: impl Into<NodeId>, other: impl Into<NodeId>) {
        let (one, other) = (one.into(), other.into());
        self.cut_one_way(one, other);
        self.cut_one_way(other, one);
    }

    /// Cuts the network in one direction.
    pub fn cut_one_way(&mut self, from: impl Into<NodeId>, to: impl Into<NodeId>) {
        self.cuts.insert((from.into(), to.into()));
    }

    /// Cuts a node off from all others.
    pub fn isolate(&mut self, node: impl Into<NodeId>) {
        let node = node.into();
        for other in (0..self.sites.len()).map(NodeId).filter(|other| *other != node) {
            self.cut(node, other);
        }
    }

    /// Undoes every cut between two nodes; what waited on streams goes on its way.
    pub fn heal(&mut self, one: impl Into<NodeId>, other: impl Into<NodeId>) {
        let (one, other) = (one.into(), other.into());
        self.cuts.remove(&(one, other));
        self.cuts.remove(&(other, one));
        self.release_held();
    }

    /// Undoes every cut.
    pub fn heal_all(&mut self) {
        self.cuts.clear();
        self.release_held();
    }

    /// Gives a host name its addresses; an unknown name has none.
    pub fn host(&mut self, name: &str, addresses: &[&str]) {
        for address in addresses {
            let kind = if address.contains(':') { "AAAA" } else { "A" };
            self.zone(&format!("{name} {kind} {address}"));
        }
    }

    /// Adds lines of a zone file to what the name service knows; see
    /// [`Zones::add`](crate::Zones::add).
    pub fn zone(&mut self, lines: &str) {
        self.zones.add(lines);
    }

    /// Has every question for a name go unanswered in this way. Of [`Silence::NoAnswer`] the node
    /// hears after 4 s.
    pub fn silence(&mut self, name: &str, silence: Silence) {
        self.zones.silence(name, silence);
    }

    /// Sets how long the look-up of a host name takes; no time by default.
    pub fn resolve_time(&mut self, time: Duration) {
        self.resolve_time = time;
    }

    /// Sets how long a connection is tried where nothing answers; 10 s by default.
    pub fn connect_timeout(&mut self, time: Duration) {
        self.connect_timeout = time;
    }

    /// Sets whether the sender of a datagram learns that nobody listens at the port, as ICMP may
    /// tell it; not by default.
    pub fn tell_refused_datagrams(&mut self, tell: bool) {
        self.tells_refused_datagrams = tell;
    }

    /// The UDP flow from one node to another, as the first sees it.
    ///
    /// # Panics
    /// When one of them has no UDP address.
    #[must_use]
    pub fn flow(&self, from: impl Into<NodeId>, to: impl Into<NodeId>) -> Flow {
        self.flow_over(Transport::Udp, from, to)
    }

    /// The flow from one node to another over a transport, as the first sees it: between the first
    /// of their addresses of the same family. On a stream it asks for any connection.
    ///
    /// # Panics
    /// When they have no such addresses.
    #[must_use]
    pub fn flow_over(
        &self,
        transport: Transport,
        from: impl Into<NodeId>,
        to: impl Into<NodeId>,
    ) -> Flow {
        let (from, to) = (&self.sites[from.into().0], &self.sites[to.into().0]);
        from.addresses(transport)
            .flat_map(|local| to.addresses(transport).map(move |remote| (local, remote)))
            .find(|(local, remote)| local.is_ipv4() == remote.is_ipv4())
            .map(|(local, remote)| Flow { transport, local, remote, connection: None })
            .unwrap_or_else(|| panic!("no {transport} between {} and {}", from.name, to.name))
    }

    /// The first address of a node.
    ///
    /// # Panics
    /// When it has none.
    #[must_use]
    pub fn address(&self, node: impl Into<NodeId>) -> SocketAddr {
        self.sites[node.into().0].listeners.first().expect("the node has an address").1
    }

    /// The running or stopped node that has this address.
    pub(super) fn listener(&self, transport: Transport, address: SocketAddr) -> Option<NodeId> {
        let wanted = (transport, address);
        self.sites.iter().position(|site| site.listeners.contains(&wanted)).map(NodeId)
    }

    /// A node on the machine with this address, whatever its ports.
    pub(super) fn machine(&self, address: IpAddr) -> Option<NodeId> {
        let lives_there =
            |site: &super::Site| site.listeners.iter().any(|(_, local)| local.ip() == address);
        self.sites.iter().position(lives_there).map(NodeId)
    }

    pub(super) fn conditions_between(&self, from: NodeId, to: NodeId) -> Conditions {
        self.links.get(&(from, to)).copied().unwrap_or(self.usual)
    }

    pub(super) fn is_cut(&self, from: NodeId, to: NodeId) -> bool {
        self.cuts.contains(&(from, to))
    }
}

impl super::Site {
    fn addresses(&self, transport: Transport) -> impl Iterator<Item = SocketAddr> + Clone {
        self.listeners
            .iter()
            .filter(move |(listener, _)| *listener == transport)
            .map(|(_, address)| *address)
    }
}
