//! Many datagrams with one system call (recvmmsg(2), sendmmsg(2)).
//! Why two libraries: docs/decisions/0002-udp-batches.md.

use std::array;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{IpAddr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;

use nix::cmsg_space;
use nix::errno::Errno;
use nix::libc::{in_pktinfo, in6_pktinfo};
use nix::sys::socket::{
    ControlMessage, ControlMessageOwned, MsgFlags, MultiHeaders, RecvMsg, SockaddrStorage,
    recvmmsg, sendmsg, setsockopt, sockopt,
};
use rustix::net::{MMsgHdr, SendAncillaryBuffer, SendFlags, SocketAddrAny, sendmmsg, sendto};

use super::socket::Socket;
use super::{Arrived, BATCH, Datagram};

/// No datagram is larger (RFC 768: the length has 16 bits).
const LARGEST: usize = 65_535;

/// From one buffer to the next. With a power of two the beginnings of all of them, which is as far
/// as most datagrams reach, would share a few places of the processor's cache.
const STRIDE: usize = LARGEST + 1 + 17 * 64;

/// Datagrams that leave together at most: what every kernel takes (`UDP_MAX_SEGMENTS`).
pub(super) const TOGETHER: usize = 64;

/// No larger ones leave together: each has to fit any link whole (RFC 8200 §5, less the headers).
const LARGEST_TOGETHER: usize = 1232;

/// Datagrams asked for while no more than that come at once. Each that is asked for and does not
/// come costs two lines of the processor's cache, which the next one to come finds cold.
const FEW: usize = 4;

/// So many times in a row fewer have come when no more than [`FEW`] are asked for again.
const SCARCE: u32 = 16;

/// The buffers of one socket. Their pages become real only as far as datagrams reach into them.
pub(super) struct Receiver {
    /// Used for one socket, hence one address family, only: the kernel shortens the room for
    /// addresses to what the last one took.
    headers: MultiHeaders<SockaddrStorage>,
    buffer: Vec<u8>,
    /// How many times in a row fewer than [`FEW`] have come.
    scarce: u32,
}

impl Receiver {
    /// For a socket that is bound to an address. When that is every address of a family, the system
    /// is asked to tell with each datagram which of them it came to (ip(7), ipv6(7)).
    ///
    /// # Errors
    /// When the system does not tell.
    pub(super) fn new(socket: &Socket, local: SocketAddr) -> io::Result<Self> {
        // Room for exactly that, since the kernel shortens it to what the last one took.
        let room = match local {
            _ if !local.ip().is_unspecified() => None,
            SocketAddr::V4(_) => {
                setsockopt(socket, sockopt::Ipv4PacketInfo, &true)?;
                Some(cmsg_space!(in_pktinfo))
            }
            SocketAddr::V6(_) => {
                setsockopt(socket, sockopt::Ipv6RecvPacketInfo, &true)?;
                Some(cmsg_space!(in6_pktinfo))
            }
        };
        let headers = MultiHeaders::preallocate(BATCH, room);
        Ok(Self { headers, buffer: vec![0; BATCH * STRIDE], scarce: SCARCE })
    }

    /// Gives each datagram that waits to `each`, one batch at most: a small one as long as that is
    /// enough.
    ///
    /// # Errors
    /// `WouldBlock` when the socket has been emptied, even if `each` was called: whoever arrives
    /// afterwards raises a new event. Otherwise what the system says.
    pub(super) fn receive(
        &mut self,
        socket: &Socket,
        each: &mut dyn FnMut(Arrived<'_>),
    ) -> io::Result<()> {
        let (count, asked) = if self.scarce < SCARCE {
            (self.receive_up_to::<BATCH>(socket, each)?, BATCH)
        } else {
            (self.receive_up_to::<FEW>(socket, each)?, FEW)
        };
        self.scarce = if count < FEW { self.scarce.saturating_add(1) } else { 0 };
        if count < asked { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
    }

    /// Gives each datagram that waits to `each`, at most so many; says how many there were.
    fn receive_up_to<const MOST: usize>(
        &mut self,
        socket: &Socket,
        each: &mut dyn FnMut(Arrived<'_>),
    ) -> io::Result<usize> {
        let mut chunks = self.buffer.chunks_exact_mut(STRIDE);
        let mut slices: [[IoSliceMut<'_>; 1]; MOST] = array::from_fn(|_| {
            let chunk = chunks.next().and_then(|chunk| chunk.get_mut(..LARGEST));
            [IoSliceMut::new(chunk.unwrap_or_default())]
        });
        let flags = MsgFlags::MSG_DONTWAIT;
        let messages =
            recvmmsg(socket.as_raw_fd(), &mut self.headers, slices.iter_mut(), flags, None)?;
        let mut count = 0;
        for message in messages {
            count += 1;
            if let Some(remote) = message.address.as_ref().and_then(address) {
                let octets = message.iovs().next().unwrap_or_default();
                each(Arrived { remote, to: came_to(&message), octets });
            }
        }
        Ok(count)
    }
}

/// Sends datagrams that are alike in one piece, which the kernel cuts where they meet (udp(7),
/// `UDP_SEGMENT`): for one of many that costs an eighth of what it costs alone.
///
/// For refusals only, since whoever looks at what this machine sends may be shown the piece.
#[derive(Debug, Default)]
pub(super) struct Alike {
    /// The kernel, or the card, does not do it.
    is_refused: bool,
}

impl Alike {
    /// Sends a run of datagrams of one size to one address, from wherever the system chooses;
    /// whether they were sent.
    pub(super) fn send(&mut self, socket: &Socket, run: &[Datagram]) -> bool {
        let [first, _, ..] = run else { return false };
        let has_source = run.iter().any(|datagram| datagram.source.is_some());
        let length = first.octets.len();
        if self.is_refused || has_source || !(1..=LARGEST_TOGETHER).contains(&length) {
            return false;
        }
        let Ok(size) = u16::try_from(length) else { return false };
        let parts: Vec<IoSlice<'_>> =
            run.iter().map(|datagram| IoSlice::new(&datagram.octets)).collect();
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
        let controls = [ControlMessage::UdpGsoSegments(&size)];
        let to = SockaddrStorage::from(first.remote);
        match sendmsg(socket.as_raw_fd(), &parts, &controls, flags, Some(&to)) {
            Ok(_) => true,
            Err(Errno::EIO | Errno::EINVAL | Errno::EMSGSIZE | Errno::ENOPROTOOPT) => {
                self.is_refused = true;
                false
            }
            // The queue finds out what is wrong, or it was a report about an earlier datagram.
            Err(_) => false,
        }
    }
}

pub(super) fn address(storage: &SockaddrStorage) -> Option<SocketAddr> {
    let v4 = storage.as_sockaddr_in().map(|address| SocketAddrV4::from(*address).into());
    v4.or_else(|| storage.as_sockaddr_in6().map(|address| SocketAddrV6::from(*address).into()))
}

/// The address of ours that a datagram came to, if the socket was asked to tell. Of one for several
/// machines at once it is the address that an answer leaves from.
fn came_to(message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<IpAddr> {
    let to = message.cmsgs().ok()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4PacketInfo(info) => {
            Some(IpAddr::from(info.ipi_spec_dst.s_addr.to_ne_bytes()))
        }
        ControlMessageOwned::Ipv6PacketInfo(info) => Some(IpAddr::from(info.ipi6_addr.s6_addr)),
        _ => None,
    })?;
    (!to.is_unspecified() && !to.is_multicast()).then_some(to)
}

/// Sends a batch, or what of it has no source of its own before the first that has, or that one;
/// says how many were sent.
///
/// # Errors
/// What is wrong with the first.
pub(super) fn send<'a>(
    socket: &Socket,
    batch: impl Iterator<Item = &'a Datagram>,
) -> io::Result<usize> {
    let mut batch = batch.peekable();
    let Some(first) = batch.next() else { return Ok(0) };
    if let Some(source) = first.source {
        return send_from(socket, first, source);
    }
    let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
    if batch.peek().is_none_or(|second| second.source.is_some()) {
        return sendto(socket, &first.octets, flags, &first.remote).map(|_| 1).map_err(Into::into);
    }
    let batch = batch.take_while(|datagram| datagram.source.is_none());
    let part = |datagram: &'a Datagram| {
        let control = SendAncillaryBuffer::default();
        (SocketAddrAny::from(datagram.remote), [IoSlice::new(&datagram.octets)], control)
    };
    let mut parts: Vec<_> = std::iter::once(first).chain(batch).map(part).collect();
    let headers = parts
        .iter_mut()
        .map(|(remote, octets, control)| MMsgHdr::new_with_addr(remote, octets, control));
    Ok(sendmmsg(socket, &mut headers.collect::<Vec<_>>(), flags)?)
}

/// Sends one from this address of ours. If that is ours no longer, the system chooses another.
fn send_from(socket: &Socket, datagram: &Datagram, source: IpAddr) -> io::Result<usize> {
    let remote = SockaddrStorage::from(datagram.remote);
    let octets = [IoSlice::new(&datagram.octets)];
    let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_NOSIGNAL;
    let send = |control: &[ControlMessage<'_>]| {
        sendmsg(socket.as_raw_fd(), &octets, control, flags, Some(&remote))
    };
    let sent = match source {
        IpAddr::V4(source) => {
            let ipi_spec_dst = nix::libc::in_addr { s_addr: u32::from_ne_bytes(source.octets()) };
            let info = in_pktinfo { ipi_ifindex: 0, ipi_spec_dst, ipi_addr: ipi_spec_dst };
            send(&[ControlMessage::Ipv4PacketInfo(&info)])
        }
        IpAddr::V6(source) => {
            let ipi6_addr = nix::libc::in6_addr { s6_addr: source.octets() };
            // A link-local address is one only of its link, which the peer's address names.
            let info = in6_pktinfo { ipi6_addr, ipi6_ifindex: 0 };
            send(&[ControlMessage::Ipv6PacketInfo(&info)])
        }
    };
    match sent {
        Err(Errno::EINVAL | Errno::EADDRNOTAVAIL | Errno::ENETUNREACH) => send(&[])?,
        sent => sent?,
    };
    Ok(1)
}
