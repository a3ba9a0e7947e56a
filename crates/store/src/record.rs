//! What a change does to the records of a location service: the same for every room.

use antiphon_core::registrar::Aor;
use antiphon_core::time::Time;

use crate::codec::{self, Garbled, Head};
use crate::{Commit, StoreError, Swept};

/// How many addresses-of-record one sweep looks at: some milliseconds of work, so that commits
/// wait no longer than that behind it.
pub(crate) const SWEEP_SLICE: usize = 4096;

/// The records of a room, by the text of the address-of-record, open for changing.
pub(crate) trait Records {
    /// What the room itself can fail with.
    type Error;

    /// Shows the record of `aor` to `look`.
    fn look<R>(&self, aor: &str, look: impl FnOnce(Option<&[u8]>) -> R) -> Result<R, Self::Error>;

    fn put(&mut self, aor: &str, record: &[u8]) -> Result<(), Self::Error>;

    fn remove(&mut self, aor: &str) -> Result<(), Self::Error>;

    /// Shows at most `limit` records after `after`, in order.
    fn scan(
        &self,
        after: Option<&str>,
        limit: usize,
        look: impl FnMut(&str, &[u8]),
    ) -> Result<(), Self::Error>;
}

/// What is kept beside the records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Ledger {
    /// The highest version that a removed record had. A new record begins above it: a version that
    /// somebody still remembers must never come to mean another set.
    pub(crate) floor: u64,
    /// All bindings of all records.
    pub(crate) bindings: u64,
    /// All records.
    pub(crate) aors: u64,
}

impl Ledger {
    fn count(&mut self, before: u64, after: u64) {
        self.bindings = self.bindings.saturating_sub(before).saturating_add(after);
    }
}

/// Where the next sweep goes on.
pub(crate) type Cursor = Option<Box<str>>;

/// Makes a change, if its expected version is the stored one. The outer error is the room's, the
/// inner one the caller's.
pub(crate) fn commit<T: Records>(
    records: &mut T,
    ledger: &mut Ledger,
    change: &Commit,
) -> Result<Result<u64, StoreError>, T::Error> {
    let aor = change.aor.as_str();
    let stored = match records.look(aor, |record| record.map(codec::head).transpose())? {
        Ok(stored) => stored,
        Err(Garbled) => return Ok(Err(StoreError::Damaged { aor: change.aor.clone() })),
    };
    let current = stored.map_or(0, |head| head.version);
    if current != change.expected_version {
        return Ok(Err(StoreError::Conflict { current }));
    }
    let before = stored.map_or(0, |head| head.count);
    ledger.count(before, change.bindings.len() as u64);
    if change.bindings.is_empty() {
        remove(records, ledger, aor, stored)?;
        return Ok(Ok(0));
    }
    let version = stored.map_or(ledger.floor, |head| head.version).saturating_add(1);
    ledger.aors += u64::from(stored.is_none());
    records.put(aor, &codec::encode(version, &change.bindings))?;
    Ok(Ok(version))
}

/// Takes away what ended in the next slice of records. A record that cannot be read is left as it
/// is: the error belongs to whoever asks for it.
pub(crate) fn sweep<T: Records>(
    records: &mut T,
    ledger: &mut Ledger,
    cursor: &mut Cursor,
    now: Time,
) -> Result<Swept, T::Error> {
    let mut swept = Swept::default();
    let mut due = Vec::new();
    let mut last: Cursor = None;
    records.scan(cursor.as_deref(), SWEEP_SLICE, |aor, record| {
        swept.examined += 1;
        last = Some(aor.into());
        if codec::head(record).is_ok_and(|head| head.earliest <= now) {
            due.push(Aor::from_canonical(aor));
        }
    })?;
    for aor in due {
        swept.removed += expire(records, ledger, aor.as_str(), now)?;
    }
    swept.finished = swept.examined < SWEEP_SLICE as u64;
    *cursor = if swept.finished { None } else { last };
    Ok(swept)
}

/// Takes away what ended of one record and says how many that were.
fn expire<T: Records>(
    records: &mut T,
    ledger: &mut Ledger,
    aor: &str,
    now: Time,
) -> Result<u64, T::Error> {
    let Some(Ok(set)) = records.look(aor, |record| record.map(codec::decode))? else {
        return Ok(0);
    };
    let before = set.bindings.len() as u64;
    let live: Vec<_> = set.live(now).cloned().collect();
    let after = live.len() as u64;
    ledger.count(before, after);
    if live.is_empty() {
        let head = Head { version: set.version, earliest: now, count: before };
        remove(records, ledger, aor, Some(head))?;
    } else {
        records.put(aor, &codec::encode(set.version.saturating_add(1), &live))?;
    }
    Ok(before.saturating_sub(after))
}

fn remove<T: Records>(
    records: &mut T,
    ledger: &mut Ledger,
    aor: &str,
    stored: Option<Head>,
) -> Result<(), T::Error> {
    let Some(head) = stored else { return Ok(()) };
    ledger.floor = ledger.floor.max(head.version);
    ledger.aors = ledger.aors.saturating_sub(1);
    records.remove(aor)
}
