//! What an action does about what it is answered.

use std::time::Duration;

use antiphon_core::auth::Account;
use antiphon_core::locate::{Silence, Why};
use antiphon_core::reaction::{Cause, ChallengeFault, Fault, FaultKind, Kind, Limit, Preference};
use antiphon_core::user_agent::{
    ActionId, Attempt, Command, Conclusion, Event, Misuse, NoAnswer, SendMessage,
};
use antiphon_sip::{HeaderName, Method, Response, StatusCode};
use antiphon_testkit::{Heard, RawPeer, Send, Simulation, for_seeds};

use super::support::*;

const CHALLENGE: &str =
    "Digest realm=\"example.org\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"";

/// Challenges whoever has no credentials; with them the second closure answers.
fn challenging(
    heard: &Heard,
    code: u16,
    mut then: impl FnMut(&Heard) -> Option<Send>,
) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    if *request.method() == Method::Ack {
        return vec![];
    }
    let (ask, answer) = match code {
        401 => (HeaderName::WwwAuthenticate, HeaderName::Authorization),
        _ => (HeaderName::ProxyAuthenticate, HeaderName::ProxyAuthorization),
    };
    if request.headers().has(answer) {
        return then(heard).into_iter().collect();
    }
    let refused = Response::builder(&request, status(code)).to_tag("c").header(ask, CHALLENGE);
    vec![heard.reply(refused.build().to_bytes())]
}

#[test]
fn a_challenge_is_answered_in_the_same_call_rfc3261_22_2_8_1_3_5() {
    for code in [401, 407] {
        let mut sim = Simulation::new(1);
        let mut settings = config("alice", ALICE);
        settings.accounts = vec![account()];
        let agent = add(&mut sim, "alice", ALICE, settings);
        let peer = raw(&mut sim, move |heard: &Heard| {
            challenging(heard, code, |heard| {
                if is_invite(heard) { ok_to_invite(heard, "one") } else { ok_to_others(heard) }
            })
        });
        sim.command(agent, call_bob());
        sim.run_for(Duration::from_secs(5));
        let outcome = outcome(&sim, agent);
        assert_eq!(outcome.conclusion, Conclusion::Succeeded, "{code}");
        let did: Vec<_> = outcome.tried.iter().map(|tried| tried.did.unwrap()).collect();
        assert_eq!(did, [Kind::AnswerChallenge, Kind::Succeed]);
        let invites = requests(&sim, peer, &Method::Invite);
        let (first, second) = (&invites[0], &invites[1]);
        assert_eq!(first.call_id(), second.call_id());
        assert_eq!(first.from_text(), second.from_text());
        assert_eq!(first.cseq() + 1, second.cseq());
        assert_ne!(first.branch(), second.branch());
        assert_eq!(second.to_tag(), None);
        // The ACK of the 2xx and the BYE carry credentials too (13.2.2.4, 22.3).
        sim.command(agent, Command::Hangup(outcome.call.unwrap()));
        sim.run_until_idle();
        let name =
            if code == 401 { HeaderName::Authorization } else { HeaderName::ProxyAuthorization };
        let ack =
            requests(&sim, peer, &Method::Ack).into_iter().find(|ack| ack.headers().has(name));
        assert_eq!(ack.unwrap().cseq(), second.cseq());
        let byes = requests(&sim, peer, &Method::Bye);
        assert!(byes.len() == 1 && byes[0].headers().has(name));
        assert!(byes[0].cseq() > second.cseq());
    }
}

#[test]
fn refused_credentials_are_not_sent_again_rfc3261_22_1() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.accounts = vec![account()];
    let agent = add(&mut sim, "alice", ALICE, settings);
    let peer = raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        if *request.method() == Method::Ack {
            return vec![];
        }
        let refused = Response::builder(&request, StatusCode::UNAUTHORIZED)
            .to_tag("c")
            .header(HeaderName::WwwAuthenticate, CHALLENGE);
        vec![heard.reply(refused.build().to_bytes())]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    let outcome = outcome(&sim, agent);
    let refused = ChallengeFault::Refused { realm: "example.org".into() };
    assert_eq!(why(&outcome), Some(Cause::Challenges(vec![refused])));
    assert_eq!(outcome.code, Some(StatusCode::UNAUTHORIZED));
    assert_eq!(requests(&sim, peer, &Method::Invite).len(), 2);
}

