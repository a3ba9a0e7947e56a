//! Stream connections: the table of those that are open, and who may open one.
//!
//! Each connection is a task that makes its handshakes, reads, cuts messages out and writes what is
//! queued; the table belongs to the loop. Frames come through one bounded channel: when the loop is
//! behind, the connections stop reading, and the peers' windows close.

mod activity;
mod admission;
mod alias;
mod carrier;
mod connection;
mod handshake;
mod line;
mod listener;
mod octets;
mod proxied;
mod queue;
mod web_socket;

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll};

use antiphon_core::endpoint::covers;
use antiphon_core::flow::{ConnectionId, Fault, Flow, Transmit};
use antiphon_sip::Transport;
use antiphon_sip::parse::stream::Frame;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::counters::Counters;
use crate::layers::{Layers, is_stream, is_web_socket};
use crate::notice::Notice;
use crate::refusal::Refusal;
use crate::refusals::Refusals;
use crate::settings::Settings;
use admission::Proxied;
use alias::Proved;
pub(crate) use connection::{Arrival, Ended};
use connection::{Common, Task};
pub(crate) use listener::Accept;
use queue::{Outgoing, Sender, queue};

/// Frames that wait for the loop. A few turns' worth: more would only hide that it is behind.
const FRAMES: usize = 256;

/// All stream connections.
pub(crate) struct Streams {
    settings: Settings,
    layers: Arc<Layers>,
    counters: Arc<Counters>,
    refusals: Refusals,
    listeners: Vec<Accept>,
    open: HashMap<ConnectionId, Box<Connection>>,
    /// The youngest connection to each peer, for those who do not care which.
    by_peer: HashMap<Peer, ConnectionId>,
    /// How many connections each source has opened.
    per_source: HashMap<IpAddr, usize>,
    tasks: JoinSet<Box<Ended>>,
    /// What the tasks share.
    common: Arc<Common>,
    /// Connections of load balancers that have not told yet for whom they are.
    proxied: JoinSet<Proxied>,
    /// A permit for each handshake.
    handshakes: Arc<Semaphore>,
    arrivals: mpsc::Receiver<(Flow, Arrival)>,
    next_id: u64,
}

/// Whom a connection leads to. On a secure transport a connection to one domain is none to another
/// at the same address (RFC 5922 §7.3); behind a WebSocket there may be several as well.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Peer {
    transport: Transport,
    remote: SocketAddr,
    /// The name it has proved, in small letters; `None` for its address.
    name: Option<Arc<str>>,
}

/// What the table keeps of a connection.
struct Connection {
    /// The name in its [`Peer`].
    name: Option<Arc<str>>,
    queue: Sender,
    incoming: bool,
    /// Set for a client that has shown a certificate.
    proved: Option<Box<Proved>>,
}

impl Streams {
    pub(crate) fn new(
        settings: Settings,
        layers: Arc<Layers>,
        counters: Arc<Counters>,
        listeners: Vec<Accept>,
    ) -> Self {
        let (sender, arrivals) = mpsc::channel(FRAMES);
        let common = Common {
            settings,
            layers: Arc::clone(&layers),
            arrivals: sender,
            counters: Arc::clone(&counters),
        };
        Self {
            settings,
            layers,
            common: Arc::new(common),
            refusals: Refusals::new(Arc::clone(&counters)),
            counters,
            listeners,
            open: HashMap::new(),
            by_peer: HashMap::new(),
            per_source: HashMap::new(),
            tasks: JoinSet::new(),
            proxied: JoinSet::new(),
            handshakes: Arc::new(Semaphore::new(settings.handshakes.min(Semaphore::MAX_PERMITS))),
            arrivals,
            next_id: 0,
        }
    }

    /// How many messages wait for their turn, as far as that is known: when as many have arrived as
    /// may, others wait in the buffers of their connections, and count three times as many.
    pub(crate) fn waiting(&self) -> usize {
        let arrived = self.arrivals.len();
        if arrived < FRAMES { arrived } else { 4 * FRAMES }
    }

