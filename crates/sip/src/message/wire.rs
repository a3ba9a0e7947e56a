//! The octets under the lines of a message.

use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;

/// A head as it was received or written. Nearly all are UTF-8 as a whole; that is found out once,
/// so that it is not found out anew of each part whenever that is asked for as text.
#[derive(Debug, Clone)]
pub(crate) enum Wire {
    Text(ByteString),
    Octets(Bytes),
}

impl Wire {
    /// Nothing at all.
    pub(crate) const fn empty() -> Self {
        Self::Text(ByteString::new())
    }

    /// The first `len` octets, which are shared: for nearly all that is one more reference to them,
    /// and none that is given up again.
    pub(crate) fn over(octets: &Bytes, len: usize) -> Self {
        match ByteString::try_from(octets.slice(..len)) {
            Ok(text) => Self::Text(text),
            Err(_) => Self::Octets(octets.slice(..len)),
        }
    }

    pub(crate) fn new(octets: Bytes) -> Self {
        Self::over(&octets, octets.len())
    }

    pub(crate) fn octets(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Octets(octets) => octets,
        }
    }

    /// A part as text; empty when it is none.
    pub(crate) fn text(&self, part: Range<usize>) -> &str {
        match self {
            Self::Text(text) => text.get(part),
            Self::Octets(octets) => {
                octets.get(part).and_then(|octets| std::str::from_utf8(octets).ok())
            }
        }
        .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_of_a_head_are_text_whatever_stands_beside_them() {
        for octets in ["Subject: \u{e9}".as_bytes(), b"Subject: \xff\xff"] {
            let wire = Wire::new(Bytes::copy_from_slice(octets));
            assert_eq!((wire.text(0..7), wire.octets()), ("Subject", octets));
            assert_eq!((wire.text(9..10), wire.text(8..99)), ("", ""));
        }
    }
}
