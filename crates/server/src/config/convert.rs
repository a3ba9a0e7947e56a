//! From what was typed to what is used: everything that one value alone does not show.

use std::sync::Arc;

use antiphon_core::proxy::TrustDomain;
use antiphon_core::registrar::Policy;
use antiphon_net::{DnsConfig, ListenSpec};
use antiphon_sip::{Transport, Uri, UriBuf};

use super::checked::{
    Bans, Config, Domain, Extensions, Network, Probe, Trunk, TrunkCredentials, TrunkRegistration,
    TrunkTarget, usual_listeners,
};
use super::schema::{
    RawBans, RawCertificate, RawConfig, RawDns, RawDomain, RawMedia, RawNetwork, RawProbe,
    RawRegistrar, RawRegistration, RawTarget, RawTls, RawTrunk,
};
use crate::media::{MediaPolicy, MediaUse};
use crate::reading::fault::{Place, Problem};
use crate::reading::kinds::{Asking, HostName};
use crate::reading::reader::Reader;
use crate::reading::value::{Located, Whole};
use crate::rules::build::build;
use crate::rules::raw::RawRule;
use crate::rules::scope::Scope;
use crate::security::{CertificateFiles, ClientPolicy, Security};

/// The names of what may be spoken of, also where the rest of it could not be read: a reference to
/// it is not wrong for that.
#[derive(Debug)]
pub(super) struct Declared {
    pub(super) trunks: Vec<Located<String>>,
    pub(super) rules: Vec<Located<String>>,
    pub(super) has_certificates: bool,
}

/// The configuration; it is only right when nothing was told to the reader.
pub(super) fn config(
    raw: RawConfig,
    default_rules: Vec<RawRule>,
    declared: &Declared,
    reader: &mut Reader<'_>,
) -> Config {
    listeners_are_different(&raw, reader);
    if !declared.has_certificates {
        secure_listeners_need_a_certificate(&raw, reader);
    }
    all_different_servers(&raw.dns, reader);
    domains_are_different(&raw.domains, reader);
    let extensions = extensions(&raw, reader);
    let registrar = registrar(&raw.registrar, reader);
    all_different("trunk", &declared.trunks, String::as_str, reader);
    all_different("rule", &declared.rules, String::as_str, reader);
    let domains: Vec<Domain> = raw.domains.into_iter().map(|one| domain(one, reader)).collect();
    let transports = transports(&raw.listen);
    let bounds = Bounds { domains: &domains, transports: transports.as_deref() };
    let trunks: Vec<Trunk> =
        raw.trunks.into_iter().map(|one| trunk(one, &bounds, reader)).collect();
    relays_are_there(&raw.media, reader);
    let scope = Scope {
        accounts: trunks
            .iter()
            .filter(|trunk| trunk.credentials.is_some())
            .map(|trunk| Arc::clone(&trunk.name))
            .collect(),
        has_relay: !raw.media.rtpengine.is_empty(),
        relays_all: raw.media.relay.value == MediaUse::Always,
        transports,
        ..scope(&domains, declared, &raw.trusted)
    };
    let default_rules = if raw.default_rules { default_rules } else { Vec::new() };
    Config {
        listen: raw.listen.into_iter().map(|listener| listener.value).collect(),
        security: security(raw.certificates, raw.tls, reader),
        network: network(raw.network),
        dns: dns(raw.dns),
        workers: usize::try_from(raw.workers.0).unwrap_or(1),
        data: raw.data,
        registrar,
        extensions,
        admin: raw.admin.listen,
        bans: bans(raw.bans),
        media: media(raw.media),
        rules: Arc::new(build(raw.rules, default_rules, &scope, reader)),
        domains,
        trunks,
        trusted: raw.trusted,
    }
}

fn scope(domains: &[Domain], declared: &Declared, trusted: &[ipnet::IpNet]) -> Scope {
    let names = domains.iter().flat_map(|domain| {
        std::iter::once(&domain.name).chain(&domain.aliases).map(|name| (name.clone(), domain.role))
    });
    Scope {
        trunks: declared.trunks.iter().map(|trunk| trunk.value.as_str().into()).collect(),
        rules: declared.rules.iter().map(|rule| rule.value.as_str().into()).collect(),
        domains: names.collect(),
        trusted: trusted.to_vec(),
        ..Scope::default()
    }
}

