//! Calls between two agents, or with a scripted one.

use std::time::Duration;

use antiphon_core::offer_answer::{Codec, Direction};
use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{
    ActionId, CallId, Command, Conclusion, EndCause, Event, Reinvite, Side,
};
use antiphon_sip::{HeaderName, Method, Response, StatusCode};
use antiphon_testkit::{Conditions, Heard, Simulation, for_seeds};

use super::support::*;

fn call_of(
    sim: &Simulation,
    agent: antiphon_testkit::Handle<antiphon_core::user_agent::UserAgent>,
) -> CallId {
    let call = sim.events(agent).iter().find_map(|(_, event)| match event {
        Event::Established { call, .. } | Event::IncomingCall { call, .. } => Some(*call),
        _ => None,
    });
    call.expect("a call")
}

#[test]
fn a_call_is_answered_and_hung_up_by_the_caller_rfc3261_13_15() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[180, 200]));
    sim.command(alice, call_bob());
    sim.run_for(Duration::from_secs(5));
    let outcome = outcome(&sim, alice);
    assert_eq!((outcome.conclusion, outcome.code), (Conclusion::Succeeded, Some(StatusCode::OK)));
    let call = outcome.call.unwrap();
    let media = sim.events(alice).iter().find_map(|(_, event)| match event {
        Event::Established { media, .. } => *media,
        _ => None,
    });
    let media = media.unwrap();
    assert_eq!((media.codec, media.remote), (Codec::Pcmu, Some("192.0.2.2:4000".parse().unwrap())));
    assert!(sim.events(alice).iter().any(|(_, event)| matches!(event,
        Event::Provisional { code, .. } if *code == StatusCode::RINGING)));
    sim.command(alice, Command::Hangup(call));
    sim.run_until_idle();
    let bye = EndCause::Bye { reason: None };
    assert_eq!(ends(&sim, alice), [(Side::Local, bye.clone())]);
    assert_eq!(ends(&sim, bob), [(Side::Remote, bye)]);
}

#[test]
fn a_call_is_hung_up_by_the_called_side_rfc3261_15() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[200]));
    sim.command(alice, call_bob());
    sim.run_for(Duration::from_secs(5));
    let call = call_of(&sim, bob);
    sim.command(bob, Command::Hangup(call));
    sim.run_until_idle();
    let bye = EndCause::Bye { reason: None };
    assert_eq!(ends(&sim, bob), [(Side::Local, bye.clone())]);
    assert_eq!(ends(&sim, alice), [(Side::Remote, bye)]);
}

#[test]
fn a_call_survives_loss_in_both_directions_rfc3261_13_3_1_4_17() {
    for_seeds(0..60, |seed| {
        let mut sim = Simulation::new(seed);
        sim.conditions(Conditions::rough().loss(0.2));
        let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[180, 200]));
        let mut place = place("sip:bob@192.0.2.2");
        place.duration = Some(Duration::from_secs(60));
        sim.command(alice, Command::Call(place));
        sim.run_until_idle();
        assert_eq!(outcome(&sim, alice).conclusion, Conclusion::Succeeded);
        assert_eq!((established(&sim, alice), established(&sim, bob)), (1, 1));
        assert_eq!((ends(&sim, alice).len(), ends(&sim, bob).len()), (1, 1));
    });
}

#[test]
fn a_busy_phone_is_told_rfc3261_21_4_24() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[486]));
    sim.command(alice, call_bob());
    sim.run_until_idle();
    let outcome = outcome(&sim, alice);
    assert_eq!(outcome.conclusion, Conclusion::Refused);
    assert_eq!((outcome.code.unwrap().as_u16(), outcome.reason.as_str()), (486, "Busy Here"));
    assert_eq!(outcome.tried.len(), 1);
    assert!(matches!(ends(&sim, bob)[..], [(Side::Local, EndCause::Refused { .. })]));
}

#[test]
fn a_ringing_call_is_cancelled_rfc3261_9_1() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[180]));
    sim.command(alice, call_bob());
    sim.run_for(Duration::from_secs(2));
    sim.command(alice, Command::Stop(ActionId(1)));
    sim.run_until_idle();
    let outcome = outcome(&sim, alice);
    assert_eq!(outcome.conclusion, Conclusion::Stopped);
    assert_eq!(outcome.code, Some(StatusCode::REQUEST_TERMINATED));
    assert_eq!(ends(&sim, bob), [(Side::Remote, EndCause::Cancelled { reason: None })]);
}

