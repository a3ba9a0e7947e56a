//! The server's secret: the key that nonces are signed with, so that they stay good over a restart.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use crate::{OpenError, files};

/// The length of the secret: as long as the output of the hash it keys.
const LENGTH: usize = 32;

/// The file's name in the data directory.
const NAME: &str = "secret";

/// The secret of the server whose data directory is `dir`: 32 random bytes, made on the first call
/// and the same ever after.
///
/// # Errors
///
/// [`OpenError::Corrupt`] if the file has another length: it is never replaced by itself, since
/// that would hide that somebody changed it. Else what keeps the directory or the file from being
/// used.
pub fn secret(dir: &Path) -> Result<[u8; LENGTH], OpenError> {
    files::prepare(dir)?;
    let path = dir.join(NAME);
    match read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        outcome => return outcome.map_err(|error| OpenError::from_io(&path, error)),
    }
    create(&path).and_then(|()| read(&path)).map_err(|error| OpenError::from_io(&path, error))
}

fn read(path: &Path) -> io::Result<[u8; LENGTH]> {
    let mut content = Vec::with_capacity(LENGTH + 1);
    File::open(path)?.take(LENGTH as u64 + 1).read_to_end(&mut content)?;
    content.try_into().map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Writes a new secret under a name of its own and links it into place when it is whole: whoever
/// comes second finds the first one's, and nobody ever finds half of one.
fn create(path: &Path) -> io::Result<()> {
    let mut secret = [0; LENGTH];
    getrandom::fill(&mut secret).map_err(io::Error::other)?;
    let draft = draft_beside(path)?;
    let outcome = write(&draft, &secret).and_then(|()| link(&draft, path));
    fs::remove_file(&draft)?;
    outcome?;
    files::sync_parent(path)
}

fn write(path: &Path, secret: &[u8]) -> io::Result<()> {
    let mut file = files::create_private(path)?;
    file.write_all(secret)?;
    file.sync_all()
}

fn link(draft: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(draft, path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        outcome => outcome,
    }
}

/// A name that no other draft has.
fn draft_beside(path: &Path) -> io::Result<PathBuf> {
    let mut unique = [0; 8];
    getrandom::fill(&mut unique).map_err(io::Error::other)?;
    Ok(path.with_extension(format!("{:016x}", u64::from_be_bytes(unique))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_secret_is_made_once_and_differs_between_directories() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = secret(one.path()).unwrap();
        assert_eq!(secret(one.path()).unwrap(), first);
        assert_ne!(secret(other.path()).unwrap(), first);
        assert_eq!(fs::read_dir(one.path()).unwrap().count(), 1, "no draft is left behind");
    }

    #[cfg(unix)]
    #[test]
    fn the_secret_is_its_owners_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        secret(dir.path()).unwrap();
        let mode = fs::metadata(dir.path().join(NAME)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_secret_of_another_length_is_refused_and_kept() {
        for content in [&[1_u8; 31][..], &[1; 33], &[]] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(NAME), content).unwrap();
            assert!(matches!(secret(dir.path()), Err(OpenError::Corrupt { .. })));
            assert_eq!(fs::read(dir.path().join(NAME)).unwrap(), content);
        }
    }

    #[test]
    fn threads_that_start_together_agree_on_the_secret() {
        let dir = tempfile::tempdir().unwrap();
        let all: Vec<_> = std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..4).map(|_| scope.spawn(|| secret(dir.path()).unwrap())).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let last = secret(dir.path()).unwrap();
        assert!(all.iter().all(|secret| *secret == last));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no draft is left behind");
    }
}
