//! Our own registration at a trunk, and the calls that come in over it.

use std::time::Duration;

use antiphon_core::node::Node;
use antiphon_server::config::check;
use antiphon_server::guard;
use antiphon_server::node::{Command, ServerEvent, Service};
use antiphon_sip::{HeaderName, Request};

use crate::carrier::Carrier;
use crate::phone::Script;
use crate::text::Text;
use crate::world::{DOMAIN, World};

fn config(aor: &str) -> String {
    format!(
        "[[trunk]]\nname = \"carrier\"\nusername = \"us\"\npassword = \"secret\"\n\
         target = [{{ host = \"192.0.2.31\" }}]\nregister = {{ aor = \"{aor}\" }}\n\
         [[rule]]\nname = \"in\"\nwhen = {{ from_trunk = \"carrier\" }}\n\
         do = {{ locate = \"sip:bob@example.org\" }}\n"
    )
}

const AOR: &str = "sip:us@192.0.2.31";

fn signing() -> Carrier {
    Carrier::new("192.0.2.31:5060").signing(&["REGISTER"]).challenges_with(401)
}

fn contact(register: &Request) -> String {
    let contact = register.headers().text(HeaderName::Contact).unwrap();
    contact.trim_matches(['<', '>']).to_owned()
}

fn expires(register: &Request) -> &str {
    register.headers().text(HeaderName::Expires).unwrap()
}

fn told(world: &World) -> Vec<String> {
    let events = world.events().into_iter();
    events
        .filter_map(|event| match event {
            ServerEvent::Trunk { news, .. } => Some(news.to_string()),
            _ => None,
        })
        .collect()
}

fn take_over(world: &mut World, text: &str) {
    let config = check(text).config.unwrap();
    let service = Box::new(Service::of(&config, Some(DOMAIN.to_owned())));
    let guard = guard::Settings::default();
    world.sim.command(world.server, Command::TakeOver { service, guard });
}

#[test]
fn it_registers_at_the_start_and_signs_rfc3261_10_2() {
    let mut world = World::configured(&config(AOR));
    let carrier = signing();
    carrier.add(&mut world, "carrier");
    world.run_for_seconds(3);
    let heard = carrier.heard("REGISTER");
    assert_eq!(heard.len(), 2);
    assert_eq!(heard[0].uri_text(), "sip:192.0.2.31");
    assert_eq!(heard[0].call_id(), heard[1].call_id());
    assert_eq!((heard[0].cseq(), heard[1].cseq()), (1, 2));
    assert_eq!(heard[1].to().unwrap().uri.to_string(), AOR);
    assert_eq!(told(&world), [format!("{AOR} is registered for 3600 s")]);
}

#[test]
fn a_driver_that_wakes_late_wakes_for_it_all_the_same() {
    let mut world = World::configured(&config(AOR));
    assert!(world.sim.node(world.server).latest_deadline() <= Some(world.sim.now()));
    signing().add(&mut world, "carrier");
    world.run_for_seconds(100);
    let refresh = world.sim.now() + Duration::from_secs(3000);
    assert!(world.sim.node(world.server).latest_deadline().is_some_and(|at| at < refresh));
}

#[test]
fn it_is_refreshed_before_it_ends_and_that_is_no_news() {
    let mut world = World::configured(&config(AOR));
    let carrier = signing().grants(120);
    carrier.add(&mut world, "carrier");
    let start = world.sim.now();
    world.run_for_seconds(200);
    let heard = carrier.heard("REGISTER");
    // At 0, 60, 120 and 180 s; each is challenged, as this carrier forgets who has signed in.
    assert_eq!(heard.len(), 8, "{:?}", carrier.times("REGISTER", start));
    let first = contact(&heard[0]);
    assert!(heard.iter().all(|register| contact(register) == first));
    assert_eq!(told(&world).len(), 1);
}

#[test]
fn a_refusal_for_good_ends_it_until_the_configuration_is_read_again() {
    let mut world = World::configured(&config(AOR));
    let carrier = signing();
    carrier.register(403, &[]);
    carrier.add(&mut world, "carrier");
    world.run_for_seconds(4000);
    assert_eq!(carrier.heard("REGISTER").len(), 2);
    assert!(told(&world)[0].contains("403"), "{:?}", told(&world));
    carrier.register(200, &[]);
    take_over(&mut world, &config(AOR));
    world.run_for_seconds(3);
    assert_eq!(told(&world).last().unwrap(), &format!("{AOR} is registered for 3600 s"));
}

#[test]
fn a_registrar_in_trouble_is_asked_again_when_it_says_rfc3261_20_33() {
    let mut world = World::configured(&config(AOR));
    let carrier = signing();
    carrier.register(503, &[(HeaderName::RetryAfter, "40")]);
    carrier.add(&mut world, "carrier");
    world.run_for_seconds(10);
    assert!(told(&world)[0].ends_with("tried again in 40 s"), "{:?}", told(&world));
    carrier.register(200, &[]);
    world.run_for_seconds(29);
    assert_eq!(carrier.heard("REGISTER").len(), 2);
    world.run_for_seconds(3);
    assert_eq!(told(&world).last().unwrap(), &format!("{AOR} is registered for 3600 s"));
}

