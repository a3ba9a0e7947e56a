//! Every key of a configuration: its name, type, default, unit, danger, meaning and a sample.
//! What is read here is as it was typed; [`checked`](super::checked) makes of it what the server
//! uses.

use std::net::SocketAddr;
use std::path::PathBuf;

use antiphon_core::auth::Algorithm;
use antiphon_net::ListenSpec;
use antiphon_sip::{Transport, UriBuf};
use ipnet::IpNet;

use crate::media::{MediaUse, WithoutRelay};
use crate::reading::kinds::{Asking, DnsServer, HostName, HostPort, Role};
use crate::reading::secret::Secret;
use crate::reading::section::section;
use crate::reading::value::{Count, Located, Period, Whole};
use crate::rules::raw::RawRule;

section! {
    /// The keys at the top of the file. Without a file, each has its default.
    pub(crate) struct RawConfig: "" {
        /// Where the server listens: transport, address and port. On `0.0.0.0` or `[::]` each peer
        /// is told the address that it can reach.
        "listen" => listen: Vec<Located<ListenSpec>>,
            Default(r#"["udp:127.0.0.1:5060", "tcp:127.0.0.1:5060"]"#),
            sample r#"["udp:192.0.2.1:5060", "tcp:192.0.2.1:5060"]"#,
            danger "Every address but that of the loopback opens the server to a network.";
        /// What the server proves its names with, when it listens with `tls` or `wss`.
        "certificate" => certificates: Vec<RawCertificate>, Default("[]"), sample "";
        /// What else is to be said about TLS.
        "tls" => tls: Whole<RawTls>, Default("{}"), sample "";
        /// What stands between the server and the network.
        "network" => network: RawNetwork, Default("{}"), sample "";
        /// How the names of other servers are looked up.
        "dns" => dns: RawDns, Default("{}"), sample "";
        /// How many threads share the work. Each call belongs to one of them, chosen by its Call-ID;
        /// one thread carries several thousand calls a second.
        "workers" => workers: Count<1, 64>, Default("1"), sample "4", unit "threads";
        /// The directory of the server's state: accounts, registrations and its secret. Accounts
        /// are made with `antiphon user`. Without it, the place that `--data` names.
        "data" => data: Option<PathBuf>, Optional, sample r#""/var/lib/antiphon""#;
        /// Networks whose requests need not sign in and are never banned.
        "trusted" => trusted: Vec<IpNet>, Default("[]"), sample r#"["198.51.100.0/24"]"#,
            danger "Whoever sends from there can call through every trunk.";
        /// Whether the default rules stand behind those of this file.
        "default_rules" => default_rules: bool, Default("true"), sample "true";
        /// The domains.
        "domain" => domains: Vec<Whole<RawDomain>>, Default("[]"), sample "";
        /// The registrar.
        "registrar" => registrar: Whole<RawRegistrar>, Default("{}"), sample "";
        /// Whether redirections by the users of our domains are followed by the server, in place
        /// of being passed to the caller (RFC 3261 §16.7 step 4).
        "follow_redirections" => follow_redirections: bool, Default("false"), sample "false",
            danger "With `true`, users can send calls to where the caller would not have called.";
        /// Domains with a registrar elsewhere, which this server is the edge proxy of (RFC 5626 §5):
        /// whatever goes there is passed to where the DNS says they are, a REGISTER with the way
        /// back to the telephone over its own connection.
        "edge_for" => edge_for: Vec<Located<HostName>>, Default("[]"),
            sample r#"["registrar.example.com"]"#,
            danger "Anybody can send requests to those domains through this server.";
        /// Who is believed about the identity of callers.
        "identity" => identity: RawIdentity, Default("{}"), sample "";
        /// The dashboard and its interface for programs.
        "admin" => admin: RawAdmin, Default("{}"), sample "";
        /// Bans.
        "bans" => bans: RawBans, Default("{}"), sample "";
        /// Media relays.
        "media" => media: RawMedia, Default("{}"), sample "";
        /// The trunks.
        "trunk" => trunks: Vec<Whole<RawTrunk>>, Default("[]"), sample "";
        /// The rules.
        "rule" => rules: Vec<RawRule>, Default("[]"), sample "";
    }
}

section! {
    /// A certificate with its key. Of several, that is shown which has the name that the peer
    /// asks for.
    pub(crate) struct RawCertificate: "certificate" {
        /// A PEM file with the certificate, and behind it those that lead to an authority.
        "chain" => chain: PathBuf, Required, sample r#""/etc/antiphon/chain.pem""#;
        /// A PEM file with its private key.
        "key" => key: PathBuf, Required, sample r#""/etc/antiphon/key.pem""#,
            danger "Whoever can read it can pretend to be this server.";
    }
}

section! {
    /// Who is believed over TLS. Certificates and all of this are taken over anew on SIGHUP, and no
    /// connection is dropped for it.
    pub(crate) struct RawTls: "tls" {
        /// Whether clients must show a certificate.
        "client_certificates" => client_certificates: Located<Asking>, Default(r#""none""#),
            sample r#""asked""#,
            danger "With required, telephones without a certificate of their own are shut out.";
        /// A PEM file with the authorities that vouch for clients.
        "client_authorities" => client_authorities: Option<PathBuf>, Optional,
            sample r#""/etc/antiphon/clients.pem""#;
        /// Whether the authorities of the system are believed when the server connects.
        "trust_system" => trust_system: bool, Default("true"), sample "true";
        /// PEM files with certificates that are believed as well: those of other authorities, and
        /// self-signed ones of single servers.
        "trusted" => trusted: Vec<PathBuf>, Default("[]"), sample r#"["/etc/antiphon/peers.pem"]"#;
        /// A file that the secrets of all connections are added to, with which Wireshark reads
        /// them.
        "key_log" => key_log: Option<PathBuf>, Optional, sample r#""/etc/antiphon/tls.keys""#,
            danger "Whoever has that file reads everything; only for finding faults.";
    }
}

section! {
    /// What stands between the server and the network.
    pub(crate) struct RawNetwork: "network" {
        /// The host that Via and Record-Route of `tls` and `wss` listeners name, as it stands in
        /// the certificate (RFC 5922 section 7.5). Without it, their address.
        "name" => name: Option<Located<HostName>>, Optional, sample r#""sip.example.org""#;
        /// Networks of load balancers. Each connection from there must begin with a PROXY header,
        /// version 1 or 2, that says whose it is.
        "load_balancers" => load_balancers: Vec<IpNet>, Default("[]"), sample r#"["10.0.0.7"]"#,
            danger "Whoever connects from there says who he is.";
        /// The web sites whose pages may connect by WebSocket. Without it, all.
        "origins" => origins: Option<Vec<String>>, Optional, sample r#"["https://example.org"]"#;
    }
}

section! {
    /// How the names of other servers are looked up (RFC 3263).
    pub(crate) struct RawDns: "dns" {
        /// The DNS servers, asked one after the other until one answers. Without any, those of the
        /// system.
        "servers" => servers: Vec<Located<DnsServer>>, Default("[]"),
            sample r#"["192.0.2.53", "[2001:db8::53]:53"]"#,
            danger "Whoever answers there decides where calls go.";
        /// How long one question may take; a name needs up to three, one behind the other.
        "timeout" => timeout: Period<1, 30>, Default(r#""4s""#), sample r#""4s""#,
            danger "A call waits for it when the DNS is silent.";
        /// How many answers are kept for as long as they hold.
        "cache" => cache: Count<0, 1_000_000>, Default("4096"), sample "4096", unit "answers",
            danger "With 0, every call asks anew.";
    }
}

section! {
    /// A domain whose users the server serves. Without any, the address of the first listener is
    /// the only one.
    pub(crate) struct RawDomain: "domain" {
        /// Its name: a host name or an address. It is the realm of its accounts.
        "name" => name: Located<HostName>, Required, sample r#""example.org""#;
        /// Other names for the same users.
        "aliases" => aliases: Vec<Located<HostName>>, Default("[]"),
            sample r#"["sip.example.org", "192.0.2.1"]"#;
        /// Whether requests for its users are forwarded, or their senders told where to go.
        "role" => role: Role, Default(r#""proxy""#), sample r#""proxy""#;
        /// The hashes that may be signed in with, in the order in which they are offered. Clients
        /// that know only MD5 often read only the first; clients that know more can choose. Some that
        /// docs/peers.md names are offered MD5 alone, or last.
        "digest" => digest: Located<Vec<Algorithm>>, Default(r#"["MD5", "SHA-256"]"#),
            sample r#"["MD5", "SHA-256"]"#,
            danger "With SHA-256 first or alone, older telephones cannot sign in.";
        /// Whether its accounts may write another address than their own into From. Without it they
        /// are answered 403.
        "any_from" => any_from: bool, Default("false"), sample "false",
            danger "With `true`, each of its users can call in the name of everybody.";
    }
}

section! {
    /// What is granted to registrations.
    pub(crate) struct RawRegistrar: "registrar" {
        /// The shortest validity; a wish for less is refused with 423.
        "min_expires" => min_expires: Located<Period<1, 86_400>>, Default(r#""1m""#),
            sample r#""1m""#, danger "Short ones multiply the traffic of every phone.";
        /// The longest validity; a wish for more is granted this much.
        "max_expires" => max_expires: Located<Period<60, 31_536_000>>, Default(r#""1d""#),
            sample r#""1d""#;
        /// The validity when the phone names none.
        "default_expires" => default_expires: Located<Period<1, 31_536_000>>, Default(r#""1h""#),
            sample r#""1h""#;
        /// How many places one address-of-record can be registered at.
        "max_contacts" => max_contacts: Count<1, 1000>, Default("32"), sample "10",
            unit "contacts", danger "Each call rings at all of them at once.";
        /// Whether a contact may have another address than the one that its request comes from.
        /// Without it such a request is refused with 403, but from trusted networks and where the
        /// telephone is reached by the way that it came.
        "foreign_contacts" => foreign_contacts: bool, Default("false"), sample "false",
            danger "A stolen account can send calls to any address, also to private ones.";
        /// The proxies that requests of a registered phone are to pass, the first hop first
        /// (RFC 3608).
        "service_route" => service_route: Vec<Located<UriBuf>>, Default("[]"),
            sample r#"["sip:edge.example.org;lr"]"#;
        /// The time after which a phone that keeps its flow open may take a silent one for dead
        /// (RFC 5626 §5.4). Without it, the phone decides.
        "flow_timer" => flow_timer: Option<Period<10, 3600>>, Optional, sample r#""2m""#,
            danger "Short ones empty the batteries of mobile phones.";
    }
}

section! {
    /// Whose word on the identity of callers counts (RFC 3325), and who is told it.
    pub(crate) struct RawIdentity: "identity" {
        /// The networks of elements that P-Asserted-Identity is believed from and told to.
        "networks" => networks: Vec<IpNet>, Default("[]"), sample r#"["203.0.113.0/28"]"#,
            danger "Whoever sends from there can call in any name.";
        /// Whether others are told who calls, too, unless the caller asks for privacy.
        "tells_outside" => tells_outside: bool, Default("false"), sample "false";
    }
}

section! {
    /// The dashboard and the interface for programs.
    pub(crate) struct RawAdmin: "admin" {
        /// The address that it is served at.
        "listen" => listen: SocketAddr, Default(r#""127.0.0.1:8080""#),
            sample r#""127.0.0.1:8080""#,
            danger "Whoever reaches it can see calls and accounts.";
    }
}

section! {
    /// Sources that fail again and again are slowed, then not listened to for a while. Trusted
    /// networks, trunks and the addresses of phones that are signed in are never banned.
    pub(crate) struct RawBans: "bans" {
        /// Whether anybody is banned.
        "enabled" => is_enabled: bool, Default("true"), sample "true";
        /// How many failures are too many.
        "failures" => failures: Count<1, 100_000>, Default("10"), sample "10", unit "failures",
            danger "A low number bans people who mistyped a password.";
        /// The time in which they are counted.
        "window" => window: Period<1, 86_400>, Default(r#""1m""#), sample r#""1m""#;
        /// How long a ban lasts.
        "length" => length: Period<1, 31_536_000>, Default(r#""15m""#), sample r#""15m""#;
        /// Networks that are never banned.
        "never" => never: Vec<IpNet>, Default("[]"), sample r#"["203.0.113.7"]"#;
    }
}

section! {
    /// Sound behind NAT, and between browsers and phones. The server relays no media itself: it
    /// tells rtpengine to.
    pub(crate) struct RawMedia: "media" {
        /// Where rtpengine takes commands (its option `listen-ng`). Each call stays with one.
        "rtpengine" => rtpengine: Vec<SocketAddr>, Default("[]"), sample r#"["127.0.0.1:2223"]"#,
            danger "Its commands are not signed: use an address that strangers cannot reach.";
        /// Which calls are relayed: those between a browser and a phone, which could not hear
        /// each other, all, or none.
        "relay" => relay: Located<MediaUse>, Default(r#""bridge""#), sample r#""bridge""#;
        /// What happens to a call that is to be relayed when no rtpengine answers: it goes on
        /// without, or is refused with 503.
        "without" => without: WithoutRelay, Default(r#""go on""#), sample r#""go on""#;
    }
}

section! {
    /// A way out: one or more servers of somebody else.
    pub(crate) struct RawTrunk: "trunk" {
        /// The name by which rules speak of it.
        "name" => name: Located<String>, Required, sample r#""carrier""#;
        /// The transport to its targets. Without it, what their names say in the DNS, or UDP.
        "transport" => transport: Option<Transport>, Optional, sample r#""tcp""#;
        /// How long a target may be without any response before the next one is tried, while there
        /// is another (RFC 3263 §4.3).
        "patience" => patience: Period<1, 32>, Default(r#""4s""#), sample r#""4s""#,
            danger "Too short a time gives a call to two targets when the network loses packets.";
        /// The user name for its challenges.
        "username" => username: Option<Located<String>>, Optional, sample r#""antiphon""#;
        /// The password for its challenges, better kept in a file or the environment.
        "password" => password: Option<Located<Secret>>, Optional,
            sample r#"{ env = "CARRIER_PASSWORD" }"#,
            danger "A password in this file is read by whoever reads the file.";
        /// The realm that the credentials are for. Without it, they answer the challenges of the
        /// trunk's targets, whatever their realm.
        "realm" => realm: Option<Located<String>>, Optional, sample r#""carrier.example""#;
        /// Its servers.
        "target" => targets: Located<Vec<RawTarget>>, Required, sample "";
        /// Whether the server registers there itself.
        "register" => register: Option<Located<RawRegistration>>, Optional, sample "";
        /// Whether its targets are asked by OPTIONS if they are there. Without it they count as
        /// up, and rest only after a failure.
        "probe" => probe: Option<RawProbe>, Optional, sample "";
    }
}

section! {
    /// A server of a trunk.
    pub(crate) struct RawTarget: "trunk.target" {
        /// Its host, with a port or not.
        "host" => host: Located<HostPort>, Required, sample r#""gw1.carrier.example:5060""#;
        /// Lower ones are tried first, as in SRV records (RFC 2782).
        "priority" => priority: Count<0, 65_535>, Default("10"), sample "10";
        /// How often it comes first among those of its priority.
        "weight" => weight: Count<0, 65_535>, Default("10"), sample "60",
            danger "A weight of 0 is chosen only when the others are gone.";
    }
}

section! {
    /// The server's own registration at a trunk, with the trunk's credentials.
    pub(crate) struct RawRegistration: "trunk.register" {
        /// The address-of-record that is registered.
        "aor" => aor: UriBuf, Required, sample r#""sip:antiphon@carrier.example""#;
        /// The registrar. Without it, the domain of `aor`.
        "registrar" => registrar: Option<UriBuf>, Optional, sample r#""sip:carrier.example""#;
        /// The validity that is asked for.
        "expires" => expires: Period<60, 86_400>, Default(r#""1h""#), sample r#""1h""#;
    }
}

section! {
    /// How a trunk's targets are asked if they are there.
    pub(crate) struct RawProbe: "trunk.probe" {
        /// The time from one OPTIONS to the next.
        "interval" => interval: Period<5, 3600>, Default(r#""30s""#), sample r#""30s""#;
        /// A target is down after so many in a row without an answer, or with 503.
        "down_after" => down_after: Count<1, 100>, Default("3"), sample "3", unit "probes",
            danger "With 1, one lost datagram takes a target out.";
        /// A target is up again after so many answers in a row.
        "up_after" => up_after: Count<1, 100>, Default("2"), sample "2", unit "probes";
    }
}

section! {
    /// Rules alone, as the default ones are written.
    pub(crate) struct RawRules: "" {
        /// The rules.
        "rule" => rules: Vec<RawRule>, Required, sample "";
    }
}
