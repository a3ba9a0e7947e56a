//! The targets of one action: the URI asked for and those that 3xx named (RFC 3261 §8.1.3.4).

use std::net::IpAddr;

use antiphon_sip::header::Contact;
use antiphon_sip::uri::UriParams;
use antiphon_sip::{Headers, Uri, UriBuf};

use super::react::Limit;

/// Targets of one action at most.
const MAX_TARGETS: usize = 10;
/// 3xx one behind the other at most.
const MAX_DEPTH: u8 = 5;

/// A target set in the sense of RFC 3261 §8.1.3.4: no URI is tried twice.
#[derive(Debug)]
pub(super) struct Targets {
    seen: Vec<UriBuf>,
    waiting: Vec<Target>,
    current: Target,
}

#[derive(Debug, Clone)]
struct Target {
    uri: UriBuf,
    depth: u8,
}

impl Targets {
    pub(super) fn new(first: UriBuf) -> Self {
        let current = Target { uri: first.clone(), depth: 0 };
        Self { seen: vec![first], waiting: Vec::new(), current }
    }

    pub(super) const fn current(&self) -> &UriBuf {
        &self.current.uri
    }

    /// The one that was asked for.
    pub(super) fn first(&self) -> &UriBuf {
        self.seen.first().unwrap_or(&self.current.uri)
    }

    pub(super) const fn are_left(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Takes the next target.
    pub(super) fn advance(&mut self) -> bool {
        let Some(next) = self.waiting.pop() else { return false };
        self.current = next;
        true
    }

    pub(super) fn drop_waiting(&mut self) {
        self.waiting.clear();
    }

    /// The Contacts of a 3xx that would become targets, best first.
    pub(super) fn fit(
        &self,
        headers: &Headers,
        server: Option<IpAddr>,
    ) -> Result<Vec<UriBuf>, Limit> {
        if self.current.depth >= MAX_DEPTH {
            return Err(Limit::RedirectDepth);
        }
        let mut fit: Vec<(u16, UriBuf)> = Vec::new();
        let mut reason = Limit::NothingNew;
        let mut any = false;
        for contact in headers.list::<Contact<'_>>().map_while(Result::ok).take(MAX_TARGETS * 2) {
            let Some(address) = contact.address() else { continue };
            any = true;
            match self.judge(&address.uri, server) {
                Ok(uri) if fit.iter().any(|(_, other)| same(other, &uri)) => {}
                // No q counts as 1.0 (RFC 3841 §7.2.3).
                Ok(uri) => fit.push((contact.q().unwrap_or(1000), uri)),
                Err(limit) => reason = limit,
            }
        }
        if fit.is_empty() {
            return Err(if any { reason } else { Limit::Malformed });
        }
        let room = MAX_TARGETS.saturating_sub(self.seen.len());
        if room == 0 {
            return Err(Limit::Targets);
        }
        fit.sort_by_key(|(q, _)| std::cmp::Reverse(*q));
        fit.truncate(room);
        Ok(fit.into_iter().map(|(_, uri)| uri).collect())
    }

    /// Puts targets in front of those that wait: the newest redirect goes first.
    pub(super) fn add(&mut self, targets: Vec<UriBuf>) {
        let depth = self.current.depth.saturating_add(1);
        self.seen.extend(targets.iter().cloned());
        self.waiting.extend(targets.into_iter().rev().map(|uri| Target { uri, depth }));
    }

    fn judge(&self, uri: &Uri<'_>, server: Option<IpAddr>) -> Result<UriBuf, Limit> {
        let Some(sip) = uri.as_sip() else { return Err(Limit::NothingNew) };
        let was_secure = self.current.uri.as_uri().as_sip().is_some_and(|uri| uri.secure);
        if was_secure && !sip.secure {
            return Err(Limit::SipsToSip);
        }
        if sip.host.ip().is_some_and(|ip| !may_redirect_to(ip, server)) {
            return Err(Limit::NothingNew);
        }
        // What a stranger writes into the URI stays there: neither headers nor a method are taken
        // over (§19.1.5).
        let params: String = sip
            .params
            .iter()
            .filter(|(name, _)| !name.eq_ignore_ascii_case("method"))
            .map(|(name, value)| {
                value.map_or_else(|| format!(";{name}"), |value| format!(";{name}={value}"))
            })
            .collect();
        let mut clean = *sip;
        clean.headers = None;
        clean.params = UriParams::new(&params).unwrap_or(UriParams::NONE);
        let uri = UriBuf::from(Uri::Sip(clean));
        if self.seen.iter().any(|seen| same(seen, &uri)) { Err(Limit::NothingNew) } else { Ok(uri) }
    }
}