#[test]
fn a_cancel_waits_for_a_provisional_response_rfc3261_9_1() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        match request.method() {
            Method::Invite => {
                let ringing = heard.response(StatusCode::RINGING).unwrap();
                vec![heard.reply(ringing).after(Duration::from_secs(3))]
            }
            Method::Cancel => vec![heard.reply(heard.response(StatusCode::OK).unwrap())],
            _ => vec![],
        }
    });
    sim.command(agent, call_bob());
    sim.command_after(Duration::from_secs(1), agent, Command::Stop(ActionId(1)));
    sim.run_for(Duration::from_secs(2));
    assert_eq!(requests(&sim, peer, &Method::Cancel).len(), 0);
    sim.run_until_idle();
    assert!(!requests(&sim, peer, &Method::Cancel).is_empty());
    // No 487 ever came: given up 64*T1 after the CANCEL.
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Stopped);
    assert_eq!(ends(&sim, agent).len(), 1);
}

#[test]
fn a_2xx_that_crosses_the_cancel_is_acknowledged_and_hung_up_rfc3261_9_1() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        if is_invite(heard) {
            let ringing = heard.reply(heard.response(StatusCode::RINGING).unwrap());
            let ok = ok_to_invite(heard, "one").unwrap().after(Duration::from_millis(1500));
            return vec![ringing, ok];
        }
        ok_to_others(heard).into_iter().collect()
    });
    sim.command(agent, call_bob());
    sim.command_after(Duration::from_secs(1), agent, Command::Stop(ActionId(1)));
    sim.run_until_idle();
    assert_eq!(requests(&sim, peer, &Method::Ack).len(), 1);
    assert_eq!(requests(&sim, peer, &Method::Bye).len(), 1);
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Stopped);
    assert_eq!(established(&sim, agent), 0);
}

#[test]
fn the_second_2xx_of_a_fork_is_acknowledged_and_hung_up_rfc3261_13_2_2_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        if is_invite(heard) {
            let one = ok_to_invite(heard, "one").unwrap();
            let two = ok_to_invite(heard, "two").unwrap().after(Duration::from_millis(300));
            let again = one.clone().after(Duration::from_millis(500));
            return vec![one, two, again];
        }
        ok_to_others(heard).into_iter().collect()
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(60));
    let acks = requests(&sim, peer, &Method::Ack);
    let tags: Vec<_> = acks.iter().map(|ack| ack.to_tag().unwrap()).collect();
    assert_eq!(tags, ["one", "two", "one"], "each 2xx has its ACK");
    let invite = &requests(&sim, peer, &Method::Invite)[0];
    assert!(acks.iter().all(|ack| ack.cseq() == invite.cseq()));
    let byes = requests(&sim, peer, &Method::Bye);
    assert_eq!(byes.len(), 1);
    assert_eq!(byes[0].to_tag(), Some("two"));
    assert_eq!((established(&sim, agent), ends(&sim, agent).len()), (1, 0));
}

#[test]
fn a_2xx_is_repeated_until_its_ack_and_then_given_up_rfc3261_13_3_1_4() {
    let mut sim = Simulation::new(1);
    let agent = bob(&mut sim, &[200]);
    let peer = sim.add(
        antiphon_testkit::Setup::new(
            "alice",
            antiphon_testkit::RawPeer::answering(|heard| ok_to_others(heard).into_iter().collect()),
        )
        .udp(ALICE),
    );
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("", OFFER));
    sim.run_until_idle();
    let sent: Vec<_> = sim
        .node(peer)
        .heard()
        .iter()
        .filter(|heard| heard.as_response().is_some_and(|response| response.status().is_success()))
        .map(|heard| heard.at)
        .collect();
    let gaps: Vec<_> = sent.windows(2).map(|two| two[1].since(two[0]).as_millis()).collect();
    assert_eq!(gaps, [500, 1000, 2000, 4000, 4000, 4000, 4000, 4000, 4000, 4000]);
    let byes = requests(&sim, peer, &Method::Bye);
    assert_eq!(byes.len(), 1, "the session is ended");
    assert_eq!(ends(&sim, agent), [(Side::Network, EndCause::NoAck)]);
}

