//! Provisional responses of ours, and what an incoming INVITE has to keep to.

use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_core::user_agent::{
    CallId, Command, EndCause, Event, Reliability, Reply, Side, UserAgent, UserAgentConfig,
};
use antiphon_sip::header::RSeq;
use antiphon_sip::{HeaderName, OptionTag, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Setup, Simulation};

use super::calls::invite;
use super::server::within;
use super::support::*;

struct Scene {
    sim: Simulation,
    agent: Handle<UserAgent>,
    peer: Handle<RawPeer>,
}

impl Scene {
    fn new(change: impl FnOnce(&mut UserAgentConfig)) -> Self {
        let mut sim = Simulation::new(1);
        let mut config = config("bob", BOB);
        change(&mut config);
        let agent = add(&mut sim, "bob", BOB, config);
        let peer = sim.add(Setup::new("alice", RawPeer::silent()).udp(ALICE));
        Self { sim, agent, peer }
    }

    /// An INVITE with these header fields, and the call it makes.
    fn invited(
        more: &str,
        body: &str,
        change: impl FnOnce(&mut UserAgentConfig),
    ) -> (Self, CallId) {
        let mut scene = Self::new(change);
        scene.send(invite(more, body));
        let call = scene.sim.events(scene.agent).iter().find_map(|(_, event)| match event {
            Event::IncomingCall { call, .. } => Some(*call),
            _ => None,
        });
        let call = call.expect("a call");
        (scene, call)
    }

    fn send(&mut self, text: String) {
        let flow = self.sim.flow(self.peer, self.agent);
        self.sim.send(self.peer, flow, text);
        self.sim.run_for(Duration::from_millis(50));
    }

    fn respond(&mut self, call: CallId, code: u16, change: impl FnOnce(&mut Reply)) {
        let mut reply = Reply::new(status(code));
        change(&mut reply);
        self.sim.command(self.agent, Command::Respond { call, reply });
        self.sim.run_for(Duration::from_millis(50));
    }

    fn heard(&self) -> Vec<(Time, Response)> {
        let heard = self.sim.node(self.peer).heard().iter();
        heard.filter_map(|heard: &Heard| Some((heard.at, heard.as_response()?))).collect()
    }

    fn codes(&self) -> Vec<u16> {
        let codes = self.heard().into_iter().map(|(_, response)| response.status().as_u16());
        codes.filter(|code| *code > 100).collect()
    }

    fn last(&self) -> Response {
        self.heard().pop().unwrap().1
    }

    /// Acknowledges the last response, in its dialog.
    fn prack(&mut self, cseq: u32, body: &str) {
        let last = self.last();
        let number: RSeq = last.headers().field().unwrap().unwrap();
        let rack = format!("RAck: {number} 10 INVITE\r\nMax-Forwards");
        let prack = within(last.to_tag().unwrap(), "PRACK", cseq, body);
        self.send(prack.replacen("Max-Forwards", &rack, 1));
    }
}

const SUPPORTED: &str = "Supported: 100rel\r\n";
const REQUIRED: &str = "Require: 100rel\r\n";

fn media(reply: &mut Reply) {
    reply.media = Some("192.0.2.2:4000".parse().unwrap());
}

#[test]
fn a_reliable_response_is_repeated_with_doubling_intervals_until_64_t1_rfc3262_3() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    scene.sim.run_for(Duration::from_secs(40));
    let heard = scene.heard();
    let ringing: Vec<_> =
        heard.iter().filter(|(_, response)| response.status().as_u16() == 180).collect();
    let gaps: Vec<_> = ringing
        .iter()
        .zip(ringing.iter().skip(1))
        .map(|((before, _), (after, _))| after.since(*before).as_millis())
        .collect();
    assert_eq!(gaps, [500, 1000, 2000, 4000, 8000, 16000], "no cap at T2");
    let first = &ringing[0].1;
    assert_eq!(first.headers().text(HeaderName::Require), Some("100rel"));
    let number: RSeq = first.headers().field().unwrap().unwrap();
    assert!((1..1 << 31).contains(&number.0));
    assert!(first.headers().has(HeaderName::Contact) && first.to_tag().is_some());
    let (at, refused) = heard.iter().find(|(_, last)| last.status().is_final()).unwrap();
    assert_eq!(refused.status().as_u16(), 500);
    assert_eq!(at.since(ringing[0].0).as_secs(), 32);
    assert!(matches!(ends(&scene.sim, scene.agent)[..], [(Side::Local, EndCause::Refused { .. })]));
}

