//! One datagram with each system call, for systems without batches.

use std::io;
use std::net::SocketAddr;

use tokio::net::UdpSocket;

use super::{Arrived, BATCH, Datagram};

/// No datagram is larger (RFC 768: the length has 16 bits).
const LARGEST: usize = 65_535;

/// The buffer of one socket.
pub(super) struct Receiver {
    buffer: Vec<u8>,
}

impl Receiver {
    /// For a socket that is bound to an address. Which one a datagram came to is not told here.
    #[expect(clippy::unnecessary_wraps, reason = "where there are batches the system may refuse")]
    pub(super) fn new(_: &UdpSocket, _: SocketAddr) -> io::Result<Self> {
        Ok(Self { buffer: vec![0; LARGEST] })
    }

    /// Gives each datagram that waits to `each`, one batch at most.
    ///
    /// # Errors
    /// `WouldBlock` when the socket has been emptied; otherwise what the system says.
    pub(super) fn receive(
        &mut self,
        socket: &UdpSocket,
        each: &mut dyn FnMut(Arrived<'_>),
    ) -> io::Result<()> {
        for _ in 0..BATCH {
            let (length, remote) = socket.try_recv_from(&mut self.buffer)?;
            let octets = self.buffer.get(..length).unwrap_or_default();
            each(Arrived { remote, to: None, octets });
        }
        Ok(())
    }
}

/// See the systems that can do it.
#[cfg(not(target_os = "linux"))]
pub(super) const TOGETHER: usize = 1;

/// Sends nothing together.
#[cfg(not(target_os = "linux"))]
#[derive(Debug, Default)]
pub(super) struct Alike;

#[cfg(not(target_os = "linux"))]
impl Alike {
    /// Whether it was sent.
    #[expect(clippy::unused_self, reason = "elsewhere it knows what the system can do")]
    pub(super) const fn send(&mut self, _: &UdpSocket, _: &[Datagram]) -> bool {
        false
    }
}

/// Sends the first of a batch.
///
/// # Errors
/// What is wrong with it.
pub(super) fn send<'a>(
    socket: &UdpSocket,
    mut batch: impl Iterator<Item = &'a Datagram>,
) -> io::Result<usize> {
    let Some(datagram) = batch.next() else { return Ok(0) };
    socket.try_send_to(&datagram.octets, datagram.remote)?;
    Ok(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;
    use tokio::runtime;
    use tokio::time::timeout;

    use super::*;

    #[test]
    fn datagrams_arrive_one_by_one_on_systems_without_batches() {
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let here = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let there = UdpSocket::bind("127.0.0.1:0").await.unwrap();
            let remote = there.local_addr().unwrap();
            let octets = [&b"one"[..], b"", b"three"];
            let datagrams = octets.map(|o| Datagram {
                remote,
                source: None,
                octets: Bytes::from_static(o),
                ticket: None,
            });
            for first in 0..datagrams.len() {
                here.writable().await.unwrap();
                assert_eq!(send(&here, datagrams[first..].iter()).unwrap(), 1);
            }
            let mut receiver = Receiver::new(&there, remote).unwrap();
            let mut received = Vec::new();
            while received.len() < octets.len() {
                timeout(Duration::from_secs(5), there.readable()).await.unwrap().unwrap();
                let end = receiver.receive(&there, &mut |Arrived { remote, octets, .. }| {
                    received.push((remote, octets.to_vec()));
                });
                assert_eq!(end.unwrap_err().kind(), io::ErrorKind::WouldBlock);
            }
            let from = here.local_addr().unwrap();
            assert_eq!(received, octets.map(|octets| (from, octets.to_vec())));
        });
    }
}
