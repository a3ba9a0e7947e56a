//! 3xx: ChooseTarget, RememberTarget, TryTargets, UseProxy.

use antiphon_sip::header::{Contact, Expires, Route};
use antiphon_sip::uri::{SipUri, UriParams};
use antiphon_sip::{HeaderName, Host, NameAddr, Response, Uri, UriBuf};

use super::Kind;
use super::change::Change;
use super::contact;
use super::data::{Redirect, RefusedContact};
use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Fault, FaultKind, Lack, Limit};
use super::remember;
use super::row::Row;

/// The longest that the target of a 302 is kept for later actions, in seconds.
const MAX_KEPT: u32 = 3600;

/// The targets that the response names.
pub(super) fn follow(
    inputs: &Inputs<'_>,
    row: &Row,
    response: &Response,
) -> Result<Reaction, Cause> {
    if !inputs.policy.follow_redirects {
        return Err(Limit::NotFollowed.into());
    }
    if !response.headers().has(HeaderName::Contact) {
        return Err(Fault::missing(HeaderName::Contact).into());
    }
    let (budget, targets) = (inputs.history.budget(), inputs.history.targets());
    if targets.depth() >= budget.redirect_depth {
        return Err(Limit::RedirectDepth(budget.redirect_depth).into());
    }
    let room = usize::from(budget.targets).saturating_sub(targets.seen());
    if room == 0 {
        return Err(Limit::Targets(budget.targets).into());
    }
    let (mut added, refused) = contact::targets(inputs, response);
    added.truncate(room);
    for target in &mut added {
        target.expires = kept(row, response, target.expires);
    }
    let Some(next) = added.first().cloned() else { return Err(why_none(refused)) };
    let remembers = row.reaction == Kind::RememberTarget;
    let remember = remembers.then(|| remember::rule(inputs, &added));
    let redirect = Redirect { next, added, refused, remember };
    Ok(match row.reaction {
        Kind::ChooseTarget => Reaction::ChooseTarget(redirect),
        Kind::RememberTarget => Reaction::RememberTarget(redirect),
        _ => Reaction::TryTargets(redirect),
    })
}

/// The reason that says most: a limit before a Contact that cannot be read.
fn why_none(refused: Vec<RefusedContact>) -> Cause {
    let mut causes = refused.into_iter().map(|refused| refused.cause);
    let first = causes.next().unwrap_or(Fault::malformed(HeaderName::Contact).into());
    std::iter::once(first.clone())
        .chain(causes)
        .find(|cause| matches!(cause, Cause::Limit(_)))
        .unwrap_or(first)
}

/// How long the target of a 302 holds (RFC 3261 §21.3.3): its own `expires`, else Expires.
fn kept(row: &Row, response: &Response, own: Option<u32>) -> Option<u32> {
    if row.reaction != Kind::TryTargets {
        return None;
    }
    let of_all = || response.headers().field::<Expires>().ok().flatten().map(|expires| expires.0);
    own.or_else(of_all).map(|seconds| seconds.min(MAX_KEPT)).filter(|seconds| *seconds > 0)
}

/// 305: again, through the proxy that the one Contact names (RFC 3261 §21.3.4).
pub(super) fn use_proxy(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    if inputs.in_dialog() {
        return Err(Lack::Occasion.into());
    }
    let mut contacts = response.headers().list::<Contact<'_>>();
    let only = contacts.next().ok_or(Fault::missing(HeaderName::Contact))?;
    if contacts.next().is_some() {
        return Err(Fault { header: HeaderName::Contact, kind: FaultKind::Several }.into());
    }
    let malformed = || Cause::from(Fault::malformed(HeaderName::Contact));
    let only = only.map_err(|_| malformed())?;
    let Some(NameAddr { uri: Uri::Sip(proxy), .. }) = only.address() else {
        return Err(malformed());
    };
    contact::keeps_sips(inputs, proxy)?;
    if !is_near(inputs, proxy) {
        return Err(Limit::ForeignProxy.into());
    }
    let route = loose(proxy).ok_or_else(malformed)?;
    let change = Change::set(HeaderName::Route, routes(inputs, &route));
    Ok(Reaction::UseProxy { route, change })
}