/// What a trunk depends on.
struct Bounds<'a> {
    domains: &'a [Domain],
    transports: Option<&'a [Transport]>,
}

impl Bounds<'_> {
    /// Whether a URI is in a domain of ours.
    fn has(&self, uri: &UriBuf) -> bool {
        let Uri::Sip(sip) = uri.as_uri() else { return false };
        let host = sip.host.to_string();
        let mut names = self.domains.iter().flat_map(Domain::names);
        names.any(|name| name.eq_ignore_ascii_case(&host))
    }
}

/// What the file has the server listen by. Where it says nothing, the command line may.
fn transports(listen: &[Located<ListenSpec>]) -> Option<Vec<Transport>> {
    let specs: Vec<ListenSpec> = listen.iter().map(|listener| listener.value).collect();
    let is_written = specs != usual_listeners();
    is_written.then(|| specs.iter().map(|listener| listener.transport).collect())
}

/// Who has all calls relayed has to say by whom.
fn relays_are_there(raw: &RawMedia, reader: &mut Reader<'_>) {
    if raw.relay.value == MediaUse::Always && raw.rtpengine.is_empty() {
        let problem = Problem::Needs { key: "relay", other: "'rtpengine'" };
        reader.fault_at(raw.relay.place, problem, None);
    }
}

fn listeners_are_different(raw: &RawConfig, reader: &mut Reader<'_>) {
    for (at, listener) in raw.listen.iter().enumerate() {
        // Port 0 is another one each time.
        let is_fixed = listener.value.addr.port() != 0;
        let is_taken = raw.listen.iter().take(at).any(|other| other.value == listener.value);
        if is_fixed && is_taken {
            let spec = listener.value;
            let text = format!("{}:{}", spec.transport.as_uri_param(), spec.addr);
            reader.fault_at(listener.place, Problem::Twice(text.into()), None);
        }
    }
}

fn secure_listeners_need_a_certificate(raw: &RawConfig, reader: &mut Reader<'_>) {
    for listener in raw.listen.iter().filter(|one| one.value.transport.is_secure()) {
        let problem = Problem::Needs { key: "listen", other: "a [[certificate]] for this" };
        reader.fault_at(listener.place, problem, None);
    }
}

fn security(
    certificates: Vec<RawCertificate>,
    tls: Whole<RawTls>,
    reader: &mut Reader<'_>,
) -> Security {
    let Whole { value: tls, is_whole } = tls;
    let asked = tls.client_certificates;
    if is_whole && asked.value != Asking::None && tls.client_authorities.is_none() {
        let other = "'client_authorities'";
        let problem = Problem::Needs { key: "client_certificates", other };
        reader.fault_at(asked.place, problem, None);
    }
    Security {
        certificates: certificates.into_iter().map(certificate).collect(),
        trust_system: tls.trust_system,
        trusted: tls.trusted,
        clients: match (asked.value, tls.client_authorities) {
            (Asking::Asked, Some(authorities)) => ClientPolicy::Asked(authorities),
            (Asking::Required, Some(authorities)) => ClientPolicy::Required(authorities),
            _ => ClientPolicy::NotAsked,
        },
        key_log: tls.key_log,
    }
}

fn network(raw: RawNetwork) -> Network {
    let RawNetwork { name, load_balancers, origins } = raw;
    let origins = origins.map(|list| list.into_iter().map(String::into_boxed_str).collect());
    Network { name: name.map(|name| name.value), load_balancers, origins }
}

fn all_different_servers(raw: &RawDns, reader: &mut Reader<'_>) {
    for (at, server) in raw.servers.iter().enumerate() {
        if raw.servers.iter().take(at).any(|other| other.value == server.value) {
            reader.fault_at(server.place, Problem::Twice(server.value.0.to_string().into()), None);
        }
    }
}

fn dns(raw: RawDns) -> DnsConfig {
    DnsConfig {
        servers: raw.servers.into_iter().map(|server| server.value.0).collect(),
        timeout: raw.timeout.duration(),
        cache: raw.cache.0,
    }
}

fn certificate(raw: RawCertificate) -> CertificateFiles {
    CertificateFiles { chain: raw.chain, key: raw.key }
}

