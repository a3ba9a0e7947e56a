//! Own domain? Which URIs are ours, and who has to sign in.

use std::net::IpAddr;

use antiphon_core::auth::Realm;
use antiphon_core::registrar::{Aor, aor_of};
use antiphon_sip::{HeaderName, Host, Method, Request, Uri, uri::SipUri};

use super::{Arrival, Server};
use crate::config::{Domain, Role};

/// The domains that a server answers for: names or addresses, compared without regard to case.
/// A domain may have other names, which are as good as its own: a user of an alias is the user of
/// the domain, and signs in there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domains {
    domains: Vec<Known>,
    /// Those of them that are addresses, so that none has to be written out to be compared.
    addresses: Vec<(IpAddr, Box<str>)>,
    /// Alias and domain.
    aliases: Vec<(Box<str>, Box<str>)>,
}

/// A domain and what is done there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    name: Box<str>,
    role: Role,
    realm: Realm,
    any_from: bool,
}

impl Domains {
    /// The domains; IPv6 addresses stand in brackets. All are served as a proxy, and let every
    /// client in.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let domains: Vec<Known> = names.into_iter().map(Known::new).collect();
        let addresses = domains
            .iter()
            .filter_map(|known| Some((Host::parse(&known.name).ok()?.ip()?, known.name.clone())))
            .collect();
        Self { domains, addresses, aliases: Vec::new() }
    }

    /// The same with what a configuration says of one of the domains. Nothing changes when it is
    /// none.
    #[must_use]
    pub fn with(mut self, domain: &Domain) -> Self {
        let name = domain.name.as_str();
        if let Some(known) = self.domains.iter_mut().find(|known| known.has_name(name)) {
            known.role = domain.role;
            known.realm.algorithms.clone_from(&domain.digest);
            known.any_from = domain.any_from;
        }
        domain.aliases.iter().fold(self, |all, alias| all.with_alias(alias.as_str(), name))
    }

    /// The same with another name for one of the domains. Nothing changes when that is none, or
    /// when the name is taken.
    #[must_use]
    pub fn with_alias(mut self, alias: impl Into<String>, domain: &str) -> Self {
        let alias = lower(alias);
        if self.named(domain).is_some() && self.named(&alias).is_none() {
            self.aliases.push((alias, lower(domain)));
        }
        self
    }

    /// The domain that a URI's host is or stands for, in the form in which it was configured.
    #[must_use]
    pub fn of(&self, uri: &SipUri<'_>) -> Option<&str> {
        match (uri.host, uri.host.ip()) {
            (Host::Name(host), _) => self.named(host),
            (_, Some(ip)) => self.at(ip),
            (address, None) => self.named(&address.to_string()),
        }
    }

    /// All of them, without their aliases.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.domains.iter().map(|known| &*known.name)
    }

    /// What is done for the users of a domain.
    #[must_use]
    pub fn role(&self, domain: &str) -> Option<Role> {
        self.domains.iter().find(|known| known.has_name(domain)).map(|known| known.role)
    }

    /// Whether the accounts of a domain may call in other names than their own.
    #[must_use]
    pub fn allows_any_from(&self, domain: &str) -> bool {
        self.domains.iter().any(|known| known.any_from && known.has_name(domain))
    }

    /// The domain of ours in whose name a request comes.
    pub fn claimed_by(&self, request: &Request, is_our_port: impl Fn(u16) -> bool) -> Option<&str> {
        self.served(&request.from()?.uri, is_our_port)
    }

    /// The realms to sign in to, one a domain.
    pub fn realms(&self) -> impl Iterator<Item = &Realm> {
        self.domains.iter().map(|known| &known.realm)
    }

    /// The domain of ours that a URI is in: when its host is one of them and its port is absent or
    /// one that we listen on, as a phone at the same address with another port is not us. One with
    /// `maddr` has said where it wants to go (RFC 3261 §16.5).
    pub fn served(&self, uri: &Uri<'_>, is_our_port: impl Fn(u16) -> bool) -> Option<&str> {
        let Uri::Sip(uri) = uri else { return None };
        let domain = self.of(uri)?;
        (uri.maddr().is_none() && uri.port.is_none_or(is_our_port)).then_some(domain)
    }

    /// Every host that is one of the domains or stands for one.
    pub fn hosts(&self) -> impl Iterator<Item = &str> {
        self.iter().chain(self.aliases.iter().map(|(alias, _)| alias.as_ref()))
    }

    /// The address-of-record that a URI names (RFC 3261 §10.3 step 5), an alias of a domain taken
    /// for the domain.
    #[must_use]
    pub fn aor_of(&self, uri: &SipUri<'_>) -> Aor {
        self.canonical(aor_of(uri))
    }

    /// The same address-of-record in the domain that its own stands for.
    #[must_use]
    pub fn canonical(&self, aor: Aor) -> Aor {
        let (user, host) = aor.as_str().rsplit_once('@').unwrap_or(("", aor.as_str()));
        match self.aliases.iter().find(|(alias, _)| **alias == *host) {
            Some((_, domain)) if user.is_empty() => Aor::from_canonical(domain.clone()),
            Some((_, domain)) => Aor::from_canonical(format!("{user}@{domain}")),
            None => aor,
        }
    }

    /// The domain that is this address; an alias that is one stands by its text alone.
    fn at(&self, ip: IpAddr) -> Option<&str> {
        let own = self.addresses.iter().find(|(address, _)| *address == ip);
        match own {
            Some((_, name)) => Some(name),
            None if self.aliases.is_empty() => None,
            None => self.named(&Host::from(ip).to_string()),
        }
    }

    fn named(&self, host: &str) -> Option<&str> {
        let is_host = |name: &str| name.eq_ignore_ascii_case(host);
        let of_alias = || {
            let found = self.aliases.iter().find(|(alias, _)| is_host(alias));
            found.map(|(_, domain)| domain)
        };
        self.iter().find(|name| is_host(name)).or_else(|| of_alias().map(AsRef::as_ref))
    }
}

