//! A small file that several processes use at once.
//!
//! Whoever changes it holds a lock on a second file, which is never replaced, and puts the new
//! version in place by renaming: a reader needs no lock and sees the old version or the new one.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use crate::{OpenError, files};

/// How long one waits for another process, which needs some milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether the lock is free.
const PAUSE: Duration = Duration::from_millis(10);

/// A file `NAME.json` in a directory, and its lock `NAME.lock`. Nothing is open between two calls.
#[derive(Debug, Clone)]
pub(crate) struct SharedFile {
    dir: PathBuf,
    name: &'static str,
    /// Octets that are read; more than the content at its longest needs.
    most: u64,
}

/// The lock, which ends with it.
#[derive(Debug)]
pub(crate) struct Lock {
    _file: File,
}

/// Why the file cannot be used.
#[derive(Debug)]
pub(crate) enum SharedError {
    /// Another process holds the lock for longer than one waits.
    Busy,
    /// The file is longer than anything that is written to it.
    TooLong { path: PathBuf },
    /// The file or its directory cannot be used.
    Io { path: PathBuf, source: io::Error },
}

impl SharedFile {
    /// The file in `dir`, which is made when something is to be written.
    pub(crate) fn at(dir: &Path, name: &'static str, most: u64) -> Self {
        Self { dir: dir.to_owned(), name, most }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.with_ending("json")
    }

    /// What it holds; none if there is no file.
    pub(crate) fn read(&self) -> Result<Option<Vec<u8>>, SharedError> {
        let path = self.path();
        let failed = |error| SharedError::io(&path, error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error)),
        };
        let mut octets = Vec::new();
        file.take(self.most + 1).read_to_end(&mut octets).map_err(failed)?;
        let is_whole = u64::try_from(octets.len()).is_ok_and(|length| length <= self.most);
        if is_whole { Ok(Some(octets)) } else { Err(SharedError::TooLong { path }) }
    }

    /// Keeps others from changing it.
    pub(crate) fn lock(&self) -> Result<Lock, SharedError> {
        files::prepare(&self.dir).map_err(|error| SharedError::opened(&self.dir, error))?;
        let path = self.with_ending("lock");
        let failed = |error| SharedError::io(&path, error);
        let file = files::open_private(&path).map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock { _file: file }),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(SharedError::Busy),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    /// Puts another content in its place, whole and durably.
    pub(crate) fn replace(&self, _lock: &Lock, octets: &[u8]) -> Result<(), SharedError> {
        self.write(octets).map_err(|error| SharedError::io(&self.path(), error))
    }

    fn write(&self, octets: &[u8]) -> io::Result<()> {
        // The next version, before it has its name. Only who holds the lock writes it.
        let next = self.with_ending("json.new");
        // One that is there was left by a process that ended in the middle.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = files::create_private(&next)?;
        file.write_all(octets)?;
        file.sync_all()?;
        fs::rename(&next, self.path())?;
        files::sync_parent(&self.path())
    }

    fn with_ending(&self, ending: &str) -> PathBuf {
        self.dir.join(format!("{}.{ending}", self.name))
    }
}

impl SharedError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io { path: path.to_owned(), source }
    }

    fn opened(dir: &Path, error: OpenError) -> Self {
        match error {
            OpenError::Io { path, source } => Self::Io { path, source },
            OpenError::Denied { path } => {
                Self::Io { path, source: io::ErrorKind::PermissionDenied.into() }
            }
            _ => Self::io(dir, io::ErrorKind::NotADirectory.into()),
        }
    }
}