fn domains_are_different(domains: &[Whole<RawDomain>], reader: &mut Reader<'_>) {
    let names = domains
        .iter()
        .flat_map(|one| std::iter::once(&one.value.name).chain(&one.value.aliases))
        .cloned();
    let names: Vec<Located<HostName>> = names.collect();
    all_different("domain", &names, HostName::as_str, reader);
}

fn all_different<T>(
    what: &'static str,
    names: &[Located<T>],
    text: impl Fn(&T) -> &str,
    reader: &mut Reader<'_>,
) {
    let mut seen: std::collections::HashMap<&str, Place> = std::collections::HashMap::new();
    for name in names {
        let first = *seen.entry(text(&name.value)).or_insert(name.place);
        if first != name.place {
            let problem = Problem::NameTaken { what, name: text(&name.value).into(), first };
            reader.fault_at(name.place, problem, None);
        }
    }
}

fn domain(raw: Whole<RawDomain>, reader: &mut Reader<'_>) -> Domain {
    let Whole { value: raw, is_whole } = raw;
    let digest = raw.digest;
    if is_whole && digest.value.is_empty() {
        reader.fault_at(digest.place, Problem::EmptyList, None);
    }
    for (at, algorithm) in digest.value.iter().enumerate() {
        if digest.value.iter().take(at).any(|other| other == algorithm) {
            reader.fault_at(digest.place, Problem::Twice(algorithm.name().into()), None);
        }
    }
    Domain {
        name: raw.name.value,
        aliases: raw.aliases.into_iter().map(|alias| alias.value).collect(),
        role: raw.role,
        digest: digest.value,
        any_from: raw.any_from,
    }
}

fn registrar(raw: &Whole<RawRegistrar>, reader: &mut Reader<'_>) -> Policy {
    let Whole { value: raw, is_whole } = raw;
    let (min, default, max) = (&raw.min_expires, &raw.default_expires, &raw.max_expires);
    let mut not_above = |key, value: u32, place, limit, most: u32| {
        if *is_whole && value > most {
            reader.fault_at(place, Problem::Above { key, limit }, None);
        }
    };
    not_above("min_expires", min.value.0, min.place, "max_expires", max.value.0);
    not_above("default_expires", default.value.0, default.place, "max_expires", max.value.0);
    not_above("min_expires", min.value.0, min.place, "default_expires", default.value.0);
    Policy {
        min_expires: min.value.0,
        max_expires: max.value.0,
        default_expires: default.value.0,
        max_contacts: usize::try_from(raw.max_contacts.0).unwrap_or(usize::MAX),
        foreign_contacts: raw.foreign_contacts,
    }
}

fn extensions(raw: &RawConfig, reader: &mut Reader<'_>) -> Extensions {
    let RawRegistrar { service_route, flow_timer, .. } = &raw.registrar.value;
    for route in service_route {
        // A strict router would put it into the Request-URI (RFC 3608 §6.3).
        let is_loose = matches!(route.value.as_uri(), Uri::Sip(uri) if uri.lr());
        if !is_loose {
            let (found, meant) = (route.value.to_string(), format!("'{};lr'", route.value));
            let problem =
                Problem::NotA { wanted: "a SIP URI with ;lr".into(), found: found.into() };
            reader.fault_at(route.place, problem, Some(meant));
        }
    }
    for (at, domain) in raw.edge_for.iter().enumerate() {
        if raw.edge_for.iter().take(at).any(|other| other.value == domain.value) {
            reader.fault_at(domain.place, Problem::Twice(domain.value.as_str().into()), None);
        }
        let is_ours = |own: &Whole<RawDomain>| {
            let mut names = std::iter::once(&own.value.name).chain(&own.value.aliases);
            names.any(|name| name.value == domain.value)
        };
        if raw.domains.iter().any(is_ours) {
            let wanted = "the domain of another registrar".into();
            let problem = Problem::NotA { wanted, found: domain.value.as_str().into() };
            reader.fault_at(domain.place, problem, None);
        }
    }
    let networks = raw.identity.networks.iter().map(|net| (net.addr(), net.prefix_len()));
    Extensions {
        service_route: service_route.iter().map(|route| route.value.clone()).collect(),
        flow_timer: flow_timer.map(|period| period.0),
        follow_redirections: raw.follow_redirections,
        edge_for: raw.edge_for.iter().map(|domain| domain.value.as_str().into()).collect(),
        trust: TrustDomain {
            networks: networks.collect(),
            tells_outside: raw.identity.tells_outside,
        },
    }
}

