//! Own domain? Which URIs are ours, and who has to sign in.

use antiphon_sip::{Uri, uri::SipUri};

use super::{Arrival, Server};

/// The domains that a server answers for: names or addresses, compared without regard to case.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Domains(Vec<Box<str>>);

impl Domains {
    /// The domains; IPv6 addresses stand in brackets.
    pub fn new(names: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self(names.into_iter().map(|name| name.into().to_ascii_lowercase().into()).collect())
    }

    /// The domain that a URI's host is, in the form in which it was configured.
    #[must_use]
    pub fn of(&self, uri: &SipUri<'_>) -> Option<&str> {
        let host = uri.host.to_string();
        self.0.iter().find(|name| name.eq_ignore_ascii_case(&host)).map(AsRef::as_ref)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(AsRef::as_ref)
    }
}

impl Server {
    /// A URI is ours when its host is one of our domains and its port is absent or one that we
    /// listen on: a phone at the same address with another port is not us.
    pub(super) fn is_ours(&self, uri: &Uri<'_>) -> bool {
        let Uri::Sip(uri) = uri else { return false };
        self.domains.of(uri).is_some() && self.is_our_port(uri.port)
    }

    fn is_our_port(&self, port: Option<u16>) -> bool {
        let listeners = &self.endpoint.config().listeners;
        port.is_none_or(|port| listeners.iter().any(|listener| listener.local.port() == port))
    }

    /// Whether the Request-URI names no user but this server (RFC 3261 §11: the resource is then
    /// the server itself), or the request is a REGISTER for a domain of ours.
    pub(super) fn is_for_the_server_itself(&self, request: &antiphon_sip::Request) -> bool {
        let Uri::Sip(uri) = request.uri() else { return false };
        let names_us =
            self.is_ours(&Uri::Sip(uri)) || super::is_own_route(&self.endpoint, &Uri::Sip(uri));
        let has_target_behind_us = request.headers().has(antiphon_sip::HeaderName::Route);
        names_us
            && (*request.method() == antiphon_sip::Method::Register
                || (uri.user.is_none() && !has_target_behind_us))
    }

    /// The domain in which the sender has to sign in, if it has to: a request whose From claims
    /// one of our domains must authenticate; so must one that wants to leave through us. What
    /// belongs to a dialog was let in with the request that began it: it carries the route that
    /// we made for its call, or goes to one of our own users, who will know the dialog or not.
    pub(super) fn who_must_sign_in(&self, arrival: &Arrival) -> Option<String> {
        let request = &arrival.request;
        if arrival.was_routed_here && request.to_tag().is_some() {
            return None;
        }
        let claimed = self.claimed_domain(request);
        let stays_here =
            self.is_ours(&request.uri()) && !request.headers().has(antiphon_sip::HeaderName::Route);
        if stays_here && request.to_tag().is_some() {
            return None;
        }
        claimed.or_else(|| {
            (!stays_here).then(|| self.domains.iter().next().unwrap_or_default().to_owned())
        })
    }

    /// The domain of ours that From claims.
    pub(super) fn claimed_domain(&self, request: &antiphon_sip::Request) -> Option<String> {
        let from = request.from()?;
        let Uri::Sip(uri) = from.uri else { return None };
        if !self.is_our_port(uri.port) {
            return None;
        }
        self.domains.of(&uri).map(str::to_owned)
    }
}
