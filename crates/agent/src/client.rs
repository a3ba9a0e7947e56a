//! What every client command takes.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use antiphon_core::user_agent::Identity;
use antiphon_sip::{Transport, UriBuf};

/// Options that all client commands share.
#[derive(Debug, Clone, Default)]
pub struct Client {
    /// Who asks. `None`: the listener's own address, which claims nobody's domain.
    pub from: Option<Identity>,
    /// The user name for challenges. `None`: the user part of `from`.
    pub user: Option<String>,
    /// The password for challenges.
    pub password: Option<String>,
    /// Whether this agent goes on as long as what it registers: then nobody has to wake it.
    pub stays: bool,
    /// What requests outside of calls ask for beside their purpose.
    pub manner: Manner,
    /// The outbound proxy.
    pub proxy: Option<UriBuf>,
    /// Where to listen. Empty: a free port of the address from which the target is reached, for
    /// UDP, TCP and TLS, and for WebSocket where it is asked for.
    pub listen: Vec<Listen>,
    /// The transport for targets that name none. `None`: what the DNS says, UDP for an address.
    pub transport: Option<Transport>,
    /// The DNS server to ask. `None`: those of the system.
    pub dns: Option<SocketAddr>,
    /// PEM files with certificates that are believed besides those of the system's authorities:
    /// of other authorities, or self-signed ones of single servers.
    pub trust: Vec<PathBuf>,
    /// What is shown to who connects over TLS, and to servers that ask for it.
    pub certificate: Option<CertificateFiles>,
    /// What requests are signed with. `None`: nothing is signed.
    pub signing: Option<Signing>,
    /// The file that the secrets of TLS connections are added to.
    pub key_log: Option<PathBuf>,
    /// Bounds the whole action.
    pub timeout: Option<Duration>,
    /// The capture file that all messages are written to.
    pub trace: Option<PathBuf>,
    /// Whether every message is shown as it comes and goes.
    pub verbose: bool,
    /// The directory of what is kept between runs: addresses that a 301 moved for good. `None`
    /// keeps nothing.
    pub state: Option<PathBuf>,
}

impl Client {
    /// The user name and password for challenges, if there is a password.
    pub(crate) fn credentials(&self) -> Option<(String, String)> {
        let password = self.password.clone()?;
        let user = self.user.clone().or_else(|| self.user_of_from());
        user.map(|user| (user, password))
    }

    fn user_of_from(&self) -> Option<String> {
        let uri = self.from.as_ref()?.uri.as_uri();
        let user = uri.as_sip()?.user?;
        Some(antiphon_sip::uri::unescape(user).into_owned())
    }
}

/// What a request asks for beside its purpose, and what may be given up for it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Manner {
    /// Values of Resource-Priority that may be asked for (RFC 4412 §3.1): the first is, the others
    /// where the server does not know it (417).
    pub priorities: Vec<String>,
    /// Whether a server that does not know the priority is to refuse (§3.3).
    pub requires_priority: bool,
    /// Whether, after such a refusal, the request goes without a priority that is required.
    pub takes_normal_priority: bool,
    /// Whether From names nobody (RFC 3323 §4.1.1.3) and servers are asked not to pass on who it is
    /// (RFC 3325 §9.3).
    pub anonymous: bool,
    /// Whether who calls is shown to those who take no anonymous calls (433).
    pub reveals_identity: bool,
}

impl Manner {
    /// The header fields by which it is asked for.
    pub(crate) fn headers(&self) -> Vec<(String, String)> {
        let mut headers = Vec::new();
        let mut say = |name: &str, value: &str| headers.push((name.to_owned(), value.to_owned()));
        if let Some(first) = self.priorities.first() {
            say("Resource-Priority", first);
            if self.requires_priority {
                say("Require", "resource-priority");
            }
        }
        if self.anonymous {
            say("Privacy", "id");
        }
        headers
    }
}

/// The PEM files of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The certificate, and behind it those that lead to an authority.
    pub chain: PathBuf,
    /// Its private key.
    pub key: PathBuf,
}

/// How requests outside of calls, REGISTER excepted, are signed (RFC 8224).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signing {
    /// The keys; the first is used until a server does not take its certificate (436, 437).
    pub credentials: Vec<Credential>,
    /// Whether every request is signed, not only those to a server that asks for it (428).
    pub always: bool,
}

/// A key, and where others find out whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credential {
    /// The PEM file (PKCS #8) with the private key, one on the curve P-256.
    pub key: PathBuf,
    /// The URL of its certificate.
    pub certificate: String,
}

/// An address to listen on, as in `udp:192.0.2.1:5060`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listen {
    /// UDP, TCP, TLS, WS or WSS.
    pub transport: Transport,
    /// The address; port 0 takes a free one.
    pub address: SocketAddr,
}

/// Why a text names nothing to listen on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoListen {
    /// Not of the form `udp:IP:PORT`.
    Form,
    /// A transport that cannot be listened on.
    Transport,
}

impl FromStr for Listen {
    type Err = NoListen;

    fn from_str(text: &str) -> Result<Self, NoListen> {
        let (transport, address) = text.split_once(':').ok_or(NoListen::Form)?;
        let transport = Transport::from_bytes(transport.as_bytes()).ok_or(NoListen::Form)?;
        if transport == Transport::Sctp || transport == Transport::TlsSctp {
            return Err(NoListen::Transport);
        }
        let address = address.parse().map_err(|_| NoListen::Form)?;
        Ok(Self { transport, address })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.transport.as_uri_param(), self.address)
    }
}

impl fmt::Display for NoListen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => {
                "write a transport (udp, tcp, tls, ws or wss), an address and a port, such as \
                 udp:127.0.0.1:5060"
            }
            Self::Transport => "nothing here speaks SCTP; use udp, tcp, tls, ws or wss",
        })
    }
}

impl std::error::Error for NoListen {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_is_a_transport_an_address_and_a_port() {
        let listen: Listen = "udp:127.0.0.1:5060".parse().unwrap();
        assert_eq!(listen.transport, Transport::Udp);
        assert_eq!(listen.to_string(), "udp:127.0.0.1:5060");
        let listen: Listen = "TCP:[::1]:0".parse().unwrap();
        assert_eq!(listen.to_string(), "tcp:[::1]:0");
        for wrong in ["", "udp", "udp:", "udp:127.0.0.1", "127.0.0.1:5060", "udp:host:5060"] {
            assert_eq!(wrong.parse::<Listen>(), Err(NoListen::Form), "{wrong}");
        }
        for transport in ["tls", "ws", "wss"] {
            let text = format!("{transport}:127.0.0.1:5061");
            assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
        }
        assert_eq!("sctp:127.0.0.1:5060".parse::<Listen>(), Err(NoListen::Transport));
    }

    #[test]
    fn the_user_of_from_answers_challenges_unless_another_is_named() {
        let from = Identity::new("sip:al%20ice@example.org".parse().unwrap());
        let password = Some("secret".to_owned());
        let mut client = Client { from: Some(from), password, ..Client::default() };
        assert_eq!(client.credentials().unwrap().0, "al ice");
        client.user = Some("bob".to_owned());
        assert_eq!(client.credentials().unwrap().0, "bob");
        client.password = None;
        assert_eq!(client.credentials(), None);
    }
}
