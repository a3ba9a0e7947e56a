//! A journal's file.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use super::Store;
use crate::files;

/// A file of its owner alone.
#[derive(Debug)]
pub(in crate::embedded) struct JournalFile(File);

impl JournalFile {
    /// Opens it, and creates it if there is none.
    pub(in crate::embedded) fn open(path: &Path) -> io::Result<Self> {
        files::open_private(path).map(Self)
    }
}

impl Store for JournalFile {
    fn read(&mut self) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.0.seek(SeekFrom::Start(0))?;
        self.0.read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn write(&mut self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.seek(SeekFrom::Start(offset))?;
        self.0.write_all(bytes)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }
}
