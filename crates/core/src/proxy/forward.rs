//! The copy that goes to one target (RFC 3261 §16.6), all but the Via, which is the endpoint's.

use std::borrow::Cow;

use antiphon_sip::header::{MaxBreadth, MaxForwards, Route};
use antiphon_sip::uri::{SipUri, is_sips};
use antiphon_sip::{HeaderName, Method, Request, Transport, Uri, UriBuf};

use super::Target;
use crate::endpoint::Listener;
use crate::locate::{Hop, NoHop};

/// A request ready for one target.
#[derive(Debug)]
pub(super) struct Copy {
    pub(super) request: Box<Request>,
    pub(super) hop: Hop,
}

/// Steps 1, 2, 3, 6 and 7. Record-Route (step 4) needs the outgoing flow and comes after.
pub(super) fn copy(received: &Request, target: &Target) -> Result<Copy, NoHop> {
    copy_of_breadth(received, target, breadth(received))
}

/// The same for one of several branches, which may open so many others itself.
pub(super) fn copy_of_breadth(
    received: &Request,
    target: &Target,
    breadth: u32,
) -> Result<Copy, NoHop> {
    readied(Box::new(received.clone()), target, breadth)
}

/// The same of a request that has no other copy: it is forwarded itself.
pub(super) fn only_copy(received: Box<Request>, target: &Target) -> Result<Copy, NoHop> {
    let breadth = breadth(&received);
    readied(received, target, breadth)
}

fn readied(mut request: Box<Request>, target: &Target, breadth: u32) -> Result<Copy, NoHop> {
    if request.uri_text() != target.uri.as_str() {
        request.set_uri(request_uri(&target.uri, &request));
    }
    if let Some(body) = &target.body {
        request.set_body(body.clone());
    }
    let hops = match request.headers().field::<MaxForwards>() {
        Ok(Some(MaxForwards(hops))) => hops.saturating_sub(1),
        _ => 70,
    };
    request.headers_mut().set_number(HeaderName::MaxForwards, hops.into());
    for route in target.path.iter().rev() {
        request.headers_mut().push_top(HeaderName::Route, route);
    }
    set_breadth(&mut request, breadth);
    let hop = next_hop(&mut request, target.uri.is_sips())?;
    Ok(Copy { request, hop })
}

/// The Max-Breadth of a request that has none, and the most that is taken (RFC 5393 §5.3.3).
const MAX_BREADTH: u32 = 60;

/// How many branches of a request may be open at one time.
pub(super) fn breadth(request: &Request) -> u32 {
    match request.headers().field::<MaxBreadth>() {
        Ok(Some(MaxBreadth(breadth))) => breadth.min(MAX_BREADTH),
        Ok(None) | Err(_) => MAX_BREADTH,
    }
}

/// How many branches may be open at one time beyond this one: every forwarded request says so
/// (RFC 5393 §5.3.3).
fn set_breadth(request: &mut Request, breadth: u32) {
    request.headers_mut().set_number(HeaderName::MaxBreadth, breadth);
}

/// Step 2: the target's URI without what §19.1.1 table 1 forbids in a Request-URI. A request that
/// came with a SIP URI does not go on with a SIPS URI (RFC 5630 §5.3).
fn request_uri(target: &UriBuf, received: &Request) -> UriBuf {
    // Nearly all are as they should be, which is told without taking them apart.
    if !target.is_sips() && !target.as_str().contains('?') {
        return target.clone();
    }
    let Uri::Sip(uri) = target.as_uri() else { return target.clone() };
    let secure = match received.uri() {
        Uri::Sip(received) => uri.secure && received.secure,
        _ => uri.secure,
    };
    if secure == uri.secure && uri.headers.is_none() {
        return target.clone();
    }
    UriBuf::from(Uri::Sip(SipUri { secure, headers: None, ..uri }))
}

/// The hop that a URI names, over TLS where it must be.
fn hop_of(uri: &Uri<'_>, is_secure: bool) -> Result<Hop, NoHop> {
    match uri {
        Uri::Sip(sip) if is_secure => Hop::of(&Uri::Sip(SipUri { secure: true, ..*sip })),
        other => Hop::of(other),
    }
}

/// Steps 6 and 7: the topmost Route decides where the request goes, the Request-URI when there is
/// none. For a strict router the two change places. To a SIPS URI every hop is over TLS, whatever
/// a Route says, also when the request itself has a SIP URI (RFC 5630 §5.3).
fn next_hop(request: &mut Request, is_secure: bool) -> Result<Hop, NoHop> {
    let top = request.headers().first::<Route<'_>>().ok().flatten();
    let Some(top) = top else { return hop_of(&request.uri(), is_secure) };
    let hop = hop_of(&top.uri, is_secure)?;
    let is_loose = matches!(top.uri, Uri::Sip(uri) if uri.lr());
    if !is_loose {
        let strict = UriBuf::from(top.uri);
        let last = format!("<{}>", request.uri_text());
        request.headers_mut().pop_first(HeaderName::Route);
        request.headers_mut().push(HeaderName::Route, last);
        request.set_uri(strict);
    }
    Ok(hop)
}

