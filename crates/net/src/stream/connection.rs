//! One connection: made, read, written, ended; and what became of what was queued.

use std::future::pending;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket};
use antiphon_sip::parse::stream::{Frame, Framer};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, split};
use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};

use super::activity::Activity;
use crate::counters::Counters;
use crate::settings::Settings;

/// Octets read at once. A SIP message usually fits; a larger one takes a few reads.
const READ: usize = 4096;

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
    /// What was queued and not written.
    pub(crate) undelivered: Vec<Ticket>,
}

/// What a connection's task has.
pub(super) struct Task {
    pub(super) flow: Flow,
    pub(super) settings: Settings,
    pub(super) frames: mpsc::Sender<(Flow, Frame)>,
    pub(super) outgoing: mpsc::Receiver<Outgoing>,
    /// Octets in `outgoing`.
    pub(super) queued: Arc<AtomicUsize>,
    pub(super) killed: oneshot::Receiver<Fault>,
    pub(super) counters: Arc<Counters>,
}

/// The life of a connection that a peer opened.
pub(super) async fn incoming(task: Task, stream: TcpStream) -> Ended {
    task.serve(stream).await
}

/// The life of a connection that we open.
pub(super) async fn outgoing(mut task: Task) -> Ended {
    let connect = timeout(task.settings.connect_timeout, connect(task.flow));
    let made = tokio::select! {
        biased;
        fault = &mut task.killed => Err(fault.unwrap_or(Fault::Closed)),
        made = connect => made
            .map_err(|_| Fault::TimedOut)
            .and_then(|made| made.map_err(|error| fault_of(&error))),
    };
    match made {
        Ok(stream) => task.serve(stream).await,
        Err(fault) => {
            task.counters.connections_failed.one();
            task.end(fault, None)
        }
    }
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
    async fn serve(mut self, stream: TcpStream) -> Ended {
        // Messages are written whole: waiting for more to fill a segment only delays them. A
        // connection on which that cannot be set works nevertheless.
        let _ = stream.set_nodelay(true);
        let (mut reader, mut writer) = split(stream);
        let activity = Activity::new();
        let mut unfinished = None;
        let writing = Writing {
            settings: &self.settings,
            outgoing: &mut self.outgoing,
            queued: &self.queued,
            unfinished: &mut unfinished,
        };
        let reading = read(&mut reader, self.flow, &self.settings, &self.frames, &activity);
        let end = tokio::select! {
            biased;
            fault = &mut self.killed => Err(fault.unwrap_or(Fault::Closed)),
            end = writing.run(&mut writer, &activity) => end,
            fault = reading => Err(fault),
            () = activity.silence(self.settings.idle_timeout) => Err(Fault::TimedOut),
        };
        if end.is_ok() && !self.frames.is_closed() {
            linger(&mut reader, self.settings.flush_timeout).await;
        }
        if end == Err(Fault::Stalled) {
            self.counters.connections_stalled.one();
        }
        self.end(end.err().unwrap_or(Fault::Closed), unfinished)
    }

    fn end(mut self, fault: Fault, unfinished: Option<Ticket>) -> Ended {
        let mut undelivered: Vec<Ticket> = unfinished.into_iter().collect();
        self.outgoing.close();
        while let Ok(outgoing) = self.outgoing.try_recv() {
            undelivered.extend(outgoing.ticket);
        }
        Ended { flow: self.flow, fault, undelivered }
    }
}

/// Reads until the peer closes, or takes too long over one message.
async fn read(
    mut reader: impl AsyncRead + Unpin,
    flow: Flow,
    settings: &Settings,
    frames: &mpsc::Sender<(Flow, Frame)>,
    activity: &Activity,
) -> Fault {
    let mut framer = Framer::new(settings.limits);
    let mut buffer = vec![0; READ];
    let mut begun: Option<Instant> = None;
    loop {
        let octets = reader.read(&mut buffer);
        let length = match begun.and_then(|at| at.checked_add(settings.message_timeout)) {
            Some(end) => match timeout_at(end, octets).await {
                Ok(length) => length,
                Err(_) => return Fault::TimedOut,
            },
            None => octets.await,
        };
        let Some(octets) = length.ok().and_then(|length| buffer.get(..length)) else {
            return Fault::Closed;
        };
        if octets.is_empty() {
            return Fault::Closed;
        }
        activity.touch();
        framer.push(octets);
        while let Some(frame) = framer.next_frame() {
            begun = None;
            let is_last = matches!(frame, Frame::Broken(_));
            if frames.send((flow, frame)).await.is_err() {
                // The loop has ended and only wants what is queued to be written.
                return pending().await;
            }
            if is_last {
                return after_the_last(settings).await;
            }
        }
        begun = framer.is_within_message().then(|| begun.unwrap_or_else(Instant::now));
    }
}

/// Nothing that follows lost framing can be read. The answer is still to be written and the
/// connection to be closed by whoever owns it, who has as long for it as a message would have.
async fn after_the_last(settings: &Settings) -> Fault {
    tokio::time::sleep(settings.message_timeout).await;
    Fault::Closed
}

/// Reads on until the peer closes as well. Closing a socket that holds unread octets resets the
/// connection, and the peer would lose what was written last.
async fn linger(reader: &mut (impl AsyncRead + Unpin), time: Duration) {
    let mut discarded = [0; 512];
    let drained = async { while matches!(reader.read(&mut discarded).await, Ok(1..)) {} };
    let _ = timeout(time, drained).await;
}

/// The writing half.
struct Writing<'a> {
    settings: &'a Settings,
    outgoing: &'a mut mpsc::Receiver<Outgoing>,
    queued: &'a AtomicUsize,
    /// The ticket of what is being written.
    unfinished: &'a mut Option<Ticket>,
}

impl Writing<'_> {
    /// Writes what is queued until the queue has no more senders: then the connection was to be
    /// closed, and the peer is told that nothing more comes.
    async fn run(
        self,
        writer: &mut (impl AsyncWrite + Unpin),
        activity: &Activity,
    ) -> Result<(), Fault> {
        while let Some(Outgoing { octets, ticket }) = self.outgoing.recv().await {
            *self.unfinished = ticket;
            match timeout(self.settings.stall_timeout, writer.write_all(&octets)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return Err(Fault::Closed),
                Err(_) => return Err(Fault::Stalled),
            }
            *self.unfinished = None;
            self.queued.fetch_sub(octets.len(), Ordering::Relaxed);
            activity.touch();
        }
        // The peer may have closed already, which is what was wanted.
        let _ = timeout(self.settings.stall_timeout, writer.shutdown()).await;
        Ok(())
    }
}
