//! Keeps how the trunks are in the file of the data directory, where `antiphon route` reads it.
//! Away from the path of requests: it waits for the disk.

use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_store::{StoredServer, StoredServerState, StoredTrunk, StoredTrunks, TrunkFile};
use tokio::sync::watch;

use crate::node::{ServerState, TrunkState};

/// How long what stands in the file may be repeated at the latest. Whoever finds it much older
/// knows that the server ended without a farewell.
const REPEATED: Duration = Duration::from_secs(30);

/// What the node has said last.
pub(crate) type Known = watch::Sender<Vec<TrunkState>>;

/// The trunks of a running server and their file.
#[derive(Debug)]
pub(crate) struct TrunkList {
    file: TrunkFile,
    known: watch::Receiver<Vec<TrunkState>>,
    /// Whether there was ever a trunk.
    is_needed: bool,
    written: Option<Time>,
}

impl TrunkList {
    /// A list that is written from the first look on if there are trunks.
    pub(crate) fn new(file: TrunkFile, has_trunks: bool) -> (Self, Known) {
        let (sender, known) = watch::channel(Vec::new());
        (Self { file, known, is_needed: has_trunks, written: None }, sender)
    }

    /// Writes what is new, or that nothing is.
    pub(crate) fn look(&mut self, now: Time) {
        let is_new = self.known.has_changed().unwrap_or(false);
        let is_old = self.written.is_none_or(|written| written + REPEATED <= now);
        if !is_new && !is_old {
            return;
        }
        let states = self.known.borrow_and_update();
        self.is_needed |= !states.is_empty();
        if !self.is_needed {
            return;
        }
        let trunks = states.iter().map(to_stored).collect();
        drop(states);
        // What cannot be written now is with the next change, or soon after.
        let is_written = self.file.write(&StoredTrunks { told: now, trunks }).is_ok();
        self.written = is_written.then_some(now);
    }

    /// Nobody knows any more.
    pub(crate) fn end(&self) {
        if self.is_needed {
            // What stays is soon too old to be believed.
            drop(self.file.remove());
        }
    }
}

fn to_stored(trunk: &TrunkState) -> StoredTrunk {
    let server = |(name, state): &(std::sync::Arc<str>, ServerState)| StoredServer {
        name: name.to_string(),
        state: match state {
            ServerState::Up => StoredServerState::Up,
            ServerState::Down => StoredServerState::Down,
            ServerState::Resting => StoredServerState::Resting { until: None },
            ServerState::RestingUntil(until) => {
                StoredServerState::Resting { until: Some(until.as_secs()) }
            }
        },
    };
    StoredTrunk {
        name: trunk.name.to_string(),
        servers: trunk.servers.iter().map(server).collect(),
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn at(seconds: u64) -> Time {
        Time::from_secs(seconds)
    }

    fn trunk(state: ServerState) -> TrunkState {
        TrunkState {
            name: "carrier".into(),
            servers: vec![("192.0.2.31:5060".into(), state)],
            addresses: Vec::new(),
            registration: None,
        }
    }

    #[test]
    fn what_changes_is_written_at_the_next_look_and_repeated() {
        let home = TempDir::new().unwrap();
        let file = TrunkFile::at(home.path());
        let (mut list, known) = TrunkList::new(file.clone(), true);
        let told = || file.read().unwrap().map(|stored| (stored.told, stored.trunks));
        list.look(at(1));
        assert_eq!(told(), Some((at(1), Vec::new())));
        known.send_replace(vec![trunk(ServerState::Down)]);
        list.look(at(2));
        let (when, trunks) = told().unwrap();
        assert_eq!((when, trunks[0].is_down()), (at(2), true));
        list.look(at(31));
        assert_eq!(told().unwrap().0, at(2));
        list.look(at(32));
        assert_eq!(told().unwrap(), (at(32), trunks));
        list.end();
        assert_eq!(told(), None);
    }

    #[test]
    fn a_server_without_trunks_writes_nothing() {
        let home = TempDir::new().unwrap();
        let file = TrunkFile::at(home.path());
        let (mut list, known) = TrunkList::new(file.clone(), false);
        list.look(at(1));
        assert_eq!(file.read().unwrap(), None);
        known.send_replace(vec![trunk(ServerState::RestingUntil(at(9)))]);
        list.look(at(2));
        let state = file.read().unwrap().unwrap().trunks[0].servers[0].state;
        assert_eq!(state, StoredServerState::Resting { until: Some(9) });
    }
}
