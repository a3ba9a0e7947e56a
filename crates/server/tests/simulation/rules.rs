//! The rules of a configuration decide where requests go.

use antiphon_server::node::{Command, Service};
use antiphon_sip::{HeaderName, Response};
use jiff::tz::TimeZone;

use crate::phone::Script;
use crate::text::Text;
use crate::world::{World, password};

fn values(response: &Response, name: HeaderName) -> Vec<String> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    response.headers().values(name).map(text).collect()
}

/// A world with one rule for the callee `x`.
fn world(action: &str) -> World {
    World::configured(&format!(
        "trusted = [\"192.0.2.100\"]\n[[rule]]\nname = \"one\"\nwhen = {{ callee = \"x\" }}\ndo = {action}\n"
    ))
}

#[test]
fn a_rule_answers_with_its_code_its_words_and_its_headers() {
    let headers = "{ \"Retry-After\" = \"60\", \"X-Own\" = \"yes\" }";
    let action = format!("{{ answer = 480, reason = \"At lunch\", headers = {headers} }}");
    let mut world = world(&action);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let response = world.ask(caller, &Text::invite("sip:x@example.org"));
    assert_eq!((response.status().as_u16(), response.reason()), (480, "At lunch"));
    assert_eq!(values(&response, HeaderName::RetryAfter), ["60"]);
    assert!(String::from_utf8_lossy(&response.to_bytes()).contains("\r\nX-Own: yes\r\n"));
}

