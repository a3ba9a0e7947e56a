//! The best digest algorithm that each realm of a server has shown (RFC 8760 §3): kept across runs,
//! so that a server that could do better once is not answered in a weaker way later.
//!
//! It belongs to the server that was asked, because two servers may give their realms one name.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::RememberedError;
use crate::shared::SharedFile;

/// Without its ending.
const NAME: &str = "algorithms";
/// The format that is written and read.
const FORMAT: u32 = 1;
/// Octets of the file that are read; more than all entries at their longest need.
const MAX_OCTETS: u64 = 1024 * 1024;
/// Entries that are kept; more than a person has servers.
const MAX_ENTRIES: usize = 500;
/// Octets of the name of a server or realm.
const MAX_NAME: usize = 256;

/// What a realm has shown.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenAlgorithm {
    /// The server that was asked: host, and port if one was named.
    pub server: String,
    /// The realm.
    pub realm: String,
    /// How strong the best algorithm was, as `antiphon_core::auth` counts it.
    pub strength: u8,
}

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    entries: Vec<SeenAlgorithm>,
}

/// What was seen, in a file of a state directory. Nothing is open between two calls.
#[derive(Debug, Clone)]
pub struct AlgorithmFile {
    file: SharedFile,
}

impl AlgorithmFile {
    /// The file in the directory `dir`, which is made when something is to be kept.
    #[must_use]
    pub fn at(dir: &Path) -> Self {
        Self { file: SharedFile::at(dir, NAME, MAX_OCTETS) }
    }

    /// All entries, the oldest first.
    ///
    /// # Errors
    ///
    /// What keeps the entries from being read.
    pub fn list(&self) -> Result<Vec<SeenAlgorithm>, RememberedError> {
        let octets = self.file.read()?;
        let Some(octets) = octets else { return Ok(Vec::new()) };
        let document = serde_json::from_slice::<Document>(&octets).ok();
        match document.filter(|document| document.format == FORMAT) {
            Some(document) => Ok(document.entries),
            None => Err(RememberedError::Damaged { path: self.file.path() }),
        }
    }

    /// Keeps an entry in place of the one for that server and realm. Of too many the oldest are
    /// forgotten; a name that is absurdly long is not kept.
    ///
    /// # Errors
    ///
    /// What keeps the entries from being written.
    pub fn insert(&self, seen: SeenAlgorithm) -> Result<(), RememberedError> {
        if seen.server.len() > MAX_NAME || seen.realm.len() > MAX_NAME {
            return Ok(());
        }
        self.change(|entries| {
            entries.retain(|entry| entry.server != seen.server || entry.realm != seen.realm);
            entries.push(seen);
            let surplus = entries.len().saturating_sub(MAX_ENTRIES);
            entries.drain(..surplus);
        })
    }

    /// Forgets what the realms of a server have shown, or of all servers; gives what was forgotten.
    ///
    /// # Errors
    ///
    /// What keeps the entries from being written.
    pub fn remove(&self, server: Option<&str>) -> Result<Vec<SeenAlgorithm>, RememberedError> {
        let is_meant = |entry: &SeenAlgorithm| server.is_none_or(|name| entry.server == name);
        if !self.list()?.iter().any(is_meant) {
            return Ok(Vec::new());
        }
        self.change(|entries| entries.extract_if(.., |entry| is_meant(entry)).collect())
    }

    /// Reads, changes and writes while nobody else does.
    fn change<T>(
        &self,
        work: impl FnOnce(&mut Vec<SeenAlgorithm>) -> T,
    ) -> Result<T, RememberedError> {
        let lock = self.file.lock()?;
        let mut entries = self.list()?;
        let outcome = work(&mut entries);
        // Strings, numbers and lists of them always have a JSON form.
        let document = Document { format: FORMAT, entries };
        let octets = serde_json::to_vec_pretty(&document).unwrap_or_default();
        self.file.replace(&lock, &octets)?;
        Ok(outcome)
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    fn seen(server: &str, strength: u8) -> SeenAlgorithm {
        SeenAlgorithm { server: server.to_owned(), realm: "r".to_owned(), strength }
    }

    #[test]
    fn what_a_realm_has_shown_outlives_the_process_rfc8760_3() {
        let home = TempDir::new().unwrap();
        let file = AlgorithmFile::at(&home.path().join("state"));
        assert!(file.list().unwrap().is_empty());
        for entry in [seen("a.example", 1), seen("b.example", 1), seen("a.example", 2)] {
            file.insert(entry).unwrap();
        }
        assert_eq!(file.list().unwrap(), [seen("b.example", 1), seen("a.example", 2)]);
        assert_eq!(file.remove(Some("a.example")).unwrap(), [seen("a.example", 2)]);
        assert!(file.remove(Some("a.example")).unwrap().is_empty());
        assert_eq!(file.remove(None).unwrap().len(), 1);
        assert!(file.list().unwrap().is_empty());
    }

    #[test]
    fn a_damaged_file_is_told_and_long_names_are_not_kept() {
        let home = TempDir::new().unwrap();
        let file = AlgorithmFile::at(home.path());
        file.insert(seen(&"x".repeat(MAX_NAME + 1), 1)).unwrap();
        assert!(file.list().unwrap().is_empty());
        std::fs::write(home.path().join("algorithms.json"), "{").unwrap();
        assert!(matches!(file.insert(seen("a", 1)), Err(RememberedError::Damaged { .. })));
    }
}
