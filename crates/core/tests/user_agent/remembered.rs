//! What outlives an action: servers that rest, addresses that have changed, the best algorithm of
//! a realm.

use std::time::Duration;

use antiphon_core::auth::Algorithm;
use antiphon_core::reaction::{Cause, ChallengeFault, Kind};
use antiphon_core::user_agent::{
    ActionId, Command, Conclusion, Event, Remembered, UserAgent, UserAgentConfig,
};
use antiphon_sip::{HeaderName, Method, Response, StatusCode};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Setup, Simulation};

use super::support::*;

/// Answers OPTIONS by the user part of the Request-URI; anybody else is there.
fn by_user(heard: &Heard, table: &[(&str, u16, HeaderName, &str)]) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    let user = request.uri().as_sip().and_then(|uri| uri.user).unwrap_or_default();
    let found = table.iter().find(|(of, ..)| *of == user);
    let response = match found {
        None => Response::builder(&request, StatusCode::OK).to_tag("x").build(),
        Some((_, code, name, value)) => {
            Response::builder(&request, status(*code)).to_tag("x").header(*name, value).build()
        }
    };
    vec![heard.reply(response.to_bytes())]
}

fn options(number: u64, to: &str) -> Command {
    let mut ask = ask(to);
    ask.action = ActionId(number);
    Command::Options(ask)
}

fn users(sim: &Simulation, peer: Handle<RawPeer>) -> Vec<String> {
    let user = |request: &antiphon_sip::Request| {
        request.uri().as_sip().and_then(|uri| uri.user).unwrap_or_default().to_owned()
    };
    requests(sim, peer, &Method::Options).iter().map(user).collect()
}

fn learnt(sim: &Simulation, agent: Handle<UserAgent>) -> Vec<(Remembered, bool)> {
    let learnt = |event: &Event| match event {
        Event::Remembered { entry, kept, .. } => Some((entry.clone(), *kept)),
        _ => None,
    };
    sim.events(agent).iter().filter_map(|(_, event)| learnt(event)).collect()
}

fn entry(old: &str, new: &str) -> Remembered {
    Remembered { old: old.parse().unwrap(), new: vec![new.parse().unwrap()] }
}

fn agent_with(
    sim: &mut Simulation,
    change: impl FnOnce(&mut UserAgentConfig),
) -> Handle<UserAgent> {
    let mut settings = config("alice", ALICE);
    change(&mut settings);
    add(sim, "alice", ALICE, settings)
}

const BOB_URI: &str = "sip:bob@192.0.2.2";
const MOVED: &[(&str, u16, HeaderName, &str)] =
    &[("bob", 301, HeaderName::Contact, "<sip:robert@192.0.2.2>")];

#[test]
fn a_301_is_used_first_by_every_later_request_rfc3261_21_3_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| by_user(heard, MOVED));
    for number in 1..=2 {
        sim.command(agent, options(number, BOB_URI));
        sim.run_until_idle();
    }
    assert_eq!(users(&sim, peer), ["bob", "robert", "robert"]);
    assert_eq!(outcomes(&sim, agent)[0].tried[0].did, Some(Kind::RememberTarget));
    assert_eq!(learnt(&sim, agent), [(entry(BOB_URI, "sip:robert@192.0.2.2"), true)]);
    // Forgotten on the person's word.
    sim.command(agent, Command::Forget(BOB_URI.parse().unwrap()));
    sim.command(agent, options(3, BOB_URI));
    sim.run_until_idle();
    assert_eq!(users(&sim, peer)[3..], ["bob", "robert"]);
}

#[test]
fn a_301_is_remembered_only_after_the_new_address_has_answered() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        let nobody = ("robert", 404, HeaderName::Subject, "x");
        by_user(heard, &[MOVED[0], nobody])
    });
    for number in 1..=2 {
        sim.command(agent, options(number, BOB_URI));
        sim.run_until_idle();
    }
    assert_eq!(users(&sim, peer), ["bob", "robert", "bob", "robert"]);
    assert_eq!(learnt(&sim, agent), []);
}

