//! What a failure within a call leaves of it (RFC 5057), and what is done about it there.

use std::time::Duration;

use antiphon_core::offer_answer::Direction;
use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{
    ActionId, Command, Conclusion, EndCause, Event, InCall, Outcome, Reinvite, Side, UserAgent,
};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Simulation};

use super::support::*;

/// A call in which the first request that is neither ACK nor BYE is answered like this.
struct Talk {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

impl Talk {
    fn new(answers: Vec<(u16, HeaderName, &'static str)>) -> Self {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        let mut answers = answers.into_iter();
        let peer = raw(&mut sim, move |heard: &Heard| answer(heard, &mut answers));
        sim.command(agent, call_bob());
        sim.run_for(Duration::from_secs(1));
        Self { sim, agent, peer }
    }

    fn hold(&mut self) -> Outcome {
        let call = self.call();
        let direction = Direction::SendOnly;
        let hold = Reinvite { action: ActionId(2), call, media: None, direction };
        self.command(Command::Reinvite(hold))
    }

    fn ask(&mut self, method: Method) -> Outcome {
        let (call, headers) = (self.call(), vec![]);
        let ask = InCall { action: ActionId(2), call, method, headers, body: None };
        self.command(Command::InCall(ask))
    }

    fn command(&mut self, command: Command) -> Outcome {
        self.sim.command(self.agent, command);
        self.sim.run_for(Duration::from_secs(10));
        let all = outcomes(&self.sim, self.agent);
        all.into_iter().find(|outcome| outcome.action == ActionId(2)).unwrap()
    }

    fn call(&self) -> antiphon_core::user_agent::CallId {
        outcomes(&self.sim, self.agent)[0].call.unwrap()
    }

    fn heard(&self, method: &Method) -> Vec<Request> {
        requests(&self.sim, self.peer, method)
    }
}

fn answer(
    heard: &Heard,
    answers: &mut impl Iterator<Item = (u16, HeaderName, &'static str)>,
) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    let invite = *request.method() == Method::Invite;
    let is_initial = request.to_tag().is_none();
    let next = match request.method() {
        Method::Ack => return vec![],
        Method::Bye => None,
        _ if is_initial => None,
        _ => answers.next(),
    };
    match next {
        Some((code, name, value)) => {
            let refused = Response::builder(&request, status(code)).header(name, value).build();
            vec![heard.reply(refused.to_bytes())]
        }
        None if invite => ok_to_invite(heard, "one").into_iter().collect(),
        None => ok_to_others(heard).into_iter().collect(),
    }
}

const NOTHING: (HeaderName, &str) = (HeaderName::Subject, "x");

fn talk(code: u16) -> Talk {
    Talk::new(vec![(code, NOTHING.0, NOTHING.1)])
}

#[test]
fn a_failed_re_invite_leaves_the_call_or_ends_it_rfc5057_5_1() {
    // Code, whether the call is over, and whether BYE says so.
    for (code, over, bye) in [
        (403, false, false),
        (404, true, false),
        (408, true, true),
        (410, true, false),
        (481, true, true),
        (482, true, false),
        (486, false, false),
        (488, false, false),
        (500, false, false),
        (502, true, false),
        (503, false, false),
        (603, false, false),
        (604, true, false),
    ] {
        let mut talk = talk(code);
        let outcome = talk.hold();
        assert_eq!(outcome.code, Some(status(code)));
        assert_eq!(outcome.conclusion, Conclusion::Refused, "{code}");
        assert_eq!(talk.heard(&Method::Bye).len(), usize::from(bye), "{code}");
        let lost = (Side::Network, EndCause::Lost { code: Some(status(code)) });
        let expected = if over { vec![lost] } else { vec![] };
        assert_eq!(ends(&talk.sim, talk.agent), expected, "{code}");
        assert_eq!(talk.sim.node(talk.agent).calls(), usize::from(!over), "{code}");
    }
}

#[test]
fn a_request_that_belongs_to_no_usage_leaves_the_call_rfc5057_5_3() {
    for code in [408, 481, 480, 501] {
        let mut talk = talk(code);
        assert_eq!(talk.ask(Method::Message).code, Some(status(code)));
        assert_eq!(talk.sim.node(talk.agent).calls(), 1, "{code}");
    }
}

#[test]
fn glare_is_waited_out_and_then_offered_anew_rfc3261_14_1() {
    let mut talk = talk(491);
    let outcome = talk.hold();
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    assert_eq!(outcome.tried[0].did, Some(Kind::GlareBackoff));
    let waited = outcome.tried[1].at.since(outcome.tried[0].at).as_millis();
    assert!((2100..=4010).contains(&waited), "the side that made the Call-ID: {waited}");
    let offers: Vec<_> = talk.heard(&Method::Invite).iter().map(|it| it.body().clone()).collect();
    assert!(offers.iter().skip(1).all(|offer| String::from_utf8_lossy(offer).contains("sendonly")));
}

#[test]
fn the_wait_of_glare_is_bounded_rfc3261_14_1() {
    let mut talk = Talk::new(vec![(491, NOTHING.0, NOTHING.1); 40]);
    talk.hold_for(Duration::from_secs(60));
    let outcomes = outcomes(&talk.sim, talk.agent);
    let outcome = outcomes.last().unwrap();
    assert_eq!((outcome.conclusion, outcome.code), (Conclusion::Refused, Some(status(491))));
    assert!(outcome.tried.len() <= 16 && !outcome.stopped.is_empty());
    assert_eq!(talk.sim.node(talk.agent).calls(), 1);
}

impl Talk {
    fn hold_for(&mut self, time: Duration) {
        let call = self.call();
        let direction = Direction::SendOnly;
        let hold = Reinvite { action: ActionId(2), call, media: None, direction };
        self.sim.command(self.agent, Command::Reinvite(hold));
        self.sim.run_for(time);
    }
}

#[test]
fn an_update_that_is_refused_becomes_a_re_invite_rfc3311_5_1() {
    for code in [405, 501, 504] {
        let mut talk = talk(code);
        let outcome = talk.ask(Method::Update);
        assert_eq!(outcome.conclusion, Conclusion::Succeeded, "{code}");
        assert_eq!(outcome.tried[0].did, Some(Kind::ChangeMethod));
        assert_eq!(outcome.tried[1].method, Method::Invite);
        let invites = talk.heard(&Method::Invite);
        assert_eq!(invites.len(), 2);
        assert!(invites[1].to_tag().is_some() && !invites[1].body().is_empty());
        assert_eq!(talk.heard(&Method::Ack).len(), 2);
        assert_eq!(talk.sim.node(talk.agent).calls(), 1);
    }
    // Any other method has nothing to become.
    let mut talk = talk(405);
    assert_eq!(talk.ask(Method::Info).conclusion, Conclusion::Refused);
    assert_eq!(talk.heard(&Method::Invite).len(), 1);
}

#[test]
fn an_update_that_was_refused_for_what_it_is_is_not_tried_again_rfc3261_21_4_6() {
    for (code, updates) in [(405, 1), (501, 1), (504, 2)] {
        let mut talk = talk(code);
        assert_eq!(talk.ask(Method::Update).conclusion, Conclusion::Succeeded, "{code}");
        let (call, headers) = (talk.call(), vec![]);
        let method = Method::Update;
        let again = InCall { action: ActionId(3), call, method, headers, body: None };
        talk.sim.command(talk.agent, Command::InCall(again));
        talk.sim.run_for(Duration::from_secs(5));
        assert_eq!(outcome(&talk.sim, talk.agent).conclusion, Conclusion::Succeeded, "{code}");
        assert_eq!(talk.heard(&Method::Update).len(), updates, "{code}");
        // The call's own, the one in place of the first, and that in place of the second.
        assert_eq!(talk.heard(&Method::Invite).len(), 4 - updates, "{code}");
    }
}

#[test]
fn a_wait_within_a_call_leaves_room_for_the_other_side_rfc3261_20_33() {
    let mut talk = Talk::new(vec![(500, HeaderName::RetryAfter, "4")]);
    let outcome = talk.hold();
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    assert_eq!(outcome.tried[0].did, Some(Kind::RetryAfter));
    let changed = |event: &Event| matches!(event, Event::MediaChanged { .. });
    assert!(talk.sim.events(talk.agent).iter().any(|(_, event)| changed(event)));
}

#[test]
fn a_redirect_within_a_call_keeps_the_route_set_rfc3261_12_2_1_2() {
    let mut talk = Talk::new(vec![(302, HeaderName::Contact, "<sip:there@192.0.2.2>")]);
    let outcome = talk.hold();
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    let invites = talk.heard(&Method::Invite);
    assert_eq!(invites[2].uri_text(), "sip:there@192.0.2.2");
    assert_eq!(invites[2].to_tag(), Some("one"));
    assert_eq!(invites[2].call_id(), invites[0].call_id());
    assert_eq!(invites[2].cseq(), invites[1].cseq() + 1);
}
