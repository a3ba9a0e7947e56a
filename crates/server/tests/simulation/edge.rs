//! The edge proxy in front of another registrar (RFC 5626 §5, RFC 3327 §5.2).

use antiphon_server::node::{Server, ServerEvent};
use antiphon_sip::header::{Path, RecordRoute, Via};
use antiphon_sip::{HeaderName, Request, StatusCode};
use antiphon_testkit::{Handle, RawPeer};

use crate::text::Text;
use crate::world::{SERVER, World, password};

const EDGE: &str = "192.0.2.20:5060";

/// The registrar of `example.org`, an edge in front of it, and a telephone of alice's that is
/// registered through the edge over TCP.
struct Behind {
    world: World,
    edge: Handle<Server>,
    phone: Handle<RawPeer>,
}

fn register() -> Text {
    Text::register("alice").header("Supported", "path, outbound").header(
        "Contact",
        "<sip:alice@10.0.0.1:5060;transport=tcp;ob>;reg-id=1;+sip.instance=\"<urn:x>\"",
    )
}

impl Behind {
    fn new() -> Self {
        let mut world = World::new(1);
        world.sim.host("example.org", &[SERVER.trim_end_matches(":5060")]);
        let edge = world.edge(EDGE, "edge_for = [\"example.org\"]");
        let phone = world.peer("phone", "192.0.2.1:5060");
        let mut behind = Self { world, edge, phone };
        let challenge = behind.ask(&register());
        assert_eq!(challenge.status(), StatusCode::UNAUTHORIZED);
        let text = register().next_cseq().answering(&challenge, "alice", &password("alice"));
        let ok = behind.ask(&text);
        assert_eq!(ok.status(), StatusCode::OK);
        assert_eq!(ok.headers().text(HeaderName::Require), Some("outbound"));
        behind
    }

    /// Has the phone send something to the edge, and gives the last response.
    fn ask(&mut self, text: &Text) -> antiphon_sip::Response {
        let flow = self.world.sim.flow_over(antiphon_sip::Transport::Tcp, self.phone, self.edge);
        self.world.send_over(self.phone, flow, text);
        self.world.run_for_seconds(2);
        self.world.sim.node(self.phone).responses().pop().unwrap()
    }

    /// A request of a stranger to alice by way of her registrar, and what comes of it.
    fn call(&mut self, text: &Text) -> (u16, Vec<Request>) {
        let caller = self.world.peer("caller", "192.0.2.5:5060");
        let status = self.world.status(caller, text);
        (status, self.world.sim.node(self.phone).requests())
    }
}

