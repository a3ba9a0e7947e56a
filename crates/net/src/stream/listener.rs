//! Accepting, and a pause when the system has nothing left to accept with.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon_sip::Transport;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::counters::Counters;

/// How long accepting rests when the system has no descriptor or memory left. The connection stays
/// in the kernel's queue, so trying again at once would only burn the processor.
const PAUSE: Duration = Duration::from_millis(500);

/// A listener for streams.
pub(crate) struct Accept {
    pub(crate) transport: Transport,
    pub(crate) local: SocketAddr,
    socket: Socket,
    resume: Option<Instant>,
}

enum Socket {
    /// Takes connections.
    Accepts(TcpListener),
    /// Only keeps the port from others.
    Reserves { _socket: socket2::Socket },
    /// Is gone.
    Stopped,
}

impl Accept {
    pub(crate) fn new(
        transport: Transport,
        local: SocketAddr,
        socket: socket2::Socket,
        accepts: bool,
    ) -> io::Result<Self> {
        let socket = if accepts {
            Socket::Accepts(TcpListener::from_std(socket.into())?)
        } else {
            Socket::Reserves { _socket: socket }
        };
        Ok(Self { transport, local, socket, resume: None })
    }

    /// The next connection that a peer has opened.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        counters: &Counters,
    ) -> Poll<(TcpStream, SocketAddr)> {
        if self.resume.is_some_and(|at| at > Instant::now()) {
            return Poll::Pending;
        }
        self.resume = None;
        let Socket::Accepts(socket) = &self.socket else { return Poll::Pending };
        loop {
            match socket.poll_accept(cx) {
                Poll::Ready(Ok(connection)) => return Poll::Ready(connection),
                Poll::Ready(Err(error)) if concerns_the_peer(&error) => {}
                Poll::Ready(Err(_)) => {
                    counters.accept_pauses.one();
                    self.resume = Some(Instant::now() + PAUSE);
                    return Poll::Pending;
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Which address of ours a connection came to: of a listener on all of them, the one that the
    /// peer chose.
    pub(super) fn address_of(&self, stream: &TcpStream) -> SocketAddr {
        if !self.local.ip().is_unspecified() {
            return self.local;
        }
        stream.local_addr().unwrap_or(self.local)
    }

    pub(super) const fn resume_at(&self) -> Option<Instant> {
        self.resume
    }

    pub(super) fn stop(&mut self) {
        self.socket = Socket::Stopped;
        self.resume = None;
    }
}

/// Whether only this one connection failed, before we took it (accept(2)).
fn concerns_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}
