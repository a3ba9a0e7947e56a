//! A node that says back what it hears, driven over real sockets of this machine.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use antiphon_core::endpoint::Endpoint;
use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::locate::{Answer, Question};
use antiphon_core::node::{Input, Node, Output, ResolveId, TurnedAway, Urgency};
use antiphon_core::time::Time;
use antiphon_net::{
    Bound, Counts, Direction, Dns, Driver, Handle, Host, Layers, ListenSpec, Net, Notice, Refusal,
    Replies, Settings, Shutdown,
};
use antiphon_sip::Transport;
use antiphon_sip::parse::stream::Frame;
use bytes::Bytes;
use futures_util::future::join_all;
use tokio::runtime;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// Longer than anything here takes on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What the node has seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Seen {
    Datagram(Flow, Bytes),
    Message(Flow, Bytes),
    Ping(Flow),
    Pong(Flow),
    Broken(Flow),
    Undelivered(Ticket, Fault),
    Closed(Flow),
    Resolved(ResolveId, Answer),
    Answer(u32),
    Authenticated(Flow, Vec<String>),
    Deadline,
}

/// What the node can be told.
#[derive(Debug)]
pub(crate) enum Command {
    Send(Vec<Transmit>),
    Resolve(ResolveId, Question),
    Close(Flow),
    Alias(Flow, SocketAddr),
    KeepAlive(Flow),
    Ask(u32),
    /// From now on nothing is said back.
    OnlyListen,
    WakeAfter(Duration),
}

/// Says back every message, and tells everything.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    outputs: VecDeque<Output<u32, Seen>>,
    deadline: Option<Time>,
    only_listens: bool,
}

impl Echo {
    fn transmit(&mut self, flow: Flow, octets: Bytes) {
        if self.only_listens {
            return;
        }
        self.outputs.push_back(Output::Transmit(Transmit {
            flow,
            octets,
            ticket: None,
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        }));
    }

    fn tell(&mut self, seen: Seen) {
        self.outputs.push_back(Output::Event(seen));
    }

    fn obey(&mut self, now: Time, command: Command) {
        match command {
            Command::Send(all) => self.outputs.extend(all.into_iter().map(Output::Transmit)),
            Command::Resolve(id, question) => {
                self.outputs.push_back(Output::Resolve { id, question });
            }
            Command::Close(flow) => self.outputs.push_back(Output::Close(flow)),
            Command::Alias(flow, address) => {
                self.outputs.push_back(Output::Alias { flow, address });
            }
            Command::KeepAlive(flow) => self.outputs.push_back(Output::KeepAlive(flow)),
            Command::Ask(question) => self.outputs.push_back(Output::Question(question)),
            Command::OnlyListen => self.only_listens = true,
            Command::WakeAfter(duration) => self.deadline = Some(now + duration),
        }
    }

    fn frame(&mut self, flow: Flow, frame: Frame) {
        match frame {
            Frame::Message(message) => {
                self.transmit(flow, message.to_bytes());
                self.tell(Seen::Message(flow, message.to_bytes()));
            }
            Frame::Pong => self.tell(Seen::Pong(flow)),
            Frame::Ping => {
                self.transmit(flow, Bytes::from_static(b"\r\n"));
                self.tell(Seen::Ping(flow));
            }
            Frame::Rejected(_) | Frame::Broken(_) => {
                self.transmit(flow, Bytes::from_static(b"broken"));
                self.outputs.push_back(Output::Close(flow));
                self.tell(Seen::Broken(flow));
            }
        }
    }
}

impl Node for Echo {
    type Question = u32;
    type Answer = u32;
    type Command = Command;
    type Event = Seen;

    fn handle(&mut self, now: Time, input: Input<u32, Command>) {
        assert!(self.outputs.is_empty(), "the drain rule");
        match input {
            Input::Datagram { flow, octets } => {
                self.transmit(flow, octets.clone());
                self.tell(Seen::Datagram(flow, octets));
            }
            Input::Frame { flow, frame } => self.frame(flow, frame),
            Input::Undelivered { ticket, fault } => self.tell(Seen::Undelivered(ticket, fault)),
            Input::Closed { flow } => self.tell(Seen::Closed(flow)),
            Input::Resolved { id, answer } => self.tell(Seen::Resolved(id, answer)),
            Input::Answer(answer) => self.tell(Seen::Answer(answer)),
            Input::Command(command) => self.obey(now, command),
            Input::Deadline => {
                assert!(self.deadline.take().is_some_and(|at| at <= now));
                self.tell(Seen::Deadline);
            }
        }
    }

