//! A person who can be asked: which address of a 300 goes first, and which digits are missing.

use std::time::Duration;

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{ActionId, Command, Conclusion, Event, PlaceCall, UserAgent};
use antiphon_sip::{HeaderName, Method, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Simulation};

use super::support::*;

const TWO: &str = "<sip:low@192.0.2.2>;q=0.2, <sip:high@192.0.2.2>;q=0.9";

/// A call to somebody who can be reached at these addresses, and is busy at the first that is tried.
fn call(person: bool, contacts: &'static str, place: PlaceCall) -> Stage {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.policy.person = person;
    let agent = add(&mut sim, "alice", ALICE, settings);
    let mut codes = vec![486, 300];
    let peer = raw(&mut sim, move |heard: &Heard| {
        let Some(request) = heard.as_request().filter(|_| is_invite(heard)) else {
            return ok_to_others(heard).into_iter().collect();
        };
        let Some(code) = codes.pop() else {
            return ok_to_invite(heard, "one").into_iter().collect();
        };
        let mut response = Response::builder(&request, status(code)).to_tag("refused");
        if code == 300 {
            response = response.header(HeaderName::Contact, contacts);
        }
        vec![heard.reply(response.build().to_bytes())]
    });
    sim.command(agent, Command::Call(place));
    sim.run_for(Duration::from_secs(5));
    Stage { sim, agent, peer }
}

struct Stage {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

impl Stage {
    /// What the person was asked.
    fn choices(&self) -> Vec<Vec<(String, u16)>> {
        let choices = self.sim.events(self.agent).iter().filter_map(|(_, event)| match event {
            Event::Choices { action: ActionId(1), targets } => Some(targets),
            _ => None,
        });
        choices.map(|list| list.iter().map(|(uri, q)| (uri.to_string(), *q)).collect()).collect()
    }

    fn choose(&mut self, pick: usize) {
        self.sim.command(self.agent, Command::Choose { action: ActionId(1), pick });
        self.sim.run_for(Duration::from_secs(5));
    }

    /// Who was called.
    fn users(&self) -> Vec<String> {
        let invites = requests(&self.sim, self.peer, &Method::Invite);
        let user = |uri: &str| uri.trim_start_matches("sip:").split('@').next().unwrap().to_owned();
        invites.iter().map(|invite| user(invite.uri_text())).collect()
    }
}

#[test]
fn the_persons_pick_goes_first_and_the_others_behind_it_rfc3261_21_3_1() {
    // Beyond the list it is the best, as if nothing was said.
    for (pick, users) in
        [(0, ["bob", "high", "low"]), (1, ["bob", "low", "high"]), (2, ["bob", "high", "low"])]
    {
        let mut stage = call(true, TWO, place("sip:bob@192.0.2.2"));
        let best_first =
            vec![("sip:high@192.0.2.2".to_owned(), 900), ("sip:low@192.0.2.2".to_owned(), 200)];
        assert_eq!(stage.choices(), [best_first]);
        assert_eq!(stage.users(), ["bob"], "nobody is called before the person has chosen");
        stage.choose(pick);
        assert_eq!(stage.users(), users);
        let outcome = outcome(&stage.sim, stage.agent);
        assert_eq!(outcome.conclusion, Conclusion::Succeeded);
        assert_eq!(outcome.tried[0].did, Some(Kind::ChooseTarget));
        // Who chooses twice has chosen once.
        stage.choose(1);
        assert_eq!(stage.users().len(), 3);
    }
}

#[test]
fn where_nobody_can_be_asked_or_nothing_chosen_the_best_is_tried_rfc3261_8_1_3_4() {
    for (person, contacts, users) in [
        (false, TWO, vec!["bob", "high", "low"]),
        (true, "<sip:high@192.0.2.2>", vec!["bob", "high"]),
        (true, "<sip:high@192.0.2.2>, <http://example.org>", vec!["bob", "high"]),
    ] {
        let stage = call(person, contacts, place("sip:bob@192.0.2.2"));
        assert!(stage.choices().is_empty(), "{contacts}");
        assert_eq!(stage.users(), users);
    }
}

#[test]
fn a_call_that_waits_for_its_person_can_be_given_up() {
    let mut stage = call(true, TWO, place("sip:bob@192.0.2.2"));
    stage.sim.command(stage.agent, Command::Stop(ActionId(1)));
    stage.sim.run_for(Duration::from_secs(1));
    assert_eq!(outcome(&stage.sim, stage.agent).conclusion, Conclusion::Stopped);
    stage.choose(1);
    assert_eq!(stage.users(), ["bob"]);
    let mut bounded = place("sip:bob@192.0.2.2");
    bounded.ask.timeout = Some(Duration::from_secs(3));
    let stage = call(true, TWO, bounded);
    assert_eq!(outcome(&stage.sim, stage.agent).conclusion, Conclusion::TimeUp);
    assert_eq!(ends(&stage.sim, stage.agent).len(), 1);
}

#[test]
fn more_digits_go_on_with_the_same_call_id_rfc3261_21_4_22() {
    let mut sim = Simulation::new(1);
    let mut settings = config("alice", ALICE);
    settings.policy.person = true;
    let agent = add(&mut sim, "alice", ALICE, settings);
    let peer = raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request().filter(|_| is_invite(heard)) else {
            return vec![];
        };
        let response = Response::builder(&request, status(484)).to_tag("incomplete");
        vec![heard.reply(response.build().to_bytes())]
    });
    let mut known = None;
    for (number, digits) in (1..).zip(["0", "04", "0441"]) {
        let mut call = place(&format!("sip:{digits}@192.0.2.2"));
        call.ask.action = ActionId(number);
        call.continues = known.take();
        sim.command(agent, Command::Call(call));
        sim.run_for(Duration::from_secs(1));
        let outcome = outcome(&sim, agent);
        assert_eq!((outcome.code, outcome.reaction), (Some(status(484)), Kind::AskForMore));
        known = outcome.identifiers;
    }
    let invites = requests(&sim, peer, &Method::Invite);
    let first = &invites[0];
    let tag = |one: &antiphon_sip::Request| one.from_tag().map(str::to_owned);
    for (cseq, (invite, digits)) in (1..).zip(invites.iter().zip(["0", "04", "0441"])) {
        assert_eq!((invite.call_id(), tag(invite)), (first.call_id(), tag(first)));
        assert_eq!(invite.cseq(), cseq);
        assert_eq!(invite.uri_text(), format!("sip:{digits}@192.0.2.2"));
        assert_eq!(invite.to_text(), format!("<sip:{digits}@192.0.2.2>"));
    }
    assert_eq!(invites.len(), 3);
}
