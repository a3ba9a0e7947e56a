//! A node that says back what it hears, driven over real sockets of this machine.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::node::{Input, Node, Output, ResolveId};
use antiphon_core::time::Time;
use antiphon_net::{Bound, Direction, Handle, Host, ListenSpec, Net, Replies, Settings, Shutdown};
use antiphon_sip::Transport;
use antiphon_sip::parse::stream::Frame;
use bytes::Bytes;
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
    Broken(Flow),
    Undelivered(Ticket, Fault),
    Closed(Flow),
    Resolved(ResolveId, Vec<IpAddr>),
    Answer(u32),
    Deadline,
}

/// What the node can be told.
#[derive(Debug)]
pub(crate) enum Command {
    Send(Vec<Transmit>),
    Resolve(ResolveId, String),
    Close(Flow),
    Ask(u32),
    WakeAfter(Duration),
}

/// Says back every message, and tells everything.
#[derive(Debug, Default)]
pub(crate) struct Echo {
    outputs: VecDeque<Output<u32, Seen>>,
    deadline: Option<Time>,
}

impl Echo {
    fn transmit(&mut self, flow: Flow, octets: Bytes) {
        self.outputs.push_back(Output::Transmit(Transmit {
            flow,
            octets,
            ticket: None,
            server_name: None,
        }));
    }

    fn tell(&mut self, seen: Seen) {
        self.outputs.push_back(Output::Event(seen));
    }

    fn obey(&mut self, now: Time, command: Command) {
        match command {
            Command::Send(all) => self.outputs.extend(all.into_iter().map(Output::Transmit)),
            Command::Resolve(id, host) => self.outputs.push_back(Output::Resolve { id, host }),
            Command::Close(flow) => self.outputs.push_back(Output::Close(flow)),
            Command::Ask(question) => self.outputs.push_back(Output::Question(question)),
            Command::WakeAfter(duration) => self.deadline = Some(now + duration),
        }
    }

    fn frame(&mut self, flow: Flow, frame: Frame) {
        match frame {
            Frame::Message(message) => {
                self.transmit(flow, message.to_bytes());
                self.tell(Seen::Message(flow, message.to_bytes()));
            }
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
            Input::Resolved { id, addresses } => self.tell(Seen::Resolved(id, addresses)),
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
}

/// Passes events on; answers even questions at once and odd ones from another thread.
pub(crate) struct Listening {
    events: mpsc::UnboundedSender<Seen>,
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
}

impl Running {
    /// The next thing that the node tells.
    pub(crate) async fn seen(&mut self) -> Seen {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("an event")
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

/// Runs a node on these listeners until the body is through, and checks that nothing is left.
pub(crate) fn with(
    listen: &[(Transport, &str)],
    settings: Settings,
    body: impl AsyncFnOnce(&mut Running),
) -> Listening {
    let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let specs: Vec<_> = listen
        .iter()
        .map(|(transport, addr)| ListenSpec { transport: *transport, addr: addr.parse().unwrap() })
        .collect();
    let net = Net::bind(&specs, settings).unwrap();
    let listeners = net.listeners().copied().collect();
    let (driver, handle) = net.driver(Echo::default());
    let (sender, events) = mpsc::unbounded_channel();
    let host = Listening { events: sender, tapped: Vec::new() };
    let shutdown = Shutdown::new();
    let mut running = Running { handle, shutdown: shutdown.clone(), listeners, events };
    let body = async {
        body(&mut running).await;
        if !running.shutdown.has_begun() {
            running.shutdown.finish();
        }
    };
    let both = async { tokio::join!(driver.run(host, &shutdown), body).0.unwrap() };
    let stopped =
        runtime.block_on(async { timeout(PATIENCE, both).await }).expect("an end in time");
    assert_eq!(runtime.metrics().num_alive_tasks(), 0, "every task has ended");
    stopped.host
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
