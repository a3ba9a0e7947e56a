//! Transactions in slots. A slot is used again, but its number then comes with another
//! generation, so that a handle to what was there before finds nothing.

/// The bits of a generation. After 2^30 uses of one slot an old handle would fit again.
const GENERATION: u32 = (1 << 30) - 1;

/// A slot and its generation, in 62 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Handle {
    index: u32,
    generation: u32,
}

impl Handle {
    pub(super) fn as_u64(self) -> u64 {
        u64::from(self.generation) << 32 | u64::from(self.index)
    }

    pub(super) fn from_u64(number: u64) -> Self {
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        Self { index: half(number), generation: half(number >> 32) & GENERATION }
    }
}

/// Slots of a page. A table that moved all its slots to grow would stand still for it: with what
/// lingers for 32 seconds at some thousand calls a second, for tens of milliseconds.
const PAGE: usize = 1024;

/// Values in slots, which stay where they are.
#[derive(Debug)]
pub(super) struct Slab<T> {
    /// All but the last are full.
    pages: Vec<Vec<Slot<T>>>,
    free: Vec<u32>,
    /// The generation of slots that are made anew: no slot that was given back has had it.
    fresh: u32,
}

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    value: Option<T>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Self { pages: Vec::new(), free: Vec::new(), fresh: 0 }
    }

    /// Puts a value into a slot; `None` when all 2^32 are taken.
    pub(super) fn insert(&mut self, value: T) -> Option<Handle> {
        if let Some(index) = self.free.pop() {
            let slot = self.slot_mut(index)?;
            slot.value = Some(value);
            return Some(Handle { index, generation: slot.generation });
        }
        let index = u32::try_from(self.slots()).ok()?;
        if self.pages.last().is_none_or(|page| page.len() == PAGE) {
            self.pages.push(Vec::with_capacity(PAGE));
        }
        let generation = self.fresh;
        self.pages.last_mut()?.push(Slot { generation, value: Some(value) });
        Some(Handle { index, generation })
    }

    pub(super) fn get(&self, handle: Handle) -> Option<&T> {
        let slot = self.slot(handle.index)?;
        slot.value.as_ref().filter(|_| slot.generation == handle.generation)
    }

    pub(super) fn get_mut(&mut self, handle: Handle) -> Option<&mut T> {
        let slot = self.slot_mut(handle.index)?;
        slot.value.as_mut().filter(|_| slot.generation == handle.generation)
    }

    /// Takes the value out; its handle fits nothing from now on.
    pub(super) fn remove(&mut self, handle: Handle) -> Option<T> {
        let slot = self.slot_mut(handle.index)?;
        if slot.generation != handle.generation {
            return None;
        }
        let value = slot.value.take()?;
        slot.generation = slot.generation.wrapping_add(1) & GENERATION;
        self.free.push(handle.index);
        if self.pages.len() > 1 && self.len() == 0 {
            self.give_back();
        }
        Some(value)
    }

    /// Gives the memory back that a load needed, when nothing is left of it.
    fn give_back(&mut self) {
        let latest = self.pages.iter().flatten().map(|slot| slot.generation).max();
        self.fresh = latest.unwrap_or(self.fresh).wrapping_add(1) & GENERATION;
        (self.pages, self.free) = (Vec::new(), Vec::new());
    }

    pub(super) fn len(&self) -> usize {
        self.slots() - self.free.len()
    }

    /// How many slots there are, taken or free.
    fn slots(&self) -> usize {
        let full = self.pages.len().saturating_sub(1) * PAGE;
        full + self.pages.last().map_or(0, Vec::len)
    }

    fn slot(&self, index: u32) -> Option<&Slot<T>> {
        let index = index as usize;
        self.pages.get(index / PAGE)?.get(index % PAGE)
    }

    fn slot_mut(&mut self, index: u32) -> Option<&mut Slot<T>> {
        let index = index as usize;
        self.pages.get_mut(index / PAGE)?.get_mut(index % PAGE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_of_what_was_there_before_finds_nothing() {
        let mut slab = Slab::new();
        let old = slab.insert('a').unwrap();
        assert_eq!(slab.remove(old), Some('a'));
        let new = slab.insert('b').unwrap();
        assert_eq!(slab.get(old), None);
        assert_eq!(slab.get_mut(old), None);
        assert_eq!(slab.remove(old), None);
        assert_eq!(slab.get(new), Some(&'b'));
        assert_eq!(Handle::from_u64(new.as_u64()), new);
        assert_eq!(slab.len(), 1);
    }

    #[test]
    fn what_stands_on_many_pages_is_found_and_taken_out() {
        let mut slab = Slab::new();
        let handles: Vec<_> = (0..3 * PAGE).filter_map(|value| slab.insert(value)).collect();
        assert_eq!((slab.len(), slab.pages.len()), (3 * PAGE, 3));
        for (value, handle) in handles.iter().enumerate().skip(1) {
            assert_eq!(Handle::from_u64(handle.as_u64()), *handle);
            assert_eq!(
                (slab.get(*handle).copied(), slab.remove(*handle)),
                (Some(value), Some(value))
            );
        }
        assert_eq!((slab.len(), slab.get(handles[0])), (1, Some(&0)));
        assert!(slab.insert(0).is_some());
        assert_eq!(slab.pages.len(), 3, "a free slot is used again");
    }

    #[test]
    fn the_memory_of_a_load_is_given_back_and_no_old_handle_finds_what_comes_then() {
        let mut slab = Slab::new();
        let old: Vec<_> = (0..2 * PAGE).map(|value| slab.insert(value).unwrap()).collect();
        for handle in &old {
            slab.remove(*handle).unwrap();
        }
        assert_eq!((slab.len(), slab.pages.capacity(), slab.free.capacity()), (0, 0, 0));
        let new: Vec<_> = (0..2 * PAGE).map(|value| slab.insert(value).unwrap()).collect();
        assert!(old.iter().all(|handle| slab.get(*handle).is_none()));
        assert!(new.iter().all(|handle| slab.get(*handle).is_some()));
    }
}
