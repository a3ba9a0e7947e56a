//! How an agent finds its server, and what it does when that fails (RFC 3263).

use std::time::Duration;

use antiphon_core::locate::{Silence, Why};
use antiphon_core::user_agent::{ActionId, Ask, Command, Conclusion, Event, NoAnswer, UserAgent};
use antiphon_sip::{HeaderName, Response, StatusCode};
use antiphon_testkit::{Conditions, Handle, Heard, RawPeer, Setup, Simulation};

use super::support::*;

const THREE: &str = "\
    example.net NAPTR 10 1 \"s\" \"SIP+D2U\" \"\" _sip._udp.example.net\n\
    _sip._udp.example.net SRV 1 1 5060 one.example.net\n\
    _sip._udp.example.net SRV 2 1 5060 two.example.net\n\
    _sip._udp.example.net SRV 3 1 5060 three.example.net\n\
    one.example.net A 192.0.2.21\n\
    two.example.net A 192.0.2.22\n\
    three.example.net A 192.0.2.23\n";

fn peer(
    sim: &mut Simulation,
    name: &str,
    address: &str,
    headers: &'static [(HeaderName, &'static str)],
    code: u16,
) -> Handle<RawPeer> {
    let answer = move |heard: &Heard| -> Vec<_> {
        let Some(request) = heard.as_request() else { return vec![] };
        let mut response = Response::builder(&request, StatusCode::new(code).unwrap()).to_tag("t");
        for (name, value) in headers {
            response = response.header(*name, value);
        }
        vec![heard.reply(response.build().to_bytes())]
    };
    sim.add(Setup::new(name, RawPeer::answering(answer)).udp(address))
}

fn options(number: u64) -> Command {
    Command::Options(Ask::new(ActionId(number), "sip:example.net".parse().unwrap()))
}

fn servers_tried(sim: &Simulation, agent: Handle<UserAgent>) -> Vec<Vec<String>> {
    let servers = |outcome: antiphon_core::user_agent::Outcome| {
        outcome.tried.iter().map(|tried| tried.server.unwrap().1.ip().to_string()).collect()
    };
    outcomes(sim, agent).into_iter().map(servers).collect()
}

fn three(sim: &mut Simulation) -> [Handle<RawPeer>; 3] {
    sim.zone(THREE);
    let busy = &[(HeaderName::RetryAfter, "100")];
    [
        peer(sim, "one", "192.0.2.21:5060", busy, 503),
        sim.add_silent("two", "192.0.2.22:5060"),
        peer(sim, "three", "192.0.2.23:5060", &[], 200),
    ]
}

#[test]
fn after_a_503_and_silence_the_third_server_answers_rfc3263_4_3() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    three(&mut sim);
    for (number, after) in [(1, 0), (2, 20), (3, 60), (4, 101)] {
        sim.command_after(Duration::from_secs(after), agent, options(number));
    }
    sim.run_until_idle();
    assert_eq!(
        servers_tried(&sim, agent),
        [
            vec!["192.0.2.21", "192.0.2.22", "192.0.2.23"],
            vec!["192.0.2.23"],
            // The second has rested its 32 s and is tried again, the first not yet.
            vec!["192.0.2.22", "192.0.2.23"],
            vec!["192.0.2.21", "192.0.2.23"],
        ]
    );
    let all = outcomes(&sim, agent);
    assert!(all.iter().all(|outcome| outcome.conclusion == Conclusion::Succeeded));
    let first = &all[0];
    assert!(first.ended.since(first.begun) < Duration::from_secs(12), "a third of 32 s");
}

#[test]
fn the_whole_decision_is_told_rfc3263_4() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    three(&mut sim);
    sim.resolve_time(Duration::from_millis(20));
    sim.command(agent, options(1));
    sim.run_until_idle();
    let mut asked = Vec::new();
    let mut order = Vec::new();
    for (_, event) in sim.events(agent) {
        match event {
            Event::LookedUp { look_up, .. } => {
                assert!(look_up.answer.is_ok());
                assert_eq!(look_up.answered.since(look_up.asked), Duration::from_millis(20));
                asked.push(look_up.question.to_string());
            }
            Event::Located { servers, .. } => order.clone_from(servers),
            _ => {}
        }
    }
    assert_eq!(
        asked,
        [
            "NAPTR example.net",
            "SRV _sip._udp.example.net",
            "A one.example.net",
            "A two.example.net",
            "A three.example.net"
        ]
    );
    assert_eq!(order[0].1.to_string(), "192.0.2.21:5060", "the first is known before the others");
}