#[test]
fn without_an_account_a_challenge_is_reported_rfc3261_22_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    raw(&mut sim, |heard: &Heard| challenging(heard, 407, |_| None));
    sim.command(agent, Command::Options(ask("sip:bob@192.0.2.2")));
    sim.run_until_idle();
    let outcome = outcome(&sim, agent);
    let none = ChallengeFault::NoAccount { realm: "example.org".into() };
    assert_eq!(why(&outcome), Some(Cause::Challenges(vec![none])));
    assert_eq!(outcome.tried.len(), 1);
}

/// Redirects by user name.
fn redirecting(heard: &Heard, table: &[(&str, u16, &str)]) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    if *request.method() == Method::Ack {
        return vec![];
    }
    let user = request.uri().as_sip().and_then(|uri| uri.user).unwrap_or_default();
    let Some((_, code, contact)) = table.iter().find(|(of, ..)| *of == user) else {
        return ok_to_invite(heard, "one").into_iter().collect();
    };
    let mut response = Response::builder(&request, status(*code)).to_tag("r");
    if !contact.is_empty() {
        response = response.header(HeaderName::Contact, contact);
    }
    vec![heard.reply(response.build().to_bytes())]
}

#[test]
fn a_redirect_is_followed_by_q_and_after_failures_rfc3261_8_1_3_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        redirecting(
            heard,
            &[
                (
                    "bob",
                    302,
                    "<sip:third@192.0.2.2>;q=0.1, <sip:first@192.0.2.2>, <sip:second@192.0.2.2>;q=0.5",
                ),
                ("first", 486, ""),
                ("second", 302, "<sip:bob@192.0.2.2>, <sip:inner@192.0.2.2>"),
                ("inner", 404, ""),
            ],
        )
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(5));
    let users: Vec<_> = requests(&sim, peer, &Method::Invite)
        .iter()
        .map(|invite| invite.uri().as_sip().unwrap().user.unwrap().to_owned())
        .collect();
    assert_eq!(users, ["bob", "first", "second", "inner", "third"]);
    let invites = requests(&sim, peer, &Method::Invite);
    assert!(invites.windows(2).all(|two| two[0].to_text() == two[1].to_text()
        && two[0].call_id() == two[1].call_id()
        && two[0].cseq() + 1 == two[1].cseq()));
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    assert_eq!(outcome.tried[0].did, Some(Kind::TryTargets));
    assert_eq!(outcome.tried[1].did, Some(Kind::TryTargets));
}

