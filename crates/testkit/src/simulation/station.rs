//! A node in its place: with its questions, commands and events served, so that nodes of
//! different kinds live in one simulation.

use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::locate::{Answer, Question};
use antiphon_core::node::{Input, Node, Output, ResolveId};
use antiphon_core::time::Time;
use antiphon_sip::Transport;
use antiphon_sip::parse::stream::Frame;
use bytes::Bytes;

/// An address for a listener.
pub trait IntoAddress {
    /// The address.
    ///
    /// # Panics
    /// When a text is no address with a port.
    fn into_address(self) -> SocketAddr;
}

impl IntoAddress for SocketAddr {
    fn into_address(self) -> SocketAddr {
        self
    }
}

impl IntoAddress for &str {
    fn into_address(self) -> SocketAddr {
        self.parse().unwrap_or_else(|_| panic!("{self:?} is no address with a port"))
    }
}

impl IntoAddress for (IpAddr, u16) {
    fn into_address(self) -> SocketAddr {
        self.into()
    }
}

/// A node that is to be added to a simulation: its name, its addresses, and who serves it.
pub struct Setup<N: Node> {
    pub(super) name: String,
    pub(super) listeners: Vec<(Transport, SocketAddr)>,
    pub(super) station: Station<N>,
}

impl<N: Node> Setup<N> {
    /// A node with the name that ladders give it.
    #[must_use]
    pub fn new(name: impl Into<String>, node: N) -> Self {
        Self { name: name.into(), listeners: Vec::new(), station: Station::new(node) }
    }

    /// Adds an address that it listens at and sends from.
    #[must_use]
    pub fn listen(mut self, transport: Transport, address: impl IntoAddress) -> Self {
        self.listeners.push((transport, address.into_address()));
        self
    }

    /// Adds a UDP address.
    #[must_use]
    pub fn udp(self, address: impl IntoAddress) -> Self {
        self.listen(Transport::Udp, address)
    }

    /// Adds a TCP address.
    #[must_use]
    pub fn tcp(self, address: impl IntoAddress) -> Self {
        self.listen(Transport::Tcp, address)
    }

    /// Adds a TLS address.
    #[must_use]
    pub fn tls(self, address: impl IntoAddress) -> Self {
        self.listen(Transport::Tls, address)
    }

    /// Adds a WebSocket address.
    #[must_use]
    pub fn ws(self, address: impl IntoAddress) -> Self {
        self.listen(Transport::Ws, address)
    }

    /// Adds a secure WebSocket address.
    #[must_use]
    pub fn wss(self, address: impl IntoAddress) -> Self {
        self.listen(Transport::Wss, address)
    }

    /// Answers the node's questions. A question answered `None` waits in
    /// [`Simulation::questions`](super::Simulation::questions) for the test to answer it.
    #[must_use]
    pub fn answering(
        mut self,
        answer: impl FnMut(Time, &N::Question) -> Option<N::Answer> + 'static,
    ) -> Self {
        self.station.answer = Box::new(answer);
        self
    }

    /// How long an answer takes; no time by default.
    #[must_use]
    pub const fn answer_after(mut self, delay: Duration) -> Self {
        self.station.answer_delay = delay;
        self
    }

    /// Reacts to every event of the node, with the node itself and its commands in hand.
    #[must_use]
    pub fn reacting(mut self, react: impl FnMut(&N::Event, &mut Turn<'_, N>) + 'static) -> Self {
        self.station.react = Box::new(react);
        self
    }
}

impl<N: Node> fmt::Debug for Setup<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Setup")
            .field("name", &self.name)
            .field("listeners", &self.listeners)
            .finish_non_exhaustive()
    }
}

/// The moment in which a node has told an event.
pub struct Turn<'a, N: Node> {
    /// Now.
    pub now: Time,
    /// The node. What a call of its methods leads to is drained afterwards.
    pub node: &'a mut N,
    commands: Vec<(Duration, N::Command)>,
}

impl<N: Node> Turn<'_, N> {
    /// Gives the node a command once it is drained.
    pub fn command(&mut self, command: N::Command) {
        self.command_after(Duration::ZERO, command);
    }

    /// Gives the node a command later.
    pub fn command_after(&mut self, delay: Duration, command: N::Command) {
        self.commands.push((delay, command));
    }
}

impl<N: Node> fmt::Debug for Turn<'_, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Turn").field("now", &self.now).finish_non_exhaustive()
    }
}

/// A question that nobody has answered yet.
#[derive(Debug)]
pub struct UnservedQuestion<Q> {
    /// When it was asked.
    pub at: Time,
    /// What was asked.
    pub question: Q,
}

