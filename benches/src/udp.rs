//! UDP in batches, with the libraries of `crates/net` (docs/decisions/0002-udp-batches.md).

use std::array;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, UdpSocket};
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrIn, recvmmsg};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};
use socket2::{Domain, Socket, Type};

/// Datagrams that one system call takes or gives.
pub(crate) const BATCH: usize = 32;

/// Larger than any message of a bench.
const LARGEST: usize = 4096;

/// What the kernel may keep of either direction, as far as the system grants it.
const KERNEL_BUFFER: usize = 4 * 1024 * 1024;

/// A socket bound to an address.
pub(crate) fn bind(address: SocketAddrV4) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
    socket.set_recv_buffer_size(KERNEL_BUFFER)?;
    socket.set_send_buffer_size(KERNEL_BUFFER)?;
    socket.bind(&SocketAddr::from(address).into())?;
    Ok(socket.into())
}

/// Where a socket is bound.
pub(crate) fn local(socket: &UdpSocket) -> io::Result<SocketAddrV4> {
    match socket.local_addr()? {
        SocketAddr::V4(address) => Ok(address),
        SocketAddr::V6(_) => Err(io::ErrorKind::AddrNotAvailable.into()),
    }
}

/// Sleeps until one of the sockets has something, or for so many nanoseconds.
pub(crate) fn wait(sockets: &[&UdpSocket], nanoseconds: u64) -> io::Result<()> {
    let mut fds: Vec<PollFd<'_>> =
        sockets.iter().map(|socket| PollFd::new(*socket, PollFlags::IN)).collect();
    let time = std::time::Duration::from_nanos(nanoseconds);
    let time = Timespec::try_from(time).map_err(|_| io::ErrorKind::InvalidInput)?;
    match poll(&mut fds, Some(&time)) {
        Ok(_) | Err(rustix::io::Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// What to do when nothing has arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Patience {
    /// Sleep until something comes; take what else is there with it.
    Wait,
    /// Come back with nothing.
    None,
}

/// A batch of datagrams that arrived.
pub(crate) struct Inbox {
    headers: MultiHeaders<SockaddrIn>,
    buffer: Vec<u8>,
    arrived: Vec<(SocketAddrV4, usize)>,
}

impl Inbox {
    pub(crate) fn new() -> Self {
        Self {
            headers: MultiHeaders::preallocate(BATCH, None),
            buffer: vec![0; BATCH * LARGEST],
            arrived: Vec::with_capacity(BATCH),
        }
    }

    /// Takes what has arrived, one batch at most; says how many that are.
    pub(crate) fn fill(&mut self, socket: &UdpSocket, patience: Patience) -> io::Result<usize> {
        self.arrived.clear();
        let flags = match patience {
            Patience::Wait => MsgFlags::MSG_WAITFORONE,
            Patience::None => MsgFlags::MSG_DONTWAIT,
        };
        let mut chunks = self.buffer.chunks_exact_mut(LARGEST);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let fd = socket.as_raw_fd();
        match recvmmsg(fd, &mut self.headers, slices.iter_mut(), flags, None) {
            Ok(messages) => {
                for message in messages {
                    let from = message.address.map(SocketAddrV4::from);
                    let from = from.unwrap_or(SocketAddrV4::new([0, 0, 0, 0].into(), 0));
                    self.arrived.push((from, message.bytes));
                }
            }
            Err(nix::errno::Errno::EAGAIN | nix::errno::Errno::EINTR) => {}
            Err(error) => return Err(error.into()),
        }
        Ok(self.arrived.len())
    }

    /// The batch: from where, and what.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (SocketAddrV4, &[u8])> {
        let chunks = self.buffer.chunks_exact(LARGEST);
        let arrived = self.arrived.iter().zip(chunks);
        arrived.map(|((from, length), chunk)| (*from, chunk.get(..*length).unwrap_or_default()))
    }
}

/// Sends datagrams in batches; waits when the kernel's buffer is full.
pub(crate) fn send<'a>(
    socket: &UdpSocket,
    datagrams: impl Iterator<Item = (SocketAddrV4, &'a [u8])>,
) -> io::Result<()> {
    let parts: Vec<(SocketAddrAny, [IoSlice<'_>; 1])> =
        datagrams.map(|(to, octets)| (SocketAddr::V4(to).into(), [IoSlice::new(octets)])).collect();
    for batch in parts.chunks(BATCH) {
        let mut controls: [SendAncillaryBuffer<'_, '_, '_>; BATCH] =
            array::from_fn(|_| SendAncillaryBuffer::default());
        let mut headers: Vec<MMsgHdr<'_>> = batch
            .iter()
            .zip(&mut controls)
            .map(|((to, octets), control)| MMsgHdr::new_with_addr(to, octets, control))
            .collect();
        let mut sent = 0;
        while let Some(rest) = headers.get_mut(sent..)
            && !rest.is_empty()
        {
            sent += sendmmsg(socket, rest, SendFlags::empty())?;
        }
    }
    Ok(())
}

/// Datagrams to one address that are sent together.
#[derive(Debug)]
pub(crate) struct Outbox {
    to: SocketAddrV4,
    octets: Vec<u8>,
    ends: Vec<usize>,
}

impl Outbox {
    pub(crate) fn new(to: SocketAddrV4) -> Self {
        Self { to, octets: Vec::with_capacity(64 * 1024), ends: Vec::with_capacity(64) }
    }

    /// Has `write` append one datagram.
    pub(crate) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.octets);
        self.ends.push(self.octets.len());
    }

    /// Sends everything that was pushed.
    pub(crate) fn flush(&mut self, socket: &UdpSocket) -> io::Result<()> {
        if self.ends.is_empty() {
            return Ok(());
        }
        let sent = send(socket, self.datagrams().map(|octets| (self.to, octets)));
        self.clear();
        sent
    }

    /// Hands over everything that was pushed, for a bench without sockets.
    pub(crate) fn drain(&mut self, mut each: impl FnMut(&[u8])) {
        self.datagrams().for_each(&mut each);
        self.clear();
    }

    fn datagrams(&self) -> impl Iterator<Item = &[u8]> {
        let starts = std::iter::once(&0).chain(&self.ends);
        starts.zip(&self.ends).map(|(start, end)| self.octets.get(*start..*end).unwrap_or_default())
    }

    fn clear(&mut self) {
        self.octets.clear();
        self.ends.clear();
    }
}
