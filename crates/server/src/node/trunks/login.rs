//! The account of this server at a trunk.

use std::fmt;

use antiphon_core::auth::Account;
use antiphon_core::auth::client::{Client, Settings};

use crate::config::{SecretError, TrunkCredentials};

/// A user name with its password, taken from where the configuration says that it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    username: Box<str>,
    password: Box<str>,
    realm: Option<Box<str>>,
}

impl Login {
    /// Reads the password from the file or the variable that holds it.
    ///
    /// # Errors
    /// When it is not there.
    pub fn of(credentials: &TrunkCredentials) -> Result<Self, SecretError> {
        Ok(Self {
            username: credentials.username.clone(),
            password: credentials.password.reveal()?.into(),
            realm: credentials.realm.clone(),
        })
    }

    /// What answers challenges with it. It remembers the best algorithm of each realm, and takes
    /// nothing weaker afterwards (RFC 8760 §3).
    pub(super) fn wallet(&self) -> Client {
        let Self { username, password, realm } = self;
        let realm = realm.as_deref().map(str::to_owned);
        let account = Account::with_password(realm, username.to_string(), password.to_string());
        Client::new(Settings::default(), vec![account])
    }
}

/// The password is never shown.
impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}
