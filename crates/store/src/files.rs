//! The data directory: made for its owner alone, every file in it too.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;

use crate::OpenError;

/// Makes sure that `dir` is a directory, and creates it for its owner alone if there is none.
pub(crate) fn prepare(dir: &Path) -> Result<(), OpenError> {
    match fs::metadata(dir) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(OpenError::NotADirectory { path: dir.to_owned() }),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_private_dir(dir).map_err(|error| OpenError::from_io(dir, error))
        }
        Err(error) => Err(OpenError::from_io(dir, error)),
    }
}

/// Opens a file for reading and writing, and creates it for its owner alone if there is none.
pub(crate) fn open_private(path: &Path) -> io::Result<File> {
    let existed = path.exists();
    let file = private().read(true).write(true).create(true).truncate(false).open(path)?;
    if !existed {
        sync_parent(path)?;
    }
    Ok(file)
}

/// Creates a file for its owner alone; fails if there is one.
pub(crate) fn create_private(path: &Path) -> io::Result<File> {
    private().write(true).create_new(true).open(path)
}

/// Makes the name of a new file as durable as its content: a file whose directory was not synced
/// can be gone after a power cut.
pub(crate) fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if cfg!(unix) => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn private() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

#[cfg(not(unix))]
fn private() -> OpenOptions {
    OpenOptions::new()
}

#[cfg(unix)]
fn create_private_dir(dir: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

#[cfg(not(unix))]
fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::create_dir_all(dir)
}
