//! What can go wrong, by moment: [`OpenError`] when a directory is taken into use, for the person
//! who starts the program; [`StoreError`] while it runs, for the server that must answer a request.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use antiphon_core::registrar::Aor;

/// Why a store did not do what it was asked to, while it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreError {
    /// The caller is behind: somebody changed the bindings since it read them. It should read them
    /// again and decide again.
    Conflict {
        /// The version that is stored.
        current: u64,
    },
    /// There is more to write than the writer keeps up with, and its queue is full. A server
    /// answers 503 (RFC 3261 §21.5.4).
    Overloaded,
    /// The store cannot be reached or written now. It heals by itself when the cause is gone. A
    /// server answers 500 or 503 with Retry-After.
    Unavailable {
        /// What is the matter.
        reason: Reason,
    },
    /// What is stored for this address-of-record is not what this program wrote.
    Damaged {
        /// Whose bindings.
        aor: Aor,
    },
}

impl StoreError {
    pub(crate) const fn unavailable(reason: Reason) -> Self {
        Self::Unavailable { reason }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { current } => {
                write!(f, "the bindings changed meanwhile: their version is now {current}")
            }
            Self::Overloaded => f.write_str("the queue of changes to be written is full"),
            Self::Unavailable { reason } => write!(f, "the store is unavailable: {reason}"),
            Self::Damaged { aor } => write!(f, "what is stored for {aor} is damaged"),
        }
    }
}

impl std::error::Error for StoreError {}

/// Why a store is unavailable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reason {
    /// The disk, or the share of it that this user may fill, is full.
    DiskFull,
    /// The operating system refused to read or write.
    Io(io::ErrorKind),
    /// The database says of itself that it is damaged.
    Corrupt,
    /// The store was stopped, or its writer ended.
    Stopped,
}

impl Reason {
    pub(crate) fn from_io(error: &io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull,
            kind => Self::Io(kind),
        }
    }
}

impl From<redb::Error> for Reason {
    fn from(error: redb::Error) -> Self {
        match error {
            redb::Error::Io(error) => Self::from_io(&error),
            // The database refuses all work after an error until it is opened again; the cause was
            // reported to whoever met it first.
            redb::Error::PreviousIo => Self::Io(io::ErrorKind::Other),
            redb::Error::DatabaseClosed => Self::Stopped,
            _ => Self::Corrupt,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DiskFull => f.write_str("the disk is full"),
            Self::Io(kind) => write!(f, "the disk cannot be read or written ({kind})"),
            Self::Corrupt => f.write_str("the database is damaged"),
            Self::Stopped => f.write_str("it was stopped"),
        }
    }
}

/// Why a data directory, or a file in it, cannot be taken into use. The text is one line for the
/// person at the command line: what is wrong, and what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum OpenError {
    /// Another process holds the file.
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// There is something else where the data directory should be.
    NotADirectory {
        /// The path that was given.
        path: PathBuf,
    },
    /// The operating system does not let this user in.
    Denied {
        /// The file or directory.
        path: PathBuf,
    },
    /// The file is not what this program wrote.
    Corrupt {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by a version of the database that this one does not read.
    OtherVersion {
        /// The file.
        path: PathBuf,
    },
    /// The disk is full.
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The operating system failed otherwise.
    Io {
        /// The file or directory.
        path: PathBuf,
        /// What it said.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn from_io(path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::Denied { path }
            }
            io::ErrorKind::NotADirectory => Self::NotADirectory { path },
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => Self::Corrupt { path },
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Self::DiskFull { path },
            _ => Self::Io { path, source },
        }
    }

    pub(crate) fn from_database(path: &Path, error: redb::Error) -> Self {
        let owned = path.to_owned();
        match error {
            redb::Error::DatabaseAlreadyOpen | redb::Error::LockProtocolMismatch => {
                Self::InUse { path: owned }
            }
            redb::Error::UpgradeRequired(_) => Self::OtherVersion { path: owned },
            redb::Error::Io(source) => Self::from_io(path, source),
            _ => Self::Corrupt { path: owned },
        }
    }

    /// The same cause, for those who ask while the store runs.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::DiskFull { .. } => Reason::DiskFull,
            Self::Corrupt { .. } | Self::OtherVersion { .. } => Reason::Corrupt,
            Self::InUse { .. } => Reason::Io(io::ErrorKind::ResourceBusy),
            Self::NotADirectory { .. } => Reason::Io(io::ErrorKind::NotADirectory),
            Self::Denied { .. } => Reason::Io(io::ErrorKind::PermissionDenied),
            Self::Io { source, .. } => Reason::from_io(source),
        }
    }
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InUse { path } => write!(
                f,
                "{} is in use by another antiphon: stop that one, or give this one a directory of \
                 its own with --data",
                path.display()
            ),
            Self::NotADirectory { path } => write!(
                f,
                "{} is not a directory: name a directory, or one that can be created, with --data",
                path.display()
            ),
            Self::Denied { path } => write!(
                f,
                "{} may not be read and written by this user: change its owner, or choose another \
                 directory with --data",
                path.display()
            ),
            Self::Corrupt { path } => write!(
                f,
                "{} is damaged or was not written by antiphon: put a copy of it back, or move it \
                 away to start without it",
                path.display()
            ),
            Self::OtherVersion { path } => write!(
                f,
                "{} has a format that this version does not read: start the version that wrote it",
                path.display()
            ),
            Self::DiskFull { path } => write!(
                f,
                "there is no room on the disk for {}: make room, or choose another directory with \
                 --data",
                path.display()
            ),
            Self::Io { path, source } => write!(
                f,
                "{} cannot be used ({source}): check the disk, or choose another directory with \
                 --data",
                path.display()
            ),
        }
    }
}

impl std::error::Error for OpenError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}
