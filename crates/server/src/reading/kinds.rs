//! Values that have a meaning in SIP or in a network.

use std::fmt;
use std::net::{IpAddr, SocketAddr};

use antiphon_core::auth::Algorithm;
use antiphon_net::{DnsConfig, ListenSpec};
use antiphon_sip::{Host, Method, StatusCode, Transport, UriBuf};
use ipnet::IpNet;

use super::fault::Problem;
use super::reader::{FromValue, Item, Reader};
use super::suggest::nearest;
use super::value::{choose, one_of};
use crate::media::{MediaUse, WithoutRelay};

/// What a server does for the users of a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// It forwards requests to where they are (RFC 3261 §16).
    Proxy,
    /// It tells the caller where they are (RFC 3261 §8.3).
    Redirect,
}

impl Role {
    const CHOICES: [(&'static str, Self); 2] =
        [("proxy", Self::Proxy), ("redirect", Self::Redirect)];

    /// The word for it in a configuration.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Proxy => "proxy",
            Self::Redirect => "redirect",
        }
    }
}

impl FromValue for Role {
    fn kind() -> String {
        one_of(&Self::CHOICES)
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        choose(item, reader, &Self::CHOICES)
    }
}

/// Whether clients are asked for a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Asking {
    None,
    Asked,
    Required,
}

impl Asking {
    const CHOICES: [(&'static str, Self); 3] =
        [("none", Self::None), ("asked", Self::Asked), ("required", Self::Required)];
}

impl FromValue for Asking {
    fn kind() -> String {
        one_of(&Self::CHOICES)
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        choose(item, reader, &Self::CHOICES)
    }
}

const USES: [(&str, MediaUse); 3] =
    [("bridge", MediaUse::Bridge), ("always", MediaUse::Always), ("never", MediaUse::Never)];

impl FromValue for MediaUse {
    fn kind() -> String {
        one_of(&USES)
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        choose(item, reader, &USES)
    }
}

const WITHOUT: [(&str, WithoutRelay); 2] =
    [("go on", WithoutRelay::GoOn), ("refuse", WithoutRelay::Refuse)];

impl FromValue for WithoutRelay {
    fn kind() -> String {
        one_of(&WITHOUT)
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        choose(item, reader, &WITHOUT)
    }
}

impl FromValue for Algorithm {
    fn kind() -> String {
        one_of(&algorithms())
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        choose(item, reader, &algorithms())
    }
}

fn algorithms() -> [(&'static str, Algorithm); 3] {
    Algorithm::ALL.map(|algorithm| (algorithm.name(), algorithm))
}

impl FromValue for Transport {
    fn kind() -> String {
        one_of(&transports())
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        choose(item, reader, &transports())
    }
}

fn transports() -> Vec<(&'static str, Transport)> {
    Transport::ALL.iter().map(|transport| (transport.as_uri_param(), *transport)).collect()
}

/// Methods are told apart by the case of their letters (RFC 3261 §7.1), so that `invite` is
/// another one than INVITE, and surely a mistake.
impl FromValue for Method {
    fn kind() -> String {
        "a method such as \"INVITE\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        let near = nearest(text, Self::ALL.iter().map(Self::as_str));
        match Self::from_bytes(text.as_bytes()) {
            Some(Self::Other(_)) | None if near.is_some() => reader.not_a(item, Self::kind(), near),
            Some(method) => Some(method),
            None => reader.not_a(item, Self::kind(), None),
        }
    }
}

/// What can be listened on; SCTP is known, but not spoken.
const LISTENABLE: [Transport; 5] =
    [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];

impl FromValue for ListenSpec {
    fn kind() -> String {
        "a listener such as \"udp:192.0.2.1:5060\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        let Some((name, address)) = text.split_once(':') else {
            return reader.not_a(item, Self::kind(), None);
        };
        let address = socket_address(address);
        let transport = Transport::from_bytes(name.as_bytes());
        let Some(transport) = transport.filter(|known| LISTENABLE.contains(known)) else {
            let near = nearest(name, LISTENABLE.map(Transport::as_uri_param));
            let meant = near.zip(address).map(|(near, address)| format!("{near}:{address}"));
            return reader.not_a(item, Self::kind(), meant.as_deref());
        };
        match address {
            Some(addr) => Some(Self { transport, addr }),
            None => {
                let with_port = format!("{address}:5060", address = text.trim_end_matches(':'));
                let is_right = with_port
                    .split_once(':')
                    .is_some_and(|(_, address)| address.parse::<SocketAddr>().is_ok());
                reader.not_a(item, Self::kind(), is_right.then_some(with_port.as_str()))
            }
        }
    }
}

fn socket_address(text: &str) -> Option<SocketAddr> {
    text.parse().ok()
}

impl FromValue for SocketAddr {
    fn kind() -> String {
        "an address with a port such as \"127.0.0.1:8080\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        socket_address(text).or_else(|| reader.not_a(item, Self::kind(), None))
    }
}

/// A DNS server: its port is 53 unless it says another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DnsServer(pub(crate) SocketAddr);

impl FromValue for DnsServer {
    fn kind() -> String {
        "the address of a DNS server such as \"192.0.2.53\" or \"192.0.2.53:53\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        match DnsConfig::server(text) {
            Some(server) => Some(Self(server)),
            None => reader.not_a(item, Self::kind(), None),
        }
    }
}

/// An address alone is the network that holds only it.
impl FromValue for IpNet {
    fn kind() -> String {
        "a network such as \"192.0.2.0/24\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        let network = match text.parse::<IpAddr>() {
            Ok(address) => Some(Self::from(address)),
            Err(_) => text.parse::<Self>().ok(),
        };
        let Some(network) = network else {
            return reader.not_a(item, Self::kind(), None);
        };
        if network.trunc() != network {
            let meant = network.trunc().to_string();
            reader.fault_meaning(&item.span(), Problem::HostBits, Some(&meant));
            return None;
        }
        Some(network)
    }
}

