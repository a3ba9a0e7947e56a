//! What the server uses: every value is right, and everything that is spoken of exists.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::auth::Algorithm;
use antiphon_core::proxy::TrustDomain;
use antiphon_core::registrar::Policy;
use antiphon_core::registration::registrar_of;
use antiphon_net::{DnsConfig, ListenSpec};
use antiphon_sip::{Transport, UriBuf};
use ipnet::IpNet;

use crate::media::MediaPolicy;
use crate::reading::kinds::{HostName, HostPort, Role};
use crate::reading::secret::Secret;
use crate::rules::RuleSet;
use crate::security::Security;

/// A configuration without faults.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Where it listens.
    pub listen: Vec<ListenSpec>,
    /// What it shows and believes over TLS; in a file there are certificates when it listens with
    /// TLS.
    pub security: Security,
    /// What stands between it and the network.
    pub network: Network,
    /// How names are looked up.
    pub dns: DnsConfig,
    /// How many threads share the work; at least one.
    pub workers: usize,
    /// Where its state lives; `None` leaves that to the command line.
    pub data: Option<PathBuf>,
    /// The domains; without any, the address of the first listener is the only one.
    pub domains: Vec<Domain>,
    /// What the registrar grants.
    pub registrar: Policy,
    /// What extensions of SIP leave to choice.
    pub extensions: Extensions,
    /// The address of the dashboard.
    pub admin: SocketAddr,
    /// Networks that need not sign in.
    pub trusted: Vec<IpNet>,
    /// Who is banned; `None` bans nobody.
    pub bans: Option<Bans>,
    /// Whose media are relayed.
    pub media: MediaPolicy,
    /// The ways out.
    pub trunks: Vec<Trunk>,
    /// The rules, the default ones among them.
    pub rules: Arc<RuleSet>,
}

/// What stands between the server and the network.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Network {
    /// The host that Via and Record-Route of secure listeners name; `None` for their address.
    pub name: Option<HostName>,
    /// The load balancers, whose connections begin with a PROXY header.
    pub load_balancers: Vec<IpNet>,
    /// The web sites whose pages may connect by WebSocket; `None` for all.
    pub origins: Option<Vec<Box<str>>>,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Domain {
    /// Its name, which is the realm of its accounts.
    pub name: HostName,
    /// Other names for the same users.
    pub aliases: Vec<HostName>,
    /// What is done for its users.
    pub role: Role,
    /// The hashes that are offered, in order; never empty.
    pub digest: Vec<Algorithm>,
    /// Whether its accounts may call in other names than their own.
    pub any_from: bool,
}

impl Domain {
    /// A domain that says nothing but its name.
    #[must_use]
    pub fn new(name: &str) -> Self {
        let digest = vec![Algorithm::Md5, Algorithm::Sha256];
        let (name, aliases) = (HostName::new(name), Vec::new());
        Self { name, aliases, role: Role::Proxy, digest, any_from: false }
    }

    /// Its name, then the others.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.name).chain(&self.aliases).map(HostName::as_str)
    }
}

/// What the extensions of SIP leave to the choice of a server. The default is to choose nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// The proxies that requests of a registered phone are to pass, first hop first, each a URI
    /// with `lr` (RFC 3608 §6.3).
    pub service_route: Vec<UriBuf>,
    /// Seconds after which a phone that hears nothing on its flow may take it for dead
    /// (RFC 5626 §5.4).
    pub flow_timer: Option<u32>,
    /// Whether redirections by the users of our domains are followed here (RFC 3261 §16.7 step 4)
    /// instead of being passed to the caller.
    pub follow_redirections: bool,
    /// The domains of other registrars that this server is the edge proxy of (RFC 5626 §5).
    pub edge_for: Vec<Box<str>>,
    /// Whose word on the identity of callers counts (RFC 3325).
    pub trust: TrustDomain,
}

