//! The loop that owns one node: take what has happened, handle it, drain, send, sleep.

mod backlog;
mod bells;
mod connections;
mod crew;
mod datagrams;
mod keep_alive;
mod letters;
mod pulse;
mod turn;

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use antiphon_core::node::Node;
use antiphon_sip::Transport;
use tokio::sync::mpsc;
use tokio::time::sleep;

use crate::bind::{Net, Opened};
use crate::clock::Clock;
use crate::counters::Counters;
use crate::host::{ANSWERS, COMMANDS, Handle, Host, Replies};
use crate::resolver::{Dns, Resolver};
use crate::shutdown::{Ending, Shutdown};
use crate::stream::{Accept, Streams};
use crate::udp::Port;
use backlog::Backlog;
use bells::Bells;
use crew::Place;
use turn::Loop;

/// A node with its listeners, ready to run.
pub struct Driver<N: Node> {
    net: Net,
    node: N,
    /// Kept, so that the channels below have a sender as long as the loop runs.
    handle: Handle<N>,
    commands: mpsc::Receiver<N::Command>,
    answers: mpsc::Receiver<N::Answer>,
    clock: Clock,
    /// Among others that share the work, if there are any.
    place: Option<Place>,
}

/// What is left when the loop has ended.
#[derive(Debug)]
pub struct Stopped<N, H> {
    /// The node as it was at the end.
    pub node: N,
    /// Its host.
    pub host: H,
}

impl Net {
    /// Puts a node to these listeners. Nothing happens before [`Driver::run`].
    #[must_use]
    pub fn driver<N: Node>(self, node: N) -> (Driver<N>, Handle<N>) {
        Driver::new(self, node)
    }

    /// Puts nodes to these listeners, as many as [`bind_for`](Self::bind_for) was told, that share
    /// the work: each call belongs to one of them. Every driver is run on a thread of its own, with
    /// a runtime of its own.
    #[must_use]
    pub fn drivers<N: Node>(self, nodes: Vec<N>) -> Vec<(Driver<N>, Handle<N>)> {
        Driver::several(self.parts(nodes.len()), nodes)
    }
}

impl<N: Node> Driver<N> {
    fn new(net: Net, node: N) -> (Self, Handle<N>) {
        let (command_sender, commands) = mpsc::channel(COMMANDS);
        let (answer_sender, answers) = mpsc::channel(ANSWERS);
        let counters = Arc::new(Counters::default());
        let handle = Handle::new(command_sender, Replies::new(answer_sender), counters);
        let clock = Clock::start();
        let place = None;
        let driver = Self { net, node, handle: handle.clone(), commands, answers, clock, place };
        (driver, handle)
    }

    /// One driver for each of the nodes, which share the work: see [`Net::drivers`].
    fn several(nets: Vec<Net>, nodes: Vec<N>) -> Vec<(Self, Handle<N>)> {
        if nodes.len() < 2 {
            return nets.into_iter().zip(nodes).map(|(net, node)| Self::new(net, node)).collect();
        }
        let own_calls: Vec<_> = nodes.iter().map(N::own_calls).collect();
        let places = Place::of(&own_calls);
        let placed = |((net, node), place)| {
            let (driver, handle) = Self::new(net, node);
            (Self { place: Some(place), ..driver }, handle)
        };
        nets.into_iter().zip(nodes).zip(places).map(placed).collect()
    }

    /// The clock whose time the node is told.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Drives the node until `shutdown` is over. Everything that was started ends with it: sockets
    /// are closed, connections flushed for a moment and then cut, tasks ended. Dropping the future
    /// ends all the same, without the flush.
    ///
    /// The future is not `Send`; run it on a current-thread runtime, with time and I/O enabled.
    ///
    /// # Errors
    /// The runtime cannot take the sockets.
    pub async fn run<H: Host<N>>(self, host: H, shutdown: &Shutdown) -> io::Result<Stopped<N, H>> {
        let Self { net, node, handle, commands, answers, clock, place } = self;
        let settings = net.settings;
        let counters = handle.counters();
        let layers = Arc::new(net.layers);
        let dns = net.dns.unwrap_or_else(Dns::system);
        let mut ports = Vec::new();
        let mut listeners = Vec::new();
        for Opened { bound, socket, .. } in net.sockets {
            if bound.transport == Transport::Udp {
                ports.push(Port::new(socket, bound.local, &settings, Arc::clone(counters))?);
            } else {
                listeners.push(Accept::new(bound.transport, bound.local, socket, bound.accepts)?);
            }
        }
        let replies = handle.replies().clone();
        let deadline = node.latest_deadline();
        let mut turns = Loop {
            node,
            host,
            clock,
            replies,
            commands,
            answers,
            ports,
            streams: Streams::new(settings, layers, Arc::clone(counters), listeners),
            counters: Arc::clone(counters),
            resolver: Resolver::new(dns, settings, Arc::clone(counters)),
            inbox: VecDeque::new(),
            received: Vec::new(),
            refusals: Vec::new(),
            is_watched: false,
            waiting_frames: 0,
            backlog: Backlog::default(),
            pulses: pulse::Pulses::default(),
            bells: Bells::new(),
            deadline,
            resume: None,
            sleep: Box::pin(sleep(Duration::ZERO)),
            asleep_until: None,
            ending: Ending::new(shutdown),
            place,
        };
        poll_fn(|cx| if turns.poll(cx) { Poll::Ready(()) } else { Poll::Pending }).await;
        Ok(turns.finish().await)
    }
}

impl<N: Node> std::fmt::Debug for Driver<N> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Driver").field("net", &self.net).finish_non_exhaustive()
    }
}
