//! Trunks: several servers, one after the other.

use antiphon_sip::HeaderName;
use antiphon_testkit::Handle;

use crate::phone::{Phone, Script};
use crate::text::Text;
use crate::world::World;

/// A world with a trunk of three servers in this order, which all calls to numbers go through.
fn world(on: &str) -> World {
    World::configured(&format!(
        "trusted = [\"192.0.2.1\"]\n\
         [[trunk]]\nname = \"out\"\n\
         target = [{{ host = \"192.0.2.31\", priority = 1 }}, \
         {{ host = \"192.0.2.32\", priority = 2 }}, {{ host = \"192.0.2.33\", priority = 3 }}]\n\
         [[rule]]\nname = \"numbers\"\nwhen = {{ callee = '0\\d+' }}\ndo = {{ trunk = \"out\" }}\n\
         on = {on}\n"
    ))
}

/// The three servers with their scripts.
fn servers(world: &mut World, scripts: [Script; 3]) -> [Handle<Phone>; 3] {
    let [one, two, three] = scripts;
    [
        world.phone("one", "192.0.2.31:5060", one),
        world.phone("two", "192.0.2.32:5060", two),
        world.phone("three", "192.0.2.33:5060", three),
    ]
}

fn calls(world: &World, servers: [Handle<Phone>; 3]) -> [usize; 3] {
    servers.map(|server| world.heard(server, "INVITE").len())
}

fn invite() -> Text {
    Text::invite("sip:0123@example.org").again()
}

fn busy_for(seconds: u32) -> Script {
    Script::refuses(503).with(HeaderName::RetryAfter, &seconds.to_string())
}

#[test]
fn a_503_leads_to_the_next_server_rfc3263_4_3() {
    for on in ["{ \"503\" = \"next\" }", "{}"] {
        let mut world = world(on);
        let caller = world.peer("caller", "192.0.2.1:5060");
        let script = [Script::refuses(503), Script::refuses(503), Script::answers(0)];
        let servers = servers(&mut world, script);
        assert_eq!(world.status(caller, &invite()), 200);
        assert_eq!(calls(&world, servers), [1, 1, 1]);
        let uri = world.heard(servers[2], "INVITE")[0].uri_text().to_owned();
        assert_eq!(uri, "sip:0123@192.0.2.33");
        world.settle();
    }
}

#[test]
fn a_server_is_not_asked_before_its_retry_after_is_over_rfc3261_21_5_4() {
    let mut world = world("{ \"503\" = \"next\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let script = [busy_for(60), Script::answers(0), Script::answers(0)];
    let servers = servers(&mut world, script);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!(calls(&world, servers), [1, 2, 0]);
    world.run_for_seconds(60);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!(calls(&world, servers), [2, 3, 0]);
}

#[test]
fn when_all_servers_rest_nobody_is_asked_and_the_caller_hears_when() {
    let mut world = world("{}");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let servers = servers(&mut world, [busy_for(90), busy_for(60), busy_for(120)]);
    let first = world.ask(caller, &invite());
    assert_eq!(first.status().as_u16(), 500, "RFC 3261 §16.7 step 6");
    assert_eq!(first.headers().text(HeaderName::RetryAfter), Some("60"));
    let second = world.ask(caller, &invite());
    assert_eq!(second.status().as_u16(), 500);
    let seconds: u32 = second.headers().text(HeaderName::RetryAfter).unwrap().parse().unwrap();
    assert!((50..=60).contains(&seconds), "{seconds}");
    assert_eq!(calls(&world, servers), [1, 1, 1]);
}

#[test]
fn a_trunk_of_no_use_gives_way_to_another() {
    let mut world = World::configured(
        "trusted = [\"192.0.2.1\"]\n\
         [[trunk]]\nname = \"a\"\ntarget = [{ host = \"192.0.2.31\" }]\n\
         [[trunk]]\nname = \"b\"\ntarget = [{ host = \"192.0.2.32\" }]\n\
         [[rule]]\nname = \"numbers\"\nwhen = { callee = '0\\d+' }\ndo = { trunk = \"a\" }\n\
         on = { \"503\" = { trunk = \"b\" } }\n",
    );
    let caller = world.peer("caller", "192.0.2.1:5060");
    let a = world.phone("a", "192.0.2.31:5060", busy_for(600));
    let b = world.phone("b", "192.0.2.32:5060", Script::answers(0));
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!(world.status(caller, &invite()), 200, "while it rests, too");
    assert_eq!((world.heard(a, "INVITE").len(), world.heard(b, "INVITE").len()), (1, 2));
}

#[test]
fn an_answer_of_a_live_server_is_that_of_all_rfc3263_4_3() {
    let mut world = world("{}");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let script = [Script::refuses(486), Script::answers(0), Script::answers(0)];
    let servers = servers(&mut world, script);
    assert_eq!(world.status(caller, &invite()), 486);
    assert_eq!(calls(&world, servers), [1, 0, 0]);
}

#[test]
fn a_rule_may_go_to_the_next_server_at_other_answers() {
    let mut world = world("{ \"5xx\" = \"next\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let script = [Script::refuses(500), Script::refuses(502), Script::answers(0)];
    let servers = servers(&mut world, script);
    assert_eq!(world.status(caller, &invite()), 200);
    assert_eq!(calls(&world, servers), [1, 1, 1]);
    world.settle();
}

#[test]
fn a_silent_server_gives_way_and_is_tried_last_for_a_while_rfc3263_4_3() {
    let mut world = world("{}");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let two = world.phone("two", "192.0.2.32:5060", Script::answers(0));
    world.peer("one", "192.0.2.31:5060");
    world.send(caller, &invite());
    world.run_for_seconds(33);
    assert_eq!(world.statuses(caller).last(), Some(&200), "after Timer B");
    assert_eq!(world.status(caller, &invite()), 200, "at once");
    assert_eq!(world.heard(two, "INVITE").len(), 2);
}

#[test]
fn silence_for_a_while_leads_to_the_next_server() {
    let mut world = world("{ \"no-answer 4s\" = \"next\" }");
    let caller = world.peer("caller", "192.0.2.1:5060");
    let script = [Script::rings(), Script::rings(), Script::answers(0)];
    let servers = servers(&mut world, script);
    world.send(caller, &invite());
    world.run_for_seconds(10);
    assert_eq!(calls(&world, servers), [1, 1, 1]);
    assert_eq!(world.statuses(caller).last(), Some(&200));
    world.settle();
}
