//! The agreement on a security mechanism with the next hop (RFC 3329), and the other changes of
//! credentials that a server asks for without a challenge.

use std::time::Duration;

use antiphon_core::auth::digest::{Algorithm, Ha1Set, Protection, hash, response};
use antiphon_core::endpoint::Listener;
use antiphon_core::reaction::{Cause, Fault, FaultKind, Kind, Lack, Limit};
use antiphon_core::user_agent::{
    ActionId, Command, Conclusion, Outcome, Playbook, UserAgent, UserAgentConfig,
};
use antiphon_sip::{HeaderName, Method, Request, Response, Transport};
use antiphon_testkit::{Handle, Heard, RawPeer, Setup, Simulation};

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

const TLS_LIST: &str = "digest;q=0.1, tls;q=0.5, ipsec-ike;q=0.9";
const BOB_TLS: &str = "192.0.2.2:5061";

/// A call with an agent that speaks TLS, against a server that wants an agreement in the clear. It
/// offers `list`, and over TLS only if `listens`.
fn play_tls(to: &str, list: &'static str, listens: bool) -> TlsPlay {
    let mut sim = Simulation::new(1);
    sim.host("proxy.example", &["192.0.2.2"]);
    let mut settings = config("alice", ALICE);
    settings.accounts = vec![account()];
    settings.endpoint.listeners.push(Listener {
        transport: Transport::Tls,
        local: "192.0.2.1:5061".parse().unwrap(),
        sent_by: "192.0.2.1:5061".into(),
    });
    let agent = UserAgent::new(settings, sim.draw_octets());
    let setup = Setup::new("alice", agent).udp(ALICE).tcp(ALICE).tls("192.0.2.1:5061");
    let agent = sim.add(setup);
    let peer = RawPeer::answering(move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        let verified = text(&request, HeaderName::SecurityVerify) == list;
        if *request.method() == Method::Ack {
            return vec![];
        }
        if heard.flow.transport != Transport::Tls || !verified {
            let refused = Response::builder(&request, status(494)).to_tag("refused");
            let refused = refused.header(HeaderName::SecurityServer, list);
            return vec![heard.reply(refused.build().to_bytes())];
        }
        match is_invite(heard) {
            true => ok_to_invite(heard, "one").into_iter().collect(),
            false => ok_to_others(heard).into_iter().collect(),
        }
    });
    let setup = Setup::new("bob", peer).udp(BOB);
    let peer = sim.add(if listens { setup.tls(BOB_TLS) } else { setup });
    let mut call = place(to);
    call.duration = Some(Duration::from_secs(1));
    sim.command(agent, Command::Call(call));
    sim.run_for(Duration::from_secs(40));
    TlsPlay { sim, agent, peer }
}

struct TlsPlay {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

impl TlsPlay {
    /// What came, and over what.
    fn heard(&self) -> Vec<(Method, Transport)> {
        let heard = self.sim.node(self.peer).heard().iter();
        let heard = heard.filter_map(|one| Some((one.as_request()?, one.flow.transport)));
        heard.map(|(request, transport)| (request.method().clone(), transport)).collect()
    }
}

#[test]
fn tls_is_agreed_on_and_kept_to_rfc3329_2_3_1_2_4() {
    for to in ["sip:bob@192.0.2.2", "sip:bob@192.0.2.2:5060;transport=udp", "sip:bob@proxy.example"]
    {
        let mut played = play_tls(to, TLS_LIST, true);
        let outcome = outcome(&played.sim, played.agent);
        assert_eq!(outcome.conclusion, Conclusion::Succeeded, "{to}: {outcome:?}");
        assert_eq!(outcome.tried[0].did, Some(Kind::AgreeSecurity));
        let (clear, secure) = (Transport::Udp, Transport::Tls);
        let expected = [
            (Method::Invite, clear),
            (Method::Ack, clear),
            (Method::Invite, secure),
            // The Contact of the other side names no transport: it is the server that was agreed
            // with all the same.
            (Method::Ack, secure),
            (Method::Bye, secure),
        ];
        assert_eq!(played.heard(), expected, "{to}");
        let invites = requests(&played.sim, played.peer, &Method::Invite);
        let (first, second) = (&invites[0], &invites[1]);
        assert_eq!((first.call_id(), first.cseq() + 1), (second.call_id(), second.cseq()));
        assert_eq!(text(second, HeaderName::SecurityClient), "tls, digest");
        let bye = &requests(&played.sim, played.peer, &Method::Bye)[0];
        for request in [second, bye] {
            assert_eq!(text(request, HeaderName::SecurityVerify), TLS_LIST);
            assert_eq!(text(request, HeaderName::Require), "sec-agree");
            assert_eq!(text(request, HeaderName::ProxyRequire), "sec-agree");
        }
        // And so does what is asked of that server later.
        let mut later = ask(to);
        later.action = ActionId(2);
        played.sim.command(played.agent, Command::Options(later));
        played.sim.run_for(Duration::from_secs(5));
        assert_eq!(played.heard().last(), Some(&(Method::Options, secure)));
        assert_eq!(played.heard().len(), expected.len() + 1);
    }
}

#[test]
fn where_tls_was_agreed_on_nothing_goes_in_the_clear_any_more_rfc3329_2_4() {
    for to in ["sip:bob@192.0.2.2", "sip:bob@proxy.example"] {
        let mut played = play_tls(to, TLS_LIST, false);
        let outcome = outcome(&played.sim, played.agent);
        assert_eq!(outcome.tried.len(), 2, "{:?}", outcome.tried);
        assert!(matches!(outcome.conclusion, Conclusion::NoAnswer(_)), "{outcome:?}");
        assert_eq!(outcome.tried[1].server.map(|(over, _)| over), Some(Transport::Tls));
        let before = played.heard().len();
        let mut later = ask(to);
        later.action = ActionId(2);
        played.sim.command(played.agent, Command::Options(later));
        played.sim.run_for(Duration::from_secs(40));
        assert_eq!(played.heard().len(), before, "{:?}", played.heard());
    }
}

#[test]
fn over_tls_nothing_weaker_is_agreed_on_and_an_agreement_ends_rfc3329_2_3_1() {
    // The list is offered again over TLS, as if what came back were another: twice, and no more.
    let played = play_tls("sip:bob@192.0.2.2", "tls;q=0.5,  digest;q=0.1", true);
    let outcome_of = outcome(&played.sim, played.agent);
    assert_eq!(outcome_of.code, Some(status(494)), "{outcome_of:?}");
    assert!(outcome_of.tried.len() <= 3);
    let weaker = play_tls("sip:bob@192.0.2.2;transport=tls", "digest;q=0.9, tls;q=0.1", true);
    let refused = outcome(&weaker.sim, weaker.agent);
    assert_eq!(why(&refused), Some(Cause::Limit(Limit::WeakerSecurity)));
    assert!(weaker.heard().iter().all(|(_, transport)| *transport == Transport::Tls));
}
