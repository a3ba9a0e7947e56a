//! Registrations against a scripted registrar.

use std::time::Duration;

use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{
    ActionId, Command, Conclusion, Event, Outbound, Push, Register, Unbind, Unregister,
};
use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Setup, Simulation};

use super::support::*;

fn register(expires: u64, keep: bool) -> Register {
    Register {
        ask: ask("sip:alice@example.org"),
        registrar: Some("sip:192.0.2.2".parse().unwrap()),
        contact: None,
        expires: Duration::from_secs(expires),
        keep,
        outbound: None,
        push: None,
    }
}

fn expires_of(request: &Request) -> u32 {
    request.headers().text(HeaderName::Expires).unwrap().parse().unwrap()
}

/// Grants what is asked, at least this much.
fn granting(heard: &Heard, least: u32) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    let asked = expires_of(&request);
    if asked > 0 && asked < least {
        let brief = Response::builder(&request, StatusCode::INTERVAL_TOO_BRIEF)
            .to_tag("r")
            .header(HeaderName::MinExpires, least);
        return vec![heard.reply(brief.build().to_bytes())];
    }
    let contact = request.headers().text(HeaderName::Contact).unwrap().to_owned();
    let mut ok = Response::builder(&request, StatusCode::OK).to_tag("r");
    if asked > 0 {
        ok = ok.header(HeaderName::Contact, format_args!("{contact};expires={asked}"));
    }
    vec![heard.reply(ok.build().to_bytes())]
}

#[test]
fn a_registration_is_one_request_without_keep_rfc3261_10_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let registrar = raw(&mut sim, |heard: &Heard| granting(heard, 0));
    sim.command(agent, Command::Register(register(3600, false)));
    sim.run_until_idle();
    let sent = requests(&sim, registrar, &Method::Register);
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].uri_text(), "sip:192.0.2.2");
    assert_eq!(sent[0].to_text(), "<sip:alice@example.org>");
    assert!(sent[0].from_text().starts_with("<sip:alice@example.org>;tag="));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
    assert!(sim.events(agent).iter().any(|(_, event)| matches!(event,
        Event::Registered { granted, refresh_in: None, contacts, .. }
            if granted.as_secs() == 3600 && contacts.len() == 1)));
}

#[test]
fn a_kept_registration_is_refreshed_and_removed_rfc3261_10_2_4_10_2_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let registrar = raw(&mut sim, |heard: &Heard| granting(heard, 0));
    let mut kept = register(60, true);
    kept.ask.timeout = Some(Duration::from_secs(100));
    sim.command(agent, Command::Register(kept));
    sim.run_until_idle();
    let sent = requests(&sim, registrar, &Method::Register);
    let lifetimes: Vec<_> = sent.iter().map(expires_of).collect();
    assert_eq!(lifetimes, [60, 60, 60, 60, 0], "at once, after 30, 60 and 90 s, and removed");
    assert!(sent.windows(2).all(|two| two[0].call_id() == two[1].call_id()));
    assert!(sent.windows(2).all(|two| two[0].cseq() + 1 == two[1].cseq()));
    assert!(sent.windows(2).all(|two| two[0].from_tag() == two[1].from_tag()));
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    assert_eq!(outcome.ended.since(outcome.begun).as_secs(), 100);
}

#[test]
fn a_kept_registration_is_removed_when_it_is_stopped_rfc3261_10_2_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let registrar = raw(&mut sim, |heard: &Heard| granting(heard, 0));
    sim.command(agent, Command::Register(register(3600, true)));
    sim.run_for(Duration::from_secs(10));
    sim.command(agent, Command::Shutdown);
    sim.run_until_idle();
    let sent = requests(&sim, registrar, &Method::Register);
    assert_eq!(expires_of(sent.last().unwrap()), 0);
    assert!(matches!(sim.events(agent).last(), Some((_, Event::Idle))));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
}

#[test]
fn too_brief_an_interval_is_lengthened_rfc3261_10_2_8() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let registrar = raw(&mut sim, |heard: &Heard| granting(heard, 120));
    sim.command(agent, Command::Register(register(60, false)));
    sim.run_until_idle();
    let lifetimes: Vec<_> =
        requests(&sim, registrar, &Method::Register).iter().map(expires_of).collect();
    assert_eq!(lifetimes, [60, 120]);
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.tried[0].did, Some(Kind::Lengthen));
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
}

