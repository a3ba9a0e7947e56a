//! What follows which answer: `on` in a rule.

use std::time::Duration;

use antiphon_sip::HeaderName;
use antiphon_testkit::Conditions;

use crate::phone::Script;
use crate::text::Text;
use crate::world::World;

/// A world whose only rule of its own does this for `x`, with this plan.
fn world(action: &str, on: &str) -> World {
    World::configured(&format!(
        "[[rule]]\nname = \"one\"\nopen = true\nwhen = {{ callee = \"x\" }}\ndo = {action}\n\
         on = {on}\n"
    ))
}

fn invite() -> Text {
    Text::invite("sip:x@example.org")
}

const BOB: &str = "{ locate = \"sip:bob@example.org\" }";
const VOICEMAIL: &str = "{ voicemail = \"sip:vm@192.0.2.9\" }";

#[test]
fn busy_goes_to_voicemail_which_is_told_why_rfc4458_2_2() {
    let mut world = world(BOB, &format!("{{ \"486\" = {VOICEMAIL} }}"));
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(486));
    let voicemail = world.phone("vm", "192.0.2.9:5060", Script::answers(0));
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!(world.statuses(caller), [100, 180, 200]);
    assert_eq!(
        world.heard(voicemail, "INVITE")[0].uri_text(),
        "sip:vm@192.0.2.9;target=sip:x%40example.org;cause=486"
    );
    world.settle();
}

#[test]
fn who_does_not_answer_is_given_up_for_voicemail_rfc4458_2_2() {
    let mut world = world(BOB, &format!("{{ \"no-answer 20s\" = {VOICEMAIL} }}"));
    let caller = world.peer("caller", "192.0.2.1:5060");
    let bob = world.bound("bob", "192.0.2.2:5060", Script::rings());
    let voicemail = world.phone("vm", "192.0.2.9:5060", Script::answers(0));
    world.send(caller, &invite());
    world.run_for_seconds(19);
    assert!(world.heard(voicemail, "INVITE").is_empty());
    world.run_for_seconds(3);
    assert_eq!(world.heard(bob, "CANCEL").len(), 1);
    assert!(world.heard(voicemail, "INVITE")[0].uri_text().ends_with(";cause=408"));
    assert_eq!(world.statuses(caller), [100, 180, 200]);
    world.settle();
}

#[test]
fn each_of_several_rings_for_its_time() {
    let list = "{ fork = [\"sip:a@192.0.2.2\", { uri = \"sip:b@192.0.2.3\", q = 0.5 }, \
                { uri = \"sip:c@192.0.2.4\", q = 0.2 }] }";
    let mut world = world(list, "{ \"no-answer 10s\" = \"next\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let a = world.phone("a", "192.0.2.2:5060", Script::rings());
    let b = world.phone("b", "192.0.2.3:5060", Script::rings());
    let c = world.phone("c", "192.0.2.4:5060", Script::answers(9));
    world.send(caller, &invite());
    world.run_for_seconds(9);
    assert!(world.heard(b, "INVITE").is_empty());
    world.run_for_seconds(10);
    assert_eq!((world.heard(a, "CANCEL").len(), world.heard(b, "INVITE").len()), (1, 1));
    assert!(world.heard(c, "INVITE").is_empty());
    world.run_for_seconds(11);
    assert_eq!((world.heard(b, "CANCEL").len(), world.heard(c, "CANCEL").len()), (1, 0));
    assert_eq!(world.statuses(caller).last(), Some(&200));
    world.settle();
}

#[test]
fn when_nobody_of_several_answers_the_caller_hears_408() {
    let list = "{ fork = [\"sip:a@192.0.2.2\", { uri = \"sip:b@192.0.2.3\", q = 0.5 }] }";
    let mut world = world(list, "{ \"no-answer 10s\" = \"next\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.phone("a", "192.0.2.2:5060", Script::rings());
    world.phone("b", "192.0.2.3:5060", Script::rings());
    let text = invite();
    world.send(caller, &text);
    world.run_for_seconds(25);
    assert_eq!(world.statuses(caller), [100, 180, 408]);
    world.settle();
}

#[test]
fn a_200_that_comes_after_all_ends_what_was_tried_instead_rfc3261_16_7_step_10() {
    let mut world = world(BOB, &format!("{{ \"no-answer 5s\" = {VOICEMAIL} }}"));
    let caller = world.peer("caller", "192.0.2.1:5060");
    // Bob's 200 and the CANCEL pass each other on the way.
    let bob = world.bound("bob", "192.0.2.2:5060", Script::answers(4));
    let time = Duration::from_millis(1500);
    let slow = Conditions::ideal().latency(time, time);
    world.sim.link_both(world.server, bob, slow);
    let voicemail = world.phone("vm", "192.0.2.9:5060", Script::rings());
    world.send(caller, &invite());
    world.run_for_seconds(6);
    assert_eq!(world.heard(voicemail, "INVITE").len(), 1);
    world.run_for_seconds(3);
    assert_eq!(world.statuses(caller).last(), Some(&200));
    assert_eq!(world.heard(voicemail, "CANCEL").len(), 1);
}

#[test]
fn who_is_not_signed_in_has_voicemail_too() {
    let mut world = world(BOB, &format!("{{ \"480\" = {VOICEMAIL} }}"));
    let caller = world.peer("caller", "192.0.2.1:5060");
    let voicemail = world.phone("vm", "192.0.2.9:5060", Script::answers(0));
    assert_eq!(world.status(caller, &invite()), 200);
    assert!(world.heard(voicemail, "INVITE")[0].uri_text().ends_with(";cause=480"));
    world.settle();
}

#[test]
fn an_answer_may_be_another_one_and_a_code_goes_before_its_class() {
    let on = "{ \"4xx\" = { answer = 480, reason = \"Try later\" }, \"404\" = \"forward\" }";
    for (said, heard) in [(486, 480), (404, 404), (500, 500)] {
        let mut world = world(BOB, on);
        let caller = world.peer("caller", "192.0.2.1:5060");
        world.bound("bob", "192.0.2.2:5060", Script::refuses(said));
        let response = world.ask(caller, &invite());
        assert_eq!(response.status().as_u16(), heard);
        world.send(caller, &invite().ack_of(&response));
        if said == 486 {
            assert_eq!(response.reason(), "Try later");
        }
    }
}

#[test]
fn an_answer_may_be_a_redirection() {
    let on = "{ \"486\" = { redirect = 302, contacts = [\"sip:x@elsewhere.example\"] } }";
    let mut world = world(BOB, on);
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(486));
    let response = world.ask(caller, &invite());
    assert_eq!(response.status().as_u16(), 302);
    let contact = response.headers().text(HeaderName::Contact);
    assert_eq!(contact, Some("<sip:x@elsewhere.example>;q=1"));
}

#[test]
fn another_rule_may_follow_and_a_third_after_it() {
    let mut world = World::configured(
        "[[rule]]\nname = \"bob\"\nwhen = { callee = \"x\" }\n\
         do = { locate = \"sip:bob@example.org\" }\non = { \"486\" = { rule = \"carol\" } }\n\
         [[rule]]\nname = \"carol\"\nwhen = { callee = \"x|y\" }\n\
         do = { locate = \"sip:carol@example.org\" }\n\
         on = { \"480\" = { locate = \"sip:dave@example.org\" } }\n",
    );
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(486));
    let carol = world.bound("carol", "192.0.2.3:5060", Script::refuses(480));
    let dave = world.bound("dave", "192.0.2.4:5060", Script::refuses(404));
    assert_eq!(world.status(caller, &invite()), 486, "the best of all that answered");
    assert_eq!((world.heard(carol, "INVITE").len(), world.heard(dave, "INVITE").len()), (1, 1));
}

