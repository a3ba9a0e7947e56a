//! Agents, scripted peers and what the tests look at.

use std::time::Duration;

use antiphon_core::auth::Account;
use antiphon_core::endpoint::{EndpointConfig, Listener};
use antiphon_core::reaction::Cause;
use antiphon_core::user_agent::{
    ActionId, Ask, Command, EndCause, Event, Identity, Outcome, PlaceCall, Reply, Script, Side,
    Step, UserAgent, UserAgentConfig,
};
use antiphon_sip::{Method, Request, Response, StatusCode, Transport};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Setup, Simulation};

pub(crate) const ALICE: &str = "192.0.2.1:5060";
pub(crate) const BOB: &str = "192.0.2.2:5060";

pub(crate) const OFFER: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.2\r\ns=-\r\nc=IN IP4 192.0.2.2\r\n\
    t=0 0\r\nm=audio 6000 RTP/AVP 0\r\n";

pub(crate) fn config(name: &str, address: &str) -> UserAgentConfig {
    let listeners = [Transport::Udp, Transport::Tcp]
        .map(|transport| Listener {
            transport,
            local: address.parse().unwrap(),
            sent_by: address.into(),
        })
        .to_vec();
    let uri = format!("sip:{name}@example.org").parse().unwrap();
    let endpoint = EndpointConfig { listeners, ..EndpointConfig::default() };
    UserAgentConfig::new(endpoint, Identity::new(uri))
}

pub(crate) fn add(
    sim: &mut Simulation,
    name: &str,
    address: &str,
    config: UserAgentConfig,
) -> Handle<UserAgent> {
    let agent = UserAgent::new(config, sim.draw_octets());
    sim.add(Setup::new(name, agent).udp(address).tcp(address))
}

pub(crate) fn alice(sim: &mut Simulation) -> Handle<UserAgent> {
    add(sim, "alice", ALICE, config("alice", ALICE))
}

/// An agent that answers with these codes, a second between them.
pub(crate) fn bob(sim: &mut Simulation, codes: &[u16]) -> Handle<UserAgent> {
    let mut config = config("bob", BOB);
    config.answering = Some(script(codes));
    add(sim, "bob", BOB, config)
}

pub(crate) fn script(codes: &[u16]) -> Script {
    let mut after = Duration::ZERO;
    let mut steps = Vec::new();
    for code in codes {
        let mut reply = Reply::new(status(*code));
        reply.media = Some("192.0.2.2:4000".parse().unwrap());
        steps.push(Step { after, reply });
        after = Duration::from_secs(1);
    }
    Script { steps }
}

pub(crate) fn raw(
    sim: &mut Simulation,
    answer: impl FnMut(&Heard) -> Vec<Send> + 'static,
) -> Handle<RawPeer> {
    sim.add(Setup::new("bob", RawPeer::answering(answer)).udp(BOB))
}

pub(crate) fn status(code: u16) -> StatusCode {
    StatusCode::new(code).unwrap()
}

pub(crate) fn account() -> Account {
    Account::with_password(None, "alice".to_owned(), "secret".to_owned())
}

pub(crate) fn ask(to: &str) -> Ask {
    Ask::new(ActionId(1), to.parse().unwrap())
}

pub(crate) fn place(to: &str) -> PlaceCall {
    PlaceCall {
        ask: ask(to),
        media: "192.0.2.1:4000".parse().unwrap(),
        late_offer: false,
        duration: None,
        continues: None,
    }
}

pub(crate) fn call_bob() -> Command {
    Command::Call(place("sip:bob@192.0.2.2"))
}

pub(crate) fn outcome(sim: &Simulation, agent: Handle<UserAgent>) -> Outcome {
    outcomes(sim, agent).pop().expect("an outcome")
}

/// Why the last answer had no more done about it.
pub(crate) fn why(outcome: &Outcome) -> Option<Cause> {
    outcome.stopped.first().map(|stopped| stopped.cause.clone())
}

pub(crate) fn outcomes(sim: &Simulation, agent: Handle<UserAgent>) -> Vec<Outcome> {
    let outcome = |event: &Event| match event {
        Event::Outcome(outcome) => Some((**outcome).clone()),
        _ => None,
    };
    sim.events(agent).iter().filter_map(|(_, event)| outcome(event)).collect()
}

pub(crate) fn ends(sim: &Simulation, agent: Handle<UserAgent>) -> Vec<(Side, EndCause)> {
    let end = |event: &Event| match event {
        Event::Ended { by, why, .. } => Some((*by, why.clone())),
        _ => None,
    };
    sim.events(agent).iter().filter_map(|(_, event)| end(event)).collect()
}

pub(crate) fn established(sim: &Simulation, agent: Handle<UserAgent>) -> usize {
    let events = sim.events(agent).iter();
    events.filter(|(_, event)| matches!(event, Event::Established { .. })).count()
}

/// The requests of one method that a scripted peer heard.
pub(crate) fn requests(sim: &Simulation, peer: Handle<RawPeer>, method: &Method) -> Vec<Request> {
    let heard = sim.node(peer).heard().iter();
    heard.filter_map(Heard::as_request).filter(|request| request.method() == method).collect()
}

pub(crate) fn responses(sim: &Simulation, peer: Handle<RawPeer>) -> Vec<Response> {
    sim.node(peer).heard().iter().filter_map(Heard::as_response).collect()
}

/// A scripted 200 to an INVITE, with this To tag.
pub(crate) fn ok_to_invite(heard: &Heard, tag: &str) -> Option<Send> {
    let request = heard.as_request()?;
    let response = Response::builder(&request, StatusCode::OK)
        .to_tag(tag)
        .header(antiphon_sip::HeaderName::Contact, "<sip:bob@192.0.2.2>")
        .body("application/sdp", OFFER)
        .build();
    Some(heard.reply(response.to_bytes()))
}

/// Answers everything but INVITE, ACK and CANCEL with 200.
pub(crate) fn ok_to_others(heard: &Heard) -> Option<Send> {
    let request = heard.as_request()?;
    match request.method() {
        Method::Invite | Method::Ack | Method::Cancel => None,
        _ => heard.response(StatusCode::OK).map(|ok| heard.reply(ok)),
    }
}

pub(crate) fn is_invite(heard: &Heard) -> bool {
    heard.as_request().is_some_and(|request| *request.method() == Method::Invite)
}
