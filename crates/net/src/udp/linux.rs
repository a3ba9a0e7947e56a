//! Many datagrams with one system call (recvmmsg(2), sendmmsg(2)).
//! Why two libraries: docs/decisions/0002-udp-batches.md.

use std::array;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::sys::socket::{MsgFlags, MultiHeaders, SockaddrStorage, recvmmsg};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg};

use super::socket::Socket;
use super::{BATCH, Datagram};

/// No datagram is larger (RFC 768: the length has 16 bits).
const LARGEST: usize = 65_535;

/// The buffers of one socket. Their pages become real only as far as datagrams reach into them.
pub(super) struct Receiver {
    /// Used for one socket, hence one address family, only: the kernel shortens the room for
    /// addresses to what the last one took.
    headers: MultiHeaders<SockaddrStorage>,
    buffer: Vec<u8>,
}

impl Receiver {
    pub(super) fn new() -> Self {
        Self { headers: MultiHeaders::preallocate(BATCH, None), buffer: vec![0; BATCH * LARGEST] }
    }

    /// Gives each datagram that waits to `each`, one batch at most.
    ///
    /// # Errors
    /// `WouldBlock` when the socket has been emptied, even if `each` was called: whoever arrives
    /// afterwards raises a new event. Otherwise what the system says.
    pub(super) fn receive(
        &mut self,
        socket: &Socket,
        each: &mut dyn FnMut(SocketAddr, &[u8]),
    ) -> io::Result<()> {
        let mut chunks = self.buffer.chunks_exact_mut(LARGEST);
        let mut slices: [[IoSliceMut<'_>; 1]; BATCH] =
            array::from_fn(|_| [IoSliceMut::new(chunks.next().unwrap_or_default())]);
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages =
            recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None)?;
        let mut count = 0;
        for message in messages {
            count += 1;
            if let Some(remote) = message.address.as_ref().and_then(address) {
                each(remote, message.iovs().next().unwrap_or_default());
            }
        }
        if count < BATCH { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }
}

pub(super) fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|address| SocketAddrV4::from(*address).into());
    v4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddrV6::from(*address).into()))
}

/// Sends a batch; says how many of it were sent.
///
/// # Errors
/// What is wrong with the first.
pub(super) fn send<'a>(
    socket: &Socket,
    batch: impl Iterator<Item = &'a Datagram>,
) -> io::Result<usize> {
    let parts: Vec<(SocketAddrAny, [IoSlice<'_>; 1])> =
        batch.map(|datagram| (datagram.remote.into(), [IoSlice::new(&datagram.octets)])).collect();
    let mut controls: [SendAncillaryBuffer<'_, '_, '_>; BATCH] =
        array::from_fn(|_| SendAncillaryBuffer::default());
    let mut headers: Vec<MMsgHdr<'_>> = parts
        .iter()
        .zip(&mut controls)
        .map(|((remote, octets), control)| MMsgHdr::new_with_addr(remote, octets, control))
        .collect();
    Ok(sendmmsg(socket, &mut headers, SendFlags::DONTWAIT | SendFlags::NOSIGNAL)?)
}
