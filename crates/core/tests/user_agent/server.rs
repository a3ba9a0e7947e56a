//! Requests that come in, octet by octet.

use std::time::Duration;

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{ActionId, Command, EndCause, Event, Side};
use antiphon_sip::{HeaderName, Response, StatusCode};
use antiphon_testkit::{Handle, RawPeer, Setup, Simulation, for_seeds};

use super::calls::invite;
use super::support::*;

fn peer(sim: &mut Simulation) -> Handle<RawPeer> {
    sim.add(Setup::new("alice", RawPeer::silent()).udp(ALICE))
}

pub(crate) fn request(method: &str, uri: &str, more: &str, body: &str) -> String {
    format!(
        "{method} {uri} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{method}\r\n\
        From: <sip:alice@192.0.2.1>;tag=1\r\nTo: <sip:bob@192.0.2.2>\r\nCall-ID: r1\r\n\
        CSeq: 10 {method}\r\nContact: <sip:alice@192.0.2.1>\r\nMax-Forwards: 70\r\n{more}\
        Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

/// The final response to one request.
fn answer(text: &str) -> Response {
    let mut sim = Simulation::new(1);
    let agent = bob(&mut sim, &[180]);
    let peer = peer(&mut sim);
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, text.to_owned());
    sim.run_for(Duration::from_secs(1));
    responses(&sim, peer).into_iter().find(|response| response.status().is_final()).unwrap()
}

const BOB_URI: &str = "sip:bob@192.0.2.2";

#[test]
fn what_is_not_understood_is_refused_with_what_is_rfc3261_8_2() {
    let has =
        |response: &Response, name| response.headers().text(name).unwrap_or_default().to_owned();

    let unknown = answer(&request("FROBNICATE", BOB_URI, "", ""));
    assert_eq!(unknown.status().as_u16(), 501);
    assert!(has(&unknown, HeaderName::Allow).contains("INVITE"));

    let wrong = answer(&request("PUBLISH", BOB_URI, "", ""));
    assert_eq!(wrong.status().as_u16(), 405);
    assert!(has(&wrong, HeaderName::Allow).contains("BYE"));

    assert_eq!(answer(&request("OPTIONS", "tel:+44", "", "")).status().as_u16(), 416);

    let required = "Require: 199, 100rel, frob\r\nRequire: gruu\r\n";
    let extension = answer(&request("OPTIONS", BOB_URI, required, ""));
    assert_eq!(extension.status().as_u16(), 420);
    assert_eq!(has(&extension, HeaderName::Unsupported), "frob, gruu");

    let body = request("INVITE", BOB_URI, "Content-Type: text/html\r\n", "<b>");
    assert_eq!(answer(&body).status().as_u16(), 415);
    assert_eq!(has(&answer(&body), HeaderName::Accept), "application/sdp");

    let coded = "Content-Type: text/plain\r\nContent-Encoding: gzip\r\n";
    let coded = answer(&request("MESSAGE", BOB_URI, coded, "xyz"));
    assert_eq!(has(&coded, HeaderName::AcceptEncoding), "identity");
}

#[test]
fn options_tell_what_is_understood_rfc3261_11_2() {
    let ok = answer(&request("OPTIONS", BOB_URI, "", ""));
    assert_eq!(ok.status(), StatusCode::OK);
    for name in [HeaderName::Allow, HeaderName::Accept, HeaderName::Supported, HeaderName::Contact]
    {
        assert!(ok.headers().has(name), "{name}");
    }
}

#[test]
fn a_request_of_no_dialog_is_answered_481_rfc3261_12_2_2() {
    for method in ["BYE", "INFO", "UPDATE"] {
        assert_eq!(answer(&request(method, BOB_URI, "", "")).status().as_u16(), 481, "{method}");
    }
    let stray =
        invite("", OFFER).replace("To: <sip:bob@192.0.2.2>", "To: <sip:bob@192.0.2.2>;tag=x");
    assert_eq!(answer(&stray).status().as_u16(), 481);
}

#[test]
fn an_offer_with_nothing_in_common_is_refused_with_a_warning_rfc3261_21_4_26() {
    let video = OFFER.replace("audio 6000 RTP/AVP 0", "video 6000 RTP/AVP 31");
    let refused = answer(&invite("", &video));
    assert_eq!(refused.status().as_u16(), 488);
    assert!(
        refused.headers().text(HeaderName::Warning).unwrap().starts_with("304 192.0.2.2:5060 \"")
    );
}

#[test]
fn an_invite_without_a_contact_is_refused_rfc3261_8_1_1_8() {
    let bare = invite("", OFFER).replace("Contact: <sip:alice@192.0.2.1>\r\n", "");
    let refused = answer(&bare);
    assert_eq!(
        (refused.status().as_u16(), refused.reason()),
        (400, "Missing Contact header field")
    );
}

#[test]
fn an_invitation_expires_rfc3261_13_3_1() {
    let mut sim = Simulation::new(1);
    let agent = bob(&mut sim, &[180]);
    let peer = peer(&mut sim);
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("Expires: 20\r\n", OFFER));
    sim.run_for(Duration::from_secs(19));
    assert!(responses(&sim, peer).iter().all(|response| response.status().is_provisional()));
    sim.run_for(Duration::from_secs(2));
    assert!(responses(&sim, peer).iter().any(|response| response.status().as_u16() == 487));
}

