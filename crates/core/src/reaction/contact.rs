//! The Contacts of a 3xx as targets. They are input from outside: what may not be followed is
//! dropped, what may not be taken from a URI is taken out (RFC 3261 §19.1.5).

use std::net::IpAddr;

use antiphon_sip::header::Contact;
use antiphon_sip::uri::{SipUri, UriParams};
use antiphon_sip::{HeaderName, Host, NameAddr, Response, Transport, Uri, UriBuf};

use super::data::{RefusedContact, Target};
use super::failure::Server;
use super::inputs::Inputs;
use super::limit::{Cause, Fault, Limit};
use super::text;
use crate::params;

/// Contacts that are looked at. A response with more has none better behind them.
const MAX_CONTACTS: usize = 50;

/// Header fields that a URI may bring into the request. All others would let whoever redirects
/// speak in the caller's name.
const WELCOME: [HeaderName; 9] = [
    HeaderName::Subject,
    HeaderName::Priority,
    HeaderName::CallInfo,
    HeaderName::AlertInfo,
    HeaderName::ReplyTo,
    HeaderName::AcceptContact,
    HeaderName::RejectContact,
    HeaderName::RequestDisposition,
    HeaderName::Replaces,
];

/// The Contacts that may be followed, best first, and those that may not.
pub(super) fn targets(
    inputs: &Inputs<'_>,
    response: &Response,
) -> (Vec<Target>, Vec<RefusedContact>) {
    let (mut fit, mut refused) = (Vec::<Target>::new(), Vec::new());
    for contact in response.headers().list::<Contact<'_>>().take(MAX_CONTACTS) {
        match judge(inputs, contact.as_ref().map_err(|_| malformed())) {
            Ok(target) if has(&fit, &target) => {}
            Ok(target) => fit.push(target),
            Err(cause) => {
                let address = contact.as_ref().ok().and_then(Contact::address);
                let uri = address.map(|address| text::clean(address.uri_text));
                refused.push(RefusedContact { uri: uri.unwrap_or_default(), cause });
            }
        }
    }
    // Highest q first; equal ones keep the order of the response (RFC 3261 §8.1.3.4).
    fit.sort_by_key(|target| std::cmp::Reverse(target.q));
    (fit, refused)
}

fn malformed() -> Cause {
    Fault::malformed(HeaderName::Contact).into()
}

fn has(fit: &[Target], target: &Target) -> bool {
    fit.iter().any(|other| other.uri.as_uri().is_equivalent(&target.uri.as_uri()))
}

fn judge(inputs: &Inputs<'_>, contact: Result<&Contact<'_>, Cause>) -> Result<Target, Cause> {
    let contact = contact?;
    let address = contact.address().ok_or_else(malformed)?;
    let target = Target {
        uri: sip_target(inputs, address)?,
        carries: carried(address),
        // RFC 3841 §7.2.3: no q counts as 1.0.
        q: contact.q().unwrap_or(1000),
        expires: contact.expires(),
    };
    if inputs.history.targets().has(&target.uri) {
        return Err(Limit::NothingNew.into());
    }
    Ok(target)
}

/// The URI without what a Request-URI must not have, if it may be followed.
fn sip_target(inputs: &Inputs<'_>, address: &NameAddr<'_>) -> Result<UriBuf, Cause> {
    let Uri::Sip(uri) = address.uri else { return Err(malformed()) };
    keeps_sips(inputs, &uri)?;
    if uri.transport().is_some_and(|name| Transport::from_bytes(name.as_bytes()).is_none()) {
        return Err(malformed());
    }
    is_a_place(inputs, &uri)?;
    plain(&uri).ok_or_else(malformed)
}

/// sips stays sips (RFC 5630 §5.1.1; stricter than RFC 3261 §8.1.3.4, which lets a person decide:
/// that is a new action). sip to sips is allowed.
pub(super) fn keeps_sips(inputs: &Inputs<'_>, uri: &SipUri<'_>) -> Result<(), Cause> {
    let secure = |uri: &Uri<'_>| uri.as_sip().is_some_and(|sip| sip.secure);
    let first = inputs.history.targets().first();
    if !uri.secure && (secure(&inputs.request.uri()) || secure(&first.as_uri())) {
        return Err(Limit::SipsToSip.into());
    }
    Ok(())
}

/// Multicast and unspecified addresses are no place to send to; loopback and link-local ones only
/// if the server that names them has such an address itself. This side's own address is none
/// either: the request would come back.
fn is_a_place(inputs: &Inputs<'_>, uri: &SipUri<'_>) -> Result<(), Cause> {
    let hosts = [Some(uri.host), uri.maddr()];
    for host in hosts.into_iter().flatten() {
        let Some(ip) = host.ip() else {
            if is_localhost(&host) && !inputs.server.is_some_and(is_local) {
                return Err(Limit::NoPlace.into());
            }
            continue;
        };
        let local = inputs.server.is_some_and(is_local);
        if ip.is_multicast() || ip.is_unspecified() || (is_local_address(ip) && !local) {
            return Err(Limit::NoPlace.into());
        }
        if points_back(inputs, uri, ip) {
            return Err(Limit::NothingNew.into());
        }
    }
    Ok(())
}

fn is_localhost(host: &Host<'_>) -> bool {
    host.name().is_some_and(|name| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost")
    })
}

fn is_local(server: Server) -> bool {
    is_local_address(server.address.ip())
}

