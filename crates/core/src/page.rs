//! What is hashed, gathered first: one long write into a hasher costs a fraction of many short ones.

use std::hash::Hasher;

/// Octets of a page. What identifies a transaction or a loop fits.
const ROOM: usize = 256;

/// A hasher, and what it has not been given yet.
#[derive(Debug, Clone)]
pub(crate) struct Page<H> {
    hasher: H,
    octets: [u8; ROOM],
    len: usize,
}

impl<H: Hasher> Page<H> {
    /// An empty page for this hasher.
    pub(crate) const fn new(hasher: H) -> Self {
        Self { hasher, octets: [0; ROOM], len: 0 }
    }

    /// Adds a text.
    pub(crate) fn put(&mut self, text: &[u8]) {
        self.add(text, |_| {});
    }

    /// Adds a text in lower case (ASCII).
    pub(crate) fn put_folded(&mut self, text: &[u8]) {
        self.add(text, <[u8]>::make_ascii_lowercase);
    }

    /// The hasher, which has taken in all of it.
    pub(crate) fn into_hasher(mut self) -> H {
        self.turn();
        self.hasher
    }

    #[inline]
    fn add(&mut self, text: &[u8], change: impl Fn(&mut [u8])) {
        for text in text.chunks(ROOM) {
            if text.len() > ROOM - self.len {
                self.turn();
            }
            if let Some(place) = self.octets.get_mut(self.len..self.len + text.len()) {
                place.copy_from_slice(text);
                change(place);
                self.len += text.len();
            }
        }
    }

    fn turn(&mut self) {
        self.hasher.write(self.octets.get(..self.len).unwrap_or_default());
        self.len = 0;
    }
}

#[cfg(test)]
mod tests {
    use std::hash::DefaultHasher;

    use super::*;

    #[test]
    fn a_text_in_parts_is_the_text_however_long_it_is() {
        let text = "Text".repeat(300).into_bytes();
        let mut whole = DefaultHasher::new();
        whole.write(&text.to_ascii_lowercase());
        for size in [1, 100, 255, 256, 257, 1200] {
            let mut page = Page::new(DefaultHasher::new());
            text.chunks(size).for_each(|part| page.put_folded(part));
            assert_eq!(page.into_hasher().finish(), whole.finish(), "{size}");
            let mut page = Page::new(DefaultHasher::new());
            text.to_ascii_lowercase().chunks(size).for_each(|part| page.put(part));
            assert_eq!(page.into_hasher().finish(), whole.finish(), "{size}");
        }
    }
}
