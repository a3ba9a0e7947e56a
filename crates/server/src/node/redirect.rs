//! Redirect: the caller is told where to go (RFC 3261 §8.3).

use std::cmp::Reverse;

use antiphon_core::proxy::Target;
use antiphon_core::refusal::Refusal;
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, StatusCode};

use super::sought::Sought;
use super::{Arrival, Server};
use crate::rules::{Contact, Contacts, Redirect};

impl Server {
    /// Answers with a redirection, the location service asked where that is to be told.
    pub(super) fn redirect(&mut self, now: Time, arrival: Arrival, redirect: Redirect) {
        match redirect.contacts {
            Contacts::Located(ref uri) => {
                let uri = uri.clone();
                self.look_up(now, arrival, uri, Sought::Contacts(redirect));
            }
            Contacts::These(contacts) => {
                self.answer_redirection(now, &arrival, redirect.status, &contacts, redirect.body);
            }
        }
    }

    /// Where the bindings of a user lead.
    pub(super) fn tell_located(
        &mut self,
        now: Time,
        arrival: Arrival,
        status: StatusCode,
        body: Option<(Box<str>, Box<str>)>,
        targets: Vec<Target>,
    ) {
        let contacts = contacts(targets);
        self.answer_redirection(now, &arrival, status, &contacts, body);
    }

    /// The caller wants to be told where to go (RFC 3841 §9.1): all contacts in the order in which
    /// they would have been tried, without their features (§7.2.4).
    pub(super) fn tell_where(&mut self, now: Time, arrival: Arrival, targets: Vec<Target>) {
        let status = match targets.len() {
            1 => StatusCode::MOVED_TEMPORARILY,
            _ => StatusCode::MULTIPLE_CHOICES,
        };
        self.tell_located(now, arrival, status, None, targets);
    }

    fn answer_redirection(
        &mut self,
        now: Time,
        arrival: &Arrival,
        status: StatusCode,
        contacts: &[Contact],
        body: Option<(Box<str>, Box<str>)>,
    ) {
        let mut refusal = Refusal { body, ..Refusal::new(status) };
        for contact in contacts {
            let expires = contact.expires.map(|seconds| format!(";expires={seconds}"));
            let value = format_args!(
                "<{}>;q={}{}",
                contact.uri,
                Thousandths(contact.q),
                expires.unwrap_or_default()
            )
            .to_string();
            refusal = refusal.with(HeaderName::Contact, value);
        }
        // RFC 3261 §21.3.3: how long the addresses hold, also for clients that only know the header.
        if let Some(seconds) = common_expiry(contacts) {
            refusal = refusal.with(HeaderName::Expires, seconds);
        }
        self.refuse(now, arrival, &refusal);
    }
}

/// The addresses in the order in which they would have been tried.
fn contacts(mut targets: Vec<Target>) -> Vec<Contact> {
    targets.sort_by_key(|target| Reverse((target.q, target.preference)));
    let q = (1..=1000_u16).rev();
    targets
        .into_iter()
        .zip(q)
        .map(|(target, q)| Contact { uri: target.uri, q, expires: None })
        .collect()
}

/// How long all contacts hold, when that is equally long.
fn common_expiry(contacts: &[Contact]) -> Option<u32> {
    let first = contacts.first()?.expires?;
    contacts.iter().all(|contact| contact.expires == Some(first)).then_some(first)
}

/// A `qvalue` (RFC 3261 §25.1).
struct Thousandths(u16);

impl std::fmt::Display for Thousandths {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            1000.. => f.write_str("1"),
            q => write!(f, "0.{q:03}"),
        }
    }
}
