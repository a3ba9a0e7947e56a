//! A memory of sources that cannot grow for ever: what has not been looked at for longest goes.

use std::collections::HashMap;

use super::source::Source;

/// Two generations. When the young one is full it becomes the old one, and what was old and not
/// looked at since is forgotten: nothing has to be sorted, and a turn costs nothing when it comes.
#[derive(Debug)]
pub(super) struct Bounded<V> {
    young: HashMap<Source, V>,
    old: HashMap<Source, V>,
    /// Half of what is remembered at most.
    half: usize,
}

impl<V> Bounded<V> {
    /// For at most so many sources, and at least half of them.
    pub(super) fn new(capacity: usize) -> Self {
        Self { young: HashMap::new(), old: HashMap::new(), half: (capacity / 2).max(1) }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.young.is_empty() && self.old.is_empty()
    }

    pub(super) fn find(&mut self, source: Source) -> Option<&mut V> {
        if let Some(value) = self.old.remove(&source) {
            self.make_room();
            self.young.insert(source, value);
        }
        self.young.get_mut(&source)
    }

    /// What is remembered of a source, or this.
    pub(super) fn of_or(&mut self, source: Source, value: V) -> &mut V {
        let value = self.old.remove(&source).unwrap_or(value);
        if !self.young.contains_key(&source) {
            self.make_room();
        }
        self.young.entry(source).or_insert(value)
    }

    pub(super) fn remove(&mut self, source: Source) -> bool {
        let was_young = self.young.remove(&source).is_some();
        self.old.remove(&source).is_some() || was_young
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &V> {
        self.young.values().chain(self.old.values())
    }

    fn make_room(&mut self) {
        if self.young.len() >= self.half {
            self.old = std::mem::take(&mut self.young);
        }
    }
}

impl<V: Default> Bounded<V> {
    pub(super) fn of(&mut self, source: Source) -> &mut V {
        self.of_or(source, V::default())
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn source(number: u32) -> Source {
        Source::of(Ipv4Addr::from_bits(number).into())
    }

    #[test]
    fn it_holds_no_more_than_it_may_and_keeps_what_is_used() {
        let mut bounded = Bounded::new(8);
        for number in 0..100 {
            *bounded.of(source(number)) = number;
            assert!(bounded.find(source(0)).is_some(), "looked at each time");
            assert!(bounded.iter().count() <= 8);
        }
        assert_eq!(bounded.find(source(1)), None);
        assert_eq!(bounded.find(source(99)), Some(&mut 99));
    }

    #[test]
    fn what_is_removed_is_gone_from_both_generations() {
        let mut bounded = Bounded::new(2);
        *bounded.of(source(1)) = 1;
        *bounded.of(source(2)) = 2;
        assert!(bounded.remove(source(1)) && bounded.remove(source(2)));
        assert!(!bounded.remove(source(2)));
        assert!(bounded.is_empty());
    }
}
