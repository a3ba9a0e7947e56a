//! Plays a scenario: the real user agent against a peer that answers as it is written.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::rc::Rc;
use std::time::Duration;

use antiphon_core::offer_answer::Direction;
use antiphon_core::reaction::Kind;
use antiphon_core::user_agent::{
    ActionId, Attempt, Command, Event, InCall, Outbound, Outcome, Publish, Push, Question,
    Register, Reinvite, SendMessage, Subscribe, UserAgent,
};
use antiphon_sip::{HeaderName, Method, Request, Response};
use antiphon_testkit::{Handle, Heard, RawPeer, Send, Setup, Simulation};

use super::super::support::*;
use super::scenario::{Answer, Asked, Scenario};

/// Names of several servers: one of which nobody hears and one that is there, two that are, and ten
/// of which nobody hears.
const ZONE: &str = "half.example.net A 192.0.2.99\nhalf.example.net A 192.0.2.3\n\
    both.example.net A 192.0.2.2\nboth.example.net A 192.0.2.3\n\
    many.example.net A 192.0.2.101\nmany.example.net A 192.0.2.102\n\
    many.example.net A 192.0.2.103\nmany.example.net A 192.0.2.104\n\
    many.example.net A 192.0.2.105\nmany.example.net A 192.0.2.106\n\
    many.example.net A 192.0.2.107\nmany.example.net A 192.0.2.108\n\
    many.example.net A 192.0.2.109\nmany.example.net A 192.0.2.110\n";

/// Longer than any chain of reactions may take.
const LONG: Duration = Duration::from_secs(400);

/// Until a state of a minute was refreshed once, and not a second time; a keeper that failed has not
/// asked again either.
const ONE_REFRESH: Duration = Duration::from_secs(44);

/// Where datagrams are not answered and connections are refused.
const DEAF: [&str; 11] = [
    "192.0.2.99",
    "192.0.2.101",
    "192.0.2.102",
    "192.0.2.103",
    "192.0.2.104",
    "192.0.2.105",
    "192.0.2.106",
    "192.0.2.107",
    "192.0.2.108",
    "192.0.2.109",
    "192.0.2.110",
];

/// What was seen.
pub(super) struct Played {
    /// The requests that were answered as it is written, and those that followed them.
    pub(super) requests: Vec<Request>,
    /// Where they arrived.
    pub(super) servers: Vec<String>,
    pub(super) byes: usize,
    /// The attempts that are told of: the one before it came to requests that went nowhere, too.
    pub(super) attempts: Vec<Attempt>,
    /// The end of it; a refresh that failed has none, and its keeper tries again later.
    pub(super) outcome: Option<Outcome>,
    /// Everything that was told, as text.
    pub(super) told: String,
    /// Whether a call still stands.
    pub(super) talks: bool,
}

impl Played {
    pub(super) fn did(&self) -> Vec<Kind> {
        self.attempts.iter().filter_map(|attempt| attempt.did).collect()
    }
}

/// What the peers have in common.
struct Stage {
    asked: Asked,
    answers: Vec<Answer>,
    for_ever: bool,
    opened: bool,
    turn: usize,
    seen: Vec<(String, Option<Answer>)>,
    requests: Vec<(Request, String)>,
    byes: BTreeSet<String>,
}

/// The answers in turn; behind the last one it is taken, or that one comes for ever.
pub(super) fn play(scenario: &Scenario, answers: &[Answer], for_ever: bool) -> Played {
    let mut sim = Simulation::new(1);
    sim.zone(ZONE);
    let mut settings = config("alice", ALICE);
    (scenario.settings)(&mut settings);
    let agent = UserAgent::new(settings, sim.draw_octets());
    let setup = Setup::new("alice", agent).udp(ALICE).tcp(ALICE).tls("192.0.2.1:5061");
    let agent = sim.add(setup.answering(|_, question| Some(signed(question))));
    let stage = Rc::new(RefCell::new(Stage::new(scenario.asked, answers, for_ever)));
    let next = ("next", "192.0.2.3:5060", "192.0.2.3:5061");
    for (name, address, secure) in [("bob", BOB, "192.0.2.2:5061"), next] {
        let stage = Rc::clone(&stage);
        let peer = RawPeer::answering(move |heard: &Heard| stage.borrow_mut().answer(heard, name));
        sim.add(Setup::new(name, peer).udp(address).tcp(address).tls(secure));
    }
    for address in DEAF {
        sim.add_silent(address, format!("{address}:5060").as_str());
    }
    begin(&mut sim, agent, scenario);
    let keeps = matches!(scenario.asked, Asked::Republish | Asked::Resubscribe);
    sim.run_for(if keeps { ONE_REFRESH } else { LONG });
    let stage = stage.borrow();
    seen(&sim, agent, &stage)
}