#[test]
fn a_301_to_another_domain_is_only_offered() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    raw(&mut sim, |heard: &Heard| {
        by_user(heard, &[("bob", 301, HeaderName::Contact, "<sip:bob@192.0.2.3>")])
    });
    let stranger = RawPeer::answering(|heard: &Heard| by_user(heard, &[]));
    let stranger = sim.add(Setup::new("stranger", stranger).udp("192.0.2.3:5060"));
    for number in 1..=2 {
        sim.command(agent, options(number, BOB_URI));
        sim.run_until_idle();
    }
    assert_eq!(learnt(&sim, agent)[0], (entry(BOB_URI, "sip:bob@192.0.2.3"), false));
    assert_eq!(outcomes(&sim, agent)[1].tried.len(), 2, "asked for at the old address again");
    // On the person's word it is used.
    sim.command(agent, Command::Remember(entry(BOB_URI, "sip:bob@192.0.2.3")));
    sim.command(agent, options(3, BOB_URI));
    sim.run_until_idle();
    assert_eq!(outcomes(&sim, agent)[2].tried.len(), 1);
    assert_eq!(requests(&sim, stranger, &Method::Options).len(), 3);
}

#[test]
fn a_301_from_elsewhere_is_not_remembered() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = RawPeer::answering(|heard: &Heard| {
        let mut sent = by_user(heard, MOVED);
        if heard.as_request().is_some_and(|request| request.uri_text() == BOB_URI) {
            for send in &mut sent {
                send.flow.local = "192.0.2.2:6000".parse().unwrap();
            }
        }
        sent
    });
    let peer = sim.add(Setup::new("bob", peer).udp(BOB).udp("192.0.2.2:6000"));
    for number in 1..=2 {
        sim.command(agent, options(number, BOB_URI));
        sim.run_until_idle();
    }
    assert_eq!(learnt(&sim, agent), []);
    assert_eq!(users(&sim, peer), ["bob", "robert", "bob", "robert"]);
}

#[test]
fn what_was_stored_is_used_and_forgotten_when_it_is_wrong_rfc3261_21_3_2() {
    let mut sim = Simulation::new(1);
    let agent = agent_with(&mut sim, |config| {
        config.remembered = vec![entry(BOB_URI, "sip:robert@192.0.2.2")];
    });
    let peer =
        raw(&mut sim, |heard: &Heard| by_user(heard, &[("robert", 410, HeaderName::Subject, "x")]));
    for number in 1..=2 {
        sim.command(agent, options(number, BOB_URI));
        sim.run_until_idle();
    }
    assert_eq!(users(&sim, peer), ["robert", "bob", "bob"]);
    assert!(outcomes(&sim, agent).iter().all(|one| one.conclusion == Conclusion::Succeeded));
    let forgotten =
        |event: &Event| matches!(event, Event::Forgotten { old } if old.as_str() == BOB_URI);
    assert_eq!(sim.events(agent).iter().filter(|(_, event)| forgotten(event)).count(), 1);
}

#[test]
fn nothing_that_is_stored_turns_sips_into_sip_rfc5630_5_1_1() {
    let mut sim = Simulation::new(1);
    let agent = agent_with(&mut sim, |config| {
        config.remembered = vec![entry("sips:bob@192.0.2.2", "sip:robert@192.0.2.2")];
    });
    let peer = raw(&mut sim, |heard: &Heard| by_user(heard, &[]));
    sim.command(agent, options(1, "sips:bob@192.0.2.2"));
    sim.run_until_idle();
    assert_eq!(users(&sim, peer).len(), 0);
    assert_ne!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
}

#[test]
fn a_302_is_followed_without_asking_for_as_long_as_it_holds_rfc3261_21_3_3() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        by_user(heard, &[("bob", 302, HeaderName::Contact, "<sip:away@192.0.2.2>;expires=60")])
    });
    for (number, wait) in [(1, 30), (2, 60), (3, 1)] {
        sim.command(agent, options(number, BOB_URI));
        sim.run_for(Duration::from_secs(wait));
    }
    assert_eq!(users(&sim, peer), ["bob", "away", "away", "bob", "away"]);
    assert_eq!(learnt(&sim, agent), []);
}

