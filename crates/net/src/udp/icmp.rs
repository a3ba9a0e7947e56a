//! The socket's error queue: what ICMP says about datagrams that were sent (ip(7), `IP_RECVERR`).
//! Without it an unconnected socket is told nothing.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::os::fd::AsRawFd;
use std::sync::Arc;

use antiphon_core::flow::Fault;
use nix::cmsg_space;
use nix::errno::Errno;
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use tokio::io::Interest;
use tokio::sync::mpsc;

use super::Report;
use super::linux::address;
use super::socket::Socket;

/// The kernel quotes what stands in the ICMP message: 576 octets of packet for IPv4 (RFC 1812
/// §4.3.2.3), 1,280 for IPv6 (RFC 4443 §2.4).
const QUOTED: usize = 1280;

/// Asks the kernel to keep errors.
pub(super) fn enable(socket: &Arc<Socket>, local: SocketAddr) -> io::Result<()> {
    match local {
        SocketAddr::V4(_) => setsockopt(socket, sockopt::Ipv4RecvErr, &true)?,
        SocketAddr::V6(_) => setsockopt(socket, sockopt::Ipv6RecvErr, &true)?,
    }
    Ok(())
}

/// Reads errors as they come, until nobody wants them or the task is ended.
pub(super) async fn watch(socket: Arc<Socket>, reports: mpsc::Sender<Report>) {
    while socket.ready(Interest::ERROR).await.is_ok() {
        while let Ok(report) = socket.try_io(Interest::ERROR, || next(&socket)) {
            if let Some(report) = report
                && reports.send(report).await.is_err()
            {
                return;
            }
        }
    }
}

/// The next error; `None` when it is one to be ignored.
fn next(socket: &Socket) -> io::Result<Option<Report>> {
    let mut quoted = [0; QUOTED];
    let mut parts = [IoSliceMut::new(&mut quoted)];
    // The kernel adds the address of whoever sent the error, of either family.
    let mut control = cmsg_space!(nix::libc::sock_extended_err, nix::libc::sockaddr_in6);
    let flags = MsgFlags::MSG_ERRQUEUE | MsgFlags::MSG_DONTWAIT;
    let message =
        recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut parts, Some(&mut control), flags)?;
    let remote = message.address.as_ref().and_then(address);
    let fault = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::Ipv4RecvErr(error, _) => fault(Origin::V4, &error),
        ControlMessageOwned::Ipv6RecvErr(error, _) => fault(Origin::V6, &error),
        _ => None,
    });
    let length = message.bytes;
    Ok(remote.zip(fault).map(|(remote, fault)| Report {
        remote,
        fault,
        quoted: quoted.get(..length).unwrap_or_default().to_vec(),
    }))
}

#[derive(Clone, Copy)]
enum Origin {
    V4,
    V6,
}

/// Whether the transport user is told (RFC 3261 §18.4): host, network, port and protocol
/// unreachable, and parameter problems. Time exceeded and source quench are ignored, and so is
/// "too big", after which the kernel makes smaller fragments of the retransmission.
fn fault(origin: Origin, error: &nix::libc::sock_extended_err) -> Option<Fault> {
    let (kernel_origin, unreachable, parameter_problem, too_big) = match origin {
        Origin::V4 => (nix::libc::SO_EE_ORIGIN_ICMP, 3, 12, Some(4)),
        Origin::V6 => (nix::libc::SO_EE_ORIGIN_ICMP6, 1, 4, None),
    };
    let is_unreachable = error.ee_type == unreachable && Some(error.ee_code) != too_big;
    if error.ee_origin != kernel_origin || !(is_unreachable || error.ee_type == parameter_problem) {
        return None;
    }
    let refused =
        i32::try_from(error.ee_errno).is_ok_and(|code| code == Errno::ECONNREFUSED as i32);
    Some(if refused { Fault::Refused } else { Fault::Unreachable })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(origin: u8, kind: u8, code: u8, errno: Errno) -> nix::libc::sock_extended_err {
        nix::libc::sock_extended_err {
            ee_errno: errno as u32,
            ee_origin: origin,
            ee_type: kind,
            ee_code: code,
            ee_pad: 0,
            ee_info: 0,
            ee_data: 0,
        }
    }

    #[test]
    fn unreachable_is_told_and_time_exceeded_is_not_rfc3261_18_4() {
        let v4 = nix::libc::SO_EE_ORIGIN_ICMP;
        let v6 = nix::libc::SO_EE_ORIGIN_ICMP6;
        let rows = [
            (Origin::V4, error(v4, 3, 3, Errno::ECONNREFUSED), Some(Fault::Refused)),
            (Origin::V4, error(v4, 3, 1, Errno::EHOSTUNREACH), Some(Fault::Unreachable)),
            (Origin::V4, error(v4, 12, 0, Errno::EPROTO), Some(Fault::Unreachable)),
            (Origin::V4, error(v4, 3, 4, Errno::EMSGSIZE), None),
            (Origin::V4, error(v4, 4, 0, Errno::EREMOTEIO), None),
            (Origin::V4, error(v4, 11, 0, Errno::EHOSTUNREACH), None),
            (Origin::V6, error(v6, 1, 4, Errno::ECONNREFUSED), Some(Fault::Refused)),
            (Origin::V6, error(v6, 1, 0, Errno::ENETUNREACH), Some(Fault::Unreachable)),
            (Origin::V6, error(v6, 2, 0, Errno::EMSGSIZE), None),
            (Origin::V6, error(v6, 3, 0, Errno::EHOSTUNREACH), None),
        ];
        for (origin, error, expected) in rows {
            assert_eq!(fault(origin, &error), expected, "type {}", error.ee_type);
        }
    }
}
