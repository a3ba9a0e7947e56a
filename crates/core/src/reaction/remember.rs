//! When the new address of a 301 is remembered (RFC 3261 §21.3.2).
//!
//! What outlives the action is a lever for whoever can forge one response: it turns all later
//! calls. So the response must be the server's own, and either the server was verified by TLS or
//! the address stays in its domain.

use antiphon_sip::{Host, StatusCode, Uri, UriBuf};

use super::decision::Target;
use super::inputs::{Inputs, Remembering};

/// What is remembered of a 301.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Remember {
    /// The old address and the new ones, best first, once one of them has answered with anything
    /// that does not [forget](forgets_remembered) it.
    Keep {
        /// The address that has changed.
        old: UriBuf,
        /// Its new ones.
        new: Vec<UriBuf>,
    },
    /// The same, on the person's word.
    Offer {
        /// The address that has changed.
        old: UriBuf,
        /// Its new ones.
        new: Vec<UriBuf>,
    },
    /// Nothing.
    Nothing,
}

/// Whether an answer of a remembered target says that it is wrong: the entry is forgotten and the
/// old address tried once.
#[must_use]
pub fn forgets_remembered(status: StatusCode) -> bool {
    matches!(status.as_u16(), 404 | 410 | 604)
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
    use super::super::inputs::{Place, Server};
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
