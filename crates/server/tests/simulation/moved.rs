//! Parties that move in the middle of a call (RFC 3261 §12.2).

use antiphon_sip::header::RecordRoute;
use antiphon_sip::{HeaderName, Request, Response, StatusCode};
use antiphon_testkit::{Handle, RawPeer};

use crate::text::Text;
use crate::world::World;

/// A call from a stranger to bob, both of whom answer whatever they are asked.
struct Call {
    world: World,
    alice: Handle<RawPeer>,
    bob: Handle<RawPeer>,
    invite: Text,
    ok: Response,
}

/// Has a peer answer all with 200 and this Contact.
fn answers(world: &mut World, peer: Handle<RawPeer>, contact: &str) {
    let contact = format!("<{contact}>");
    world.sim.with(peer, |peer, _| {
        peer.answer_with(move |heard| {
            let octets = heard.response_with(StatusCode::OK, |response| {
                response.header(HeaderName::Contact, &contact).copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
}

const HERE: &str = "sip:stranger@192.0.2.1:5060";

impl Call {
    fn new() -> Self {
        let mut world = World::new(1);
        let alice = world.peer("alice", "192.0.2.1:5060");
        world.bind("bob", "sip:bob@192.0.2.2:5060", 1000);
        let bob = world.peer("bob", "192.0.2.2:5060");
        answers(&mut world, bob, "sip:bob@192.0.2.2:5060");
        let invite = Text::invite("sip:bob@example.org");
        let ok = world.ask(alice, &invite);
        world.send(alice, &invite.in_dialog("ACK", &ok));
        world.run_for_seconds(1);
        answers(&mut world, alice, HERE);
        Self { world, alice, bob, invite, ok }
    }

    /// A request of bob's in the dialog, to where alice was.
    fn of_bob(&self, method: &str) -> Text {
        let invite = self.world.sim.node(self.bob).requests().remove(0);
        let routes = invite.headers().list::<RecordRoute<'_>>();
        let routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
        // As the tag of the answers to alice has it.
        let from = self.ok.to_text().trim_start_matches('<').replacen('>', "", 1);
        let (uri, tag) = from.split_once(";tag=").unwrap();
        Text::new(method, HERE)
            .whole_from(&format!("<{uri}>;tag={tag}"))
            .to(invite.from_text())
            .call_id(invite.call_id())
            .header("Route", &routes.join(", "))
    }

    fn heard(&self, peer: Handle<RawPeer>, method: &str) -> Vec<Request> {
        let requests = self.world.sim.node(peer).requests().into_iter();
        requests.filter(|request| request.method().as_str() == method).collect()
    }
}

#[test]
fn a_stranger_hangs_up_on_who_has_moved_rfc3261_12_2() {
    let mut call = Call::new();
    let moved = call.world.peer("bob elsewhere", "192.0.2.22:5060");
    answers(&mut call.world, moved, "sip:bob@192.0.2.22:5060");
    let to_new = |call: &Call, method| {
        call.invite.in_dialog(method, &call.ok).uri("sip:bob@192.0.2.22:5060")
    };
    let early = to_new(&call, "INFO");
    assert_eq!(call.world.status(call.alice, &early), 407, "nobody said so yet");
    let again = call.of_bob("INVITE").header("Contact", "<sip:bob@192.0.2.22:5060>");
    assert_eq!(call.world.status(moved, &again), 200);
    assert_eq!(call.heard(call.alice, "INVITE").len(), 1);
    let other = call.invite.in_dialog("INFO", &call.ok).uri("sip:bob@192.0.2.9:5060");
    assert_eq!(call.world.status(call.alice, &other), 407, "nobody is there");
    let bye = to_new(&call, "BYE").next_cseq();
    assert_eq!(call.world.status(call.alice, &bye), 200);
    assert_eq!(call.heard(moved, "BYE")[0].uri_text(), "sip:bob@192.0.2.22:5060");
    call.world.settle();
}

#[test]
fn who_says_in_an_answer_that_it_has_moved_is_believed_rfc3261_12_2_1_2() {
    let mut call = Call::new();
    let moved = call.world.peer("bob elsewhere", "192.0.2.22:5060");
    answers(&mut call.world, moved, "sip:bob@192.0.2.22:5060");
    answers(&mut call.world, call.bob, "sip:bob@192.0.2.22:5060");
    let update = call.invite.in_dialog("UPDATE", &call.ok).header("Contact", &format!("<{HERE}>"));
    assert_eq!(call.world.status(call.alice, &update), 200);
    let bye = call.invite.in_dialog("BYE", &call.ok).uri("sip:bob@192.0.2.22:5060").cseq(9);
    assert_eq!(call.world.status(call.alice, &bye), 200);
    assert_eq!(call.heard(moved, "BYE").len(), 1);
    call.world.settle();
}

#[test]
fn a_caller_who_has_moved_is_reached_by_its_new_connection_rfc3261_12_2() {
    let mut call = Call::new();
    let moved = call.world.peer("alice elsewhere", "192.0.2.11:5060");
    let flow = call.world.sim.flow_over(antiphon_sip::Transport::Tcp, moved, call.world.server);
    let contact = "sip:stranger@192.0.2.11:5060;transport=tcp";
    let again =
        call.invite.in_dialog("INVITE", &call.ok).header("Contact", &format!("<{contact}>"));
    call.world.send_over(moved, flow, &again);
    call.world.run_for_seconds(3);
    answers(&mut call.world, moved, contact);
    let bye = call.of_bob("BYE").uri(contact);
    assert_eq!(call.world.status(call.bob, &bye), 200);
    let heard = call.world.sim.node(moved).heard();
    let bye =
        heard.iter().find(|it| it.as_request().is_some_and(|it| it.method().as_str() == "BYE"));
    assert_eq!(bye.unwrap().flow.transport, antiphon_sip::Transport::Tcp);
}

#[test]
fn nobody_else_says_where_a_party_is_rfc3261_12_2() {
    let mut call = Call::new();
    let victim = call.world.peer("victim", "192.0.2.66:5060");
    // Without the route of the call, and with that of another.
    let other = Call::new();
    let foreign = other.of_bob("INVITE").call_id("made-up");
    let bare = call.of_bob("INVITE").without("Route");
    for text in [foreign, bare] {
        let text = text.header("Contact", "<sip:bob@192.0.2.66:5060>");
        assert_ne!(call.world.status(victim, &text), 200);
    }
    let bye = call.invite.in_dialog("BYE", &call.ok).uri("sip:bob@192.0.2.66:5060").cseq(9);
    assert_eq!(call.world.status(call.alice, &bye), 407);
    assert!(call.world.sim.node(victim).requests().is_empty());
}