#[test]
fn it_is_sent_reliably_only_where_that_is_understood_and_wanted_rfc3262_3() {
    for (caller, ours, asked, reliably) in [
        ("", Reliability::Required, true, None),
        ("", Reliability::Supported, true, Some(false)),
        (SUPPORTED, Reliability::Supported, false, Some(false)),
        (SUPPORTED, Reliability::Supported, true, Some(true)),
        (SUPPORTED, Reliability::Required, false, Some(true)),
        (SUPPORTED, Reliability::Never, true, Some(false)),
        (REQUIRED, Reliability::Supported, false, Some(true)),
        (REQUIRED, Reliability::Never, false, None),
    ] {
        let mut scene = Scene::new(|config| {
            config.reliability = ours;
            let mut ringing = script(&[180]);
            ringing.steps[0].reply.media = None;
            ringing.steps[0].reply.reliable = asked;
            config.answering = Some(ringing);
        });
        scene.send(invite(caller, OFFER));
        let last = scene.last();
        match reliably {
            Some(reliably) => {
                assert_eq!(last.headers().has(HeaderName::RSeq), reliably, "{caller} {ours:?}");
            }
            None if caller.is_empty() => {
                assert_eq!(last.status().as_u16(), 421);
                assert_eq!(last.headers().text(HeaderName::Require), Some("100rel"));
            }
            None => {
                assert_eq!(last.status().as_u16(), 420);
                assert_eq!(last.headers().text(HeaderName::Unsupported), Some("100rel"));
            }
        }
    }
}

#[test]
fn the_next_reliable_response_waits_for_the_prack_rfc3262_3() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    scene.respond(call, 183, |_| ());
    assert_eq!(scene.codes(), [180]);
    let first: RSeq = scene.last().headers().field().unwrap().unwrap();
    scene.prack(11, "");
    assert_eq!(scene.codes(), [180, 200, 183]);
    let second: RSeq = scene.last().headers().field().unwrap().unwrap();
    assert_eq!(second.0, first.0 + 1);
    scene.prack(12, "");
    scene.sim.run_for(Duration::from_secs(50));
    assert_eq!(scene.codes(), [180, 200, 183, 200], "nothing is repeated any more");
}

#[test]
fn a_prack_that_fits_nothing_is_answered_481_rfc3262_3() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    let ringing = scene.last();
    let tag = ringing.to_tag().unwrap();
    let number: RSeq = ringing.headers().field().unwrap().unwrap();
    for (index, rack) in [
        format!("{} 10 INVITE", number.0 + 1),
        format!("{number} 9 INVITE"),
        format!("{number} 10 INFO"),
        "0 0 INVITE".to_owned(),
    ]
    .iter()
    .enumerate()
    {
        let prack = within(tag, "PRACK", 11 + u32::try_from(index).unwrap(), "");
        scene.send(prack.replacen("Max-Forwards", &format!("RAck: {rack}\r\nMax-Forwards"), 1));
        assert_eq!(scene.last().status().as_u16(), 481, "{rack}");
    }
    scene.send(within(tag, "PRACK", 20, ""));
    let malformed = scene.last();
    assert_eq!(
        (malformed.status().as_u16(), malformed.reason()),
        (400, "Missing RAck header field")
    );
}

