//! The table of accounts, and the form of a row.
//!
//! ```text
//! key:    domain, user
//! value:  1 byte    format, 1
//!         16 bytes  HA1 with MD5
//!         32 bytes  HA1 with SHA-256
//!         32 bytes  HA1 with SHA-512/256
//!         the rest  realm, UTF-8
//! ```

use antiphon_core::auth::Ha1Set;
use redb::{ReadableTable, TableDefinition};

use super::{Account, AccountError, Gone, Subscriber};
use crate::Reason;

pub(super) const ACCOUNTS: TableDefinition<'static, (&str, &str), &[u8]> =
    TableDefinition::new("accounts");

/// Accounts that were removed and not added again, by the same key: a server takes their bindings
/// away, also one that did not run at the time.
pub(super) const GONE: TableDefinition<'static, (&str, &str), ()> = TableDefinition::new("gone");

/// Accounts are few and rarely touched: no need for much memory.
pub(super) const CACHE_BYTES: usize = 1 << 20;

const FORMAT: u8 = 1;

pub(super) fn encode(subscriber: &Subscriber) -> Vec<u8> {
    let Ha1Set { md5, sha256, sha512_256 } = &subscriber.ha1;
    [&[FORMAT][..], md5, sha256, sha512_256, subscriber.realm.as_bytes()].concat()
}

/// A subscriber from its row; none if the row is not one that [`encode`] wrote.
pub(super) fn decode(row: &[u8]) -> Option<Subscriber> {
    let (&[format], row) = row.split_first_chunk()?;
    let (md5, row) = row.split_first_chunk()?;
    let (sha256, row) = row.split_first_chunk()?;
    let (sha512_256, realm) = row.split_first_chunk()?;
    let realm = std::str::from_utf8(realm).ok()?.into();
    let ha1 = Ha1Set { md5: *md5, sha256: *sha256, sha512_256: *sha512_256 };
    (format == FORMAT).then_some(Subscriber { realm, ha1 })
}

/// All accounts, by domain and user.
pub(super) fn list(
    table: &impl ReadableTable<(&'static str, &'static str), &'static [u8]>,
) -> Result<Vec<Account>, AccountError> {
    let mut accounts = Vec::new();
    for row in table.iter().map_err(redb::Error::from)? {
        let (key, value) = row.map_err(redb::Error::from)?;
        let (domain, user) = key.value();
        let subscriber = decode(value.value()).ok_or(AccountError::Failed(Reason::Corrupt))?;
        accounts.push(Account { user: user.into(), domain: domain.into(), subscriber });
    }
    Ok(accounts)
}

/// All accounts that were removed.
pub(super) fn gone(
    table: &impl ReadableTable<(&'static str, &'static str), ()>,
) -> Result<Vec<Gone>, AccountError> {
    let mut gone = Vec::new();
    for row in table.iter().map_err(redb::Error::from)? {
        let (key, ()) = row.map(|(key, value)| (key, value.value())).map_err(redb::Error::from)?;
        let (domain, user) = key.value();
        gone.push(Gone { user: user.into(), domain: domain.into() });
    }
    Ok(gone)
}
