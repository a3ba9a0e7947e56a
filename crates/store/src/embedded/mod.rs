//! The room on disk: an embedded database in the data directory, written by one thread.
//!
//! Reading goes to a snapshot of the last commit, on the caller's thread. Changes go through a
//! bounded queue to the writer, which makes one transaction of all that wait, with one commit to
//! disk, and then answers them all.

pub(crate) mod database;
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
use shared::Shared;
use writer::{Job, Writer};

pub use shared::Activity;

/// The name of the file in the data directory.
const FILE: &str = "bindings.redb";

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
    /// How many changes one transaction takes at most. Default 1,024. At least 1.
    pub batch: usize,
    /// How long the writer gathers changes when more than one comes at a time. A transaction costs
    /// a fixed amount of work and two syncs, so sharing it saves most of the cost under load; one
    /// change that comes alone never waits. Default 10 ms, far below what a client notices or
    /// sends a request again for (RFC 3261 §17.1.2.2: T1, 500 ms).
    pub gather: Duration,
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
            gather: Duration::from_millis(10),
            retry_after: Duration::from_millis(250),
        }
    }
}

/// Bindings in an embedded database. An `Ok` to a commit means that it is on disk.
///
/// The directory belongs to one process at a time. Dropping the room writes what waits and closes
/// the file.
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
        Self::start(Box::new(FileOpener::new(dir.join(FILE), settings.cache_bytes)), settings)
    }

    fn start(opener: Box<dyn Opener>, settings: &Settings) -> Result<Self, OpenError> {
        let (queue, jobs) = mpsc::sync_channel(settings.queue.max(1));
        let shared = Arc::new(Shared::default());
        let settings =
            Settings { retry_after: settings.retry_after.max(MIN_RETRY), ..settings.clone() };
        let writer = Writer::open(opener, jobs, Arc::clone(&shared), settings)?;
        let writer = thread::Builder::new()
            .name("bindings-writer".into())
            .spawn(move || writer.run())
            .map_err(|source| OpenError::from_io(Path::new(FILE), source))?;
        Ok(Self { shared, queue: Some(queue), writer: Some(writer) })
    }

    /// What the writer did since the room was opened.
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
        self.shared.read(|snapshot| snapshot.bindings(aor))
    }

    fn commit(&self, commit: Commit, done: Reply<u64>) {
        self.submit(Job::commit(commit, done));
    }

    fn sweep(&self, now: Time, done: Reply<Swept>) {
        self.submit(Job::sweep(now, done));
    }

    fn totals(&self) -> Result<Totals, StoreError> {
        self.shared.read(database::Snapshot::totals)
    }

    fn page(
        &self,
        after: Option<&Aor>,
        limit: usize,
    ) -> Result<Vec<(Aor, BindingSet)>, StoreError> {
        self.shared.read(|snapshot| snapshot.page(after, limit))
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
