//! Every byte at which a journal can end.

use super::*;

/// A file in memory.
#[derive(Debug, Clone, Default)]
struct Bytes(std::sync::Arc<std::sync::Mutex<Vec<u8>>>);

impl Bytes {
    fn of(bytes: &[u8]) -> Self {
        let file = Self::default();
        file.0.lock().unwrap().extend(bytes);
        file
    }

    fn content(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Store for Bytes {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        Ok(self.content())
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut file = self.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let end = start + bytes.len();
        let length = file.len().max(end);
        file.resize(length, 0);
        file[start..end].copy_from_slice(bytes);
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn open(first: &Bytes, second: &Bytes, merged: u64) -> (Journal, Replayed) {
    Journal::open([Box::new(first.clone()), Box::new(second.clone())], merged).unwrap()
}

fn changes(aor: &str, record: Option<&[u8]>) -> Overlay {
    let mut changes = Overlay::default();
    changes.set(aor, record.map(Into::into));
    changes
}

const fn ledger(floor: u64) -> Ledger {
    Ledger { floor, bindings: 2 * floor, aors: 3 * floor }
}

#[test]
fn a_journal_cut_at_any_byte_has_every_whole_frame_and_no_part_of_one() {
    let (first, second) = (Bytes::default(), Bytes::default());
    let (mut journal, replayed) = open(&first, &second, 0);
    assert!(replayed.newest.is_empty() && replayed.older.is_none() && replayed.ledger.is_none());
    let mut ends = Vec::new();
    for floor in 1..=5 {
        journal.append(&changes(&format!("user{floor}"), Some(b"record")), &ledger(floor)).unwrap();
        ends.push(usize::try_from(journal.length()).unwrap());
    }
    let content = second.content();
    for cut in 0..=content.len().min(ends[4] + 20) {
        let (journal, replayed) = open(&first, &Bytes::of(&content[..cut]), 0);
        let whole = ends.iter().filter(|end| **end <= cut).count();
        assert_eq!(replayed.newest.len(), whole, "cut at {cut}");
        assert_eq!(replayed.ledger, (whole > 0).then(|| ledger(whole as u64)), "cut at {cut}");
        let end = if cut < HEAD { 0 } else { ends[..whole].last().copied().unwrap_or(HEAD) };
        assert_eq!(journal.length(), end as u64, "cut at {cut}");
    }
}

#[test]
fn no_changed_byte_is_taken_for_what_was_written() {
    let (first, second) = (Bytes::default(), Bytes::default());
    let (mut journal, _) = open(&first, &second, 0);
    for floor in 1..=3 {
        journal.append(&changes("bob", Some(&[1, 2, 3])), &ledger(floor)).unwrap();
    }
    let content = second.content();
    let end = usize::try_from(journal.length()).unwrap();
    for position in 0..end {
        let mut damaged = content[..end].to_vec();
        damaged[position] ^= 0x55;
        let (_, replayed) = open(&first, &Bytes::of(&damaged), 0);
        assert_ne!(replayed.ledger, Some(ledger(3)), "changed at {position}");
    }
}

#[test]
fn it_goes_on_where_it_ended_and_the_newest_word_counts() {
    let (first, second) = (Bytes::default(), Bytes::default());
    let (mut journal, _) = open(&first, &second, 0);
    journal.append(&changes("bob", Some(b"1")), &ledger(1)).unwrap();
    let (mut journal, _) = open(&first, &second, 0);
    journal.append(&changes("bob", None), &ledger(2)).unwrap();
    let (_, replayed) = open(&first, &second, 0);
    assert_eq!(replayed.newest.get("bob"), Some(None));
    assert_eq!(replayed.ledger, Some(ledger(2)));
}

#[test]
fn two_generations_are_told_apart_and_what_is_merged_is_not_read() {
    let (first, second) = (Bytes::default(), Bytes::default());
    let (mut journal, _) = open(&first, &second, 0);
    journal.append(&changes("bob", Some(b"1")), &ledger(1)).unwrap();
    journal.rotate().unwrap();
    let (_, replayed) = open(&first, &second, 0);
    assert!(replayed.older.is_none(), "the second has not begun");
    journal.append(&changes("carol", Some(b"2")), &ledger(2)).unwrap();
    let (_, replayed) = open(&first, &second, 0);
    assert_eq!(replayed.older, Some((1, changes("bob", Some(b"1")))));
    assert_eq!(replayed.newest, changes("carol", Some(b"2")));

    let (mut journal, replayed) = open(&first, &second, 1);
    assert!(replayed.older.is_none());
    assert_eq!(replayed.newest, changes("carol", Some(b"2")));
    // The third takes the file of the first, whose frames are still behind its own.
    journal.rotate().unwrap();
    journal.append(&changes("dave", Some(b"3")), &ledger(3)).unwrap();
    let (journal, replayed) = open(&first, &second, 1);
    assert_eq!(journal.generation(), 3);
    assert_eq!(replayed.older, Some((2, changes("carol", Some(b"2")))));
    assert_eq!(replayed.newest, changes("dave", Some(b"3")));
    let (journal, replayed) = open(&first, &second, 3);
    assert!(replayed.newest.is_empty() && journal.generation() == 4);
}
