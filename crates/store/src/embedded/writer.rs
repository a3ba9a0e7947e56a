//! The one thread that writes.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::thread;
use std::time::Instant;

use antiphon_core::time::Time;
use redb::Database;

use crate::embedded::Settings;
use crate::embedded::database::{self, Changes, Opener, Snapshot};
use crate::embedded::shared::{Counters, Shared, count};
use crate::record::{self, Cursor, Ledger};
use crate::{Commit, OpenError, Reason, Reply, StoreError, Swept};

/// What the writer is asked to do. The outcome is written down when it is decided, and told only
/// when the transaction is on disk.
#[derive(Debug)]
pub(super) enum Job {
    Commit { change: Commit, done: Reply<u64>, outcome: Result<u64, StoreError> },
    Sweep { now: Time, done: Reply<Swept>, outcome: Result<Swept, StoreError> },
}

impl Job {
    pub(super) fn commit(change: Commit, done: Reply<u64>) -> Self {
        Self::Commit { change, done, outcome: Err(UNDECIDED) }
    }

    pub(super) fn sweep(now: Time, done: Reply<Swept>) -> Self {
        Self::Sweep { now, done, outcome: Err(UNDECIDED) }
    }

    pub(super) fn refuse(self, error: StoreError) {
        match self {
            Self::Commit { done, .. } => done.send(Err(error)),
            Self::Sweep { done, .. } => done.send(Err(error)),
        }
    }

    /// Decides the job and says whether that changes anything.
    fn decide(
        &mut self,
        changes: &mut Changes<'_>,
        ledger: &mut Ledger,
        cursor: &mut Cursor,
    ) -> Result<bool, redb::Error> {
        match self {
            Self::Commit { change, outcome, .. } => {
                *outcome = record::commit(changes, ledger, change)?;
                Ok(outcome.is_ok())
            }
            Self::Sweep { now, outcome, .. } => {
                let swept = record::sweep(changes, ledger, cursor, *now)?;
                *outcome = Ok(swept);
                Ok(swept.removed > 0)
            }
        }
    }

    fn tell(self, counters: &Counters) {
        match self {
            Self::Commit { done, outcome, .. } => {
                match &outcome {
                    Ok(_) => count(&counters.commits),
                    Err(StoreError::Conflict { .. }) => count(&counters.conflicts),
                    Err(_) => {}
                }
                done.send(outcome);
            }
            Self::Sweep { done, outcome, .. } => done.send(outcome),
        }
    }
}

const UNDECIDED: StoreError = StoreError::unavailable(Reason::Stopped);

fn refuse(batch: Vec<Job>, reason: Reason) {
    batch.into_iter().for_each(|job| job.refuse(StoreError::unavailable(reason)));
}

pub(super) struct Writer {
    opener: Box<dyn Opener>,
    jobs: Receiver<Job>,
    shared: Arc<Shared>,
    settings: Settings,
    /// The database; none after a failure, until it could be opened anew.
    database: Option<Database>,
    /// The last failure, until a transaction succeeds again.
    failure: Option<(Instant, Reason)>,
    cursor: Cursor,
    /// Whether the last batch held more than one job, so that gathering the next one pays.
    crowded: bool,
}

impl Writer {
    pub(super) fn open(
        opener: Box<dyn Opener>,
        jobs: Receiver<Job>,
        shared: Arc<Shared>,
        settings: Settings,
    ) -> Result<Self, OpenError> {
        let (database, snapshot) = open(&*opener)?;
        shared.publish(Ok(snapshot));
        Ok(Self {
            opener,
            jobs,
            shared,
            settings,
            database: Some(database),
            failure: None,
            cursor: None,
            crowded: false,
        })
    }

