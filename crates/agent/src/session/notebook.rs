//! What an agent keeps between its runs: the addresses that a 301 said have moved for good
//! (RFC 3261 §21.3.2), for each sender alone; and the best digest algorithm that the realms of a
//! server have shown (RFC 8760 §3).

use std::path::Path;

use antiphon_core::time::Time;
use antiphon_core::user_agent::{Event, Remembered};
use antiphon_sip::{StatusCode, UriBuf};
use antiphon_store::{AlgorithmFile, Moved, Remembered as _, RememberedFile, SeenAlgorithm};

/// The file of one sender's entries. Without a file nothing is kept.
#[derive(Debug)]
pub(super) struct Notebook {
    file: Option<RememberedFile>,
    algorithms: Option<AlgorithmFile>,
    /// The server that is asked first: host, and port if one is named.
    server: String,
    identity: UriBuf,
    /// Who gave the last 301, for the person who lists the entries.
    informant: String,
}

impl Notebook {
    /// The notebook of `identity` in the state directory, for requests towards this address.
    pub(super) fn new(
        directory: Option<&Path>,
        identity: UriBuf,
        towards: Option<&UriBuf>,
    ) -> Self {
        Self {
            file: directory.map(RememberedFile::at),
            algorithms: directory.map(AlgorithmFile::at),
            server: towards.map(server_of).unwrap_or_default(),
            identity,
            informant: String::new(),
        }
    }

    /// The best algorithm that each realm of the server has shown.
    pub(super) fn algorithms(&self) -> Vec<(String, u8)> {
        let all = self.algorithms.as_ref().and_then(|file| file.list().ok()).unwrap_or_default();
        let own = all.into_iter().filter(|seen| seen.server == self.server);
        own.map(|seen| (seen.realm, seen.strength)).collect()
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
        if let (Event::AlgorithmSeen { realm, strength }, Some(file)) = (event, &self.algorithms) {
            let (server, realm) = (self.server.clone(), realm.clone());
            let kept = file.insert(SeenAlgorithm { server, realm, strength: *strength });
            let failed = |error| format!("The algorithm of the realm could not be kept: {error}");
            return kept.err().map(failed);
        }
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

/// Host and port of an address, as they are written there.
fn server_of(uri: &UriBuf) -> String {
    let uri = uri.as_uri();
    let Some(sip) = uri.as_sip() else { return String::new() };
    let host = sip.host.to_string().to_ascii_lowercase();
    sip.port.map_or_else(|| host.clone(), |port| format!("{host}:{port}"))
}