/// Whether the proxy is of the Request-URI's domain or is the server that answered: any other
/// would be a stranger put into the path.
fn is_near(inputs: &Inputs<'_>, proxy: &SipUri<'_>) -> bool {
    let of_domain = match inputs.request.uri() {
        Uri::Sip(uri) => is_within(&proxy.host, &uri.host),
        Uri::Tel(_) | Uri::Other { .. } => false,
    };
    let answered = inputs.server.map(|server| server.address.ip());
    of_domain || (answered.is_some() && proxy.host.ip() == answered)
}

/// Whether a host is the domain or below it.
pub(super) fn is_within(host: &Host<'_>, domain: &Host<'_>) -> bool {
    let (Some(name), Some(domain_name)) = (host.name(), domain.name()) else {
        return host == domain;
    };
    let (name, domain) = (name.to_ascii_lowercase(), domain_name.to_ascii_lowercase());
    let (name, domain) = (name.trim_end_matches('.'), domain.trim_end_matches('.'));
    name == domain
        || name.strip_suffix(domain).is_some_and(|label| label.ends_with('.') && !domain.is_empty())
}

/// The URI with `lr` (RFC 3261 §19.1.1).
fn loose(proxy: &SipUri<'_>) -> Option<UriBuf> {
    let plain = contact::plain(proxy)?;
    let Uri::Sip(uri) = plain.as_uri() else { return None };
    if uri.lr() {
        return Some(plain.clone());
    }
    let params = format!("{};lr", uri.params);
    let params = UriParams::new(&params).ok()?;
    Some(UriBuf::from(Uri::Sip(SipUri { params, ..uri })))
}

/// The Route values with the proxy behind the configured outbound proxies.
fn routes(inputs: &Inputs<'_>, route: &UriBuf) -> String {
    let headers = inputs.request.headers();
    let mut routes: Vec<String> =
        headers.list::<Route<'_>>().map_while(Result::ok).map(|route| route.to_string()).collect();
    let behind = inputs.policy.outbound_proxies.len().min(routes.len());
    routes.insert(behind, format!("<{route}>"));
    routes.join(", ")
}

#[cfg(test)]
mod tests {
    use super::super::decision::Decision;
    use super::super::history::Budget;
    use super::super::testing::{Bench, invite};
    use super::*;

    const TWO: &str =
        "<sip:b1@example.net>;q=0.5, <sip:b2@example.net>, <sip:b3@example.net>;q=0.5";

    fn contact(value: &str) -> [(HeaderName, &str); 1] {
        [(HeaderName::Contact, value)]
    }

    fn cause(decided: &Decision) -> &Cause {
        &decided.stopped[0].cause
    }

    #[test]
    fn contacts_are_tried_by_q_and_then_in_their_order_rfc3261_8_1_3_4() {
        let mut bench = Bench::new(invite());
        let decided = bench.step(302, &contact(TWO));
        let Reaction::TryTargets(redirect) = &decided.reaction else { panic!() };
        assert_eq!(redirect.next.uri.as_str(), "sip:b2@example.net");
        for next in ["sip:b1@example.net", "sip:b3@example.net"] {
            let decided = bench.step(486, &[]);
            let Reaction::TryTargets(redirect) = &decided.reaction else { panic!() };
            assert!(redirect.added.is_empty() && redirect.next.uri.as_str() == next);
        }
        let Reaction::Report(report) = bench.step(404, &[]).reaction else { panic!() };
        assert_eq!(report.of.status.as_u16(), 486);
    }

    #[test]
    fn the_newest_redirect_goes_first() {
        let mut bench = Bench::new(invite());
        bench.step(302, &contact("<sip:b1@example.net>, <sip:b2@example.net>"));
        let decided = bench.step(302, &contact("<sip:c@example.net>"));
        let Reaction::TryTargets(redirect) = &decided.reaction else { panic!() };
        assert_eq!(redirect.next.uri.as_str(), "sip:c@example.net");
    }