    /// What has arrived next.
    pub(crate) fn poll_arrival(&mut self, cx: &mut Context<'_>) -> Poll<(Flow, Arrival)> {
        let Poll::Ready(Some((flow, arrival))) = self.arrivals.poll_recv(cx) else {
            return Poll::Pending;
        };
        if let Arrival::Identities(identities) = &arrival {
            self.note_identities(&flow, identities);
        }
        if let Arrival::Frame(frame) = &arrival {
            self.counters.messages_in.one();
            if matches!(frame, Frame::Rejected(_) | Frame::Broken(_)) {
                self.refuse(flow.remote.ip(), flow.transport, Refusal::NotSip);
            }
        }
        Poll::Ready((flow, arrival))
    }

    /// The next connection that is gone, with its frames taken before.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            match self.tasks.poll_join_next(cx) {
                Poll::Ready(Some(Ok(ended))) => {
                    self.forget(&ended);
                    return Poll::Ready(*ended);
                }
                Poll::Ready(Some(Err(_))) => {
                    // The task was cut off without a last word; its queue has no reader.
                    if let Some(ended) = self.lost() {
                        self.forget(&ended);
                        return Poll::Ready(ended);
                    }
                }
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// What is to be told to whoever runs the program.
    pub(crate) fn take_notices(&mut self) -> VecDeque<Notice> {
        self.refusals.take()
    }

    /// When accepting goes on after a pause.
    pub(crate) fn resume_at(&self) -> Option<Instant> {
        self.listeners.iter().filter_map(Accept::resume_at).min()
    }

    /// Stops accepting, for good.
    pub(crate) fn stop_accepting(&mut self) {
        for listener in &mut self.listeners {
            listener.stop();
        }
    }

    /// Queues a message on its connection, or on one to its peer, or on a new one.
    ///
    /// # Errors
    /// Why it cannot be delivered.
    pub(crate) fn send(&mut self, transmit: Transmit) -> Result<(), Fault> {
        let Transmit { flow, octets, ticket, server_name, is_open_flow, connect_within } = transmit;
        let peer = Peer::new(&flow, server_name);
        let id = match self.find(&flow, &peer) {
            Some(id) => id,
            None if flow.connection.is_some() || is_open_flow => return Err(Fault::Closed),
            None => self.connect(flow, peer)?,
        };
        let connection = self.open.get_mut(&id).ok_or(Fault::Closed)?;
        let patient_until = connect_within.map(|time| Instant::now() + time);
        let outgoing = Outgoing { octets, ticket, patient_until };
        let queued = connection.queue.push(outgoing, &self.settings);
        match queued {
            Ok(()) => self.counters.messages_out.one(),
            Err(Fault::Stalled) => connection.queue.kill(Fault::Stalled),
            Err(_) => {}
        }
        queued
    }

    /// Closes a connection once what is queued is written.
    pub(crate) fn close(&mut self, flow: &Flow) {
        let Some(id) = self.find(flow, &Peer::new(flow, None)) else { return };
        let Some(connection) = self.open.get_mut(&id) else { return };
        connection.queue.close();
        let peer = connection.peer();
        let aliases = connection.proved.take();
        self.unlist(&peer, id);
        for peer in aliases.iter().flat_map(|proved| proved.aliases()) {
            self.unlist(peer, id);
        }
    }

    /// How long a keep-alive may go unanswered.
    pub(crate) const fn pong_timeout(&self) -> std::time::Duration {
        self.settings.pong_timeout
    }

    /// Ends a connection at once, for this reason.
    pub(crate) fn give_up(&mut self, flow: &Flow, fault: Fault) {
        if let Some(connection) = flow.connection.and_then(|id| self.open.get(&id)) {
            connection.queue.kill(fault);
        }
    }

    /// Closes everything: what is queued is written if that takes no longer than the settings say.
    pub(crate) async fn shutdown(&mut self) {
        self.stop_accepting();
        // Nothing more is read; each connection learns it here.
        self.arrivals.close();
        for connection in self.open.values() {
            connection.queue.close();
        }
        let tasks = &mut self.tasks;
        let flushed = async { while tasks.join_next().await.is_some() {} };
        let _ = timeout(self.settings.flush_timeout, flushed).await;
        self.tasks.shutdown().await;
        self.proxied.shutdown().await;
        self.open.clear();
        self.counters.connections_open.set(0);
    }

