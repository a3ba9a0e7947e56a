//! One connection: made, read, written, ended; and what became of what was queued.
//!
//! Thousands of them are idle at a time, so what an idle one does not need is not in its future:
//! handshakes, and whatever else takes a moment, are boxed for that moment.

use std::future::{Future, pending};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket};
use antiphon_sip::Transport;
use antiphon_sip::parse::stream::Frame;
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, sleep_until, timeout};

use super::carrier::Carrier;
use super::handshake::{self, Accepted, Failed, Line};
use super::line::{Close, Inbound, Outbound, Stop};
use super::queue::{Outgoing, Receiver};
use super::{octets, web_socket};
use crate::counters::Counters;
use crate::layers::Layers;
use crate::refusal::Refusal;
use crate::settings::Settings;

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
    /// What these tickets are of does not wait for the connection any longer, which is still being
    /// made.
    NotYet(Vec<Ticket>),
}

/// What all connections share.
pub(super) struct Common {
    pub(super) settings: Settings,
    pub(super) layers: Arc<Layers>,
    pub(super) arrivals: mpsc::Sender<(Flow, Arrival)>,
    pub(super) counters: Arc<Counters>,
}

/// What a connection's task has.
pub(super) struct Task {
    pub(super) common: Arc<Common>,
    pub(super) queue: Receiver,
}

/// How the two halves came to their end.
struct End {
    fault: Fault,
    refusal: Option<Refusal>,
}

/// A connection's life, or the rest of it.
pub(super) type Life = Pin<Box<dyn Future<Output = Box<Ended>> + Send>>;

/// The life of a connection that a peer opened. The permit is for its handshake.
pub(super) fn incoming(
    task: Task,
    stream: TcpStream,
    permit: Option<OwnedSemaphorePermit>,
) -> Life {
    if task.flow().transport == Transport::Tcp {
        no_delay(&stream);
        return task.live(Ok(Line::Octets(Carrier::Bare(stream))), false);
    }
    Box::pin(async move {
        let line = Box::pin(task.accept(stream)).await;
        drop(permit);
        task.live(line, false).await
    })
}

