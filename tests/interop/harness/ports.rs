//! Free ports on the loopback address.

use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below the range from which the system takes ephemeral ports, so that no outgoing connection
/// sits on a port between our look and its use.
const FIRST: u16 = 20_000;
const BLOCKS: u16 = 1_000;
/// A block for each peer: baresip takes the port after its SIP port for TLS, SIPp that after its
/// media port.
const BLOCK: u16 = 10;

/// The first of [`BLOCK`] ports that are free for UDP and TCP, given out once in this process.
pub(crate) fn free() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let offset = u16::try_from(std::process::id() % u32::from(BLOCKS)).unwrap_or_default();
    for _ in 0..BLOCKS {
        let block = (offset + NEXT.fetch_add(1, Ordering::Relaxed)) % BLOCKS;
        let first = FIRST + block * BLOCK;
        if (first..first + BLOCK).all(is_free) {
            return first;
        }
    }
    panic!("no free ports between {FIRST} and {}", FIRST + BLOCKS * BLOCK);
}

/// Whether a program has bound the port, for UDP or TCP.
pub(crate) fn is_taken(port: u16) -> bool {
    !is_free(port)
}

fn is_free(port: u16) -> bool {
    UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
        && TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}
