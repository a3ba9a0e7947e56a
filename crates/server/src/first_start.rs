//! The first start: a data directory without accounts gets two, so that two phones can be tried
//! out at once.

use std::path::Path;

use antiphon_core::auth::Ha1Set;
use antiphon_store::{Account, AccountError, Accounts};

/// An account that was just made. The password is kept nowhere: only what can be computed from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAccount {
    /// The user.
    pub user: String,
    /// The domain.
    pub domain: String,
    /// The password, to be shown once.
    pub password: String,
}

/// Makes the two accounts if the directory has none yet.
pub(crate) fn accounts(directory: &Path, domain: &str) -> Result<Vec<NewAccount>, AccountError> {
    let store = Accounts::at(directory);
    if !store.list()?.is_empty() {
        return Ok(Vec::new());
    }
    let (mut accounts, mut made) = (Vec::new(), Vec::new());
    for user in ["alice", "bob"] {
        let Some(password) = password() else { continue };
        let ha1 = Ha1Set::compute(user, &domain.to_ascii_lowercase(), &password);
        accounts.push(Account::new(user, domain, ha1));
        made.push(NewAccount { user: user.to_owned(), domain: domain.to_owned(), password });
    }
    store.add_all(&accounts)?;
    Ok(made)
}

/// A password of sixteen characters without look-alikes: 80 bits, easy to type into a phone.
/// `None` when the system gives no random numbers.
#[must_use]
pub fn password() -> Option<String> {
    const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    let mut octets = [0; 16];
    getrandom::fill(&mut octets).ok()?;
    let letter = |octet: &u8| LETTERS.get(usize::from(octet % 32)).copied().map_or('x', char::from);
    Some(octets.iter().map(letter).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_made_once() {
        let directory = tempfile::tempdir().unwrap();
        let made = accounts(directory.path(), "127.0.0.1").unwrap();
        let users: Vec<_> = made.iter().map(|account| account.user.as_str()).collect();
        assert_eq!(users, ["alice", "bob"]);
        assert_ne!(made[0].password, made[1].password);
        assert_eq!(accounts(directory.path(), "127.0.0.1").unwrap(), []);
    }
}
