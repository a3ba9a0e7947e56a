//! When the new address of a 301 is remembered (RFC 3261 §21.3.2).
//!
//! What outlives the action is a lever for whoever can forge one response: it turns all later
//! calls. So the response must be the server's own, and either the server was verified by TLS or
//! the address stays in its domain.

use antiphon_sip::{Host, StatusCode, Uri, UriBuf};

use super::data::{Remember, Target};
use super::inputs::{Inputs, Remembering};

/// Whether an answer of a remembered target says that it is wrong: the entry is forgotten and the
/// old address tried once.
#[must_use]
pub fn forgets_remembered(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 410 | 604)
}

/// Whether an answer shows that the new address is right, so that it may be remembered. The others
/// say that it is not, or not this way: the old address is tried once.
#[must_use]
pub fn confirms_remembered(status: StatusCode) -> bool {
    !matches!(status.as_u16(), 404 | 410 | 416 | 484 | 485 | 604)
}

pub(super) fn rule(inputs: &Inputs<'_>, targets: &[Target]) -> Remember {
    // In a dialog nothing is remembered: what moved is a target, not an address.
    if inputs.in_dialog() || !inputs.authentic {
        return Remember::Nothing;
    }
    let old = UriBuf::from(inputs.request.uri());
    let (same, other): (Vec<_>, Vec<_>) =
        targets.iter().partition(|target| same_domain(&old, &target.uri));
    let uris = |targets: Vec<&Target>| targets.into_iter().map(|it| it.uri.clone()).collect();
    let verified =
        inputs.server.is_some_and(|server| server.transport.is_secure() && server.verified);
    let all = || targets.iter().map(|target| target.uri.clone()).collect();
    match inputs.policy.remember {
        Remembering::Never => Remember::Nothing,
        Remembering::Ask => Remember::Offer { old, new: all() },
        Remembering::Always if verified => Remember::Keep { old, new: all() },
        Remembering::Always | Remembering::SameDomain if same.is_empty() => {
            Remember::Offer { old, new: uris(other) }
        }
        Remembering::Always | Remembering::SameDomain => Remember::Keep { old, new: uris(same) },
    }
}

fn same_domain(one: &UriBuf, other: &UriBuf) -> bool {
    host(one.as_uri()).is_some_and(|host_of_one| host(other.as_uri()) == Some(host_of_one))
}

pub(super) fn host(uri: Uri<'_>) -> Option<Host<'_>> {
    match uri {
        Uri::Sip(uri) => Some(uri.host),
        Uri::Tel(_) | Uri::Other { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use antiphon_sip::{HeaderName, Transport};

    use super::super::decision::Reaction;
    use super::super::failure::Server;
    use super::super::history::{Budget, History};
    use super::super::inputs::{Got, Place};
    use super::super::testing::{Bench, invite};
    use super::*;

    fn remember(bench: &Bench, contact: &str) -> Remember {
        match bench.to(301, &[(HeaderName::Contact, contact)]).reaction {
            Reaction::RememberTarget(redirect) => redirect.remember.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    const SAME: &str = "<sip:robert@example.com>";
    const OTHER: &str = "<sip:bob@example.org>";

    #[test]
    fn a_301_of_the_same_domain_is_remembered_rfc3261_21_3_2() {
        let bench = Bench::new(invite());
        assert!(matches!(remember(&bench, SAME), Remember::Keep { new, .. } if new.len() == 1));
        assert!(matches!(remember(&bench, OTHER), Remember::Offer { .. }));
    }

    #[test]
    fn a_301_from_an_untrusted_source_is_not_remembered() {
        let mut bench = Bench::new(invite());
        bench.authentic = false;
        assert_eq!(remember(&bench, SAME), Remember::Nothing);
        bench.policy.remember = Remembering::Always;
        assert_eq!(remember(&bench, OTHER), Remember::Nothing);
    }

    #[test]
    fn another_domain_is_remembered_by_itself_only_over_verified_tls() {
        let mut bench = Bench::new(invite());
        bench.policy.remember = Remembering::Always;
        assert!(matches!(remember(&bench, OTHER), Remember::Offer { .. }));
        let address = "192.0.2.9:5061".parse().unwrap();
        bench.server = Some(Server { verified: true, ..Server::new(Transport::Tls, address) });
        assert!(matches!(remember(&bench, OTHER), Remember::Keep { .. }));
        bench.policy.remember = Remembering::SameDomain;
        assert!(matches!(remember(&bench, OTHER), Remember::Offer { .. }));
    }

    fn remembered(new: &[&str]) -> Bench {
        let uri = |text: &&str| UriBuf::parse(text).unwrap();
        let mut bench = Bench::new(invite());
        let asked = uri(&"sip:bob@example.com");
        let new: Vec<_> = new.iter().map(uri).collect();
        bench.history = History::remembering(asked, new, Budget::default());
        bench
    }

    #[test]
    fn a_wrong_memory_is_made_good_by_the_old_address_once_rfc3261_21_3_2() {
        for code in [404, 410, 416, 484, 485, 604] {
            let mut bench = remembered(&["sip:b1@example.com", "sip:b2@example.com"]);
            assert_eq!(bench.history.targets().current().as_str(), "sip:b1@example.com");
            for next in ["sip:b2@example.com", "sip:bob@example.com"] {
                let decided = bench.step(code, &[]);
                let Reaction::TryTargets(redirect) = &decided.reaction else {
                    panic!("{decided:?}")
                };
                assert_eq!(redirect.next.uri.as_str(), next, "{code}");
            }
            assert!(!bench.step(code, &[]).reaction.goes_on(), "{code}");
        }
        let busy = remembered(&["sip:b1@example.com"]).to(486, &[]);
        assert!(!busy.reaction.goes_on(), "the memory is right, the person is busy");
        assert!(forgets_remembered(StatusCode::GONE));
        assert!(!forgets_remembered(StatusCode::AMBIGUOUS));
    }

    #[test]
    fn a_remembered_address_that_cannot_be_reached_gives_way_to_the_old_one() {
        for got in [Got::TransportError, Got::Timeout { proceeding: false }] {
            let decided = remembered(&["sip:b1@example.com"]).got(got);
            let Reaction::TryTargets(redirect) = &decided.reaction else { panic!("{decided:?}") };
            assert_eq!(redirect.next.uri.as_str(), "sip:bob@example.com");
        }
    }

    #[test]
    fn the_person_is_asked_or_nothing_is_remembered() {
        let mut bench = Bench::new(invite());
        bench.policy.remember = Remembering::Ask;
        assert!(matches!(remember(&bench, SAME), Remember::Offer { .. }));
        bench.policy.remember = Remembering::Never;
        assert_eq!(remember(&bench, SAME), Remember::Nothing);
        let mut talking = Bench::new(invite());
        talking.place = Place::Dialog { owner: true };
        assert_eq!(remember(&talking, SAME), Remember::Nothing);
    }
}