#[test]
fn a_redirect_in_a_circle_ends_rfc3261_8_1_3_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    raw(&mut sim, |heard: &Heard| {
        redirecting(
            heard,
            &[("bob", 302, "<sip:two@192.0.2.2>"), ("two", 302, "<sip:bob@192.0.2.2>")],
        )
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    let outcome = outcome(&sim, agent);
    assert_eq!(why(&outcome), Some(Limit::NothingNew.into()));
    assert_eq!(outcome.tried.len(), 2);
    assert_eq!(outcome.code.unwrap().as_u16(), 302);
}

#[test]
fn a_redirect_that_names_nobody_is_reported_rfc3261_21_3_3() {
    let of = |kind| Cause::Fault(Fault { header: HeaderName::Contact, kind });
    for (contact, kind) in [
        ("", FaultKind::Missing),
        ("*", FaultKind::Malformed),
        ("rubbish rubbish", FaultKind::Malformed),
    ] {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        let value = contact.to_owned();
        raw(&mut sim, move |heard: &Heard| redirecting(heard, &[("bob", 302, &value)]));
        sim.command(agent, call_bob());
        sim.run_until_idle();
        assert_eq!(why(&outcome(&sim, agent)), Some(of(kind)), "{contact}");
    }
}

#[test]
fn an_endless_redirect_ends_at_its_depth() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let mut number = 0;
    let peer = raw(&mut sim, move |heard: &Heard| {
        number += 1;
        let next = format!("<sip:{number}@192.0.2.2>");
        let Some(request) = heard.as_request() else { return vec![] };
        if *request.method() == Method::Ack {
            return vec![];
        }
        let response =
            Response::builder(&request, status(302)).to_tag("r").header(HeaderName::Contact, next);
        vec![heard.reply(response.build().to_bytes())]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    assert_eq!(why(&outcome(&sim, agent)), Some(Limit::RedirectDepth(5).into()));
    assert_eq!(requests(&sim, peer, &Method::Invite).len(), 6);
}

#[test]
fn silence_ends_after_64_t1_exactly_rfc3261_17_1_1_2_17_1_2_2() {
    for command in [call_bob(), Command::Options(ask("sip:bob@192.0.2.2"))] {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        raw(&mut sim, |_: &Heard| vec![]);
        sim.command(agent, command);
        sim.run_until_idle();
        let outcome = outcome(&sim, agent);
        assert_eq!(outcome.conclusion, Conclusion::NoAnswer(NoAnswer::Timeout));
        assert_eq!(outcome.code, None);
        assert_eq!(outcome.ended.since(outcome.begun), Duration::from_secs(32));
    }
}

#[test]
fn a_name_is_resolved_and_its_next_address_tried_rfc3263_4_3() {
    let mut sim = Simulation::new(1);
    let (agent, _) = (alice(&mut sim), bob(&mut sim, &[200]));
    sim.host("bob.example.org", &["192.0.2.99", "192.0.2.2"]);
    sim.command(agent, Command::Call(place("sip:bob@bob.example.org")));
    sim.run_for(Duration::from_secs(60));
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    assert_eq!(outcome.tried.len(), 2);
    assert_eq!(outcome.tried[0].did, Some(Kind::NextServer));
    assert_eq!(outcome.tried[0].cseq, outcome.tried[1].cseq, "the same request");
}

#[test]
fn what_cannot_be_reached_is_told_without_a_request() {
    for (to, why) in [
        ("sip:bob@nowhere.example.org", NoAnswer::Unlocated(Why::Name(Silence::NoSuchName))),
        ("tel:+4420", NoAnswer::NoWayThere),
        (
            "sip:bob@192.0.2.2;transport=sctp",
            NoAnswer::Transport(antiphon_core::flow::Fault::NoListener),
        ),
    ] {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        sim.command(agent, Command::Call(place(to)));
        sim.run_until_idle();
        let outcome = outcome(&sim, agent);
        assert_eq!(outcome.conclusion, Conclusion::NoAnswer(why), "{to}");
        assert_eq!(ends(&sim, agent).len(), 1);
    }
}

#[test]
fn the_outbound_proxy_is_a_preloaded_route_rfc3261_8_1_2() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.proxy = Some("sip:192.0.2.2".parse().unwrap());
    let agent = add(&mut sim, "alice", ALICE, settings);
    let peer = raw(&mut sim, |heard: &Heard| ok_to_others(heard).into_iter().collect());
    sim.command(agent, Command::Options(ask("sip:carol@example.com")));
    sim.run_until_idle();
    let options = &requests(&sim, peer, &Method::Options)[0];
    assert_eq!(options.uri_text(), "sip:carol@example.com");
    assert_eq!(options.headers().text(HeaderName::Route), Some("<sip:192.0.2.2;lr>"));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
}

#[test]
fn a_request_carries_what_it_must_and_not_what_the_commander_may_not_set_rfc3261_8_1_1() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.product = Some("Antiphon".to_owned());
    let agent = add(&mut sim, "alice", ALICE, settings);
    let peer = raw(&mut sim, |_: &Heard| vec![]);
    let mut place = place("sip:bob@192.0.2.2");
    place.ask.headers = [("X-Account", "7"), ("Call-ID", "mine"), ("Subject", "Hi\r\nEvil: yes")]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec();
    sim.command(agent, Command::Call(place));
    sim.run_for(Duration::from_millis(100));
    let invite = &requests(&sim, peer, &Method::Invite)[0];
    let headers = invite.headers();
    assert_eq!(headers.text(HeaderName::MaxForwards), Some("70"));
    assert_eq!(headers.text(HeaderName::Contact), Some("<sip:alice@192.0.2.1:5060>"));
    assert!(headers.has(HeaderName::Allow) && headers.has(HeaderName::Supported));
    assert_eq!(headers.text(HeaderName::UserAgent), Some("Antiphon"));
    assert_eq!(headers.other_values("X-Account").next(), Some(&b"7"[..]));
    assert_eq!(headers.other_values("Evil").next(), None);
    assert_ne!(invite.call_id(), "mine");
    assert_eq!(headers.values(HeaderName::CallId).count(), 1);
}

