//! Publications against a scripted compositor (RFC 3903).

use std::time::Duration;

use antiphon_core::reaction::{Cause, Fault, FaultKind, Kind};
use antiphon_core::user_agent::{Command, Conclusion, Event, Outcome, Publish, UserAgent};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Simulation};

use super::support::*;

type Headers = &'static [(HeaderName, &'static str)];

const STATE: &str = "<presence/>";
const OK: (u16, Headers) = (200, &[(HeaderName::SipETag, "t1"), (HeaderName::Expires, "60")]);

fn publish(keep: bool) -> Publish {
    Publish {
        ask: ask("sip:alice@192.0.2.2"),
        event: "presence".to_owned(),
        content_type: "application/pidf+xml".to_owned(),
        body: STATE.into(),
        expires: Duration::from_secs(60),
        keep,
    }
}

struct Play {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

/// A publication whose requests are answered like this, and the last one's way ever after.
fn play(answers: &[(u16, Headers)], publish: Publish) -> Play {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let mut waiting: Vec<_> = answers.iter().rev().copied().collect();
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        let next = if waiting.len() > 1 { waiting.pop() } else { waiting.first().copied() };
        let (code, headers) = next.unwrap();
        let mut response = Response::builder(&request, status(code)).to_tag("esc");
        for (name, value) in headers {
            response = response.header(*name, value);
        }
        vec![heard.reply(response.build().to_bytes())]
    });
    sim.command(agent, Command::Publish(publish));
    sim.run_for(Duration::from_secs(80));
    Play { sim, agent, peer }
}

impl Play {
    fn heard(&self) -> Vec<Request> {
        requests(&self.sim, self.peer, &Method::Publish)
    }

    fn outcome(&self) -> Outcome {
        outcome(&self.sim, self.agent)
    }
}

/// The entity-tag, whether there is a body, and Expires.
fn said(request: &Request) -> (&str, bool, &str) {
    let text = |name| request.headers().text(name).unwrap_or_default();
    let body = !request.body().is_empty();
    (text(HeaderName::SipIfMatch), body, text(HeaderName::Expires))
}

#[test]
fn one_publication_is_one_request_rfc3903_4_2() {
    let played = play(&[OK], publish(false));
    let heard = played.heard();
    assert_eq!(heard.iter().map(said).collect::<Vec<_>>(), [("", true, "60")]);
    assert_eq!(heard[0].headers().text(HeaderName::Event), Some("presence"));
    assert!(!heard[0].headers().has(HeaderName::Contact));
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
    let published = |event: &Event| {
        matches!(event, Event::Published { etag: Some(etag), granted,
        refresh_in: None, .. } if etag == "t1" && granted.as_secs() == 60)
    };
    assert!(played.sim.events(played.agent).iter().any(|(_, event)| published(event)));
}

#[test]
fn a_kept_publication_is_refreshed_by_its_tag_and_removed_rfc3903_4_3_4_5() {
    let second = (200, &[(HeaderName::SipETag, "t2"), (HeaderName::Expires, "60")] as Headers);
    let mut publication = publish(true);
    publication.ask.timeout = Some(Duration::from_secs(70));
    let played = play(&[OK, second, OK], publication);
    let heard = played.heard();
    let said: Vec<_> = heard.iter().map(said).collect();
    assert_eq!(
        said,
        [("", true, "60"), ("t1", false, "60"), ("t2", false, "60"), ("t1", false, "0")]
    );
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
}

#[test]
fn what_was_lost_is_published_anew_rfc3903_5() {
    let lost = (412, &[] as Headers);
    let mut publication = publish(true);
    publication.ask.timeout = Some(Duration::from_secs(40));
    let played = play(&[OK, lost, OK], publication);
    let heard = played.heard();
    let said: Vec<_> = heard.iter().map(said).collect();
    let first = ("", true, "60");
    assert_eq!(said, [first, ("t1", false, "60"), first, ("t1", false, "0")]);
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
}

#[test]
fn a_412_to_a_first_publication_is_reported_rfc3903_5() {
    let played = play(&[(412, &[])], publish(false));
    assert_eq!(played.heard().len(), 1);
    assert_eq!(played.outcome().code, Some(status(412)));
    assert_eq!(played.outcome().conclusion, Conclusion::Refused);
}

#[test]
fn what_is_to_be_removed_and_is_gone_is_removed_rfc3903_4_5() {
    let mut publication = publish(true);
    publication.ask.timeout = Some(Duration::from_secs(20));
    let played = play(&[OK, (412, &[])], publication);
    assert_eq!(played.heard().len(), 2);
    assert_eq!(played.outcome().conclusion, Conclusion::Succeeded);
}

#[test]
fn too_brief_a_publication_is_lengthened_rfc3903_5() {
    let brief = (423, &[(HeaderName::MinExpires, "90")] as Headers);
    let long = (200, &[(HeaderName::SipETag, "t1"), (HeaderName::Expires, "90")] as Headers);
    let mut publication = publish(true);
    publication.ask.timeout = Some(Duration::from_secs(50));
    let played = play(&[brief, long], publication);
    let heard = played.heard();
    let said: Vec<_> = heard.iter().map(said).collect();
    let refresh = ("t1", false, "90");
    assert_eq!(said, [("", true, "60"), ("", true, "90"), refresh, ("t1", false, "0")]);
    let played = play(&[(423, &[])], publish(false));
    let missing = Fault { header: HeaderName::MinExpires, kind: FaultKind::Missing };
    assert_eq!(why(&played.outcome()), Some(Cause::Fault(missing)));
    assert_eq!(played.outcome().tried[0].did, Some(Kind::Report));
}

#[test]
fn an_unknown_package_is_reported_rfc3903_6() {
    let played = play(&[(489, &[(HeaderName::AllowEvents, "dialog")])], publish(true));
    assert_eq!(played.heard().len(), 1);
    let outcome = played.outcome();
    assert_eq!(outcome.code, Some(status(489)));
    assert!(outcome.evidence.contains(&("Allow-Events".to_owned(), "dialog".to_owned())));
}