#[test]
fn a_2xx_waits_for_the_prack_of_an_answer_rfc3262_5() {
    let (mut scene, call) = Scene::invited(SUPPORTED, OFFER, |_| ());
    scene.respond(call, 183, |reply| {
        media(reply);
        reply.reliable = true;
    });
    assert!(!scene.last().body().is_empty());
    scene.respond(call, 200, media);
    assert_eq!(scene.codes(), [183]);
    scene.prack(11, "");
    assert_eq!(scene.codes(), [183, 200, 200]);
    let ok = scene.last();
    assert!(ok.body().is_empty(), "the answer was given");
    scene.send(within(ok.to_tag().unwrap(), "ACK", 10, ""));
    assert_eq!((established(&scene.sim, scene.agent), ends(&scene.sim, scene.agent).len()), (1, 0));
}

#[test]
fn a_final_response_may_overtake_and_its_prack_is_still_taken_rfc3262_3() {
    let (mut scene, call) = Scene::invited(SUPPORTED, OFFER, |_| ());
    scene.respond(call, 180, |reply| reply.reliable = true);
    let ringing = scene.last();
    scene.respond(call, 200, media);
    assert_eq!(scene.codes(), [180, 200]);
    let tag = ringing.to_tag().unwrap();
    let number: RSeq = ringing.headers().field().unwrap().unwrap();
    let prack = |cseq| {
        let rack = format!("RAck: {number} 10 INVITE\r\nMax-Forwards");
        within(tag, "PRACK", cseq, "").replacen("Max-Forwards", &rack, 1)
    };
    scene.send(prack(11));
    assert_eq!(scene.last().status().as_u16(), 200);
    scene.send(prack(12));
    assert_eq!(scene.last().status().as_u16(), 481, "acknowledged once");
}

#[test]
fn a_prack_that_comes_after_the_refusal_is_taken_too_rfc3262_3() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    let ringing = scene.last();
    let tag = ringing.to_tag().unwrap().to_owned();
    let number: RSeq = ringing.headers().field().unwrap().unwrap();
    scene.respond(call, 486, |_| ());
    let prack = |cseq, number| {
        let rack = format!("RAck: {number} 10 INVITE\r\nMax-Forwards");
        within(&tag, "PRACK", cseq, "").replacen("Max-Forwards", &rack, 1)
    };
    for (cseq, number, code) in [(11, number.0 + 1, 481), (12, number.0, 200), (13, number.0, 481)]
    {
        scene.send(prack(cseq, number));
        assert_eq!(scene.last().status().as_u16(), code);
    }
}

#[test]
fn the_first_reliable_response_brings_the_offer_and_prack_the_answer_rfc3262_5() {
    let (mut scene, call) = Scene::invited(REQUIRED, "", |_| ());
    scene.respond(call, 180, |_| ());
    assert_eq!(scene.codes(), [], "it has to bring an offer, and nobody said of what");
    let address = "192.0.2.2:4000".parse().unwrap();
    scene.sim.command(scene.agent, Command::Media { call, address });
    scene.sim.run_for(Duration::from_millis(50));
    assert_eq!(scene.codes(), [180]);
    assert!(String::from_utf8_lossy(scene.last().body()).contains("m=audio 4000"));
    scene.prack(11, OFFER);
    scene.respond(call, 200, |_| ());
    let ok = scene.last();
    assert!(ok.status().is_success() && ok.body().is_empty());
    let media = scene.sim.events(scene.agent).iter().find_map(|(_, event)| match event {
        Event::Established { media, .. } => media.and_then(|media| media.remote),
        _ => None,
    });
    assert_eq!(media, Some("192.0.2.2:6000".parse().unwrap()));
}

#[test]
fn a_prack_without_the_answer_it_owes_ends_the_call_rfc3262_5() {
    let (mut scene, call) = Scene::invited(REQUIRED, "", |_| ());
    scene.respond(call, 183, media);
    scene.prack(11, "");
    assert_eq!(scene.codes(), [183, 200, 488]);
}

#[test]
fn an_offer_in_prack_is_answered_in_its_2xx_rfc3262_5() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |_| ());
    scene.respond(call, 183, media);
    let hold = format!("{OFFER}a=sendonly\r\n");
    scene.prack(11, &hold);
    let ok = scene.last();
    assert_eq!(ok.status().as_u16(), 200);
    assert!(String::from_utf8_lossy(ok.body()).contains("a=recvonly"));
}

