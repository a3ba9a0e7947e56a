//! Numbers as they are written. The general way to write one costs several times as much, and
//! each message has some.

/// The digits of a number.
pub(super) struct Decimal {
    room: [u8; 20],
    start: usize,
}

impl Decimal {
    pub(super) fn of(number: impl Into<u64>) -> Self {
        let mut room = [b'0'; 20];
        let mut start = room.len();
        let mut rest = number.into();
        for (at, digit) in room.iter_mut().enumerate().rev() {
            *digit = b'0' + (rest % 10).to_le_bytes()[0];
            start = at;
            rest /= 10;
            if rest == 0 {
                break;
            }
        }
        Self { room, start }
    }

    pub(super) fn octets(&self) -> &[u8] {
        self.room.get(self.start..).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_written_as_the_library_writes_it() {
        for number in [0, 1, 9, 10, 70, 101, 65_535, 1_000_000_000, u64::MAX] {
            assert_eq!(Decimal::of(number).octets(), number.to_string().as_bytes());
        }
    }
}