fn answers(behind: &mut Behind) {
    behind.world.sim.with(behind.phone, |phone, _| {
        phone.answer_with(|heard| {
            let octets = heard.response_with(StatusCode::OK, |response| {
                response
                    .header(HeaderName::Contact, "<sip:alice@10.0.0.1:5060;transport=tcp;ob>")
                    .copied(HeaderName::RecordRoute)
            });
            octets.map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
}

#[test]
fn a_first_hop_puts_its_flow_into_path_with_ob_rfc5626_5_1() {
    let mut world = World::new(1);
    let edge = world.edge(EDGE, "edge_for = [\"elsewhere.example\"]");
    let registrar = world.peer("registrar", "192.0.2.30:5060");
    world.sim.host("elsewhere.example", &["192.0.2.30"]);
    world.sim.with(registrar, |registrar, _| {
        registrar.answer_with(|heard| {
            heard.response(StatusCode::OK).map(|octets| heard.reply(octets)).into_iter().collect()
        });
    });
    let phone = world.peer("phone", "192.0.2.1:5060");
    let text = register().uri("sip:elsewhere.example");
    let send = |world: &mut World, text: &Text| -> Option<Request> {
        let flow = world.sim.flow(phone, edge);
        world.send_over(phone, flow, text);
        world.sim.run_for(std::time::Duration::from_millis(400));
        world.sim.node(registrar).requests().pop()
    };
    let heard = send(&mut world, &text).unwrap();
    let paths: Vec<_> =
        heard.headers().list::<Path<'_>>().map(|it| it.unwrap().to_string()).collect();
    assert_eq!(paths.len(), 1);
    assert!(paths[0].ends_with("@192.0.2.20:5060;lr;ob>"), "{paths:?}");
    assert_eq!(heard.uri_text(), "sip:elsewhere.example");
    let second = "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bKa, SIP/2.0/UDP 10.0.0.1;branch=z9hG4bKb";
    let heard = send(&mut world, &text.again().via(second)).unwrap();
    assert_eq!(heard.headers().list::<Via<'_>>().count(), 3);
    assert!(!heard.headers().has(HeaderName::Path), "it is not the first hop");
}

#[test]
fn who_does_not_understand_path_is_told_421_rfc3327_5_2() {
    let mut behind = Behind::new();
    let text = register().without("Supported").again();
    let refusal = behind.ask(&text);
    assert_eq!(refusal.status(), StatusCode::EXTENSION_REQUIRED);
    assert_eq!(refusal.headers().text(HeaderName::Require), Some("path"));
}

#[test]
fn what_the_registrar_sends_goes_over_the_flow_rfc5626_5_3_1() {
    let mut behind = Behind::new();
    answers(&mut behind);
    let invite =
        Text::new("INVITE", "sip:alice@example.org").header("Contact", "<sip:c@192.0.2.5:5060>");
    let (status, heard) = behind.call(&invite);
    assert_eq!(status, 200);
    let heard = heard.first().unwrap();
    assert_eq!(heard.uri_text(), "sip:alice@10.0.0.1:5060;transport=tcp;ob");
    assert!(!heard.headers().has(HeaderName::Route));
    let routes: Vec<_> =
        heard.headers().list::<RecordRoute<'_>>().map(|it| it.unwrap().to_string()).collect();
    assert_eq!(routes.len(), 3, "the edge with the flow on its side, and the registrar");
    assert!(routes[0].contains("@192.0.2.20:5060;transport=tcp"), "{routes:?}");
    assert!(!routes[0].contains(";ob"), "{routes:?}");
}

#[test]
fn within_the_dialog_both_sides_reach_each_other_by_the_flow_rfc5626_5_3() {
    let mut behind = Behind::new();
    answers(&mut behind);
    let caller = behind.world.peer("caller", "192.0.2.5:5060");
    let invite =
        Text::new("INVITE", "sip:alice@example.org").header("Contact", "<sip:c@192.0.2.5:5060>");
    let ok = behind.world.ask(caller, &invite);
    behind.world.send(caller, &invite.in_dialog("ACK", &ok));
    behind.world.run_for_seconds(1);
    assert_eq!(behind.world.status(caller, &invite.in_dialog("BYE", &ok)), 200);
    let methods: Vec<_> = behind.world.sim.node(behind.phone).requests();
    let methods: Vec<_> = methods.iter().map(|it| it.method().to_string()).collect();
    assert_eq!(methods, ["INVITE", "ACK", "BYE"]);
}

#[test]
fn a_flow_that_is_gone_is_430_and_the_user_unavailable_rfc5626_5_3_1() {
    let mut behind = Behind::new();
    let registered = behind.world.sim.node(behind.phone).heard().last().unwrap().flow;
    behind.world.sim.close(behind.phone, registered);
    behind.world.sim.stop(behind.phone);
    behind.world.run_for_seconds(1);
    let (status, _) = behind.call(&Text::invite("sip:alice@example.org"));
    let between = behind.world.sim.between(behind.edge, behind.world.server);
    let is_430 = |octets: &[u8]| octets.starts_with(b"SIP/2.0 430 ");
    assert_eq!(between.filter(|record| is_430(&record.octets)).count(), 1, "the edge says so");
    assert!([430, 480].contains(&status), "{status}");
}

#[test]
fn a_forged_flow_token_is_403_rfc5626_5_3_1() {
    let mut behind = Behind::new();
    let stranger = behind.world.peer("stranger", "192.0.2.5:5060");
    let flow = behind.world.sim.flow(stranger, behind.edge);
    for token in [
        "0123456789abcdef-edge-tc000020113c4c000021413c4",
        "0123456789abcdef-edge-",
        "0123456789abcdef-edge",
    ] {
        let text = Text::new("MESSAGE", "sip:alice@10.0.0.1")
            .header("Route", &format!("<sip:{token}@192.0.2.20:5060;lr;ob>"));
        behind.world.send_over(stranger, flow, &text);
        behind.world.run_for_seconds(1);
        let refusal = behind.world.sim.node(stranger).responses().pop().unwrap();
        assert_eq!(refusal.status(), StatusCode::FORBIDDEN, "{token}");
    }
    let is_told = behind.world.sim.events(behind.edge).iter().any(|(_, event)| {
        matches!(
            event,
            ServerEvent::Refused { offence: antiphon_server::node::Offence::ForgedRoute, .. }
        )
    });
    assert!(is_told);
    assert!(behind.world.sim.node(behind.phone).requests().is_empty());
}

#[test]
fn nothing_is_passed_to_any_other_place_rfc5626_5() {
    let mut behind = Behind::new();
    let stranger = behind.world.peer("stranger", "192.0.2.5:5060");
    let outside = behind.world.peer("outside", "192.0.2.9:5060");
    let flow = behind.world.sim.flow(stranger, behind.edge);
    for (uri, route) in [
        ("sip:x@192.0.2.9", "<sip:192.0.2.20;lr>"),
        ("sip:x@example.org", "<sip:192.0.2.9;lr>"),
        ("sip:x@example.org;maddr=192.0.2.9", "<sip:192.0.2.20;lr>"),
    ] {
        behind.world.send_over(stranger, flow, &Text::new("MESSAGE", uri).header("Route", route));
        behind.world.run_for_seconds(2);
    }
    assert!(behind.world.sim.node(outside).heard().is_empty());
}