#[test]
fn all_bindings_are_removed_with_a_star_rfc3261_10_2_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let registrar = raw(&mut sim, |heard: &Heard| granting(heard, 0));
    sim.command(
        agent,
        Command::Unregister(Unregister {
            ask: ask("sip:alice@192.0.2.2"),
            registrar: None,
            contact: Unbind::All,
        }),
    );
    sim.run_until_idle();
    let sent = &requests(&sim, registrar, &Method::Register)[0];
    assert_eq!(sent.headers().text(HeaderName::Contact), Some("*"));
    assert_eq!((expires_of(sent), sent.uri_text()), (0, "sip:192.0.2.2"));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
}

#[test]
fn a_refresh_that_fails_is_tried_again_later_rfc5626_4_5() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let mut answered = 0;
    let registrar = raw(&mut sim, move |heard: &Heard| {
        answered += 1;
        if answered == 2 {
            let unavailable = heard.response(StatusCode::SERVICE_UNAVAILABLE).unwrap();
            return vec![heard.reply(unavailable)];
        }
        granting(heard, 0)
    });
    sim.command(agent, Command::Register(register(600, true)));
    sim.run_for(Duration::from_secs(361));
    assert_eq!(requests(&sim, registrar, &Method::Register).len(), 3, "once more within 60 s");
    assert!(
        sim.events(agent).iter().any(|(_, event)| matches!(event, Event::RefreshFailed { .. }))
    );
    assert_eq!(outcomes(&sim, agent).len(), 0);
    sim.command(agent, Command::Stop(ActionId(1)));
    sim.run_until_idle();
    assert_eq!(outcomes(&sim, agent).len(), 1);
}

/// A registration that the registrar is to tie to its flow.
fn outbound(keep: bool) -> Register {
    let instance = "urn:uuid:00000000-0000-4000-8000-000a95a0e128".into();
    Register { outbound: Some(Outbound { instance, reg_id: 1 }), ..register(60, keep) }
}

/// Refuses with 439 whoever asks for outbound, so many times.
fn without_outbound(heard: &Heard, refusals: &mut u32) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    let asks = request.headers().text(HeaderName::Contact).unwrap().contains("reg-id=1");
    if asks && *refusals > 0 {
        *refusals -= 1;
        let refused = Response::builder(&request, StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
        return vec![heard.reply(refused.to_tag("r").build().to_bytes())];
    }
    granting(heard, 0)
}

#[test]
fn a_flow_is_named_with_its_instance_rfc5626_4_2_1() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let registrar = raw(&mut sim, |heard: &Heard| granting(heard, 0));
    sim.command(agent, Command::Register(outbound(false)));
    sim.run_until_idle();
    let sent = requests(&sim, registrar, &Method::Register).remove(0);
    let contact = sent.headers().text(HeaderName::Contact).unwrap();
    assert!(contact.contains(";reg-id=1;+sip.instance=\"<urn:uuid:"), "{contact}");
    assert!(sent.headers().text(HeaderName::Supported).unwrap().contains("outbound"));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
}

#[test]
fn after_439_the_plain_way_is_taken_and_kept_rfc5626_4_2_1() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let mut refusals = 10;
    let registrar = raw(&mut sim, move |heard: &Heard| without_outbound(heard, &mut refusals));
    let mut kept = outbound(true);
    kept.ask.timeout = Some(Duration::from_secs(40));
    sim.command(agent, Command::Register(kept));
    sim.run_until_idle();
    let sent = requests(&sim, registrar, &Method::Register);
    let asks = |request: &&Request| {
        request.headers().text(HeaderName::Contact).unwrap().contains("reg-id")
    };
    assert_eq!(sent.iter().filter(asks).count(), 1, "never again once it is refused");
    let plain = sent.iter().find(|request| !asks(request)).unwrap();
    assert!(plain.headers().text(HeaderName::Contact).unwrap().contains("+sip.instance"));
    assert!(!plain.headers().text(HeaderName::Supported).unwrap().contains("outbound"));
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
}

#[test]
fn a_push_service_is_named_until_the_binding_is_removed_rfc8599_4_1_1_4_1_2() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let registrar = raw(&mut sim, |heard: &Heard| granting(heard, 0));
    let push = Push { provider: "webpush".into(), param: None, prid: "abc%2Fd".into() };
    let mut kept = Register { push: Some(push), ..register(60, true) };
    kept.ask.timeout = Some(Duration::from_secs(40));
    sim.command(agent, Command::Register(kept));
    sim.run_until_idle();
    let sent = requests(&sim, registrar, &Method::Register);
    let contacts: Vec<_> =
        sent.iter().filter_map(|one| one.headers().text(HeaderName::Contact)).collect();
    let named = "<sip:alice@192.0.2.1:5060;pn-provider=webpush;pn-prid=abc%2Fd>";
    let removed = "<sip:alice@192.0.2.1:5060;pn-provider=webpush>";
    assert_eq!(contacts, [named, named, removed]);
    assert_eq!(outcome(&sim, agent).conclusion, Conclusion::Succeeded);
}