pub(crate) fn invite(more: &str, body: &str) -> String {
    let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "INVITE sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK1\r\n\
        From: <sip:alice@192.0.2.1>;tag=1\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: c1\r\n\
        CSeq: 10 INVITE\r\nContact: <sip:alice@192.0.2.1>\r\nMax-Forwards: 70\r\n{more}\
        {content_type}Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

#[test]
fn an_offer_in_the_2xx_is_answered_in_the_ack_rfc3261_13_2_1() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[200]));
    let mut place = place("sip:bob@192.0.2.2");
    place.late_offer = true;
    sim.command(alice, Command::Call(place));
    sim.run_for(Duration::from_secs(5));
    let agreed = |agent| {
        sim.events(agent).iter().rev().find_map(|(_, event)| match event {
            Event::Established { media: Some(media), .. } | Event::MediaChanged { media, .. } => {
                media.remote
            }
            _ => None,
        })
    };
    assert_eq!(agreed(alice), Some("192.0.2.2:4000".parse().unwrap()));
    assert_eq!(agreed(bob), Some("192.0.2.1:4000".parse().unwrap()));
}

#[test]
fn a_call_is_put_on_hold_by_a_reinvite_rfc3264_8_4() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[200]));
    sim.command(alice, call_bob());
    sim.run_for(Duration::from_secs(5));
    let call = call_of(&sim, alice);
    let direction = Direction::SendOnly;
    let hold = Reinvite { action: ActionId(2), call, media: None, direction };
    sim.command(alice, Command::Reinvite(hold));
    sim.run_for(Duration::from_secs(5));
    let changed = |agent| {
        sim.events(agent).iter().find_map(|(_, event)| match event {
            Event::MediaChanged { media, .. } => Some(media.direction),
            _ => None,
        })
    };
    assert_eq!(changed(alice), Some(Direction::SendOnly));
    assert_eq!(changed(bob), Some(Direction::RecvOnly));
    assert_eq!(outcome(&sim, alice).conclusion, Conclusion::Succeeded);
    sim.command(alice, Command::Hangup(call));
    sim.run_until_idle();
    assert_eq!((ends(&sim, alice).len(), ends(&sim, bob).len()), (1, 1));
}

#[test]
fn two_reinvites_at_once_meet_with_491_and_then_pass_each_other_rfc3261_14_1() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[200]));
    sim.command(alice, call_bob());
    sim.run_for(Duration::from_secs(5));
    for agent in [alice, bob] {
        let call = call_of(&sim, agent);
        let direction = Direction::SendOnly;
        let hold = Reinvite { action: ActionId(7), call, media: None, direction };
        sim.command(agent, Command::Reinvite(hold));
    }
    sim.run_for(Duration::from_secs(10));
    for agent in [alice, bob] {
        let outcome = outcome(&sim, agent);
        assert_eq!(outcome.conclusion, Conclusion::Succeeded);
        assert_eq!(outcome.tried[0].did, Some(Kind::GlareBackoff));
        assert_eq!(outcome.tried[0].code, Some(StatusCode::REQUEST_PENDING));
        assert_eq!(ends(&sim, agent).len(), 0);
    }
    // Whoever made the Call-ID waits longer.
    let again = |agent| outcome(&sim, agent).tried[1].at.since(outcome(&sim, agent).tried[0].at);
    assert!((2100..=4100).contains(&again(alice).as_millis()));
    assert!(again(bob) <= Duration::from_millis(2100));
}