#[test]
fn a_server_that_failed_rests_rfc3261_21_5_4_rfc3263_4_3() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let unavailable = RawPeer::answering(|heard: &Heard| {
        by_user(heard, &[("bob", 503, HeaderName::RetryAfter, "100")])
    });
    let first = sim.add(Setup::new("first", unavailable).udp("192.0.2.3:5060"));
    let second = raw(&mut sim, |heard: &Heard| by_user(heard, &[]));
    sim.host("example.org", &["192.0.2.3", "192.0.2.2"]);
    for number in 1..=2 {
        sim.command(agent, options(number, "sip:bob@example.org"));
        sim.run_for(Duration::from_secs(10));
    }
    let asked = |sim: &Simulation, peer| requests(sim, peer, &Method::Options).len();
    assert_eq!((asked(&sim, first), asked(&sim, second)), (1, 2));
    assert_eq!(outcomes(&sim, agent)[0].tried[0].did, Some(Kind::NextServer));
    sim.run_for(Duration::from_secs(100));
    sim.command(agent, options(3, "sip:bob@example.org"));
    sim.run_for(Duration::from_secs(10));
    assert_eq!(asked(&sim, first), 2);
}

const MD5: &str = "Digest realm=\"example.org\", nonce=\"n1\", algorithm=MD5, qop=\"auth\"";
const SHA256: &str = "Digest realm=\"example.org\", nonce=\"n2\", algorithm=SHA-256, qop=\"auth\"";

/// Challenges who has no credentials.
fn challenging(heard: &Heard, challenge: &str) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    if request.headers().has(HeaderName::Authorization) {
        return ok_to_others(heard).into_iter().collect();
    }
    let refused = Response::builder(&request, StatusCode::UNAUTHORIZED).to_tag("c");
    let refused = refused.header(HeaderName::WwwAuthenticate, challenge).build();
    vec![heard.reply(refused.to_bytes())]
}

#[test]
fn a_realm_that_was_stronger_once_is_not_answered_weaker_rfc8760_3() {
    let mut sim = Simulation::new(1);
    let agent = agent_with(&mut sim, |config| config.accounts = vec![account()]);
    let mut challenges = vec![MD5, SHA256];
    let peer = raw(&mut sim, move |heard: &Heard| {
        let with = heard.as_request().is_some_and(|it| it.headers().has(HeaderName::Authorization));
        let challenge = if with { "" } else { challenges.pop().unwrap_or(MD5) };
        challenging(heard, challenge)
    });
    for number in 1..=2 {
        sim.command(agent, options(number, BOB_URI));
        sim.run_until_idle();
    }
    let all = outcomes(&sim, agent);
    assert_eq!(all[0].conclusion, Conclusion::Succeeded);
    let weaker = ChallengeFault::Weaker { realm: "example.org".to_owned() };
    assert_eq!(why(&all[1]), Some(Cause::Challenges(vec![weaker])));
    assert_eq!(requests(&sim, peer, &Method::Options).len(), 3);
    let seen = |event: &Event| match event {
        Event::AlgorithmSeen { realm, strength } => Some((realm.clone(), *strength)),
        _ => None,
    };
    let seen: Vec<_> = sim.events(agent).iter().filter_map(|(_, event)| seen(event)).collect();
    assert_eq!(seen, [("example.org".to_owned(), Algorithm::Sha256.strength())]);
}

#[test]
fn what_a_realm_could_do_is_known_to_the_next_run_rfc8760_3() {
    let mut sim = Simulation::new(1);
    let agent = agent_with(&mut sim, |config| {
        config.accounts = vec![account()];
        config.algorithms = vec![("example.org".to_owned(), Algorithm::Sha256.strength())];
    });
    let peer = raw(&mut sim, |heard: &Heard| challenging(heard, MD5));
    sim.command(agent, options(1, BOB_URI));
    sim.run_until_idle();
    assert_eq!(requests(&sim, peer, &Method::Options).len(), 1);
    assert_eq!(outcome(&sim, agent).code, Some(StatusCode::UNAUTHORIZED));
}
