//! Changing accounts, from the command line and from a server's console.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use antiphon_core::auth::Ha1Set;
use redb::{Database, ReadableTable as _, Table};

use super::table::{self, ACCOUNTS, CACHE_BYTES, GONE};
use super::{Account, AccountError, Subscriber, file, lower_case};
use crate::embedded::database;
use crate::files;

/// How long a command waits for another one that holds the file, or for a server that reads it:
/// both take milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);

/// How often it looks again meanwhile.
const PAUSE: Duration = Duration::from_millis(10);

/// Far more than any name takes, and little enough for a row to stay small.
const MAX_NAME: usize = 255;

/// The accounts in a data directory, for changing them. The file is held only while a method runs,
/// so that a command works beside a running server. The methods wait for the disk, and for a short
/// time for each other: they are not for a server's hot path.
#[derive(Debug, Clone)]
pub struct Accounts {
    dir: PathBuf,
    path: PathBuf,
    patience: Duration,
}

/// The tables that a change is made in.
struct Rows<'a> {
    there: Table<'a, (&'static str, &'static str), &'static [u8]>,
    gone: Table<'a, (&'static str, &'static str), ()>,
}

impl Accounts {
    /// The accounts in the data directory `dir`. Touches nothing yet.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned(), path: file::path(dir), patience: PATIENCE }
    }

    /// Sets how long a method waits while somebody else holds the file. Default 2 s.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Adds an account. It is on disk when this returns.
    ///
    /// # Errors
    ///
    /// [`AccountError::Exists`], [`AccountError::InvalidName`], and those of the file.
    pub fn add(&self, account: &Account) -> Result<(), AccountError> {
        self.add_all(std::slice::from_ref(account))
    }

    /// Adds several accounts with one write to the disk, or none of them.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add), for the first that cannot be added.
    pub fn add_all(&self, accounts: &[Account]) -> Result<(), AccountError> {
        accounts.iter().try_for_each(check)?;
        self.change(|rows| {
            for account in accounts {
                let domain = lower_case(&account.domain);
                let key = (&*domain, &*account.user);
                if rows.there.get(key).map_err(redb::Error::from)?.is_some() {
                    return Err(AccountError::Exists);
                }
                put(rows, key, &account.subscriber)?;
                rows.gone.remove(key).map_err(redb::Error::from)?;
            }
            Ok(())
        })
    }

    /// Gives an account other HA1 values: a new password. The realm stays.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unknown`], and those of the file.
    pub fn set_ha1(&self, user: &str, domain: &str, ha1: Ha1Set) -> Result<(), AccountError> {
        self.change(|rows| {
            let domain = lower_case(domain);
            let key = (&*domain, user);
            let realm = stored(rows, key)?.ok_or(AccountError::Unknown)?.realm;
            put(rows, key, &Subscriber { realm, ha1 })
        })
    }

    /// Removes an account. A server takes its bindings away as soon as it reads the file.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unknown`], and those of the file.
    pub fn remove(&self, user: &str, domain: &str) -> Result<(), AccountError> {
        self.change(|rows| {
            let key = (&*lower_case(domain), user);
            let removed = rows.there.remove(key).map_err(redb::Error::from)?.is_some();
            if !removed {
                return Err(AccountError::Unknown);
            }
            rows.gone.insert(key, ()).map_err(redb::Error::from)?;
            Ok(())
        })
    }

    /// The account of this name, with the realm that a new password is to be hashed with.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unknown`], and those of the file.
    pub fn account(&self, user: &str, domain: &str) -> Result<Account, AccountError> {
        let domain = lower_case(domain);
        let found = self.list()?.into_iter().find(|a| *a.user == *user && *a.domain == *domain);
        found.ok_or(AccountError::Unknown)
    }

    /// All accounts, by domain and user; none if there is no file yet.
    ///
    /// # Errors
    ///
    /// Those of the file.
    pub fn list(&self) -> Result<Vec<Account>, AccountError> {
        Ok(self.patiently(|| file::load(&self.path))?.accounts)
    }

    /// Makes a change and commits it, unless `change` fails.
    fn change(
        &self,
        change: impl FnOnce(&mut Rows<'_>) -> Result<(), AccountError>,
    ) -> Result<(), AccountError> {
        files::prepare(&self.dir)?;
        let database = self.patiently(|| {
            let open = || database::open_file(&self.path, CACHE_BYTES);
            database::sound(&self.path, open).map_err(AccountError::from)
        })?;
        let outcome = commit(&database, change);
        let closed = database.close().map_err(|error| AccountError::from(redb::Error::from(error)));
        outcome.and(closed)
    }

    /// Does what needs the file, again and again while somebody else holds it.
    fn patiently<T>(
        &self,
        attempt: impl Fn() -> Result<T, AccountError>,
    ) -> Result<T, AccountError> {
        let deadline = Instant::now() + self.patience;
        loop {
            match attempt() {
                Err(AccountError::Busy) if Instant::now() < deadline => thread::sleep(PAUSE),
                outcome => return outcome,
            }
        }
    }
}

fn commit(
    database: &Database,
    change: impl FnOnce(&mut Rows<'_>) -> Result<(), AccountError>,
) -> Result<(), AccountError> {
    let transaction = database::begin_write(database)?;
    change(&mut Rows {
        there: transaction.open_table(ACCOUNTS).map_err(redb::Error::from)?,
        gone: transaction.open_table(GONE).map_err(redb::Error::from)?,
    })?;
    transaction.commit().map_err(redb::Error::from)?;
    Ok(())
}

fn stored(rows: &Rows<'_>, key: (&str, &str)) -> Result<Option<Subscriber>, AccountError> {
    let row = rows.there.get(key).map_err(redb::Error::from)?;
    Ok(row.and_then(|row| table::decode(row.value())))
}

fn put(
    rows: &mut Rows<'_>,
    key: (&str, &str),
    subscriber: &Subscriber,
) -> Result<(), AccountError> {
    rows.there.insert(key, &*table::encode(subscriber)).map_err(redb::Error::from)?;
    Ok(())
}

fn check(account: &Account) -> Result<(), AccountError> {
    let names = [&account.user, &account.domain, &account.subscriber.realm];
    let sound = names.iter().all(|name| {
        !name.is_empty() && name.len() <= MAX_NAME && !name.chars().any(char::is_control)
    });
    // A user with a colon would have the HA1 of another user and realm (RFC 7616 §3.4.2 joins
    // them with colons); the other characters would make USER@DOMAIN unreadable.
    let user = !account.user.contains([':', ' ']);
    let domain = !account.domain.contains(['@', ' ']);
    if sound && user && domain { Ok(()) } else { Err(AccountError::InvalidName) }
}