    /// Works until nobody can send jobs any more.
    pub(super) fn run(mut self) {
        loop {
            match self.next() {
                Ok(first) => {
                    let batch = self.gather(first);
                    self.serve(batch);
                }
                Err(RecvTimeoutError::Timeout) => self.reopen(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.shared.publish(Err(Reason::Stopped));
    }

    /// Waits for a job; while there is no database, only until it is to be tried again, so that
    /// readers get it back although nobody writes.
    fn next(&self) -> Result<Job, RecvTimeoutError> {
        if self.database.is_some() {
            return self.jobs.recv().map_err(|_| RecvTimeoutError::Disconnected);
        }
        self.jobs.recv_timeout(self.settings.retry_after)
    }

    fn gather(&mut self, first: Job) -> Vec<Job> {
        let mut batch = vec![first];
        self.take_waiting(&mut batch);
        if (self.crowded || batch.len() > 1) && self.failure.is_none() {
            // Not a wait for the next job: being woken for each would cost more than it saves.
            thread::sleep(self.settings.gather);
            self.take_waiting(&mut batch);
        }
        self.crowded = batch.len() > 1;
        batch
    }

    fn take_waiting(&self, batch: &mut Vec<Job>) {
        while batch.len() < self.settings.batch {
            match self.jobs.try_recv() {
                Ok(job) => batch.push(job),
                Err(_) => break,
            }
        }
    }

    fn serve(&mut self, mut batch: Vec<Job>) {
        if let Some((when, reason)) = self.failure {
            if when.elapsed() < self.settings.retry_after {
                return refuse(batch, reason);
            }
            if self.database.is_none() {
                self.reopen();
            }
        }
        let Some(database) = &self.database else {
            let reason = self.failure.map_or(Reason::Stopped, |(_, reason)| reason);
            return refuse(batch, reason);
        };
        match transact(database, &mut self.cursor, &mut batch) {
            Ok(snapshot) => self.succeed(snapshot, batch),
            Err(error) => {
                let reason = Reason::from(error);
                self.fail(reason);
                refuse(batch, reason);
            }
        }
    }

    /// Shows readers the new state before anybody is told of it, so that whoever was told reads
    /// what it wrote.
    fn succeed(&mut self, snapshot: Option<Snapshot>, batch: Vec<Job>) {
        if let Some(snapshot) = snapshot {
            self.shared.publish(Ok(snapshot));
            count(&self.shared.counters.transactions);
            self.failure = None;
        }
        batch.into_iter().for_each(|job| job.tell(&self.shared.counters));
    }

    /// After a failure the database refuses all work until it is opened anew. That is done at
    /// once, for the readers: what was committed is still there. Writing is tried again later.
    fn fail(&mut self, reason: Reason) {
        count(&self.shared.counters.failures);
        self.failure = Some((Instant::now(), reason));
        self.shared.publish(Err(reason));
        self.database = None;
        self.reopen();
    }

    fn reopen(&mut self) {
        match open(&*self.opener) {
            Ok((database, snapshot)) => {
                self.shared.publish(Ok(snapshot));
                self.database = Some(database);
                count(&self.shared.counters.reopenings);
            }
            Err(error) => {
                let reason = error.reason();
                self.failure = Some((Instant::now(), reason));
                self.shared.publish(Err(reason));
            }
        }
    }
}

fn open(opener: &dyn Opener) -> Result<(Database, Snapshot), OpenError> {
    let path = opener.path();
    database::sound(path, || {
        let database = opener.open()?;
        let snapshot =
            Snapshot::first(&database).map_err(|error| OpenError::from_database(path, error))?;
        Ok((database, snapshot))
    })
}

/// Decides all jobs in one transaction and commits it. Gives the state after it, or none if nothing
/// changed and there was nothing to commit.
fn transact(
    database: &Database,
    cursor: &mut Cursor,
    batch: &mut [Job],
) -> Result<Option<Snapshot>, redb::Error> {
    let transaction = database::begin_write(database)?;
    let mut next = cursor.clone();
    let changed = decide(&mut Changes::begin(&transaction)?, &mut next, batch)?;
    let snapshot = if changed {
        transaction.commit()?;
        Some(Snapshot::last(database)?)
    } else {
        transaction.abort()?;
        None
    };
    *cursor = next;
    Ok(snapshot)
}

fn decide(
    changes: &mut Changes<'_>,
    cursor: &mut Cursor,
    batch: &mut [Job],
) -> Result<bool, redb::Error> {
    let mut ledger = changes.ledger()?;
    let mut changed = false;
    for job in batch {
        changed |= job.decide(changes, &mut ledger, cursor)?;
    }
    if changed {
        changes.set_ledger(&ledger)?;
    }
    Ok(changed)
}
