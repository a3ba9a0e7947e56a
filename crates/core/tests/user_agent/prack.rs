//! Reliable provisional responses to an INVITE of ours (RFC 3262 §4, §5).

use std::time::Duration;

use antiphon_core::offer_answer::Direction;
use antiphon_core::user_agent::{
    ActionId, Command, Conclusion, Event, Progress, Reinvite, Reliability, UserAgent,
};
use antiphon_sip::header::RAck;
use antiphon_sip::{HeaderName, Method, OptionTag};
use antiphon_testkit::{Conditions, Handle, Simulation, for_seeds};

use super::branches::*;
use super::support::*;

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