impl Known {
    fn new(name: impl Into<String>) -> Self {
        let name = lower(name);
        Self { realm: Realm::new(&*name), name, role: Role::Proxy, any_from: false }
    }

    fn has_name(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }
}

fn lower(name: impl Into<String>) -> Box<str> {
    name.into().to_ascii_lowercase().into()
}

impl Server {
    /// Whether a URI is in one of our domains.
    pub(super) fn is_ours(&self, uri: &Uri<'_>) -> bool {
        self.domain_of(uri).is_some()
    }

    /// Whether a URI leads here: by an address of ours, as in the routes that this server makes,
    /// or by a domain of ours, as phones name their outbound proxy.
    pub(super) fn is_this_server(&self, uri: &Uri<'_>) -> bool {
        let Uri::Sip(sip) = uri else { return false };
        sip.maddr().is_none()
            && (self.is_ours(uri) || self.endpoint.is_own_host(sip.host, sip.port))
    }

    /// The domain of ours that a URI is in.
    pub(super) fn domain_of(&self, uri: &Uri<'_>) -> Option<&str> {
        self.service.domains.served(uri, |port| self.is_our_port(port))
    }

    pub(super) fn is_our_port(&self, port: u16) -> bool {
        let listeners = &self.endpoint.config().listeners;
        listeners.iter().any(|listener| listener.local.port() == port)
    }

    /// Whether the Request-URI names no user but this server (RFC 3261 §11: the resource is then
    /// the server itself), or the request is a REGISTER for a domain of ours. What has a Route
    /// left is on its way to somewhere else.
    pub(super) fn is_for_the_server_itself(&self, request: &Request) -> bool {
        let uri = request.uri();
        let Uri::Sip(sip) = uri else { return false };
        let names_us = self.is_this_server(&uri);
        let names_no_user = sip.user.is_none() || *request.method() == Method::Register;
        names_us && names_no_user && !request.headers().has(HeaderName::Route)
    }

    /// The domain in which the sender has to sign in before the rules are asked, if it has to: a
    /// request whose From claims one of our domains must authenticate, unless it comes from a
    /// trusted network; so must one whose Route set leads it through us to elsewhere, past the
    /// rules. What comes by the route that we made for its call, and goes where that leads, was let
    /// in with the request that began it. A To tag alone proves nothing: anybody can write one.
    pub(super) fn who_must_sign_in(&self, arrival: &Arrival) -> Option<String> {
        let request = &arrival.request;
        if arrival.is_within() || arrival.is_from_beyond() || self.is_trusted(arrival) {
            return None;
        }
        let claimed = self.service.domains.claimed_by(request, |port| self.is_our_port(port));
        if let Some(domain) = claimed {
            return Some(domain.to_owned());
        }
        let goes_past_the_rules =
            request.headers().has(HeaderName::Route) || arrival.recorded.is_some();
        goes_past_the_rules.then(|| self.first_domain().to_owned())
    }

    /// Where those sign in who claim no domain of ours.
    pub(super) fn first_domain(&self) -> &str {
        self.service.domains.iter().next().unwrap_or_default()
    }
}
