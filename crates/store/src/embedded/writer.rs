//! The thread that decides changes and makes them durable: a group of them with one write and one
//! sync. While that sync runs, the next group gathers.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use antiphon_core::time::Time;

use crate::embedded::Settings;
use crate::embedded::journal::Journal;
use crate::embedded::merger::Generation;
use crate::embedded::overlay::Overlay;
use crate::embedded::shared::{Counters, Draft, Shared, State, count};
use crate::record::{self, Cursor, Ledger};
use crate::{Commit, Reason, Reply, StoreError, Swept};

/// How many times as long as it is meant to be a generation of the journal becomes while the one
/// before it is brought into the database. Then changes wait, and when that fails they are refused.
const LONGEST: u64 = 4;

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
        changes: &mut Draft<'_>,
        ledger: &mut Ledger,
        cursor: &mut Cursor,
    ) -> Result<bool, Reason> {
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
    pub(super) jobs: Receiver<Job>,
    pub(super) shared: Arc<Shared>,
    pub(super) settings: Settings,
    pub(super) journal: Journal,
    /// Where full generations go, and the thread that takes them.
    pub(super) merger: SyncSender<Generation>,
    pub(super) merging: JoinHandle<()>,
    /// Hears of each attempt to bring one into the database.
    pub(super) attempts: Receiver<()>,
    /// The last failure, until a group is on disk again.
    pub(super) failure: Option<(Instant, Reason)>,
    pub(super) cursor: Cursor,
    /// Whether the last batch held more than one job, so that gathering the next one pays.
    pub(super) crowded: bool,
}

impl Writer {
    /// Works until nobody can send jobs any more, and leaves everything in the database.
    pub(super) fn run(mut self) {
        while let Ok(first) = self.jobs.recv() {
            let batch = self.gather(first);
            self.serve(batch);
            self.make_room();
        }
        self.shared.is_closing.store(true, Ordering::Release);
        self.hand_over();
        drop(self.merger);
        // If it panicked, the journal has what is missing in the database.
        drop(self.merging.join());
        self.shared.publish(Err(Reason::Stopped));
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
        if let Some((when, reason)) = self.failure
            && when.elapsed() < self.settings.retry_after
        {
            return refuse(batch, reason);
        }
        match self.write(&mut batch) {
            Ok(()) => batch.into_iter().for_each(|job| job.tell(&self.shared.counters)),
            Err(reason) => {
                count(&self.shared.counters.failures);
                self.failure = Some((Instant::now(), reason));
                refuse(batch, reason);
            }
        }
    }

    /// Decides all jobs, and has what they change on disk when it returns. Readers see the new
    /// state before anybody is told of it, so that whoever was told reads what it wrote.
    fn write(&mut self, batch: &mut [Job]) -> Result<(), Reason> {
        let mut cursor = self.cursor.clone();
        let decided = self.shared.read(|state| decide(state, &mut cursor, batch))?;
        if let Some((changes, ledger)) = decided {
            if self.journal.length() >= LONGEST * self.settings.journal_bytes {
                self.wait_for_room()?;
            }
            self.journal.append(&changes, &ledger)?;
            self.shared.change(|state| {
                state.recent.extend(changes);
                state.ledger = ledger;
            });
            count(&self.shared.counters.transactions);
            self.failure = None;
        }
        self.cursor = cursor;
        Ok(())
    }

    /// Waits until the generation before is in the database, or that has failed.
    fn wait_for_room(&mut self) -> Result<(), Reason> {
        while let Some(failure) = self.shared.read(State::merge_failure) {
            if let Some(reason) = failure {
                return Err(reason);
            }
            if let Err(RecvTimeoutError::Disconnected) =
                self.attempts.recv_timeout(self.settings.retry_after)
            {
                return Err(Reason::Stopped);
            }
        }
        self.hand_over();
        Ok(())
    }

    /// Begins another generation when this one is full and the one before is in the database.
    fn make_room(&mut self) {
        if self.journal.length() >= self.settings.journal_bytes
            && self.shared.read(|state| state.merging.is_none())
        {
            self.hand_over();
        }
    }

    fn hand_over(&mut self) {
        let generation = self.journal.generation();
        if self.shared.read(|state| state.recent.is_empty()) || self.journal.rotate().is_err() {
            return;
        }
        let (changes, ledger) = self.shared.change(|state| {
            let changes = Arc::new(std::mem::take(&mut state.recent));
            state.merging = Some(Arc::clone(&changes));
            (changes, state.ledger)
        });
        // The merger ends after this thread.
        let _ = self.merger.send(Generation { number: generation, changes, ledger });
    }
}

/// Decides all jobs. Gives what they change and the ledger after it, or none if nothing changes
/// and there is nothing to write.
fn decide(
    state: &State,
    cursor: &mut Cursor,
    batch: &mut [Job],
) -> Result<Option<(Overlay, Ledger)>, Reason> {
    let mut draft = Draft::new(state);
    let mut ledger = state.ledger;
    let mut changed = false;
    for job in batch {
        changed |= job.decide(&mut draft, &mut ledger, cursor)?;
    }
    Ok((changed && !draft.changes.is_empty()).then_some((draft.changes, ledger)))
}