    fn next_output(&mut self) -> Option<Output<u32, Seen>> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.deadline
    }

    fn call_id<'a>(&self, octets: &'a [u8]) -> Option<&'a [u8]> {
        Endpoint::call_id(octets)
    }

    /// What begins with an exclamation mark goes first.
    fn urgency(&self, octets: &[u8]) -> Urgency {
        if octets.starts_with(b"!") { Urgency::First } else { Urgency::Ordinary }
    }

    fn set_wait(&mut self, _: Time, _: Duration) -> bool {
        true
    }

    /// What asks to be refused is, and what asks to be dropped is dropped.
    fn turn_away(&mut self, _: Time, flow: &Flow, octets: &[u8]) -> Option<TurnedAway> {
        let remote = flow.remote;
        match octets.strip_prefix(b"refuse ") {
            Some(rest) => {
                Some(TurnedAway::Refused { remote, octets: Bytes::copy_from_slice(rest) })
            }
            None => octets.starts_with(b"drop ").then_some(TurnedAway::Dropped),
        }
    }
}

/// Passes events on; answers even questions at once and odd ones from another thread.
pub(crate) struct Listening {
    events: mpsc::UnboundedSender<Seen>,
    notices: mpsc::UnboundedSender<Notice>,
    pub(crate) tapped: Vec<(Direction, Vec<u8>)>,
}

impl Host<Echo> for Listening {
    fn question(&mut self, question: u32, replies: &Replies<Echo>) -> Option<u32> {
        if question.is_multiple_of(2) {
            return Some(question);
        }
        let replies = replies.clone();
        std::thread::spawn(move || replies.post_blocking(question).unwrap());
        None
    }

    fn event(&mut self, event: Seen) {
        // A test that has seen enough does not listen any more.
        let _ = self.events.send(event);
    }

    fn authenticated(&mut self, flow: &Flow, domains: &[Box<str>]) {
        let domains = domains.iter().map(ToString::to_string).collect();
        let _ = self.events.send(Seen::Authenticated(*flow, domains));
    }

    fn notice(&mut self, notice: Notice) {
        let _ = self.notices.send(notice);
    }

    fn tap(&mut self, direction: Direction, _: &Flow, octets: &[u8], _: Time) {
        self.tapped.push((direction, octets.to_vec()));
    }
}

/// A running node, as a test sees it.
pub(crate) struct Running {
    pub(crate) handle: Handle<Echo>,
    pub(crate) shutdown: Shutdown,
    pub(crate) listeners: Vec<Bound>,
    events: mpsc::UnboundedReceiver<Seen>,
    notices: mpsc::UnboundedReceiver<Notice>,
}

impl Running {
    /// The next thing that the node tells.
    pub(crate) async fn seen(&mut self) -> Seen {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("an event")
    }

    /// What is refused next, and whose it was.
    pub(crate) async fn refused(&mut self) -> (IpAddr, Refusal) {
        match timeout(PATIENCE, self.notices.recv()).await.expect("a notice in time") {
            Some(Notice::Refused { source: Some(source), refusal, .. }) => (source, refusal),
            other => panic!("{other:?}"),
        }
    }

    /// Whether nothing more has been told to whoever runs the program.
    pub(crate) fn is_quiet(&mut self) -> bool {
        self.notices.try_recv().is_err()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.handle.counters().read()
    }

    pub(crate) async fn command(&self, command: Command) {
        self.handle.command(command).await.unwrap();
    }

    /// The address of a listener.
    pub(crate) fn at(&self, index: usize) -> SocketAddr {
        self.listeners[index].local
    }

    /// A flow from a listener to a peer.
    pub(crate) fn flow(&self, index: usize, remote: SocketAddr) -> Flow {
        let Bound { transport, local, .. } = self.listeners[index];
        Flow { transport, local, remote, connection: None }
    }
}

/// A node to be.
pub(crate) struct Setup<'a> {
    pub(crate) listen: &'a [(Transport, &'a str)],
    pub(crate) settings: Settings,
    pub(crate) layers: Layers,
}

impl Setup<'_> {
    fn prepare(self) -> (Running, Driver<Echo>, Listening) {
        self.prepare_with(|net| net)
    }

    fn prepare_with(self, change: impl FnOnce(Net) -> Net) -> (Running, Driver<Echo>, Listening) {
        let specs: Vec<_> = self
            .listen
            .iter()
            .map(|(transport, addr)| ListenSpec {
                transport: *transport,
                addr: addr.parse().unwrap(),
            })
            .collect();
        let net = change(Net::bind_with(&specs, self.settings, self.layers).unwrap());
        let listeners = net.listeners().copied().collect();
        let (driver, handle) = net.driver(Echo::default());
        let (sender, events) = mpsc::unbounded_channel();
        let (notice_sender, notices) = mpsc::unbounded_channel();
        let host = Listening { events: sender, notices: notice_sender, tapped: Vec::new() };
        let running = Running { handle, shutdown: Shutdown::new(), listeners, events, notices };
        (running, driver, host)
    }
}

