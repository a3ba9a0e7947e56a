//! How a command ended, and what goes wrong around it.

use std::fmt;
use std::io;
use std::path::PathBuf;

use antiphon_core::user_agent::{Conclusion, Misuse, Outcome};
use antiphon_sip::StatusCode;

use crate::session::signer::KeyError;

/// How a command ended; its exit status follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The request succeeded: 2xx.
    Succeeded,
    /// The final answer was of 300 to 699.
    Refused(StatusCode),
    /// No answer at all: time, transport or names failed.
    NoAnswer,
    /// It was stopped before it was answered, or ended without what was asked for.
    Stopped,
    /// What was asked for cannot be sent.
    Misused(Misuse),
}

impl Ending {
    /// The exit status: 0 for a success; 3, 4, 5 or 6, the class of the final answer; 8 for no
    /// answer at all; 2 for a wrong command; 1 for anything else.
    #[must_use]
    pub fn exit_status(self) -> u8 {
        match self {
            Self::Succeeded => 0,
            Self::Refused(code) => u8::try_from(code.as_u16() / 100).unwrap_or(1),
            Self::NoAnswer => 8,
            Self::Stopped => 1,
            Self::Misused(_) => 2,
        }
    }

    /// How an action ended.
    pub(crate) const fn of(outcome: &Outcome) -> Self {
        match (outcome.conclusion, outcome.code) {
            (Conclusion::Succeeded, _) => Self::Succeeded,
            // What was given up is told by its final response too: 487 after a CANCEL.
            (_, Some(code)) if !code.is_success() => Self::Refused(code),
            (Conclusion::NoAnswer(_) | Conclusion::TimeUp, _) => Self::NoAnswer,
            (Conclusion::Misused(misuse), _) => Self::Misused(misuse),
            _ => Self::Stopped,
        }
    }
}

/// What keeps a command from being done at all. The text is one line for the person at the command
/// line and says what to do.
#[derive(Debug)]
#[non_exhaustive]
pub enum Failure {
    /// An address cannot be listened on.
    Bind(antiphon_net::BindError),
    /// A certificate, or what else TLS needs, cannot be used.
    Tls(antiphon_net::TlsError),
    /// A key to sign requests with cannot be used.
    Key(KeyError),
    /// No socket for RTP.
    Media(io::Error),
    /// The sockets failed while they were used.
    Network(io::Error),
    /// The system gives no random numbers.
    Random,
    /// The capture file cannot be written.
    Trace {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// Signals cannot be awaited.
    Signals(io::Error),
}

impl Failure {
    /// The exit status: 2 when another command line would help, otherwise 1.
    #[must_use]
    pub const fn exit_status(&self) -> u8 {
        match self {
            Self::Bind(_) | Self::Tls(_) | Self::Key(_) | Self::Trace { .. } => 2,
            Self::Media(_) | Self::Network(_) | Self::Random | Self::Signals(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Key(error) => error.fmt(f),
            Self::Media(error) => write!(f, "no UDP port for RTP can be opened: {error}"),
            Self::Network(error) => write!(f, "the network failed: {error}"),
            Self::Random => f.write_str("the system gives no random numbers"),
            Self::Trace { path, error } => {
                write!(f, "the capture file {} cannot be written: {error}", path.display())
            }
            Self::Signals(error) => write!(f, "signals cannot be awaited: {error}"),
        }
    }
}

impl std::error::Error for Failure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Bind(error) => Some(error),
            Self::Tls(error) => Some(error),
            Self::Key(error) => Some(error),
            Self::Trace { error, .. }
            | Self::Media(error)
            | Self::Network(error)
            | Self::Signals(error) => Some(error),
            Self::Random => None,
        }
    }
}

impl From<antiphon_net::BindError> for Failure {
    fn from(error: antiphon_net::BindError) -> Self {
        Self::Bind(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_status_is_the_class_of_the_answer() {
        let status = |code| Ending::Refused(StatusCode::new(code).unwrap()).exit_status();
        assert_eq!([302, 486, 503, 603].map(status), [3, 4, 5, 6]);
        assert_eq!(Ending::Succeeded.exit_status(), 0);
        assert_eq!(Ending::NoAnswer.exit_status(), 8);
        assert_eq!(Ending::Misused(Misuse::Unwritable).exit_status(), 2);
    }
}
