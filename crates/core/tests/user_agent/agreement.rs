//! The agreement on a security mechanism with the next hop (RFC 3329), and the other changes of
//! credentials that a server asks for without a challenge.

use std::time::Duration;

use antiphon_core::auth::digest::{Algorithm, Ha1Set, Protection, hash, response};
use antiphon_core::reaction::{Cause, Fault, FaultKind, Kind, Lack};
use antiphon_core::user_agent::{Command, Conclusion, Outcome, Playbook, UserAgentConfig};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Heard, Simulation};

use super::support::*;

const LIST: &str = "ipsec-ike;q=0.5, digest;q=0.2;d-alg=MD5;d-qop=auth";
const CHALLENGE: &str = "Digest realm=\"r\", nonce=\"n\", algorithm=SHA-256, qop=\"auth-int\"";

/// A call against a server whose first answer is this; then it takes what comes.
fn play(code: u16, headers: Vec<(HeaderName, &'static str)>, with_account: bool) -> Play {
    let mut sim = Simulation::new(1);
    let mut settings: UserAgentConfig = config("alice", ALICE);
    settings.accounts = with_account.then(account).into_iter().collect();
    let agent = add(&mut sim, "alice", ALICE, settings);
    let mut refusals = vec![(code, headers)];
    let peer = raw(&mut sim, move |heard: &Heard| {
        if !is_invite(heard) {
            return ok_to_others(heard).into_iter().collect();
        }
        let Some((code, headers)) = refusals.pop() else {
            return ok_to_invite(heard, "one").into_iter().collect();
        };
        let request = heard.as_request().unwrap();
        let mut response = Response::builder(&request, status(code)).to_tag("refused");
        for (name, value) in headers {
            response = response.header(name, value);
        }
        vec![heard.reply(response.build().to_bytes())]
    });
    let mut call = place("sip:bob@192.0.2.2");
    call.duration = Some(Duration::from_secs(1));
    sim.command(agent, Command::Call(call));
    sim.run_for(Duration::from_secs(5));
    let invites = requests(&sim, peer, &Method::Invite);
    Play { invites, byes: requests(&sim, peer, &Method::Bye), outcome: outcome(&sim, agent) }
}

struct Play {
    invites: Vec<Request>,
    byes: Vec<Request>,
    outcome: Outcome,
}

fn text(request: &Request, name: HeaderName) -> &str {
    request.headers().text(name).unwrap_or_default()
}

fn param<'a>(value: &'a str, name: &str) -> &'a str {
    let after = value.split(&format!("{name}=")).nth(1).unwrap();
    after.split([',', ';']).next().unwrap().trim_matches('"')
}

#[test]
fn the_digest_is_agreed_on_and_protects_the_list_rfc3329_2_3_1_2_4() {
    for code in [494, 421] {
        let offered = vec![
            (HeaderName::SecurityServer, LIST),
            (HeaderName::ProxyAuthenticate, CHALLENGE),
            (HeaderName::Require, "sec-agree"),
        ];
        let played = play(code, offered, true);
        assert_eq!(played.outcome.conclusion, Conclusion::Succeeded, "{:?}", played.outcome);
        assert_eq!(played.outcome.tried[0].did, Some(Kind::AgreeSecurity));
        let invite = &played.invites[1];
        assert_eq!(text(invite, HeaderName::SecurityClient), "digest");
        assert_eq!(text(invite, HeaderName::Require), "sec-agree");
        assert_eq!(text(invite, HeaderName::ProxyRequire), "sec-agree");
        let verify = text(invite, HeaderName::SecurityVerify);
        let start = format!("{LIST};d-ver=\"");
        assert!(verify.starts_with(&start), "{verify}");
        // The algorithm and qop are those of the list, not of the challenge.
        let credentials = text(invite, HeaderName::ProxyAuthorization);
        assert_eq!((param(credentials, "algorithm"), param(credentials, "qop")), ("MD5", "auth"));
        let secret = Ha1Set::compute("alice", "r", "secret").hex(Algorithm::Md5);
        let a2 = [b"INVITE".as_slice(), b"sip:bob@192.0.2.2", LIST.as_bytes()];
        let protection = Protection {
            qop: "auth",
            nc: param(credentials, "nc"),
            cnonce: param(credentials, "cnonce"),
        };
        let ha2 = hash(Algorithm::Md5, &a2);
        let expected = response(Algorithm::Md5, &secret, "n", Some(protection), &ha2);
        assert_eq!(param(verify, "d-ver"), expected.as_str());
        // And so does every later request to that hop.
        let bye = &played.byes[0];
        assert!(text(bye, HeaderName::SecurityVerify).starts_with(&start));
        assert_eq!(text(bye, HeaderName::ProxyRequire), "sec-agree");
    }
}

