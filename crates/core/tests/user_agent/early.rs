//! Provisional responses to an INVITE of ours: early dialogs, PRACK, and how long it rings.

use std::time::Duration;

use antiphon_core::offer_answer::Direction;
use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{
    ActionId, Command, Conclusion, Event, Progress, Reinvite, Reliability, UserAgent,
};
use antiphon_sip::header::RAck;
use antiphon_sip::message::ResponseBuilder;
use antiphon_sip::{HeaderName, Method, OptionTag, Response, StatusCode};
use antiphon_testkit::{Conditions, Handle, Heard, RawPeer, Send, Simulation, for_seeds};

use super::support::*;

/// A response of a branch: its tag, a Contact, and what the closure adds.
fn branch(
    heard: &Heard,
    code: u16,
    tag: &str,
    more: impl FnOnce(ResponseBuilder<'_>) -> ResponseBuilder<'_>,
) -> Send {
    let request = heard.as_request().unwrap();
    let builder = Response::builder(&request, status(code))
        .to_tag(tag)
        .header(HeaderName::Contact, format_args!("<sip:{tag}@192.0.2.2>"));
    heard.reply(more(builder).build().to_bytes())
}

fn plain(heard: &Heard, code: u16, tag: &str) -> Send {
    branch(heard, code, tag, |builder| builder)
}

/// The same, to be acknowledged.
fn reliable(heard: &Heard, code: u16, tag: &str, number: u32, sdp: &'static str) -> Send {
    branch(heard, code, tag, |builder| {
        let builder =
            builder.header(HeaderName::Require, "100rel").header(HeaderName::RSeq, number);
        if sdp.is_empty() { builder } else { builder.body("application/sdp", sdp) }
    })
}

fn at(send: Send, millis: u64) -> Send {
    send.after(Duration::from_millis(millis))
}

/// A peer that answers an INVITE with these, everything else with 200.
fn peer(
    sim: &mut Simulation,
    to_invite: impl Fn(&Heard) -> Vec<Send> + 'static,
) -> Handle<RawPeer> {
    raw(sim, move |heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        match request.method() {
            Method::Invite => to_invite(heard),
            Method::Ack => vec![],
            _ => heard.response(StatusCode::OK).map(|ok| heard.reply(ok)).into_iter().collect(),
        }
    })
}

/// What the provisional responses were told to mean, with their tags.
fn told(sim: &Simulation, agent: Handle<UserAgent>) -> Vec<(Progress, String)> {
    let told = |event: &Event| match event {
        Event::Provisional { meaning, to_tag, .. } => Some((*meaning, to_tag.clone())),
        _ => None,
    };
    sim.events(agent).iter().filter_map(|(_, event)| told(event)).collect()
}

