//! The thread that brings full generations of the journal into the database, behind everybody's
//! back: nobody waits for it.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::{Duration, Instant};

use redb::Database;

use super::database::{self, Opener, Snapshot, Standing};
use super::overlay::Overlay;
use super::shared::{Shared, count};
use crate::record::Ledger;
use crate::{OpenError, Reason};

/// Records that one transaction brings into the database: some milliseconds of work.
const SLICE: usize = 1024;

/// The longest rest between two transactions. It rests as long as the last one took, so that it
/// has half of the disk and of a processor at most.
const LONGEST_REST: Duration = Duration::from_millis(100);

/// Generations that wait for the merger: the writer begins another one only when the one before is
/// in the database, so that it never waits to hand one over.
pub(super) const WAITING: usize = 1;

/// A generation of the journal that is full.
#[derive(Debug)]
pub(super) struct Generation {
    pub(super) number: u64,
    pub(super) changes: Arc<Overlay>,
    /// What is to be said of the database when it has them.
    pub(super) ledger: Ledger,
}

pub(super) struct Merger {
    pub(super) opener: Box<dyn Opener>,
    pub(super) generations: Receiver<Generation>,
    /// Where it tells of each attempt; one that waits to be heard of is enough.
    pub(super) attempts: SyncSender<()>,
    pub(super) shared: Arc<Shared>,
    pub(super) retry_after: Duration,
    /// The database; none after a failure, until it could be opened anew.
    pub(super) database: Option<Database>,
}

impl Merger {
    /// Works until no generation can come any more.
    pub(super) fn run(mut self) {
        while let Some(generation) = self.next() {
            if !self.bring(&generation) {
                // A later one without this one would hide it.
                return;
            }
        }
        drop(self.database.take());
        if self.shared.read(|state| state.recent.is_empty()) {
            self.opener.remove_journal();
        }
    }

    /// Waits for a generation; while there is no database it is opened now and then, so that
    /// readers get it back although nobody writes.
    fn next(&mut self) -> Option<Generation> {
        loop {
            if self.database.is_some() {
                return self.generations.recv().ok();
            }
            match self.generations.recv_timeout(self.retry_after) {
                Ok(generation) => return Some(generation),
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.reopen(),
            }
        }
    }

    /// Tries until the generation is in the database, but only once when the room is being closed:
    /// the journal keeps it. Whether it is.
    fn bring(&mut self, generation: &Generation) -> bool {
        loop {
            let merged = self.merge(generation);
            let is_merged = merged.is_ok();
            match merged {
                Ok(()) => {
                    self.shared.change(|state| {
                        (state.merging, state.merge_failure) = (None, None);
                    });
                    count(&self.shared.counters.merges);
                }
                Err(reason) => self.fail(reason),
            }
            let _ = self.attempts.try_send(());
            if is_merged {
                return true;
            }
            if self.is_closing() {
                return false;
            }
            thread::sleep(self.retry_after);
        }
    }

    fn merge(&mut self, generation: &Generation) -> Result<(), Reason> {
        if self.database.is_none() {
            self.reopen();
        }
        let database = self.database.as_ref().ok_or(Reason::Stopped)?;
        let mut changes = generation.changes.after(None);
        let standing = Standing { ledger: generation.ledger, merged: generation.number };
        let slices = generation.changes.len().div_ceil(SLICE);
        for slice in 1..=slices {
            let begun = Instant::now();
            let is_last = slice == slices;
            let snapshot = database::merge(
                database,
                changes.by_ref().take(SLICE),
                is_last.then_some(standing),
            )?;
            // Published each time: an old snapshot would keep its pages from being used again.
            self.shared.publish(Ok(snapshot));
            if !is_last && !self.is_closing() {
                thread::sleep(begun.elapsed().min(LONGEST_REST));
            }
        }
        Ok(())
    }

    /// After a failure the database refuses all work until it is opened anew. That is done at
    /// once, for the readers: what was committed is still there.
    fn fail(&mut self, reason: Reason) {
        count(&self.shared.counters.failures);
        self.shared.change(|state| state.merge_failure = Some(reason));
        if self.database.take().is_some() {
            self.shared.publish(Err(reason));
            self.reopen();
        }
    }

    fn reopen(&mut self) {
        match open(&*self.opener) {
            Ok((database, snapshot, _)) => {
                self.shared.publish(Ok(snapshot));
                self.database = Some(database);
                count(&self.shared.counters.reopenings);
            }
            Err(error) => self.shared.publish(Err(error.reason())),
        }
    }

    fn is_closing(&self) -> bool {
        self.shared.is_closing.load(Ordering::Acquire)
    }
}

/// Opens the database.
pub(super) fn open(opener: &dyn Opener) -> Result<(Database, Snapshot, Standing), OpenError> {
    let path = opener.path();
    database::sound(path, || {
        let database = opener.open()?;
        let (snapshot, standing) =
            Snapshot::first(&database).map_err(|error| OpenError::from_database(path, error))?;
        Ok((database, snapshot, standing))
    })
}