/// A host name or an address; IPv6 addresses stand in brackets. In lower case.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostName(Box<str>);

impl HostName {
    /// A name that has been checked before.
    pub(crate) fn new(name: &str) -> Self {
        Self(name.to_ascii_lowercase().into())
    }

    /// The name, in lower case.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromValue for HostName {
    fn kind() -> String {
        "a host name or address without a port".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        if Host::parse(text).is_ok() {
            return Some(Self(text.to_ascii_lowercase().into()));
        }
        let bracketed = format!("[{text}]");
        let without = text.rsplit_once(':').map(|(host, _)| host);
        let meant = [Some(bracketed.as_str()), without]
            .into_iter()
            .flatten()
            .find(|candidate| Host::parse(candidate).is_ok());
        reader.not_a(item, Self::kind(), meant)
    }
}

/// A host with or without a port, as in a URI (RFC 3261 §25.1, `hostport`).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct HostPort {
    /// The host.
    pub host: HostName,
    /// The port; without one, names are looked up (RFC 3263 §4.2).
    pub port: Option<u16>,
}

impl fmt::Display for HostPort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.host.fmt(f)?;
        self.port.map_or(Ok(()), |port| write!(f, ":{port}"))
    }
}

impl FromValue for HostPort {
    fn kind() -> String {
        "a host with or without a port such as \"gw.example.net:5060\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        let uri = format!("sip:{text}");
        let parsed = antiphon_sip::Uri::parse(&uri).ok();
        let sip = parsed.as_ref().and_then(|uri| uri.as_sip());
        let plain =
            sip.filter(|sip| sip.user.is_none() && sip.params.is_empty() && sip.headers.is_none());
        match plain {
            Some(sip) => {
                let host = sip.host.to_string().to_ascii_lowercase();
                Some(Self { host: HostName(host.into()), port: sip.port })
            }
            None => {
                let inner = text.strip_prefix("sip:").filter(|host| !host.is_empty());
                reader.not_a(item, Self::kind(), inner)
            }
        }
    }
}

impl FromValue for UriBuf {
    fn kind() -> String {
        "a URI such as \"sip:alice@example.org\"".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        match Self::parse(text) {
            Ok(uri) => Some(uri),
            Err(error) => {
                let problem = Problem::Grammar { wanted: "a URI", found: text.into(), error };
                let meant = format!("sip:{text}");
                let meant = Self::parse(&meant).ok().map(|_| meant);
                reader.fault_meaning(&item.span(), problem, meant.as_deref());
                None
            }
        }
    }
}

/// A final status code that a rule may answer with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct FinalStatus(pub(crate) StatusCode);

impl FromValue for FinalStatus {
    fn kind() -> String {
        "a final status code, 200 to 699".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let wanted = Self::kind();
        let toml::de::DeValue::Integer(number) = item.get_ref() else {
            return reader.wrong_kind(item, wanted);
        };
        let code = number.as_str().parse().ok().and_then(StatusCode::new);
        match code.filter(|code| code.is_final()) {
            Some(code) => Some(Self(code)),
            None => {
                let found = number.as_str().into();
                reader.fault(&item.span(), Problem::NotA { wanted: wanted.into(), found });
                None
            }
        }
    }
}
