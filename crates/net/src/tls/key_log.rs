//! The secrets of connections in a file, for finding faults: only where it was asked for.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustls::KeyLog;

use super::error::TlsError;

/// Adds the secrets of connections to a file in the form that Wireshark reads
/// (draft-ietf-tls-keylogfile). An environment variable alone must not open everything that is
/// said, so the library's own writer is not used.
#[derive(Debug)]
pub(super) struct KeyLogTo(Mutex<File>);

impl KeyLogTo {
    /// Opens the file, for its owner alone if it is new.
    pub(super) fn open(path: &Path) -> Result<Self, TlsError> {
        let fail = |source| TlsError::File { path: path.to_owned(), source };
        options().open(path).map(|file| Self(Mutex::new(file))).map_err(fail)
    }
}

impl KeyLog for KeyLogTo {
    fn log(&self, label: &str, client_random: &[u8], secret: &[u8]) {
        let line = format!("{label} {} {}\n", hex(client_random), hex(secret));
        let mut file = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // A full disk is no reason to end a connection.
        let _ = file.write_all(line.as_bytes());
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut text, octet| {
        let _ = write!(text, "{octet:02x}");
        text
    })
}

#[cfg(unix)]
fn options() -> OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options
}

#[cfg(not(unix))]
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    options
}
