//! The writer under load, and with a disk that fails when it is told to.

use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use antiphon_core::registrar::Binding;
use antiphon_sip::UriBuf;
use redb::{Database, StorageBackend};

use super::*;

/// A disk in memory that outlives the database on it, and fails on demand.
#[derive(Debug, Clone, Default)]
struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug, Default)]
struct Platter {
    bytes: Vec<u8>,
    /// The disk is full beyond this length.
    capacity: Option<u64>,
    /// So many bytes are still written; the write that goes beyond is torn there.
    until_torn: Option<usize>,
    sync_fails: bool,
    /// Nothing works, not even reading.
    gone: bool,
}

impl Disk {
    fn set(&self, change: impl FnOnce(&mut Platter)) {
        change(&mut self.0.lock().unwrap());
    }

    fn length(&self) -> u64 {
        self.0.lock().unwrap().bytes.len() as u64
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
            if platter.capacity.is_some_and(|capacity| length > capacity) {
                return Err(io::ErrorKind::StorageFull.into());
            }
            platter.bytes.resize(usize::try_from(length).unwrap(), 0);
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
            let written = platter.until_torn.map_or(data.len(), |left| left.min(data.len()));
            if let Some(left) = &mut platter.until_torn {
                *left -= written;
            }
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
}

fn settings() -> Settings {
    Settings { retry_after: MIN_RETRY, gather: Duration::ZERO, ..Settings::default() }
}

fn room(disk: &Disk) -> Embedded {
    Embedded::start(Box::new(disk.clone()), &settings()).unwrap()
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
    room.bindings(&Aor::from_canonical(name)).unwrap().version
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
    let disk = Disk::default();
    let room = room(&disk);
    commit(&room, change("bob", 0)).unwrap();
    disk.set(|platter| platter.capacity = Some(platter.bytes.len() as u64 + 100_000));
    let (acknowledged, error) = fill(&room);
    assert_eq!(error, StoreError::unavailable(Reason::DiskFull));
    assert!(acknowledged > 10, "{acknowledged} on {} bytes", disk.length());
    eventually(|| room.bindings(&Aor::from_canonical("bob")));
    assert_all_there(&room, acknowledged);

    disk.set(|platter| platter.capacity = None);
    let after = format!("user{acknowledged}");
    assert_eq!(eventually(|| commit(&room, change(&after, 0))), 1);
    assert_all_there(&room, acknowledged + 1);
    assert!(room.activity().reopenings > 0);
}

#[test]
fn a_write_torn_anywhere_loses_nothing_acknowledged() {
    for until_torn in (0..120_000).step_by(1777) {
        let disk = Disk::default();
        let room = room(&disk);
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
    let room = room(&disk);
    commit(&room, change("bob", 0)).unwrap();
    disk.set(|platter| platter.gone = true);
    assert!(matches!(commit(&room, change("carol", 0)), Err(StoreError::Unavailable { .. })));
    let gone = room.bindings(&Aor::from_canonical("bob"));
    assert_eq!(gone, Err(StoreError::unavailable(Reason::Io(io::ErrorKind::NotConnected))));
    disk.set(|platter| platter.gone = false);
    let set = eventually(|| room.bindings(&Aor::from_canonical("bob")));
    assert_eq!(set.version, 1);
}
