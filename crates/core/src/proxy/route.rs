//! Route information (RFC 3261 §16.4): what a request's Route set says about us is taken off.

use antiphon_sip::header::Route;
use antiphon_sip::uri::SipUri;
use antiphon_sip::{HeaderName, Request, Transport, Uri, UriBuf};

use crate::flow::Flow;
use crate::params;
use crate::refusal::Refusal;

/// Takes our own values off the top of the Route set and undoes what a strict router did.
///
/// `is_own` says whether a URI names this element; `recorded`, what it stands for if it is one that
/// this element put into the Record-Route of the call of the request. Gives the last of those: the
/// request belongs to a dialog that was let through before, and this is the value of its far side.
///
/// # Errors
/// 400 for a Route that is none.
pub fn preprocess<R>(
    request: &mut Request,
    is_own: impl Fn(&Uri<'_>) -> bool,
    recorded: impl Fn(&Uri<'_>, &Request) -> Option<R>,
) -> Result<Option<R>, Refusal> {
    let mut last = recorded(&request.uri(), request);
    if last.is_some() {
        undo_strict_routing(request)?;
    }
    // A change of transport, address or flow was recorded with two values (§16.6 step 4,
    // RFC 5658), so more than one of ours may stand there.
    while let Some(route) = request.headers().first::<Route<'_>>()? {
        let this = recorded(&route.uri, request);
        if this.is_none() && !is_own(&route.uri) {
            break;
        }
        // One of ours that was tampered with ends the trust in those before it.
        last = this;
        request.headers_mut().pop_first(HeaderName::Route);
    }
    Ok(last)
}

/// Takes `maddr` off the Request-URI, with port and transport, when it names this element by the
/// port and transport that the request came by; it then says nothing that is still to be done.
/// `is_own` says whether `host:port` is one of our listeners.
pub fn strip_maddr(request: &mut Request, flow: &Flow, is_own: impl Fn(&str) -> bool) {
    let Uri::Sip(uri) = request.uri() else { return };
    let Some(maddr) = uri.maddr() else { return };
    let transport = match uri.transport() {
        None if uri.secure => Some(Transport::Tls),
        None => Some(Transport::Udp),
        Some(text) => Transport::from_bytes(text.as_bytes()),
    };
    let port = uri.port.unwrap_or_else(|| flow.transport.default_port());
    let came_that_way = transport == Some(flow.transport) && port == flow.local.port();
    if came_that_way
        && is_own(&format!("{maddr}:{port}"))
        && let Some(uri) = without_maddr(&uri)
    {
        request.set_uri(uri);
    }
}

fn without_maddr(uri: &SipUri<'_>) -> Option<UriBuf> {
    let is_gone =
        |name: &str| name.eq_ignore_ascii_case("maddr") || name.eq_ignore_ascii_case("transport");
    let params = params::without(&uri.params, is_gone);
    let scheme = if uri.secure { "sips" } else { "sip" };
    let user = uri.user.map(|user| format!("{user}@")).unwrap_or_default();
    UriBuf::parse(&format!("{scheme}:{user}{}{params}", uri.host)).ok()
}

/// The element before us was a strict router: it put our Record-Route value into the Request-URI
/// and the real Request-URI at the end of the Route set.
fn undo_strict_routing(request: &mut Request) -> Result<(), Refusal> {
    let routes = request
        .headers()
        .list::<Route<'_>>()
        .map(|route| route.map(|route| (route.to_string(), UriBuf::from(route.uri))))
        .collect::<Result<Vec<_>, _>>()?;
    let Some(((_, uri), rest)) = routes.split_last() else { return Ok(()) };
    let uri = uri.clone();
    let rest = rest.iter().map(|(text, _)| text.as_str()).collect::<Vec<_>>().join(", ");
    request.set_uri(uri);
    request.headers_mut().remove(HeaderName::Route);
    if !rest.is_empty() {
        request.headers_mut().push(HeaderName::Route, rest);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use antiphon_sip::{Limits, Message, parse};

    use super::*;

    fn request(uri: &str, routes: &str) -> Request {
        let text = format!(
            "BYE {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n{routes}\
             From: <sip:a@a.example>;tag=1\r\nTo: <sip:b@b.example>;tag=2\r\nCall-ID: 1\r\n\
             CSeq: 1 BYE\r\nContent-Length: 0\r\n\r\n"
        );
        match parse::datagram(text.into(), &Limits::default()) {
            Ok(Message::Request(request)) => request,
            other => panic!("{other:?}"),
        }
    }

    fn is_own(uri: &Uri<'_>) -> bool {
        matches!(uri, Uri::Sip(uri) if uri.host.to_string() == "192.0.2.10")
    }

    fn recorded(uri: &Uri<'_>, _: &Request) -> Option<String> {
        let Uri::Sip(sip) = uri else { return None };
        let user = sip.user.filter(|user| is_own(uri) && user.starts_with('t'));
        user.map(str::to_owned)
    }

    fn taken_off(request: &mut Request) -> bool {
        preprocess(request, is_own, recorded).unwrap().is_some()
    }

    #[test]
    fn the_last_of_our_values_is_that_of_the_far_side_rfc5658_3() {
        let routes = "Route: <sip:t1@192.0.2.10;lr>, <sip:t2@192.0.2.10;lr>\r\n";
        let mut request = request("sip:b@192.0.2.2", routes);
        assert_eq!(preprocess(&mut request, is_own, recorded).unwrap().as_deref(), Some("t2"));
    }

    fn routes(request: &Request) -> Vec<String> {
        request.headers().list::<Route<'_>>().map(|route| route.unwrap().to_string()).collect()
    }

    #[test]
    fn our_own_values_come_off_the_top_rfc3261_16_4() {
        let mut request = request(
            "sip:b@192.0.2.2",
            "Route: <sip:t@192.0.2.10;lr>, <sip:t@192.0.2.10;transport=tcp;lr>\r\n\
             Route: <sip:192.0.2.7;lr>, <sip:192.0.2.10;lr>\r\n",
        );
        assert!(taken_off(&mut request));
        assert_eq!(routes(&request), ["<sip:192.0.2.7;lr>", "<sip:192.0.2.10;lr>"]);
    }

    #[test]
    fn another_route_on_top_stays_rfc3261_16_4() {
        let mut request = request("sip:b@192.0.2.2", "Route: <sip:192.0.2.7;lr>\r\n");
        assert!(!taken_off(&mut request));
        assert_eq!(routes(&request), ["<sip:192.0.2.7;lr>"]);
    }

    #[test]
    fn a_route_to_us_that_we_did_not_make_comes_off_and_proves_nothing_rfc3261_16_4() {
        let mut request = request("sip:b@192.0.2.2", "Route: <sip:x@192.0.2.10;lr>\r\n");
        assert!(!taken_off(&mut request));
        assert!(routes(&request).is_empty());
    }

    #[test]
    fn one_of_ours_that_was_tampered_with_ends_the_trust_in_those_before_it() {
        let routes = "Route: <sip:t@192.0.2.10;lr>, <sip:x@192.0.2.10;lr>\r\n";
        assert!(!taken_off(&mut request("sip:b@192.0.2.2", routes)));
        let routes = "Route: <sip:192.0.2.10;lr>, <sip:t@192.0.2.10;lr>\r\n";
        assert!(taken_off(&mut request("sip:b@192.0.2.2", routes)), "an outbound proxy before it");
    }

    #[test]
    fn a_request_uri_of_ours_that_we_did_not_record_stays_rfc3261_16_4() {
        let route = "Route: <sip:b@192.0.2.2>\r\n";
        let mut request = request("sip:b@192.0.2.10;lr", route);
        assert!(!taken_off(&mut request));
        assert_eq!(request.uri_text(), "sip:b@192.0.2.10;lr");
    }

    #[test]
    fn what_a_strict_router_did_is_undone_rfc3261_16_4() {
        let mut request =
            request("sip:t@192.0.2.10;lr", "Route: <sip:192.0.2.7;lr>, <sip:b@192.0.2.2>\r\n");
        assert!(taken_off(&mut request));
        assert_eq!(request.uri_text(), "sip:b@192.0.2.2");
        assert_eq!(routes(&request), ["<sip:192.0.2.7;lr>"]);
    }

    #[test]
    fn a_route_that_is_none_is_refused_rfc3261_16_3() {
        let mut request = request("sip:b@192.0.2.2", "Route: sip:192.0.2.10;lr>\r\n");
        assert!(preprocess(&mut request, is_own, recorded).is_err());
    }

    #[test]
    fn maddr_that_names_us_is_taken_off_rfc3261_16_4() {
        let flow = Flow {
            transport: Transport::Udp,
            local: "192.0.2.10:5080".parse().unwrap(),
            remote: "192.0.2.1:5060".parse().unwrap(),
            connection: None,
        };
        let stripped = |uri: &str| {
            let mut request = request(uri, "");
            strip_maddr(&mut request, &flow, |own| own == "192.0.2.10:5080");
            request.uri_text().to_owned()
        };
        assert_eq!(
            stripped("sip:b@b.example:5080;user=phone;maddr=192.0.2.10;transport=udp"),
            "sip:b@b.example;user=phone"
        );
        for other in [
            "sip:b@b.example:5080;maddr=192.0.2.11",
            "sip:b@b.example;maddr=192.0.2.10",
            "sip:b@b.example:5080;maddr=192.0.2.10;transport=tcp",
            "sip:b@b.example:5080",
        ] {
            assert_eq!(stripped(other), other);
        }
    }
}