fn same(one: &UriBuf, other: &UriBuf) -> bool {
    one.as_uri().is_equivalent(&other.as_uri())
}

/// Addresses that name no host, and those of this machine unless a neighbour on it says so.
fn may_redirect_to(ip: IpAddr, server: Option<IpAddr>) -> bool {
    if ip.is_multicast() || ip.is_unspecified() {
        return false;
    }
    let local = |ip: IpAddr| match ip {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unicast_link_local(),
    };
    !local(ip) || server.is_some_and(local)
}

#[cfg(test)]
mod tests {
    use antiphon_sip::{HeaderName, Method, Request};

    use super::*;

    fn contacts(value: &str) -> Headers {
        let request = Request::builder(Method::Options, "sip:a@b".parse().unwrap())
            .identity("<sip:a@b>;tag=1", "<sip:a@b>", "x", 1)
            .header(HeaderName::Contact, value)
            .build()
            .unwrap();
        request.headers().clone()
    }

    fn fit(targets: &Targets, value: &str) -> Result<Vec<String>, Limit> {
        let server = Some(IpAddr::from([192, 0, 2, 1]));
        let found = targets.fit(&contacts(value), server)?;
        Ok(found.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn contacts_are_tried_by_q_and_never_twice_rfc3261_8_1_3_4() {
        let targets = Targets::new("sip:bob@example.org".parse().unwrap());
        let found = fit(
            &targets,
            "<sip:low@x>;q=0.1, <sip:bob@example.org>, <sip:one@x>, <sip:half@x>;q=0.5, <sip:two@x>",
        );
        assert_eq!(found.unwrap(), ["sip:one@x", "sip:two@x", "sip:half@x", "sip:low@x"]);
        assert_eq!(fit(&targets, "<sip:bob@Example.org>"), Err(Limit::NothingNew));
    }

    #[test]
    fn a_sips_target_stays_sips_rfc5630_5_1_1() {
        let targets = Targets::new("sips:bob@example.org".parse().unwrap());
        assert_eq!(fit(&targets, "<sip:bob@example.com>"), Err(Limit::SipsToSip));
        assert_eq!(fit(&targets, "<sips:bob@example.com>").unwrap(), ["sips:bob@example.com"]);
    }

    #[test]
    fn what_a_contact_smuggles_is_left_out_rfc3261_19_1_5() {
        let targets = Targets::new("sip:bob@example.org".parse().unwrap());
        let found = fit(&targets, "<sip:x@y;method=BYE;transport=tcp?Route=%3csip:z%3e>");
        assert_eq!(found.unwrap(), ["sip:x@y;transport=tcp"]);
        for own in ["<sip:x@127.0.0.1>", "<sip:x@224.0.1.75>", "<sip:x@0.0.0.0>", "<mailto:a@b>"] {
            assert_eq!(fit(&targets, own), Err(Limit::NothingNew), "{own}");
        }
    }

    #[test]
    fn redirects_end_by_depth_and_by_number() {
        let mut targets = Targets::new("sip:0@x".parse().unwrap());
        for depth in 1..=5 {
            let next = targets.fit(&contacts(&format!("<sip:{depth}@x>")), None).unwrap();
            targets.add(next);
            assert!(targets.advance());
        }
        assert_eq!(fit(&targets, "<sip:6@x>"), Err(Limit::RedirectDepth));
        let mut targets = Targets::new("sip:0@x".parse().unwrap());
        let many: Vec<_> = (1..30).map(|number| format!("<sip:{number}@x>")).collect();
        let next = targets.fit(&contacts(&many.join(", ")), None).unwrap();
        assert_eq!(next.len(), 9);
        targets.add(next);
        assert!(targets.advance());
        assert_eq!(targets.current().as_str(), "sip:1@x");
        assert_eq!(fit(&targets, "<sip:99@x>"), Err(Limit::Targets));
    }
}
