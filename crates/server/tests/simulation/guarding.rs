//! Who is slowed, banned and told of, and what a scanner can learn.

use std::time::Duration;

use antiphon_server::node::{Command, Offence, ServerEvent};
use antiphon_sip::Response;
use antiphon_testkit::{Handle, RawPeer};

use crate::phone::Script;
use crate::text::Text;
use crate::world::{World, password};

/// What is in a response beside what repeats the request or differs each time.
fn essence(response: &Response) -> String {
    let text = String::from_utf8(response.to_bytes().to_vec()).unwrap();
    let varies = |line: &&str| {
        let name = line.split(':').next().unwrap_or_default();
        !["Via", "From", "To", "Call-ID", "CSeq"].contains(&name)
    };
    let lines: Vec<_> = text.lines().filter(varies).collect();
    let text = lines.join("\n");
    let nonce = text.split("nonce=\"").nth(1).and_then(|rest| rest.split('"').next());
    nonce.map_or(text.clone(), |nonce| text.replace(nonce, "NONCE"))
}

/// Each method that scanners try, for a user: in the user's own name, and in a stranger's.
fn probes(user: &str) -> Vec<Text> {
    let uri = format!("sip:{user}@example.org");
    let own =
        |method: &str, to: &str| Text::new(method, to).from(&uri).to(&format!("<{uri}>")).again();
    let stranger = |method: &str| Text::new(method, &uri).to(&format!("<{uri}>")).again();
    vec![
        own("REGISTER", "sip:example.org"),
        own("OPTIONS", &uri),
        own("INVITE", &uri),
        own("MESSAGE", &uri),
        stranger("OPTIONS"),
        stranger("INVITE"),
        stranger("MESSAGE"),
        stranger("SUBSCRIBE"),
        Text::new("INVITE", &uri.replace("sip:", "sips:")).again(),
    ]
}

#[test]
fn nothing_on_the_wire_tells_a_user_from_nobody() {
    let mut world = World::new(1);
    let heard = |world: &mut World, user: &str, address: &str| -> Vec<String> {
        let scanner = world.peer(user, address);
        let ask = |text: &Text| essence(&world.ask(scanner, text));
        probes(user).iter().map(ask).collect()
    };
    let existing = heard(&mut world, "bob", "192.0.2.61:5060");
    let missing = heard(&mut world, "nob", "192.0.2.62:5060");
    assert_eq!(existing, missing);
    assert!(existing.iter().any(|answer| answer.starts_with("SIP/2.0 480 ")), "{existing:?}");
}

#[test]
fn wrong_passwords_of_a_user_and_of_nobody_are_answered_alike() {
    let mut world = World::new(1);
    let heard = |world: &mut World, user: &str, address: &str| -> String {
        let scanner = world.peer(user, address);
        let uri = format!("sip:{user}@example.org");
        let text = Text::new("REGISTER", "sip:example.org").from(&uri).to(&format!("<{uri}>"));
        essence(&world.ask_as(scanner, user, "guess", &text))
    };
    let existing = heard(&mut world, "bob", "192.0.2.61:5060");
    let missing = heard(&mut world, "nob", "192.0.2.62:5060");
    assert_eq!(existing, missing);
    assert!(existing.starts_with("SIP/2.0 401 "), "{existing}");
}

/// The challenges that a peer has heard.
fn challenges(world: &World, peer: Handle<RawPeer>) -> Vec<Response> {
    let responses = world.sim.node(peer).responses().into_iter();
    responses.filter(|response| response.status().as_u16() == 401).collect()
}

/// One more attempt to sign in as bob with a wrong password; how many challenges came.
fn guess(world: &mut World, peer: Handle<RawPeer>) -> usize {
    let before = challenges(world, peer).len();
    let text = Text::register("bob").again();
    world.send(peer, &text);
    world.run_for_seconds(1);
    let Some(challenge) = challenges(world, peer).pop() else { return 0 };
    world.send(peer, &text.next_cseq().answering(&challenge, "bob", "guess"));
    world.run_for_seconds(1);
    challenges(world, peer).len() - before
}

#[test]
fn guessing_passwords_is_slowed_then_banned_then_forgiven() {
    let mut world = World::new(1);
    let scanner = world.peer("scanner", "192.0.2.66:5060");
    for _ in 0..5 {
        assert_eq!(guess(&mut world, scanner), 2);
    }
    assert_eq!(guess(&mut world, scanner), 1, "the answer waits for a second");
    while guess(&mut world, scanner) > 0 {}
    world.run_for_seconds(10);
    assert_eq!(guess(&mut world, scanner), 0, "no answer at all");
    let bans: Vec<_> = world
        .events()
        .into_iter()
        .filter_map(|event| match event {
            ServerEvent::Banned(ban) => Some((ban.source.to_string(), ban.failures)),
            _ => None,
        })
        .collect();
    assert_eq!(bans, [("192.0.2.66".to_owned(), 10)]);
    world.run_for_seconds(900);
    assert_eq!(guess(&mut world, scanner), 2, "the ban is over");
}

