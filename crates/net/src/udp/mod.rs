//! One UDP listener: batches in, batches out, and reports of what did not arrive.

#[cfg(target_os = "linux")]
mod icmp;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(any(test, not(target_os = "linux")))]
mod plain;
mod sent;
#[cfg(target_os = "linux")]
mod socket;
pub(crate) mod stun;

#[cfg(target_os = "linux")]
use linux as batch;
#[cfg(not(target_os = "linux"))]
use plain as batch;

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use antiphon_core::endpoint::{SourceAddresses as _, covers};
use antiphon_core::flow::{Fault, Flow, Ticket};
use antiphon_sip::Transport;
use bytes::Bytes;
use tokio::io::Interest;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::counters::Counters;
use crate::settings::Settings;
use crate::sources::SystemSources;
use sent::Sent;
#[cfg(target_os = "linux")]
use socket::Socket;
#[cfg(not(target_os = "linux"))]
use tokio::net::UdpSocket as Socket;

/// Datagrams that one system call takes or gives. Beyond about thirty the price of the call is
/// spread so thin that more gains nothing, while the others wait longer for their turn.
pub(crate) const BATCH: usize = 32;

/// How long to wait when the kernel's send buffer is full. It empties at the speed of the line,
/// so a millisecond, the grain of the timer, is enough; and the readiness that the runtime keeps
/// is no help, because after an ICMP error it says "writable" for ever.
const RETRY: Duration = Duration::from_millis(1);

/// Errors about earlier datagrams that may come out when the next is sent. One at a time is pending;
/// a second may arrive between two calls.
const PENDING_ERRORS: u32 = 2;

/// Reports of undeliverable datagrams that may wait; the kernel keeps more, and what is lost only
/// means that a transaction waits for its timer.
const REPORTS: usize = 256;

/// Refusals that leave together: twice as many gain a tenth.
const ENOUGH: usize = 64;

/// Turns of a busy loop, each of about a millisecond, that refusals wait for others to join them.
const HELD: u32 = 8;

/// A datagram to be sent.
#[derive(Debug, Clone)]
pub(crate) struct Datagram {
    pub(crate) remote: SocketAddr,
    /// The address of ours that it leaves from, where the socket leaves that open.
    pub(crate) source: Option<IpAddr>,
    pub(crate) octets: Bytes,
    pub(crate) ticket: Option<Ticket>,
}

impl Datagram {
    /// Octets for the peer of a flow.
    pub(crate) fn over(flow: &Flow, octets: Bytes, ticket: Option<Ticket>) -> Self {
        let source = Some(flow.local.ip()).filter(|source| !source.is_unspecified());
        Self { remote: flow.remote, source, octets, ticket }
    }
}

/// A datagram that has arrived.
struct Arrived<'a> {
    remote: SocketAddr,
    /// The address of ours that it came to, where the socket leaves that open and the system tells.
    to: Option<IpAddr>,
    octets: &'a [u8],
}

/// The network says that a datagram did not arrive.
#[derive(Debug)]
pub(crate) struct Report {
    pub(crate) remote: SocketAddr,
    pub(crate) fault: Fault,
    /// The beginning of the datagram, as far as the report quotes it.
    pub(crate) quoted: Vec<u8>,
}

/// A UDP listener.
pub(crate) struct Port {
    local: SocketAddr,
    /// Of one for every address of a family.
    sources: Option<SystemSources>,
    socket: Arc<Socket>,
    receiver: batch::Receiver,
    alike: batch::Alike,
    outbox: VecDeque<Datagram>,
    refusals: Vec<Datagram>,
    /// For how many turns they have waited.
    held: u32,
    retry: Option<Instant>,
    sent: Sent,
    reports: mpsc::Receiver<Report>,
    /// Watches for reports; ends with the port.
    watch: JoinSet<()>,
    limit: usize,
    counters: Arc<Counters>,
}

