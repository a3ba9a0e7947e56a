//! TCP connections made up around messages: a handshake at first sight, running sequence numbers,
//! and an acknowledgement for every segment, so that Wireshark misses nothing.

use std::collections::HashMap;
use std::net::SocketAddr;

use etherparse::TcpHeader;

use super::{WriteError, ip};
use crate::record::Record;

/// Octets in a segment: what fits into an Ethernet frame with IPv6.
const SEGMENT: usize = 1440;

/// The window that is announced, without scaling. Everything is acknowledged at once.
const WINDOW: u16 = 65_535;

/// Connections that are remembered. Beyond it all are forgotten, and the next message of each
/// gets a handshake anew: Wireshark then speaks of reused ports, and memory stays bounded.
const REMEMBERED: usize = 65_536;

/// All connections of a file.
#[derive(Debug, Default)]
pub(super) struct Conversations {
    /// The sequence number of the next octet, by sender and receiver.
    next: HashMap<(SocketAddr, SocketAddr), u32>,
}

impl Conversations {
    /// The packets that carry a record.
    pub(super) fn packets(&mut self, record: &Record) -> Result<Vec<Vec<u8>>, WriteError> {
        let (from, to) = (record.from, record.to);
        let mut packets = Vec::new();
        if !self.next.contains_key(&(from, to)) {
            packets.extend(handshake(from, to)?);
            if self.next.len() >= 2 * REMEMBERED {
                self.next.clear();
            }
            self.next.insert((from, to), 1);
            self.next.insert((to, from), 1);
        }
        for octets in record.octets.chunks(SEGMENT) {
            let sent = self.next(from, to);
            let received = self.next(to, from);
            let mut data = header(from, to, sent, Some(received));
            data.psh = true;
            packets.push(ip::segment(from, to, data, octets)?);
            // Sequence numbers are counted modulo 2^32 (RFC 9293 §3.4).
            let sent = sent.wrapping_add(u32::try_from(octets.len()).unwrap_or_default());
            self.next.insert((from, to), sent);
            packets.push(ip::segment(to, from, header(to, from, received, Some(sent)), b"")?);
        }
        Ok(packets)
    }

    fn next(&self, from: SocketAddr, to: SocketAddr) -> u32 {
        self.next.get(&(from, to)).copied().unwrap_or(1)
    }
}

/// SYN, SYN and ACK, ACK, both sides beginning at zero (RFC 9293 §3.5).
fn handshake(from: SocketAddr, to: SocketAddr) -> Result<[Vec<u8>; 3], WriteError> {
    let mut syn = header(from, to, 0, None);
    syn.syn = true;
    let mut answer = header(to, from, 0, Some(1));
    answer.syn = true;
    let ack = header(from, to, 1, Some(1));
    Ok([
        ip::segment(from, to, syn, b"")?,
        ip::segment(to, from, answer, b"")?,
        ip::segment(from, to, ack, b"")?,
    ])
}

fn header(from: SocketAddr, to: SocketAddr, sequence: u32, ack: Option<u32>) -> TcpHeader {
    let mut header = TcpHeader::new(from.port(), to.port(), sequence, WINDOW);
    header.ack = ack.is_some();
    header.acknowledgment_number = ack.unwrap_or_default();
    header
}