    #[test]
    fn each_3xx_has_its_own_reaction_and_an_unknown_one_that_of_300_rfc3261_21_3() {
        let kind = |code| Bench::new(invite()).to(code, &contact(TWO)).reaction.kind();
        assert_eq!(kind(300), Kind::ChooseTarget);
        assert_eq!(kind(301), Kind::RememberTarget);
        assert_eq!(kind(302), Kind::TryTargets);
        assert_eq!(kind(399), Kind::ChooseTarget);
    }

    #[test]
    fn a_redirect_without_contact_is_reported() {
        for code in [300, 301, 302, 305, 350] {
            let decided = Bench::new(invite()).to(code, &[]);
            assert_eq!(decided.reaction.kind(), Kind::Report, "{code}");
            assert_eq!(*cause(&decided), Fault::missing(HeaderName::Contact).into(), "{code}");
        }
    }

    #[test]
    fn redirects_end_at_five_deep_and_ten_targets() {
        let mut bench = Bench::new(invite());
        for hop in 0..5 {
            let decided = bench.step(302, &contact(&format!("<sip:h{hop}@example.net>")));
            assert!(decided.reaction.goes_on());
        }
        let decided = bench.step(302, &contact("<sip:h9@example.net>"));
        assert_eq!(*cause(&decided), Limit::RedirectDepth(5).into());

        let many: Vec<_> = (0..30).map(|n| format!("<sip:t{n}@example.net>")).collect();
        let mut bench = Bench::new(invite());
        let decided = bench.step(302, &contact(&many.join(",")));
        let Reaction::TryTargets(redirect) = &decided.reaction else { panic!() };
        assert_eq!(redirect.added.len(), 9);
        let decided = bench.to(302, &contact("<sip:more@example.net>"));
        assert_eq!(*cause(&decided), Limit::Targets(Budget::default().targets).into());
    }

    #[test]
    fn the_target_of_a_302_is_kept_as_long_as_it_says_rfc3261_21_3_3() {
        let expires = |value: &str, all: &[(HeaderName, &str)]| {
            let mut headers = vec![(HeaderName::Contact, value)];
            headers.extend_from_slice(all);
            match Bench::new(invite()).to(302, &headers).reaction {
                Reaction::TryTargets(redirect) => redirect.added[0].expires,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(expires("<sip:b@example.net>", &[]), None);
        assert_eq!(expires("<sip:b@example.net>;expires=60", &[]), Some(60));
        assert_eq!(expires("<sip:b@example.net>;expires=99999", &[]), Some(3600));
        assert_eq!(expires("<sip:b@example.net>", &[(HeaderName::Expires, "20")]), Some(20));
    }

    #[test]
    fn a_person_may_forbid_redirects() {
        let mut bench = Bench::new(invite());
        bench.policy.follow_redirects = false;
        assert_eq!(*cause(&bench.to(302, &contact(TWO))), Limit::NotFollowed.into());
    }

    #[test]
    fn a_305_goes_through_its_proxy_once_rfc3261_21_3_4() {
        let mut bench = Bench::new(invite());
        let decided = bench.step(305, &contact("<sip:p.example.com>"));
        let Reaction::UseProxy { route, change } = &decided.reaction else { panic!("{decided:?}") };
        assert_eq!(route.as_str(), "sip:p.example.com;lr");
        let next = change.apply(&invite()).unwrap();
        assert_eq!(next.headers().text(HeaderName::Route), Some("<sip:p.example.com;lr>"));
        let again = bench.step(305, &contact("<sip:q.example.com>"));
        assert!(matches!(cause(&again), Cause::Limit(Limit::Bound(_))));
    }

    #[test]
    fn a_305_names_one_near_proxy_and_no_stranger_rfc3261_21_3_4() {
        let bench = Bench::new(invite());
        for stranger in ["<sip:p.example.org>", "<sip:evilexample.com>"] {
            assert_eq!(*cause(&bench.to(305, &contact(stranger))), Limit::ForeignProxy.into());
        }
        let several = bench.to(305, &contact("<sip:p.example.com>, <sip:q.example.com>"));
        let fault = Fault { header: HeaderName::Contact, kind: FaultKind::Several };
        assert_eq!(*cause(&several), fault.into());
        let own = bench.to(305, &contact("<sip:192.0.2.9>"));
        assert_eq!(own.reaction.kind(), Kind::UseProxy, "the server that answered");
    }
}
