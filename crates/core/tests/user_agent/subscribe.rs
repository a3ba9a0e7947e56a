//! Subscriptions against a scripted notifier (RFC 6665).

use std::time::Duration;

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{
    Command, Conclusion, Event, NoAnswer, Outcome, Subscribe, Substate, UserAgent,
};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Simulation};

use super::support::*;

fn subscribe(keep: bool, bound: Option<u64>) -> Subscribe {
    let mut ask = ask("sip:bob@192.0.2.2");
    ask.timeout = bound.map(Duration::from_secs);
    Subscribe { ask, event: "presence".to_owned(), expires: Duration::from_secs(60), keep }
}

/// An answer to the SUBSCRIBE with this number among all, and the NOTIFY behind it, if any.
#[derive(Clone, Copy)]
struct Answer {
    code: u16,
    headers: &'static [(HeaderName, &'static str)],
    notify: Option<&'static str>,
}

const TAKEN: Answer = Answer {
    code: 200,
    headers: &[(HeaderName::Expires, "60")],
    notify: Some("active;expires=60"),
};
const ENDED: Answer = Answer { notify: Some("terminated;reason=timeout"), ..TAKEN };

struct Play {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

/// Each SUBSCRIBE is answered as its turn says, the last ever after; one with `Expires: 0` ends.
fn play(answers: &[Answer], subscribe: Subscribe, last: u64) -> Play {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let mut waiting: Vec<_> = answers.iter().rev().copied().collect();
    let mut number = 0;
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        let is_end = request.headers().text(HeaderName::Expires) == Some("0");
        let next = if waiting.len() > 1 { waiting.pop() } else { waiting.first().copied() };
        let answer = if is_end { ENDED } else { next.unwrap() };
        number += 1;
        let mut response = Response::builder(&request, status(answer.code))
            .to_tag("notifier")
            .header(HeaderName::Contact, "<sip:bob@192.0.2.2>");
        for (name, value) in answer.headers {
            response = response.header(*name, value);
        }
        let mut sends = vec![heard.reply(response.build().to_bytes())];
        let event = "presence";
        sends.extend(answer.notify.map(|state| notify(heard, &request, number, event, state)));
        sends
    });
    sim.command(agent, Command::Subscribe(subscribe));
    sim.run_for(Duration::from_secs(last));
    Play { sim, agent, peer }
}

/// A NOTIFY behind the answer to a SUBSCRIBE.
fn notify(heard: &Heard, subscribe: &Request, number: u32, event: &str, state: &str) -> Send {
    let to = subscribe.from_text();
    let from = match subscribe.to_tag() {
        Some(_) => subscribe.to_text().to_owned(),
        None => format!("{};tag=notifier", subscribe.to_text()),
    };
    let target = subscribe.headers().text(HeaderName::Contact).unwrap().to_owned();
    let target = target.trim_matches(['<', '>']).to_owned();
    let text = format!(
        "NOTIFY {target} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKn{number}\r\n\
         From: {from}\r\nTo: {to}\r\nCall-ID: {}\r\nCSeq: {number} NOTIFY\r\nMax-Forwards: 70\r\n\
         Contact: <sip:bob@192.0.2.2>\r\nEvent: {event}\r\nSubscription-State: {state}\r\n\
         Content-Type: text/plain\r\nContent-Length: 4\r\n\r\nopen",
        subscribe.call_id()
    );
    let mut send = heard.reply(text);
    send.after = Duration::from_millis(10);
    send
}

impl Play {
    fn heard(&self) -> Vec<Request> {
        requests(&self.sim, self.peer, &Method::Subscribe)
    }

    fn lifetimes(&self) -> Vec<String> {
        let text = |request: &Request| request.headers().text(HeaderName::Expires).unwrap().into();
        self.heard().iter().map(text).collect()
    }

    fn outcome(&self) -> Outcome {
        outcome(&self.sim, self.agent)
    }

    fn states(&self) -> Vec<Substate> {
        let state = |event: &Event| match event {
            Event::Notified { state, .. } => Some(*state),
            _ => None,
        };
        self.sim.events(self.agent).iter().filter_map(|(_, event)| state(event)).collect()
    }

    fn answers(&self) -> Vec<u16> {
        responses(&self.sim, self.peer).iter().map(|one| one.status().as_u16()).collect()
    }
}

#[test]
fn one_look_is_a_subscription_that_ends_with_its_first_notification_rfc6665_4_1_2() {
    let played = play(&[TAKEN], subscribe(false, None), 10);
    assert_eq!(played.lifetimes(), ["60", "0"]);
    let heard = played.heard();
    assert_eq!(heard[0].headers().text(HeaderName::Event), Some("presence"));
    assert!(heard[0].headers().has(HeaderName::Contact) && heard[0].to_tag().is_none());
    // The dialog is that of the NOTIFY (§4.4.1).
    assert_eq!(heard[1].to_tag(), Some("notifier"));
    assert_eq!(heard[1].uri_text(), "sip:bob@192.0.2.2");
    assert_eq!((heard[0].call_id(), heard[0].cseq() + 1), (heard[1].call_id(), heard[1].cseq()));
    assert_eq!(played.states(), [Substate::Active, Substate::Terminated]);
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
    assert_eq!(played.answers(), [200, 200]);
}

#[test]
fn a_kept_subscription_is_refreshed_and_ended_rfc6665_4_1_2_2_4_1_2_3() {
    let played = play(&[TAKEN], subscribe(true, Some(70)), 80);
    assert_eq!(played.lifetimes(), ["60", "60", "60", "0"]);
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
    assert_eq!(played.answers(), [200; 4]);
}

