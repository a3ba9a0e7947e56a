//! The entries in a file that several processes use at once.
//!
//! Whoever changes it holds a lock on a second file, which is never replaced, and puts the new
//! version in place by renaming: a reader needs no lock and sees the old version or the new one.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use antiphon_sip::UriBuf;

use super::entries::Entries;
use super::{Moved, Remembered, RememberedError, form};
use crate::{OpenError, files};

const NAME: &str = "remembered.json";
const LOCK: &str = "remembered.lock";
/// The next version, before it has its name. Only who holds the lock writes it.
const NEXT: &str = "remembered.json.new";

/// Octets of the file that are read; more than all entries at their longest need.
const MAX_OCTETS: u64 = 8 * 1024 * 1024;

/// How long one waits for another process, which needs some milliseconds.
const PATIENCE: Duration = Duration::from_secs(2);
/// Between two looks whether the lock is free.
const PAUSE: Duration = Duration::from_millis(10);

/// The remembered addresses of a state directory. Nothing is open between two calls.
#[derive(Debug, Clone)]
pub struct RememberedFile {
    dir: PathBuf,
}

impl RememberedFile {
    /// The file in the directory `dir`, which is made when something is to be remembered.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self { dir: dir.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.dir.join(NAME)
    }

    fn load(&self) -> Result<Entries, RememberedError> {
        let path = self.path();
        let failed = |error| RememberedError::io(&path, error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Entries::default()),
            Err(error) => return Err(failed(error)),
        };
        let mut octets = Vec::new();
        file.take(MAX_OCTETS + 1).read_to_end(&mut octets).map_err(failed)?;
        let whole = u64::try_from(octets.len()).is_ok_and(|length| length <= MAX_OCTETS);
        let entries = whole.then(|| form::read(&octets)).flatten();
        entries.map(Entries::stored).ok_or(RememberedError::Damaged { path })
    }

    /// Reads, changes and writes while nobody else does. Nothing is written if `work` says so.
    fn change<T>(
        &self,
        work: impl FnOnce(&mut Entries) -> Result<(T, Changed), RememberedError>,
    ) -> Result<T, RememberedError> {
        let lock = self.lock()?;
        let mut entries = self.load()?;
        let (outcome, changed) = work(&mut entries)?;
        if changed == Changed::Yes {
            self.store(&entries).map_err(|error| RememberedError::io(&self.path(), error))?;
        }
        drop(lock);
        Ok(outcome)
    }

    /// The lock, which ends with the file.
    fn lock(&self) -> Result<File, RememberedError> {
        files::prepare(&self.dir).map_err(|error| opened(&self.dir, error))?;
        let path = self.dir.join(LOCK);
        let failed = |error| RememberedError::io(&path, error);
        let file = files::open_private(&path).map_err(failed)?;
        let deadline = Instant::now() + PATIENCE;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::WouldBlock) if Instant::now() < deadline => thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) => return Err(RememberedError::Busy),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
        }
    }

    fn store(&self, entries: &Entries) -> io::Result<()> {
        let next = self.dir.join(NEXT);
        // One that is there was left by a process that ended in the middle.
        match fs::remove_file(&next) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file = files::create_private(&next)?;
        file.write_all(&form::write(entries.as_slice()))?;
        file.sync_all()?;
        fs::rename(&next, self.path())?;
        files::sync_parent(&self.path())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    Yes,
    No,
}

fn opened(dir: &Path, error: OpenError) -> RememberedError {
    match error {
        OpenError::Io { path, source } => RememberedError::Io { path, source },
        OpenError::Denied { path } => {
            RememberedError::Io { path, source: io::ErrorKind::PermissionDenied.into() }
        }
        _ => RememberedError::io(dir, io::ErrorKind::NotADirectory.into()),
    }
}

impl Remembered for RememberedFile {
    fn lookup(&self, identity: &UriBuf, old: &UriBuf) -> Result<Option<Moved>, RememberedError> {
        Ok(self.load()?.lookup(identity, old).cloned())
    }

    fn insert(&self, moved: Moved) -> Result<(), RememberedError> {
        self.change(|entries| Ok((entries.insert(moved)?, Changed::Yes)))
    }

