//! Sixteen octets of a text at once. Most runs in a head are shorter than that, and what is asked
//! of all of them costs as much as what is asked of two one by one.

use wide::u8x16;

/// Sixteen octets; what is told of each is a bit, that of the first octet the lowest.
#[derive(Clone, Copy)]
pub(crate) struct Sixteen(u8x16);

impl Sixteen {
    #[inline]
    pub(crate) fn new(octets: &[u8; 16]) -> Self {
        Self(u8x16::new(*octets))
    }

    /// Those from `at` on; `None` when there are less.
    #[inline]
    pub(crate) fn at(text: &[u8], at: usize) -> Option<Self> {
        text.get(at..)?.first_chunk().map(Self::new)
    }

    /// Which of them are this octet.
    #[inline]
    pub(crate) fn are(self, octet: u8) -> u32 {
        self.lanes(octet).to_bitmask()
    }

    /// The place of the first that is this octet.
    #[inline]
    pub(crate) fn first(self, octet: u8) -> Option<u8> {
        let place = self.are(octet).trailing_zeros();
        #[expect(clippy::cast_possible_truncation, reason = "a place is less than 32")]
        (place < 16).then_some(place as u8)
    }

    /// Which of them are CR or LF.
    #[inline]
    pub(crate) fn are_line_ends(self) -> u32 {
        (self.lanes(b'\r') | self.lanes(b'\n')).to_bitmask()
    }

    /// Which of them are `-` or `.`.
    #[inline]
    pub(crate) fn are_joints(self) -> u32 {
        let joints = self.0 - u8x16::splat(b'-');
        joints.min(u8x16::splat(1)).simd_eq(joints).to_bitmask()
    }

    /// How many of them, from the first on, are letters, digits, `-` or `.`.
    #[inline]
    pub(crate) fn plain(self) -> usize {
        let letters = (self.0 | u8x16::splat(0x20)) - u8x16::splat(b'a');
        let letters = letters.min(u8x16::splat(25)).simd_eq(letters);
        // From "-" to "9" there is nothing else but "/".
        let others = self.0 - u8x16::splat(b'-');
        let others = others.min(u8x16::splat(b'9' - b'-')).simd_eq(others);
        let plain = letters | (others & !self.lanes(b'/'));
        (!plain.to_bitmask()).trailing_zeros().min(16) as usize
    }

    fn lanes(self, octet: u8) -> u8x16 {
        self.0.simd_eq(u8x16::splat(octet))
    }
}

/// The end of the run of octets that begins at `from`. Letters, digits, `-` and `.` must be among
/// those that belong to it.
#[inline]
pub(crate) fn run_end(text: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    let mut at = from;
    loop {
        if let Some(octets) = Sixteen::at(text, at) {
            let plain = octets.plain();
            at += plain;
            if plain == 16 {
                continue;
            }
        }
        match text.get(at) {
            Some(octet) if belongs(*octet) => at += 1,
            _ => return at,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_octet_is_told_at_each_place() {
        for octet in 0..=u8::MAX {
            for place in 0..16 {
                let mut text = [b'x'; 16];
                text[place] = octet;
                let octets = Sixteen::new(&text);
                let is_plain = octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.');
                assert_eq!(octets.plain(), if is_plain { 16 } else { place }, "{octet}");
                let line_end = u32::from(matches!(octet, b'\r' | b'\n')) << place;
                assert_eq!(octets.are_line_ends(), line_end);
                let joint = u32::from(matches!(octet, b'-' | b'.')) << place;
                assert_eq!(octets.are_joints(), joint);
                assert_eq!(octets.are(octet) & 1 << place, 1 << place);
                assert_eq!(octets.are(b':'), u32::from(octet == b':') << place);
            }
        }
    }

    #[test]
    fn a_run_ends_at_the_first_octet_that_does_not_belong_to_it() {
        let belongs = |octet: u8| octet.is_ascii_alphanumeric() || b"-._".contains(&octet);
        for length in 0..50 {
            for underscore in 0..length {
                for behind in 0..40 {
                    let mut text = vec![b'a'; length];
                    text[underscore] = b'_';
                    text.push(b';');
                    text.resize(length + 1 + behind, b'a');
                    assert_eq!(run_end(&text, 0, belongs), length);
                    assert_eq!(run_end(&text, length, belongs), length);
                }
            }
        }
        assert_eq!(run_end(b"", 0, belongs), 0);
        assert_eq!(run_end(b"abc", 1, belongs), 3);
    }
}