impl Port {
    pub(crate) fn new(
        socket: socket2::Socket,
        local: SocketAddr,
        settings: &Settings,
        counters: Arc<Counters>,
    ) -> io::Result<Self> {
        let socket = Arc::new(Socket::from_std(socket.into())?);
        let (sender, reports) = mpsc::channel(REPORTS);
        let mut watch = JoinSet::new();
        watch_errors(&mut watch, &socket, local, sender)?;
        let receiver = batch::Receiver::new(&socket, local)?;
        Ok(Self {
            local,
            sources: local.ip().is_unspecified().then(SystemSources::default),
            socket,
            receiver,
            alike: batch::Alike::default(),
            outbox: VecDeque::new(),
            refusals: Vec::new(),
            held: 0,
            retry: None,
            sent: Sent::default(),
            reports,
            watch,
            limit: settings.datagram_queue,
            counters,
        })
    }

    /// Whether flows at this address of ours are this port's.
    pub(crate) fn has(&self, local: SocketAddr) -> bool {
        covers(self.local, local)
    }

    /// Gives each datagram that has arrived to `each`, at most one batch. Pending when there are no
    /// more, even if some were given: the task is woken for the next.
    pub(crate) fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut dyn FnMut(Flow, &[u8]),
    ) -> Poll<()> {
        let Self { local, socket, receiver, counters, .. } = self;
        let (mut count, mut is_emptied) = (0, false);
        // An error is a pending ICMP error that came out here instead of in the error queue, where
        // it stands as well; the next call finds what has arrived.
        if ready!(socket.poll_recv_ready(cx)).is_ok() {
            let received = socket.try_io(Interest::READABLE, || {
                receiver.receive(socket, &mut |Arrived { remote, to, octets }| {
                    let local = to.map_or(*local, |to| SocketAddr::new(to, local.port()));
                    let flow = Flow { transport: Transport::Udp, local, remote, connection: None };
                    count += 1;
                    each(flow, octets);
                })
            });
            is_emptied = received.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        }
        counters.datagrams_in.add(count);
        // When it is empty, readiness has been cleared, and asking again registers for the next.
        if is_emptied { socket.poll_recv_ready(cx).map(drop) } else { Poll::Ready(()) }
    }

    /// Puts a datagram into the queue. It leaves with [`flush`](Self::flush).
    pub(crate) fn queue(&mut self, datagram: Datagram) {
        let datagram = self.with_source(datagram);
        self.push(datagram);
    }

    /// What leaves from where it would anyhow can go in a batch.
    fn with_source(&self, mut datagram: Datagram) -> Datagram {
        let sources = self.sources.as_ref();
        datagram.source = sources.zip(datagram.source).and_then(|(sources, source)| {
            (sources.towards(datagram.remote.ip()) != Some(source)).then_some(source)
        });
        datagram
    }

    fn push(&mut self, datagram: Datagram) {
        if self.outbox.len() >= self.limit {
            self.counters.datagrams_dropped.one();
            return;
        }
        self.outbox.push_back(datagram);
    }

    /// Puts refusals into a queue of their own, in which they keep no order. They leave with
    /// [`flush_refusals`](Self::flush_refusals).
    pub(crate) fn refuse(&mut self, refusals: &mut Vec<Datagram>) {
        for refusal in refusals.drain(..) {
            let refusal = self.with_source(refusal);
            self.refusals.push(refusal);
        }
    }

    /// Sends refusals when there are enough of them, when they have waited for long enough, or when
    /// the loop has nothing else to do. Those of one size to one address leave together, the others
    /// are queued.
    pub(crate) fn flush_refusals(&mut self, is_busy: bool) {
        if self.refusals.is_empty() {
            return;
        }
        self.held += 1;
        if is_busy && self.refusals.len() < ENOUGH && self.held < HELD {
            return;
        }
        self.held = 0;
        let mut refusals = std::mem::take(&mut self.refusals);
        // Those of one size to one address leave together.
        let kind = |datagram: &Datagram| (datagram.remote, datagram.octets.len());
        refusals.sort_unstable_by_key(kind);
        let runs = refusals.chunk_by(|one, next| kind(one) == kind(next));
        for run in runs.flat_map(|run| run.chunks(batch::TOGETHER)) {
            if self.retry.is_none() && self.alike.send(&self.socket, run) {
                self.counters.datagrams_out.add(run.len());
                continue;
            }
            for datagram in run {
                self.push(datagram.clone());
            }
        }
        refusals.clear();
        self.refusals = refusals;
    }

    /// Whether a whole batch waits.
    pub(crate) fn has_batch(&self) -> bool {
        self.outbox.len() >= BATCH && self.retry.is_none()
    }

    /// When [`flush`](Self::flush) is wanted although nothing new was queued.
    pub(crate) const fn retry_at(&self) -> Option<Instant> {
        self.retry
    }

    /// Sends what is queued, until the kernel takes no more. What can never be sent is told to
    /// `undelivered`.
    pub(crate) fn flush(&mut self, undelivered: &mut dyn FnMut(Ticket, Fault)) {
        if self.outbox.is_empty() || self.retry.is_some_and(|at| at > Instant::now()) {
            return;
        }
        self.retry = None;
        let mut refusals = 0;
        while let Some(front) = self.outbox.front() {
            match batch::send(&self.socket, self.outbox.iter().take(BATCH)) {
                Ok(count) => {
                    refusals = 0;
                    self.counters.datagrams_out.add(count);
                    for datagram in self.outbox.drain(..count.clamp(1, self.outbox.len())) {
                        self.sent.remember(datagram);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if must_wait(&error) => {
                    self.retry = Some(Instant::now() + RETRY);
                    return;
                }
                // The system tells a pending ICMP error about an earlier datagram to whoever comes
                // next. What comes again and again is about this one.
                Err(_) if refusals < PENDING_ERRORS => refusals += 1,
                Err(error) => {
                    refusals = 0;
                    self.counters.datagrams_failed.one();
                    if let Some(ticket) = front.ticket {
                        undelivered(ticket, fault_of(&error));
                    }
                    self.outbox.pop_front();
                }
            }
        }
    }

    /// Takes the reports that have come, and tells the tickets of the datagrams they are about
    /// (RFC 3261 §18.4); says whether there may be more.
    pub(crate) fn poll_reports(
        &mut self,
        cx: &mut Context<'_>,
        undelivered: &mut dyn FnMut(Ticket, Fault),
    ) -> bool {
        for _ in 0..BATCH {
            let Poll::Ready(Some(report)) = self.reports.poll_recv(cx) else { return false };
            self.counters.icmp_errors.one();
            self.sent.take_matching(&report, undelivered);
        }
        true
    }

    /// Ends what watches for reports.
    pub(crate) async fn shutdown(&mut self) {
        self.watch.shutdown().await;
    }
}

#[cfg(target_os = "linux")]
fn watch_errors(
    tasks: &mut JoinSet<()>,
    socket: &Arc<Socket>,
    local: SocketAddr,
    reports: mpsc::Sender<Report>,
) -> io::Result<()> {
    icmp::enable(socket, local)?;
    tasks.spawn(icmp::watch(Arc::clone(socket), reports));
    Ok(())
}

/// Elsewhere an unconnected UDP socket is not told.
#[cfg(not(target_os = "linux"))]
fn watch_errors(
    _: &mut JoinSet<()>,
    _: &Arc<Socket>,
    _: SocketAddr,
    _: mpsc::Sender<Report>,
) -> io::Result<()> {
    Ok(())
}

/// Whether the kernel's buffer is full for now: `EWOULDBLOCK`, and `ENOBUFS` of the interface.
fn must_wait(error: &io::Error) -> bool {
    const ENOBUFS_LINUX: i32 = 105;
    error.kind() == io::ErrorKind::WouldBlock
        || (cfg!(target_os = "linux") && error.raw_os_error() == Some(ENOBUFS_LINUX))
}

/// What an error of sending one datagram means.
fn fault_of(error: &io::Error) -> Fault {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Fault::Refused,
        _ if is_too_large(error) => Fault::TooLarge,
        _ => Fault::Unreachable,
    }
}

/// `EMSGSIZE`, which the standard library gives no name.
fn is_too_large(error: &io::Error) -> bool {
    let code = if cfg!(target_os = "linux") {
        90
    } else if cfg!(windows) {
        10_040
    } else {
        40
    };
    error.raw_os_error() == Some(code)
}