type Answering<N> = dyn FnMut(Time, &<N as Node>::Question) -> Option<<N as Node>::Answer>;
type Reacting<N> = dyn FnMut(&<N as Node>::Event, &mut Turn<'_, N>);

/// An answer or a command, and when the node gets it.
struct Pending<N: Node> {
    at: Time,
    input: Input<N::Answer, N::Command>,
}

/// A node with those who serve it.
pub(super) struct Station<N: Node> {
    pub(super) node: N,
    pub(super) events: Vec<(Time, N::Event)>,
    pub(super) questions: Vec<UnservedQuestion<N::Question>>,
    answer: Box<Answering<N>>,
    answer_delay: Duration,
    react: Box<Reacting<N>>,
    /// Answers and commands on their way to the node.
    pending: VecDeque<Pending<N>>,
}

impl<N: Node> Station<N> {
    fn new(node: N) -> Self {
        Self {
            node,
            events: Vec::new(),
            questions: Vec::new(),
            answer: Box::new(|_, _| None),
            answer_delay: Duration::ZERO,
            react: Box::new(|_, _| ()),
            pending: VecDeque::new(),
        }
    }

    /// Puts another node in the place of this one, before the same servers.
    pub(super) fn replace(&mut self, node: N) {
        self.node = node;
        self.events.clear();
        self.questions.clear();
        self.pending.clear();
    }

    /// Has the node get an answer or a command at a time.
    pub(super) fn defer(&mut self, at: Time, input: Input<N::Answer, N::Command>) {
        let place = self.pending.partition_point(|other| other.at <= at);
        self.pending.insert(place, Pending { at, input });
    }

    fn ask(&mut self, now: Time, question: N::Question) {
        match (self.answer)(now, &question) {
            Some(answer) => self.defer(now + self.answer_delay, Input::Answer(answer)),
            None => self.questions.push(UnservedQuestion { at: now, question }),
        }
    }

    fn tell(&mut self, now: Time, event: N::Event) {
        let mut turn = Turn { now, node: &mut self.node, commands: Vec::new() };
        (self.react)(&event, &mut turn);
        for (delay, command) in turn.commands {
            self.defer(now + delay, Input::Command(command));
        }
        self.events.push((now, event));
    }
}

/// What the network has for a node, whatever the node's kind.
#[derive(Debug)]
pub(super) enum Happening {
    Datagram { flow: Flow, octets: Bytes },
    Frame { flow: Flow, frame: Box<Frame> },
    Undelivered { ticket: Ticket, fault: Fault },
    Closed { flow: Flow },
    Resolved { id: ResolveId, answer: Answer },
}

/// What a node wants of the network, whatever the node's kind.
#[derive(Debug)]
pub(super) enum Effect {
    Transmit(Transmit),
    Resolve { id: ResolveId, question: Question },
    Close(Flow),
    KeepAlive(Flow),
}

/// A station of any kind.
pub(super) trait Actor: Any {
    /// Takes what has happened.
    fn happen(&mut self, now: Time, happening: Happening);
    /// Takes whatever is due now: an answer, a command, or the deadline. `false` if nothing is.
    fn catch_up(&mut self, now: Time) -> bool;
    /// What it wants next; `None` when drained.
    fn next_effect(&mut self, now: Time) -> Option<Effect>;
    /// When it has to be called again.
    fn deadline(&self) -> Option<Time>;
}

impl<N: Node + 'static> Actor for Station<N> {
    fn happen(&mut self, now: Time, happening: Happening) {
        let input = match happening {
            Happening::Datagram { flow, octets } => Input::Datagram { flow, octets },
            Happening::Frame { flow, frame } => Input::Frame { flow, frame: *frame },
            Happening::Undelivered { ticket, fault } => Input::Undelivered { ticket, fault },
            Happening::Closed { flow } => Input::Closed { flow },
            Happening::Resolved { id, answer } => Input::Resolved { id, answer },
        };
        self.node.handle(now, input);
    }

    fn catch_up(&mut self, now: Time) -> bool {
        if self.pending.front().is_some_and(|pending| pending.at <= now)
            && let Some(Pending { input, .. }) = self.pending.pop_front()
        {
            self.node.handle(now, input);
            return true;
        }
        if self.node.deadline().is_some_and(|at| at <= now) {
            self.node.handle(now, Input::Deadline);
            return true;
        }
        false
    }

    fn next_effect(&mut self, now: Time) -> Option<Effect> {
        loop {
            return Some(match self.node.next_output()? {
                Output::Transmit(transmit) => Effect::Transmit(transmit),
                Output::Resolve { id, question } => Effect::Resolve { id, question },
                Output::Close(flow) => Effect::Close(flow),
                Output::KeepAlive(flow) => Effect::KeepAlive(flow),
                // Nobody proves anything here.
                Output::Alias { .. } => continue,
                Output::Question(question) => {
                    self.ask(now, question);
                    continue;
                }
                Output::Event(event) => {
                    self.tell(now, event);
                    continue;
                }
            });
        }
    }

    fn deadline(&self) -> Option<Time> {
        let pending = self.pending.front().map(|pending| pending.at);
        [self.node.deadline(), pending].into_iter().flatten().min()
    }
}
