//! Route sets and what they make of a request (RFC 3261 §12.1, §12.2.1.1).

use antiphon_sip::header::RecordRoute;
use antiphon_sip::uri::{SipUri, UriParams};
use antiphon_sip::{Headers, Uri, UriBuf};

/// The proxies that a request has to pass, in the order of passing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RouteSet(Vec<UriBuf>);

/// Where a request goes: its Request-URI, its Route values, and the URI that the server is found
/// from (§8.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routed {
    /// The Request-URI.
    pub request_uri: UriBuf,
    /// The URIs for the Route header field, in order.
    pub routes: Vec<UriBuf>,
    /// Whom to send to.
    pub next_hop: UriBuf,
}

impl RouteSet {
    /// A preloaded route set, as an outbound proxy makes one (§8.1.1.1).
    #[must_use]
    pub const fn preloaded(hops: Vec<UriBuf>) -> Self {
        Self(hops)
    }

    /// The route set at the server's side: Record-Route of the request in order (§12.1.1). A
    /// malformed value and what follows it are left out.
    #[must_use]
    pub fn of_request(headers: &Headers) -> Self {
        Self(recorded(headers))
    }

    /// The route set at the client's side: Record-Route of the response in reverse (§12.1.2).
    #[must_use]
    pub fn of_response(headers: &Headers) -> Self {
        let mut hops = recorded(headers);
        hops.reverse();
        Self(hops)
    }

    /// The URIs in order.
    #[must_use]
    pub fn uris(&self) -> &[UriBuf] {
        &self.0
    }

    /// Whether no proxy wants to be passed.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Request-URI and Route for a request to `target` (§12.2.1.1). To a SIPS URI the way is of
    /// SIPS URIs all along (RFC 5630 §5.1.1).
    #[must_use]
    pub fn apply(&self, target: &UriBuf) -> Routed {
        if target.is_sips() && !self.0.iter().all(UriBuf::is_sips) {
            return Self(self.0.iter().map(as_sips).collect()).apply(target);
        }
        let Some((first, rest)) = self.0.split_first() else {
            let target = target.clone();
            return Routed { request_uri: target.clone(), routes: Vec::new(), next_hop: target };
        };
        if is_loose(first) {
            return Routed {
                request_uri: target.clone(),
                routes: self.0.clone(),
                next_hop: first.clone(),
            };
        }
        // A strict router wants itself in the Request-URI; the target travels as the last Route.
        let mut routes = rest.to_vec();
        routes.push(target.clone());
        let request_uri = for_request_line(first);
        Routed { next_hop: request_uri.clone(), request_uri, routes }
    }
}

fn recorded(headers: &Headers) -> Vec<UriBuf> {
    headers
        .list::<RecordRoute<'_>>()
        .map_while(Result::ok)
        .filter_map(|route| UriBuf::parse(route.uri_text).ok())
        .collect()
}

fn is_loose(uri: &UriBuf) -> bool {
    uri.as_uri().as_sip().is_some_and(SipUri::lr)
}

/// The SIPS form of a SIP URI; a value of another scheme, which no route has, goes as it is.
fn as_sips(uri: &UriBuf) -> UriBuf {
    match uri.as_uri() {
        Uri::Sip(sip) => UriBuf::from(Uri::Sip(SipUri { secure: true, ..sip })),
        _ => uri.clone(),
    }
}

/// The URI without what a Request-URI may not have: headers and the method parameter
/// (§19.1.1 Table 1).
fn for_request_line(uri: &UriBuf) -> UriBuf {
    let parsed = uri.as_uri();
    let Some(sip) = parsed.as_sip() else { return uri.clone() };
    let params: String = sip
        .params
        .iter()
        .filter(|(name, _)| !name.eq_ignore_ascii_case("method"))
        .map(|(name, value)| match value {
            Some(value) => format!(";{name}={value}"),
            None => format!(";{name}"),
        })
        .collect();
    let mut clean = *sip;
    clean.headers = None;
    clean.params = UriParams::new(&params).unwrap_or(UriParams::NONE);
    UriBuf::from(Uri::Sip(clean))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uri(text: &str) -> UriBuf {
        text.parse().unwrap()
    }

    fn set(hops: &[&str]) -> RouteSet {
        RouteSet::preloaded(hops.iter().map(|hop| uri(hop)).collect())
    }

    fn texts(uris: &[UriBuf]) -> Vec<&str> {
        uris.iter().map(UriBuf::as_str).collect()
    }

    #[test]
    fn no_route_set_sends_to_the_remote_target_rfc3261_12_2_1_1() {
        let routed = set(&[]).apply(&uri("sip:user@remoteua"));
        assert_eq!(routed.request_uri, uri("sip:user@remoteua"));
        assert_eq!(routed.next_hop, uri("sip:user@remoteua"));
        assert!(routed.routes.is_empty());
    }

    #[test]
    fn a_loose_router_keeps_the_request_uri_rfc3261_12_2_1_1() {
        let routed = set(&["sip:proxy1;lr", "sip:proxy2"]).apply(&uri("sip:user@remoteua"));
        assert_eq!(routed.request_uri, uri("sip:user@remoteua"));
        assert_eq!(texts(&routed.routes), ["sip:proxy1;lr", "sip:proxy2"]);
        assert_eq!(routed.next_hop, uri("sip:proxy1;lr"));
    }

    #[test]
    fn to_a_sips_uri_the_whole_way_is_of_sips_uris_rfc5630_5_1_1() {
        let mixed = set(&["sip:proxy1;lr", "sips:proxy2;lr"]);
        let routed = mixed.apply(&uri("sips:user@remoteua"));
        assert_eq!(texts(&routed.routes), ["sips:proxy1;lr", "sips:proxy2;lr"]);
        assert_eq!(routed.next_hop, uri("sips:proxy1;lr"));
        let routed = mixed.apply(&uri("sip:user@remoteua"));
        assert_eq!(texts(&routed.routes), ["sip:proxy1;lr", "sips:proxy2;lr"]);
    }

    #[test]
    fn a_strict_router_takes_the_request_uri_rfc3261_12_2_1_1() {
        let routed = set(&[
            "sip:proxy1;method=INVITE;x=1?Subject=a",
            "sip:proxy2",
            "sip:proxy3;lr",
            "sip:proxy4",
        ])
        .apply(&uri("sip:user@remoteua"));
        assert_eq!(routed.request_uri, uri("sip:proxy1;x=1"));
        assert_eq!(
            texts(&routed.routes),
            ["sip:proxy2", "sip:proxy3;lr", "sip:proxy4", "sip:user@remoteua"]
        );
        assert_eq!(routed.next_hop, uri("sip:proxy1;x=1"));
    }
}