/// When a source is not listened to any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bans {
    /// So many failures are too many.
    pub failures: u32,
    /// They are counted over this time.
    pub window: Duration,
    /// A ban lasts this long.
    pub length: Duration,
    /// These are never banned.
    pub never: Vec<IpNet>,
}

/// A way out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trunk {
    /// Its name.
    pub name: Arc<str>,
    /// Its servers; never empty.
    pub targets: Vec<TrunkTarget>,
    /// The transport to them; `None` leaves it to RFC 3263.
    pub transport: Option<Transport>,
    /// How long a server of it may say nothing while there are others to be tried.
    pub patience: Duration,
    /// What its challenges are answered with.
    pub credentials: Option<TrunkCredentials>,
    /// Our own registration there.
    pub registration: Option<TrunkRegistration>,
    /// How its targets are watched.
    pub probe: Option<Probe>,
}

/// A server of a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkTarget {
    /// Where it is.
    pub host: HostPort,
    /// Lower ones are tried first.
    pub priority: u32,
    /// How often it comes first among those of its priority.
    pub weight: u32,
}

/// Credentials at a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkCredentials {
    /// The user name.
    pub username: Box<str>,
    /// The password.
    pub password: Secret,
    /// The realm they are for; `None` is that of any challenge of the trunk's targets.
    pub realm: Option<Box<str>>,
}

/// A registration at a trunk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrunkRegistration {
    /// The address-of-record.
    pub aor: UriBuf,
    /// The registrar; `None` is the domain of `aor`.
    pub registrar: Option<UriBuf>,
    /// The validity that is asked for.
    pub expires: Duration,
}

impl TrunkRegistration {
    /// Where it is asked for.
    #[must_use]
    pub fn asked_at(&self) -> UriBuf {
        self.registrar.clone().unwrap_or_else(|| registrar_of(&self.aor))
    }
}

/// Watching a trunk by OPTIONS.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// From one to the next.
    pub interval: Duration,
    /// Down after so many failures in a row.
    pub down_after: u32,
    /// Up after so many answers in a row.
    pub up_after: u32,
}

/// Where a server listens that was told nothing.
pub(super) fn usual_listeners() -> [ListenSpec; 2] {
    let loopback = SocketAddr::from((Ipv4Addr::LOCALHOST, 5060));
    [ListenSpec::udp(loopback), ListenSpec::tcp(loopback)]
}

/// What an empty file says.
impl Default for Config {
    fn default() -> Self {
        Self {
            listen: usual_listeners().to_vec(),
            security: Security::default(),
            network: Network::default(),
            dns: DnsConfig::default(),
            workers: 1,
            data: None,
            domains: Vec::new(),
            registrar: Policy::default(),
            extensions: Extensions::default(),
            admin: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            trusted: Vec::new(),
            bans: Some(Bans::default()),
            media: MediaPolicy::default(),
            trunks: Vec::new(),
            rules: super::only_default_rules(),
        }
    }
}

impl Default for Bans {
    fn default() -> Self {
        let (window, length) = (Duration::from_secs(60), Duration::from_secs(15 * 60));
        Self { failures: 10, window, length, never: Vec::new() }
    }
}

impl Config {
    /// Whether an address needs no credentials.
    #[must_use]
    pub fn is_trusted(&self, source: IpAddr) -> bool {
        let source = source.to_canonical();
        self.trusted.iter().any(|network| network.contains(&source))
    }

    /// The domain that has this name or alias.
    #[must_use]
    pub fn domain(&self, host: &str) -> Option<&Domain> {
        self.domains.iter().find(|domain| {
            std::iter::once(&domain.name)
                .chain(&domain.aliases)
                .any(|name| name.as_str().eq_ignore_ascii_case(host))
        })
    }

    /// The trunk of this name.
    #[must_use]
    pub fn trunk(&self, name: &str) -> Option<&Trunk> {
        self.trunks.iter().find(|trunk| &*trunk.name == name)
    }
}
