//! What an agent keeps between its runs: the addresses that a 301 said have moved for good
//! (RFC 3261 §21.3.2), for each sender alone.

use std::path::Path;

use antiphon_core::time::Time;
use antiphon_core::user_agent::{Event, Remembered};
use antiphon_sip::{StatusCode, UriBuf};
use antiphon_store::{Moved, Remembered as _, RememberedFile};

/// The file of one sender's entries. Without a file nothing is kept.
#[derive(Debug)]
pub(super) struct Notebook {
    file: Option<RememberedFile>,
    identity: UriBuf,
    /// Who gave the last 301, for the person who lists the entries.
    informant: String,
}

impl Notebook {
    /// The notebook of `identity` in the state directory.
    pub(super) fn new(directory: Option<&Path>, identity: UriBuf) -> Self {
        Self { file: directory.map(RememberedFile::at), identity, informant: String::new() }
    }

    /// What was remembered. A file that cannot be read is as none: a request can be made without,
    /// and `antiphon remembered list` tells what is wrong.
    pub(super) fn entries(&self) -> Vec<Remembered> {
        let all = self.file.as_ref().and_then(|file| file.list().ok()).unwrap_or_default();
        all.into_iter()
            .filter(|moved| moved.identity.as_uri().is_equivalent(&self.identity.as_uri()))
            .map(|moved| Remembered { old: moved.old, new: moved.new })
            .collect()
    }

    /// Keeps what an event says is to be kept; gives the words for a person if that fails.
    pub(super) fn note(&mut self, now: Time, event: &Event) -> Option<String> {
        let file = self.file.as_ref()?;
        let result = match event {
            Event::Answered { attempt, .. }
                if attempt.code == Some(StatusCode::MOVED_PERMANENTLY) =>
            {
                let server = attempt
                    .server
                    .map(|(transport, address)| format!("{}:{address}", transport.as_uri_param()));
                self.informant = server.unwrap_or_default();
                return None;
            }
            Event::Remembered { entry, kept: true, .. } => file.insert(Moved {
                identity: self.identity.clone(),
                old: entry.old.clone(),
                new: entry.new.clone(),
                learnt: now,
                from: self.informant.clone(),
            }),
            Event::Forgotten { old } => file.remove(&self.identity, old).map(drop),
            _ => return None,
        };
        result.err().map(|error| format!("The new address could not be remembered: {error}"))
    }
}
