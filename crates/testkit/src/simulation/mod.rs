//! Nodes, a network between them, and a clock that jumps from one thing that happens to the next.

mod conditions;
mod delivery;
mod network;
mod observe;
mod queue;
mod run;
mod station;
mod streams;

pub use conditions::Conditions;
pub use station::{IntoAddress, Setup, Turn, UnservedQuestion};

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_core::flow::{ConnectionId, Flow};
use antiphon_core::node::{Input, Node};
use antiphon_core::time::Time;
use antiphon_sip::Transport;
use antiphon_trace::{Capture, Names};
use bytes::Bytes;

use self::queue::Queue;
use self::station::{Actor, Happening, Station};
use self::streams::{Parcel, Streams};
use crate::raw::{RawCommand, RawPeer, Send};
use crate::zones::Zones;

/// 1 January 2026, so that what is subtracted from a moment does not reach the epoch.
const START: Time = Time::from_secs(1_767_225_600);

/// Octets of traffic that are remembered.
const REMEMBERED: usize = 64 * 1024 * 1024;

/// A node of a simulation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId(usize);

/// A node of a simulation whose kind is known: what [`Simulation::add`] gives back.
pub struct Handle<N> {
    id: NodeId,
    kind: PhantomData<fn() -> N>,
}

/// A simulated network with its nodes. See the [crate documentation](crate).
pub struct Simulation {
    seed: u64,
    now: Time,
    random: fastrand::Rng,
    queue: Queue<What>,
    sites: Vec<Site>,
    usual: Conditions,
    links: BTreeMap<(NodeId, NodeId), Conditions>,
    cuts: BTreeSet<(NodeId, NodeId)>,
    last_arrivals: BTreeMap<(NodeId, NodeId), Time>,
    streams: Streams,
    connect_timeout: Duration,
    tells_refused_datagrams: bool,
    zones: Zones,
    resolve_time: Duration,
    capture: Capture,
    names: Names,
    /// How many things have happened at this very moment.
    at_once: u32,
}

/// A node and where it is.
struct Site {
    name: String,
    listeners: Vec<(Transport, SocketAddr)>,
    /// Away while the node is being drained.
    actor: Option<Box<dyn Actor>>,
    /// For when a [`What::Wake`] is in the queue.
    armed: Option<Time>,
    running: bool,
    /// How many nodes were here before this one.
    life: u32,
}

/// What is going to happen.
enum What {
    Start(NodeId),
    Wake(NodeId),
    Datagram { to: NodeId, flow: Flow, octets: Bytes },
    Happening { to: NodeId, life: u32, happening: Happening },
    Connected(ConnectionId),
    Arrival { to: ConnectionId, parcel: Parcel },
    Call(Box<dyn FnOnce(&mut Simulation)>),
}

