//! One connection: made, read, written, ended; and what became of what was queued.

use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket};
use antiphon_sip::parse::stream::Frame;
use bytes::Bytes;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::timeout;

use super::activity::Activity;
use super::handshake::{self, Accepted, Failed, Line};
use super::line::{Close, Inbound, Outbound, Stop};
use super::queue::Standing;
use super::{octets, web_socket};
use crate::counters::Counters;
use crate::layers::Layers;
use crate::refusal::Refusal;
use crate::settings::Settings;

/// Octets to be written, and who wants to know if they are not.
pub(super) struct Outgoing {
    pub(super) octets: Bytes,
    pub(super) ticket: Option<Ticket>,
}

/// The last word of a connection.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Which connection.
    pub(crate) flow: Flow,
    /// Why it ended.
    pub(crate) fault: Fault,
    /// What the peer did wrong, if it did.
    pub(crate) refusal: Option<Refusal>,
    /// What was queued and not written.
    pub(crate) undelivered: Vec<Ticket>,
}

/// What comes out of a connection.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it is handed over once; a box would cost more")]
pub(crate) enum Arrival {
    /// The peer has proved to be these SIP domains. Comes before its first frame.
    Identities(Vec<Box<str>>),
    /// It has said something.
    Frame(Frame),
}

/// What a connection's task has.
pub(super) struct Task {
    pub(super) flow: Flow,
    pub(super) settings: Settings,
    pub(super) layers: Arc<Layers>,
    pub(super) arrivals: mpsc::Sender<(Flow, Arrival)>,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    /// How full `outgoing` is.
    pub(super) standing: Arc<Standing>,
    pub(super) killed: oneshot::Receiver<Fault>,
    pub(super) counters: Arc<Counters>,
}

/// How the two halves came to their end.
struct End {
    fault: Fault,
    refusal: Option<Refusal>,
}

/// The life of a connection that a peer opened. The permit is for its handshake.
pub(super) async fn incoming(
    mut task: Task,
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
) -> Ended {
    let layers = Arc::clone(&task.layers);
    let settings = task.settings;
    no_delay(&stream);
    let shaking = handshake::accept(stream, task.flow, &layers, &settings);
    let line = task.within(settings.handshake_timeout, shaking).await;
    drop(permit);
    match line {
        Ok(Accepted { line, identities }) => {
            if !identities.is_empty() {
                // When the loop has ended, serving notices it.
                let _ = task.arrivals.send((task.flow, Arrival::Identities(identities))).await;
            }
            task.serve(line).await
        }
        Err(end) => task.end(end, None),
    }
}

/// The life of a connection that we open, to a peer that has to prove this name if the transport is
/// secure.
pub(super) async fn outgoing(mut task: Task, server_name: Option<Arc<str>>) -> Ended {
    match task.open(server_name.as_deref()).await {
        Ok(line) => task.serve(line).await,
        Err(end) => {
            task.counters.connections_failed.one();
            task.end(end, None)
        }
    }
}

/// Messages are written whole: waiting for more to fill a segment only delays them. A connection on
/// which that cannot be set works nevertheless.
fn no_delay(stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
}

/// Connects from the listener's own address, so that the peer sees who its Via names; a wildcard
/// leaves the choice to the system.
async fn connect(flow: Flow) -> io::Result<TcpStream> {
    let socket = match flow.remote {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    let from: IpAddr = flow.local.ip();
    if !from.is_unspecified() {
        let mut local = flow.local;
        local.set_port(0);
        socket.bind(local)?;
    }
    socket.connect(flow.remote).await
}

fn fault_of(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => Fault::Refused,
        io::ErrorKind::TimedOut => Fault::TimedOut,
        _ => Fault::Unreachable,
    }
}

impl Task {
    async fn open(&mut self, server_name: Option<&str>) -> Result<Line, End> {
        let made = tokio::select! {
            biased;
            fault = &mut self.killed => Err(fault.unwrap_or(Fault::Closed)),
            made = timeout(self.settings.connect_timeout, connect(self.flow)) => made
                .map_err(|_| Fault::TimedOut)
                .and_then(|made| made.map_err(|error| fault_of(&error))),
        };
        let stream = made.map_err(|fault| End { fault, refusal: None })?;
        no_delay(&stream);
        let layers = Arc::clone(&self.layers);
        let settings = self.settings;
        let shaking = handshake::connect(stream, self.flow, server_name, &layers, &settings);
        self.within(settings.handshake_timeout, shaking).await
    }