/// The life of a connection that we open, to a peer that has to prove this name if the transport is
/// secure.
pub(super) fn outgoing(task: Task, server_name: Option<Arc<str>>) -> Life {
    Box::pin(async move {
        let line = Box::pin(task.open(server_name.as_deref())).await;
        if line.is_err() {
            task.common.counters.connections_failed.one();
        }
        task.live(line, true).await
    })
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
    fn flow(&self) -> &Flow {
        self.queue.flow()
    }

    /// Answers the handshakes of whoever has connected.
    async fn accept(&self, stream: TcpStream) -> Result<Line, End> {
        no_delay(&stream);
        let Common { settings, layers, arrivals, .. } = &*self.common;
        let shaking = handshake::accept(stream, *self.flow(), layers, settings);
        let Accepted { line, identities } =
            self.within(settings.handshake_timeout, shaking).await?;
        if !identities.is_empty() {
            // When the loop has ended, serving notices it.
            let _ = arrivals.send((*self.flow(), Arrival::Identities(identities))).await;
        }
        Ok(line)
    }

    async fn open(&self, server_name: Option<&str>) -> Result<Line, End> {
        let Common { settings, layers, .. } = &*self.common;
        let made = tokio::select! {
            biased;
            fault = self.queue.killed() => Err(fault),
            made = timeout(settings.connect_timeout, connect(*self.flow())) => made
                .map_err(|_| Fault::TimedOut)
                .and_then(|made| made.map_err(|error| fault_of(&error))),
            () = self.give_back_impatient() => Err(Fault::Closed),
        };
        let stream = made.map_err(|fault| End { fault, refusal: None })?;
        no_delay(&stream);
        let shaking = handshake::connect(stream, *self.flow(), server_name, layers, settings);
        self.within(settings.handshake_timeout, shaking).await
    }

    /// Gives back what does not wait for the connection any longer, as long as it is being made
    /// (RFC 8305 §5). Ends only when nobody listens.
    async fn give_back_impatient(&self) {
        let arrivals = &self.common.arrivals;
        loop {
            sleep_until(self.queue.impatient().await).await;
            let Ok(room) = arrivals.reserve().await else { return };
            let tickets = self.queue.take_impatient(Instant::now());
            room.send((*self.flow(), Arrival::NotYet(tickets)));
        }
    }

    /// A handshake, unless it takes too long or the connection is given up.
    async fn within<T>(
        &self,
        time: Duration,
        shaking: impl Future<Output = Result<T, Failed>>,
    ) -> Result<T, End> {
        tokio::select! {
            biased;
            fault = self.queue.killed() => Err(End { fault, refusal: None }),
            shaken = timeout(time, shaking) => match shaken {
                Ok(Ok(made)) => Ok(made),
                Ok(Err(Failed { fault, refusal })) => Err(End { fault, refusal: Some(refusal) }),
                Err(_) => Err(End { fault: Fault::TimedOut, refusal: Some(Refusal::NoHandshake) }),
            },
        }
    }

    /// What follows the handshakes, which we began or the peer did.
    fn live(self, line: Result<Line, End>, is_client: bool) -> Life {
        let settings = &self.common.settings;
        match line {
            Ok(Line::Octets(carrier)) => {
                let (reader, writer) = octets::halves(carrier, settings, is_client);
                Box::pin(self.exchange(reader, writer))
            }
            Ok(Line::WebSocket(web_socket)) => {
                let (reader, writer) = web_socket::halves(*web_socket, settings);
                Box::pin(self.exchange(reader, writer))
            }
            Err(end) => Box::pin(std::future::ready(self.end(end, None))),
        }
    }

    /// Reads and writes until one of both ends.
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function has room for its arguments twice, for each connection"
    )]
    fn exchange(
        self,
        mut inbound: impl Inbound,
        mut outbound: impl Outbound,
    ) -> impl Future<Output = Box<Ended>> + Send {
        async move {
            let activity = self.queue.activity();
            activity.touch();
            let mut unfinished = None;
            let end = tokio::select! {
                biased;
                fault = self.queue.killed() => Err(Why::Fault(fault)),
                end = self.write(&mut outbound, &mut unfinished) => {
                    end.map_err(Why::Fault)
                }
                stop = self.read(&mut inbound) => Err(Why::Stop(stop)),
                () = activity.silence(self.common.settings.idle_timeout) => {
                    Err(Why::Fault(Fault::TimedOut))
                }
            };
            Box::pin(self.part(end, &mut inbound, &mut outbound)).await;
            let end = match end {
                Ok(()) => End { fault: Fault::Closed, refusal: None },
                Err(Why::Fault(fault)) => End { fault, refusal: None },
                Err(Why::Stop(stop)) => End { fault: stop.fault(), refusal: stop.refusal() },
            };
            self.end(end, unfinished)
        }
    }

    /// What the peer is told at the end, and how long it may take to hear it.
    async fn part(
        &self,
        end: Result<(), Why>,
        inbound: &mut impl Inbound,
        outbound: &mut impl Outbound,
    ) {
        let Common { settings, arrivals, counters, .. } = &*self.common;
        match end {
            Ok(()) if !arrivals.is_closed() => inbound.linger(settings.flush_timeout).await,
            Ok(()) => {}
            Err(Why::Stop(stop)) => {
                if let Some(why) = stop.close() {
                    let time = settings.flush_timeout;
                    let _ = timeout(time, outbound.close(why)).await;
                    inbound.linger(time).await;
                }
            }
            Err(Why::Fault(Fault::Stalled)) => counters.connections_stalled.one(),
            Err(Why::Fault(_)) => {}
        }
    }

    fn end(self, end: End, unfinished: Option<Ticket>) -> Box<Ended> {
        let flow = *self.flow();
        let waiting = self.queue.end();
        let tickets = waiting.filter_map(|outgoing| outgoing.ticket);
        let undelivered = unfinished.into_iter().chain(tickets).collect();
        Box::new(Ended { flow, fault: end.fault, refusal: end.refusal, undelivered })
    }

    /// Reads until the peer closes, or takes too long over one message.
    #[expect(clippy::manual_async_fn, reason = "as above")]
    fn read(&self, inbound: &mut impl Inbound) -> impl Future<Output = Stop> + Send {
        async move {
            loop {
                let frame = match inbound.next(self.queue.activity()).await {
                    Ok(frame) => frame,
                    Err(stop) => return stop,
                };
                let is_last = matches!(frame, Frame::Broken(_));
                if let Some(handing_over) = self.hand_over(frame)
                    && handing_over.await.is_err()
                {
                    // The loop has ended and only wants what is queued to be written.
                    return pending().await;
                }
                if is_last {
                    return Box::pin(after_the_last(&self.common.settings)).await;
                }
            }
        }
    }

    /// Hands a frame to the loop, or gives what waits until the loop has room for it.
    fn hand_over(&self, frame: Frame) -> Option<HandingOver<'_>> {
        let arrivals = &self.common.arrivals;
        match arrivals.try_send((*self.flow(), Arrival::Frame(frame))) {
            Ok(()) => None,
            Err(TrySendError::Full(arrival) | TrySendError::Closed(arrival)) => {
                Some(Box::pin(async move { arrivals.send(arrival).await.map_err(drop) }))
            }
        }
    }

    /// Writes what is queued until the queue is closed: then the peer is told that nothing more
    /// comes. The ticket of what is being written stands in `unfinished`.
    #[expect(clippy::manual_async_fn, reason = "as above")]
    fn write(
        &self,
        outbound: &mut impl Outbound,
        unfinished: &mut Option<Ticket>,
    ) -> impl Future<Output = Result<(), Fault>> + Send {
        async move {
            while self.queue.filled().await {
                Box::pin(self.write_out(outbound, unfinished)).await?;
            }
            let time = self.common.settings.stall_timeout;
            let _ = Box::pin(timeout(time, outbound.close(Close::Done))).await;
            Ok(())
        }
    }

    /// Writes until nothing waits.
    async fn write_out(
        &self,
        outbound: &mut impl Outbound,
        unfinished: &mut Option<Ticket>,
    ) -> Result<(), Fault> {
        while let Some(outgoing) = self.queue.take() {
            self.put(outgoing, outbound, unfinished).await?;
            self.queue.activity().touch();
        }
        Ok(())
    }

    async fn put(
        &self,
        outgoing: Outgoing,
        outbound: &mut impl Outbound,
        unfinished: &mut Option<Ticket>,
    ) -> Result<(), Fault> {
        let Outgoing { octets, ticket, .. } = outgoing;
        *unfinished = ticket;
        let length = octets.len();
        let write = self.queue.watch(outbound.write(octets));
        match timeout(self.common.settings.stall_timeout, write).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(Fault::Closed),
            Err(_) => return Err(Fault::Stalled),
        }
        *unfinished = None;
        self.queue.written(length);
        Ok(())
    }
}

/// A frame that waits for room.
type HandingOver<'a> = Pin<Box<dyn Future<Output = Result<(), ()>> + Send + 'a>>;

/// Why a connection ends otherwise than because all is said.
#[derive(Debug, Clone, Copy)]
enum Why {
    /// The reading half says so.
    Stop(Stop),
    /// Anyone else.
    Fault(Fault),
}

/// Nothing that follows lost framing can be read. The answer is still to be written and the
/// connection to be closed by whoever owns it, who has as long for it as a message would have.
async fn after_the_last(settings: &Settings) -> Stop {
    tokio::time::sleep(settings.message_timeout).await;
    Stop::Closed
}