#[test]
fn a_subscription_that_is_never_notified_of_has_failed_rfc6665_4_1_2_4() {
    let silent = Answer { notify: None, ..TAKEN };
    let long = Answer { headers: &[(HeaderName::Expires, "3600")], ..silent };
    let mut asked = subscribe(true, None);
    asked.expires = Duration::from_secs(3600);
    let played = play(&[long], asked, 33);
    let failure = Conclusion::NoAnswer(NoAnswer::Unnotified);
    assert_eq!(played.outcome().conclusion, failure);
    // Who only wants one look hears that it was taken.
    let played = play(&[silent], subscribe(false, None), 5);
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
    assert_eq!(played.heard().len(), 1);
}

#[test]
fn an_unknown_package_is_reported_rfc6665_4_1_2_1() {
    let bad = Answer { code: 489, headers: &[(HeaderName::AllowEvents, "dialog")], notify: None };
    let played = play(&[bad], subscribe(true, Some(30)), 40);
    assert_eq!(played.heard().len(), 1);
    assert_eq!(played.outcome().code, Some(status(489)));
    assert_eq!(played.outcome().conclusion, Conclusion::Refused);
}

#[test]
fn too_brief_a_subscription_is_lengthened_rfc6665_4_2_1_1() {
    let brief = Answer { code: 423, headers: &[(HeaderName::MinExpires, "90")], notify: None };
    let played = play(&[brief, TAKEN], subscribe(false, None), 10);
    assert_eq!(played.lifetimes(), ["60", "90", "0"]);
    assert_eq!(
        played.outcome().tried.first().map(|one| one.method.clone()),
        Some(Method::Subscribe)
    );
}

#[test]
fn a_refresh_that_finds_nothing_makes_a_new_subscription_rfc6665_4_1_2_2() {
    let gone = Answer { code: 481, headers: &[], notify: None };
    let played = play(&[TAKEN, gone, TAKEN], subscribe(true, Some(50)), 60);
    let heard = played.heard();
    assert_eq!(played.lifetimes(), ["60", "60", "60", "0"]);
    assert_eq!(heard[0].call_id(), heard[1].call_id());
    assert_ne!(heard[1].call_id(), heard[2].call_id());
    assert_ne!(heard[1].from_tag(), heard[2].from_tag());
    assert_eq!(heard[2].to_tag(), None);
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
}

#[test]
fn without_news_a_204_extends_the_subscription_rfc5839_5_2() {
    let same = Answer { code: 204, notify: None, ..TAKEN };
    let played = play(&[TAKEN, same], subscribe(true, Some(70)), 80);
    assert_eq!(played.lifetimes(), ["60", "60", "60", "0"]);
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
}

#[test]
fn the_other_side_may_end_it_for_now_or_for_good_rfc6665_4_1_3() {
    for (state, requests) in [
        ("terminated;reason=rejected", 1),
        ("terminated;reason=noresource;retry-after=5", 1),
        ("terminated", 1),
        ("terminated;reason=deactivated", 3),
        ("terminated;reason=probation;retry-after=20", 2),
    ] {
        let ended = Answer { notify: Some(state), ..TAKEN };
        let played = play(&[ended, ended, TAKEN], subscribe(true, Some(28)), 40);
        let asked = played.lifetimes().iter().filter(|expires| *expires != "0").count();
        assert_eq!(asked, requests, "{state}");
        assert_eq!(played.outcome().conclusion, Conclusion::Succeeded, "{state}");
    }
}

#[test]
fn a_notify_that_is_for_nobody_or_lacks_its_state_is_refused_rfc6665_4_1_3() {
    for (event, state, code) in
        [("dialog", "active", 489), ("presence", "", 400), ("presence;id=2", "active", 489)]
    {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        let peer = raw(&mut sim, move |heard: &Heard| {
            let Some(request) = heard.as_request() else { return vec![] };
            vec![notify(heard, &request, 1, event, state)]
        });
        sim.command(agent, Command::Subscribe(subscribe(true, None)));
        sim.run_for(Duration::from_millis(100));
        let answers = responses(&sim, peer);
        assert_eq!(answers[0].status().as_u16(), code, "{event} {state}");
    }
    // One of no subscription at all.
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |_: &Heard| vec![]);
    let flow = sim.flow(peer, agent);
    let text = "NOTIFY sip:alice@192.0.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKx\r\n\
        From: <sip:b@h>;tag=1\r\nTo: <sip:a@h>;tag=2\r\nCall-ID: x\r\nCSeq: 1 NOTIFY\r\n\
        Event: presence\r\nSubscription-State: active\r\nContent-Length: 0\r\n\r\n";
    sim.send(peer, flow, text);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(responses(&sim, peer)[0].status().as_u16(), 481);
}

#[test]
fn a_refresh_that_fails_for_another_reason_is_tried_again_rfc6665_4_1_2_2() {
    let fault = Answer { code: 500, headers: &[], notify: None };
    let mut asked = subscribe(true, Some(200));
    asked.expires = Duration::from_secs(60);
    let played = play(&[TAKEN, fault, TAKEN], asked, 220);
    let failed = |event: &Event| {
        matches!(event, Event::RefreshFailed { attempt, .. }
        if attempt.did == Some(Kind::Report))
    };
    assert!(played.sim.events(played.agent).iter().any(|(_, event)| failed(event)));
    let heard = played.heard();
    assert!(heard.iter().all(|request| request.call_id() == heard[0].call_id()));
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
}