#[test]
fn a_registrar_that_wants_longer_gets_it_rfc3261_10_2_8() {
    let mut world = World::configured(&config(AOR));
    let carrier = Carrier::new("192.0.2.31:5060").grants(7200);
    carrier.register(423, &[(HeaderName::MinExpires, "7200")]);
    carrier.add(&mut world, "carrier");
    world.run_for_seconds(2);
    let asked: Vec<_> =
        carrier.heard("REGISTER").iter().map(|one| expires(one).to_owned()).collect();
    assert_eq!(asked, ["3600", "7200"]);
}

#[test]
fn a_silent_registrar_is_tried_again_rfc5626_4_5() {
    let mut world = World::configured(&config(AOR));
    world.run_for_seconds(33);
    assert!(told(&world)[0].contains("no answer"), "{:?}", told(&world));
    let carrier = signing();
    carrier.add(&mut world, "carrier");
    world.run_for_seconds(61);
    assert_eq!(told(&world).last().unwrap(), &format!("{AOR} is registered for 3600 s"));
}

#[test]
fn a_registrar_is_found_by_its_name_rfc3263_4() {
    let mut world = World::configured(&config("sip:us@carrier.example"));
    world.sim.host("carrier.example", &["192.0.2.31"]);
    let carrier = signing();
    carrier.add(&mut world, "carrier");
    world.run_for_seconds(3);
    assert_eq!(carrier.heard("REGISTER").len(), 2);
    assert_eq!(carrier.heard("REGISTER")[0].uri_text(), "sip:carrier.example");
}

#[test]
fn calls_to_the_registered_contact_are_known_from_wherever_they_come() {
    let mut world = World::configured(&config(AOR));
    let carrier = signing();
    carrier.add(&mut world, "carrier");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let media_gateway = world.peer("gateway", "192.0.2.99:5060");
    world.run_for_seconds(3);
    let contact = contact(&carrier.heard("REGISTER")[0]);
    assert_eq!(world.status(media_gateway, &Text::invite(&contact)), 200);
    assert_eq!(world.heard(bob, "INVITE").len(), 1);
    // A stranger who does not know the Contact.
    assert_ne!(world.status(media_gateway, &Text::invite("sip:0123456789abcdef@192.0.2.10")), 200);
}

#[test]
fn calls_from_a_server_of_the_trunk_are_known_by_it() {
    let mut world = World::configured(&config(AOR));
    let carrier = world.peer("carrier", "192.0.2.31:5060");
    let stranger = world.peer("stranger", "192.0.2.98:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let number = "sip:+442079460123@192.0.2.10";
    assert_eq!(world.status(carrier, &Text::invite(number)), 200);
    assert_eq!(world.heard(bob, "INVITE").len(), 1);
    assert_ne!(world.status(stranger, &Text::invite(number)), 200);
}

#[test]
fn without_a_rule_a_call_is_for_the_user_of_the_registered_name() {
    let mut world = World::configured(
        "[[trunk]]\nname = \"carrier\"\nusername = \"us\"\npassword = \"secret\"\n\
         target = [{ host = \"192.0.2.31\" }]\nregister = { aor = \"sip:bob@192.0.2.31\" }\n",
    );
    let carrier = signing();
    carrier.add(&mut world, "carrier");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(0));
    let gateway = world.peer("gateway", "192.0.2.99:5060");
    world.run_for_seconds(3);
    let contact = contact(&carrier.heard("REGISTER")[0]);
    assert_eq!(world.status(gateway, &Text::invite(&contact)), 200);
    assert_eq!(world.heard(bob, "INVITE").len(), 1);
}

#[test]
fn a_trunk_that_is_gone_is_left_and_one_that_stays_is_not_touched() {
    let other = "[[trunk]]\nname = \"other\"\nusername = \"us\"\npassword = \"secret\"\n\
                 target = [{ host = \"192.0.2.32\" }]\nregister = { aor = \"sip:us@192.0.2.32\" }\n";
    let mut world = World::configured(&format!("{}{other}", config(AOR)));
    let stays = signing();
    stays.add(&mut world, "carrier");
    let goes = Carrier::new("192.0.2.32:5060").signing(&["REGISTER"]).challenges_with(401);
    goes.add(&mut world, "other");
    world.run_for_seconds(3);
    take_over(&mut world, &config(AOR));
    world.run_for_seconds(3);
    let last = goes.heard("REGISTER").pop().unwrap();
    assert_eq!(expires(&last), "0");
    assert!(last.headers().has(HeaderName::Authorization));
    assert_eq!(last.call_id(), goes.heard("REGISTER")[0].call_id());
    assert_eq!(stays.heard("REGISTER").len(), 2);
    assert_eq!(told(&world).last().unwrap(), "the registration of sip:us@192.0.2.32 was removed");
}

#[test]
fn at_the_end_the_registration_is_taken_back() {
    let mut world = World::configured(&config(AOR));
    let carrier = signing();
    carrier.add(&mut world, "carrier");
    world.run_for_seconds(3);
    world.sim.command(world.server, Command::LeaveTrunks);
    world.run_for_seconds(3);
    assert_eq!(expires(&carrier.heard("REGISTER").pop().unwrap()), "0");
    assert_eq!(world.events().last(), Some(&ServerEvent::TrunksLeft));
    world.run_for_seconds(4000);
    assert_eq!(expires(&carrier.heard("REGISTER").pop().unwrap()), "0", "and stays so");
}

#[test]
fn a_server_without_registrations_leaves_at_once() {
    let mut world = World::configured("");
    world.sim.command(world.server, Command::LeaveTrunks);
    world.run_for_seconds(1);
    assert_eq!(world.events(), [ServerEvent::TrunksLeft]);
}
