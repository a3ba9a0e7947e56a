//! Provisional responses to an INVITE of ours: early dialogs, and how long it rings.

use std::time::Duration;

use antiphon_core::offer_answer::Direction;
use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{ActionId, Command, Conclusion, Event, Progress};
use antiphon_sip::{HeaderName, Method};
use antiphon_testkit::{Heard, Simulation};

use super::branches::*;
use super::support::*;

#[test]
fn each_provisional_response_is_told_with_its_meaning_rfc3261_21_1_rfc6228_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    peer(&mut sim, |heard| {
        vec![
            plain(heard, 180, "a"),
            at(plain(heard, 181, "b"), 10),
            at(branch(heard, 182, "b", |queued| queued.reason("Place 3")), 20),
            at(plain(heard, 183, "b"), 30),
            at(
                branch(heard, 199, "a", |ended| {
                    ended.header(HeaderName::Reason, "Q.850;cause=17, SIP;cause=486")
                }),
                40,
            ),
            at(plain(heard, 177, "b"), 50),
            at(plain(heard, 486, "b"), 1000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    let told = told(&sim, agent);
    let meanings: Vec<_> = told.iter().map(|(meaning, tag)| (*meaning, &**tag)).collect();
    let ended = Progress::BranchEnded { cause: Some(486) };
    assert_eq!(
        meanings,
        [
            (Progress::Ringing, "a"),
            (Progress::Forwarded, "b"),
            (Progress::Queued, "b"),
            (Progress::Session, "b"),
            (ended, "a"),
            (Progress::Session, "b"),
        ]
    );
    let place = sim.events(agent).iter().find_map(|(_, event)| match event {
        Event::Provisional { meaning: Progress::Queued, reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert_eq!(place.as_deref(), Some("Place 3"), "§21.1.4");
    let words = sim.events(agent).iter().filter_map(|(_, event)| match event {
        Event::Provisional { told, .. } => Some((told.reaction, told.person)),
        _ => None,
    });
    let words: Vec<_> = words.collect();
    assert_eq!(words[0], (Kind::Ring, "The phone at the other end is ringing."));
    assert_eq!(words[4].0, Kind::EndEarlyDialog);
}

#[test]
fn a_branch_that_has_ended_has_no_dialog_any_more_rfc6228_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![
            plain(heard, 180, "a"),
            at(update(heard, "a", 1, ""), 10),
            at(plain(heard, 199, "a"), 20),
            at(update(heard, "a", 2, ""), 30),
            at(plain(heard, 486, "a"), 1000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    let codes: Vec<_> =
        responses(&sim, peer).iter().map(|response| response.status().as_u16()).collect();
    assert_eq!(codes, [200, 481]);
}

#[test]
fn a_reliable_199_is_acknowledged_before_its_dialog_goes_rfc6228_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![
            reliable(heard, 180, "a", 1, ""),
            at(reliable(heard, 199, "a", 2, ""), 20),
            at(plain(heard, 486, "x"), 1000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    assert_eq!(requests(&sim, peer, &Method::Prack).len(), 2);
}

#[test]
fn an_offer_in_an_early_dialog_waits_for_the_answer_to_ours_rfc3311_5_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![
            plain(heard, 180, "a"),
            at(update(heard, "a", 1, OFFER), 10),
            at(reliable(heard, 183, "a", 1, OFFER), 20),
            at(update(heard, "a", 2, &format!("{OFFER}a=sendonly\r\n")), 30),
            at(branch(heard, 200, "a", |ok| ok), 1000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(5));
    let told: Vec<_> = sim
        .events(agent)
        .iter()
        .filter_map(|(_, event)| match event {
            Event::EarlyMediaChanged { to_tag, media, .. } => Some((&**to_tag, media.direction)),
            _ => None,
        })
        .collect();
    assert_eq!(told, [("a", Direction::RecvOnly)]);
    let answers: Vec<_> = responses(&sim, peer)
        .iter()
        .map(|response| (response.status().as_u16(), response.body().is_empty()))
        .collect();
    assert_eq!(answers, [(491, true), (200, false)]);
    assert_eq!((established(&sim, agent), ends(&sim, agent).len()), (1, 0));
}

#[test]
fn no_more_than_twenty_branches_are_kept_rfc3261_12_1() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        let mut sends: Vec<_> =
            (1..=30).map(|index| reliable(heard, 180, &format!("t{index}"), 1, "")).collect();
        sends.push(at(plain(heard, 486, "a"), 1000));
        sends
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    assert_eq!(requests(&sim, peer, &Method::Prack).len(), 20);
    assert_eq!(told(&sim, agent).len(), 20);
}

/// How long an INVITE is waited for until CANCEL.
fn patience(queued: &'static [u64]) -> u64 {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        let queued = queued.iter().map(|second| at(plain(heard, 182, "a"), second * 1000));
        std::iter::once(plain(heard, 180, "a")).chain(queued).collect()
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(4000));
    assert_eq!(requests(&sim, peer, &Method::Cancel).len(), 1);
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::TimeUp);
    let heard = sim.node(peer).heard();
    let at = |method: Method| {
        let is = |heard: &&Heard| heard.as_request().is_some_and(|one| *one.method() == method);
        heard.iter().find(is).unwrap().at
    };
    at(Method::Cancel).since(at(Method::Invite)).as_secs()
}

#[test]
fn ringing_ends_with_cancel_after_three_minutes_rfc3261_9_1() {
    assert_eq!(patience(&[]), 180);
}

#[test]
fn a_queue_extends_the_wait_up_to_half_an_hour_rfc3261_21_1_4() {
    assert_eq!(patience(&[100]), 280);
    let every_two_minutes: &'static [u64] =
        &[120, 240, 360, 480, 600, 720, 840, 960, 1080, 1200, 1320, 1440, 1560, 1680, 1800, 1920];
    assert_eq!(patience(every_two_minutes), 1800);
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_hung_up_in_its_early_dialog_rfc3261_9_1_13_2_2_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![
            reliable(heard, 180, "a", 1, ""),
            at(branch(heard, 200, "a", |ok| ok.body("application/sdp", OFFER)), 2000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(1));
    sim.command(agent, Command::Stop(ActionId(1)));
    sim.run_until_idle();
    assert_eq!(requests(&sim, peer, &Method::Ack).len(), 1);
    let cseq = requests(&sim, peer, &Method::Invite)[0].cseq();
    let byes = requests(&sim, peer, &Method::Bye);
    assert_eq!((byes.len(), byes[0].cseq() - cseq), (1, 2), "behind the PRACK");
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Stopped);
}

#[test]
fn another_branch_may_answer_until_64_t1_have_passed_rfc3261_13_2_2_4() {
    for (after, byes) in [(31, 1), (33, 0)] {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        let peer = peer(&mut sim, move |heard| {
            let ok = |tag| branch(heard, 200, tag, |ok| ok.body("application/sdp", OFFER));
            vec![reliable(heard, 180, "late", 1, ""), ok("first"), at(ok("late"), after * 1000)]
        });
        sim.command(agent, call_bob());
        sim.run_for(Duration::from_secs(60));
        assert_eq!(requests(&sim, peer, &Method::Bye).len(), byes, "after {after} s");
    }
}

#[test]
fn a_1xx_to_another_method_changes_nothing_rfc4320_4_1() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard| {
        let mut sends: Vec<_> =
            [180, 183, 199].iter().map(|code| reliable(heard, *code, "a", 1, OFFER)).collect();
        sends.push(at(plain(heard, 200, "a"), 3000));
        sends
    });
    sim.command(agent, Command::Options(ask("sip:bob@192.0.2.2")));
    sim.run_until_idle();
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
    assert_eq!(told(&sim, agent), []);
    assert_eq!(requests(&sim, peer, &Method::Prack).len(), 0);
}
