//! Answers that are played: every code with what it must carry, gates, turns, other methods.

use std::time::Duration;

use antiphon_core::auth::Account;
use antiphon_core::user_agent::{
    Command, Conclusion, Event, Part, Playbook, Reply, Script, SendMessage, Step, UserAgent,
    UserAgentConfig,
};
use antiphon_sip::header::{ProxyAuthenticate, WwwAuthenticate};
use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode};
use antiphon_testkit::{Handle, RawPeer, Setup, Simulation};

use super::calls::invite;
use super::server::{request, within};
use super::support::*;

fn codes(codes: &[u16]) -> Playbook {
    Playbook::of_codes(&codes.iter().map(|code| status(*code)).collect::<Vec<_>>())
}

fn part(method: &str, scripts: &[&[u16]]) -> Part {
    let step = |code: &u16| Step { after: Duration::ZERO, reply: Reply::new(status(*code)) };
    let script = |codes: &&[u16]| Script { steps: codes.iter().map(step).collect() };
    Part {
        method: Method::from_bytes(method.as_bytes()).unwrap(),
        within: false,
        scripts: scripts.iter().map(script).collect(),
    }
}

fn player(sim: &mut Simulation, playbook: Playbook) -> Handle<UserAgent> {
    let mut config = config("bob", BOB);
    config.playbook = playbook;
    add(sim, "bob", BOB, config)
}

fn caller(sim: &mut Simulation, password: &str) -> Handle<UserAgent> {
    let mut config: UserAgentConfig = config("alice", ALICE);
    let account = Account::with_password(None, "alice".to_owned(), password.to_owned());
    config.accounts = vec![account];
    add(sim, "alice", ALICE, config)
}

fn peer(sim: &mut Simulation) -> Handle<RawPeer> {
    sim.add(Setup::new("alice", RawPeer::silent()).udp(ALICE))
}

/// The final responses to one request.
fn answers(playbook: Playbook, texts: &[String]) -> Vec<Response> {
    let mut sim = Simulation::new(1);
    let (agent, peer) = (player(&mut sim, playbook), peer(&mut sim));
    let flow = sim.flow(peer, agent);
    for text in texts {
        sim.send(peer, flow, text.clone());
        sim.run_for(Duration::from_millis(100));
    }
    let mut answers = responses(&sim, peer);
    answers.retain(|response| response.status().is_final());
    answers
}

#[test]
fn every_final_code_is_played_to_an_invite_with_what_it_must_carry_rfc3261_21() {
    let must = [
        (300, HeaderName::Contact),
        (301, HeaderName::Contact),
        (302, HeaderName::Contact),
        (305, HeaderName::Contact),
        (401, HeaderName::WwwAuthenticate),
        (405, HeaderName::Allow),
        (407, HeaderName::ProxyAuthenticate),
        (415, HeaderName::Accept),
        (417, HeaderName::AcceptResourcePriority),
        (420, HeaderName::Unsupported),
        (421, HeaderName::Require),
        (422, HeaderName::MinSe),
        (423, HeaderName::MinExpires),
        (424, HeaderName::GeolocationError),
        (425, HeaderName::AlertMsgError),
        (469, HeaderName::RecvInfo),
        (470, HeaderName::PermissionMissing),
        (485, HeaderName::Contact),
        (488, HeaderName::Warning),
        (489, HeaderName::AllowEvents),
        (494, HeaderName::SecurityServer),
        (606, HeaderName::Warning),
        (608, HeaderName::CallInfo),
    ];
    for code in StatusCode::REGISTERED.iter().filter(|code| code.as_u16() >= 300) {
        let played = answers(codes(&[code.as_u16()]), &[invite("", OFFER)]);
        let answer = &played[0];
        assert_eq!(answer.status(), *code);
        assert!(answer.to_tag().is_some(), "{code}");
        for (_, name) in must.iter().filter(|(of, _)| *of == code.as_u16()) {
            assert!(answer.headers().has(*name), "{code} without {name}");
        }
        let has_body = matches!(code.as_u16(), 380 | 488 | 580 | 606);
        assert_eq!(!answer.body().is_empty(), has_body, "{code}");
    }
}

