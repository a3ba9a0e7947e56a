//! 401 and 407: AnswerChallenge (RFC 3261 §22.2, §22.3; RFC 8760).
//!
//! This says which realms are answered. The digest itself is made by [`auth`](crate::auth).

use antiphon_sip::header::{Challenge, DigestChallenge, ProxyAuthenticate, WwwAuthenticate};
use antiphon_sip::{HeaderName, Method, Response};

use super::challenge_fault::ChallengeFault;
use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Fault, Lack};
use super::redirect::is_within;
use super::remember::host;
use super::text;
use crate::auth::{Algorithm, Side, Variant};

/// Challenges that are looked at. A chain of proxies with three algorithms each has fewer.
const MAX_CHALLENGES: usize = 32;

/// Again with credentials for every realm that may be given some; those that may not are named in
/// the reaction. None of them: the reasons.
pub(super) fn answer(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    if matches!(inputs.method(), Method::Ack | Method::Cancel) {
        return Err(Lack::Occasion.into());
    }
    let (challenges, mut unanswered) = challenges(response);
    if challenges.is_empty() && unanswered.is_empty() {
        let expected = match response.status().as_u16() {
            407 => HeaderName::ProxyAuthenticate,
            _ => HeaderName::WwwAuthenticate,
        };
        return Err(Fault::missing(expected).into());
    }
    let mut realms: Vec<(Side, String)> = Vec::new();
    for (side, realm) in asking(&challenges, &mut unanswered) {
        match may_answer(inputs, side, &realm, &challenges, realms.len()) {
            Ok(()) => realms.push((side, realm)),
            Err(fault) => unanswered.push(fault),
        }
    }
    if realms.is_empty() {
        return Err(Cause::Challenges(unanswered));
    }
    Ok(Reaction::AnswerChallenge { realms, unanswered })
}

type Asked<'a> = (Side, Challenge<'a>);

fn challenges(response: &Response) -> (Vec<Asked<'_>>, Vec<ChallengeFault>) {
    let (mut read, mut faults) = (Vec::new(), Vec::new());
    let headers = response.headers();
    for field in headers.each::<WwwAuthenticate<'_>>().take(MAX_CHALLENGES) {
        match field {
            Ok(field) => read.push((Side::Server, field.0)),
            Err(error) => faults.push(ChallengeFault::Malformed(error.name)),
        }
    }
    for field in headers.each::<ProxyAuthenticate<'_>>().take(MAX_CHALLENGES) {
        match field {
            Ok(field) => read.push((Side::Proxy, field.0)),
            Err(error) => faults.push(ChallengeFault::Malformed(error.name)),
        }
    }
    (read, faults)
}