fn media(raw: RawMedia) -> MediaPolicy {
    MediaPolicy { relays: raw.rtpengine, uses: raw.relay.value, without: raw.without }
}

fn bans(raw: RawBans) -> Option<Bans> {
    raw.is_enabled.then(|| Bans {
        failures: raw.failures.0,
        window: raw.window.duration(),
        length: raw.length.duration(),
        never: raw.never,
    })
}

fn trunk(raw: Whole<RawTrunk>, bounds: &Bounds<'_>, reader: &mut Reader<'_>) -> Trunk {
    let Whole { value: raw, is_whole } = raw;
    if let (Some(transport), Some(listened)) = (raw.transport, bounds.transports)
        && !listened.contains(&transport)
    {
        let problem = Problem::NoListener(transport.as_uri_param());
        reader.warn_at(raw.name.place, problem);
    }
    if is_whole {
        targets_are_there(&raw.targets, reader);
    }
    let has_credentials = raw.username.is_some() && raw.password.is_some();
    let registration = raw.register.map(|raw| {
        if is_whole && !has_credentials {
            let other = "'username' and 'password'";
            reader.fault_at(raw.place, Problem::Needs { key: "register", other }, None);
        }
        if raw.value.registrar.is_none() && bounds.has(&raw.value.aor) {
            let other = "'registrar': the domain of 'aor' is one of ours";
            reader.fault_at(raw.place, Problem::Needs { key: "register", other }, None);
        }
        registration(raw.value)
    });
    Trunk {
        name: raw.name.value.into(),
        targets: raw.targets.value.into_iter().map(target).collect(),
        transport: raw.transport,
        patience: raw.patience.duration(),
        credentials: credentials(raw.username, raw.password, raw.realm, is_whole, reader),
        registration,
        probe: raw.probe.map(probe),
    }
}

fn targets_are_there(targets: &Located<Vec<RawTarget>>, reader: &mut Reader<'_>) {
    if targets.value.is_empty() {
        reader.fault_at(targets.place, Problem::EmptyList, None);
    }
    for (at, target) in targets.value.iter().enumerate() {
        let mut earlier = targets.value.iter().take(at);
        if earlier.any(|other| other.host.value == target.host.value) {
            let problem = Problem::Twice(target.host.value.to_string().into());
            reader.fault_at(target.host.place, problem, None);
        }
    }
}

fn target(raw: RawTarget) -> TrunkTarget {
    TrunkTarget { host: raw.host.value, priority: raw.priority.0, weight: raw.weight.0 }
}

/// Each half alone is a mistake; told where the half stands.
fn credentials(
    username: Option<Located<String>>,
    password: Option<Located<super::Secret>>,
    realm: Option<Located<String>>,
    is_whole: bool,
    reader: &mut Reader<'_>,
) -> Option<TrunkCredentials> {
    let mut needs = |place, key, other| {
        if is_whole {
            reader.fault_at(place, Problem::Needs { key, other }, None);
        }
    };
    match (username, password) {
        (Some(username), Some(password)) => Some(TrunkCredentials {
            username: username.value.into(),
            password: password.value,
            realm: realm.map(|realm| realm.value.into()),
        }),
        (Some(username), None) => {
            needs(username.place, "username", "'password'");
            None
        }
        (None, Some(password)) => {
            needs(password.place, "password", "'username'");
            None
        }
        (None, None) => {
            if let Some(realm) = realm {
                needs(realm.place, "realm", "'username' and 'password'");
            }
            None
        }
    }
}

fn registration(raw: RawRegistration) -> TrunkRegistration {
    TrunkRegistration { aor: raw.aor, registrar: raw.registrar, expires: raw.expires.duration() }
}

fn probe(raw: RawProbe) -> Probe {
    Probe {
        interval: raw.interval.duration(),
        down_after: raw.down_after.0,
        up_after: raw.up_after.0,
    }
}
