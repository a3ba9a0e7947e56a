//! What makes a change durable: the group of changes that it belongs to is appended to a file and
//! synced, in one write, before anybody is told.
//!
//! There are two files. One takes what comes; when it is full the other one does, and meanwhile
//! what is in the first is brought into the database ([`merger`](super::merger)), after which the
//! file is used again. Generations are numbered; a generation of an even number is in the first
//! file. The database says up to which generation it has everything.
//!
//! A file is filled with zeros some way ahead, so that a sync has only bytes to write and no
//! file length or place on the disk: then it waits for nobody else who uses the file system.

mod file;
mod frame;
#[cfg(test)]
mod tests;

use std::io;

use super::overlay::Overlay;
use crate::Reason;
use crate::record::Ledger;

pub(super) use file::JournalFile;
use frame::{Frame, HEAD, Head};

/// What both files are called in the data directory.
pub(super) const FILES: [&str; 2] = ["bindings-0.journal", "bindings-1.journal"];

/// So far ahead a file is filled with zeros: some seconds of registrations at 4,000 a second.
const AHEAD: u64 = 1 << 20;

/// Bytes on a disk.
pub(super) trait Store: Send {
    /// Everything.
    fn read(&mut self) -> io::Result<Vec<u8>>;

    /// Writes at a place; beyond the end, the gap is never read.
    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Returns when everything written is on the disk.
    fn sync(&mut self) -> io::Result<()>;
}

/// The journal, open for appending.
pub(super) struct Journal {
    files: [Box<dyn Store>; 2],
    head: Head,
    /// Where the next frame goes; zero when not even the head was written.
    end: u64,
    /// How long each file is.
    lengths: [u64; 2],
}

/// What a journal held when it was opened, that the database does not have.
#[derive(Debug, Default)]
pub(super) struct Replayed {
    /// The older generation, if there are two, and its number.
    pub(super) older: Option<(u64, Overlay)>,
    /// The generation that is appended to.
    pub(super) newest: Overlay,
    /// What was last written of it.
    pub(super) ledger: Option<Ledger>,
}

impl Journal {
    /// Opens the journal and reads what the database does not have yet, which has everything up
    /// to the generation `merged`.
    pub(super) fn open(
        mut files: [Box<dyn Store>; 2],
        merged: u64,
    ) -> io::Result<(Self, Replayed)> {
        let [first, second] = &mut files;
        let contents = [first.read()?, second.read()?];
        let lengths = [contents[0].len() as u64, contents[1].len() as u64];
        let mut live: Vec<_> = contents
            .iter()
            .filter_map(|bytes| Some((Head::decode(bytes)?, bytes)))
            .filter(|(head, _)| head.generation > merged)
            .collect();
        live.sort_by_key(|(head, _)| head.generation);
        let mut replayed = Replayed::default();
        let mut newest = None;
        for (head, bytes) in live {
            let (changes, ledger, end) = replay(&head, bytes);
            if let Some((older, _)) = newest.replace((head, end)) {
                let older: Head = older;
                replayed.older = Some((older.generation, std::mem::take(&mut replayed.newest)));
            }
            replayed.newest = changes;
            replayed.ledger = ledger.or(replayed.ledger);
        }
        let (head, end) = match newest {
            Some(newest) => newest,
            None => (begin(merged + 1)?, 0),
        };
        Ok((Self { files, head, end, lengths }, replayed))
    }

    /// The generation that is appended to.
    pub(super) const fn generation(&self) -> u64 {
        self.head.generation
    }

    /// Bytes in this generation.
    pub(super) const fn length(&self) -> u64 {
        self.end
    }

    /// Appends a group of changes, and returns when it is on the disk. After an error nothing of it
    /// counts: the next group takes its place.
    pub(super) fn append(&mut self, changes: &Overlay, ledger: &Ledger) -> Result<(), Reason> {
        let mut bytes = if self.end == 0 { self.head.encode() } else { Vec::new() };
        bytes.extend(self.head.frame(changes, ledger));
        let end = self.end + bytes.len() as u64;
        let index = usize::from(self.head.generation % 2 == 1);
        let (Some(file), Some(length)) = (self.files.get_mut(index), self.lengths.get_mut(index))
        else {
            return Err(Reason::Stopped);
        };
        let ahead = end.next_multiple_of(AHEAD);
        if end > *length {
            let zeros = usize::try_from(ahead - end).unwrap_or_default();
            bytes.resize(bytes.len() + zeros, 0);
        }
        let done = file.write(self.end, &bytes).and_then(|()| file.sync());
        done.map_err(|error| Reason::from_io(&error))?;
        *length = (*length).max(if end > *length { ahead } else { end });
        self.end = end;
        Ok(())
    }

    /// Goes on in the other file. What was in that must be in the database.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub(super) fn rotate(&mut self) -> io::Result<()> {
        self.head = begin(self.head.generation + 1)?;
        self.end = 0;
        Ok(())
    }
}

fn begin(generation: u64) -> io::Result<Head> {
    let mut random = [[0; 8]; 2];
    getrandom::fill(random.as_flattened_mut()).map_err(io::Error::other)?;
    let [first, second] = random.map(u64::from_le_bytes);
    Ok(Head { generation, key: (first, second) })
}

/// The changes of a generation, the last ledger, and where the next frame goes.
fn replay(head: &Head, bytes: &[u8]) -> (Overlay, Option<Ledger>, u64) {
    let (mut changes, mut ledger, mut end) = (Overlay::default(), None, HEAD);
    while let Some((frame, length)) = bytes.get(end..).and_then(|rest| head.next(rest)) {
        let Frame { changes: newer, ledger: last } = frame;
        changes.extend(newer);
        ledger = Some(last);
        end += length;
    }
    (changes, ledger, end as u64)
}