/// A signature of the right length; nobody checks it here.
fn signed(question: &Question) -> antiphon_core::user_agent::Answer {
    let Question::Sign(sign) = question;
    antiphon_core::user_agent::Answer::Signed { id: sign.id, signature: Some([7; 64]) }
}

fn begin(sim: &mut Simulation, agent: Handle<UserAgent>, scenario: &Scenario) {
    let headers: Vec<_> =
        scenario.with.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
    let mut whom = ask(scenario.to);
    whom.headers.clone_from(&headers);
    let action = ActionId(2);
    match scenario.asked {
        Asked::Hold | Asked::Update | Asked::Info => {
            sim.command(agent, call_bob());
            sim.run_for(Duration::from_secs(1));
            let call = outcome(sim, agent).call.expect("a call");
            let within = |method| InCall { action, call, method, headers, body: None };
            sim.command(
                agent,
                match scenario.asked {
                    Asked::Update => Command::InCall(within(Method::Update)),
                    Asked::Info => Command::InCall(within(Method::Info)),
                    _ => {
                        let direction = Direction::SendOnly;
                        Command::Reinvite(Reinvite { action, call, media: None, direction })
                    }
                },
            );
        }
        asked => {
            whom.action = action;
            sim.command(agent, outside(asked, whom));
        }
    }
}

fn outside(asked: Asked, ask: antiphon_core::user_agent::Ask) -> Command {
    let keep = matches!(asked, Asked::Republish | Asked::Resubscribe);
    let expires = Duration::from_secs(60);
    match asked {
        Asked::Message => Command::Message(SendMessage {
            ask,
            content_type: "text/plain".into(),
            body: "Lunch?".into(),
        }),
        Asked::Options => Command::Options(ask),
        Asked::Register | Asked::Outbound | Asked::Push => {
            let instance = "urn:uuid:00000000-0000-4000-8000-000a95a0e128".into();
            let push = Push {
                provider: "apns".into(),
                param: Some("DEF123GHIJ.com.yoyo.app.voip".into()),
                prid: "00fc13adff78512".into(),
            };
            Command::Register(Register {
                ask,
                registrar: Some("sip:192.0.2.2".parse().expect("a URI")),
                contact: None,
                expires,
                keep,
                outbound: (asked == Asked::Outbound).then_some(Outbound { instance, reg_id: 1 }),
                push: (asked == Asked::Push).then_some(push),
            })
        }
        Asked::Subscribe | Asked::Resubscribe => {
            Command::Subscribe(Subscribe { ask, event: "presence".into(), expires, keep })
        }
        Asked::Publish | Asked::Republish => Command::Publish(Publish {
            ask,
            event: "presence".into(),
            content_type: "application/pidf+xml".into(),
            body: "<presence/>".into(),
            expires,
            keep,
        }),
        Asked::Call | Asked::Hold | Asked::Update | Asked::Info => {
            let mut place = place("sip:bob@192.0.2.2");
            place.ask = ask;
            place.duration = Some(Duration::from_secs(5));
            Command::Call(place)
        }
    }
}

fn seen(sim: &Simulation, agent: Handle<UserAgent>, stage: &Stage) -> Played {
    let (requests, servers) = stage.requests.iter().cloned().unzip();
    let mut attempts = Vec::new();
    let mut told = String::new();
    let mut outcome = None;
    let mut first = true;
    for (_, event) in sim.events(agent) {
        match event {
            Event::Answered { action: ActionId(2), attempt } => {
                // What opened the scene is no part of it.
                if stage.opens_with_it() && std::mem::take(&mut first) {
                    continue;
                }
                attempts.push(attempt.clone());
                let text = attempt.told.as_deref().map(ToString::to_string).unwrap_or_default();
                let _ = write!(told, "{text}\n{:?}\n", attempt.stopped);
                for stopped in &attempt.stopped {
                    let _ = writeln!(told, "{stopped}");
                }
            }
            // Later tries are the keeper's.
            Event::RefreshFailed { action: ActionId(2), .. } => break,
            Event::Outcome(of) if of.action == ActionId(2) => {
                let _ = writeln!(told, "{:?} {:?}", of.choices, of.told);
                outcome = Some((**of).clone());
                break;
            }
            _ => {}
        }
    }
    let talks = sim.node(agent).calls() > 0;
    Played { requests, servers, byes: stage.byes.len(), attempts, outcome, told, talks }
}

impl Stage {
    fn new(asked: Asked, answers: &[Answer], for_ever: bool) -> Self {
        Self {
            asked,
            answers: answers.to_vec(),
            for_ever,
            opened: false,
            turn: 0,
            seen: Vec::new(),
            requests: Vec::new(),
            byes: BTreeSet::new(),
        }
    }

    /// Whether the first request of the action only sets the scene.
    const fn opens_with_it(&self) -> bool {
        matches!(self.asked, Asked::Republish | Asked::Resubscribe)
    }

