//! The names that most lines have, spelt as most are, told by all their octets at once, before the
//! table of all names and spellings is asked.

use crate::name::HeaderName;

/// The octets of a name, of which there are 1 to 15, with zeros behind them: the first eight
/// and the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Written(u64, u64);

impl Written {
    /// The first `length` of the octets.
    #[inline]
    pub(super) const fn new(octets: &[u8; 16], length: usize) -> Self {
        let octets = u128::from_le_bytes(*octets);
        let (first, others) = MASKS[length];
        #[expect(clippy::cast_possible_truncation, reason = "the first half is meant")]
        let head = octets as u64;
        Self(head & first, (octets >> 64) as u64 & others)
    }

    const fn of(name: HeaderName) -> Self {
        let (mut octets, name) = ([0; 16], name.as_str().as_bytes());
        octets.split_at_mut(name.len()).0.copy_from_slice(name);
        Self::new(&octets, name.len())
    }

    /// The name, if it is one of the usual.
    #[inline]
    pub(super) fn usual(self) -> Option<HeaderName> {
        let (written, name) = TABLE[self.slot()];
        (written == self).then_some(name)
    }

    /// Where the table has it. The factor was found by trying: with it each of the usual names has
    /// a slot of its own.
    const fn slot(self) -> usize {
        ((self.0 ^ self.1).wrapping_mul(0x625f_0520_596f_3d85) >> 59) as usize
    }
}

const USUAL: &[HeaderName] = &[
    HeaderName::Via,
    HeaderName::From,
    HeaderName::To,
    HeaderName::CallId,
    HeaderName::CSeq,
    HeaderName::MaxForwards,
    HeaderName::ContentLength,
    HeaderName::Contact,
    HeaderName::Route,
    HeaderName::RecordRoute,
    HeaderName::Allow,
    HeaderName::Supported,
    HeaderName::UserAgent,
    HeaderName::ContentType,
    HeaderName::Expires,
    HeaderName::SessionExpires,
    HeaderName::Server,
    HeaderName::Event,
    HeaderName::Require,
    HeaderName::Reason,
    HeaderName::Accept,
    HeaderName::MinSe,
];

/// The octets that belong to a name of each length.
static MASKS: [(u64, u64); 16] = {
    let mut masks = [(0, 0); 16];
    let mut length = 1;
    while length < 16 {
        let (first, others) = masks[length - 1];
        masks[length] =
            if length <= 8 { (first << 8 | 0xff, 0) } else { (first, others << 8 | 0xff) };
        length += 1;
    }
    masks
};

/// A slot that no name has holds what is no name.
static TABLE: [(Written, HeaderName); 32] = {
    let mut table = [(Written(0, 0), HeaderName::Via); 32];
    let mut index = 0;
    while index < USUAL.len() {
        let written = Written::of(USUAL[index]);
        table[written.slot()] = (written, USUAL[index]);
        index += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    fn usual(text: &[u8], length: usize) -> Option<HeaderName> {
        Written::new(text.first_chunk().unwrap(), length).usual()
    }

    #[test]
    fn usual_names_are_those_of_the_table() {
        for name in USUAL {
            let length = name.as_str().len();
            let text = [name.as_str().as_bytes(), b": abcdefghijklmnop"].concat();
            assert_eq!(usual(&text, length), Some(*name), "each has a slot of its own");
            for other in (1..16).filter(|other| *other != length) {
                assert_eq!(usual(&text, other), None, "{name}");
            }
            assert_eq!(usual(&text[1..], length - 1), None, "{name}");
        }
    }
}
