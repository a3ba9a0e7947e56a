//! Why a bench cannot run.

use std::fmt;

/// Why a bench cannot run, in one line.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The command line is not right.
    Usage(String),
    /// The system refused.
    Io(std::io::Error),
    /// What the bench stands on failed.
    Setup(String),
}

impl Fault {
    pub(crate) fn usage(text: impl Into<String>) -> Self {
        Self::Usage(text.into())
    }

    /// What another library says went wrong.
    pub(crate) fn setup(error: &dyn fmt::Display) -> Self {
        Self::Setup(error.to_string())
    }
}

impl From<std::io::Error> for Fault {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Setup(text) => f.write_str(text),
            Self::Io(error) => error.fmt(f),
        }
    }
}
