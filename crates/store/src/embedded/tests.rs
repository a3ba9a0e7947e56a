//! The writer under load, and with a disk that fails when it is told to.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use antiphon_core::registrar::Binding;
use antiphon_sip::UriBuf;
use redb::{Database, StorageBackend};

use super::journal::Store;
use super::*;

/// A disk in memory that outlives the database on it, and fails on demand.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    /// The database.
    bytes: Vec<u8>,
    journal: [Vec<u8>; 2],
    /// The disk is full beyond this length of all files together.
    capacity: Option<u64>,
    /// So many bytes are still written; the write that goes beyond is torn there.
    until_torn: Option<usize>,
    sync_fails: bool,
    /// Nothing works, not even reading.
    gone: bool,
}

/// A file of the journal.
#[derive(Debug)]
struct JournalOn(Disk, usize);

impl Store for JournalOn {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        self.0.with(|platter| Ok(platter.journal[self.1].clone()))
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.with(|platter| {
            let start = usize::try_from(offset).unwrap();
            let end = start + bytes.len();
            let grown = end.saturating_sub(platter.journal[self.1].len());
            let room = platter.room().map_or(grown, |room| grown.min(room));
            let fits = bytes.len() - (grown - room);
            let written = platter.torn(fits);
            let file = &mut platter.journal[self.1];
            file.resize(file.len().max(start + written), 0);
            file[start..start + written].copy_from_slice(&bytes[..written]);
            if written < bytes.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}

impl Platter {
    fn length(&self) -> usize {
        self.bytes.len() + self.journal.iter().map(Vec::len).sum::<usize>()
    }

    /// How much longer the files may become.
    fn room(&self) -> Option<usize> {
        let capacity = usize::try_from(self.capacity?).unwrap();
        Some(capacity.saturating_sub(self.length()))
    }

    /// How much of so many bytes is still written.
    fn torn(&mut self, length: usize) -> usize {
        let written = self.until_torn.map_or(length, |left| left.min(length));
        if let Some(left) = &mut self.until_torn {
            *left -= written;
        }
        written
    }
}

impl Disk {
    fn set(&self, change: impl FnOnce(&mut Platter)) {
        change(&mut self.0.lock().unwrap());
    }

    fn length(&self) -> u64 {
        self.0.lock().unwrap().length() as u64
    }

    /// What is found after the process was killed at this moment.
    fn copy(&self) -> Self {
        let platter = self.0.lock().unwrap();
        let (bytes, journal) = (platter.bytes.clone(), platter.journal.clone());
        Self(Arc::new(Mutex::new(Platter { bytes, journal, ..Platter::default() })))
    }

    fn with<T>(&self, work: impl FnOnce(&mut Platter) -> io::Result<T>) -> io::Result<T> {
        let mut platter = self.0.lock().unwrap();
        if platter.gone {
            return Err(io::ErrorKind::NotConnected.into());
        }
        work(&mut platter)
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.with(|platter| Ok(platter.bytes.len() as u64))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.with(|platter| {
            let start = usize::try_from(offset).unwrap();
            let found = platter.bytes.get(start..start + out.len());
            out.copy_from_slice(found.ok_or(io::ErrorKind::UnexpectedEof)?);
            Ok(())
        })
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.with(|platter| {
            let length = usize::try_from(length).unwrap();
            let grown = length.saturating_sub(platter.bytes.len());
            if platter.room().is_some_and(|room| grown > room) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            platter.bytes.resize(length, 0);
            Ok(())
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(
            |platter| {
                if platter.sync_fails { Err(io::ErrorKind::TimedOut.into()) } else { Ok(()) }
            },
        )
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.with(|platter| {
            let written = platter.torn(data.len());
            let start = usize::try_from(offset).unwrap();
            platter.bytes[start..start + written].copy_from_slice(&data[..written]);
            if written < data.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        })
    }
}

impl Opener for Disk {
    fn path(&self) -> &Path {
        Path::new("disk")
    }

    fn open(&self) -> Result<Database, OpenError> {
        database::open_backend(self.path(), self.clone(), 1 << 20)
    }

    fn journal(&self) -> Result<[Box<dyn Store>; 2], OpenError> {
        Ok([Box::new(JournalOn(self.clone(), 0)), Box::new(JournalOn(self.clone(), 1))])
    }

    fn remove_journal(&self) {
        self.set(|platter| platter.journal = Default::default());
    }
}

fn settings() -> Settings {
    Settings { retry_after: MIN_RETRY, gather: Duration::ZERO, ..Settings::default() }
}

fn room(disk: &Disk) -> Embedded {
    Embedded::start(Box::new(disk.clone()), &settings()).unwrap()
}

/// A room whose journal is brought into the database every few changes.
fn small_journal(disk: &Disk) -> Embedded {
    let settings = Settings { journal_bytes: 4_000, ..settings() };
    Embedded::start(Box::new(disk.clone()), &settings).unwrap()
}

fn change(name: &str, expected_version: u64) -> Commit {
    let binding = Binding {
        contact: UriBuf::parse("sip:bob@192.0.2.4").unwrap(),
        params: "x".repeat(300).into(),
        q: 1000,
        expires: Time::from_secs(60),
        call_id: "a84b4c76e66710".into(),
        cseq: 1,
        path: vec![],
        reg_id: None,
        refreshed: Time::EPOCH,
        gruus_since: Time::EPOCH,
        source: None,
    };
    Commit { aor: Aor::from_canonical(name), expected_version, bindings: vec![binding] }
}

fn commit(room: &Embedded, change: Commit) -> Result<u64, StoreError> {
    let (done, answer) = Reply::channel();
    room.commit(change, done);
    answer.wait()
}

fn version(room: &Embedded, name: &str) -> u64 {
    // While the database is opened anew, readers have to come again.
    eventually(|| room.bindings(&Aor::from_canonical(name))).version
}

/// Commits new names until one fails; gives how many were acknowledged, and the failure.
fn fill(room: &Embedded) -> (u64, StoreError) {
    for index in 0.. {
        if let Err(error) = commit(room, change(&format!("user{index}"), 0)) {
            return (index, error);
        }
    }
    unreachable!()
}

/// Tries again and again, as clients do, until it succeeds.
fn eventually<T>(mut attempt: impl FnMut() -> Result<T, StoreError>) -> T {
    let deadline = Instant::now() + Duration::from_secs(20);
    loop {
        match attempt() {
            Ok(value) => return value,
            Err(error) => assert!(Instant::now() < deadline, "still {error}"),
        }
        thread::yield_now();
    }
}

fn assert_all_there(room: &Embedded, acknowledged: u64) {
    for index in 0..acknowledged {
        assert_eq!(version(room, &format!("user{index}")), 1, "user{index} of {acknowledged}");
    }
}

/// Keeps the writer busy until the sender is dropped.
fn stall(room: &Embedded) -> mpsc::Sender<()> {
    let (release, released) = mpsc::channel::<()>();
    let (stalled, is_stalled) = mpsc::channel();
    let done = Reply::new(move |outcome: Result<u64, _>| {
        outcome.unwrap();
        stalled.send(()).unwrap();
        released.recv().unwrap_err();
    });
    room.commit(change("stall", 0), done);
    is_stalled.recv().unwrap();
    release
}

#[test]
fn changes_that_wait_together_share_a_transaction() {
    let room = room(&Disk::default());
    let release = stall(&room);
    let answers: Vec<_> = (0..500)
        .map(|index| {
            let (done, answer) = Reply::channel();
            room.commit(change(&format!("user{index}"), 0), done);
            answer
        })
        .collect();
    drop(release);
    assert!(answers.into_iter().all(|answer| answer.wait() == Ok(1)));
    let activity = room.activity();
    assert_eq!((activity.commits, activity.transactions), (501, 2), "{activity:?}");
}

#[test]
fn a_full_queue_refuses_at_once_and_takes_again_later() {
    let settings = Settings { queue: 4, ..settings() };
    let room = Embedded::start(Box::new(Disk::default()), &settings).unwrap();
    let release = stall(&room);
    let waiting: Vec<_> = (0..4)
        .map(|index| {
            let (done, answer) = Reply::channel();
            room.commit(change(&format!("user{index}"), 0), done);
            answer
        })
        .collect();
    // The writer is stalled: were this not answered at once, it would be never.
    assert_eq!(commit(&room, change("one too many", 0)), Err(StoreError::Overloaded));
    drop(release);
    assert!(waiting.into_iter().all(|answer| answer.wait() == Ok(1)));
    assert_eq!(commit(&room, change("one too many", 0)), Ok(1));
}

#[test]
fn a_batch_without_a_change_costs_no_transaction() {
    let room = room(&Disk::default());
    assert_eq!(commit(&room, change("bob", 0)), Ok(1));
    assert_eq!(commit(&room, change("bob", 0)), Err(StoreError::Conflict { current: 1 }));
    let activity = room.activity();
    assert_eq!((activity.transactions, activity.conflicts), (1, 1));
}

#[test]
fn dropping_the_room_writes_what_waits() {
    let disk = Disk::default();
    let written = Arc::new(AtomicU64::new(0));
    let first = room(&disk);
    for index in 0..100 {
        let written = Arc::clone(&written);
        let done = Reply::new(move |outcome| {
            written.fetch_add(u64::from(outcome == Ok(1)), Ordering::Relaxed);
        });
        first.commit(change(&format!("user{index}"), 0), done);
    }
    drop(first);
    assert_eq!(written.load(Ordering::Relaxed), 100);
    assert_all_there(&room(&disk), 100);
}

#[test]
fn a_full_disk_refuses_changes_keeps_all_and_heals_by_itself() {
    for open in [room, small_journal] {
        let disk = Disk::default();
        let room = open(&disk);
        commit(&room, change("bob", 0)).unwrap();
        disk.set(|platter| platter.capacity = Some(platter.length() as u64 + 100_000));
        let (acknowledged, error) = fill(&room);
        assert_eq!(error, StoreError::unavailable(Reason::DiskFull));
        assert!(acknowledged > 5, "{acknowledged} on {} bytes", disk.length());
        eventually(|| room.bindings(&Aor::from_canonical("bob")));
        assert_all_there(&room, acknowledged);
        assert_all_there(&self::room(&disk.copy()), acknowledged);

        disk.set(|platter| platter.capacity = None);
        let after = format!("user{acknowledged}");
        assert_eq!(eventually(|| commit(&room, change(&after, 0))), 1);
        eventually(|| room.bindings(&Aor::from_canonical("bob")));
        assert_all_there(&room, acknowledged + 1);
        assert!(room.activity().failures > 0);
        drop(room);
        assert_all_there(&self::room(&disk), acknowledged + 1);
    }
}

#[test]
fn a_write_torn_anywhere_loses_nothing_acknowledged() {
    for until_torn in (0..120_000).step_by(3557) {
        let disk = Disk::default();
        let room = small_journal(&disk);
        commit(&room, change("bob", 0)).unwrap();
        disk.set(|platter| platter.until_torn = Some(until_torn));
        let (acknowledged, error) = fill(&room);
        assert_eq!(error, StoreError::unavailable(Reason::DiskFull), "torn at {until_torn}");
        disk.set(|platter| platter.until_torn = None);
        eventually(|| room.bindings(&Aor::from_canonical("bob")));
        assert_all_there(&room, acknowledged);
        assert_eq!(version(&room, "bob"), 1);
        // The change that failed may or may not be there: a torn last write does not say.
        let name = format!("user{acknowledged}");
        let current = version(&room, &name);
        assert_eq!(eventually(|| commit(&room, change(&name, current))), current + 1);
    }
}

#[test]
fn a_sync_that_fails_is_not_acknowledged() {
    let disk = Disk::default();
    let room = room(&disk);
    commit(&room, change("bob", 0)).unwrap();
    disk.set(|platter| platter.sync_fails = true);
    let error = commit(&room, change("carol", 0));
    assert_eq!(error, Err(StoreError::unavailable(Reason::Io(io::ErrorKind::TimedOut))));
    disk.set(|platter| platter.sync_fails = false);
    let current = eventually(|| room.bindings(&Aor::from_canonical("carol"))).version;
    assert_eq!(eventually(|| commit(&room, change("carol", current))), current + 1);
    assert_eq!(version(&room, "bob"), 1);
}

#[test]
fn readers_get_the_store_back_although_nobody_writes() {
    let disk = Disk::default();
    drop({
        let room = room(&disk);
        commit(&room, change("bob", 0)).unwrap();
        room
    });
    let room = small_journal(&disk);
    disk.set(|platter| platter.gone = true);
    let carol = commit(&room, change("carol", 0));
    assert_eq!(carol, Err(StoreError::unavailable(Reason::Io(io::ErrorKind::NotConnected))));
    disk.set(|platter| platter.gone = false);
    let set = eventually(|| room.bindings(&Aor::from_canonical("bob")));
    assert_eq!(set.version, 1);
    assert_eq!(eventually(|| commit(&room, change("carol", 0))), 1);
}

#[test]
fn what_the_journal_has_is_there_after_a_crash_and_after_a_close() {
    let disk = Disk::default();
    let room = small_journal(&disk);
    for index in 0..200 {
        assert_eq!(commit(&room, change(&format!("user{index}"), 0)), Ok(1));
        if index % 20 == 0 {
            let crashed = self::room(&disk.copy());
            assert_all_there(&crashed, index + 1);
            assert_eq!(crashed.totals(), room.totals());
            assert_eq!(crashed.totals().unwrap().aors, index + 1);
        }
    }
    eventually(|| match room.activity().merges {
        0 => Err(StoreError::Overloaded),
        _ => Ok(()),
    });
    drop(room);
    assert!(disk.0.lock().unwrap().journal.iter().all(Vec::is_empty), "all is in the database");
    let room = self::room(&disk);
    assert_all_there(&room, 200);
    assert_eq!(room.totals(), Ok(Totals { aors: 200, bindings: 200 }));
}

#[test]
fn a_process_killed_anywhere_loses_nothing_acknowledged_and_has_no_half_of_anything() {
    const CHANGES: u64 = 6;
    /// A record ends with zeros, so that where the frame ends is not seen.
    const ZEROS: usize = 16;
    let disk = Disk::default();
    let room = room(&disk);
    let mut whole = Vec::new();
    for index in 0..CHANGES {
        commit(&room, change(&format!("user{index}"), 0)).unwrap();
        // The zeros behind the last frame were written with the first.
        let bytes = disk.0.lock().unwrap().journal[1].clone();
        whole.push(bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1);
    }
    let last = *whole.last().unwrap();
    for cut in (0..=last).step_by(37).chain(whole.clone()) {
        let killed = disk.copy();
        killed.set(|platter| platter.journal[1].truncate(cut));
        let crashed = self::room(&killed);
        let there = (0..CHANGES).filter(|index| version(&crashed, &format!("user{index}")) == 1);
        let there = there.count();
        let acknowledged = whole.iter().filter(|end| **end + ZEROS <= cut).count();
        assert!(there >= acknowledged, "cut at {cut}: {there} of {acknowledged}");
        assert!(there <= acknowledged + 1, "cut at {cut}");
        assert_all_there(&crashed, there as u64);
    }
}

#[test]
fn a_journal_with_a_damaged_byte_is_read_up_to_there() {
    let disk = Disk::default();
    let room = room(&disk);
    for index in 0..6 {
        commit(&room, change(&format!("user{index}"), 0)).unwrap();
    }
    let length = disk.0.lock().unwrap().journal[1].iter().rposition(|byte| *byte != 0).unwrap();
    for position in (0..length).step_by(41) {
        let damaged = disk.copy();
        damaged.set(|platter| platter.journal[1][position] ^= 0x55);
        let opened = self::room(&damaged);
        let there = opened.totals().unwrap().aors;
        assert_all_there(&opened, there);
        assert_eq!(commit(&opened, change("carol", 0)), Ok(1));
    }
}

#[test]
fn what_an_earlier_generation_left_in_a_file_is_not_read_again() {
    let disk = Disk::default();
    let room = small_journal(&disk);
    let mut known = 0;
    for _ in 0..100 {
        known = commit(&room, change("bob", known)).unwrap();
        commit(&room, change("carol", 0)).map_or_else(drop, drop);
    }
    let crashed = self::room(&disk.copy());
    assert_eq!(version(&crashed, "bob"), known);
    assert_eq!(crashed.totals(), Ok(Totals { aors: 2, bindings: 2 }));
}

#[test]
fn listings_and_sweeps_see_all_layers() {
    let disk = Disk::default();
    let room = small_journal(&disk);
    for index in 0..60 {
        commit(&room, change(&format!("user{index:02}"), 0)).unwrap();
    }
    // The newest word on some that the database has: gone, or another version.
    for index in (0..60).step_by(3) {
        let name = format!("user{index:02}");
        let bindings = if index % 2 == 0 { vec![] } else { change(&name, 1).bindings };
        commit(&room, Commit { bindings, ..change(&name, 1) }).unwrap();
    }
    let (mut names, mut after) = (Vec::new(), None);
    loop {
        let page = room.page(after.as_ref(), 7).unwrap();
        let Some((last, _)) = page.last() else { break };
        after = Some(last.clone());
        names.extend(page.into_iter().map(|(aor, set)| (aor.to_string(), set.version)));
    }
    let expected: Vec<_> = (0..60)
        .filter(|index| index % 6 != 0)
        .map(|index| (format!("user{index:02}"), if index % 3 == 0 { 2 } else { 1 }))
        .collect();
    assert_eq!(names, expected);
    assert_eq!(room.totals().unwrap().aors, 50);
    let (done, answer) = Reply::channel();
    room.sweep(Time::from_secs(60), done);
    assert_eq!(answer.wait(), Ok(Swept { examined: 50, removed: 50, finished: true }));
    assert_eq!(room.totals(), Ok(Totals::default()));
    drop(room);
    assert_eq!(self::room(&disk).totals(), Ok(Totals::default()));
}