#[test]
fn forward_ends_a_list_before_its_end() {
    let list = "{ fork = [\"sip:a@192.0.2.2\", { uri = \"sip:b@192.0.2.3\", q = 0.5 }] }";
    let mut world = world(list, "{ \"486\" = \"forward\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.phone("a", "192.0.2.2:5060", Script::refuses(486));
    let b = world.phone("b", "192.0.2.3:5060", Script::answers(0));
    assert_eq!(world.status(caller, &invite()), 486);
    assert!(world.heard(b, "INVITE").is_empty());
}

#[test]
fn a_6xx_ends_it_rfc3261_16_7_step_5() {
    let on = format!("{{ \"603\" = {VOICEMAIL}, \"600\" = {{ answer = 486 }} }}");
    let mut world = world(BOB, &on);
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(603));
    let voicemail = world.phone("vm", "192.0.2.9:5060", Script::answers(0));
    assert_eq!(world.status(caller, &invite()), 603);
    assert!(world.heard(voicemail, "INVITE").is_empty());

    let mut world = self::world(BOB, &on);
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(600));
    assert_eq!(world.status(caller, &invite()), 486, "what calls nobody may follow");
}

#[test]
fn who_gives_up_hears_487_and_nothing_follows_rfc3261_16_10() {
    let on = format!("{{ \"487\" = {VOICEMAIL}, \"no-answer 5s\" = {VOICEMAIL} }}");
    let mut world = world(BOB, &on);
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::rings());
    let voicemail = world.phone("vm", "192.0.2.9:5060", Script::answers(0));
    let text = invite();
    world.send(caller, &text);
    world.run_for_seconds(2);
    world.send(caller, &text.cancel());
    world.run_for_seconds(10);
    assert_eq!(world.statuses(caller), [100, 180, 200, 487]);
    assert!(world.heard(voicemail, "INVITE").is_empty());
}

#[test]
fn who_gives_up_while_the_next_is_looked_up_hears_what_there_was_rfc3261_16_10() {
    let on = "{ \"486\" = { locate = \"sip:carol@example.org\" } }";
    let rule =
        format!("[[rule]]\nname = \"one\"\nwhen = {{ callee = \"x\" }}\ndo = {BOB}\non = {on}\n");
    let mut world = World::configured_with_slow_stores(&rule, Duration::from_secs(2));
    let caller = world.peer("caller", "192.0.2.1:5060");
    world.bound("bob", "192.0.2.2:5060", Script::refuses(486));
    let carol = world.bound("carol", "192.0.2.3:5060", Script::answers(0));
    let text = invite();
    world.send(caller, &text);
    world.run_for_seconds(3);
    world.send(caller, &text.cancel());
    world.run_for_seconds(5);
    assert_eq!(world.statuses(caller).last(), Some(&486));
    assert!(world.heard(carol, "INVITE").is_empty());
    world.settle();
}
