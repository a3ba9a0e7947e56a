//! The DNS as the system is set up for it: its servers, its hosts file, and a cache in front.

use std::collections::HashMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use antiphon_core::locate::{
    Answer, Naptr, Question, Record, RecordData, RecordKind, Silence, Srv,
};
use hickory_resolver::config::{
    ConnectionConfig, NameServerConfig, ResolveHosts, ResolverConfig, ResolverOpts,
};
use hickory_resolver::lookup::Lookup;
use hickory_resolver::net::runtime::TokioRuntimeProvider;
use hickory_resolver::net::{DnsError, NetError};
use hickory_resolver::proto::op::{Query, ResponseCode};
use hickory_resolver::proto::rr::{Name, RData, RecordType};
use hickory_resolver::{Hosts, TokioResolver};
use tokio::net::lookup_host;
use tokio::time::timeout;

use super::config::DnsConfig;

/// Aliases that are followed, one behind the other: as many as the resolver follows.
const MAX_ALIASES: usize = 8;

/// How long answers hold that were given beforehand.
const KNOWN: Duration = Duration::from_secs(10);

/// How long a name that is not there may be remembered as missing, whatever the zone says: five
/// minutes, so that a record that was added late is found without a restart.
const LONGEST_MISSING: Duration = Duration::from_secs(300);

/// How long a record may be kept, whatever the zone says: a day.
const LONGEST_KEPT: Duration = Duration::from_secs(86_400);

/// Asks the DNS. Cloned handles share one cache.
#[derive(Clone)]
pub struct Dns {
    /// `None` when the system names no DNS server.
    resolver: Option<TokioResolver>,
    hosts: Arc<Hosts>,
    known: Arc<HashMap<Question, Answer>>,
    known_until: Instant,
    timeout: Duration,
}

impl Dns {
    /// Asks as it is told.
    #[must_use]
    pub fn new(config: &DnsConfig) -> Self {
        let resolver =
            if config.servers.is_empty() { of_system(config) } else { of_servers(config) };
        let hosts = Arc::new(Hosts::from_system().unwrap_or_default());
        let (known, known_until) = (Arc::default(), Instant::now());
        Self { resolver, hosts, known, known_until, timeout: config.timeout }
    }

    /// The DNS servers, the search list and the hosts file of the system, as they are now. Where
    /// the system names no DNS server, only the hosts file answers.
    #[must_use]
    pub fn system() -> Self {
        Self::new(&DnsConfig::default())
    }

    /// The same hosts file, and this DNS server in place of the system's.
    #[must_use]
    pub fn asking(server: SocketAddr) -> Self {
        Self::new(&DnsConfig { servers: vec![server], ..DnsConfig::default() })
    }

    /// The same, for 10 s knowing these answers, failures too: whoever has just waited for them
    /// need not wait again.
    #[must_use]
    pub fn knowing(self, answers: impl IntoIterator<Item = (Question, Answer)>) -> Self {
        let known = Arc::new(answers.into_iter().collect());
        Self { known, known_until: Instant::now() + KNOWN, ..self }
    }

    /// The answer to a question, after [`DnsConfig::timeout`] at the latest. Needs a tokio runtime
    /// with time and I/O.
    ///
    /// # Errors
    /// Why there are no records.
    pub async fn answer(&self, question: &Question) -> Answer {
        if let Some(answer) = self.known.get(question)
            && Instant::now() < self.known_until
        {
            return answer.clone();
        }
        let name = name_of(question).ok_or(Silence::NoName)?;
        if let Some(answer) = self.local(question).await {
            return answer;
        }
        let Some(resolver) = &self.resolver else { return Err(Silence::NoAnswer) };
        let answered = timeout(self.timeout, remote(resolver, name, question.kind)).await;
        answered.unwrap_or(Err(Silence::NoAnswer))
    }