#[test]
fn a_ban_is_lifted_by_command() {
    let mut world = World::new(1);
    let scanner = world.peer("scanner", "192.0.2.66:5060");
    for user in 0..12 {
        world.send(scanner, &Text::new("OPTIONS", &format!("sip:{user}@example.org")));
    }
    world.run_for_seconds(5);
    let answers = world.sim.node(scanner).responses();
    let answers = answers.iter().filter(|answer| answer.status().is_final()).count();
    assert_eq!(answers, 10, "a sweep of strangers is a failure for each user");
    let source = "192.0.2.66".parse().unwrap();
    world.sim.command(world.server, Command::LiftBan(source));
    assert_eq!(world.status(scanner, &Text::new("OPTIONS", "sip:99@example.org")), 480);
}

#[test]
fn a_sweep_that_never_answers_a_challenge_is_banned() {
    for method in ["REGISTER", "INVITE", "OPTIONS"] {
        let mut world = World::new(1);
        let scanner = world.peer("scanner", "192.0.2.66:5060");
        let mut answered = 0;
        for user in 100..140 {
            let uri = format!("sip:{user}@example.org");
            let to = if method == "REGISTER" { "sip:example.org" } else { &uri };
            let text = Text::new(method, to).from(&uri).to(&format!("<{uri}>")).again();
            let before = world.sim.node(scanner).responses().len();
            world.send(scanner, &text);
            world.sim.run_for(Duration::from_millis(100));
            let responses = world.sim.node(scanner).responses();
            answered += usize::from(responses.len() > before);
            if method == "INVITE" && responses.len() > before {
                world.send(scanner, &text.ack_of(&responses[responses.len() - 1]));
            }
            world.sim.run_for(Duration::from_millis(900));
        }
        assert!((10..20).contains(&answered), "{method}: {answered} answers");
    }
}

#[test]
fn a_phone_behind_the_address_of_a_scanner_goes_on_working() {
    let mut world = World::new(1);
    let scanner = world.peer("scanner", "192.0.2.66:5060");
    let phone = world.peer("phone", "192.0.2.66:5070");
    let register = Text::register("bob");
    let signed_in = world.ask_as(phone, "bob", &password("bob"), &register);
    assert_eq!(signed_in.status().as_u16(), 200);
    for _ in 0..40 {
        let _ = guess(&mut world, scanner);
    }
    assert!(!world.events().iter().any(|event| matches!(event, ServerEvent::Banned(_))));
    let again = world.ask_as(phone, "bob", &password("bob"), &register.cseq(10));
    assert_eq!(again.status().as_u16(), 200);
}

#[test]
fn who_redials_is_no_scanner() {
    let mut world = World::new(1);
    let caller = world.peer("caller", "192.0.2.1:5060");
    for _ in 0..30 {
        let text = Text::invite("sip:bob@example.org").again();
        let response = world.ask(caller, &text);
        world.send(caller, &text.ack_of(&response));
        assert_eq!(response.status().as_u16(), 480);
    }
}

#[test]
fn the_connection_of_a_banned_source_is_closed() {
    let mut world = World::new(1);
    let scanner = world.peer("scanner", "192.0.2.66:5060");
    for user in 0..12 {
        world.send(scanner, &Text::new("OPTIONS", &format!("sip:{user}@example.org")));
    }
    world.run_for_seconds(5);
    let before = world.sim.node(scanner).responses().len();
    world.send_by_tcp(scanner, &Text::new("OPTIONS", "sip:192.0.2.10"));
    world.run_for_seconds(1);
    assert_eq!(world.sim.node(scanner).responses().len(), before);
}

#[test]
fn what_we_asked_of_a_banned_source_it_may_answer() {
    let mut world = World::new(1);
    // The same address is that of a phone, whose registration is from another life.
    let bob = world.bound("bob", "192.0.2.66:5070", Script::answers(0));
    let scanner = world.peer("scanner", "192.0.2.66:5060");
    for user in 0..12 {
        world.send(scanner, &Text::new("OPTIONS", &format!("sip:{user}@example.org")));
    }
    world.run_for_seconds(5);
    let caller = world.peer("caller", "192.0.2.1:5060");
    assert_eq!(world.status(caller, &Text::invite("sip:bob@example.org")), 200);
    assert_eq!(world.heard(bob, "INVITE").len(), 1);
}

/// What was told of refusals: of whom, what, and how much was left out.
fn refused(world: &World) -> Vec<(String, Offence, u32)> {
    let told = |event| match event {
        ServerEvent::Refused { source, offence, untold } => {
            Some((source.remote.ip().to_string(), offence, untold))
        }
        _ => None,
    };
    world.events().into_iter().filter_map(told).collect()
}