    /// The open connection that a flow means. One that is being closed takes nothing more.
    fn find(&self, flow: &Flow, peer: &Peer) -> Option<ConnectionId> {
        let id = match flow.connection {
            Some(id) => id,
            None => *self.by_peer.get(peer)?,
        };
        self.open.get(&id).filter(|connection| connection.queue.is_open()).map(|_| id)
    }

    fn connect(&mut self, flow: Flow, peer: Peer) -> Result<ConnectionId, Fault> {
        if !is_stream(flow.transport) || !self.listens(&flow) {
            return Err(Fault::NoListener);
        }
        if self.open.len() >= self.settings.connections {
            self.counters.connections_refused.one();
            return Err(Fault::Unreachable);
        }
        self.counters.connections_made.one();
        let name = peer.name.clone();
        let (id, task) = self.register(flow, peer, false);
        self.tasks.spawn(connection::outgoing(task, name));
        Ok(id)
    }

    fn refuse(&mut self, peer: IpAddr, transport: Transport, refusal: Refusal) {
        self.refusals.note(Instant::now(), source(peer), transport, refusal);
    }

    /// Numbers a connection, puts it into the table and makes the other end of its queue.
    fn register(&mut self, flow: Flow, peer: Peer, incoming: bool) -> (ConnectionId, Task) {
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let flow = Flow { connection: Some(id), ..flow };
        let (queue, receiver) = queue(flow);
        let task = Task { common: Arc::clone(&self.common), queue: receiver };
        let name = peer.name.clone();
        self.by_peer.insert(peer, id);
        self.open.insert(id, Box::new(Connection { name, queue, incoming, proved: None }));
        self.counters.connections_open.set(self.open.len());
        (id, task)
    }

    fn listens(&self, flow: &Flow) -> bool {
        self.listeners.iter().any(|listener| {
            listener.transport == flow.transport && covers(listener.local, flow.local)
        })
    }

    /// A connection whose task is gone although it was not ended by it.
    fn lost(&self) -> Option<Ended> {
        let connection = self.open.values().find(|connection| connection.queue.is_ended())?;
        Some(Ended {
            flow: *connection.queue.flow(),
            fault: Fault::Closed,
            refusal: None,
            undelivered: Vec::new(),
        })
    }

    fn forget(&mut self, ended: &Ended) {
        let Some(id) = ended.flow.connection else { return };
        let Some(connection) = self.open.remove(&id) else { return };
        self.unlist(&connection.peer(), id);
        for peer in connection.proved.iter().flat_map(|proved| proved.aliases()) {
            self.unlist(peer, id);
        }
        if let Some(refusal) = ended.refusal {
            self.refuse(ended.flow.remote.ip(), ended.flow.transport, refusal);
        }
        self.counters.connections_open.set(self.open.len());
        if connection.incoming
            && let Entry::Occupied(mut source) =
                self.per_source.entry(source(ended.flow.remote.ip()))
        {
            *source.get_mut() -= 1;
            if *source.get() == 0 {
                source.remove();
            }
        }
    }

    /// Nobody who does not name this connection shall find it.
    fn unlist(&mut self, peer: &Peer, id: ConnectionId) {
        if self.by_peer.get(peer) == Some(&id) {
            self.by_peer.remove(peer);
        }
    }
}

impl Peer {
    fn new(flow: &Flow, name: Option<Arc<str>>) -> Self {
        let Flow { transport, remote, .. } = *flow;
        let has_names = transport.is_secure() || is_web_socket(transport);
        let name = name.filter(|_| has_names).map(|name| name.to_ascii_lowercase().into());
        Self { transport, remote, name }
    }
}

impl Connection {
    fn peer(&self) -> Peer {
        let Flow { transport, remote, .. } = *self.queue.flow();
        Peer { transport, remote, name: self.name.clone() }
    }
}

/// Whom a connection counts against: an IPv4 address, or an IPv6 network of 64 bits, all of whose
/// addresses one host may take (RFC 4291 §2.5.1).
fn source(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_addresses_of_a_host_are_one_source_rfc4291_2_5_1() {
        let source = |text: &str| source(text.parse().unwrap());
        assert_eq!(source("2001:db8:0:1::1"), source("2001:db8:0:1:ffff::2"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
    }
}