/// Runs a node on these listeners until the body is through, and checks that nothing is left.
pub(crate) fn with(
    listen: &[(Transport, &str)],
    settings: Settings,
    body: impl AsyncFnOnce(&mut Running),
) -> Listening {
    with_layers(Setup { listen, settings, layers: Layers::default() }, body)
}

/// The same with layers.
pub(crate) fn with_layers(setup: Setup<'_>, body: impl AsyncFnOnce(&mut Running)) -> Listening {
    let (mut running, driver, host) = setup.prepare();
    let shutdown = running.shutdown.clone();
    let body = async {
        body(&mut running).await;
        running.end();
    };
    run(async { tokio::join!(driver.run(host, &shutdown), body).0.unwrap().host })
}

/// Runs a node without listeners that asks this DNS. What the resolver leaves behind is its own.
pub(crate) fn with_dns(dns: Dns, settings: Settings, body: impl AsyncFnOnce(&mut Running)) {
    let setup = Setup { listen: &[], settings, layers: Layers::default() };
    let (mut running, driver, host) = setup.prepare_with(|net| net.with_dns(dns));
    let shutdown = running.shutdown.clone();
    let body = async {
        body(&mut running).await;
        running.end();
    };
    let all = async { tokio::join!(driver.run(host, &shutdown), body).0.unwrap() };
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { timeout(PATIENCE, all).await }).expect("an end in time");
}

/// Runs as many nodes that share the work of the same listeners.
pub(crate) fn with_loops(
    loops: usize,
    listen: &[(Transport, &str)],
    body: impl AsyncFnOnce(&mut [Running]),
) {
    let (mut running, drivers): (Vec<_>, Vec<_>) = several(loops, listen).into_iter().unzip();
    let ends: Vec<_> = running.iter().map(|running| running.shutdown.clone()).collect();
    let body = async {
        body(&mut running).await;
        running.iter().for_each(Running::end);
    };
    run(async {
        let drivers = drivers
            .into_iter()
            .zip(&ends)
            .map(|((driver, host), end)| async move { driver.run(host, end).await.unwrap() });
        tokio::join!(join_all(drivers), body)
    });
}

fn several(
    loops: usize,
    listen: &[(Transport, &str)],
) -> Vec<(Running, (Driver<Echo>, Listening))> {
    let spec = |(transport, addr): &(Transport, &str)| ListenSpec {
        transport: *transport,
        addr: addr.parse().unwrap(),
    };
    let specs: Vec<_> = listen.iter().map(spec).collect();
    let net = Net::bind_for(&specs, Settings::default(), Layers::default(), loops).unwrap();
    let listeners: Vec<_> = net.listeners().copied().collect();
    let nodes = (0..loops).map(|_| Echo::default()).collect();
    let drivers = net.drivers(nodes).into_iter().map(|(driver, handle)| {
        let (sender, events) = mpsc::unbounded_channel();
        let (notice_sender, notices) = mpsc::unbounded_channel();
        let host = Listening { events: sender, notices: notice_sender, tapped: Vec::new() };
        let (shutdown, listeners) = (Shutdown::new(), listeners.clone());
        (Running { handle, shutdown, listeners, events, notices }, (driver, host))
    });
    drivers.collect()
}

/// Runs two nodes.
pub(crate) fn with_two(
    one: Setup<'_>,
    other: Setup<'_>,
    body: impl AsyncFnOnce(&mut Running, &mut Running),
) {
    let (mut one, one_driver, one_host) = one.prepare();
    let (mut other, other_driver, other_host) = other.prepare();
    let (one_end, other_end) = (one.shutdown.clone(), other.shutdown.clone());
    let body = async {
        body(&mut one, &mut other).await;
        one.end();
        other.end();
    };
    run(async {
        let one = one_driver.run(one_host, &one_end);
        let other = other_driver.run(other_host, &other_end);
        let (one, other, ()) = tokio::join!(one, other, body);
        one.unwrap();
        other.unwrap();
    });
}

impl Running {
    fn end(&self) {
        if !self.shutdown.has_begun() {
            self.shutdown.finish();
        }
    }
}

fn run<T>(all: impl Future<Output = T>) -> T {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let result = runtime.block_on(async { timeout(PATIENCE, all).await }).expect("an end in time");
    assert_eq!(runtime.metrics().num_alive_tasks(), 0, "every task has ended");
    result
}

/// A small but whole request.
pub(crate) fn options(branch: &str, body: &str) -> String {
    format!(
        "OPTIONS sip:bob@example.org SIP/2.0\r\n\
         Via: SIP/2.0/TCP 192.0.2.1:5060;branch=z9hG4bK{branch}\r\n\
         Max-Forwards: 70\r\n\
         From: <sip:alice@example.org>;tag=1\r\n\
         To: <sip:bob@example.org>\r\n\
         Call-ID: {branch}@192.0.2.1\r\n\
         CSeq: 1 OPTIONS\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    )
}