#[test]
fn ringing_is_said_again_every_minute_rfc3261_13_3_1_1() {
    let (mut scene, call) = Scene::invited("", OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    scene.sim.run_for(Duration::from_secs(170));
    assert_eq!(scene.codes(), [180, 180, 180]);
}

#[test]
fn ringing_that_is_acknowledged_is_said_again_every_two_and_a_half_minutes_rfc3262_3() {
    let (mut scene, call) =
        Scene::invited(REQUIRED, OFFER, |config| config.patience.answer = Duration::from_secs(900));
    scene.respond(call, 180, |_| ());
    let first: RSeq = scene.last().headers().field().unwrap().unwrap();
    scene.prack(11, "");
    scene.sim.run_for(Duration::from_secs(149));
    assert_eq!(scene.codes(), [180, 200]);
    scene.sim.run_for(Duration::from_secs(1));
    let second: RSeq = scene.last().headers().field().unwrap().unwrap();
    assert_eq!(second.0, first.0 + 1, "a new one, not the old one once more");
}

#[test]
fn trying_comes_by_itself_within_200_ms_rfc3261_17_2_1() {
    let (mut scene, _) = Scene::invited("", OFFER, |_| ());
    scene.sim.run_for(Duration::from_millis(200));
    assert_eq!(scene.last().status().as_u16(), 100);
}

#[test]
fn a_cancelled_call_is_answered_487_though_a_prack_is_awaited_rfc3261_9_2() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    let cancel = invite("", "").replace("INVITE", "CANCEL");
    scene.send(cancel);
    let mut codes = scene.codes();
    codes.sort_unstable();
    assert_eq!(codes, [180, 200, 487]);
    scene.sim.run_for(Duration::from_secs(60));
    assert!(!scene.codes().contains(&500));
}

#[test]
fn a_second_invite_before_the_first_is_answered_comes_too_early_rfc3261_14_2() {
    let (mut scene, call) = Scene::invited("", OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    let tag = scene.last().to_tag().unwrap().to_owned();
    scene.send(within(&tag, "INVITE", 11, OFFER));
    let refused = scene.last();
    assert_eq!(refused.status().as_u16(), 500);
    let wait: u32 = refused.headers().text(HeaderName::RetryAfter).unwrap().parse().unwrap();
    assert!(wait <= 10);
}

#[test]
fn an_update_before_the_answer_changes_the_target_but_not_the_media_rfc3311_5_2() {
    let (mut scene, call) = Scene::invited(SUPPORTED, OFFER, |_| ());
    scene.respond(call, 180, |_| ());
    let tag = scene.last().to_tag().unwrap().to_owned();
    scene.send(within(&tag, "UPDATE", 11, OFFER));
    let early = scene.last();
    assert_eq!(early.status().as_u16(), 500, "their offer has no answer yet");
    assert!(early.headers().has(HeaderName::RetryAfter));
    let moved = within(&tag, "UPDATE", 12, "").replace("<sip:alice@", "<sip:moved@");
    scene.send(moved.replace("From: <sip:moved@", "From: <sip:alice@"));
    assert_eq!(scene.last().status().as_u16(), 200);
    scene.respond(call, 200, media);
    scene.send(within(&tag, "ACK", 10, ""));
    scene.sim.command(scene.agent, Command::Hangup(call));
    scene.sim.run_for(Duration::from_millis(100));
    let bye = scene.sim.node(scene.peer).requests().pop().unwrap();
    assert_eq!(bye.uri_text(), "sip:moved@192.0.2.1");
}

#[test]
fn an_update_after_a_reliable_answer_changes_the_media_rfc3311_5_2() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |_| ());
    scene.respond(call, 183, media);
    scene.prack(11, "");
    let tag = scene.last().to_tag().unwrap().to_owned();
    scene.send(within(&tag, "UPDATE", 12, &format!("{OFFER}a=sendonly\r\n")));
    let ok = scene.last();
    assert_eq!(ok.status().as_u16(), 200);
    assert!(String::from_utf8_lossy(ok.body()).contains("a=recvonly"));
}