#[test]
fn a_message_has_no_contact_rfc3428_9() {
    let mut sim = Simulation::new(1);
    let (agent, bob) = (alice(&mut sim), bob(&mut sim, &[]));
    let message = SendMessage {
        ask: ask("sip:bob@192.0.2.2"),
        content_type: "text/plain;charset=UTF-8".to_owned(),
        body: "Hello".into(),
    };
    sim.command(agent, Command::Message(message));
    sim.run_until_idle();
    assert_eq!(outcome(&sim, agent).code, Some(StatusCode::OK));
    let heard = sim.events(bob).iter().find_map(|(_, event)| match event {
        Event::IncomingMessage { request, .. } => Some(request.clone()),
        _ => None,
    });
    assert_eq!(&heard.unwrap().body[..], b"Hello");
    let sent = sim.between(agent, bob).next().unwrap();
    assert!(!String::from_utf8_lossy(&sent.octets).contains("Contact"));
}

#[test]
fn a_number_of_an_action_is_used_once() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    raw(&mut sim, |_: &Heard| vec![]);
    for _ in 0..2 {
        sim.command(agent, Command::Options(ask("sip:bob@192.0.2.2")));
    }
    sim.run_for(Duration::from_secs(1));
    let misused = Conclusion::Misused(Misuse::DuplicateAction);
    assert_eq!(outcome(&sim, agent).conclusion, misused);
    let gone = antiphon_core::user_agent::InCall {
        action: ActionId(2),
        call: antiphon_core::user_agent::CallId(99),
        method: Method::Info,
        headers: vec![],
        body: None,
    };
    sim.command(agent, Command::InCall(gone));
    sim.run_until_idle();
    let all = outcomes(&sim, agent);
    assert!(all.iter().any(|one| one.conclusion == Conclusion::Misused(Misuse::NoSuchCall)));
    assert_eq!(all.len(), 3);
}

#[test]
fn a_password_for_any_realm_is_not_given_to_a_redirected_domain_rfc3261_26_1() {
    for (realm, requests_there) in [(None, 1), (Some("example.org"), 2)] {
        let mut sim = Simulation::new(1);
        let mut settings = config("alice", ALICE);
        let realm = realm.map(str::to_owned);
        settings.accounts = vec![Account::with_password(realm, "alice".into(), "secret".into())];
        let agent = add(&mut sim, "alice", ALICE, settings);
        raw(&mut sim, |heard: &Heard| redirecting(heard, &[("bob", 302, "<sip:bob@192.0.2.3>")]));
        let stranger = sim.add(
            antiphon_testkit::Setup::new(
                "stranger",
                RawPeer::answering(|heard: &Heard| {
                    challenging(heard, 401, |heard| ok_to_invite(heard, "one"))
                }),
            )
            .udp("192.0.2.3:5060"),
        );
        sim.command(agent, call_bob());
        sim.run_for(Duration::from_secs(5));
        assert_eq!(requests(&sim, stranger, &Method::Invite).len(), requests_there);
    }
}

/// What a response may carry beside: right, wrong and absurd.
const FIELDS: [(HeaderName, &[&str]); 10] = [
    (HeaderName::RetryAfter, &["0", "3", "-1", "315360000", "soon", "9;duration=1"]),
    (HeaderName::Unsupported, &["100rel", "timer, 199", "none-of-yours", ","]),
    (HeaderName::Require, &["100rel", "timer", "sec-agree", "frob", ""]),
    (HeaderName::MinSe, &["90", "2000", "4000", "0", "x", "4294967295"]),
    (HeaderName::Warning, &["305 h \"no\"", "370 h \"no\"", "399 h", "x"]),
    (HeaderName::SecurityServer, &["digest;q=0.1", "tls, digest", "a b", ";;"]),
    (HeaderName::Accept, &["application/sdp", "text/html", "*/*;q=0", "/"]),
    (HeaderName::Contact, &["<nobody at all>", "<sip:192.0.2.1:5060>", "*", "<tel:+44>"]),
    (HeaderName::RSeq, &["1", "2", "0", "x"]),
    (HeaderName::AuthenticationInfo, &["nextnonce=\"n\"", "nextnonce=", "x"]),
];

