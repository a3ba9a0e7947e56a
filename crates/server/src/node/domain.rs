//! Own domain? Which URIs are ours, and who has to sign in.

use std::net::IpAddr;

use antiphon_core::registrar::{Aor, aor_of};
use antiphon_sip::{HeaderName, Host, Method, Request, Uri, uri::SipUri};

use super::{Arrival, Server};

/// The domains that a server answers for: names or addresses, compared without regard to case.
/// A domain may have other names, which are as good as its own: a user of an alias is the user of
/// the domain, and signs in there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domains {
    names: Vec<Box<str>>,
    /// Those of them that are addresses, so that none has to be written out to be compared.
    addresses: Vec<(IpAddr, Box<str>)>,
    /// Alias and domain.
    aliases: Vec<(Box<str>, Box<str>)>,
}

impl Domains {
    /// The domains; IPv6 addresses stand in brackets.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        let names: Vec<Box<str>> = names.into_iter().map(lower).collect();
        let addresses = names
            .iter()
            .filter_map(|name| Some((Host::parse(name).ok()?.ip()?, name.clone())))
            .collect();
        Self { names, addresses, aliases: Vec::new() }
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
        self.names.iter().map(AsRef::as_ref)
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
        self.names.iter().find(|name| is_host(name)).or_else(of_alias).map(AsRef::as_ref)
    }
}

fn lower(name: impl Into<String>) -> Box<str> {
    name.into().to_ascii_lowercase().into()
}

impl Server {
    /// A URI is ours when its host is one of our domains and its port is absent or one that we
    /// listen on: a phone at the same address with another port is not us. One with `maddr` has
    /// said where it wants to go (RFC 3261 §16.5).
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
        let Uri::Sip(uri) = uri else { return None };
        let domain = self.domains.of(uri)?;
        (uri.maddr().is_none() && self.is_our_port(uri.port)).then_some(domain)
    }

    fn is_our_port(&self, port: Option<u16>) -> bool {
        let listeners = &self.endpoint.config().listeners;
        port.is_none_or(|port| listeners.iter().any(|listener| listener.local.port() == port))
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

    /// Whether the Request-URI names a user at an address of this server that is none of its
    /// domains: sent on, it would come back.
    pub(super) fn is_user_of_no_domain(&self, request: &Request) -> bool {
        let uri = request.uri();
        !request.headers().has(HeaderName::Route)
            && self.is_this_server(&uri)
            && !self.is_ours(&uri)
    }

    /// The domain in which the sender has to sign in, if it has to: a request whose From claims
    /// one of our domains must authenticate; so must one that wants to leave through us. What
    /// comes by the route that we made for its call was let in with the request that began it. A
    /// To tag alone proves nothing: anybody can write one.
    pub(super) fn who_must_sign_in(&self, arrival: &Arrival) -> Option<String> {
        let request = &arrival.request;
        if arrival.recorded.is_some() && request.to_tag().is_some() {
            return None;
        }
        let claimed = request.from().and_then(|from| self.domain_of(&from.uri).map(str::to_owned));
        if claimed.is_some() {
            return claimed;
        }
        let stays_here = self.is_ours(&request.uri()) && !request.headers().has(HeaderName::Route);
        (!stays_here).then(|| self.domains.iter().next().unwrap_or_default().to_owned())
    }
}