#[test]
fn an_unregistered_code_is_played_as_it_is_rfc3261_7_2() {
    for code in [299, 399, 499, 599, 699] {
        let mut playbook = codes(&[code]);
        playbook.parts[0].scripts[0].steps[0].reply.media = Some("192.0.2.2:4000".parse().unwrap());
        assert_eq!(answers(playbook, &[invite("", OFFER)])[0].status().as_u16(), code);
    }
}

#[test]
fn right_credentials_open_the_gate_rfc3261_22_2_22_3() {
    for gates in [&[401, 486][..], &[407, 486], &[401, 407, 486]] {
        let mut sim = Simulation::new(1);
        let mut playbook = codes(gates);
        playbook.users = vec![("alice".to_owned(), "secret".to_owned())];
        let bob = player(&mut sim, playbook);
        let alice = caller(&mut sim, "secret");
        sim.command(alice, call_bob());
        sim.run_until_idle();
        let outcome = outcome(&sim, alice);
        assert_eq!(outcome.code.unwrap().as_u16(), 486, "{gates:?}");
        assert_eq!(outcome.tried.len(), gates.len());
        let calls = |event: &Event| matches!(event, Event::IncomingCall { .. });
        let rang = sim.events(bob).iter().filter(|(_, event)| calls(event)).count();
        assert_eq!(rang, 1, "who is only challenged makes no call");
    }
}

#[test]
fn wrong_credentials_are_challenged_again_rfc3261_22_1() {
    let mut sim = Simulation::new(1);
    let mut playbook = codes(&[401, 200]);
    playbook.users = vec![("alice".to_owned(), "secret".to_owned())];
    player(&mut sim, playbook);
    let alice = caller(&mut sim, "wrong");
    sim.command(alice, call_bob());
    sim.run_until_idle();
    let outcome = outcome(&sim, alice);
    assert_eq!((outcome.conclusion, outcome.code), (Conclusion::Refused, Some(status(401))));
    assert!(outcome.tried.len() >= 2, "it did try");
}

#[test]
fn each_challenge_has_a_nonce_of_its_own_rfc7616_3_3() {
    let mut second = invite("", OFFER);
    for (old, new) in [("z9hG4bK1", "z9hG4bK2"), ("CSeq: 10", "CSeq: 11")] {
        second = second.replace(old, new);
    }
    let played = answers(codes(&[401, 200]), &[invite("", OFFER), second]);
    let nonce = |response: &Response| {
        let challenge = response.headers().each::<WwwAuthenticate<'_>>().next();
        challenge.unwrap().unwrap().to_string()
    };
    assert_eq!(played.len(), 2);
    assert_ne!(nonce(&played[0]), nonce(&played[1]));
    let proxy = answers(codes(&[407, 200]), &[invite("", OFFER)]);
    assert!(proxy[0].headers().each::<ProxyAuthenticate<'_>>().all(|value| value.is_ok()));
}

#[test]
fn what_follows_a_final_response_is_for_the_next_call_rfc3261_8_1_3_4() {
    let mut sim = Simulation::new(1);
    player(&mut sim, codes(&[302, 180, 486]));
    let alice = caller(&mut sim, "secret");
    sim.command(alice, call_bob());
    sim.run_until_idle();
    let outcome = outcome(&sim, alice);
    let tried: Vec<_> = outcome.tried.iter().map(|attempt| attempt.target.as_str()).collect();
    assert_eq!(tried, ["sip:bob@192.0.2.2", "sip:elsewhere@192.0.2.2:5060"]);
    assert_eq!(outcome.code, Some(status(486)));
}

#[test]
fn a_played_2xx_waits_until_it_is_known_where_rtp_is_awaited_rfc3261_13_3_1_4() {
    let mut sim = Simulation::new(1);
    let (agent, peer) = (player(&mut sim, codes(&[180, 183, 200])), peer(&mut sim));
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("", OFFER));
    sim.run_for(Duration::from_secs(5));
    let played = |sim: &Simulation| -> Vec<_> {
        let all = responses(sim, peer);
        all.iter()
            .map(|response| (response.status().as_u16(), !response.body().is_empty()))
            .collect()
    };
    assert_eq!(played(&sim), [(180, false)]);
    let call = sim.events(agent).iter().find_map(|(_, event)| match event {
        Event::IncomingCall { call, .. } => Some(*call),
        _ => None,
    });
    let address = "192.0.2.2:4000".parse().unwrap();
    sim.command(agent, Command::Media { call: call.unwrap(), address });
    sim.run_for(Duration::from_millis(100));
    assert_eq!(played(&sim), [(180, false), (183, true), (200, true)]);
}