#[test]
fn a_dialog_that_the_other_side_has_lost_ends_with_bye_rfc3261_12_2_1_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peer = raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        match request.method() {
            Method::Invite => vec![ok_to_invite(heard, "one").unwrap()],
            Method::Ack => vec![],
            _ => {
                let gone = StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST;
                vec![heard.reply(Response::builder(&request, gone).build().to_bytes())]
            }
        }
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(1));
    let info = antiphon_core::user_agent::InCall {
        action: ActionId(2),
        call: call_of(&sim, agent),
        method: Method::Info,
        headers: vec![],
        body: None,
    };
    sim.command(agent, Command::InCall(info));
    sim.run_for(Duration::from_secs(60));
    assert_eq!(requests(&sim, peer, &Method::Bye).len(), 1);
    let lost = EndCause::Lost { code: Some(StatusCode::CALL_OR_TRANSACTION_DOES_NOT_EXIST) };
    assert_eq!(ends(&sim, agent), [(Side::Network, lost)]);
}

#[test]
fn the_whole_action_is_bounded_by_its_timeout() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[180]));
    let mut place = place("sip:bob@192.0.2.2");
    place.ask.timeout = Some(Duration::from_secs(5));
    sim.command(alice, Command::Call(place));
    sim.run_until_idle();
    assert_eq!(outcome(&sim, alice).conclusion, Conclusion::TimeUp);
    assert_eq!(ends(&sim, bob), [(Side::Remote, EndCause::Cancelled { reason: None })]);
    let (at, _) = sim.events(alice).last().unwrap();
    assert_eq!(at.since(outcome(&sim, alice).begun).as_secs(), 5);
}

#[test]
fn ringing_is_given_up_after_three_minutes_and_repeated_every_minute_rfc3261_13_3_1_1() {
    let mut sim = Simulation::new(1);
    let mut patient = config("bob", BOB);
    patient.answering = Some(script(&[180]));
    patient.patience.answer = Duration::from_secs(1000);
    let alice = alice(&mut sim);
    let bob = add(&mut sim, "bob", BOB, patient);
    sim.command(alice, call_bob());
    sim.run_until_idle();
    let ringing =
        sim.between(bob, alice).filter(|record| record.octets.starts_with(b"SIP/2.0 180"));
    assert_eq!(ringing.count(), 4, "at once, and after each minute");
    let outcome = outcome(&sim, alice);
    assert_eq!(outcome.conclusion, Conclusion::TimeUp);
    assert_eq!(outcome.ended.since(outcome.begun).as_secs(), 180);
}

#[test]
fn both_sides_carry_contact_allow_and_supported_rfc3261_13_3_1_4() {
    let mut sim = Simulation::new(1);
    let agent = bob(&mut sim, &[180, 200]);
    let peer = sim
        .add(antiphon_testkit::Setup::new("alice", antiphon_testkit::RawPeer::silent()).udp(ALICE));
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("Record-Route: <sip:192.0.2.1;lr>\r\n", OFFER));
    sim.run_for(Duration::from_secs(2));
    for response in responses(&sim, peer).iter().filter(|response| response.status().as_u16() > 100)
    {
        for name in [HeaderName::Contact, HeaderName::Allow, HeaderName::Supported] {
            assert!(response.headers().has(name), "{name}");
        }
        assert_eq!(response.headers().text(HeaderName::RecordRoute), Some("<sip:192.0.2.1;lr>"));
        assert!(response.to_tag().is_some());
    }
}

#[test]
fn a_call_over_tcp_between_addresses_of_version_6_rfc3261_18() {
    let mut sim = Simulation::new(1);
    let (here, there) = ("[2001:db8::1]:5060", "[2001:db8::2]:5060");
    let alice = add(&mut sim, "alice", here, config("alice", here));
    let mut answering = config("bob", there);
    answering.answering = Some(script(&[180, 200]));
    let bob = add(&mut sim, "bob", there, answering);
    let mut place = place("sip:bob@[2001:db8::2];transport=tcp");
    place.media = "[2001:db8::1]:4000".parse().unwrap();
    sim.command(alice, Command::Call(place));
    sim.run_for(Duration::from_secs(5));
    assert_eq!((established(&sim, alice), established(&sim, bob)), (1, 1));
    let call = call_of(&sim, bob);
    sim.command(bob, Command::Hangup(call));
    sim.run_until_idle();
    assert_eq!((ends(&sim, alice).len(), ends(&sim, bob).len()), (1, 1));
    assert_eq!(
        sim.events(bob).iter().filter(|(_, event)| matches!(event, Event::Outcome(_))).count(),
        0
    );
}

