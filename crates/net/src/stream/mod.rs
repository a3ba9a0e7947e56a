//! Stream connections: the table of those that are open, and who may open one.
//!
//! Each connection is a task that reads, cuts messages out and writes what is queued; the table
//! belongs to the loop. Frames come through one bounded channel: when the loop is behind, the
//! connections stop reading, and the peers' windows close.

mod activity;
mod connection;
mod listener;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use antiphon_core::flow::{ConnectionId, Fault, Flow, Transmit};
use antiphon_sip::Transport;
use antiphon_sip::parse::stream::Frame;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

use crate::counters::Counters;
use crate::settings::Settings;
pub(crate) use connection::Ended;
use connection::{Outgoing, Task};
pub(crate) use listener::Accept;

/// Frames that wait for the loop. A few turns' worth: more would only hide that it is behind.
const FRAMES: usize = 256;

/// All stream connections.
pub(crate) struct Streams {
    settings: Settings,
    counters: Arc<Counters>,
    listeners: Vec<Accept>,
    open: HashMap<ConnectionId, Connection>,
    /// The youngest connection to each peer, for those who do not care which.
    by_remote: HashMap<(Transport, SocketAddr), ConnectionId>,
    /// How many connections each source has opened.
    per_source: HashMap<IpAddr, usize>,
    tasks: JoinSet<Ended>,
    frames: mpsc::Receiver<(Flow, Frame)>,
    sender: mpsc::Sender<(Flow, Frame)>,
    next_id: u64,
}

/// What the table keeps of a connection.
struct Connection {
    flow: Flow,
    /// Dropped, it lets the task write what is queued and then close.
    queue: Option<mpsc::Sender<Outgoing>>,
    queued: Arc<AtomicUsize>,
    /// Ends the task at once, for this reason.
    kill: Option<oneshot::Sender<Fault>>,
    incoming: bool,
}

impl Streams {
    pub(crate) fn new(settings: Settings, counters: Arc<Counters>, listeners: Vec<Accept>) -> Self {
        let (sender, frames) = mpsc::channel(FRAMES);
        Self {
            settings,
            counters,
            listeners,
            open: HashMap::new(),
            by_remote: HashMap::new(),
            per_source: HashMap::new(),
            tasks: JoinSet::new(),
            frames,
            sender,
            next_id: 0,
        }
    }

    /// The next frame that has arrived.
    pub(crate) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<(Flow, Frame)> {
        match self.frames.poll_recv(cx) {
            Poll::Ready(Some(frame)) => {
                self.counters.messages_in.one();
                Poll::Ready(frame)
            }
            Poll::Ready(None) | Poll::Pending => Poll::Pending,
        }
    }