    /// What is known without the DNS. A name of the hosts file is what that says and nothing else:
    /// whoever wrote it there wants that address, and it works without any DNS.
    async fn local(&self, question: &Question) -> Option<Answer> {
        let host = host_of(question);
        if is_below(host, "local") {
            return Some(self.multicast(question).await);
        }
        let look = |record_type| {
            let host = Name::from_ascii(host).ok()?;
            self.hosts.lookup_static_host(&Query::query(host, record_type))
        };
        let (v4, v6) = (look(RecordType::A), look(RecordType::AAAA));
        let is_localhost = is_below(host, "localhost");
        if v4.is_none() && v6.is_none() && !is_localhost {
            return None;
        }
        let found = match question.kind {
            RecordKind::Naptr | RecordKind::Srv => return Some(Err(Silence::NoRecord)),
            RecordKind::A => v4,
            RecordKind::Aaaa => v6,
        };
        if found.is_none() && is_localhost {
            // The resolver knows it by heart (RFC 6761 §6.3).
            return None;
        }
        let records: Vec<_> = found
            .iter()
            .flat_map(Lookup::answers)
            .filter_map(|record| read(record, question.kind))
            .collect();
        Some(if records.is_empty() { Err(Silence::NoRecord) } else { Ok(records) })
    }

    /// Names below `local` belong to multicast DNS (RFC 6762 §3), which the system may speak.
    async fn multicast(&self, question: &Question) -> Answer {
        if matches!(question.kind, RecordKind::Naptr | RecordKind::Srv) {
            return Err(Silence::NoRecord);
        }
        let found = timeout(self.timeout, lookup_host((&*question.name, 0))).await;
        let addresses = found.map_err(|_| Silence::NoAnswer)?.map_err(|_| Silence::NoSuchName)?;
        let records: Vec<_> = addresses
            .filter(|address| address.is_ipv4() == (question.kind == RecordKind::A))
            .map(|address| Record { ttl: 0, data: data_of(address) })
            .collect();
        if records.is_empty() { Err(Silence::NoRecord) } else { Ok(records) }
    }
}

impl fmt::Debug for Dns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dns").field("is_set_up", &self.resolver.is_some()).finish_non_exhaustive()
    }
}

async fn remote(resolver: &TokioResolver, name: Name, kind: RecordKind) -> Answer {
    let answer = match resolver.lookup(name.clone(), kind_of(kind)).await {
        Err(error) => Err(silence(&error)),
        Ok(lookup) => {
            let records: Vec<_> =
                lookup.answers().iter().filter_map(|record| read(record, kind)).collect();
            if records.is_empty() { Err(Silence::NoRecord) } else { Ok(records) }
        }
    };
    // The resolver follows aliases, and does not tell a circle from a name without records. Only
    // for A: that an existing host has no IPv4 address is rare enough for a second look.
    match (&answer, kind) {
        (Err(Silence::NoRecord), RecordKind::A) if is_circle(resolver, name).await => {
            Err(Silence::AliasLoop)
        }
        _ => answer,
    }
}

/// Whether the aliases of a name go on for longer than anybody follows.
async fn is_circle(resolver: &TokioResolver, mut name: Name) -> bool {
    for _ in 0..MAX_ALIASES {
        let Ok(lookup) = resolver.lookup(name, RecordType::CNAME).await else { return false };
        let alias = lookup.answers().iter().find_map(|record| match &record.data {
            RData::CNAME(alias) => Some(alias.0.clone()),
            _ => None,
        });
        let Some(alias) = alias else { return false };
        name = alias;
    }
    true
}

fn of_system(config: &DnsConfig) -> Option<TokioResolver> {
    let mut builder = TokioResolver::builder_tokio().ok()?;
    let (timeout, attempts) = (builder.options_mut().timeout, builder.options_mut().attempts);
    set(builder.options_mut(), config);
    // What the system's administrator wrote is shortened, never lengthened.
    builder.options_mut().timeout = timeout.min(config.one_try());
    builder.options_mut().attempts = attempts.min(2);
    builder.build().ok()
}

fn of_servers(config: &DnsConfig) -> Option<TokioResolver> {
    let servers = config.servers.iter().map(|server| {
        let at_port = |mut connection: ConnectionConfig| {
            connection.port = server.port();
            connection
        };
        let connections = vec![at_port(ConnectionConfig::udp()), at_port(ConnectionConfig::tcp())];
        NameServerConfig::new(server.ip(), true, connections)
    });
    let servers = ResolverConfig::from_name_servers(servers.collect());
    let provider = TokioRuntimeProvider::default();
    let mut builder = TokioResolver::builder_with_config(servers, provider);
    set(builder.options_mut(), config);
    builder.build().ok()
}

