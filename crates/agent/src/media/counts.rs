//! How many RTP packets went and came.

/// RTP packets of one call.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Sent.
    pub(crate) sent: u64,
    /// Received, repeated ones as well.
    pub(crate) received: u64,
    sequence: Option<Sequence>,
}

/// The sequence numbers of one source, extended beyond sixteen bits (RFC 3550 §A.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sequence {
    source: u32,
    highest: u64,
    /// Packets that the numbers of this source and of those before it let expect.
    expected: u64,
}

impl Counts {
    /// Counts a packet that came.
    pub(super) fn receive(&mut self, source: u32, number: u16) {
        self.received = self.received.saturating_add(1);
        self.sequence = Some(match self.sequence {
            Some(sequence) if sequence.source == source => sequence.next(number),
            // The other side may start a new stream within a call.
            other => Sequence {
                source,
                highest: u64::from(number),
                expected: other.map_or(0, |old| old.expected).saturating_add(1),
            },
        });
    }

    /// Counts a packet that went.
    pub(super) const fn send(&mut self) {
        self.sent = self.sent.saturating_add(1);
    }

    /// Packets that the sequence numbers let expect and that did not come (RFC 3550 §6.4.1); zero
    /// when repeated ones outnumber them.
    pub(crate) fn lost(&self) -> u64 {
        self.sequence.map_or(0, |sequence| sequence.expected.saturating_sub(self.received))
    }
}

impl Sequence {
    fn next(self, number: u16) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "the low sixteen bits are meant")]
        let ahead = number.wrapping_sub(self.highest as u16);
        if ahead == 0 || ahead > u16::MAX / 2 {
            // Repeated, or late.
            return self;
        }
        let ahead = u64::from(ahead);
        Self {
            highest: self.highest.saturating_add(ahead),
            expected: self.expected.saturating_add(ahead),
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(numbers: &[u16]) -> Counts {
        let mut counts = Counts::default();
        for number in numbers {
            counts.receive(1, *number);
        }
        counts
    }

    #[test]
    fn gaps_are_lost_packets_rfc3550_6_4_1() {
        assert_eq!(after(&[]).lost(), 0);
        assert_eq!(after(&[5, 6, 7]).lost(), 0);
        assert_eq!(after(&[5, 8]).lost(), 2);
        assert_eq!(after(&[5, 8, 7, 6]).lost(), 0);
    }

    #[test]
    fn numbers_wrap_around_rfc3550_a_1() {
        assert_eq!(after(&[65_534, 65_535, 1]).lost(), 1);
    }

    #[test]
    fn a_new_source_starts_anew_rfc3550_8() {
        let mut counts = after(&[5, 6]);
        counts.receive(2, 40_000);
        assert_eq!((counts.received, counts.lost()), (3, 0));
    }
}