#[test]
fn what_is_refused_is_told_once_for_each_source_and_minute() {
    let mut world = World::new(1);
    let one = world.peer("one", "192.0.2.61:5060");
    let other = world.peer("other", "192.0.2.62:5060");
    let forged = Text::new("MESSAGE", "sip:anybody@192.0.2.9")
        .header("Route", "<sip:0123456789abcdef@192.0.2.10:5060;lr>");
    for _ in 0..3 {
        assert_eq!(world.status(one, &forged.clone().again()), 403);
    }
    assert_eq!(world.status(other, &Text::new("MESSAGE", "sip:anybody@192.0.2.9")), 407);
    world.run_for_seconds(60);
    let in_the_name_of_alice = Text::invite("sip:bob@example.org").from("sip:alice@example.org");
    let text = in_the_name_of_alice.again();
    assert_eq!(world.ask_as(one, "carol", &password("carol"), &text).status().as_u16(), 403);
    let expected = [
        ("192.0.2.61".to_owned(), Offence::ForgedRoute, 0),
        ("192.0.2.62".to_owned(), Offence::Relay, 0),
        ("192.0.2.61".to_owned(), Offence::OtherUser, 2),
    ];
    assert_eq!(refused(&world), expected);
}

#[test]
fn a_registration_for_somebody_else_is_refused_and_told_rfc3261_10_3() {
    let mut world = World::new(1);
    let carol = world.peer("carol", "192.0.2.61:5060");
    for user in ["bob", "nobody"] {
        let text = Text::register(user).again();
        let response = world.ask_as(carol, "carol", &password("carol"), &text);
        assert_eq!(response.status().as_u16(), 403, "{user}");
    }
    assert_eq!(refused(&world), [("192.0.2.61".to_owned(), Offence::OtherUser, 0)]);
    assert!(world.stored("bob").is_empty());
}

#[test]
fn a_contact_at_a_third_party_or_at_a_private_address_is_refused_rfc3261_26_1_5() {
    let mut world = World::new(1);
    let phone = world.peer("phone", "192.0.2.61:5060");
    for contact in [
        "<sip:bob@192.0.2.99>",
        "<sip:bob@10.0.0.5>",
        "<sip:bob@127.0.0.1:5061>",
        "<sip:bob@192.0.2.10>",
        "<sip:bob@[::ffff:10.0.0.5]>",
        "<sip:bob@192.0.2.61;maddr=10.0.0.5>",
        "<sip:bob@phone.example.org;maddr=10.0.0.5>",
        "<sip:bob@192.0.2.61>, <sip:bob@224.0.0.1>",
    ] {
        let text = Text::register("bob").header("Contact", contact).again();
        let response = world.ask_as(phone, "bob", &password("bob"), &text);
        assert_eq!(response.status().as_u16(), 403, "{contact}");
        assert_eq!(response.reason(), "Contact is not where the request is from");
    }
    let path = Text::register("bob")
        .header("Supported", "path")
        .header("Path", "<sip:10.0.0.5;lr>")
        .header("Contact", "<sip:bob@192.0.2.61>");
    let response = world.ask_as(phone, "bob", &password("bob"), &path);
    assert_eq!(response.status().as_u16(), 403);
    assert!(world.stored("bob").is_empty());
    assert_eq!(refused(&world)[0].1, Offence::ForeignContact);
    let removal = Text::register("bob").header("Contact", "<sip:bob@10.0.0.5>;expires=0");
    let response = world.ask_as(phone, "bob", &password("bob"), &removal);
    assert_eq!(response.status().as_u16(), 200, "what is removed is not reached");
}

#[test]
fn a_private_contact_behind_a_translator_is_reached_by_its_flow_rfc3581_4() {
    let mut world = World::new(1);
    let phone = world.peer("phone", "192.0.2.61:5060");
    let text = Text::register("bob")
        .via("SIP/2.0/UDP 10.0.0.5:5060;rport")
        .header("Contact", "<sip:bob@10.0.0.5>");
    let response = world.ask_as(phone, "bob", &password("bob"), &text);
    assert_eq!(response.status().as_u16(), 200);
    world.send(phone, &Text::new("OPTIONS", "sip:bob@example.org"));
    world.run_for_seconds(1);
    assert!(!world.sim.node(phone).requests().is_empty());
}

#[test]
fn a_trunk_that_is_known_by_its_name_is_never_banned() {
    let mut world = World::configured(
        "trusted = [\"192.0.2.1\"]\n\
         [[trunk]]\nname = \"out\"\ntarget = [{ host = \"gw.example.com\" }]\n\
         [[rule]]\nname = \"numbers\"\nwhen = { callee = '0\\d+' }\ndo = { trunk = \"out\" }\n",
    );
    world.sim.host("gw.example.com", &["192.0.2.66"]);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let trunk = world.phone("trunk", "192.0.2.66:5060", Script::answers(0));
    assert_eq!(world.status(caller, &Text::invite("sip:0123@example.org")), 200);
    assert_eq!(world.heard(trunk, "INVITE").len(), 1);
    let behind = world.peer("behind", "192.0.2.66:5070");
    for user in 0..20 {
        world.send(behind, &Text::new("OPTIONS", &format!("sip:{user}@example.org")));
    }
    world.run_for_seconds(10);
    assert!(!world.events().iter().any(|event| matches!(event, ServerEvent::Banned(_))));
}
