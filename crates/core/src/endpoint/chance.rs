//! Chance from a seed: what has to be unique or unpredictable, and the keyed hash by which
//! transactions are found.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};
use siphasher::sip128::{Hasher128 as _, SipHasher13};

use crate::page::Page;

/// Letters of one case, since the case of a token does not count (RFC 3261 §7.3.1), without those
/// that are taken for digits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// A generator of random numbers and texts.
#[derive(Debug, Clone)]
pub(super) struct Chance(ChaCha8Rng);

impl Chance {
    pub(super) fn new(seed: [u8; 32]) -> Self {
        Self(ChaCha8Rng::from_seed(seed))
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// Random letters, five bits in each.
    pub(super) fn letters<const N: usize>(&mut self) -> [u8; N] {
        let mut text = [0; N];
        for part in text.chunks_mut(12) {
            spell(self.number(), part);
        }
        text
    }

    /// A hash that nobody outside can foresee.
    pub(super) fn keyed_hash(&mut self) -> KeyedHash {
        KeyedHash { keys: (self.number(), self.number()) }
    }
}

/// Text of a number, five bits a letter, twelve letters at most.
fn spell(mut number: u64, text: &mut [u8]) {
    for octet in text {
        let index = usize::from(number.to_le_bytes()[0] & 31);
        *octet = ALPHABET.get(index).copied().unwrap_or(b'0');
        number >>= 5;
    }
}

/// A key of 128 bits, standing for texts that are compared as a whole. Under secret keys two
/// different texts meet by chance alone, which at a million transactions happens once in 10^26
/// times; a peer cannot bring it about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key(u64, u64);

impl std::hash::Hash for Key {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_u64(self.0);
    }
}

/// For maps by [`Key`], which is a hash already.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KeyIsHash(u64);

impl std::hash::Hasher for KeyIsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.0 = self.0.rotate_left(8) ^ u64::from(*octet);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

/// A map by [`Key`].
pub(super) type KeyMap<V> =
    std::collections::HashMap<Key, V, std::hash::BuildHasherDefault<KeyIsHash>>;

/// Makes [`Key`]s.
#[derive(Debug, Clone, Copy)]
pub(super) struct KeyedHash {
    keys: (u64, u64),
}

impl KeyedHash {
    /// The key of these parts, in this order. Keys of different kinds never meet.
    pub(super) fn of(&self, kind: u8, parts: &[Part<'_>]) -> Key {
        let mut page = Page::new(SipHasher13::new_with_keys(self.keys.0, self.keys.1));
        page.put(&[kind]);
        for part in parts {
            part.write(&mut page);
        }
        let hash = page.into_hasher().finish128();
        Key(hash.h1, hash.h2)
    }
}

/// A part of what a key stands for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part<'a> {
    /// A text that is compared as it stands.
    Exact(&'a [u8]),
    /// A text whose case does not count (RFC 3261 §7.3.1).
    Folded(&'a [u8]),
    Number(u64),
}

impl<'a> Part<'a> {
    pub(super) const fn exact(text: &'a str) -> Self {
        Self::Exact(text.as_bytes())
    }

    pub(super) const fn folded(text: &'a str) -> Self {
        Self::Folded(text.as_bytes())
    }

    fn write(self, page: &mut Page<SipHasher13>) {
        match self {
            Self::Exact(text) => page.put(text),
            Self::Folded(text) => page.put_folded(text),
            Self::Number(_) => {}
        }
        // The length keeps `ab`, `c` apart from `a`, `bc`.
        let number = match self {
            Self::Exact(text) | Self::Folded(text) => text.len() as u64,
            Self::Number(number) => number,
        };
        page.put(&number.to_le_bytes());
    }
}

impl Key {
    /// Twelve letters of the hash: a tag that is the same whenever it is asked for.
    pub(super) fn letters(self) -> String {
        String::from_utf8_lossy(&self.spelt()).into_owned()
    }

    /// The same letters as octets.
    pub(super) fn spelt(self) -> [u8; 12] {
        let mut text = [0; 12];
        spell(self.0, &mut text);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_letters_and_another_gives_others() {
        let letters = |seed| Chance::new([seed; 32]).letters::<26>();
        assert_eq!(letters(1), letters(1));
        assert_ne!(letters(1), letters(2));
        assert!(letters(3).iter().all(u8::is_ascii_alphanumeric));
    }

    #[test]
    fn parts_do_not_run_together_and_case_counts_where_it_should() {
        let hash = Chance::new([7; 32]).keyed_hash();
        let key = |one, other| hash.of(0, &[Part::exact(one), Part::exact(other)]);
        assert_ne!(key("ab", "c"), key("a", "bc"));
        assert_ne!(key("INVITE", ""), key("invite", ""));
        let folded = |text: &str| hash.of(0, &[Part::folded(text)]);
        let long = "A".repeat(500);
        assert_eq!(folded(&long), folded(&long.to_lowercase()));
        assert_ne!(folded(&long), folded(&format!("{long}a")));
        assert_ne!(hash.of(0, &[]), hash.of(1, &[]));
    }
}