#[test]
fn an_update_meets_an_offer_of_ours_rfc3311_5_2() {
    let (mut scene, call) = Scene::invited(REQUIRED, "", |_| ());
    scene.respond(call, 183, media);
    let tag = scene.last().to_tag().unwrap().to_owned();
    scene.send(within(&tag, "UPDATE", 11, OFFER));
    assert_eq!(scene.last().status().as_u16(), 491);
}

#[test]
fn an_update_that_needs_consent_is_answered_504_rfc3311_5_2() {
    let (mut scene, call) = Scene::invited(REQUIRED, OFFER, |config| {
        config.acceptance.media_needs_consent = true;
    });
    scene.respond(call, 183, media);
    scene.prack(11, "");
    let tag = scene.last().to_tag().unwrap().to_owned();
    scene.send(within(&tag, "UPDATE", 12, &format!("{OFFER}a=sendonly\r\n")));
    assert_eq!(scene.last().status().as_u16(), 504);
    scene.send(within(&tag, "UPDATE", 13, ""));
    assert_eq!(scene.last().status().as_u16(), 200, "no media, no consent");
}

/// The final response to one INVITE.
fn answered(more: &str, change: impl FnOnce(&mut UserAgentConfig)) -> Response {
    let mut scene = Scene::new(change);
    scene.send(invite(more, OFFER));
    scene.last()
}

#[test]
fn too_short_a_session_timer_is_answered_with_the_minimum_rfc4028_6() {
    let short = "Supported: timer\r\nSession-Expires: 60\r\n";
    let refused = answered(short, |_| ());
    assert_eq!(refused.status().as_u16(), 422);
    assert_eq!(refused.headers().text(HeaderName::MinSe), Some("90"));
    let long = answered("k: timer\r\nx: 600\r\n", |config| config.acceptance.min_se = 1800);
    assert_eq!(long.headers().text(HeaderName::MinSe), Some("1800"));
    let fits = "Supported: timer\r\nSession-Expires: 90\r\n";
    let ringing = |config: &mut UserAgentConfig| config.answering = Some(script(&[180]));
    assert_eq!(answered(fits, ringing).status().as_u16(), 180);
    let stranger = "Session-Expires: 60\r\n";
    assert_eq!(answered(stranger, ringing).status().as_u16(), 180, "who could not act on a 422");
}

#[test]
fn what_is_too_large_is_refused_by_what_is_too_large_rfc3261_21_4_11_21_4_12_21_5_7() {
    let code = |change: fn(&mut UserAgentConfig)| answered("", change).status().as_u16();
    assert_eq!(code(|config| config.acceptance.max_uri = 10), 414);
    assert_eq!(code(|config| config.acceptance.max_body = 10), 413);
    assert_eq!(code(|config| config.acceptance.max_message = 10), 513);
}

#[test]
fn who_does_not_accept_sdp_cannot_be_answered_rfc3261_21_4_7() {
    let code = |more: &str| {
        let ringing = |config: &mut UserAgentConfig| config.answering = Some(script(&[180]));
        answered(more, ringing).status().as_u16()
    };
    assert_eq!(code("Accept: text/html\r\n"), 406);
    assert_eq!(code("Accept:\r\n"), 406, "§20.1: nothing at all");
    for accepted in ["application/sdp", "text/html, application/*;q=0.1", "*/*", "Application/SDP"]
    {
        assert_eq!(code(&format!("Accept: {accepted}\r\n")), 180, "{accepted}");
    }
}

#[test]
fn an_extension_that_is_demanded_is_named_rfc3261_21_4_16() {
    let demand = |config: &mut UserAgentConfig| {
        config.acceptance.demands = vec![OptionTag::Timer, OptionTag::Rel100];
        config.answering = Some(script(&[180]));
    };
    let refused = answered(SUPPORTED, demand);
    assert_eq!(refused.status().as_u16(), 421);
    assert_eq!(refused.headers().text(HeaderName::Require), Some("timer"));
    assert_eq!(answered("Supported: timer, 100rel\r\n", demand).status().as_u16(), 180);
}