#[test]
fn another_user_is_located_and_the_caller_is_not_told() {
    let mut world = world("{ locate = \"sip:bob@example.org\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    assert_eq!(world.status(caller, &Text::invite("sip:x@example.org")), 200);
    assert_eq!(world.heard(bob, "INVITE")[0].uri_text(), "sip:bob@192.0.2.2:5060");
}

#[test]
fn a_user_who_is_located_in_place_of_another_may_be_absent_rfc3261_16_5() {
    let mut world = world("{ locate = \"sip:bob@example.org\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &Text::invite("sip:x@example.org")), 480);
    let mut world = self::world("{ locate = \"sip:nobody@example.org\" }");
    let caller = world.peer("trusted", "192.0.2.100:5060");
    assert_eq!(world.status(caller, &Text::invite("sip:x@example.org")), 404);
}

#[test]
fn a_fork_goes_to_users_of_ours_and_to_others_by_q_rfc3261_16_6() {
    let list = "[\"sip:bob@example.org\", \"sip:out@192.0.2.5\", \
                { uri = \"sip:carol@example.org\", q = 0.5 }]";
    let mut world = world(&format!("{{ fork = {list} }}"));
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::says(&[(1, 486)]));
    let out = world.phone("out", "192.0.2.5:5060", Script::says(&[(0, 180), (5, 480)]));
    let carol = world.bound("carol", "192.0.2.3:5060", Script::answers(0));
    world.send(caller, &Text::invite("sip:x@example.org"));
    world.run_for_seconds(3);
    assert_eq!((world.heard(bob, "INVITE").len(), world.heard(out, "INVITE").len()), (1, 1));
    assert!(world.heard(carol, "INVITE").is_empty(), "comes after the others");
    world.run_for_seconds(4);
    assert_eq!(world.heard(carol, "INVITE").len(), 1);
    assert_eq!(world.statuses(caller), [100, 180, 200]);
}

#[test]
fn a_user_of_a_fork_who_is_not_there_takes_nothing_from_the_others() {
    let mut world = world("{ fork = [\"sip:bob@example.org\", \"sip:carol@example.org\"] }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let carol = world.bound("carol", "192.0.2.3:5060", Script::answers(0));
    assert_eq!(world.status(caller, &Text::invite("sip:x@example.org")), 200);
    assert_eq!(world.heard(carol, "INVITE").len(), 1);
}

#[test]
fn a_number_is_rewritten_and_leaves_only_with_an_account() {
    let rule = "[[rule]]\nname = \"abroad\"\nwhen = { callee = '00(?<number>\\d+)' }\n\
                do = { send = \"sip:+$number@192.0.2.5\" }\n";
    let mut world = World::configured(rule);
    let alice = world.peer("alice", "192.0.2.1:5060");
    let gateway = world.phone("gateway", "192.0.2.5:5060", Script::answers(0));
    let text = Text::invite("sip:0049301@example.org");
    assert_eq!(world.status(alice, &text), 407, "a stranger is asked to sign in");
    let text = text.next_cseq().from("sip:alice@example.org");
    let response = world.ask_as(alice, "alice", &password("alice"), &text);
    assert_eq!(response.status().as_u16(), 200);
    assert_eq!(world.heard(gateway, "INVITE")[0].uri_text(), "sip:+49301@192.0.2.5");
}

#[test]
fn who_comes_from_a_trusted_network_need_not_sign_in() {
    let mut world = World::configured("trusted = [\"192.0.2.1\"]\n");
    let trusted = world.peer("trusted", "192.0.2.1:5060");
    let other = world.peer("other", "192.0.2.2:5060");
    world.phone("outside", "192.0.2.5:5060", Script::answers(0));
    for from in ["sip:alice@example.org", "sip:stranger@elsewhere.example"] {
        let text = Text::invite("sip:out@192.0.2.5").from(from);
        assert_eq!(world.status(trusted, &text), 200, "{from}");
        assert_eq!(world.status(other, &text.again()), 407, "{from}");
    }
}

#[test]
fn an_open_rule_lets_strangers_through() {
    let rule = "[[rule]]\nname = \"help\"\nopen = true\nwhen = { callee = \"112\" }\n\
                do = { send = \"sip:$user@192.0.2.5\" }\n";
    let mut world = World::configured(rule);
    let stranger = world.peer("stranger", "192.0.2.1:5060");
    world.phone("gateway", "192.0.2.5:5060", Script::answers(0));
    assert_eq!(world.status(stranger, &Text::invite("sip:112@example.org")), 200);
}

#[test]
fn every_code_of_redirection_goes_by_rule_rfc3261_21_3() {
    for code in [300, 301, 302, 305, 380] {
        let first = "{ uri = \"sip:a@a.example\", q = 0.7, expires = \"1h\" }";
        let second = "{ uri = \"sip:b@b.example\", expires = \"1h\" }";
        // A 305 names one proxy (RFC 3261 §21.3.4).
        let is_one = code == 305;
        let contacts = if is_one { format!("[{first}]") } else { format!("[{first}, {second}]") };
        let action =
            format!("{{ redirect = {code}, contacts = {contacts}, body = \"Go there.\" }}");
        let mut world = world(&action);
        let caller = world.peer("caller", "192.0.2.1:5060");
        let response = world.ask(caller, &Text::invite("sip:x@example.org"));
        assert_eq!(response.status().as_u16(), code);
        let expected =
            ["<sip:a@a.example>;q=0.700;expires=3600", "<sip:b@b.example>;q=1;expires=3600"];
        let told = values(&response, HeaderName::Contact);
        assert_eq!(told, expected[..if is_one { 1 } else { 2 }]);
        assert_eq!(values(&response, HeaderName::Expires), ["3600"], "RFC 3261 §21.3.3");
        assert_eq!(values(&response, HeaderName::ContentType), ["text/plain"]);
        assert_eq!(response.body(), b"Go there.".as_slice());
        world.send(caller, &Text::invite("sip:x@example.org").ack_of(&response));
    }
}

#[test]
fn what_an_operator_knows_of_an_address_goes_by_rule_rfc3261_21_4_21_6_rfc5079_3() {
    for (condition, answer, user, code) in [
        ("callee = 'left'", "answer = 410", "left", 410),
        ("callee = '\\d{1,3}'", "answer = 484, reason = \"Four digits\"", "123", 484),
        (
            "callee = 'smith'",
            "answer = 485, headers = { Contact = '<sip:ann@example.org>, <sip:al@example.org>' }",
            "smith",
            485,
        ),
        ("callee = 'nobody'", "answer = 604", "nobody", 604),
        ("header = { Privacy = '.*\\bid\\b.*' }", "answer = 433", "bob", 433),
    ] {
        let rule =
            format!("[[rule]]\nname = \"one\"\nwhen = {{ {condition} }}\ndo = {{ {answer} }}\n");
        let mut world = World::configured(&rule);
        let caller = world.peer("caller", "192.0.2.1:5060");
        world.bound("bob", "192.0.2.2:5060", Script::answers(0));
        let invite = Text::invite(&format!("sip:{user}@example.org")).header("Privacy", "id");
        let response = world.ask(caller, &invite);
        assert_eq!(response.status().as_u16(), code, "{condition}");
        let choices = if code == 485 { 1 } else { 0 };
        assert_eq!(values(&response, HeaderName::Contact).len(), choices);
        world.send(caller, &invite.ack_of(&response));
        // Everybody else is called as ever.
        let plain = Text::invite("sip:bob@example.org").call_id("another");
        assert_eq!(world.status(caller, &plain), 200, "{condition}");
    }
}

#[test]
fn a_redirecting_domain_tells_where_its_users_are_rfc3261_8_3() {
    let mut world = World::configured("[[domain]]\nname = \"example.org\"\nrole = \"redirect\"\n");
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bind("bob", "sip:bob@192.0.2.2", 500);
    world.bind("bob", "sip:bob@192.0.2.3", 1000);
    let response = world.ask(caller, &Text::invite("sip:bob@example.org"));
    assert_eq!(response.status().as_u16(), 302);
    assert_eq!(
        values(&response, HeaderName::Contact),
        ["<sip:bob@192.0.2.3>;q=1", "<sip:bob@192.0.2.2>;q=0.999"]
    );
    assert_eq!(world.status(caller, &Text::invite("sip:carol@example.org")), 480);
}

#[test]
fn a_call_may_go_straight_to_voicemail_rfc4458_2() {
    let mut world = world("{ voicemail = \"sip:vm@192.0.2.5\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let voicemail = world.phone("vm", "192.0.2.5:5060", Script::answers(0));
    assert_eq!(world.status(caller, &Text::invite("sip:x@example.org")), 200);
    assert_eq!(
        world.heard(voicemail, "INVITE")[0].uri_text(),
        "sip:vm@192.0.2.5;target=sip:x%40example.org;cause=302"
    );
}

#[test]
fn a_voicemail_that_registered_is_told_too_rfc4458_2() {
    let mut world = world("{ voicemail = \"sip:dave@example.org\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let voicemail = world.bound("dave", "192.0.2.5:5060", Script::answers(0));
    assert_eq!(world.status(caller, &Text::invite("sip:x@example.org")), 200);
    assert_eq!(
        world.heard(voicemail, "INVITE")[0].uri_text(),
        "sip:dave@192.0.2.5:5060;target=sip:x%40example.org;cause=302"
    );
}

#[test]
fn hours_are_those_of_the_clock_as_it_goes_on() {
    // The simulation begins on a Thursday at midnight.
    let rule = "[[rule]]\nname = \"night\"\nwhen = { hours = \"00:00-00:10\", weekdays = \"thu\" }\n\
                do = { answer = 480, reason = \"Asleep\" }\n";
    let mut world = World::configured(rule);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let asked = Text::new("MESSAGE", "sip:nobody@example.org");
    assert_eq!(world.ask(caller, &asked).reason(), "Asleep");
    world.run_for_seconds(600);
    assert_ne!(world.ask(caller, &asked.again()).reason(), "Asleep");
}

#[test]
fn hours_follow_the_clock_on_the_wall_also_when_it_is_set_and_in_spring() {
    let rule = "[[rule]]\nname = \"night\"\nwhen = { hours = \"03:00-03:30\", weekdays = \"sun\" }\n\
                do = { answer = 480, reason = \"Asleep\" }\n";
    let mut world = World::configured(rule);
    let caller = world.peer("caller", "192.0.2.1:5060");
    // Central Europe, where the clock goes from 02:00 to 03:00 on the last Sunday of March.
    let zone = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
    let config = antiphon_server::config::check(rule).config.unwrap();
    let service = Service { zone, ..Service::of(&config, Some("example.org".to_owned())) };
    let guard = antiphon_server::guard::Settings::default();
    world.sim.command(world.server, Command::TakeOver { service: Box::new(service), guard });
    // Somebody sets the clock to half a minute before that, in 2026.
    let spring: jiff::Timestamp = "2026-03-29T00:59:30Z".parse().unwrap();
    let now = i64::try_from(world.sim.now().as_secs()).unwrap();
    world.sim.command(world.server, Command::SetClock(spring.as_second() - now));
    let asked = Text::new("MESSAGE", "sip:nobody@example.org");
    assert_ne!(world.ask(caller, &asked).reason(), "Asleep", "it is 01:59");
    world.run_for_seconds(30);
    assert_eq!(world.ask(caller, &asked.clone().again()).reason(), "Asleep", "it is 03:00");
    world.run_for_seconds(1800);
    assert_ne!(world.ask(caller, &asked.again()).reason(), "Asleep", "it is 03:30");
}

#[test]
fn a_dialog_goes_on_past_the_rules() {
    let rule = "[[rule]]\nname = \"nothing but INVITE\"\nwhen = { method = [\"BYE\", \"INFO\"] }\n\
                do = { answer = 403 }\n";
    let mut world = World::configured(rule);
    let caller = world.phone("caller", "192.0.2.1:5060", Script::rings());
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    world.sim.command(caller, crate::phone::Call("sip:bob@example.org".into()));
    world.run_for_seconds(5);
    assert_eq!(world.sim.node(caller).completed, 1, "{:?}", world.sim.node(caller).troubles);
}

#[test]
fn without_default_rules_nobody_gets_anywhere() {
    let mut world = World::configured("default_rules = false\n");
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    assert_eq!(world.status(caller, &Text::invite("sip:bob@example.org")), 404);
}

#[test]
fn each_domain_offers_its_own_hashes_in_its_own_order_rfc8760_2_3() {
    let mut world = World::configured(
        "[[domain]]\nname = \"example.org\"\ndigest = [\"SHA-512-256\", \"MD5\"]\n\
         [[domain]]\nname = \"strict.example\"\ndigest = [\"SHA-256\"]\n",
    );
    let caller = world.peer("caller", "192.0.2.1:5060");
    let mut offered = |from: &str| {
        let challenge = world.ask(caller, &Text::invite("sip:bob@example.org").from(from));
        let challenges = values(&challenge, HeaderName::ProxyAuthenticate);
        let algorithm = |text: &String| {
            let rest = text.split("algorithm=").nth(1).unwrap_or_default();
            rest.split(',').next().unwrap_or_default().to_owned()
        };
        challenges.iter().map(algorithm).collect::<Vec<_>>()
    };
    assert_eq!(offered("sip:alice@example.org"), ["SHA-512-256", "MD5"]);
    assert_eq!(offered("sip:alice@strict.example"), ["SHA-256"]);
}

#[test]
fn an_account_calls_in_other_names_only_where_its_domain_allows_it() {
    for (any_from, expected) in [(false, 403), (true, 200)] {
        let domain = format!("[[domain]]\nname = \"example.org\"\nany_from = {any_from}\n");
        let mut world = World::configured(&domain);
        let alice = world.peer("alice", "192.0.2.1:5060");
        world.bound("bob", "192.0.2.2:5060", Script::answers(0));
        let register = Text::register("bob").header("Contact", "<sip:alice@192.0.2.1>");
        let response = world.ask_as(alice, "alice", &password("alice"), &register);
        assert_eq!(response.status().as_u16(), 403, "nobody registers for somebody else");
        let text = Text::invite("sip:bob@example.org").from("sip:reception@example.org");
        let response = world.ask_as(alice, "alice", &password("alice"), &text);
        assert_eq!(response.status().as_u16(), expected);
    }
}
