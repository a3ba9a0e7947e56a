//! Why a chore stopped, and the exit status that says whose fault it is.

use std::fmt;
use std::process::ExitCode;

/// A chore that stopped.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The tree is at fault: something did not build, pass or agree. Exit status 1.
    Tree(String),
    /// The command line or the machine is at fault. Exit status 2.
    Surroundings(String),
}

impl Failure {
    pub(crate) fn tree(message: impl Into<String>) -> Self {
        Self::Tree(message.into())
    }

    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Surroundings(message.into())
    }

    pub(crate) fn exit_code(&self) -> ExitCode {
        match self {
            Self::Tree(_) => ExitCode::from(1),
            Self::Surroundings(_) => ExitCode::from(2),
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tree(message) | Self::Surroundings(message) => f.write_str(message),
        }
    }
}