#[test]
fn an_agreement_that_cannot_be_had_is_reported_rfc3329_2_3_1() {
    let list = (HeaderName::SecurityServer, LIST);
    let challenge = (HeaderName::ProxyAuthenticate, CHALLENGE);
    let missing = Fault { header: HeaderName::SecurityServer, kind: FaultKind::Missing };
    for (headers, with_account, cause) in [
        (vec![challenge], true, Cause::Fault(missing)),
        (vec![list, challenge], false, Cause::Lack(Lack::Mechanism)),
        (vec![(HeaderName::SecurityServer, "ipsec-ike")], true, Cause::Lack(Lack::Mechanism)),
    ] {
        let played = play(494, headers, with_account);
        assert_eq!(played.invites.len(), 1);
        assert_eq!(played.outcome.code, Some(status(494)));
        assert_eq!(why(&played.outcome), Some(cause));
    }
}

#[test]
fn what_one_agent_demands_the_other_agrees_to_rfc3329_2_3_1() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.accounts = vec![account()];
    let alice = add(&mut sim, "alice", ALICE, settings);
    let mut settings = config("bob", BOB);
    settings.playbook = Playbook::of_codes(&[status(494), status(486)]);
    add(&mut sim, "bob", BOB, settings);
    sim.command(alice, call_bob());
    sim.run_for(Duration::from_secs(5));
    let outcome = outcome(&sim, alice);
    let codes: Vec<_> = outcome.tried.iter().map(|one| one.code.unwrap().as_u16()).collect();
    assert_eq!(codes, [494, 486]);
}

#[test]
fn the_nonce_that_is_asked_for_is_used_next_rfc7616_3_5() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.accounts = vec![account()];
    let agent = add(&mut sim, "alice", ALICE, settings);
    let peer = raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        let refused = Response::builder(&request, status(401))
            .to_tag("one")
            .header(HeaderName::WwwAuthenticate, "Digest realm=\"r\", nonce=\"n1\", qop=\"auth\"");
        let is_known = request.headers().has(HeaderName::Authorization);
        match request.method() {
            Method::Invite if !is_known => vec![heard.reply(refused.build().to_bytes())],
            Method::Invite => {
                let ok = Response::builder(&request, status(200))
                    .to_tag("one")
                    .header(HeaderName::Contact, "<sip:bob@192.0.2.2>")
                    .header(HeaderName::AuthenticationInfo, "nextnonce=\"n2\"")
                    .body("application/sdp", OFFER);
                vec![heard.reply(ok.build().to_bytes())]
            }
            _ => ok_to_others(heard).into_iter().collect(),
        }
    });
    let mut call = place("sip:bob@192.0.2.2");
    call.duration = Some(Duration::from_secs(1));
    sim.command(agent, Command::Call(call));
    sim.run_for(Duration::from_secs(5));
    let nonce =
        |request: &Request| param(text(request, HeaderName::Authorization), "nonce").to_owned();
    let invites = requests(&sim, peer, &Method::Invite);
    let byes = requests(&sim, peer, &Method::Bye);
    assert_eq!((nonce(&invites[1]), nonce(&byes[0])), ("n1".to_owned(), "n2".to_owned()));
    assert_eq!(param(text(&byes[0], HeaderName::Authorization), "nc"), "00000001");
}