#[test]
fn the_offer_of_a_call_that_is_refused_does_not_matter_rfc3261_13_3_1_3() {
    let opus = OFFER.replace("RTP/AVP 0", "RTP/AVP 96");
    assert_eq!(answers(codes(&[302]), &[invite("", &opus)])[0].status().as_u16(), 302);
    assert_eq!(answers(codes(&[200]), &[invite("", &opus)])[0].status().as_u16(), 488);
}

#[test]
fn other_methods_are_played_by_turns_rfc3261_8_2() {
    for method in ["OPTIONS", "MESSAGE", "REGISTER", "SUBSCRIBE", "PUBLISH", "INFO", "REFER"] {
        let playbook = Playbook { parts: vec![part(method, &[&[503], &[404]])], ..codes(&[200]) };
        let texts: Vec<_> = (1..=3)
            .map(|turn| {
                request(method, "sip:bob@192.0.2.2", "", "")
                    .replace("branch=z9hG4bK", &format!("branch=z9hG4bK{turn}"))
                    .replace("CSeq: 10", &format!("CSeq: {turn}"))
            })
            .collect();
        let played: Vec<_> =
            answers(playbook, &texts).iter().map(|response| response.status().as_u16()).collect();
        assert_eq!(played, [503, 404, 404], "{method}");
    }
}

#[test]
fn success_is_played_with_what_the_method_grants_rfc3261_10_3_rfc3903_6() {
    let ok = |method: &str, more: &str| {
        let playbook = Playbook { parts: vec![part(method, &[&[200]])], ..codes(&[200]) };
        answers(playbook, &[request(method, "sip:bob@192.0.2.2", more, "")]).remove(0)
    };
    let register = ok("REGISTER", "Expires: 60\r\n");
    let contact = register.headers().text(HeaderName::Contact).unwrap().to_owned();
    assert_eq!(contact, "<sip:alice@192.0.2.1>;expires=60");
    assert!(ok("PUBLISH", "").headers().has(HeaderName::SipETag));
    assert!(ok("SUBSCRIBE", "").headers().has(HeaderName::Expires));
    assert!(!ok("MESSAGE", "").headers().has(HeaderName::Contact), "RFC 3428 §7");
}

#[test]
fn a_gate_stands_before_other_methods_too_rfc3261_22() {
    let mut sim = Simulation::new(1);
    let mut playbook = Playbook { parts: vec![part("MESSAGE", &[&[407, 202]])], ..codes(&[200]) };
    playbook.users = vec![("alice".to_owned(), "secret".to_owned())];
    let bob = player(&mut sim, playbook);
    let alice = caller(&mut sim, "secret");
    let message = SendMessage {
        ask: ask("sip:bob@192.0.2.2"),
        content_type: "text/plain".to_owned(),
        body: "hello".into(),
    };
    sim.command(alice, Command::Message(message));
    sim.run_until_idle();
    assert_eq!(outcome(&sim, alice).code, Some(status(202)));
    let played: Vec<_> = sim
        .events(bob)
        .iter()
        .filter_map(|(_, event)| match event {
            Event::Played { code, .. } => Some(code.as_u16()),
            _ => None,
        })
        .collect();
    assert_eq!(played, [407, 202]);
}

#[test]
fn pauses_are_kept_and_what_a_method_cannot_have_is_left_out_rfc4320_4_1() {
    let mut slow = part("OPTIONS", &[&[180, 183, 404]]);
    for step in &mut slow.scripts[0].steps {
        step.after = Duration::from_secs(1);
    }
    let mut sim = Simulation::new(1);
    let (agent, peer) =
        (player(&mut sim, Playbook { parts: vec![slow], ..codes(&[200]) }), peer(&mut sim));
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, request("OPTIONS", "sip:bob@192.0.2.2", "", ""));
    sim.run_for(Duration::from_millis(2900));
    assert_eq!(responses(&sim, peer).len(), 0);
    sim.run_for(Duration::from_millis(200));
    assert_eq!(responses(&sim, peer)[0].status().as_u16(), 404);
}

