//! The database file: how it is opened, its tables, and how they are read.

use std::fmt;
use std::ops::Bound;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};

use antiphon_core::registrar::{Aor, BindingSet};
use redb::backends::FileBackend;
use redb::{
    Database, ReadOnlyTable, ReadTransaction, ReadableDatabase as _, ReadableTable,
    ReadableTableMetadata as _, StorageBackend, Table, TableDefinition, WriteTransaction,
};

use crate::record::{Ledger, Records};
use crate::{OpenError, Reason, StoreError, Totals, codec, files};

/// The sets of bindings, in the form of [`codec`], by the canonical text of the AOR.
const BINDINGS: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("bindings");

/// The [`Ledger`]: one row a field.
const LEDGER: TableDefinition<'static, &str, u64> = TableDefinition::new("ledger");
const FLOOR: &str = "floor";
const COUNT: &str = "bindings";

/// Opens the database, at the start and again after it failed.
pub(super) trait Opener: Send {
    /// What errors call the file.
    fn path(&self) -> &Path;

    fn open(&self) -> Result<Database, OpenError>;
}

/// Opens a file.
#[derive(Debug)]
pub(super) struct FileOpener {
    path: PathBuf,
    cache_bytes: usize,
}

impl FileOpener {
    pub(super) fn new(path: PathBuf, cache_bytes: usize) -> Self {
        Self { path, cache_bytes }
    }
}

impl Opener for FileOpener {
    fn path(&self) -> &Path {
        &self.path
    }

    fn open(&self) -> Result<Database, OpenError> {
        open_file(&self.path, self.cache_bytes)
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
    ledger: Ledger,
    /// Keeps the pages of the snapshot from being used again.
    _transaction: ReadTransaction,
}

impl Snapshot {
    /// The state after the last commit. Creates the tables if the database is new.
    pub(super) fn first(database: &Database) -> Result<Self, redb::Error> {
        match Self::last(database) {
            Err(redb::Error::TableDoesNotExist(_)) => {
                let transaction = begin_write(database)?;
                drop(Changes::begin(&transaction)?);
                transaction.commit()?;
                Self::last(database)
            }
            outcome => outcome,
        }
    }

    /// The state after the last commit.
    pub(super) fn last(database: &Database) -> Result<Self, redb::Error> {
        let transaction = database.begin_read()?;
        let ledger = read_ledger(&transaction.open_table(LEDGER)?)?;
        let bindings = transaction.open_table(BINDINGS)?;
        Ok(Self { bindings, ledger, _transaction: transaction })
    }

    pub(super) fn bindings(&self, aor: &Aor) -> Result<BindingSet, StoreError> {
        match ReadableTable::get(&self.bindings, aor.as_str()).map_err(unavailable)? {
            None => Ok(BindingSet::default()),
            Some(record) => decode(aor, record.value()),
        }
    }

    pub(super) fn totals(&self) -> Result<Totals, StoreError> {
        let aors = self.bindings.len().map_err(unavailable)?;
        Ok(Totals { aors, bindings: self.ledger.bindings })
    }

    pub(super) fn page(
        &self,
        after: Option<&Aor>,
        limit: usize,
    ) -> Result<Vec<(Aor, BindingSet)>, StoreError> {
        let range = after_key(after.map(Aor::as_str));
        let rows = ReadableTable::range::<&str>(&self.bindings, range).map_err(unavailable)?;
        rows.take(limit)
            .map(|row| {
                let (key, record) = row.map_err(unavailable)?;
                let aor = Aor::from_canonical(key.value());
                let set = decode(&aor, record.value())?;
                Ok((aor, set))
            })
            .collect()
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("ledger", &self.ledger).finish_non_exhaustive()
    }
}

/// The tables of a transaction, open for changing.
pub(super) struct Changes<'a> {
    bindings: Table<'a, &'static str, &'static [u8]>,
    ledger: Table<'a, &'static str, u64>,
}

impl<'a> Changes<'a> {
    pub(super) fn begin(transaction: &'a WriteTransaction) -> Result<Self, redb::Error> {
        Ok(Self {
            bindings: transaction.open_table(BINDINGS)?,
            ledger: transaction.open_table(LEDGER)?,
        })
    }

    pub(super) fn ledger(&self) -> Result<Ledger, redb::Error> {
        read_ledger(&self.ledger)
    }

    pub(super) fn set_ledger(&mut self, ledger: &Ledger) -> Result<(), redb::Error> {
        self.ledger.insert(FLOOR, ledger.floor)?;
        self.ledger.insert(COUNT, ledger.bindings)?;
        Ok(())
    }
}

impl Records for Changes<'_> {
    type Error = redb::Error;

    fn look<R>(&self, aor: &str, look: impl FnOnce(Option<&[u8]>) -> R) -> Result<R, redb::Error> {
        let record = self.bindings.get(aor)?;
        Ok(look(record.as_ref().map(redb::AccessGuard::value)))
    }

    fn put(&mut self, aor: &str, record: &[u8]) -> Result<(), redb::Error> {
        self.bindings.insert(aor, record)?;
        Ok(())
    }

    fn remove(&mut self, aor: &str) -> Result<(), redb::Error> {
        self.bindings.remove(aor)?;
        Ok(())
    }

    fn scan(
        &self,
        after: Option<&str>,
        limit: usize,
        mut look: impl FnMut(&str, &[u8]),
    ) -> Result<(), redb::Error> {
        for row in self.bindings.range::<&str>(after_key(after))?.take(limit) {
            let (key, record) = row?;
            look(key.value(), record.value());
        }
        Ok(())
    }
}

fn read_ledger(table: &impl ReadableTable<&'static str, u64>) -> Result<Ledger, redb::Error> {
    let row = |name| Ok::<_, redb::Error>(table.get(name)?.map_or(0, |row| row.value()));
    Ok(Ledger { floor: row(FLOOR)?, bindings: row(COUNT)? })
}

fn after_key(after: Option<&str>) -> (Bound<&str>, Bound<&str>) {
    (after.map_or(Bound::Unbounded, Bound::Excluded), Bound::Unbounded)
}

fn decode(aor: &Aor, record: &[u8]) -> Result<BindingSet, StoreError> {
    codec::decode(record).map_err(|_| StoreError::Damaged { aor: aor.clone() })
}

fn unavailable(error: redb::StorageError) -> StoreError {
    StoreError::unavailable(Reason::from(redb::Error::from(error)))
}