/// An answered call, and the To tag of its dialog.
fn answered(
    sim: &mut Simulation,
) -> (Handle<antiphon_core::user_agent::UserAgent>, Handle<RawPeer>, String) {
    let agent = bob(sim, &[200]);
    let peer = peer(sim);
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("", OFFER));
    sim.run_for(Duration::from_millis(100));
    let tag = responses(sim, peer).last().unwrap().to_tag().unwrap().to_owned();
    sim.send(peer, flow, within(&tag, "ACK", 10, ""));
    sim.run_for(Duration::from_millis(100));
    (agent, peer, tag)
}

pub(crate) fn within(tag: &str, method: &str, cseq: u32, body: &str) -> String {
    let content_type = if body.is_empty() { "" } else { "Content-Type: application/sdp\r\n" };
    format!(
        "{method} sip:bob@192.0.2.2 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK{cseq}{method}\r\n\
        From: <sip:alice@192.0.2.1>;tag=1\r\nTo: <sip:bob@192.0.2.2>;tag={tag}\r\nCall-ID: c1\r\n\
        CSeq: {cseq} {method}\r\nContact: <sip:alice@192.0.2.1>\r\nMax-Forwards: 70\r\n{content_type}\
        Content-Length: {}\r\n\r\n{body}",
        body.len(),
    )
}

#[test]
fn an_ack_stops_the_2xx_rfc3261_13_3_1_4() {
    let mut sim = Simulation::new(1);
    let (agent, peer, _) = answered(&mut sim);
    sim.run_for(Duration::from_secs(60));
    let count =
        responses(&sim, peer).iter().filter(|response| response.status().is_success()).count();
    assert_eq!((count, ends(&sim, agent).len()), (1, 0));
}

#[test]
fn a_lower_cseq_is_answered_500_rfc3261_12_2_2() {
    let mut sim = Simulation::new(1);
    let (agent, peer, tag) = answered(&mut sim);
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, within(&tag, "INFO", 20, ""));
    sim.send(peer, flow, within(&tag, "INFO", 19, ""));
    sim.run_for(Duration::from_secs(1));
    let codes: Vec<_> =
        responses(&sim, peer).iter().map(|response| response.status().as_u16()).collect();
    assert_eq!(codes.get(codes.len() - 2..), Some(&[200, 500][..]));
}

#[test]
fn a_reinvite_is_answered_with_the_session_rfc3261_14_2() {
    let mut sim = Simulation::new(1);
    let (agent, peer, tag) = answered(&mut sim);
    let flow = sim.flow(peer, agent);
    let first = responses(&sim, peer).last().unwrap().body().clone();
    sim.send(peer, flow, within(&tag, "INVITE", 11, OFFER));
    sim.run_for(Duration::from_millis(100));
    let same = responses(&sim, peer).last().unwrap().clone();
    assert_eq!((same.status(), same.body()), (StatusCode::OK, &first), "the same session");
    sim.send(peer, flow, within(&tag, "ACK", 11, ""));
    let hold = format!("{OFFER}a=sendonly\r\n");
    sim.send(peer, flow, within(&tag, "INVITE", 12, &hold));
    sim.run_for(Duration::from_millis(100));
    let held = String::from_utf8_lossy(responses(&sim, peer).last().unwrap().body()).into_owned();
    assert!(held.contains("a=recvonly"), "{held}");
    let version = |text: &str| text.lines().nth(1).unwrap().split(' ').nth(2).unwrap().to_owned();
    assert_eq!(
        (version(&String::from_utf8_lossy(&first)), version(&held)),
        ("1".into(), "2".into())
    );
    assert!(sim.events(agent).iter().any(|(_, event)| matches!(event, Event::MediaChanged { .. })));
}

#[test]
fn a_reinvite_that_cannot_be_agreed_on_changes_nothing_rfc3261_14_2() {
    let mut sim = Simulation::new(1);
    let (agent, peer, tag) = answered(&mut sim);
    let flow = sim.flow(peer, agent);
    let opus = OFFER.replace("RTP/AVP 0", "RTP/AVP 96");
    sim.send(peer, flow, within(&tag, "INVITE", 11, &opus));
    sim.run_for(Duration::from_millis(100));
    let refused = responses(&sim, peer).last().unwrap().clone();
    assert_eq!(refused.status().as_u16(), 488);
    assert!(refused.headers().text(HeaderName::Warning).unwrap().starts_with("305 "));
    assert_eq!(ends(&sim, agent).len(), 0);
}