#[test]
fn requests_within_a_call_are_played_too_rfc3261_12_2_2() {
    let mut playbook = codes(&[200]);
    playbook.parts[0].scripts[0].steps[0].reply.media = Some("192.0.2.2:4000".parse().unwrap());
    playbook.parts.push(Part { within: true, ..part("INVITE", &[&[180, 491]]) });
    playbook.parts.push(part("BYE", &[&[403], &[200]]));
    let mut sim = Simulation::new(1);
    let (agent, peer) = (player(&mut sim, playbook), peer(&mut sim));
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("", OFFER));
    sim.run_for(Duration::from_millis(50));
    let tag = responses(&sim, peer).last().unwrap().to_tag().unwrap().to_owned();
    sim.send(peer, flow, within(&tag, "ACK", 10, ""));
    for (method, cseq) in [("INVITE", 11), ("BYE", 12), ("BYE", 13)] {
        sim.send(peer, flow, within(&tag, method, cseq, ""));
        sim.run_for(Duration::from_millis(50));
        if method == "INVITE" {
            sim.send(peer, flow, within(&tag, "ACK", cseq, ""));
        }
    }
    let played: Vec<_> =
        responses(&sim, peer).iter().map(|response| response.status().as_u16()).collect();
    assert_eq!(played, [200, 180, 491, 403, 200]);
    assert_eq!(ends(&sim, agent).len(), 1, "the last BYE has ended it");
}

#[test]
fn a_played_reinvite_can_be_cancelled_rfc3261_9_2() {
    let mut playbook = codes(&[200]);
    playbook.parts[0].scripts[0].steps[0].reply.media = Some("192.0.2.2:4000".parse().unwrap());
    let mut slow = part("INVITE", &[&[180, 491]]);
    slow.scripts[0].steps[1].after = Duration::from_secs(20);
    playbook.parts.push(Part { within: true, ..slow });
    let mut sim = Simulation::new(1);
    let (agent, peer) = (player(&mut sim, playbook), peer(&mut sim));
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, invite("", OFFER));
    sim.run_for(Duration::from_millis(50));
    let tag = responses(&sim, peer).last().unwrap().to_tag().unwrap().to_owned();
    let reinvite = within(&tag, "INVITE", 11, "");
    let cancel = reinvite.replace("INVITE sip", "CANCEL sip").replace("11 INVITE", "11 CANCEL");
    for text in [within(&tag, "ACK", 10, ""), reinvite, cancel] {
        sim.send(peer, flow, text);
        sim.run_for(Duration::from_millis(50));
    }
    sim.run_for(Duration::from_secs(40));
    let mut played: Vec<_> =
        responses(&sim, peer).iter().map(|response| response.status().as_u16()).collect();
    played.dedup();
    played.sort_unstable();
    played.dedup();
    assert_eq!(played, [180, 200, 487]);
}

#[test]
fn what_a_script_gives_takes_the_place_of_what_would_be_filled_in_rfc3261_7_3_1() {
    let mut playbook = codes(&[420]);
    let reply = &mut playbook.parts[0].scripts[0].steps[0].reply;
    reply.headers = vec![("Unsupported".to_owned(), "frob".to_owned())];
    reply.reason = Some("Not That".to_owned());
    reply.body = Some(("text/plain".to_owned(), "why".into()));
    let played = answers(playbook, &[invite("Supported: timer\r\n", OFFER)]).remove(0);
    let unsupported: Vec<_> = played.headers().values(HeaderName::Unsupported).collect();
    assert_eq!(unsupported, [b"frob"]);
    assert_eq!((played.reason(), &played.body()[..]), ("Not That", &b"why"[..]));
}

#[test]
fn a_script_without_an_end_leaves_nothing_behind_rfc3261_17_2_2() {
    let playbook = Playbook { parts: vec![part("OPTIONS", &[&[180]])], ..codes(&[200]) };
    let mut sim = Simulation::new(1);
    let (agent, peer) = (player(&mut sim, playbook), peer(&mut sim));
    let flow = sim.flow(peer, agent);
    sim.send(peer, flow, request("OPTIONS", "sip:bob@192.0.2.2", "", ""));
    sim.run_until_idle();
    let none: Vec<Request> = requests(&sim, peer, &Method::Options);
    assert!(none.is_empty());
    assert_eq!(sim.node(agent).calls(), 0);
}