/// The realms that ask, each once, in their order.
fn asking(challenges: &[Asked<'_>], faults: &mut Vec<ChallengeFault>) -> Vec<(Side, String)> {
    let mut realms: Vec<(Side, String)> = Vec::new();
    for (side, challenge) in challenges {
        match challenge {
            Challenge::Other(other) => {
                faults.push(ChallengeFault::Scheme(text::clean(other.scheme)));
            }
            Challenge::Digest(DigestChallenge { realm: None, .. }) => {
                faults.push(ChallengeFault::NoRealm);
            }
            Challenge::Digest(DigestChallenge { realm: Some(realm), .. }) => {
                if !realms.iter().any(|(known, name)| known == side && name == realm) {
                    realms.push((*side, realm.to_string()));
                }
            }
        }
    }
    realms
}

fn may_answer(
    inputs: &Inputs<'_>,
    side: Side,
    realm: &str,
    challenges: &[Asked<'_>],
    before: usize,
) -> Result<(), ChallengeFault> {
    let of_realm = challenges.iter().filter_map(|(asking, challenge)| match challenge {
        Challenge::Digest(digest) if *asking == side && digest.realm.as_deref() == Some(realm) => {
            Some(digest)
        }
        _ => None,
    });
    let (algorithm, stale) = strongest(realm, of_realm)?;
    keeps_strength(inputs, realm, algorithm)?;
    has_account(inputs, realm)?;
    match inputs.history.realm(side, realm) {
        Some(used) if !stale || used.repeated => {
            Err(ChallengeFault::Refused { realm: text::clean(realm) })
        }
        None if inputs.history.realms() + before >= usize::from(inputs.history.budget().realms) => {
            Err(ChallengeFault::TooManyRealms(inputs.history.budget().realms))
        }
        _ => Ok(()),
    }
}

/// The strongest algorithm that can be answered, and whether only the nonce was at fault.
fn strongest<'c>(
    realm: &str,
    challenges: impl Iterator<Item = &'c DigestChallenge<'c>>,
) -> Result<(Algorithm, bool), ChallengeFault> {
    let mut best: Option<(Algorithm, bool)> = None;
    let mut fault = ChallengeFault::NoRealm;
    for challenge in challenges {
        match usable(realm, challenge) {
            Ok(algorithm)
                if best.is_none_or(|(best, _)| algorithm.strength() > best.strength()) =>
            {
                best = Some((algorithm, challenge.stale));
            }
            Ok(_) => {}
            Err(error) => fault = error,
        }
    }
    best.ok_or(fault)
}

fn usable(realm: &str, challenge: &DigestChallenge<'_>) -> Result<Algorithm, ChallengeFault> {
    let realm = || text::clean(realm);
    if challenge.nonce.as_deref().is_none_or(str::is_empty) {
        return Err(ChallengeFault::NoNonce { realm: realm() });
    }
    let offers = challenge.qop.is_some_and(|qop| qop.iter().next().is_some());
    if offers && !challenge.qop.is_some_and(|qop| qop.has("auth") || qop.has("auth-int")) {
        return Err(ChallengeFault::Qop { realm: realm() });
    }
    let variant = Variant::parse(challenge.algorithm).ok_or_else(|| ChallengeFault::Algorithm {
        realm: realm(),
        algorithm: text::clean(challenge.algorithm.unwrap_or_default()),
    })?;
    Ok(variant.algorithm)
}

/// No downgrade: what a realm could do once it can do today, or somebody on the way has taken the
/// better challenges out (RFC 8760 §3).
fn keeps_strength(
    inputs: &Inputs<'_>,
    realm: &str,
    algorithm: Algorithm,
) -> Result<(), ChallengeFault> {
    let floors = inputs.means.floors.iter().filter(|(of, _)| of == realm);
    let floor = floors.map(|(_, strength)| *strength).max().unwrap_or(0);
    if algorithm.strength() < floor {
        return Err(ChallengeFault::Weaker { realm: text::clean(realm) });
    }
    if algorithm == Algorithm::Md5 && !inputs.policy.allow_md5 {
        return Err(ChallengeFault::Md5 { realm: text::clean(realm) });
    }
    Ok(())
}

/// Credentials go to the realm they are for; those that name none only to the domain that was
/// called, never to one that a redirect led to: a digest is something to guess the password with.
fn has_account(inputs: &Inputs<'_>, realm: &str) -> Result<(), ChallengeFault> {
    let accounts = &inputs.means.accounts;
    if accounts.iter().any(|account| account.realm.as_deref() == Some(realm)) {
        return Ok(());
    }
    if !accounts.iter().any(|account| account.realm.is_none()) {
        return Err(ChallengeFault::NoAccount { realm: text::clean(realm) });
    }
    let targets = inputs.history.targets();
    let (first, now) = (host(targets.first().as_uri()), host(targets.current().as_uri()));
    let same = match (first, now) {
        (Some(first), Some(now)) => is_within(&now, &first),
        _ => targets.depth() == 0,
    };
    if same { Ok(()) } else { Err(ChallengeFault::ForeignDomain { realm: text::clean(realm) }) }
}

#[cfg(test)]
mod tests {
    use super::super::Kind;
    use super::super::inputs::Account;
    use super::super::testing::{Bench, invite};
    use super::*;

    const WWW: HeaderName = HeaderName::WwwAuthenticate;
    const PROXY: HeaderName = HeaderName::ProxyAuthenticate;
    const SHA: &str = "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth\"";
    const MD5: &str = "Digest realm=\"r\", nonce=\"n\", qop=\"auth\"";

    fn bench() -> Bench {
        let mut bench = Bench::new(invite());
        bench.means.accounts = vec![Account { realm: None }];
        bench
    }

    fn fault(bench: &Bench, challenge: &str) -> ChallengeFault {
        let decided = bench.to(401, &[(WWW, challenge)]);
        assert_eq!(decided.reaction.kind(), Kind::Report, "{challenge}");
        match &decided.stopped[0].cause {
            Cause::Challenges(faults) => faults[0].clone(),
            other => panic!("{challenge}: {other:?}"),
        }
    }

    fn r() -> String {
        "r".to_owned()
    }

    #[test]
    fn all_realms_of_both_kinds_are_answered_at_once_rfc3261_22_3() {
        let decided = bench().to(
            407,
            &[
                (PROXY, "Digest realm=\"p\", nonce=\"n\""),
                (WWW, SHA),
                (WWW, MD5),
                (WWW, "Basic realm=\"b\""),
            ],
        );
        let Reaction::AnswerChallenge { realms, unanswered } = decided.reaction else {
            panic!("{decided:?}")
        };
        assert_eq!(realms, [(Side::Server, r()), (Side::Proxy, "p".to_owned())]);
        assert_eq!(unanswered, [ChallengeFault::Scheme("Basic".to_owned())]);
    }

    #[test]
    fn credentials_that_were_refused_are_not_sent_again_rfc3261_22_1() {
        let mut bench = bench();
        assert!(bench.step(401, &[(WWW, SHA)]).reaction.goes_on());
        assert_eq!(fault(&bench, SHA), ChallengeFault::Refused { realm: r() });
    }

    #[test]
    fn a_stale_nonce_gives_one_more_try_rfc7616_3_3() {
        let mut bench = bench();
        let stale = format!("{SHA}, stale=true");
        assert!(bench.step(401, &[(WWW, SHA)]).reaction.goes_on());
        assert!(bench.step(401, &[(WWW, &stale)]).reaction.goes_on());
        assert_eq!(fault(&bench, &stale), ChallengeFault::Refused { realm: r() });
    }

    #[test]
    fn a_401_without_a_challenge_names_what_is_missing_rfc3261_22_2() {
        for (code, header) in [(401, WWW), (407, PROXY)] {
            let decided = bench().to(code, &[]);
            assert_eq!(decided.stopped[0].cause, Fault::missing(header).into());
            assert_eq!(decided.reaction.kind(), Kind::Report);
        }
    }

    #[test]
    fn a_challenge_that_cannot_be_answered_is_named() {
        let bench = bench();
        for (challenge, expected) in [
            ("Digest", ChallengeFault::Malformed(WWW)),
            ("Basic realm=\"r\"", ChallengeFault::Scheme("Basic".to_owned())),
            ("Bearer authz_server=\"x\"", ChallengeFault::Scheme("Bearer".to_owned())),
            ("Digest nonce=\"n\"", ChallengeFault::NoRealm),
            ("Digest realm=\"r\"", ChallengeFault::NoNonce { realm: r() }),
            ("Digest realm=\"r\", nonce=\"n\", qop=\"x\"", ChallengeFault::Qop { realm: r() }),
            (
                "Digest realm=\"r\", nonce=\"n\", algorithm=SHA3-512",
                ChallengeFault::Algorithm { realm: r(), algorithm: "SHA3-512".to_owned() },
            ),
        ] {
            assert_eq!(fault(&bench, challenge), expected, "{challenge}");
        }
    }

    #[test]
    fn a_weaker_algorithm_than_seen_is_refused_rfc8760_3() {
        let mut bench = bench();
        bench.means.floors = vec![(r(), Algorithm::Sha256.strength())];
        assert_eq!(fault(&bench, MD5), ChallengeFault::Weaker { realm: r() });
        assert!(bench.to(401, &[(WWW, MD5), (WWW, SHA)]).reaction.goes_on());
        bench.means.floors.clear();
        bench.policy.allow_md5 = false;
        assert_eq!(fault(&bench, MD5), ChallengeFault::Md5 { realm: r() });
    }

    #[test]
    fn credentials_go_only_to_the_realm_and_domain_they_are_for() {
        let mut bench = bench();
        bench.step(302, &[(HeaderName::Contact, "<sip:bob@example.org>")]);
        assert_eq!(fault(&bench, SHA), ChallengeFault::ForeignDomain { realm: r() });
        bench.means.accounts = vec![Account { realm: Some("other".to_owned()) }];
        assert_eq!(fault(&bench, SHA), ChallengeFault::NoAccount { realm: r() });
        bench.means.accounts = vec![Account { realm: Some(r()) }];
        assert!(bench.to(401, &[(WWW, SHA)]).reaction.goes_on());
    }

    #[test]
    fn eight_realms_are_the_limit() {
        let mut bench = bench();
        for realm in 0..8 {
            let challenge = format!("Digest realm=\"{realm}\", nonce=\"n\"");
            assert!(bench.step(401, &[(WWW, &challenge)]).reaction.goes_on());
        }
        assert_eq!(fault(&bench, SHA), ChallengeFault::TooManyRealms(8));
    }
}