#[test]
fn a_failure_waits_for_the_dns_when_another_server_may_be_found() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    let peers = three(&mut sim);
    sim.silence("two.example.net", Silence::NoAnswer);
    sim.command(agent, options(1));
    sim.run_until_idle();
    assert_eq!(servers_tried(&sim, agent), [["192.0.2.21", "192.0.2.23"]]);
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    assert!(outcome.ended.since(outcome.begun) >= Duration::from_secs(4), "the DNS took that long");
    assert!(sim.node(peers[1]).heard().is_empty());
}

#[test]
fn a_failure_is_told_when_the_dns_has_nothing_more() {
    let mut sim = Simulation::new(1);
    let agent = alice(&mut sim);
    sim.zone(
        "_sip._udp.example.net SRV 1 1 5060 one.example.net\n\
         _sip._udp.example.net SRV 2 1 5060 two.example.net\n\
         one.example.net A 192.0.2.21\n\
         example.net A 192.0.2.20\n",
    );
    sim.silence("two.example.net", Silence::NoAnswer);
    peer(&mut sim, "one", "192.0.2.21:5060", &[], 503);
    sim.command(agent, options(1));
    sim.run_until_idle();
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.code, Some(StatusCode::SERVICE_UNAVAILABLE));
    assert_eq!(outcome.tried.len(), 1);
}

