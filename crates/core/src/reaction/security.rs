//! 494, and 421 with Security-Server: AgreeSecurity (RFC 3329 §2.3).

use antiphon_sip::header::{ProxyRequire, Require, SecurityClient, SecurityServer};
use antiphon_sip::{HeaderName, Method, OptionTag, Response};

use super::change::Change;
use super::decision::Reaction;
use super::inputs::Inputs;
use super::limit::{Cause, Fault, Lack, Limit};
use super::tags::{joined, sent};

/// The mechanism with the highest `q` that both sides know; its list goes back word for word, so
/// that the server sees whether somebody on the way has changed it (RFC 3329 §2.3.1).
pub(super) fn agree(inputs: &Inputs<'_>, response: &Response) -> Result<Reaction, Cause> {
    if matches!(inputs.method(), Method::Ack | Method::Cancel) {
        return Err(Lack::Occasion.into());
    }
    let offered: Result<Vec<SecurityServer<'_>>, _> = response.headers().list().collect();
    let offered = offered.map_err(|_| Fault::malformed(HeaderName::SecurityServer))?;
    if offered.is_empty() {
        return Err(Fault::missing(HeaderName::SecurityServer).into());
    }
    let mechanism = chosen(inputs, &offered)?;
    let headers = inputs.request.headers();
    let mut change = with_sec_agree(inputs);
    if !headers.has(HeaderName::SecurityClient) {
        change = change.and_set(HeaderName::SecurityClient, inputs.policy.mechanisms.join(", "));
    }
    // What the digest needs is missing: the agreement is begun once more without a verification,
    // and the progress rule ends it there.
    if mechanism.eq_ignore_ascii_case("digest") && !has_challenge(response) {
        let change = change.and_remove(HeaderName::SecurityVerify);
        return match headers.list::<SecurityClient<'_>>().next() {
            Some(_) if !headers.has(HeaderName::SecurityVerify) => {
                Err(Fault::missing(HeaderName::ProxyAuthenticate).into())
            }
            _ => Ok(Reaction::AgreeSecurity { mechanism, change }),
        };
    }
    let verify: Vec<_> = offered.iter().map(ToString::to_string).collect();
    change = change.and_set(HeaderName::SecurityVerify, verify.join(", "));
    Ok(Reaction::AgreeSecurity { mechanism, change })
}

fn chosen(inputs: &Inputs<'_>, offered: &[SecurityServer<'_>]) -> Result<String, Cause> {
    let known =
        |name: &str| inputs.policy.mechanisms.iter().any(|own| own.eq_ignore_ascii_case(name));
    let known = offered.iter().filter(|mechanism| known(mechanism.value));
    // Of equals the first: the list is in the server's order.
    let best = known.rev().max_by_key(|mechanism| mechanism.q().unwrap_or(0));
    let best = best.ok_or(Lack::Mechanism)?;
    let by_tls = inputs.server.is_some_and(|server| server.transport.is_secure());
    if by_tls && !best.value.eq_ignore_ascii_case("tls") {
        return Err(Limit::WeakerSecurity.into());
    }
    Ok(best.value.to_owned())
}

fn has_challenge(response: &Response) -> bool {
    let headers = response.headers();
    headers.has(HeaderName::ProxyAuthenticate) || headers.has(HeaderName::WwwAuthenticate)
}

/// Require and Proxy-Require with `sec-agree` (RFC 3329 §2.3.1).
fn with_sec_agree(inputs: &Inputs<'_>) -> Change {
    let headers = inputs.request.headers();
    let tag = || vec![OptionTag::SecAgree];
    Change::set(HeaderName::Require, joined(sent::<Require>(headers, |t| t.0), tag()))
        .and_set(HeaderName::ProxyRequire, joined(sent::<ProxyRequire>(headers, |t| t.0), tag()))
}

#[cfg(test)]
mod tests {
    use antiphon_sip::Transport;

    use super::super::Kind;
    use super::super::failure::Server;
    use super::super::testing::{Bench, register};
    use super::*;

    const SERVER: HeaderName = HeaderName::SecurityServer;
    const LIST: &str = "ipsec-ike;q=0.9, digest;q=0.1;d-alg=MD5, tls;q=0.5";

    fn cause(bench: &Bench, headers: &[(HeaderName, &str)]) -> Cause {
        let decided = bench.to(494, headers);
        assert_eq!(decided.reaction.kind(), Kind::Report, "{headers:?}");
        decided.stopped[0].cause.clone()
    }

    #[test]
    fn the_best_known_mechanism_is_taken_and_the_list_goes_back_rfc3329_2_3_1() {
        let mut bench = Bench::new(register());
        let decided = bench.step(494, &[(SERVER, LIST)]);
        let Reaction::AgreeSecurity { mechanism, .. } = &decided.reaction else { panic!() };
        assert_eq!(mechanism, "tls");
        let headers = bench.request.headers();
        assert_eq!(headers.text(HeaderName::SecurityVerify), Some(LIST));
        assert_eq!(headers.text(HeaderName::SecurityClient), Some("tls, digest"));
        assert_eq!(headers.text(HeaderName::ProxyRequire), Some("sec-agree"));
        assert!(!bench.step(494, &[(SERVER, LIST)]).reaction.goes_on(), "no progress");
    }

    #[test]
    fn a_421_with_security_server_is_the_same_thing_rfc3329_2_3_2() {
        let need = [(HeaderName::Require, "sec-agree"), (SERVER, "tls;q=0.1")];
        let decided = Bench::new(register()).to(421, &need);
        assert_eq!(decided.reaction.kind(), Kind::AgreeSecurity);
    }

    #[test]
    fn an_agreement_without_a_list_or_a_known_mechanism_is_reported() {
        let bench = Bench::new(register());
        assert_eq!(cause(&bench, &[]), Fault::missing(SERVER).into());
        assert_eq!(cause(&bench, &[(SERVER, "a b")]), Fault::malformed(SERVER).into());
        assert_eq!(cause(&bench, &[(SERVER, "ipsec-man")]), Lack::Mechanism.into());
    }

    #[test]
    fn nothing_weaker_than_tls_is_agreed_on_over_tls() {
        let mut bench = Bench::new(register());
        bench.server = Some(Server::new(Transport::Tls, "192.0.2.9:5061".parse().unwrap()));
        assert_eq!(cause(&bench, &[(SERVER, "digest;q=1")]), Limit::WeakerSecurity.into());
    }

    #[test]
    fn a_digest_without_a_challenge_is_begun_once_more_rfc3329_2_4() {
        let mut bench = Bench::new(register());
        assert!(bench.step(494, &[(SERVER, "digest")]).reaction.goes_on());
        let missing = Fault::missing(HeaderName::ProxyAuthenticate).into();
        assert_eq!(cause(&bench, &[(SERVER, "digest")]), missing);
        let challenge = (HeaderName::ProxyAuthenticate, "Digest realm=\"r\", nonce=\"n\"");
        assert!(bench.to(494, &[(SERVER, "digest"), challenge]).reaction.goes_on());
    }
}
