//! The room on disk: an embedded database in the data directory, and in front of it a journal,
//! in which a change is durable long before it is in the database.
//!
//! Changes go through a bounded queue to the writer, which decides all that wait, appends them to
//! the journal with one write and one sync, and then answers them all. Another thread brings full
//! generations of the journal into the database. Reading goes to the state as it is on disk, on the
//! caller's thread, and waits for neither.

pub(crate) mod database;
mod journal;
mod merger;
mod overlay;
mod shared;
mod writer;

#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use antiphon_core::registrar::{Aor, BindingSet};
use antiphon_core::time::Time;

use crate::{Bindings, Commit, OpenError, Reason, Reply, StoreError, Swept, Totals, files};

use database::{FileOpener, Opener};
use journal::Journal;
use merger::{Generation, Merger};
use shared::{Shared, State};
use writer::{Job, Writer};

pub use shared::Activity;

/// A shorter time would have the writer do nothing but try.
const MIN_RETRY: Duration = Duration::from_millis(1);

/// What may be set of the embedded room. The defaults suit a small server and a large one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Memory for pages of the database, in bytes. Default 64 MiB: pages that do not fit are read
    /// again, mostly from the operating system's own cache.
    pub cache_bytes: usize,
    /// How many changes may wait for the writer; one more is answered
    /// [`StoreError::Overloaded`]. Default 8,192: two seconds at 4,000 a second, after which a
    /// client would have sent its request again. At least 1; it should hold what comes within
    /// `gather`.
    pub queue: usize,
    /// How many changes are written together at most. Default 1,024. At least 1.
    pub batch: usize,
    /// How long the writer gathers changes when more than one comes at a time. A write costs a
    /// fixed amount of work and a sync, so sharing it saves most of the cost under load; one change
    /// that comes alone never waits. Default 5 ms, far below what a client notices or sends a
    /// request again for (RFC 3261 §17.1.2.2: T1, 500 ms). Each group costs the server some 150 µs,
    /// whatever its size: at 4,000 changes a second 8 µs a change with 5 ms, 4 µs with 10 ms, which
    /// would make the answers later by as much.
    pub gather: Duration,
    /// How long the journal becomes before it is brought into the database, in bytes. Default
    /// 8 MiB, some 40,000 changes: of those to one address-of-record the database sees the last,
    /// and a start after a crash reads them within some ten milliseconds. What they say is in
    /// memory, as that of the generation before while it is brought into the database.
    pub journal_bytes: u64,
    /// How long after a failure of the disk changes are refused before the disk is tried again.
    /// Default 250 ms. At least 1 ms.
    pub retry_after: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            cache_bytes: 64 << 20,
            queue: 8192,
            batch: 1024,
            gather: Duration::from_millis(5),
            journal_bytes: 8 << 20,
            retry_after: Duration::from_millis(250),
        }
    }
}

/// Bindings in an embedded database. An `Ok` to a commit means that it is on disk.
///
/// The directory belongs to one process at a time. Dropping the room writes what waits, brings
/// everything into the database and closes it.
pub struct Embedded {
    shared: Arc<Shared>,
    /// Taken away to tell the writer that nothing more comes.
    queue: Option<SyncSender<Job>>,
    writer: Option<JoinHandle<()>>,
}

impl Embedded {
    /// Opens the room in the data directory `dir`, and creates what is missing. Takes milliseconds
    /// whatever is stored, and after a crash too.
    ///
    /// # Errors
    ///
    /// Every kind of [`OpenError`].
    pub fn open(dir: &Path, settings: &Settings) -> Result<Self, OpenError> {
        files::prepare(dir)?;
        Self::start(Box::new(FileOpener::new(dir, settings.cache_bytes)), settings)
    }

    fn start(opener: Box<dyn Opener>, settings: &Settings) -> Result<Self, OpenError> {
        let retry_after = settings.retry_after.max(MIN_RETRY);
        let settings = Settings { retry_after, ..settings.clone() };
        let (database, snapshot, standing) = merger::open(&*opener)?;
        let path = opener.path().to_owned();
        let failed = |source| OpenError::from_io(&path, source);
        let (journal, replayed) =
            Journal::open(opener.journal()?, standing.merged).map_err(failed)?;
        let ledger = replayed.ledger.unwrap_or(standing.ledger);
        let (merger_sender, generations) = mpsc::sync_channel(merger::WAITING);
        let merging = replayed.older.map(|(number, changes)| {
            let changes = Arc::new(changes);
            let generation = Generation { number, changes: Arc::clone(&changes), ledger };
            // Its receiver is here.
            let _ = merger_sender.send(generation);
            changes
        });
        let (recent, snapshot) = (replayed.newest, Ok(snapshot));
        let state = State { recent, merging, snapshot, ledger, merge_failure: None };
        let shared = Arc::new(Shared::new(state));
        let (attempted, attempts) = mpsc::sync_channel(1);
        let merger = Merger {
            opener,
            generations,
            attempts: attempted,
            shared: Arc::clone(&shared),
            retry_after,
            database: Some(database),
        };
        let thread = |name: &str| thread::Builder::new().name(name.into());
        let merging = thread("bindings-merger").spawn(move || merger.run()).map_err(failed)?;
        let (queue, jobs) = mpsc::sync_channel(settings.queue.max(1));
        let writer = Writer {
            jobs,
            shared: Arc::clone(&shared),
            settings,
            journal,
            merger: merger_sender,
            merging,
            attempts,
            failure: None,
            cursor: None,
            crowded: false,
        };
        let writer = thread("bindings-writer").spawn(move || writer.run()).map_err(failed)?;
        Ok(Self { shared, queue: Some(queue), writer: Some(writer) })
    }

    /// What the room did since it was opened.
    #[must_use]
    pub fn activity(&self) -> Activity {
        self.shared.activity()
    }

    fn submit(&self, job: Job) {
        let Some(queue) = &self.queue else {
            return job.refuse(StoreError::unavailable(Reason::Stopped));
        };
        match queue.try_send(job) {
            Ok(()) => {}
            Err(TrySendError::Full(job)) => job.refuse(StoreError::Overloaded),
            Err(TrySendError::Disconnected(job)) => {
                job.refuse(StoreError::unavailable(Reason::Stopped));
            }
        }
    }
}

impl Bindings for Embedded {
    fn bindings(&self, aor: &Aor) -> Result<BindingSet, StoreError> {
        self.shared.read(|state| state.bindings(aor))
    }

    fn commit(&self, commit: Commit, done: Reply<u64>) {
        self.submit(Job::commit(commit, done));
    }

    fn sweep(&self, now: Time, done: Reply<Swept>) {
        self.submit(Job::sweep(now, done));
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        Ok(self.shared.read(State::totals))
    }

    fn page(
        &self,
        after: Option<&Aor>,
        limit: usize,
    ) -> Result<Vec<(Aor, BindingSet)>, StoreError> {
        self.shared.read(|state| state.page(after, limit))
    }
}

impl Drop for Embedded {
    fn drop(&mut self) {
        drop(self.queue.take());
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has already left its replies to say so.
            drop(writer.join());
        }
    }
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("activity", &self.activity()).finish_non_exhaustive()
    }
}