#[test]
fn a_bye_is_answered_and_ends_the_call_rfc3261_15_1_2() {
    let mut sim = Simulation::new(1);
    let (agent, peer, tag) = answered(&mut sim);
    let flow = sim.flow(peer, agent);
    let bye = within(&tag, "BYE", 11, "")
        .replace("Max-Forwards", "Reason: Q.850;cause=16\r\nMax-Forwards");
    sim.send(peer, flow, bye);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(responses(&sim, peer).last().unwrap().status(), StatusCode::OK);
    let why = EndCause::Bye { reason: Some("Q.850;cause=16".to_owned()) };
    assert_eq!(ends(&sim, agent), [(Side::Remote, why)]);
    sim.send(peer, flow, within(&tag, "INFO", 12, ""));
    sim.run_for(Duration::from_secs(1));
    assert_eq!(responses(&sim, peer).last().unwrap().status().as_u16(), 481);
}

#[test]
fn an_unknown_info_package_is_answered_469_rfc6086_4_2_2() {
    let mut sim = Simulation::new(1);
    let (agent, peer, tag) = answered(&mut sim);
    let flow = sim.flow(peer, agent);
    let info =
        within(&tag, "INFO", 11, "").replace("Max-Forwards", "Info-Package: x\r\nMax-Forwards");
    sim.send(peer, flow, info);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(responses(&sim, peer).last().unwrap().status().as_u16(), 469);
}

#[test]
fn any_sequence_of_requests_whatsoever_leaves_an_agent_that_can_be_shut_down() {
    const METHODS: [&str; 9] =
        ["INVITE", "ACK", "BYE", "CANCEL", "UPDATE", "INFO", "MESSAGE", "OPTIONS", "PRACK"];
    for_seeds(0..100, |seed| {
        let mut sim = Simulation::new(seed);
        let agent =
            bob(&mut sim, [&[180, 200][..], &[200], &[183, 486], &[180]][sim_index(seed, 4)]);
        let peer = peer(&mut sim);
        let flow = sim.flow(peer, agent);
        let required = ["", "Require: 100rel\r\n"][sim_index(seed / 4, 2)];
        sim.send(peer, flow, invite(required, [OFFER, ""][sim_index(seed / 8, 2)]));
        for _ in 0..30 {
            let draw = sim.draw();
            sim.run_for(Duration::from_millis(draw % 1500));
            let tags = responses(&sim, peer);
            let tag = tags.iter().rev().find_map(Response::to_tag).unwrap_or("none");
            let method = METHODS[sim_index(draw / 2048, METHODS.len())];
            let cseq = 10 + u32::try_from(draw / 65536 % 8).unwrap();
            let body = [OFFER, "", "v=0"][sim_index(draw / (1 << 24), 3)];
            let number = tags
                .iter()
                .rev()
                .find_map(|response| response.headers().text(HeaderName::RSeq).map(str::to_owned));
            let rack = format!("RAck: {} 10 INVITE\r\nMax-Fo", number.unwrap_or_default());
            let sent = within(tag, method, cseq, body).replacen("Max-Fo", &rack, 1);
            sim.send(peer, flow, sent);
        }
        sim.run_for(Duration::from_secs(300));
        sim.command(agent, Command::Shutdown);
        sim.run_until_idle();
        assert_eq!(sim.node(agent).calls(), 0);
        assert!(matches!(sim.events(agent).last(), Some((_, Event::Idle))));
        let told = |kind: fn(&Event) -> bool| {
            sim.events(agent).iter().filter(|(_, event)| kind(event)).count()
        };
        assert_eq!(
            told(|event| matches!(event, Event::IncomingCall { .. })),
            told(|event| matches!(event, Event::Ended { .. })),
            "every call ends once"
        );
    });
}

fn sim_index(draw: u64, length: usize) -> usize {
    usize::try_from(draw).unwrap_or(0) % length
}

#[test]
fn one_call_too_many_is_busy_rfc3261_21_4_24() {
    let mut sim = Simulation::new(1);
    let mut settings = config("bob", BOB);
    settings.max_calls = 1;
    settings.answering = Some(script(&[180, 200]));
    add(&mut sim, "bob", BOB, settings);
    let agent = alice(&mut sim);
    for action in [1, 2] {
        let mut call = place("sip:bob@192.0.2.2");
        call.ask.action = ActionId(action);
        sim.command(agent, Command::Call(call));
        sim.run_for(Duration::from_secs(3));
    }
    let codes: Vec<_> = outcomes(&sim, agent).iter().map(|one| one.code.unwrap()).collect();
    assert_eq!(codes, [StatusCode::OK, StatusCode::BUSY_HERE]);
}

#[test]
fn a_ringing_call_that_is_hung_up_is_declined_rfc3261_21_6_2() {
    let mut sim = Simulation::new(1);
    let phone = bob(&mut sim, &[180]);
    let agent = alice(&mut sim);
    sim.command(agent, call_bob());
    sim.run_for(Duration::from_secs(3));
    let ringing = sim.events(phone).iter().find_map(|(_, event)| match event {
        Event::IncomingCall { call, .. } => Some(*call),
        _ => None,
    });
    sim.command(phone, Command::Hangup(ringing.unwrap()));
    sim.run_for(Duration::from_secs(1));
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.code, Some(StatusCode::DECLINE));
    assert_eq!(outcome.reaction, Kind::StopEverywhere);
}
