//! Where a run keeps its files; gone when the run ends.

use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// A folder that is removed with everything in it.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    made: u32,
}

impl Folder {
    /// Below the target folder, which lies on a disk where that for temporary files may be memory.
    pub(crate) fn new(target: &Path) -> Result<Self, Failure> {
        let path = target.join(format!("bench-{}", std::process::id()));
        create(&path)?;
        Ok(Self { path, made: 0 })
    }

    /// A path in it that nobody else has.
    pub(crate) fn fresh(&mut self, name: &str) -> Result<PathBuf, Failure> {
        self.made += 1;
        let path = self.path.join(format!("{}-{name}", self.made));
        create(&path)?;
        Ok(path)
    }

    /// A copy of a folder of files.
    pub(crate) fn copy(&mut self, from: &Path, name: &str) -> Result<PathBuf, Failure> {
        let to = self.fresh(name)?;
        let copied = std::fs::read_dir(from).and_then(|entries| {
            for entry in entries {
                let entry = entry?;
                std::fs::copy(entry.path(), to.join(entry.file_name()))?;
            }
            Ok(())
        });
        copied.map_err(|error| Failure::usage(format!("{}: {error}", from.display())))?;
        Ok(to)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What cannot be removed lies in the target folder, where nobody minds it.
        let _ = std::fs::remove_dir_all(&self.path);
    }
}

fn create(path: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(path)
        .map_err(|error| Failure::usage(format!("{}: {error}", path.display())))
}
