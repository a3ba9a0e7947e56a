//! One message on its way between two addresses, and a bounded store of them.

use std::collections::VecDeque;
use std::net::SocketAddr;

use antiphon_core::time::Time;
use antiphon_sip::Transport;
use bytes::Bytes;

/// What went from one address to another: a datagram, or what was written to a stream at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it was sent, or when it arrived if it came from elsewhere.
    pub at: Time,
    /// The sender's address.
    pub from: SocketAddr,
    /// The receiver's address.
    pub to: SocketAddr,
    /// The transport.
    pub transport: Transport,
    /// What was sent.
    pub octets: Bytes,
    /// What became of it, as far as it is known.
    pub fate: Fate,
}

/// What became of octets that were sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Fate {
    /// They arrived, or nothing else is known.
    #[default]
    Arrived,
    /// They arrived more than once.
    Doubled,
    /// They did not arrive.
    Lost,
}

impl Record {
    /// A record of octets that arrived.
    #[must_use]
    pub fn new(
        at: Time,
        from: SocketAddr,
        to: SocketAddr,
        transport: Transport,
        octets: impl Into<Bytes>,
    ) -> Self {
        Self { at, from, to, transport, octets: octets.into(), fate: Fate::Arrived }
    }

    /// The same record with another fate.
    #[must_use]
    pub const fn with_fate(mut self, fate: Fate) -> Self {
        self.fate = fate;
        self
    }
}

/// The latest records, as many as fit into a given number of octets.
#[derive(Debug, Clone)]
pub struct Capture {
    records: VecDeque<Record>,
    held: usize,
    limit: usize,
    dropped: u64,
}

/// What a record costs besides its octets, so that a flood of empty datagrams is bounded too.
const OVERHEAD: usize = size_of::<Record>();

impl Capture {
    /// A store that holds about `limit` octets and then forgets the oldest records.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self { records: VecDeque::new(), held: 0, limit, dropped: 0 }
    }

    /// Adds a record.
    pub fn push(&mut self, record: Record) {
        self.held += record.octets.len() + OVERHEAD;
        self.records.push_back(record);
        while self.held > self.limit
            && let Some(oldest) = self.records.pop_front()
        {
            self.held -= oldest.octets.len() + OVERHEAD;
            self.dropped += 1;
        }
    }

    /// The records, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Record> + ExactSizeIterator {
        self.records.iter()
    }

    /// The records as one slice, oldest first.
    #[must_use]
    pub fn records(&mut self) -> &[Record] {
        self.records.make_contiguous()
    }

    /// How many records are held.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether none is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// How many records were forgotten to make room.
    #[must_use]
    pub const fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.records.clear();
        self.held = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(octets: &'static [u8]) -> Record {
        let address = "192.0.2.1:5060".parse().unwrap();
        Record::new(Time::EPOCH, address, address, Transport::Udp, octets)
    }

    #[test]
    fn a_capture_forgets_the_oldest_first() {
        let mut capture = Capture::new(2 * (OVERHEAD + 3));
        for octets in [&b"one"[..], b"two", b"six"] {
            capture.push(record(octets));
        }
        let held: Vec<_> = capture.iter().map(|record| &record.octets[..]).collect();
        assert_eq!(held, [b"two", b"six"]);
        assert_eq!(capture.dropped(), 1);
    }

    #[test]
    fn empty_records_are_bounded_too() {
        let mut capture = Capture::new(10 * OVERHEAD);
        for _ in 0..100 {
            capture.push(record(b""));
        }
        assert_eq!(capture.len(), 10);
    }
}