#[test]
fn the_ack_goes_where_the_contact_says_even_to_a_name_rfc3261_13_2_2_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    sim.host("phone.example.org", &["192.0.2.3"]);
    raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request().filter(|_| is_invite(heard)) else { return vec![] };
        let response = Response::builder(&request, StatusCode::OK)
            .to_tag("one")
            .header(HeaderName::Contact, "<sip:bob@phone.example.org:5080>")
            .body("application/sdp", OFFER)
            .build();
        let ok = heard.reply(response.to_bytes());
        vec![ok.clone(), ok.after(Duration::from_secs(1))]
    });
    let phone = sim.add(
        antiphon_testkit::Setup::new("phone", antiphon_testkit::RawPeer::silent())
            .udp("192.0.2.3:5080"),
    );
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(5));
    let acks = requests(&sim, phone, &Method::Ack);
    assert_eq!(acks.len(), 2, "one for each 2xx");
    assert_eq!(acks[0].uri_text(), "sip:bob@phone.example.org:5080");
}

#[test]
fn the_called_side_does_not_hang_up_before_the_ack_rfc3261_15() {
    let mut sim = Simulation::new(1);
    let agent = bob(&mut sim, &[200]);
    let peer = sim.add(
        antiphon_testkit::Setup::new(
            "alice",
            antiphon_testkit::RawPeer::answering(|heard| ok_to_others(heard).into_iter().collect()),
        )
        .udp(ALICE),
    );
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("", OFFER));
    sim.run_for(Duration::from_secs(1));
    let call = call_of(&sim, agent);
    sim.command(agent, Command::Hangup(call));
    sim.run_for(Duration::from_secs(1));
    assert!(requests(&sim, peer, &Method::Bye).is_empty());
    let tag = responses(&sim, peer).last().unwrap().to_tag().unwrap().to_owned();
    let ack = invite("", "")
        .replace("INVITE", "ACK")
        .replace("z9hG4bK1", "z9hG4bK2")
        .replace("To: <sip:bob@192.0.2.2>", &format!("To: <sip:bob@192.0.2.2>;tag={tag}"));
    sim.send(peer, flow, ack);
    sim.run_until_idle();
    assert_eq!(requests(&sim, peer, &Method::Bye).len(), 1);
    assert_eq!(ends(&sim, agent), [(Side::Local, EndCause::Bye { reason: None })]);
}

#[test]
fn early_media_is_told_and_an_early_dialog_ends_rfc3261_13_2_1_rfc6228_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request().filter(|_| is_invite(heard)) else { return vec![] };
        let early = Response::builder(&request, StatusCode::SESSION_PROGRESS)
            .to_tag("one")
            .header(HeaderName::Contact, "<sip:bob@192.0.2.2>")
            .body("application/sdp", OFFER)
            .build();
        let ended = Response::builder(&request, status(199)).to_tag("one").build();
        let ok = ok_to_invite(heard, "two").unwrap().after(Duration::from_secs(2));
        let ended = heard.reply(ended.to_bytes()).after(Duration::from_secs(1));
        vec![heard.reply(early.to_bytes()), ended, ok]
    });
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(5));
    let told: Vec<_> = sim
        .events(agent)
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Provisional { code, to_tag, media, .. } => {
                Some((code.as_u16(), to_tag.clone(), media.is_some()))
            }
            _ => None,
        })
        .collect();
    assert_eq!(told, [(183, "one".into(), true), (199, "one".into(), false)]);
    assert_eq!(established(&sim, agent), 1);
}

#[test]
fn a_shutdown_ends_what_is_under_way_and_tells_when_it_is_done() {
    let mut sim = Simulation::new(1);
    let (alice, bob) = (alice(&mut sim), bob(&mut sim, &[180, 200]));
    sim.command(alice, call_bob());
    sim.run_for(Duration::from_secs(5));
    for agent in [alice, bob] {
        sim.command(agent, Command::Shutdown);
    }
    sim.run_until_idle();
    for agent in [alice, bob] {
        assert!(matches!(sim.events(agent).last(), Some((_, Event::Idle))));
        assert_eq!((ends(&sim, agent).len(), sim.node(agent).calls()), (1, 0));
    }
}
