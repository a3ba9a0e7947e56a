//! Maps by numbers that this program gives itself. Nobody outside chooses them, so they need no
//! keyed hash against flooding, which costs more than the look-up itself.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

/// A map by an id of ours: a type around one `u64`.
pub type IdMap<K, V> = HashMap<K, V, BuildHasherDefault<IdHasher>>;

/// Entries that a map or a queue may always have room for.
pub const KEPT: usize = 128;

/// Gives back most of the room of a map that is nearly empty, as after a load. Looked at often: it
/// costs next to nothing, unless there is something to give back.
pub fn give_back<K: Eq + std::hash::Hash, V, S: std::hash::BuildHasher>(
    map: &mut HashMap<K, V, S>,
) {
    if map.capacity() > KEPT && map.len() < map.capacity() / 8 {
        // Twice what is needed, so that the next one does not need it back at once.
        map.shrink_to(2 * map.len());
    }
}

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
    fn a_map_that_is_nearly_empty_gives_its_room_back() {
        let mut map: IdMap<u64, u64> = (0..100_000).map(|number| (number, number)).collect();
        give_back(&mut map);
        assert!(map.capacity() >= 100_000, "it is full");
        map.retain(|number, _| *number < 10);
        give_back(&mut map);
        assert!(map.capacity() < 100 && map.len() == 10);
    }

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