impl Simulation {
    /// An empty network. Everything that happens in it follows from the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            now: START,
            random: fastrand::Rng::with_seed(seed),
            queue: Queue::new(),
            sites: Vec::new(),
            usual: Conditions::default(),
            links: BTreeMap::new(),
            cuts: BTreeSet::new(),
            last_arrivals: BTreeMap::new(),
            streams: Streams::default(),
            connect_timeout: Duration::from_secs(10),
            tells_refused_datagrams: false,
            zones: Zones::default(),
            resolve_time: Duration::ZERO,
            capture: Capture::new(REMEMBERED),
            names: Names::new(),
            at_once: 0,
        }
    }

    /// The seed.
    #[must_use]
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// A number that follows from the seed: for the seed of a node, say.
    pub fn draw(&mut self) -> u64 {
        self.random.u64(..)
    }

    /// Octets that follow from the seed.
    pub fn draw_octets<const N: usize>(&mut self) -> [u8; N] {
        let mut octets = [0; N];
        self.random.fill(&mut octets);
        octets
    }

    /// Adds a node. What it wants from the beginning (a first deadline, a transmission) is done
    /// with the next step.
    ///
    /// # Panics
    /// When another node has one of its addresses already.
    pub fn add<N: Node + 'static>(&mut self, setup: Setup<N>) -> Handle<N> {
        let id = NodeId(self.sites.len());
        for (transport, address) in &setup.listeners {
            assert!(
                self.listener(*transport, *address).is_none(),
                "{} already has {transport} {address}",
                self.listener(*transport, *address).map_or("", |node| &self.sites[node.0].name),
            );
            self.names.add(*address, &setup.name);
        }
        self.sites.push(Site {
            name: setup.name,
            listeners: setup.listeners,
            actor: Some(Box::new(setup.station)),
            armed: None,
            running: true,
            life: 0,
        });
        self.start(id);
        Handle { id, kind: PhantomData }
    }

    /// Adds a [`RawPeer`] that never answers by itself.
    pub fn add_silent(&mut self, name: &str, address: impl IntoAddress) -> Handle<RawPeer> {
        self.add(Setup::new(name, RawPeer::silent()).udp(address))
    }

    /// The node.
    #[must_use]
    pub fn node<N: Node + 'static>(&self, handle: Handle<N>) -> &N {
        &self.station(handle).node
    }

    /// Calls methods of the node; what they lead to is drained afterwards.
    pub fn with<N: Node + 'static, R>(
        &mut self,
        handle: Handle<N>,
        call: impl FnOnce(&mut N, Time) -> R,
    ) -> R {
        let now = self.now;
        let result = call(&mut self.station_mut(handle).node, now);
        self.drain(handle.id);
        result
    }

    /// Gives the node a command at once.
    pub fn command<N: Node + 'static>(&mut self, handle: Handle<N>, command: N::Command) {
        self.give(handle, Duration::ZERO, Input::Command(command));
    }

    /// Gives the node a command later.
    pub fn command_after<N: Node + 'static>(
        &mut self,
        delay: Duration,
        handle: Handle<N>,
        command: N::Command,
    ) {
        self.give(handle, delay, Input::Command(command));
    }

    /// Gives the node the answer to a question that nobody served.
    pub fn answer<N: Node + 'static>(&mut self, handle: Handle<N>, answer: N::Answer) {
        self.give(handle, Duration::ZERO, Input::Answer(answer));
    }

    /// The questions of the node that nobody served, oldest first.
    #[must_use]
    pub fn questions<N: Node + 'static>(
        &self,
        handle: Handle<N>,
    ) -> &[UnservedQuestion<N::Question>] {
        &self.station(handle).questions
    }

    /// Takes the questions of the node that nobody served, oldest first.
    pub fn take_questions<N: Node + 'static>(
        &mut self,
        handle: Handle<N>,
    ) -> Vec<UnservedQuestion<N::Question>> {
        std::mem::take(&mut self.station_mut(handle).questions)
    }

    /// The events of the node, oldest first.
    #[must_use]
    pub fn events<N: Node + 'static>(&self, handle: Handle<N>) -> &[(Time, N::Event)] {
        &self.station(handle).events
    }

    /// Takes the events of the node, oldest first.
    pub fn take_events<N: Node + 'static>(&mut self, handle: Handle<N>) -> Vec<(Time, N::Event)> {
        std::mem::take(&mut self.station_mut(handle).events)
    }

    /// Has a scripted peer send octets at once.
    pub fn send(&mut self, peer: Handle<RawPeer>, flow: Flow, octets: impl Into<Bytes>) {
        self.command(peer, RawCommand::Send(Send::new(flow, octets)));
    }

    /// Has a scripted peer send something that was prepared.
    pub fn send_this(&mut self, peer: Handle<RawPeer>, send: Send) {
        self.command(peer, RawCommand::Send(send));
    }

    /// Has a scripted peer close a connection.
    pub fn close(&mut self, peer: Handle<RawPeer>, flow: Flow) {
        self.command(peer, RawCommand::Close(flow));
    }

    /// Has something happen to the simulation later: a cut, a command, a new node.
    pub fn after(&mut self, delay: Duration, call: impl FnOnce(&mut Self) + 'static) {
        self.queue.push(self.now + delay, What::Call(Box::new(call)));
    }

    /// Stops a node as a killed process stops: it takes nothing more, its connections are closed
    /// by its machine, its addresses refuse.
    pub fn stop(&mut self, node: impl Into<NodeId>) {
        let node = node.into();
        for id in self.streams.of_node(node) {
            self.abandon(id);
        }
        let site = &mut self.sites[node.0];
        site.running = false;
        site.life += 1;
        site.armed = None;
    }

    /// Starts a node of the same kind in the place of one, which is stopped if it still runs. Its
    /// servers stay; its events and questions are forgotten.
    pub fn restart<N: Node + 'static>(&mut self, handle: Handle<N>, node: N) {
        self.stop(handle);
        let station = self.station_mut(handle);
        station.replace(node);
        self.sites[handle.id.0].running = true;
        self.start(handle.id);
    }

    fn give<N: Node + 'static>(
        &mut self,
        handle: Handle<N>,
        delay: Duration,
        input: Input<N::Answer, N::Command>,
    ) {
        let at = self.now + delay;
        self.station_mut(handle).defer(at, input);
        self.drain(handle.id);
    }

    fn station<N: Node + 'static>(&self, handle: Handle<N>) -> &Station<N> {
        let actor = self.sites[handle.id.0].actor.as_deref().expect("no node is being drained");
        let actor: &dyn Any = actor;
        actor.downcast_ref().expect("the handle came with this node")
    }

    fn station_mut<N: Node + 'static>(&mut self, handle: Handle<N>) -> &mut Station<N> {
        let site = &mut self.sites[handle.id.0];
        let actor: &mut dyn Any = site.actor.as_deref_mut().expect("no node is being drained");
        actor.downcast_mut().expect("the handle came with this node")
    }
}

impl<N> Handle<N> {
    /// The node, whatever its kind.
    #[must_use]
    pub const fn id(self) -> NodeId {
        self.id
    }
}

impl<N> Clone for Handle<N> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<N> Copy for Handle<N> {}

impl<N> fmt::Debug for Handle<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Handle").field(&self.id.0).finish()
    }
}

impl<N> From<Handle<N>> for NodeId {
    fn from(handle: Handle<N>) -> Self {
        handle.id
    }
}