    /// The next connection that is gone, with its frames taken before.
    pub(crate) fn poll_ended(&mut self, cx: &mut Context<'_>) -> Poll<Ended> {
        loop {
            match self.tasks.poll_join_next(cx) {
                Poll::Ready(Some(Ok(ended))) => {
                    self.forget(&ended);
                    return Poll::Ready(ended);
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

    /// Accepts connections that wait, at most a few; says whether there may be more.
    pub(crate) fn poll_accept(&mut self, cx: &mut Context<'_>) -> bool {
        /// Connections accepted in one turn, so that a flood of them does not hold up the rest.
        const TURN: usize = 16;
        let mut any = false;
        for index in 0..self.listeners.len() {
            for _ in 0..TURN {
                let Some(listener) = self.listeners.get_mut(index) else { break };
                let local = listener.local;
                let transport = listener.transport;
                let Poll::Ready((stream, remote)) = listener.poll(cx, &self.counters) else {
                    break;
                };
                any = true;
                if self.has_room_for(remote.ip()) {
                    self.admit(transport, local, remote, stream);
                } else {
                    self.counters.connections_refused.one();
                }
            }
        }
        any
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
        let Transmit { flow, octets, ticket, .. } = transmit;
        let id = match self.find(&flow) {
            Some(id) => id,
            None if flow.connection.is_some() => return Err(Fault::Closed),
            None => self.connect(flow)?,
        };
        let connection = self.open.get_mut(&id).ok_or(Fault::Closed)?;
        let outgoing = Outgoing { octets, ticket };
        let queued = connection.enqueue(outgoing, self.settings.write_queue_octets);
        match queued {
            Ok(()) => self.counters.messages_out.one(),
            Err(Fault::Stalled) => connection.kill(Fault::Stalled),
            Err(_) => {}
        }
        queued
    }

    /// Closes a connection once what is queued is written.
    pub(crate) fn close(&mut self, flow: &Flow) {
        let Some(id) = self.find(flow) else { return };
        self.unlist(flow.transport, flow.remote, id);
        if let Some(connection) = self.open.get_mut(&id) {
            connection.queue = None;
        }
    }

    /// Closes everything: what is queued is written if that takes no longer than the settings say.
    pub(crate) async fn shutdown(&mut self) {
        self.stop_accepting();
        // Nothing more is read; each connection learns it here.
        self.frames.close();
        for connection in self.open.values_mut() {
            connection.queue = None;
        }
        let tasks = &mut self.tasks;
        let flushed = async { while tasks.join_next().await.is_some() {} };
        let _ = timeout(self.settings.flush_timeout, flushed).await;
        self.tasks.shutdown().await;
        self.open.clear();
        self.counters.connections_open.set(0);
    }

    /// The open connection that a flow means. One that is being closed takes nothing more.
    fn find(&self, flow: &Flow) -> Option<ConnectionId> {
        let id = match flow.connection {
            Some(id) => id,
            None => *self.by_remote.get(&(flow.transport, flow.remote))?,
        };
        self.open.get(&id).filter(|connection| connection.queue.is_some()).map(|_| id)
    }

    fn connect(&mut self, flow: Flow) -> Result<ConnectionId, Fault> {
        if flow.transport != Transport::Tcp || !self.listens(&flow) {
            return Err(Fault::NoListener);
        }
        if self.open.len() >= self.settings.connections {
            self.counters.connections_refused.one();
            return Err(Fault::Unreachable);
        }
        self.counters.connections_made.one();
        let (id, task) = self.register(flow, false);
        self.tasks.spawn(connection::outgoing(task));
        Ok(id)
    }

    fn admit(
        &mut self,
        transport: Transport,
        local: SocketAddr,
        remote: SocketAddr,
        stream: tokio::net::TcpStream,
    ) {
        self.counters.connections_accepted.one();
        *self.per_source.entry(source(remote.ip())).or_default() += 1;
        let flow = Flow { transport, local, remote, connection: None };
        let (_, task) = self.register(flow, true);
        self.tasks.spawn(connection::incoming(task, stream));
    }

    /// Numbers a connection, puts it into the table and makes the other end of its queue.
    fn register(&mut self, flow: Flow, incoming: bool) -> (ConnectionId, Task) {
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let flow = Flow { connection: Some(id), ..flow };
        let (queue, outgoing) = mpsc::channel(self.settings.write_queue_messages.max(1));
        let (kill, killed) = oneshot::channel();
        let queued = Arc::new(AtomicUsize::new(0));
        let task = Task {
            flow,
            settings: self.settings,
            frames: self.sender.clone(),
            outgoing,
            queued: Arc::clone(&queued),
            killed,
            counters: Arc::clone(&self.counters),
        };
        let connection =
            Connection { flow, queue: Some(queue), queued, kill: Some(kill), incoming };
        self.open.insert(id, connection);
        self.by_remote.insert((flow.transport, flow.remote), id);
        self.counters.connections_open.set(self.open.len());
        (id, task)
    }

    fn has_room_for(&self, peer: IpAddr) -> bool {
        self.open.len() < self.settings.connections
            && self.per_source.get(&source(peer)).copied().unwrap_or(0)
                < self.settings.connections_per_source
    }

    fn listens(&self, flow: &Flow) -> bool {
        self.listeners
            .iter()
            .any(|listener| listener.transport == flow.transport && listener.local == flow.local)
    }

    /// A connection whose task is gone although it was not ended by it.
    fn lost(&self) -> Option<Ended> {
        let is_lost = |connection: &&Connection| {
            connection.kill.as_ref().is_none_or(oneshot::Sender::is_closed)
        };
        let connection = self.open.values().find(is_lost)?;
        Some(Ended { flow: connection.flow, fault: Fault::Closed, undelivered: Vec::new() })
    }

    fn forget(&mut self, ended: &Ended) {
        let Some(id) = ended.flow.connection else { return };
        let Some(connection) = self.open.remove(&id) else { return };
        self.unlist(ended.flow.transport, ended.flow.remote, id);
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
    fn unlist(&mut self, transport: Transport, remote: SocketAddr, id: ConnectionId) {
        if let Entry::Occupied(listed) = self.by_remote.entry((transport, remote))
            && *listed.get() == id
        {
            listed.remove();
        }
    }
}

impl Connection {
    /// Puts a message into the queue.
    fn enqueue(&mut self, outgoing: Outgoing, limit: usize) -> Result<(), Fault> {
        let Some(queue) = &self.queue else { return Err(Fault::Closed) };
        let length = outgoing.octets.len();
        let queued = self.queued.load(Ordering::Relaxed);
        // A message larger than the queue still goes out when nothing else waits.
        if queued > 0 && queued.saturating_add(length) > limit {
            return Err(Fault::Stalled);
        }
        // Counted before the task can count it out again.
        self.queued.fetch_add(length, Ordering::Relaxed);
        queue.try_send(outgoing).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Fault::Stalled,
            mpsc::error::TrySendError::Closed(_) => Fault::Closed,
        })
    }

    fn kill(&mut self, fault: Fault) {
        self.queue = None;
        if let Some(kill) = self.kill.take() {
            // The task may have ended by itself meanwhile.
            let _ = kill.send(fault);
        }
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