#[test]
fn a_439_to_who_did_not_ask_for_outbound_is_reported_rfc5626_11_6() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    raw(&mut sim, |heard: &Heard| {
        let Some(request) = heard.as_request() else { return vec![] };
        let refused = Response::builder(&request, StatusCode::FIRST_HOP_LACKS_OUTBOUND_SUPPORT);
        vec![heard.reply(refused.to_tag("r").build().to_bytes())]
    });
    sim.command(agent, Command::Register(register(60, false)));
    sim.run_until_idle();
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.tried.len(), 1);
    assert!(matches!(outcome.conclusion, Conclusion::Refused), "{outcome:?}");
}

/// Grants a flow, for an hour.
fn granting_flows(heard: &Heard, timer: Option<u32>) -> Vec<Send> {
    let Some(request) = heard.as_request() else { return vec![] };
    let contact = request.headers().text(HeaderName::Contact).unwrap().to_owned();
    let mut ok = Response::builder(&request, StatusCode::OK)
        .to_tag("r")
        .header(HeaderName::Require, "outbound")
        .header(HeaderName::Contact, format_args!("{contact};expires=3600"));
    if let Some(seconds) = timer {
        ok = ok.header(HeaderName::FlowTimer, seconds);
    }
    vec![heard.reply(ok.build().to_bytes())]
}

/// A registrar that grants them, by UDP and TCP.
fn registrar_of_flows(sim: &mut Simulation, timer: Option<u32>) -> Handle<RawPeer> {
    let peer = RawPeer::answering(move |heard: &Heard| granting_flows(heard, timer));
    sim.add(Setup::new("bob", peer).udp(BOB).tcp(BOB))
}

/// Registers a flow and keeps it, over this transport.
fn keep_flow(sim: &mut Simulation, registrar: &str) {
    let agent = alice(sim);
    let mut kept = register(3600, true);
    kept.registrar = Some(registrar.parse().unwrap());
    let instance = "<urn:uuid:00000000-0000-1000-8000-000A95A0E128>".into();
    kept.outbound = Some(Outbound { instance, reg_id: 1 });
    sim.command(agent, Command::Register(kept));
    sim.run_for(Duration::from_secs(1));
}

#[test]
fn a_flow_that_does_not_answer_is_registered_anew_rfc5626_4_5() {
    // Cut off until the first keep-alive has gone out, which STUN repeats for 39.5 s.
    for (timer, registrar, seconds) in
        [(None, "sip:192.0.2.2", 29), (Some(20), "sip:192.0.2.2;transport=tcp", 21)]
    {
        let mut sim = Simulation::new(1);
        let peer = registrar_of_flows(&mut sim, timer);
        keep_flow(&mut sim, registrar);
        assert_eq!(requests(&sim, peer, &Method::Register).len(), 1);
        sim.isolate(peer);
        sim.run_for(Duration::from_secs(seconds));
        sim.heal_all();
        sim.run_for(Duration::from_secs(45));
        let sent = requests(&sim, peer, &Method::Register);
        assert_eq!(sent.len(), 2, "{registrar}");
        assert_eq!(sent[0].call_id(), sent[1].call_id());
        assert_eq!(sent[0].cseq() + 1, sent[1].cseq());
        let contact = sent[1].headers().text(HeaderName::Contact).unwrap();
        assert!(contact.contains(";reg-id=1"), "{contact}");
        // The new flow is kept alive as well, and lives.
        sim.run_for(Duration::from_secs(600));
        assert_eq!(requests(&sim, peer, &Method::Register).len(), 2);
    }
}

#[test]
fn a_connection_that_the_registrar_closes_is_made_anew_at_once_rfc5626_4_5() {
    let mut sim = Simulation::new(1);
    let peer = registrar_of_flows(&mut sim, None);
    keep_flow(&mut sim, "sip:192.0.2.2;transport=tcp");
    let flow = sim.node(peer).heard()[0].flow;
    sim.close(peer, flow);
    sim.run_for(Duration::from_secs(1));
    assert_eq!(requests(&sim, peer, &Method::Register).len(), 2);
    let heard = sim.node(peer).heard();
    assert_ne!(heard.last().unwrap().flow.connection, flow.connection);
}