    const fn opens(&self) -> bool {
        self.opens_with_it() || matches!(self.asked, Asked::Hold | Asked::Update | Asked::Info)
    }

    fn answer(&mut self, heard: &Heard, server: &str) -> Vec<Send> {
        let Some(request) = heard.as_request() else { return vec![] };
        let branch = request.branch().unwrap_or_default().to_owned();
        match request.method() {
            Method::Ack => return vec![],
            Method::Bye => {
                self.byes.insert(branch);
                return taken(heard, &request);
            }
            Method::Cancel | Method::Prack => return taken(heard, &request),
            // What is kept is taken back in the end.
            _ if request.headers().text(HeaderName::Expires) == Some("0") => {
                return taken(heard, &request);
            }
            _ => {}
        }
        // The same server sees a branch twice only if the request was sent again.
        let branch = format!("{branch} {server}");
        let known = self.seen.iter().find(|(known, _)| *known == branch).map(|(_, said)| *said);
        let said = known.unwrap_or_else(|| self.next(request.clone(), server, branch));
        match said {
            None => taken(heard, &request),
            Some(Answer::Silence | Answer::Nowhere) => vec![],
            Some(Answer::Response { code, fields, body }) => {
                vec![heard.reply(response(&request, code, fields, body).to_bytes())]
            }
        }
    }

    fn next(&mut self, request: Request, server: &str, branch: String) -> Option<Answer> {
        let is_opening = self.opens() && !std::mem::replace(&mut self.opened, true);
        let said = if is_opening { None } else { self.in_turn() };
        self.seen.push((branch, said));
        if !is_opening {
            self.requests.push((request, server.to_owned()));
        }
        said
    }

    fn in_turn(&mut self) -> Option<Answer> {
        // Who is reached after all, answers.
        let is_there = !matches!(self.answers.first(), Some(Answer::Nowhere));
        let last = self.answers.last().copied().filter(|_| self.for_ever);
        let said = self.answers.get(self.turn).copied().or(last);
        self.turn += 1;
        said.filter(|_| is_there)
    }
}

fn response(
    request: &Request,
    code: u16,
    fields: super::scenario::Fields,
    body: Option<(&str, &'static str)>,
) -> Response {
    let mut response = Response::builder(request, status(code)).to_tag("refused");
    for (name, value) in fields {
        response = response.other_header(name, value);
    }
    match body {
        Some((kind, body)) => response.body(kind, body).build(),
        None => response.build(),
    }
}

/// The 2xx that a request of this method has, and the NOTIFY behind it.
fn taken(heard: &Heard, request: &Request) -> Vec<Send> {
    let text = |name| request.headers().text(name).unwrap_or_default();
    let builder = Response::builder(request, status(200)).to_tag("one");
    let contact = "<sip:bob@192.0.2.2>";
    let builder = match request.method() {
        Method::Invite => {
            builder.header(HeaderName::Contact, contact).body("application/sdp", OFFER)
        }
        Method::Register => builder
            .header(HeaderName::Contact, text(HeaderName::Contact))
            .header(HeaderName::Expires, text(HeaderName::Expires)),
        Method::Publish => builder
            .header(HeaderName::SipETag, "one")
            .header(HeaderName::Expires, text(HeaderName::Expires)),
        Method::Subscribe => builder
            .header(HeaderName::Contact, contact)
            .header(HeaderName::Expires, text(HeaderName::Expires)),
        _ => builder,
    };
    let mut sends = vec![heard.reply(builder.build().to_bytes())];
    if *request.method() == Method::Subscribe {
        sends.push(notify(heard, request));
    }
    sends
}

/// A NOTIFY behind the answer to a SUBSCRIBE.
fn notify(heard: &Heard, subscribe: &Request) -> Send {
    let from = match subscribe.to_tag() {
        Some(_) => subscribe.to_text().to_owned(),
        None => format!("{};tag=one", subscribe.to_text()),
    };
    let contact = subscribe.headers().text(HeaderName::Contact).unwrap_or_default();
    let is_end = subscribe.headers().text(HeaderName::Expires) == Some("0");
    let text = format!(
        "NOTIFY {} SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.2;branch=z9hG4bKn{cseq}\r\nFrom: {from}\r\n\
         To: {}\r\nCall-ID: {}\r\nCSeq: {cseq} NOTIFY\r\nMax-Forwards: 70\r\n\
         Contact: <sip:bob@192.0.2.2>\r\nEvent: presence\r\nSubscription-State: {}\r\n\
         Content-Length: 0\r\n\r\n",
        contact.trim_matches(['<', '>']),
        subscribe.from_text(),
        subscribe.call_id(),
        if is_end { "terminated;reason=timeout" } else { "active;expires=60" },
        cseq = subscribe.cseq(),
    );
    heard.reply(text).after(Duration::from_millis(10))
}
