//! Why a server cannot run.

use std::fmt;

use crate::stores::StoresError;

/// Why a server cannot run. Shown, it is one line that says what to do.
#[derive(Debug)]
pub enum ServeError {
    /// A listener cannot be opened.
    Bind(antiphon_net::BindError),
    /// A certificate, or what else TLS needs, cannot be used.
    Tls(antiphon_net::TlsError),
    /// The data directory cannot be used.
    Stores(StoresError),
    /// The system gives no random numbers, without which nothing can be secret.
    NoRandomness,
    /// The sockets cannot be driven.
    Io(std::io::Error),
    /// A worker has ended by a fault of the program, and the others with it.
    Worker,
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bind(error) => error.fmt(f),
            Self::Tls(error) => error.fmt(f),
            Self::Stores(error) => error.fmt(f),
            Self::NoRandomness => f.write_str("the system gives no random numbers"),
            Self::Io(error) => write!(f, "the sockets cannot be driven: {error}"),
            Self::Worker => f.write_str(
                "a worker has ended by a fault of the program: report what it wrote, and start the \
                 server again",
            ),
        }
    }
}

impl std::error::Error for ServeError {}
