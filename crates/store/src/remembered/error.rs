//! What can go wrong with remembered addresses.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::shared::SharedError;

/// Why remembered addresses could not be read or changed. The text is one line for the person at
/// the command line.
#[derive(Debug)]
#[non_exhaustive]
pub enum RememberedError {
    /// It must not be kept.
    Refused(Refusal),
    /// Another process changes the entries for longer than one waits.
    Busy,
    /// The file is not what this program wrote.
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The file or its directory cannot be used.
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<SharedError> for RememberedError {
    fn from(error: SharedError) -> Self {
        match error {
            SharedError::Busy => Self::Busy,
            SharedError::TooLong { path } => Self::Damaged { path },
            SharedError::Io { path, source } => Self::Io { path, source },
        }
    }
}

/// Why an address is not remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refusal {
    /// The old address is a sips: URI and no new one is (RFC 5630 §5.1.1).
    SipsToSip,
    /// There is no new address that differs from the old one.
    NothingNew,
    /// An address has more than `MAX_URI` octets.
    TooLong,
}

impl fmt::Display for RememberedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(refusal) => write!(f, "the address is not remembered: {refusal}"),
            Self::Busy => {
                f.write_str("another command is changing the remembered addresses: try again")
            }
            Self::Damaged { path } => write!(
                f,
                "{} is damaged or was not written by antiphon: move it away to start without \
                 remembered addresses",
                path.display()
            ),
            Self::Io { path, source } => {
                write!(f, "{} cannot be used: {source}", path.display())
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::SipsToSip => "a sips: address is never changed to sip:",
            Self::NothingNew => "it has no new address",
            Self::TooLong => "it is too long",
        })
    }
}

impl std::error::Error for RememberedError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } => Some(source),
            _ => None,
        }
    }
}

impl From<Refusal> for RememberedError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}
