//! What can go wrong with accounts.

use std::fmt;

use crate::{OpenError, Reason};

/// Why accounts could not be read or changed. The text is one line for the person at the command
/// line.
#[derive(Debug)]
#[non_exhaustive]
pub enum AccountError {
    /// There is an account of that name already.
    Exists,
    /// There is no account of that name.
    Unknown,
    /// The user, domain or realm cannot be a name: empty, too long, or with characters that
    /// cannot stand there.
    InvalidName,
    /// Somebody else holds the file for longer than one waits.
    Busy,
    /// The directory or the file cannot be used.
    Open(OpenError),
    /// The disk failed while the accounts were read or written. What was there still is.
    Failed(Reason),
}

impl fmt::Display for AccountError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exists => f.write_str(
                "there is an account of that name already: change its password, or remove it first",
            ),
            Self::Unknown => {
                f.write_str("there is no account of that name: list them to see which")
            }
            Self::InvalidName => f.write_str(
                "that cannot be the name of an account: write USER@DOMAIN, without blanks, 255 \
                 octets each at most",
            ),
            Self::Busy => f.write_str("another command is changing the accounts: try again"),
            Self::Open(error) => error.fmt(f),
            Self::Failed(reason) => {
                write!(f, "the accounts cannot be read or written now: {reason}")
            }
        }
    }
}

impl std::error::Error for AccountError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Open(error) => Some(error),
            _ => None,
        }
    }
}

impl From<OpenError> for AccountError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::InUse { .. } => Self::Busy,
            error => Self::Open(error),
        }
    }
}

impl From<redb::Error> for AccountError {
    fn from(error: redb::Error) -> Self {
        Self::Failed(Reason::from(error))
    }
}
