//! Subscribers: who may authenticate, and with what (RFC 7616 §3.4.2, RFC 8760).

mod accounts;
mod error;
mod file;
mod table;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::collections::HashMap;

use antiphon_core::auth::Ha1Set;

pub use accounts::Accounts;
pub use error::AccountError;
pub use file::{Refreshed, SubscriberFile};

/// What authentication asks of a store: the HA1 values of a user.
pub trait Subscribers: Send + Sync {
    /// The subscriber of this name in this domain. The name is matched letter by letter, the
    /// domain whatever the case of its letters. Answers from memory.
    fn subscriber(&self, user: &str, domain: &str) -> Option<Subscriber>;
}

/// What is known of a subscriber.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// The realm that `ha1` was computed for: with another one it is worth nothing.
    pub realm: Box<str>,
    /// `H(user ":" realm ":" password)` for each algorithm. As good as the password within the
    /// realm, which is why the files are their owner's alone.
    pub ha1: Ha1Set,
}

/// The name of an account that is no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gone {
    /// The user part of the address-of-record.
    pub user: Box<str>,
    /// The domain, in lower case.
    pub domain: Box<str>,
}

/// A subscriber with its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The user part of the address-of-record, and the user name of the credentials.
    pub user: Box<str>,
    /// The domain, in lower case.
    pub domain: Box<str>,
    /// The rest.
    pub subscriber: Subscriber,
}

impl Account {
    /// An account in the realm that is named as its domain, which is the rule.
    #[must_use]
    pub fn new(user: &str, domain: &str, ha1: Ha1Set) -> Self {
        let domain = domain.to_ascii_lowercase().into_boxed_str();
        let subscriber = Subscriber { realm: domain.clone(), ha1 };
        Self { user: user.into(), domain, subscriber }
    }
}

/// Subscribers in memory, by domain and then by user, so that nothing is joined to look one up.
#[derive(Debug, Clone, Default)]
pub struct MemorySubscribers {
    domains: HashMap<Box<str>, HashMap<Box<str>, Subscriber>>,
}

impl Subscribers for MemorySubscribers {
    fn subscriber(&self, user: &str, domain: &str) -> Option<Subscriber> {
        self.domains.get(&*lower_case(domain))?.get(user).cloned()
    }
}

impl FromIterator<Account> for MemorySubscribers {
    fn from_iter<I: IntoIterator<Item = Account>>(accounts: I) -> Self {
        let mut all = Self::default();
        for Account { user, domain, subscriber } in accounts {
            let domain = lower_case(&domain).into();
            all.domains.entry(domain).or_default().insert(user, subscriber);
        }
        all
    }
}

/// A domain as it is kept: host names do not differ by case (RFC 3261 §19.1.4).
fn lower_case(domain: &str) -> Cow<'_, str> {
    if domain.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(domain.to_ascii_lowercase())
    } else {
        Cow::Borrowed(domain)
    }
}
