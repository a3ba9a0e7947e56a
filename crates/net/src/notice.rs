//! What whoever runs the program should know.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use antiphon_sip::Transport;

use crate::refusal::Refusal;

/// Something that whoever runs the program should look at. Shown, it is one line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Notice {
    /// The system grants a UDP socket a smaller buffer than [`Settings`](crate::Settings) ask for.
    SmallBuffer {
        /// Which socket.
        local: SocketAddr,
        /// Whether it is the buffer of what arrives, or of what is sent.
        receive: bool,
        /// Octets asked for.
        asked: usize,
        /// Octets granted.
        granted: usize,
    },
    /// The system grants fewer open files than the connections that there may be.
    FewDescriptors {
        /// How many connections there may be now.
        connections: usize,
        /// Files asked for.
        asked: usize,
        /// Files granted.
        granted: usize,
    },
    /// A secure listener has no certificate to show: it connects, and takes no connections.
    OnlyConnects {
        /// The transport.
        transport: Transport,
        /// Its address.
        local: SocketAddr,
    },
    /// No authority is trusted, so no server can prove who it is when we connect over TLS.
    NoTrustAnchor,
    /// Something that peers did was refused.
    Refused {
        /// Who it was; `None` for many.
        source: Option<IpAddr>,
        /// Over which transport.
        transport: Transport,
        /// What was wrong this time.
        refusal: Refusal,
        /// How often anything of this source was refused since its last notice, without being told.
        unheard: u64,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::SmallBuffer { local, receive, asked, granted } => {
                let (name, limit) =
                    if *receive { ("receive", "rmem_max") } else { ("send", "wmem_max") };
                write!(
                    f,
                    "udp:{local} has a {name} buffer of {granted} octets instead of {asked}: \
                     datagrams may be lost under load. On Linux, raise it with \
                     'sysctl -w net.core.{limit}={asked}'"
                )
            }
            Self::FewDescriptors { connections, asked, granted } => write!(
                f,
                "at most {connections} connections at once: the system grants {granted} open files \
                 instead of {asked}. Raise it with 'ulimit -Hn {asked}', or LimitNOFILE of systemd"
            ),
            Self::OnlyConnects { transport, local } => write!(
                f,
                "{}:{local} takes no connections: there is no certificate to show",
                transport.as_uri_param(),
            ),
            Self::NoTrustAnchor => f.write_str(
                "no certificate authority is trusted: no server can be connected to over TLS",
            ),
            Self::Refused { source, transport, refusal, unheard } => {
                match source {
                    Some(source) => write!(f, "refused {source}")?,
                    None => write!(f, "refused many sources")?,
                }
                write!(f, " over {transport}: {refusal}")?;
                match unheard {
                    0 => Ok(()),
                    _ => write!(f, "; {unheard} more refused since the last time"),
                }
            }
        }
    }
}
