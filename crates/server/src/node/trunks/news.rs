//! What is told of trunks.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::auth::ClientError;
use antiphon_core::time::Time;
use antiphon_sip::StatusCode;

/// Something happened to a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TrunkNews {
    /// This server is registered there, for the first time or again.
    Registered {
        /// The address-of-record.
        aor: String,
        /// For how long.
        granted: Duration,
    },
    /// It is not, or will not be for long.
    NotRegistered {
        /// The address-of-record.
        aor: String,
        /// Why.
        trouble: Trouble,
        /// When it is tried again; `None`: not before the configuration is read again.
        retry_in: Option<Duration>,
    },
    /// The registration was taken back.
    Unregistered {
        /// The address-of-record.
        aor: String,
    },
    /// A server of it went down, or came up.
    Server {
        /// Which.
        server: Arc<str>,
        /// Whether it is down now.
        is_down: bool,
    },
    /// All of its servers are down now, or no longer.
    Trunk {
        /// Whether they are.
        is_down: bool,
    },
    /// Its challenge could not be answered with the credentials for it.
    NotSignedIn(Trouble),
}

/// Why something could not be had from a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// It said so.
    Answer(StatusCode),
    /// It said nothing.
    Silence,
    /// No server could be reached.
    Unreachable,
    /// It asks for credentials that it cannot be given.
    Challenge(ClientError),
}

/// How a trunk is at a moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkState {
    /// Its name.
    pub name: Arc<str>,
    /// Its servers, in the order of the configuration.
    pub servers: Vec<(Arc<str>, ServerState)>,
    /// Where they were found.
    pub addresses: Vec<IpAddr>,
    /// Until when this server is registered there; `None` when it is not to be.
    pub registration: Option<Option<Time>>,
}

/// How a server of a trunk is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ServerState {
    /// As far as is known it takes calls.
    Up,
    /// Probes do not find it.
    Down,
    /// It failed, and is tried after the others until it has answered.
    Resting,
    /// It asked to be left alone until then.
    RestingUntil(Time),
}

impl fmt::Display for TrunkNews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registered { aor, granted } => {
                write!(f, "{aor} is registered for {} s", granted.as_secs())
            }
            Self::NotRegistered { aor, trouble, retry_in: Some(retry_in) } => {
                write!(f, "{aor} is not registered: {trouble}; ")?;
                write!(f, "tried again in {} s", retry_in.as_secs())
            }
            Self::NotRegistered { aor, trouble, retry_in: None } => {
                write!(f, "{aor} is not registered: {trouble}; ")?;
                f.write_str("tried again when the configuration is read again (SIGHUP)")
            }
            Self::Unregistered { aor } => write!(f, "the registration of {aor} was removed"),
            Self::Server { server, is_down: true } => write!(f, "{server} is down"),
            Self::Server { server, is_down: false } => write!(f, "{server} is up again"),
            Self::Trunk { is_down: true } => f.write_str("all of its servers are down"),
            Self::Trunk { is_down: false } => f.write_str("it is up again"),
            Self::NotSignedIn(trouble) => {
                write!(f, "its challenge has no answer: {trouble}; the caller was asked instead")
            }
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status) => write!(f, "{} {}", status.as_u16(), status.reason()),
            Self::Silence => f.write_str("no answer"),
            Self::Unreachable => f.write_str("no server can be reached"),
            Self::Challenge(error) => error.fmt(f),
        }
    }
}