/// Step 4: whether requests in the dialog that this one may make have to come through us again.
pub(super) fn makes_dialog(request: &Request) -> bool {
    matches!(request.method(), Method::Invite | Method::Subscribe | Method::Refer | Method::Notify)
}

/// One side of ours, as a route set names it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Side<'a> {
    pub(super) listener: &'a Listener,
    /// `host[:port]`.
    pub(super) sent_by: Cow<'a, str>,
    pub(super) token: &'a str,
}

/// Step 4: our values, one when the request leaves the way it came, two when transport or address
/// change (RFC 5658 §3) or the flow of one side is to be known again: the side that each end of
/// the dialog talks to stands nearest to it.
pub(super) fn record_route(request: &mut Request, inbound: &Side<'_>, outbound: &Side<'_>) {
    let is_secure = asks_for_security(request);
    let headers = request.headers_mut();
    headers.push_top_parts(HeaderName::RecordRoute, &own_route(inbound, is_secure));
    if inbound != outbound {
        headers.push_top_parts(HeaderName::RecordRoute, &own_route(outbound, is_secure));
    }
}

/// Whether our value has to be a SIPS URI, because the Request-URI or the topmost Route is one.
fn asks_for_security(request: &Request) -> bool {
    let route = request.headers().first::<Route<'_>>().ok().flatten();
    let is_secure = |route: Route<'_>| matches!(route.uri, Uri::Sip(uri) if uri.secure);
    is_sips(request.uri_text()) || route.is_some_and(is_secure)
}

/// The URI by which a listener puts itself into a route set, in parts. A listener without TLS has no
/// SIPS URI: nobody could reach it by one.
fn own_route<'a>(side: &'a Side<'_>, is_secure: bool) -> [&'a str; 9] {
    let Side { listener, sent_by, token } = side;
    let transport = listener.transport;
    let is_sips = is_secure && transport.is_secure();
    let scheme = if is_sips { "sips" } else { "sip" };
    let (parameter, value) = match transport {
        Transport::Udp => ("", ""),
        // The scheme says that it is secure (RFC 5630 §3.1.3, RFC 7118 §5.5).
        Transport::Tls if is_sips => ("", ""),
        Transport::Wss if is_sips => (";transport=", "ws"),
        other => (";transport=", other.as_uri_param()),
    };
    ["<", scheme, ":", token, "@", sent_by, parameter, value, ";lr>"]
}

#[cfg(test)]
mod tests {
    use antiphon_sip::parse;
    use antiphon_sip::{Limits, Message};

    use super::*;

