//! A UDP socket that the runtime watches for what arrives and for errors, and for nothing else.
//!
//! Each datagram that has left makes room in the send buffer, which a socket that is watched for
//! room as well is woken for: at a few thousand datagrams a second that was every second wake-up.
//! Nobody waits for room here ([`RETRY`](super::RETRY)).

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// The socket. Belongs on a runtime.
#[derive(Debug)]
pub(super) struct Socket(AsyncFd<std::net::UdpSocket>);

impl Socket {
    /// Has the runtime watch a socket, which must not block.
    ///
    /// # Errors
    /// When the runtime cannot.
    #[expect(
        deprecated,
        reason = "what takes its place is unsafe, for types that lie about their descriptor; a \
                  socket of the standard library does not"
    )]
    pub(super) fn from_std(socket: std::net::UdpSocket) -> io::Result<Self> {
        AsyncFd::with_interest(socket, Interest::READABLE | Interest::ERROR).map(Self)
    }

    /// Whether something may have arrived.
    pub(super) fn poll_recv_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.0.poll_read_ready(cx).map_ok(drop)
    }

    /// Waits until there may be something of this kind.
    pub(super) async fn ready(&self, interest: Interest) -> io::Result<()> {
        self.0.ready(interest).await.map(drop)
    }

    /// Does something with the socket; when it would block, nothing of the kind is there any more.
    pub(super) fn try_io<R>(
        &self,
        interest: Interest,
        act: impl FnOnce() -> io::Result<R>,
    ) -> io::Result<R> {
        self.0.try_io(interest, |_| act())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl AsRawFd for Socket {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }
}
