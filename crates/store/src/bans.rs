//! The bans of a server, in a file of its data directory that commands read and change while the
//! server runs, and that outlives it.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use antiphon_core::time::Time;
use serde::{Deserialize, Serialize};

use crate::shared::{Lock, SharedError, SharedFile};

/// Without its ending.
const NAME: &str = "bans";

/// Octets of the file that are read; more than twice what the most bans of a server need.
const MAX_OCTETS: u64 = 4 * 1024 * 1024;

/// The format that is written and read.
const FORMAT: u32 = 1;

/// A ban as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBan {
    /// Who, in the words of the server.
    pub source: Box<str>,
    /// Until when; whole seconds are kept.
    pub until: Time,
    /// After how many failures.
    pub failures: u32,
}

/// The bans of a data directory. Nothing is open between two calls; each waits for the disk, and
/// for a short time for other processes.
#[derive(Debug, Clone)]
pub struct BanFile {
    file: SharedFile,
}

/// Why bans could not be read or changed. The text is one line for the person at the command line.
#[derive(Debug)]
#[non_exhaustive]
pub enum BanError {
    /// Another process changes them for longer than one waits.
    Busy,
    /// The file is not what this program wrote.
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file or its directory cannot be used.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl BanFile {
    /// The file in the directory `dir`, which is made when there is a ban to be written.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self { file: SharedFile::at(dir, NAME, MAX_OCTETS) }
    }

    /// All that are stored, also those that are over.
    ///
    /// # Errors
    /// Those of the file.
    pub fn list(&self) -> Result<Vec<StoredBan>, BanError> {
        match self.file.read()? {
            Some(octets) => read(&octets).ok_or_else(|| self.damaged()),
            None => Ok(Vec::new()),
        }
    }

    /// Changes them while nobody else does; nothing is written when they stay the same.
    ///
    /// # Errors
    /// Those of the file, which then is as it was.
    pub fn change(&self, work: impl FnOnce(&mut Vec<StoredBan>)) -> Result<(), BanError> {
        let lock: Lock = self.file.lock()?;
        let before = self.list()?;
        let mut after = before.clone();
        work(&mut after);
        if after == before {
            return Ok(());
        }
        Ok(self.file.replace(&lock, &write(&after))?)
    }

    fn damaged(&self) -> BanError {
        BanError::Damaged { path: self.file.path() }
    }
}

impl From<SharedError> for BanError {
    fn from(error: SharedError) -> Self {
        match error {
            SharedError::Busy => Self::Busy,
            SharedError::TooLong { path } => Self::Damaged { path },
            SharedError::Io { path, source } => Self::Io { path, source },
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    bans: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    source: String,
    /// Seconds since 1970.
    until: u64,
    failures: u32,
}

fn write(bans: &[StoredBan]) -> Vec<u8> {
    let entry = |ban: &StoredBan| Entry {
        source: ban.source.to_string(),
        until: ban.until.as_secs(),
        failures: ban.failures,
    };
    let bans = bans.iter().map(entry).collect();
    // Strings, numbers and lists of them always have a JSON form.
    serde_json::to_vec_pretty(&Document { format: FORMAT, bans }).unwrap_or_default()
}

fn read(octets: &[u8]) -> Option<Vec<StoredBan>> {
    let document: Document = serde_json::from_slice(octets).ok()?;
    let ban = |entry: Entry| StoredBan {
        source: entry.source.into(),
        until: Time::from_secs(entry.until),
        failures: entry.failures,
    };
    (document.format == FORMAT).then(|| document.bans.into_iter().map(ban).collect())
}

impl fmt::Display for BanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("another command is changing the bans: try again"),
            Self::Damaged { path } => write!(
                f,
                "{} is damaged or was not written by antiphon: move it away to start without bans",
                path.display()
            ),
            Self::Io { path, source } => write!(f, "{} cannot be used: {source}", path.display()),
        }
    }
}

impl std::error::Error for BanError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, thread};

    use tempfile::TempDir;

    use super::*;

    fn ban(source: &str) -> StoredBan {
        StoredBan { source: source.into(), until: Time::from_secs(1_700_000_000), failures: 10 }
    }

    #[test]
    fn bans_outlive_the_process() {
        let home = TempDir::new().unwrap();
        let dir = home.path().join("data");
        assert!(BanFile::at(&dir).list().unwrap().is_empty());
        assert!(!dir.exists(), "reading makes nothing");
        BanFile::at(&dir).change(|bans| bans.push(ban("192.0.2.1"))).unwrap();
        BanFile::at(&dir).change(|bans| bans.push(ban("2001:db8::/64"))).unwrap();
        assert_eq!(BanFile::at(&dir).list().unwrap(), [ban("192.0.2.1"), ban("2001:db8::/64")]);
        BanFile::at(&dir).change(Vec::clear).unwrap();
        assert!(BanFile::at(&dir).list().unwrap().is_empty());
    }

    #[test]
    fn several_at_once_lose_nothing() {
        let home = TempDir::new().unwrap();
        let dir = home.path();
        thread::scope(|scope| {
            for writer in 0..4 {
                scope.spawn(move || {
                    for number in 0..10 {
                        let source = format!("192.0.{writer}.{number}");
                        // A slow disk may keep the file from all others for longer than one waits.
                        let add = || BanFile::at(dir).change(|bans| bans.push(ban(&source)));
                        while let Err(error) = add() {
                            assert!(matches!(error, BanError::Busy), "{error:?}");
                        }
                    }
                });
            }
        });
        assert_eq!(BanFile::at(dir).list().unwrap().len(), 40);
    }

    #[test]
    fn a_damaged_file_is_told_and_not_overwritten() {
        let home = TempDir::new().unwrap();
        let path = home.path().join("bans.json");
        for damaged in ["", "{", r#"{"format":2,"bans":[]}"#] {
            fs::write(&path, damaged).unwrap();
            let outcome = BanFile::at(home.path()).change(Vec::clear);
            assert!(matches!(outcome, Err(BanError::Damaged { .. })), "{damaged}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }
}
