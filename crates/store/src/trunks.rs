//! How a running server finds its trunks, in a file of its data directory that commands read. It
//! is not there when no server runs, unless one was ended before it could take it away.

use std::io;
use std::path::{Path, PathBuf};

use antiphon_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::shared::{SharedError, SharedFile};

/// Without its ending.
const NAME: &str = "trunks";

/// Octets of the file that are read; some thousand servers need less.
const MAX_OCTETS: u64 = 1024 * 1024;

/// The format that is written and read.
const FORMAT: u32 = 1;

/// All that is known of the trunks at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredTrunks {
    /// When the server said so; whole seconds are kept.
    pub told: Time,
    /// Those that it has found out something about, in the order of its configuration.
    pub trunks: Vec<StoredTrunk>,
}

/// A trunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredTrunk {
    /// Its name.
    pub name: String,
    /// Its servers, in the order of the configuration.
    pub servers: Vec<StoredServer>,
}

/// A server of a trunk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredServer {
    /// Its name with its port.
    pub name: String,
    /// How it is.
    #[serde(flatten)]
    pub state: StoredServerState,
}

/// How a server of a trunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "lowercase")]
pub enum StoredServerState {
    /// It takes calls, as far as is known.
    Up,
    /// Probes do not find it.
    Down,
    /// It failed and is tried after the others.
    Resting {
        /// It asked to be left alone until then, in seconds since 1970.
        until: Option<u64>,
    },
}

impl StoredTrunk {
    /// Whether none of its servers is there.
    #[must_use]
    pub fn is_down(&self) -> bool {
        let is_down = |server: &StoredServer| server.state == StoredServerState::Down;
        !self.servers.is_empty() && self.servers.iter().all(is_down)
    }
}

/// The file of a data directory. Nothing is open between two calls; each waits for the disk.
#[derive(Debug, Clone)]
pub struct TrunkFile {
    file: SharedFile,
}

impl TrunkFile {
    /// The file in the directory `dir`, which is made when there is something to be written.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self { file: SharedFile::at(dir, NAME, MAX_OCTETS) }
    }

    /// The file itself.
    #[must_use]
    pub fn path(&self) -> PathBuf {
        self.file.path()
    }

    /// What was written last; none if there is no file.
    ///
    /// # Errors
    /// When the file cannot be read, or is none of these ([`io::ErrorKind::InvalidData`]).
    pub fn read(&self) -> io::Result<Option<StoredTrunks>> {
        let Some(octets) = self.file.read().map_err(as_io)? else { return Ok(None) };
        let document: Document = serde_json::from_slice(&octets).map_err(|_| damaged())?;
        if document.format != FORMAT {
            return Err(damaged());
        }
        Ok(Some(StoredTrunks { told: Time::from_secs(document.told), trunks: document.trunks }))
    }

    /// Writes it anew.
    ///
    /// # Errors
    /// Those of the file, which then is as it was.
    pub fn write(&self, trunks: &StoredTrunks) -> io::Result<()> {
        let StoredTrunks { told, trunks } = trunks;
        let document = Document { format: FORMAT, told: told.as_secs(), trunks: trunks.clone() };
        let octets = serde_json::to_vec_pretty(&document)?;
        let lock = self.file.lock().map_err(as_io)?;
        self.file.replace(&lock, &octets).map_err(as_io)
    }

    /// Takes it away: nobody knows any more how the trunks are.
    ///
    /// # Errors
    /// Those of the file.
    pub fn remove(&self) -> io::Result<()> {
        match std::fs::remove_file(self.file.path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    /// Seconds since 1970.
    told: u64,
    trunks: Vec<StoredTrunk>,
}

fn as_io(error: SharedError) -> io::Error {
    match error {
        SharedError::Busy => io::ErrorKind::ResourceBusy.into(),
        SharedError::TooLong { .. } => damaged(),
        SharedError::Io { source, .. } => source,
    }
}

fn damaged() -> io::Error {
    io::ErrorKind::InvalidData.into()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn server(name: &str, state: StoredServerState) -> StoredServer {
        StoredServer { name: name.into(), state }
    }

    #[test]
    fn what_is_written_is_read_and_can_be_taken_away() {
        let home = TempDir::new().unwrap();
        let file = TrunkFile::at(home.path());
        assert_eq!(file.read().unwrap(), None);
        let resting = StoredServerState::Resting { until: Some(120) };
        let failed = StoredServerState::Resting { until: None };
        let servers = vec![
            server("192.0.2.31:5060", StoredServerState::Up),
            server("192.0.2.32:5060", StoredServerState::Down),
            server("192.0.2.33:5060", resting),
            server("192.0.2.34:5060", failed),
        ];
        let trunks = vec![StoredTrunk { name: "carrier".into(), servers }];
        let written = StoredTrunks { told: Time::from_secs(100), trunks };
        file.write(&written).unwrap();
        assert_eq!(file.read().unwrap(), Some(written));
        file.remove().unwrap();
        file.remove().unwrap();
        assert_eq!(file.read().unwrap(), None);
    }

    #[test]
    fn a_trunk_is_down_when_all_of_its_servers_are() {
        let trunk = |states: &[StoredServerState]| {
            let servers = states.iter().map(|state| server("a", *state)).collect();
            StoredTrunk { name: "t".into(), servers }
        };
        let (up, down) = (StoredServerState::Up, StoredServerState::Down);
        assert!(trunk(&[down, down]).is_down());
        assert!(!trunk(&[down, up]).is_down());
        assert!(!trunk(&[]).is_down());
    }

    #[test]
    fn another_file_of_that_name_is_told() {
        let home = TempDir::new().unwrap();
        let file = TrunkFile::at(home.path());
        for text in ["{", "{\"format\":2,\"told\":1,\"trunks\":[]}"] {
            std::fs::write(file.path(), text).unwrap();
            assert_eq!(file.read().unwrap_err().kind(), io::ErrorKind::InvalidData, "{text}");
        }
    }
}
