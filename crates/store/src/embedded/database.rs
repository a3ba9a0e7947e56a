//! The database file: how it is opened, its tables, and how they are read.

use std::fmt;
use std::fs;
use std::ops::Bound;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use redb::backends::FileBackend;
use redb::{
    Database, Range, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable,
    ReadableTableMetadata as _, StorageBackend, TableDefinition, WriteTransaction,
};

use super::journal::{self, JournalFile, Store};
use crate::record::Ledger;
use crate::{OpenError, Reason, files};

/// The sets of bindings, in the form of [`codec`](crate::codec), by the canonical text of the AOR.
const BINDINGS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("bindings");

/// The [`Ledger`], one row a field, and the generation of the journal up to which everything is in
/// the database.
const LEDGER: TableDefinition<'static, &str, u64> = TableDefinition::new("ledger");
const FLOOR: &str = "floor";
const COUNT: &str = "bindings";
const MERGED: &str = "journal";

/// The name of the file in the data directory.
const FILE: &str = "bindings.redb";

/// Opens the files, at the start and again after one failed.
pub(super) trait Opener: Send {
    /// What errors call the database.
    fn path(&self) -> &Path;

    fn open(&self) -> Result<Database, OpenError>;

    /// The files of the journal.
    fn journal(&self) -> Result<[Box<dyn Store>; 2], OpenError>;

    /// Takes the files of the journal away, whose content is in the database.
    fn remove_journal(&self);
}

/// Opens the files of a data directory.
#[derive(Debug)]
pub(super) struct FileOpener {
    directory: PathBuf,
    path: PathBuf,
    cache_bytes: usize,
}

impl FileOpener {
    pub(super) fn new(directory: &Path, cache_bytes: usize) -> Self {
        Self { directory: directory.to_owned(), path: directory.join(FILE), cache_bytes }
    }
}

impl Opener for FileOpener {
    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> Result<Database, OpenError> {
        open_file(&self.path, self.cache_bytes)
    }

    fn journal(&self) -> Result<[Box<dyn Store>; 2], OpenError> {
        let open = |name: &str| -> Result<Box<dyn Store>, OpenError> {
            let path = self.directory.join(name);
            let file = JournalFile::open(&path).map_err(|error| OpenError::from_io(&path, error));
            Ok(Box::new(file?))
        };
        let [first, second] = journal::FILES;
        Ok([open(first)?, open(second)?])
    }

    fn remove_journal(&self) {
        for name in journal::FILES {
            // One that stays is known as merged by its number.
            let _ = fs::remove_file(self.directory.join(name));
        }
    }
}

/// Opens a database file, and creates it if there is none.
pub(crate) fn open_file(path: &Path, cache_bytes: usize) -> Result<Database, OpenError> {
    let file = files::open_private(path).map_err(|error| OpenError::from_io(path, error))?;
    let backend =
        FileBackend::new(file).map_err(|error| OpenError::from_database(path, error.into()))?;
    open_backend(path, backend, cache_bytes)
}

/// Opens a database in `backend`; `path` is what errors call it.
pub(super) fn open_backend(
    path: &Path,
    backend: impl StorageBackend,
    cache_bytes: usize,
) -> Result<Database, OpenError> {
    redb::Builder::new()
        .set_cache_size(cache_bytes)
        .create_with_backend(backend)
        .map_err(|error| OpenError::from_database(path, error.into()))
}

/// Runs what reads a file that may be damaged: the database checks what a crash can do to its file,
/// but a file that was altered can make it panic.
pub(crate) fn sound<T>(
    path: &Path,
    open: impl FnOnce() -> Result<T, OpenError>,
) -> Result<T, OpenError> {
    panic::catch_unwind(AssertUnwindSafe(open))
        .unwrap_or_else(|_| Err(OpenError::Corrupt { path: path.to_owned() }))
}

