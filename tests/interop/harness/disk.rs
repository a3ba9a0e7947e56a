//! A disk that can be filled.

use std::fs::File;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

/// A file system in memory, two megabytes large. Unmounted when dropped.
pub(crate) struct SmallDisk {
    pub(crate) path: PathBuf,
    _place: TempDir,
}

impl SmallDisk {
    /// `None` when this user may not mount one.
    pub(crate) fn mount() -> Option<Self> {
        let place = TempDir::new().unwrap();
        let path = place.path().join("disk");
        std::fs::create_dir(&path).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"]).arg(&path);
        let mounted = mount.status().expect("mount to start").success();
        mounted.then_some(Self { path, _place: place })
    }

    /// Writes until nothing more fits.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.path.join("filler")).unwrap();
        for size in [4096, 64, 1] {
            while filler.write_all(&vec![b'x'; size]).is_ok() {}
        }
    }

    /// Takes away what filled it.
    pub(crate) fn free(&self) {
        std::fs::remove_file(self.path.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: the server that used it may still be on its way out.
        let _ = Command::new("umount").arg("-l").arg(&self.path).status();
    }
}