#[test]
fn credentials_go_to_the_server_that_asked_for_them_rfc3261_22() {
    for seed in 0..20 {
        let mut sim = Simulation::new(seed);
        let mut config = config("alice", ALICE);
        config.accounts.push(account());
        let agent = add(&mut sim, "alice", ALICE, config);
        sim.zone(
            "_sip._udp.example.net SRV 1 1 5060 one.example.net\n\
             _sip._udp.example.net SRV 1 1 5060 two.example.net\n\
             one.example.net A 192.0.2.21\n\
             two.example.net A 192.0.2.22\n",
        );
        for (name, address) in [("one", "192.0.2.21:5060"), ("two", "192.0.2.22:5060")] {
            let answer = |heard: &Heard| -> Vec<_> {
                let Some(request) = heard.as_request() else { return vec![] };
                let knows = request.headers().has(HeaderName::Authorization);
                let code = if knows { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
                let challenge = "Digest realm=\"example.net\", nonce=\"n\", algorithm=SHA-256";
                let response = Response::builder(&request, code)
                    .to_tag("t")
                    .header(HeaderName::WwwAuthenticate, challenge);
                vec![heard.reply(response.build().to_bytes())]
            };
            sim.add(Setup::new(name, RawPeer::answering(answer)).udp(address));
        }
        sim.command(agent, options(1));
        sim.run_until_idle();
        let tried = &servers_tried(&sim, agent)[0];
        assert_eq!(tried.len(), 2);
        assert_eq!(tried[0], tried[1], "seed {seed}");
    }
}

#[test]
fn what_the_dns_says_is_the_end_of_it_within_twelve_seconds() {
    let zone = "\
        round.example CNAME about.example\n\
        about.example CNAME round.example\n\
        _sip._udp.closed.example SRV 0 0 0 .\n\
        me.example A 192.0.2.1\n";
    for (host, why) in [
        ("nowhere.example", Why::Name(Silence::NoSuchName)),
        ("round.example", Why::Name(Silence::AliasLoop)),
        ("closed.example", Why::NoService),
        ("me.example", Why::Ourselves),
        ("dead.example", Why::Name(Silence::NoAnswer)),
    ] {
        let mut sim = Simulation::new(1);
        let agent = alice(&mut sim);
        sim.zone(zone);
        for name in ["dead.example", "_sip._udp.dead.example", "_sip._tcp.dead.example"] {
            sim.silence(name, Silence::NoAnswer);
        }
        sim.command(agent, Command::Options(ask(&format!("sip:{host}"))));
        sim.run_until_idle();
        let outcome = outcome(&sim, agent);
        assert_eq!(outcome.conclusion, Conclusion::NoAnswer(NoAnswer::Unlocated(why)), "{host}");
        assert!(outcome.ended.since(outcome.begun) <= Duration::from_secs(12), "{host}");
    }
}

/// An agent that speaks TCP over both families.
fn of_both_families(sim: &mut Simulation) -> Handle<UserAgent> {
    let mut config = config("alice", ALICE);
    config.endpoint.listeners.push(antiphon_core::endpoint::Listener {
        transport: antiphon_sip::Transport::Tcp,
        local: "[2001:db8::1]:5060".parse().unwrap(),
        sent_by: "[2001:db8::1]:5060".into(),
    });
    let agent = UserAgent::new(config, sim.draw_octets());
    let setup = Setup::new("alice", agent).udp(ALICE).tcp(ALICE).tcp("[2001:db8::1]:5060");
    sim.add(setup)
}

#[test]
fn a_stream_that_is_refused_gives_its_place_to_the_other_family_at_once_rfc8305_5() {
    let mut sim = Simulation::new(1);
    let agent = of_both_families(&mut sim);
    sim.host("both.example", &["2001:db8::2", "192.0.2.2"]);
    let ok = |heard: &Heard| -> Vec<_> {
        heard.response(StatusCode::OK).map(|ok| heard.reply(ok)).into_iter().collect()
    };
    sim.add(Setup::new("bob", RawPeer::answering(ok)).tcp(BOB).udp("[2001:db8::2]:5999"));
    sim.command(agent, Command::Options(ask("sip:both.example;transport=tcp")));
    sim.run_until_idle();
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    let tried: Vec<_> = outcome.tried.iter().map(|tried| tried.server.unwrap().1).collect();
    assert_eq!(tried, ["[2001:db8::2]:5060".parse().unwrap(), BOB.parse().unwrap()]);
    assert!(outcome.ended.since(outcome.begun) < Duration::from_secs(1));
}

#[test]
fn a_family_that_leads_nowhere_costs_a_quarter_of_a_second_once_rfc8305_5() {
    let mut sim = Simulation::new(1);
    let agent = of_both_families(&mut sim);
    sim.host("both.example", &["2001:db8::2", "192.0.2.2"]);
    let ok = |heard: &Heard| -> Vec<_> {
        heard.response(StatusCode::OK).map(|ok| heard.reply(ok)).into_iter().collect()
    };
    sim.add(Setup::new("bob", RawPeer::answering(ok)).tcp(BOB));
    for _ in 0..2 {
        sim.command(agent, Command::Options(ask("sip:both.example;transport=tcp")));
        sim.run_for(Duration::from_secs(3));
    }
    let outcomes = outcomes(&sim, agent);
    let took = outcomes.iter().map(|outcome| outcome.ended.since(outcome.begun).as_millis() / 100);
    assert_eq!(took.collect::<Vec<_>>(), [2, 0], "the second time it is known");
    let tried: Vec<Vec<_>> = servers_tried(&sim, agent);
    assert_eq!(tried, [vec!["2001:db8::2", "192.0.2.2"], vec!["192.0.2.2"]]);
    assert!(outcomes.iter().all(|outcome| outcome.conclusion == Conclusion::Succeeded));
}

#[test]
fn a_connection_that_is_only_slow_is_come_back_to_rfc8305_5() {
    let mut sim = Simulation::new(1);
    let agent = of_both_families(&mut sim);
    sim.host("both.example", &["2001:db8::2", "192.0.2.2"]);
    let ok = |heard: &Heard| -> Vec<_> {
        heard.response(StatusCode::OK).map(|ok| heard.reply(ok)).into_iter().collect()
    };
    let slow = sim.add(Setup::new("bob", RawPeer::answering(ok)).tcp("[2001:db8::2]:5060"));
    let far = Duration::from_millis(200);
    sim.link_both(agent, slow, Conditions::ideal().latency(far, far));
    sim.command(agent, Command::Options(ask("sip:both.example;transport=tcp")));
    sim.run_for(Duration::from_secs(20));
    let outcome = outcome(&sim, agent);
    assert_eq!(outcome.conclusion, Conclusion::Succeeded);
    let tried = servers_tried(&sim, agent).remove(0);
    assert_eq!(tried, ["2001:db8::2", "192.0.2.2", "2001:db8::2"]);
    assert!(outcome.ended.since(outcome.begun) < Duration::from_secs(1));
}
