//! Whose credentials a client has.

use std::fmt;

use crate::auth::digest::Ha1Set;

/// A user name with its secret.
#[derive(Clone)]
pub struct Account {
    realm: Option<String>,
    username: String,
    password: String,
}

impl Account {
    /// An account with a password; without a realm it serves for every realm that no other
    /// account is for. The caller then sees to it that only challenges of servers the person
    /// chose get here: a digest is something to guess the password with.
    #[must_use]
    pub const fn with_password(realm: Option<String>, username: String, password: String) -> Self {
        Self { realm, username, password }
    }

    pub(super) fn username(&self) -> &str {
        &self.username
    }

    /// The realm it is for; `None` if it serves for every realm that no other account is for.
    #[must_use]
    pub fn realm(&self) -> Option<&str> {
        self.realm.as_deref()
    }

    /// Whether it is for this realm and no other.
    pub(super) fn is_for(&self, realm: &str) -> bool {
        self.realm.as_deref() == Some(realm)
    }

    /// Whether it is for any realm.
    pub(super) const fn is_for_any(&self) -> bool {
        self.realm.is_none()
    }

    pub(super) fn ha1(&self, realm: &str) -> Ha1Set {
        Ha1Set::compute(&self.username, realm, &self.password)
    }
}

impl fmt::Debug for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Account")
            .field("realm", &self.realm)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}
