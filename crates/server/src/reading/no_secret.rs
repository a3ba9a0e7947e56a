//! Why a secret that stands elsewhere than in the configuration cannot be had.

use std::fmt;
use std::path::PathBuf;

/// Why a secret cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretError {
    /// The file cannot be read.
    NoFile {
        /// Which.
        path: PathBuf,
        /// Why.
        kind: std::io::ErrorKind,
    },
    /// The file's first line is empty.
    EmptyFile(PathBuf),
    /// The environment variable is not set, or empty.
    NoVariable(Box<str>),
}

impl fmt::Display for SecretError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile { path, kind } => {
                write!(f, "the secret in '{}' cannot be read: {kind}", path.display())
            }
            Self::EmptyFile(path) => {
                write!(f, "the first line of '{}' should be a secret and is empty", path.display())
            }
            Self::NoVariable(name) => write!(f, "the environment variable '{name}' is not set"),
        }
    }
}

impl std::error::Error for SecretError {}
