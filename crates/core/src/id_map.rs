//! Maps by numbers that this program gives itself. Nobody outside chooses them, so they need no
//! keyed hash against flooding, which costs more than the look-up itself.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by an id of ours: a type around one `u64`.
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Spreads a number over all bits.
#[derive(Debug, Clone, Copy, Default)]
pub struct IdHasher(u64);

/// 2^64 divided by the golden ratio, odd: consecutive numbers come far apart.
const SPREAD: u64 = 0x9e37_79b9_7f4a_7c15;

impl Hasher for IdHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, octets: &[u8]) {
        for octet in octets {
            self.write_u64(u64::from(*octet));
        }
    }

    fn write_u64(&mut self, number: u64) {
        // The table takes its slot from the low bits and its tag from the high ones.
        self.0 = (self.0 ^ number).wrapping_mul(SPREAD).rotate_left(32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_a_row_fill_a_table_evenly() {
        let mut slots = [0_u8; 256];
        for number in 0..256_u64 {
            let mut hasher = IdHasher::default();
            hasher.write_u64(number);
            slots[usize::from(hasher.finish().to_le_bytes()[0])] += 1;
        }
        assert!(slots.iter().all(|count| *count <= 4), "{slots:?}");
    }
}
