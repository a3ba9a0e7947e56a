//! How much, and how long. Each number with its reason.

use std::time::Duration;

use antiphon_sip::Limits;

/// Limits and times of the sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Octets that the kernel keeps for a UDP socket until they are read, asked for with
    /// `SO_RCVBUF`. 4 MiB hold about two thousand requests with their bookkeeping, which bridges a
    /// pause of a second at the rate of one busy server. If the system grants less, a
    /// [`Notice`](crate::Notice) says so.
    pub receive_buffer: usize,
    /// Octets that the kernel keeps for a UDP socket until they are sent (`SO_SNDBUF`); 1 MiB.
    pub send_buffer: usize,
    /// Datagrams that wait in a socket's queue when the kernel's buffer is full; beyond it new ones
    /// are dropped and counted, and the sender's retransmission replaces them
    /// (RFC 3261 §17.1.1.2). 4,096 are some hundred milliseconds of sending.
    pub datagram_queue: usize,
    /// Limits of parsing, for the messages of a stream.
    pub limits: Limits,
    /// Stream connections at most, both directions together. Each costs about 1.5 KiB and what its
    /// kernel buffers hold, more with TLS, and a file descriptor.
    pub connections: usize,
    /// Connections at most that one source (an IPv4 address, an IPv6 /64) may open to us, counted
    /// before any handshake. An office behind one address with some hundred phones still fits; a
    /// single attacker cannot take all.
    pub connections_per_source: usize,
    /// How long a connection may take to be made: 4 s. Long enough for the second retransmission
    /// of a SYN, and short enough that another target can still be tried before Timer B
    /// (32 s, RFC 3261 §17.1.1.2) has fired.
    pub connect_timeout: Duration,
    /// How long the PROXY header and the handshakes of TLS and WebSocket may take together: 5 s. A
    /// peer on a slow mobile network needs a handful of round trips.
    pub handshake_timeout: Duration,
    /// Connections at most whose handshake is not done: 1,000. A handshake costs memory and
    /// processor time before the peer has shown who it is, so it is bounded apart from the
    /// connections. Beyond it new ones are turned away, and phones come again.
    pub handshakes: usize,
    /// How long a connection may be silent in both directions: 70 minutes. A phone that keeps
    /// nothing alive is still reachable through the connection of its registration, whose usual
    /// expiry is one hour (RFC 3261 §10.2).
    pub idle_timeout: Duration,
    /// How long the rest of a message may take after its first octet: 32 s, as long as a
    /// transaction lives (64*T1). Otherwise a peer could hold connections by dripping octets.
    pub message_timeout: Duration,
    /// How long one message may take to be written when the peer does not read: 32 s, since after
    /// that the transaction has failed anyway.
    pub stall_timeout: Duration,
    /// How long the answer to a keep-alive of ours over a stream may take: 10 s (RFC 5626 §4.4.1).
    pub pong_timeout: Duration,
    /// Octets that may wait for one connection whose peer does not read; beyond it the connection
    /// is closed. 1 MiB is four times the largest body that the default limits admit. A connection
    /// that takes what it is given, or is being made, may have eight times as much before it.
    pub write_queue_octets: usize,
    /// Messages that may wait for one connection; beyond it as above.
    pub write_queue_messages: usize,
    /// How long connections may take at the end to write what is queued: 1 s.
    pub flush_timeout: Duration,
    /// Questions to the DNS that are on their way at once.
    pub lookups: usize,
    /// Questions to the DNS that may wait for their answer, each asker counted; beyond it they are
    /// not asked.
    pub lookup_queue: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            receive_buffer: 4 * 1024 * 1024,
            send_buffer: 1024 * 1024,
            datagram_queue: 4096,
            limits: Limits::default(),
            connections: 10_000,
            connections_per_source: 512,
            connect_timeout: Duration::from_secs(4),
            handshake_timeout: Duration::from_secs(5),
            handshakes: 1000,
            idle_timeout: Duration::from_secs(70 * 60),
            message_timeout: Duration::from_secs(32),
            stall_timeout: Duration::from_secs(32),
            pong_timeout: Duration::from_secs(10),
            write_queue_octets: 1024 * 1024,
            write_queue_messages: 1024,
            flush_timeout: Duration::from_secs(1),
            lookups: 64,
            lookup_queue: 1024,
        }
    }
}
