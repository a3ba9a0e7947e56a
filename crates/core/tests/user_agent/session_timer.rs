//! Sessions that are refreshed, and that end when nobody refreshes them (RFC 4028).

use std::time::Duration;

use antiphon_core::user_agent::{EndCause, Side, UserAgent};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Simulation};

use super::support::*;

const HALF_AN_HOUR: Duration = Duration::from_secs(1800);

/// A call to a peer that answers a session refresh request like this.
fn talk(answer: impl Fn(&Request) -> Vec<(HeaderName, &'static str)> + 'static) -> Talk {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        match request.method() {
            Method::Invite | Method::Update => vec![granting(heard, &request, answer(&request))],
            _ => ok_to_others(heard).into_iter().collect(),
        }
    });
    sim.command(agent, call_bob());
    Talk { sim, agent, peer }
}

fn granting(heard: &Heard, request: &Request, fields: Vec<(HeaderName, &'static str)>) -> Send {
    let mut response = Response::builder(request, status(200))
        .to_tag("one")
        .header(HeaderName::Contact, "<sip:bob@192.0.2.2>");
    for (name, value) in fields {
        response = response.header(name, value);
    }
    if *request.method() == Method::Invite {
        response = response.body("application/sdp", OFFER);
    }
    heard.reply(response.build().to_bytes())
}

struct Talk {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

impl Talk {
    fn heard(&self, method: &Method) -> Vec<Request> {
        requests(&self.sim, self.peer, method)
    }
}

fn text(request: &Request, name: HeaderName) -> &str {
    request.headers().text(name).unwrap_or_default()
}

#[test]
fn the_caller_asks_for_a_timer_and_refreshes_at_half_of_it_rfc4028_7_2() {
    let mut talk = talk(|_| {
        vec![
            (HeaderName::Require, "timer"),
            (HeaderName::SessionExpires, "600;refresher=uac"),
            (HeaderName::Allow, "INVITE, UPDATE"),
        ]
    });
    talk.sim.run_for(Duration::from_secs(299));
    assert_eq!(text(&talk.heard(&Method::Invite)[0], HeaderName::SessionExpires), "1800");
    assert!(talk.heard(&Method::Update).is_empty());
    talk.sim.run_for(Duration::from_secs(2));
    let refreshes = talk.heard(&Method::Update);
    assert_eq!(refreshes.len(), 1);
    assert_eq!(text(&refreshes[0], HeaderName::SessionExpires), "600;refresher=uac");
    assert!(refreshes[0].body().is_empty(), "§7.4: without an offer");
    talk.sim.run_for(HALF_AN_HOUR);
    assert_eq!(talk.heard(&Method::Update).len(), 7);
    assert_eq!(talk.sim.node(talk.agent).calls(), 1);
}

#[test]
fn who_does_not_take_update_is_asked_by_re_invite_with_the_same_offer_rfc4028_7_4() {
    let mut talk = talk(|_| vec![(HeaderName::SessionExpires, "90;refresher=uac")]);
    talk.sim.run_for(Duration::from_secs(46));
    let invites = talk.heard(&Method::Invite);
    assert_eq!(invites.len(), 2);
    assert_eq!(invites[0].body(), invites[1].body());
    assert_eq!(text(&invites[1], HeaderName::SessionExpires), "90;refresher=uac");
    talk.sim.run_for(Duration::from_secs(90));
    assert_eq!(talk.heard(&Method::Invite).len(), 4);
    assert_eq!(talk.sim.node(talk.agent).calls(), 1);
}

#[test]
fn a_session_that_is_not_refreshed_is_ended_before_it_expires_rfc4028_10() {
    let mut talk = talk(|_| vec![(HeaderName::SessionExpires, "90;refresher=uas")]);
    // min(32 s, a third of the interval) before the end.
    talk.sim.run_for(Duration::from_secs(59));
    assert!(talk.heard(&Method::Bye).is_empty());
    talk.sim.run_for(Duration::from_secs(2));
    assert_eq!(talk.heard(&Method::Bye).len(), 1);
    assert_eq!(ends(&talk.sim, talk.agent), [(Side::Network, EndCause::Lost { code: None })]);
}

#[test]
fn without_session_expires_in_the_2xx_no_session_expires_rfc4028_7_2() {
    for fields in [vec![], vec![(HeaderName::SessionExpires, "x")]] {
        let mut talk = talk(move |_| fields.clone());
        talk.sim.run_for(HALF_AN_HOUR * 3);
        assert_eq!(talk.heard(&Method::Invite).len(), 1);
        assert_eq!(talk.sim.node(talk.agent).calls(), 1);
    }
}

#[test]
fn a_422_within_the_call_is_kept_to_rfc4028_7_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let grant = |minimum: u32| format!("{minimum};refresher=uac");
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        let asked = text(&request, HeaderName::SessionExpires).split(';').next().unwrap();
        let response = match (request.method(), asked) {
            (Method::Update, "90") => {
                Response::builder(&request, status(422)).header(HeaderName::MinSe, 200).build()
            }
            (Method::Update, _) => Response::builder(&request, status(200))
                .header(HeaderName::SessionExpires, grant(200))
                .build(),
            (Method::Invite, _) => Response::builder(&request, status(200))
                .to_tag("one")
                .header(HeaderName::Contact, "<sip:bob@192.0.2.2>")
                .header(HeaderName::Allow, "UPDATE")
                .header(HeaderName::SessionExpires, grant(90))
                .body("application/sdp", OFFER)
                .build(),
            _ => return ok_to_others(heard).into_iter().collect(),
        };
        vec![heard.reply(response.to_bytes())]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(150));
    let updates = requests(&sim, peer, &Method::Update);
    let fields: Vec<_> = updates
        .iter()
        .map(|update| (text(update, HeaderName::SessionExpires), text(update, HeaderName::MinSe)))
        .collect();
    let refreshed = ("200;refresher=uac", "200");
    assert_eq!(fields, [("90;refresher=uac", ""), refreshed, refreshed]);
}

/// Bob answers; what Alice's side and his do for this long.
fn two_agents(last: Duration, disturb: impl FnOnce(&mut Simulation, Pair)) -> (Simulation, Pair) {
    let mut sim = Simulation::new(2);
    let pair = (alice(&mut sim), bob(&mut sim, &[180, 200]));
    sim.command(pair.0, call_bob());
    sim.run_for(Duration::from_secs(5));
    disturb(&mut sim, pair);
    sim.run_for(last);
    (sim, pair)
}

type Pair = (Handle<UserAgent>, Handle<UserAgent>);

#[test]
fn two_agents_keep_their_session_alive_rfc4028_9() {
    let (sim, (alice, bob)) = two_agents(HALF_AN_HOUR * 4, |_, _| {});
    assert_eq!((sim.node(alice).calls(), sim.node(bob).calls()), (1, 1));
    let refreshes = sim.between(alice, bob).filter(|record| record.octets.starts_with(b"UPDATE"));
    // At 900 s, and then every 900 s.
    assert_eq!(refreshes.count(), 8);
}

#[test]
fn a_call_whose_other_side_has_vanished_ends_by_itself_rfc4028_10() {
    let (sim, (alice, bob)) = two_agents(HALF_AN_HOUR * 2, |sim, (alice, bob)| sim.cut(alice, bob));
    assert_eq!((sim.node(alice).calls(), sim.node(bob).calls()), (0, 0));
    let lost = (Side::Network, EndCause::Lost { code: None });
    for agent in [alice, bob] {
        assert_eq!(ends(&sim, agent), std::slice::from_ref(&lost));
    }
}
