//! The accounts as a running server sees them: all in memory, read again when the file changed.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use antiphon_core::time::Time;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError, ReadOnlyDatabase, ReadTransaction, ReadableDatabase as _};

use super::table::{self, ACCOUNTS, CACHE_BYTES, GONE};
use super::{Account, AccountError, Gone, MemorySubscribers, Subscriber, Subscribers};
use crate::embedded::database;
use crate::{OpenError, Reason};

/// The file's name in the data directory.
const NAME: &str = "accounts.redb";

/// How often the file is looked at, at most.
const INTERVAL: Duration = Duration::from_secs(1);

/// The part of the database file that every change changes: the header, with both commit slots.
const HEADER: u64 = 512;

pub(super) fn path(dir: &Path) -> PathBuf {
    dir.join(NAME)
}

/// The accounts of a data directory, read-only, for a server: in memory, and never more than a
/// second older than the file if [`SubscriberFile::refresh`] is called that often.
#[derive(Debug)]
pub struct SubscriberFile {
    path: PathBuf,
    known: RwLock<MemorySubscribers>,
    /// Who was removed, for whoever takes their bindings away.
    gone: Mutex<Vec<Gone>>,
    /// What the file looked like when it was read last. Whoever holds it reads the file.
    seen: Mutex<Seen>,
    /// Before this moment the file need not be looked at, in microseconds.
    next_look: AtomicU64,
}

/// What a call of [`SubscriberFile::refresh`] found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// It is not yet time to look, or somebody else is looking.
    NotYet,
    /// The file is as it was.
    Unchanged,
    /// The file had changed, and was read.
    Reloaded,
    /// The file is being changed by a command right now; the next look will read it.
    Busy,
}

impl SubscriberFile {
    /// Reads the accounts of the data directory `dir`. No file is no accounts.
    ///
    /// # Errors
    ///
    /// [`AccountError::Busy`] while a command changes the accounts: call again. Else what keeps
    /// the file from being read.
    pub fn open(dir: &Path) -> Result<Self, AccountError> {
        let path = path(dir);
        let seen = Seen::look(&path)?;
        let Listed { accounts, gone } = load(&path)?;
        Ok(Self {
            path,
            known: RwLock::new(accounts.into_iter().collect()),
            gone: Mutex::new(gone),
            seen: Mutex::new(seen),
            next_look: AtomicU64::new(0),
        })
    }

    /// Looks whether the file changed and reads it again if so, at most once a second. Costs next
    /// to nothing when it is not time yet; else it looks at the disk, and reading many accounts
    /// takes a while: for a server's housekeeping, not for the path of a request.
    ///
    /// # Errors
    ///
    /// What keeps the file from being read. The accounts known so far stay in force.
    pub fn refresh(&self, now: Time) -> Result<Refreshed, AccountError> {
        if now.as_micros() < self.next_look.load(Ordering::Relaxed) {
            return Ok(Refreshed::NotYet);
        }
        let Ok(mut seen) = self.seen.try_lock() else { return Ok(Refreshed::NotYet) };
        self.next_look.store((now + INTERVAL).as_micros(), Ordering::Relaxed);
        // Looked at before it is read: what is changed in between is noticed by the next look.
        let looks = Seen::look(&self.path)?;
        if looks == *seen {
            return Ok(Refreshed::Unchanged);
        }
        match load(&self.path) {
            Ok(listed) => self.replace(listed),
            Err(AccountError::Busy) => return Ok(Refreshed::Busy),
            Err(error) => return Err(error),
        }
        *seen = looks;
        Ok(Refreshed::Reloaded)
    }