#[test]
fn a_reliable_response_is_acknowledged_in_its_early_dialog_rfc3262_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![
            reliable(heard, 180, "a", 500, ""),
            at(reliable(heard, 180, "a", 500, ""), 500),
            at(reliable(heard, 183, "a", 501, OFFER), 1000),
            at(plain(heard, 486, "a"), 3000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    let invite = &requests(&sim, peer, &Method::Invite)[0];
    assert!(invite.headers().text(HeaderName::Supported).unwrap().contains("100rel"));
    let pracks = requests(&sim, peer, &Method::Prack);
    assert_eq!(pracks.len(), 2, "one for each RSeq");
    for (index, prack) in pracks.iter().enumerate() {
        let number = u32::try_from(index).unwrap();
        let rack: RAck<'_> = prack.headers().field().unwrap().unwrap();
        assert_eq!(rack.to_string(), format!("{} {} INVITE", 500 + number, invite.cseq()));
        assert_eq!(prack.cseq(), invite.cseq() + 1 + number, "numbers of the dialog");
        assert_eq!((prack.to_tag(), prack.uri_text()), (Some("a"), "sip:a@192.0.2.2"));
        assert!(!prack.headers().has(HeaderName::Contact), "RFC 3262 §6");
    }
    let meanings: Vec<_> = told(&sim, agent).into_iter().map(|(meaning, _)| meaning).collect();
    assert_eq!(meanings, [Progress::Ringing, Progress::Session], "once each");
}

#[test]
fn what_comes_out_of_order_is_neither_acknowledged_nor_acted_on_rfc3262_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![
            reliable(heard, 180, "a", 7, ""),
            at(reliable(heard, 183, "a", 9, OFFER), 100),
            at(reliable(heard, 181, "a", 8, ""), 200),
            at(reliable(heard, 183, "a", 9, OFFER), 300),
            at(plain(heard, 486, "a"), 1000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    let numbers: Vec<_> = requests(&sim, peer, &Method::Prack)
        .iter()
        .map(|prack| prack.headers().field::<RAck<'_>>().unwrap().unwrap().rseq)
        .collect();
    assert_eq!(numbers, [7, 8, 9]);
    assert_eq!(told(&sim, agent).len(), 3);
}

#[test]
fn each_branch_has_its_own_numbers_and_dialog_rfc3262_4_rfc3261_12_1_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![
            reliable(heard, 180, "a", 100, ""),
            at(reliable(heard, 180, "b", 9000, ""), 10),
            at(reliable(heard, 183, "a", 101, ""), 20),
            at(branch(heard, 200, "b", |ok| ok.body("application/sdp", OFFER)), 30),
            at(branch(heard, 200, "a", |ok| ok.body("application/sdp", OFFER)), 40),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(5));
    let cseq = requests(&sim, peer, &Method::Invite)[0].cseq();
    let pracks: Vec<_> = requests(&sim, peer, &Method::Prack)
        .iter()
        .map(|prack| (prack.to_tag().unwrap().to_owned(), prack.cseq() - cseq))
        .collect();
    assert_eq!(pracks, [("a".into(), 1), ("b".into(), 1), ("a".into(), 2)]);
    let byes = requests(&sim, peer, &Method::Bye);
    assert_eq!(byes.len(), 1, "the second 2xx is hung up (RFC 3261 §13.2.2.4)");
    assert_eq!((byes[0].to_tag(), byes[0].cseq() - cseq), (Some("a"), 3), "§12.2.1.1");
    assert_eq!((established(&sim, agent), ends(&sim, agent).len()), (1, 0));
}

#[test]
fn an_answer_in_a_reliable_response_stands_rfc3262_5_rfc3261_13_2_1() {
    const OTHER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\n\
        t=0 0\r\nm=audio 7000 RTP/AVP 0\r\n";
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    peer(&mut sim, |heard| {
        vec![
            reliable(heard, 183, "a", 1, OFFER),
            at(branch(heard, 183, "b", |early| early.body("application/sdp", OTHER)), 50),
            at(branch(heard, 200, "a", |ok| ok.body("application/sdp", OTHER)), 100),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(5));
    let remote = sim.events(agent).iter().find_map(|(_, event)| match event {
        Event::Established { media, .. } => media.and_then(|media| media.remote),
        _ => None,
    });
    assert_eq!(remote, Some("192.0.2.2:6000".parse().unwrap()), "neither the 2xx nor branch b");
    let early: Vec<_> = sim
        .events(agent)
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Provisional { to_tag, media: Some(media), .. } => {
                Some((to_tag.clone(), media.remote.unwrap().port()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(early, [("a".to_owned(), 6000), ("b".to_owned(), 7000)]);
}

#[test]
fn an_offer_in_a_reliable_response_is_answered_in_prack_rfc3262_5() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        vec![reliable(heard, 183, "a", 1, OFFER), at(plain(heard, 200, "a"), 500)]
    });
    let mut late = place("sip:bob@192.0.2.2");
    late.late_offer = true;
    sim.command(agent, Command::Call(late));
    sim.run_for(Duration::from_secs(5));
    let prack = &requests(&sim, peer, &Method::Prack)[0];
    assert!(String::from_utf8_lossy(prack.body()).contains("m=audio 4000 RTP/AVP 0"));
    let ack = &requests(&sim, peer, &Method::Ack)[0];
    assert!(ack.body().is_empty(), "offer and answer are complete");
    assert_eq!(established(&sim, agent), 1);
    assert_eq!(ends(&sim, agent).len(), 0);
}

#[test]
fn a_required_extension_is_required_of_invite_alone_rfc3262_4() {
    let mut sim = Simulation::new(1);
    let mut config = config("alice", ALICE);
    config.reliability = Reliability::Required;
    let agent = add(&mut sim, "alice", ALICE, config);
    let peer = peer(&mut sim, |heard| {
        vec![reliable(heard, 180, "a", 1, ""), at(plain(heard, 486, "a"), 100)]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    let required = |method: &Method| {
        requests(&sim, peer, method)[0].headers().text(HeaderName::Require).map(str::to_owned)
    };
    assert_eq!(required(&Method::Invite).as_deref(), Some("100rel"));
    assert_eq!(required(&Method::Prack), None);
}

#[test]
fn two_agents_agree_by_prack_whatever_is_lost_rfc3262() {
    for_seeds(0..60, |seed| {
        let mut sim = Simulation::new(seed);
        sim.conditions(Conditions::rough().loss(0.2));
        let alice = alice(&mut sim);
        let mut config = config("bob", BOB);
        config.reliability = Reliability::Required;
        config.answering = Some(script(&[180, 183, 200]));
        let bob = add(&mut sim, "bob", BOB, config);
        let mut place = place("sip:bob@192.0.2.2");
        place.late_offer = seed % 2 == 0;
        place.duration = Some(Duration::from_secs(20));
        sim.command(alice, Command::Call(place));
        sim.run_until_idle();
        assert_eq!(outcome(&sim, alice).conclusion, Conclusion::Succeeded);
        assert_eq!((established(&sim, alice), established(&sim, bob)), (1, 1));
        assert_eq!((ends(&sim, alice).len(), ends(&sim, bob).len()), (1, 1));
        let media = |agent: Handle<UserAgent>| {
            let events = sim.events(agent).iter();
            events.rev().find_map(|(_, event)| match event {
                Event::Established { media: Some(media), .. }
                | Event::MediaChanged { media, .. } => media.remote,
                _ => None,
            })
        };
        assert_eq!(media(alice), Some("192.0.2.2:4000".parse().unwrap()));
        assert_eq!(media(bob), Some("192.0.2.1:4000".parse().unwrap()));
    });
}

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

/// A request of the called side within an early dialog.
fn update(heard: &Heard, tag: &str, cseq: u32, body: &str) -> Send {
    let invite = heard.as_request().unwrap();
    let kind = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    heard.reply(format!(
        "UPDATE {} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2:5060;branch=z9hG4bKu{cseq}\r\n\
        From: {};tag={tag}\r\nTo: {}\r\nCall-ID: {}\r\nCSeq: {cseq} UPDATE\r\n\
        Contact: <sip:{tag}@192.0.2.2>\r\nMax-Forwards: 70\r\n{kind}Content-Length: {}\r\n\r\n{body}",
        "sip:alice@192.0.2.1",
        invite.to_text(),
        invite.from_text(),
        invite.call_id(),
        body.len(),
    ))
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

#[test]
fn what_is_malformed_is_not_acknowledged_rfc3262_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        let bad = |tag: &str, name, value: &str| {
            branch(heard, 180, tag, |builder| {
                builder.header(HeaderName::Require, OptionTag::Rel100).header(name, value)
            })
        };
        vec![
            bad("a", HeaderName::RSeq, "0"),
            bad("b", HeaderName::RSeq, "-1"),
            bad("c", HeaderName::RSeq, "99999999999"),
            bad("d", HeaderName::Subject, "no number at all"),
            at(plain(heard, 486, "a"), 1000),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_until_idle();
    assert_eq!(requests(&sim, peer, &Method::Prack).len(), 0);
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Refused);
}

#[test]
fn any_provisional_responses_whatsoever_leave_a_call_that_ends_once_rfc3262_rfc6228() {
    for_seeds(0..200, |seed| {
        let mut sim = Simulation::new(seed);
        let agent = alice(&mut sim);
        let draws: Vec<_> = (0..40).map(|_| sim.draw()).collect();
        let last = [200, 486, 302, 183][usize::try_from(sim.draw() % 4).unwrap()];
        peer(&mut sim, move |heard| {
            let mut sends: Vec<_> = draws
                .iter()
                .enumerate()
                .map(|(index, draw)| {
                    let code = [180, 181, 182, 183, 199, 150][usize::try_from(draw % 6).unwrap()];
                    let tag = ["a", "b", "c"][usize::try_from(draw / 8 % 3).unwrap()];
                    let number = u32::try_from(draw / 32 % 6).unwrap();
                    let sdp = ["", OFFER, "v=0"][usize::try_from(draw / 256 % 3).unwrap()];
                    let send = match draw / 1024 % 3 {
                        0 => plain(heard, code, tag),
                        1 => update(heard, tag, number + 1, sdp),
                        _ => reliable(heard, code, tag, number, sdp),
                    };
                    at(send, 10 * u64::try_from(index).unwrap())
                })
                .collect();
            sends.push(at(branch(heard, last, "b", |ok| ok.body("application/sdp", OFFER)), 900));
            sends
        });
        let mut place = place("sip:bob@192.0.2.2");
        place.late_offer = seed % 2 == 0;
        place.duration = Some(Duration::from_secs(5));
        sim.command(agent, Command::Call(place));
        sim.run_for(Duration::from_secs(2));
        sim.command(agent, Command::Shutdown);
        sim.run_until_idle();
        assert_eq!((outcomes(&sim, agent).len(), ends(&sim, agent).len()), (1, 1));
        assert!(matches!(sim.events(agent).last(), Some((_, Event::Idle))));
    });
}

#[test]
fn a_reliable_response_to_a_reinvite_is_acknowledged_in_the_call_rfc3262_4() {
    const MOVED: &str = "v=0\r\no=- 1 2 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\n\
        t=0 0\r\nm=audio 7000 RTP/AVP 0\r\n";
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = peer(&mut sim, |heard| {
        if heard.as_request().is_some_and(|invite| invite.to_tag().is_none()) {
            return vec![branch(heard, 200, "a", |ok| ok.body("application/sdp", OFFER))];
        }
        vec![
            reliable(heard, 183, "a", 41, MOVED),
            at(reliable(heard, 183, "a", 41, MOVED), 100),
            at(plain(heard, 200, "a"), 500),
        ]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(1));
    let call = outcome(&sim, agent).call.unwrap();
    let reinvite =
        Reinvite { action: ActionId(2), call, media: None, direction: Direction::SendRecv };
    sim.command(agent, Command::Reinvite(reinvite));
    sim.run_for(Duration::from_secs(5));
    let cseq = requests(&sim, peer, &Method::Invite)[1].cseq();
    let pracks = requests(&sim, peer, &Method::Prack);
    let racks: Vec<_> =
        pracks.iter().map(|prack| prack.headers().text(HeaderName::RAck).unwrap()).collect();
    assert_eq!(racks, [format!("41 {cseq} INVITE")]);
    let remote = sim.events(agent).iter().rev().find_map(|(_, event)| match event {
        Event::MediaChanged { media, .. } => media.remote,
        _ => None,
    });
    assert_eq!(remote, Some("192.0.2.2:7000".parse().unwrap()));
    assert_eq!(outcomes(&sim, agent)[1].conclusion, Conclusion::Succeeded);
    assert_eq!(ends(&sim, agent).len(), 0);
}
