//! Requests that come in from a trunk: over the registration that this server keeps there, or from
//! one of the trunk's servers.

use std::net::IpAddr;
use std::sync::Arc;

use antiphon_sip::{HeaderName, Request, Uri, UriBuf};

use super::{Server, Trunks};

impl Trunks {
    /// The trunk that has a server at this address.
    fn at(&self, ip: IpAddr) -> Option<&Arc<str>> {
        let there = self.all.iter().filter(|trunk| trunk.is_there());
        there.filter(|trunk| trunk.is_at(ip)).map(|trunk| &trunk.trunk.name).next()
    }
}

impl Server {
    /// The trunk that a request comes from, if it does. What came to the Contact of a registration
    /// was meant for its address-of-record, and what a trunk sends to an address of ours for a
    /// number: both are for our domain, where rules and users can be found.
    pub(in crate::node) fn recognize(
        &self,
        request: &mut Request,
        source: IpAddr,
    ) -> Option<Arc<str>> {
        if self.trunks.is_empty() {
            return None;
        }
        let by_source = self.trunks.at(source).cloned();
        if request.headers().has(HeaderName::Route) || request.to_tag().is_some() {
            return by_source;
        }
        let uri = request.uri();
        let Uri::Sip(sip) = &uri else { return by_source };
        let is_own_address = self.endpoint.is_own_host(sip.host, sip.port);
        let Some(user) = sip.user.filter(|_| is_own_address) else { return by_source };
        if let Some((trunk, aor)) = self.registration_of(user) {
            let user = aor.as_uri().as_sip().and_then(|aor| aor.user.map(str::to_owned));
            self.move_to_our_domain(request, &user.unwrap_or_default());
            return Some(trunk);
        }
        if by_source.is_some() && !self.is_ours(&uri) {
            let user = user.to_owned();
            self.move_to_our_domain(request, &user);
        }
        by_source
    }

    /// The registration whose Contact has this user.
    fn registration_of(&self, user: &str) -> Option<(Arc<str>, &UriBuf)> {
        self.trunks.all.iter().find_map(|trunk| {
            let aor = &trunk.trunk.registration.as_ref()?.aor;
            let own = self.route_tokens.token_of_registration(&trunk.trunk.name, aor.as_str());
            (own == user).then(|| (Arc::clone(&trunk.trunk.name), aor))
        })
    }

    fn move_to_our_domain(&self, request: &mut Request, user: &str) {
        let at = if user.is_empty() { "" } else { "@" };
        if let Ok(uri) = UriBuf::parse(&format!("sip:{user}{at}{}", self.first_domain())) {
            request.set_uri(uri);
        }
    }
}
