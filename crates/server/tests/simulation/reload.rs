//! Another configuration for a server that runs.

use antiphon_server::config::check;
use antiphon_server::guard;
use antiphon_server::node::{Command, Service};

use crate::phone::{Call, Script};
use crate::text::Text;
use crate::world::{DOMAIN, World};

fn take_over(world: &mut World, text: &str) {
    let config = check(text).config.unwrap();
    let service = Box::new(Service::of(&config, Some(DOMAIN.to_owned())));
    let guard = guard::Settings::default();
    world.sim.command(world.server, Command::TakeOver { service, guard });
}

fn rule(action: &str, on: &str) -> String {
    format!("[[rule]]\nname = \"x\"\nwhen = {{ callee = \"x\" }}\ndo = {action}\non = {on}\n")
}

#[test]
fn the_next_request_goes_by_the_new_rules() {
    let mut world = World::configured(&rule("{ answer = 480 }", "{}"));
    let caller = world.peer("caller", "192.0.2.1:5060");
    let asked = Text::new("MESSAGE", "sip:x@example.org");
    assert_eq!(world.status(caller, &asked), 480);
    take_over(&mut world, &rule("{ answer = 403 }", "{}"));
    assert_eq!(world.status(caller, &asked.again()), 403);
}

#[test]
fn a_call_that_rings_goes_on_by_the_rule_that_it_began_with() {
    let bob = "{ locate = \"sip:bob@example.org\" }";
    let mut world =
        World::configured(&rule(bob, "{ \"no-answer 10s\" = { answer = 480, reason = \"Old\" } }"));
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::rings());
    let text = Text::invite("sip:x@example.org");
    world.send(caller, &text);
    world.run_for_seconds(5);
    take_over(&mut world, "default_rules = false\n");
    world.run_for_seconds(10);
    let last = world.sim.node(caller).responses().pop().unwrap();
    assert_eq!(last.reason(), "Old");
    world.settle();
}

#[test]
fn a_call_that_is_answered_ends_as_it_would_have() {
    let mut world = World::configured("");
    let caller = world.phone("caller", "192.0.2.1:5060", Script::rings());
    world.bound("bob", "192.0.2.2:5060", Script::answers(2));
    world.sim.command(caller, Call("sip:bob@example.org".into()));
    world.run_for_seconds(2);
    take_over(&mut world, "default_rules = false\n[[domain]]\nname = \"other.example\"\n");
    world.run_for_seconds(5);
    assert_eq!(world.sim.node(caller).completed, 1, "{:?}", world.sim.node(caller).troubles);
}

#[test]
fn domains_are_taken_over_with_their_realms() {
    let mut world = World::configured("");
    let caller = world.peer("caller", "192.0.2.1:5060");
    take_over(&mut world, "[[domain]]\nname = \"new.example\"\ndigest = [\"SHA-256\"]\n");
    let asked = Text::invite("sip:bob@new.example").from("sip:alice@new.example");
    let challenge = world.ask(caller, &asked);
    assert_eq!(challenge.status().as_u16(), 407);
    let header = challenge.headers().text(antiphon_sip::HeaderName::ProxyAuthenticate).unwrap();
    assert!(header.contains("realm=\"new.example\"") && header.contains("SHA-256"), "{header}");
}

#[test]
fn a_request_may_come_back_for_a_domain_that_is_new_rfc3261_16_3_step_4() {
    let mut world = World::configured("");
    world.sim.host("new.example", &["192.0.2.10"]);
    world.bind("bob", "sip:carol@new.example", 1000);
    let caller = world.peer("caller", "192.0.2.1:5060");
    let asked = Text::new("MESSAGE", "sip:bob@example.org");
    assert_eq!(world.status(caller, &asked), 500, "it leads back to us and is none of ours");
    take_over(
        &mut world,
        "[[domain]]\nname = \"example.org\"\n[[domain]]\nname = \"new.example\"\n",
    );
    assert_eq!(world.status(caller, &asked.clone().call_id("second").again()), 480, "ours by now");
    assert!(world.sim.between(world.server, world.server).next().is_some());
}