    fn remove(&self, identity: &UriBuf, old: &UriBuf) -> Result<bool, RememberedError> {
        self.change(|entries| {
            let removed = entries.remove(identity, old);
            Ok((removed, if removed { Changed::Yes } else { Changed::No }))
        })
    }

    fn list(&self) -> Result<Vec<Moved>, RememberedError> {
        Ok(self.load()?.into_vec())
    }
}

#[cfg(test)]
mod tests {
    use antiphon_core::time::Time;
    use tempfile::TempDir;

    use super::*;

    fn uri(text: &str) -> UriBuf {
        UriBuf::parse(text).unwrap()
    }

    fn moved(old: &str, new: &str) -> Moved {
        Moved {
            identity: uri("sip:alice@example.org"),
            old: uri(old),
            new: vec![uri(new)],
            learnt: Time::from_secs(1_700_000_000),
            from: "udp:192.0.2.1:5060".to_owned(),
        }
    }

    #[test]
    fn entries_outlive_the_process() {
        let home = TempDir::new().unwrap();
        let dir = home.path().join("state/antiphon");
        let entry = moved("sip:a@x.org", "sip:b@x.org;transport=tcp");
        assert!(RememberedFile::at(&dir).list().unwrap().is_empty());
        assert!(!dir.exists(), "reading makes nothing");
        RememberedFile::at(&dir).insert(entry.clone()).unwrap();
        let again = RememberedFile::at(&dir);
        assert_eq!(again.list().unwrap(), std::slice::from_ref(&entry));
        assert_eq!(again.lookup(&entry.identity, &entry.old).unwrap(), Some(entry.clone()));
        assert!(again.remove(&entry.identity, &entry.old).unwrap());
        assert!(!again.remove(&entry.identity, &entry.old).unwrap());
        assert!(again.list().unwrap().is_empty());
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_may_read_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let home = TempDir::new().unwrap();
        let dir = home.path().join("state");
        RememberedFile::at(&dir).insert(moved("sip:a@x.org", "sip:b@x.org")).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&dir), 0o700);
        assert_eq!(mode(&dir.join(NAME)), 0o600);
        assert_eq!(mode(&dir.join(LOCK)), 0o600);
    }

    #[test]
    fn several_at_once_lose_nothing() {
        let home = TempDir::new().unwrap();
        let dir = home.path();
        thread::scope(|scope| {
            for writer in 0..4 {
                scope.spawn(move || {
                    for number in 0..10 {
                        let old = format!("sip:w{writer}n{number}@x.org");
                        let file = RememberedFile::at(dir);
                        file.insert(moved(&old, "sip:b@x.org")).unwrap();
                        assert!(file.lookup(&uri("sip:alice@example.org"), &uri(&old)).is_ok());
                    }
                });
            }
        });
        assert_eq!(RememberedFile::at(dir).list().unwrap().len(), 40);
    }

    #[test]
    fn a_damaged_file_is_told_and_not_overwritten() {
        let home = TempDir::new().unwrap();
        let path = home.path().join(NAME);
        let file = RememberedFile::at(home.path());
        let wrong_uri = r#"{"format":1,"entries":[{"identity":"sip:a@b","old":"x y",
            "new":["sip:c@d"],"learnt":1,"from":""}]}"#;
        for damaged in ["", "{", r#"{"format":2,"entries":[]}"#, wrong_uri] {
            fs::write(&path, damaged).unwrap();
            let outcome = file.insert(moved("sip:a@x.org", "sip:b@x.org"));
            assert!(matches!(outcome, Err(RememberedError::Damaged { .. })), "{damaged}");
            assert_eq!(fs::read_to_string(&path).unwrap(), damaged);
        }
    }

    #[test]
    fn what_a_crash_left_behind_is_no_hindrance() {
        let home = TempDir::new().unwrap();
        fs::write(home.path().join(NEXT), "half of it").unwrap();
        let file = RememberedFile::at(home.path());
        file.insert(moved("sip:a@x.org", "sip:b@x.org")).unwrap();
        assert_eq!(file.list().unwrap().len(), 1);
    }
}