/// Begins a transaction that is on disk, and found whole after a crash without a walk through the
/// file, as soon as its commit returns.
pub(crate) fn begin_write(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(redb::Durability::Immediate)?;
    // Costs a second sync, which gathering shares among many changes. Without it, a start after a
    // crash checks every page first: half a second for a million contacts.
    transaction.set_quick_repair(true);
    Ok(transaction)
}

/// The state of the database after a commit, for reading.
pub(super) struct Snapshot {
    bindings: ReadOnlyTable<&'static str, &'static [u8]>,
    /// Keeps the pages of the snapshot from being used again.
    _transaction: ReadTransaction,
}

/// What a database says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    pub(super) ledger: Ledger,
    /// The generation of the journal up to which it has everything.
    pub(super) merged: u64,
}

impl Snapshot {
    /// The state after the last commit. Creates the tables if the database is new.
    pub(super) fn first(database: &Database) -> Result<(Self, Standing), redb::Error> {
        match Self::with_standing(database) {
            Err(redb::Error::TableDoesNotExist(_)) => {
                let transaction = begin_write(database)?;
                drop(transaction.open_table(BINDINGS)?);
                drop(transaction.open_table(LEDGER)?);
                transaction.commit()?;
                Self::with_standing(database)
            }
            outcome => outcome,
        }
    }

    fn with_standing(database: &Database) -> Result<(Self, Standing), redb::Error> {
        let snapshot = Self::last(database)?;
        let table = snapshot._transaction.open_table(LEDGER)?;
        let row = |name| {
            Ok::<_, redb::Error>(ReadableTable::get(&table, name)?.map_or(0, |row| row.value()))
        };
        let aors = snapshot.bindings.len()?;
        let ledger = Ledger { floor: row(FLOOR)?, bindings: row(COUNT)?, aors };
        let merged = row(MERGED)?;
        Ok((snapshot, Standing { ledger, merged }))
    }

    /// The state after the last commit.
    pub(super) fn last(database: &Database) -> Result<Self, redb::Error> {
        let transaction = database.begin_read()?;
        let bindings = transaction.open_table(BINDINGS)?;
        Ok(Self { bindings, _transaction: transaction })
    }

    /// Shows the record of `aor` to `look`.
    pub(super) fn look<R>(
        &self,
        aor: &str,
        look: impl FnOnce(Option<&[u8]>) -> R,
    ) -> Result<R, Reason> {
        let record = ReadableTable::get(&self.bindings, aor).map_err(reason)?;
        Ok(look(record.as_ref().map(redb::AccessGuard::value)))
    }

    /// The records after `after`, in order.
    pub(super) fn after(
        &self,
        after: Option<&str>,
    ) -> Result<Range<'_, &'static str, &'static [u8]>, Reason> {
        let start = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = (start, Bound::Unbounded);
        ReadableTable::range::<&str>(&self.bindings, range).map_err(reason)
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

/// Puts records into the database, or takes them out, in one transaction; with the last of a
/// generation, what is to be said of it.
pub(super) fn merge<'a>(
    database: &Database,
    changes: impl Iterator<Item = (&'a str, Option<&'a [u8]>)>,
    standing: Option<Standing>,
) -> Result<Snapshot, redb::Error> {
    let transaction = begin_write(database)?;
    {
        let mut bindings = transaction.open_table(BINDINGS)?;
        for (aor, record) in changes {
            match record {
                Some(record) => drop(bindings.insert(aor, record)?),
                None => drop(bindings.remove(aor)?),
            }
        }
    }
    if let Some(Standing { ledger, merged }) = standing {
        let mut table = transaction.open_table(LEDGER)?;
        table.insert(FLOOR, ledger.floor)?;
        table.insert(COUNT, ledger.bindings)?;
        table.insert(MERGED, merged)?;
    }
    transaction.commit()?;
    Snapshot::last(database)
}

pub(super) fn reason(error: redb::StorageError) -> Reason {
    Reason::from(redb::Error::from(error))
}