fn set(options: &mut ResolverOpts, config: &DnsConfig) {
    options.timeout = config.one_try();
    options.attempts = 1;
    options.cache_size = config.cache.into();
    options.negative_max_ttl = Some(LONGEST_MISSING);
    options.positive_max_ttl = Some(LONGEST_KEPT);
    options.edns0 = true;
    // The hosts file is looked at here, for all kinds of records.
    options.use_hosts_file = ResolveHosts::Never;
}

/// The name, whole unless it is a single label, which the system's search list may complete.
fn name_of(question: &Question) -> Option<Name> {
    let mut name = Name::from_ascii(&*question.name).ok()?;
    if host_of(question).contains('.') {
        name.set_fqdn(true);
    }
    (!question.name.trim_end_matches('.').is_empty()).then_some(name)
}

/// The host that a question is about: without the labels of service and protocol.
fn host_of(question: &Question) -> &str {
    let name = question.name.trim_end_matches('.');
    if question.kind != RecordKind::Srv {
        return name;
    }
    let labels = name.split('.').take_while(|label| label.starts_with('_'));
    let service: usize = labels.map(|label| label.len() + 1).sum();
    name.get(service..).unwrap_or_default()
}

fn is_below(host: &str, zone: &str) -> bool {
    let last = host.rsplit('.').next().unwrap_or_default();
    last.eq_ignore_ascii_case(zone)
}

const fn kind_of(kind: RecordKind) -> RecordType {
    match kind {
        RecordKind::Naptr => RecordType::NAPTR,
        RecordKind::Srv => RecordType::SRV,
        RecordKind::A => RecordType::A,
        RecordKind::Aaaa => RecordType::AAAA,
    }
}

fn silence(error: &NetError) -> Silence {
    match error {
        NetError::Timeout | NetError::NoConnections | NetError::Io(_) => Silence::NoAnswer,
        NetError::Busy => Silence::Busy,
        NetError::Dns(DnsError::NoRecordsFound(none)) => match none.response_code {
            ResponseCode::NXDomain => Silence::NoSuchName,
            ResponseCode::NoError => Silence::NoRecord,
            _ => Silence::Failed,
        },
        _ => Silence::Failed,
    }
}

fn data_of(address: SocketAddr) -> RecordData {
    match address {
        SocketAddr::V4(address) => RecordData::A(*address.ip()),
        SocketAddr::V6(address) => RecordData::Aaaa(*address.ip()),
    }
}

/// A record of the kind that was asked for.
fn read(record: &hickory_resolver::proto::rr::Record, kind: RecordKind) -> Option<Record> {
    let data = match (&record.data, kind) {
        (RData::A(address), RecordKind::A) => RecordData::A(address.0),
        (RData::AAAA(address), RecordKind::Aaaa) => RecordData::Aaaa(address.0),
        (RData::SRV(srv), RecordKind::Srv) => RecordData::Srv(Srv {
            priority: srv.priority,
            weight: srv.weight,
            port: srv.port,
            target: plain(&srv.target),
        }),
        (RData::NAPTR(naptr), RecordKind::Naptr) => RecordData::Naptr(Naptr {
            order: naptr.order,
            preference: naptr.preference,
            flags: text(&naptr.flags),
            service: text(&naptr.services),
            regexp: text(&naptr.regexp),
            replacement: plain(&naptr.replacement),
        }),
        _ => return None,
    };
    Some(Record { ttl: record.ttl, data })
}

/// Without the dot at its end; the root is a dot.
fn plain(name: &Name) -> Box<str> {
    let text = name.to_ascii();
    match text.strip_suffix('.') {
        Some(stripped) if !stripped.is_empty() => stripped.into(),
        _ => text.into(),
    }
}

fn text(octets: &[u8]) -> Box<str> {
    String::from_utf8_lossy(octets).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_about_its_host() {
        for (kind, name, host) in [
            (RecordKind::Srv, "_sip._udp.example.org", "example.org"),
            (RecordKind::Srv, "example.org", "example.org"),
            (RecordKind::Naptr, "example.org.", "example.org"),
            (RecordKind::A, "_odd.example.org", "_odd.example.org"),
            (RecordKind::Srv, "_sip._udp", ""),
        ] {
            assert_eq!(host_of(&Question::new(kind, name)), host, "{name}");
        }
    }
}