    /// A handshake, unless it takes too long or the connection is given up.
    async fn within<T>(
        &mut self,
        time: Duration,
        shaking: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, End> {
        tokio::select! {
            biased;
            fault = &mut self.killed => {
                Err(End { fault: fault.unwrap_or(Fault::Closed), refusal: None })
            }
            shaken = timeout(time, shaking) => match shaken {
                Ok(Ok(made)) => Ok(made),
                Ok(Err(Failed { fault, refusal })) => Err(End { fault, refusal: Some(refusal) }),
                Err(_) => Err(End { fault: Fault::TimedOut, refusal: Some(Refusal::NoHandshake) }),
            },
        }
    }

    async fn serve(self, line: Line) -> Ended {
        let settings = self.settings;
        match line {
            Line::Octets(carrier) => {
                let (reader, writer) = octets::halves(carrier, &settings);
                self.exchange(reader, writer).await
            }
            Line::WebSocket(web_socket) => {
                let (reader, writer) = web_socket::halves(*web_socket, &settings);
                self.exchange(reader, writer).await
            }
        }
    }

    /// Reads and writes until one of both ends.
    async fn exchange(mut self, mut inbound: impl Inbound, mut outbound: impl Outbound) -> Ended {
        let activity = Activity::new();
        let mut unfinished = None;
        let writing = Writing {
            settings: &self.settings,
            outgoing: &mut self.outgoing,
            standing: &self.standing,
            unfinished: &mut unfinished,
        };
        let reading = read(&mut inbound, self.flow, &self.settings, &self.arrivals, &activity);
        let end = tokio::select! {
            biased;
            fault = &mut self.killed => Err(Why::Fault(fault.unwrap_or(Fault::Closed))),
            end = writing.run(&mut outbound, &activity) => end.map_err(Why::Fault),
            stop = reading => Err(Why::Stop(stop)),
            () = activity.silence(self.settings.idle_timeout) => Err(Why::Fault(Fault::TimedOut)),
        };
        match end {
            Ok(()) if !self.arrivals.is_closed() => {
                inbound.linger(self.settings.flush_timeout).await;
            }
            Ok(()) => {}
            Err(Why::Stop(stop)) => {
                if let Some(why) = stop.close() {
                    let time = self.settings.flush_timeout;
                    let _ = timeout(time, outbound.close(why)).await;
                    inbound.linger(time).await;
                }
            }
            Err(Why::Fault(Fault::Stalled)) => self.counters.connections_stalled.one(),
            Err(Why::Fault(_)) => {}
        }
        let end = match end {
            Ok(()) => End { fault: Fault::Closed, refusal: None },
            Err(Why::Fault(fault)) => End { fault, refusal: None },
            Err(Why::Stop(stop)) => End { fault: stop.fault(), refusal: stop.refusal() },
        };
        self.end(end, unfinished)
    }

    fn end(mut self, end: End, unfinished: Option<Ticket>) -> Ended {
        let mut undelivered: Vec<Ticket> = unfinished.into_iter().collect();
        self.outgoing.close();
        while let Ok(outgoing) = self.outgoing.try_recv() {
            undelivered.extend(outgoing.ticket);
        }
        Ended { flow: self.flow, fault: end.fault, refusal: end.refusal, undelivered }
    }
}

/// Why a connection ends otherwise than because all is said.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// The reading half says so.
    Stop(Stop),
    /// Anyone else.
    Fault(Fault),
}

/// Reads until the peer closes, or takes too long over one message.
async fn read(
    inbound: &mut impl Inbound,
    flow: Flow,
    settings: &Settings,
    arrivals: &mpsc::Sender<(Flow, Arrival)>,
    activity: &Activity,
) -> Stop {
    loop {
        let frame = match inbound.next(activity).await {
            Ok(frame) => frame,
            Err(stop) => return stop,
        };
        let is_last = matches!(frame, Frame::Broken(_));
        if arrivals.send((flow, Arrival::Frame(frame))).await.is_err() {
            // The loop has ended and only wants what is queued to be written.
            return pending().await;
        }
        if is_last {
            return after_the_last(settings).await;
        }
    }
}

/// Nothing that follows lost framing can be read. The answer is still to be written and the
/// connection to be closed by whoever owns it, who has as long for it as a message would have.
async fn after_the_last(settings: &Settings) -> Stop {
    tokio::time::sleep(settings.message_timeout).await;
    Stop::Closed
}

/// The writing half.
struct Writing<'a> {
    settings: &'a Settings,
    outgoing: &'a mut mpsc::Receiver<Outgoing>,
    standing: &'a Standing,
    /// The ticket of what is being written.
    unfinished: &'a mut Option<Ticket>,
}

impl Writing<'_> {
    /// Writes what is queued until the queue has no more senders: then the connection was to be
    /// closed, and the peer is told that nothing more comes.
    async fn run(self, outbound: &mut impl Outbound, activity: &Activity) -> Result<(), Fault> {
        while let Some(Outgoing { octets, ticket }) = self.outgoing.recv().await {
            *self.unfinished = ticket;
            let length = octets.len();
            let write = self.standing.watch(outbound.write(octets));
            match timeout(self.settings.stall_timeout, write).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Fault::Closed),
                Err(_) => return Err(Fault::Stalled),
            }
            *self.unfinished = None;
            self.standing.written(length);
            activity.touch();
        }
        let _ = timeout(self.settings.stall_timeout, outbound.close(Close::Done)).await;
        Ok(())
    }
}