    /// The accounts that were removed at some time and are not there now, once
    /// after the file was opened and once after each change: what they leave behind is to be
    /// cleared. A long list is as good as a short one: clearing twice does no harm.
    #[must_use]
    pub fn take_gone(&self) -> Vec<Gone> {
        std::mem::take(&mut *self.gone.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn replace(&self, listed: Listed) {
        let known = listed.accounts.into_iter().collect();
        *self.gone.lock().unwrap_or_else(PoisonError::into_inner) = listed.gone;
        let mut place = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let old = std::mem::replace(&mut *place, known);
        drop(place);
        drop(old);
    }
}

impl Subscribers for SubscriberFile {
    fn subscriber(&self, user: &str, domain: &str) -> Option<Subscriber> {
        self.known.read().unwrap_or_else(PoisonError::into_inner).subscriber(user, domain)
    }
}

/// What a file looks like from outside. Time and length alone would miss a change that keeps the
/// length and comes within one tick of the file system's clock.
#[derive(Debug, PartialEq, Eq, Default)]
struct Seen {
    changed: Option<SystemTime>,
    length: u64,
    header: Vec<u8>,
}

impl Seen {
    fn look(path: &Path) -> Result<Self, AccountError> {
        match Self::read(path) {
            Ok(seen) => Ok(seen),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(OpenError::from_io(path, error).into()),
        }
    }

    fn read(path: &Path) -> io::Result<Self> {
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        let mut header = Vec::new();
        file.take(HEADER).read_to_end(&mut header)?;
        Ok(Self { changed: metadata.modified().ok(), length: metadata.len(), header })
    }
}

/// What stands in the file.
#[derive(Debug, Default)]
pub(super) struct Listed {
    pub(super) accounts: Vec<Account>,
    gone: Vec<Gone>,
}

/// All accounts in the file; none if there is no file.
pub(super) fn load(path: &Path) -> Result<Listed, AccountError> {
    match fs::metadata(path) {
        // An empty file is one that a command has just created.
        Ok(found) if found.len() == 0 => return Ok(Listed::default()),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Listed::default()),
        Err(error) => return Err(OpenError::from_io(path, error).into()),
    }
    match database::sound(path, || read_only(path))? {
        Some(database) => list(database.begin_read()),
        None => repaired(path),
    }
}

/// Opens the file for reading; none if a crash left it in need of repair.
fn read_only(path: &Path) -> Result<Option<ReadOnlyDatabase>, OpenError> {
    let failed = |error: DatabaseError| OpenError::from_database(path, error.into());
    let file = File::open(path).map_err(|error| OpenError::from_io(path, error))?;
    let backend = FileBackend::new(file).map_err(failed)?;
    let mut builder = redb::Builder::new();
    match builder.set_cache_size(CACHE_BYTES).open_read_only_with_backend(backend) {
        Ok(database) => Ok(Some(database)),
        Err(DatabaseError::RepairAborted) => Ok(None),
        Err(error) => Err(failed(error)),
    }
}

/// Opens the file as a writer does, which repairs it, and reads it.
fn repaired(path: &Path) -> Result<Listed, AccountError> {
    let database: Database = database::sound(path, || database::open_file(path, CACHE_BYTES))?;
    list(database.begin_read())
}

fn list(
    transaction: Result<ReadTransaction, redb::TransactionError>,
) -> Result<Listed, AccountError> {
    let transaction = transaction.map_err(redb::Error::from)?;
    let accounts = rows_of(transaction.open_table(ACCOUNTS))?;
    let gone = rows_of(transaction.open_table(GONE))?;
    Ok(Listed {
        accounts: accounts.map_or_else(|| Ok(Vec::new()), |rows| table::list(&rows))?,
        gone: gone.map_or_else(|| Ok(Vec::new()), |rows| table::gone(&rows))?,
    })
}

/// A table, if it was ever written.
fn rows_of<T>(opened: Result<T, redb::TableError>) -> Result<Option<T>, AccountError> {
    match opened {
        Ok(rows) => Ok(Some(rows)),
        Err(redb::TableError::TableDoesNotExist(_)) => Ok(None),
        Err(error) => Err(AccountError::Failed(Reason::from(redb::Error::from(error)))),
    }
}
