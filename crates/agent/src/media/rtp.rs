//! The twelve octets before the sound (RFC 3550 §5.1).

use antiphon_core::offer_answer::Codec;

/// Samples in 20 ms at 8,000 a second; G.711 makes an octet of each (RFC 3551 §4.5.14).
pub(super) const SAMPLES: usize = 160;

/// As many ticks of the clock: it counts samples (RFC 3550 §5.1).
const TICKS: u32 = 160;

/// Octets of a header without contributing sources and extension.
pub(super) const HEADER: usize = 12;

/// The version of RTP, in the two upper bits.
const VERSION: u8 = 2 << 6;

/// Makes the packets of one stream.
#[derive(Debug, Clone)]
pub(super) struct Sender {
    source: u32,
    sequence: u16,
    timestamp: u32,
    first: bool,
}

impl Sender {
    /// A stream whose numbers begin where `random` says (RFC 3550 §5.1).
    pub(super) fn new(random: [u8; 10]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j] = random;
        Self {
            source: u32::from_be_bytes([a, b, c, d]),
            sequence: u16::from_be_bytes([e, f]),
            timestamp: u32::from_be_bytes([g, h, i, j]),
            first: true,
        }
    }

    /// The next 20 ms of silence.
    pub(super) fn silence(&mut self, codec: Codec, payload: u8) -> [u8; HEADER + SAMPLES] {
        let mut packet = [quiet(codec); HEADER + SAMPLES];
        // The first packet after a pause is marked (RFC 3551 §4.1).
        let marker = if self.first { 0x80 } else { 0 };
        let [s0, s1] = self.sequence.to_be_bytes();
        let [t0, t1, t2, t3] = self.timestamp.to_be_bytes();
        let [c0, c1, c2, c3] = self.source.to_be_bytes();
        let header = [VERSION, marker | (payload & 0x7f), s0, s1, t0, t1, t2, t3, c0, c1, c2, c3];
        if let Some(place) = packet.first_chunk_mut() {
            *place = header;
        }
        self.first = false;
        self.sequence = self.sequence.wrapping_add(1);
        self.timestamp = self.timestamp.wrapping_add(TICKS);
        packet
    }
}

/// The source and the sequence number of a packet, `None` if it is none. RTCP that strays here is
/// told by its packet type (RFC 5761 §4).
pub(super) fn read(packet: &[u8]) -> Option<(u32, u16)> {
    let [first, kind, s0, s1, _, _, _, _, c0, c1, c2, c3] = packet.first_chunk::<HEADER>()?;
    let is_rtcp = (192..=223).contains(kind);
    (first & 0xc0 == VERSION && !is_rtcp)
        .then(|| (u32::from_be_bytes([*c0, *c1, *c2, *c3]), u16::from_be_bytes([*s0, *s1])))
}

/// The octet that means no sound.
const fn quiet(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0xff,
        Codec::Pcma => 0xd5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_counts_packets_and_samples_rfc3550_5_1() {
        let mut sender = Sender::new([0, 0, 0, 9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]);
        let first = sender.silence(Codec::Pcmu, 0);
        assert_eq!(first[..12], [0x80, 0x80, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 9]);
        assert!(first[12..].iter().all(|octet| *octet == 0xff));
        assert_eq!(first.len(), 172);
        let second = sender.silence(Codec::Pcma, 8);
        assert_eq!(second[..12], [0x80, 8, 0, 0, 0, 0, 0, 159, 0, 0, 0, 9]);
        assert_eq!(second[12], 0xd5);
    }

    #[test]
    fn only_rtp_is_counted_rfc5761_4() {
        let mut sender = Sender::new([0, 0, 0, 9, 0, 7, 0, 0, 0, 0]);
        assert_eq!(read(&sender.silence(Codec::Pcmu, 0)), Some((9, 7)));
        assert_eq!(read(&[0x80, 200, 0, 6, 0, 0, 0, 0, 0, 0, 0, 0]), None);
        assert_eq!(read(b"OPTIONS sip:"), None);
        assert_eq!(read(&[0x80, 0]), None);
    }
}