#[test]
fn any_sequence_of_answers_whatsoever_ends_within_the_budget() {
    for_seeds(0..400, |seed| {
        let mut sim = Simulation::new(seed);
        let mut settings = config("alice", ALICE);
        settings.accounts = vec![account()];
        let agent = add(&mut sim, "alice", ALICE, settings);
        let mut draws: Vec<u64> = (0..64).map(|_| sim.draw()).collect();
        let peer = raw(&mut sim, move |heard: &Heard| {
            let (Some(request), Some(draw)) = (heard.as_request(), draws.pop()) else {
                return vec![];
            };
            if *request.method() == Method::Ack {
                return vec![];
            }
            let favourites = [302, 300, 401, 407, 503, 423, 180, 200, 486, 600];
            let code = match favourites.get(usize::try_from(draw % 14).unwrap()) {
                Some(code) => *code,
                None => 101 + u16::try_from(draw / 16 % 599).unwrap(),
            };
            let stale = draw / 32 % 2 == 0;
            let challenge =
                format!("Digest realm=\"r{}\", nonce=\"n{draw}\", stale={stale}", draw % 3);
            let contact =
                format!("<sip:u{}@192.0.2.2>, <sip:v{}@192.0.2.2>;q=0.2", draw % 7, draw % 5);
            let mut response = Response::builder(&request, status(code))
                .to_tag(format_args!("t{}", draw % 2))
                .header(HeaderName::WwwAuthenticate, &challenge)
                .header(HeaderName::ProxyAuthenticate, &challenge)
                .header(HeaderName::MinExpires, draw % 9000);
            if draw / 64 % 4 > 0 {
                response = response.header(HeaderName::Contact, contact);
            }
            for (place, (name, values)) in (0_u32..).zip(FIELDS) {
                let choice = usize::try_from(draw.rotate_right(8 + place * 5) % 8).unwrap();
                if let Some(value) = values.get(choice) {
                    response = response.header(name, value);
                }
            }
            vec![heard.reply(response.build().to_bytes())]
        });
        sim.command(
            agent,
            if seed % 2 == 0 {
                let mut place = place("sip:bob@192.0.2.2");
                place.duration = Some(Duration::from_secs(5));
                Command::Call(place)
            } else {
                Command::Options(ask("sip:bob@192.0.2.2"))
            },
        );
        sim.run_until_idle();
        let all = outcomes(&sim, agent);
        assert_eq!(all.len(), 1);
        let answered = |attempt: &Attempt| attempt.did.is_some() && attempt.told.is_some();
        let (last, earlier) = all[0].tried.split_last().unwrap();
        assert!(earlier.iter().all(answered));
        // One that nobody answered until it was cancelled has no code to be named.
        assert!(answered(last) || all[0].conclusion == Conclusion::TimeUp);
        let (Some(last), Some(decided)) = (last.code, all[0].code) else {
            assert_eq!((last.code, all[0].code), (None, None));
            return;
        };
        let is_worse = |code| Preference::of(code) >= Preference::of(decided);
        assert!(decided == last || (decided > StatusCode::OK && is_worse(last)), "{decided:?}");
        assert_eq!(all[0].told.as_ref().unwrap().code, Some(decided.as_u16()));
        let branches: std::collections::BTreeSet<_> = sim
            .node(peer)
            .heard()
            .iter()
            .filter_map(Heard::as_request)
            .filter(|request| matches!(request.method(), Method::Invite | Method::Options))
            .map(|request| request.branch().unwrap().to_owned())
            .collect();
        assert!(branches.len() <= 16, "{}", branches.len());
        assert_eq!(sim.node(agent).calls(), 0);
    });
}