fn is_local_address(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(v4) => v4.is_loopback() || v4.is_link_local(),
        IpAddr::V6(v6) => {
            let mapped = v6.to_ipv4_mapped().is_some_and(|v4| is_local_address(IpAddr::V4(v4)));
            v6.is_loopback() || v6.is_unicast_link_local() || mapped
        }
    }
}

fn points_back(inputs: &Inputs<'_>, uri: &SipUri<'_>, ip: IpAddr) -> bool {
    let port = uri.port.unwrap_or(if uri.secure { 5061 } else { 5060 });
    inputs.means.own_addresses.iter().any(|own| own.ip() == ip && own.port() == port)
}

/// The URI without headers and `method` (RFC 3261 §19.1.1: neither stands in a Request-URI).
pub(super) fn plain(uri: &SipUri<'_>) -> Option<UriBuf> {
    let params = params::without(&uri.params, |name| name.eq_ignore_ascii_case("method"));
    let params = UriParams::new(&params).ok()?;
    Some(UriBuf::from(Uri::Sip(SipUri { params, headers: None, ..*uri })))
}

/// The welcome ones among the header fields of the URI.
fn carried(address: &NameAddr<'_>) -> Vec<(HeaderName, String)> {
    let Uri::Sip(uri) = address.uri else { return Vec::new() };
    let mut carried: Vec<(HeaderName, String)> = Vec::new();
    for header in uri.headers() {
        let Some(name) = WELCOME.into_iter().find(|name| header.is(name.as_str())) else {
            continue;
        };
        let value = header.value_unescaped().into_owned();
        let fits = !value.is_empty() && value.len() <= 1024 && !value.contains(char::is_control);
        if fits && carried.iter().all(|(taken, _)| *taken != name) {
            carried.push((name, value));
        }
    }
    carried
}

#[cfg(test)]
mod tests {
    use super::super::decision::Reaction;
    use super::super::testing::{Bench, invite, invite_to};
    use super::*;

    fn refused(bench: &Bench, contact: &str) -> Cause {
        let decided = bench.to(302, &[(HeaderName::Contact, contact)]);
        assert_eq!(decided.reaction.kind(), super::super::Kind::Report, "{contact}");
        decided.stopped[0].cause.clone()
    }

    fn target(contact: &str) -> Target {
        let decided = Bench::new(invite()).to(302, &[(HeaderName::Contact, contact)]);
        match decided.reaction {
            Reaction::TryTargets(redirect) => redirect.added[0].clone(),
            other => panic!("{contact}: {other:?}"),
        }
    }

    #[test]
    fn sips_is_never_changed_to_sip_rfc5630_5_1_1() {
        let bench = Bench::new(invite_to("sips:bob@example.com"));
        assert_eq!(refused(&bench, "<sip:bob@example.net>"), Limit::SipsToSip.into());
        assert_eq!(target("<sips:bob@example.net>").uri.as_str(), "sips:bob@example.net");
    }

    #[test]
    fn headers_of_a_contact_are_not_smuggled_in_rfc3261_19_1_5() {
        let taken = target(
            "<sip:bob@example.net;method=MESSAGE?From=sip:eve%40evil.example&Route=%3Csip:evil%3E\
             &Call-ID=1&Authorization=x&Subject=news&body=hi&Content-Type=text/html\
             &Priority=a%0D%0AVia:x>",
        );
        assert_eq!(taken.uri.as_str(), "sip:bob@example.net");
        assert_eq!(taken.carries, [(HeaderName::Subject, "news".to_owned())]);
    }

    #[test]
    fn an_address_that_is_no_place_is_not_followed() {
        let bench = Bench::new(invite());
        for contact in [
            "<sip:bob@224.0.0.1>",
            "<sip:bob@0.0.0.0>",
            "<sip:bob@127.0.0.1>",
            "<sip:bob@[::1]>",
            "<sip:bob@[::ffff:127.0.0.1]>",
            "<sip:bob@169.254.1.1>",
            "<sip:bob@localhost>",
            "<sip:bob@example.net;maddr=127.0.0.1>",
        ] {
            assert_eq!(refused(&bench, contact), Limit::NoPlace.into(), "{contact}");
        }
        let mut at_home = Bench::new(invite());
        at_home.server = Some(Server::new(Transport::Udp, "127.0.0.1:5060".parse().unwrap()));
        let followed = at_home.to(302, &[(HeaderName::Contact, "<sip:bob@127.0.0.1:5070>")]);
        assert!(followed.reaction.goes_on());
    }

    #[test]
    fn a_redirect_that_points_back_is_not_followed_rfc3261_8_1_3_4() {
        let mut bench = Bench::new(invite());
        bench.means.own_addresses = vec!["192.0.2.1:5060".parse().unwrap()];
        for contact in ["<sip:bob@example.com>", "<sip:bob@EXAMPLE.com;x=1>", "<sip:me@192.0.2.1>"]
        {
            assert_eq!(refused(&bench, contact), Limit::NothingNew.into(), "{contact}");
        }
    }

    #[test]
    fn a_contact_that_is_no_uri_is_named() {
        let bench = Bench::new(invite());
        for contact in
            ["bob", "<bob>", "*", "<mailto:bob@example.com>", "<sip:b@h;transport=pigeon>"]
        {
            let cause = Fault::malformed(HeaderName::Contact).into();
            assert_eq!(refused(&bench, contact), cause, "{contact}");
        }
    }
}
