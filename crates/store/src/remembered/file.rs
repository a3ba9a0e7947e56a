//! The entries in a file that several processes use at once.

use std::path::Path;

use antiphon_sip::UriBuf;

use super::entries::Entries;
use super::{Moved, Remembered, RememberedError, form};
use crate::shared::SharedFile;

/// Without its ending.
const NAME: &str = "remembered";

/// Octets of the file that are read; more than all entries at their longest need.
const MAX_OCTETS: u64 = 8 * 1024 * 1024;

/// The remembered addresses of a state directory. Nothing is open between two calls.
#[derive(Debug, Clone)]
pub struct RememberedFile {
    file: SharedFile,
}

impl RememberedFile {
    /// The file in the directory `dir`, which is made when something is to be remembered.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self { file: SharedFile::at(dir, NAME, MAX_OCTETS) }
    }

    fn load(&self) -> Result<Entries, RememberedError> {
        let octets = self.file.read()?;
        let Some(octets) = octets else { return Ok(Entries::default()) };
        let damaged = || RememberedError::Damaged { path: self.file.path() };
        form::read(&octets).map(Entries::stored).ok_or_else(damaged)
    }

    /// Reads, changes and writes while nobody else does. Nothing is written if `work` says so.
    fn change<T>(
        &self,
        work: impl FnOnce(&mut Entries) -> Result<(T, Changed), RememberedError>,
    ) -> Result<T, RememberedError> {
        let lock = self.file.lock()?;
        let mut entries = self.load()?;
        let (outcome, changed) = work(&mut entries)?;
        if changed == Changed::Yes {
            let octets = form::write(entries.as_slice());
            self.file.replace(&lock, &octets)?;
        }
        Ok(outcome)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Changed {
    Yes,
    No,
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
    use std::{fs, thread};

    use antiphon_core::time::Time;
    use tempfile::TempDir;

    use super::*;

    const FILE: &str = "remembered.json";

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
        assert_eq!(mode(&dir.join(FILE)), 0o600);
        assert_eq!(mode(&dir.join("remembered.lock")), 0o600);
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
                        // A slow disk may keep the file from all others for longer than one waits.
                        while let Err(error) = file.insert(moved(&old, "sip:b@x.org")) {
                            assert!(matches!(error, RememberedError::Busy), "{error:?}");
                        }
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
        let path = home.path().join(FILE);
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
        fs::write(home.path().join("remembered.json.new"), "half of it").unwrap();
        let file = RememberedFile::at(home.path());
        file.insert(moved("sip:a@x.org", "sip:b@x.org")).unwrap();
        assert_eq!(file.list().unwrap().len(), 1);
    }
}