    fn request(head: &str) -> Request {
        let text = format!(
            "{head}Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\nFrom: <sip:a@a.example>;tag=1\r\n\
             To: <sip:b@b.example>\r\nCall-ID: 1\r\nCSeq: 1 INVITE\r\nContent-Length: 0\r\n\r\n"
        );
        match parse::datagram(text.into(), &Limits::default()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn copied(head: &str, target: &Target) -> Copy {
        copy(&request(head), target).unwrap()
    }

    fn target(uri: &str) -> Target {
        Target::new(UriBuf::parse(uri).unwrap())
    }

    fn values(request: &Request, name: HeaderName) -> Vec<String> {
        let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
        request.headers().values(name).map(text).collect()
    }

    const INVITE: &str = "INVITE sip:b@b.example SIP/2.0\r\n";

    #[test]
    fn step_1_the_copy_keeps_what_it_does_not_know_rfc3261_16_6() {
        let head = format!("{INVITE}X-Odd:   \tkept  as it,is\r\n");
        let octets = copied(&head, &target("sip:b@192.0.2.9")).request.to_bytes();
        let text = String::from_utf8_lossy(&octets);
        assert!(text.contains("\r\nX-Odd:   \tkept  as it,is\r\n"), "{text}");
    }

    #[test]
    fn step_2_the_target_becomes_the_request_uri_rfc3261_16_6() {
        let copy = copied(INVITE, &target("sip:b@192.0.2.9:5070?Subject=x"));
        assert_eq!(copy.request.uri_text(), "sip:b@192.0.2.9:5070");
    }

    #[test]
    fn step_3_max_forwards_is_one_less_or_seventy_rfc3261_16_6() {
        let head = format!("{INVITE}Max-Forwards: 9\r\n");
        let to = target("sip:b@192.0.2.9");
        assert_eq!(values(&copied(&head, &to).request, HeaderName::MaxForwards), ["8"]);
        assert_eq!(values(&copied(INVITE, &to).request, HeaderName::MaxForwards), ["70"]);
    }

    #[test]
    fn step_4_record_route_is_sips_when_the_request_is_rfc3261_16_6() {
        let listener = |transport, sent_by: &str| Listener {
            transport,
            local: "192.0.2.10:5061".parse().unwrap(),
            sent_by: sent_by.into(),
        };
        let tls = listener(Transport::Tls, "192.0.2.10:5061");
        let wss = listener(Transport::Wss, "192.0.2.10:443");
        let side = |listener| Side { listener, sent_by: (&*listener.sent_by).into(), token: "t" };
        let mut secure = request("INVITE sips:b@b.example SIP/2.0\r\n");
        record_route(&mut secure, &side(&wss), &side(&tls));
        assert_eq!(
            values(&secure, HeaderName::RecordRoute),
            ["<sips:t@192.0.2.10:5061;lr>", "<sips:t@192.0.2.10:443;transport=ws;lr>"]
        );
        let mut plain = request(INVITE);
        record_route(&mut plain, &side(&tls), &side(&tls));
        assert_eq!(
            values(&plain, HeaderName::RecordRoute),
            ["<sip:t@192.0.2.10:5061;transport=tls;lr>"]
        );
    }

    #[test]
    fn step_6_a_strict_router_gets_its_uri_and_the_request_uri_goes_last_rfc3261_16_6() {
        let head = format!("{INVITE}Route: <sip:192.0.2.7>, <sip:192.0.2.8;lr>\r\n");
        let copy = copied(&head, &target("sip:b@192.0.2.9"));
        assert_eq!(copy.request.uri_text(), "sip:192.0.2.7");
        assert_eq!(
            values(&copy.request, HeaderName::Route),
            ["<sip:192.0.2.8;lr>", "<sip:b@192.0.2.9>"]
        );
        assert_eq!(copy.hop.host, crate::locate::HopHost::Address("192.0.2.7".parse().unwrap()));
    }

    #[test]
    fn step_7_the_topmost_route_is_the_next_hop_rfc3261_16_6() {
        let head = format!("{INVITE}Route: <sip:192.0.2.7:5080;lr>\r\n");
        let copy = copied(&head, &target("sip:b@192.0.2.9"));
        assert_eq!(copy.request.uri_text(), "sip:b@192.0.2.9");
        assert_eq!(copy.hop.port, Some(5080));
        let copy = copied(INVITE, &target("sip:b@192.0.2.9;transport=tcp"));
        let place = copy.hop.place().unwrap();
        assert_eq!((place.address.port(), place.transport), (5060, Transport::Tcp));
    }

    fn hop(uri: &str) -> Hop {
        Hop::of(&UriBuf::parse(uri).unwrap().as_uri()).unwrap()
    }

    #[test]
    fn a_sip_uri_stays_one_and_a_secure_contact_is_reached_securely_rfc5630_5_3() {
        let copy = copied(INVITE, &target("sips:b@192.0.2.9:5080;x=1"));
        assert_eq!(copy.request.uri_text(), "sip:b@192.0.2.9:5080;x=1");
        assert_eq!(copy.hop, hop("sips:b@192.0.2.9:5080;x=1"));
    }

    #[test]
    fn to_a_sips_uri_every_hop_is_secure_whatever_a_route_says_rfc5630_5_3() {
        let head = "INVITE sips:b@b.example SIP/2.0\r\nRoute: <sip:192.0.2.7;lr>\r\n";
        let copy = copied(head, &target("sips:b@192.0.2.9"));
        assert_eq!(copy.request.uri_text(), "sips:b@192.0.2.9");
        assert_eq!(copy.hop, hop("sips:192.0.2.7;lr"));
        let head = head.replace(";lr", ";transport=udp;lr");
        assert!(super::copy(&request(&head), &target("sips:b@192.0.2.9")).is_err());
    }

    #[test]
    fn the_path_of_a_binding_goes_before_the_routes_rfc3327_5_4() {
        let mut to = target("sip:b@192.0.2.9");
        to.path = vec!["<sip:192.0.2.5;lr>".into(), "<sip:192.0.2.6;lr>".into()];
        let copy = copied(INVITE, &to);
        assert_eq!(
            values(&copy.request, HeaderName::Route),
            ["<sip:192.0.2.5;lr>", "<sip:192.0.2.6;lr>"]
        );
        assert_eq!(copy.request.uri_text(), "sip:b@192.0.2.9");
        assert_eq!(copy.hop.host, crate::locate::HopHost::Address("192.0.2.5".parse().unwrap()));
    }

    #[test]
    fn every_copy_says_its_breadth_rfc5393_5_3_3() {
        let to = target("sip:b@192.0.2.9");
        assert_eq!(values(&copied(INVITE, &to).request, HeaderName::MaxBreadth), ["60"]);
        let head = format!("{INVITE}Max-Breadth: 7\r\n");
        assert_eq!(values(&copied(&head, &to).request, HeaderName::MaxBreadth), ["7"]);
        let head = format!("{INVITE}Max-Breadth: 700\r\n");
        assert_eq!(values(&copied(&head, &to).request, HeaderName::MaxBreadth), ["60"]);
    }
}
