//! A server in its world: subscribers, bindings, and peers around it.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use antiphon_core::auth::server::Settings;
use antiphon_core::auth::{Authenticator, Ha1Set};
use antiphon_core::endpoint::{EndpointConfig, Listener};
use antiphon_core::flow::Flow;
use antiphon_core::registrar::{Aor, Binding, Source};
use antiphon_core::time::Time;
use antiphon_server::config::check;
use antiphon_server::guard;
use antiphon_server::media::ng;
use antiphon_server::node::{
    Answer, CommitFault, Domains, Extensions, Question, Server, ServerConfig, ServerEvent, Service,
};
use antiphon_sip::{Request, Response, Transport, UriBuf};
use antiphon_store::{
    Account, Bindings as _, Commit, Memory, MemorySubscribers, Reply, Subscribers as _,
};
use antiphon_testkit::{Handle, RawPeer, Setup, Simulation};

use crate::phone::{Phone, Script};
use crate::text::Text;

pub(crate) const DOMAIN: &str = "example.org";
/// Another name of the domain.
pub(crate) const ALIAS: &str = "example.net";
pub(crate) const SERVER: &str = "192.0.2.10:5060";

/// The server's secret, the same over restarts.
const SECRET: [u8; 32] = [7; 32];

/// A server for `example.org` at 192.0.2.10, UDP and TCP, with the subscribers alice, bob, carol
/// and dave, whose passwords are their names read backwards.
pub(crate) struct World {
    pub(crate) sim: Simulation,
    pub(crate) server: Handle<Server>,
    store: Rc<Memory>,
    service: Service,
    /// The media relay.
    pub(crate) relay: Rc<RefCell<Relay>>,
    /// What goes wrong with the next changes of bindings.
    pub(crate) faults: Rc<RefCell<VecDeque<CommitFault>>>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self::build(seed, Duration::ZERO, usual())
    }

    /// A world whose server has made these choices.
    pub(crate) fn extended(extensions: Extensions) -> Self {
        Self::build(1, Duration::ZERO, Service { extensions, ..usual() })
    }

    /// A world where a contact may be at another address than its request comes from.
    pub(crate) fn with_foreign_contacts() -> Self {
        Self::configured("[registrar]\nforeign_contacts = true")
    }

    /// A world whose server does what a configuration says, which need not name the domain.
    pub(crate) fn configured(text: &str) -> Self {
        Self::configured_with_slow_stores(text, Duration::ZERO)
    }

    pub(crate) fn configured_with_slow_stores(text: &str, delay: Duration) -> Self {
        let checked = check(text);
        assert_eq!(checked.faults, [], "a configuration with faults");
        let config = checked.config.unwrap();
        let service = Service::of(&config, Some(DOMAIN.to_owned()));
        Self::build(1, delay, service)
    }

    /// A world whose stores take this long for each answer.
    pub(crate) fn with_slow_stores(delay: Duration) -> Self {
        Self::build(1, delay, usual())
    }

    /// The same with answers that take this long.
    pub(crate) fn configured_and_slow(text: &str, delay: Duration) -> Self {
        let config = check(text).config.unwrap();
        Self::build(1, delay, Service::of(&config, Some(DOMAIN.to_owned())))
    }

    fn build(seed: u64, delay: Duration, service: Service) -> Self {
        let mut sim = Simulation::new(seed);
        let store = Rc::new(Memory::new());
        let server = Server::new(config(sim.now(), service.clone()), sim.draw_octets());
        let faults = Rc::new(RefCell::new(VecDeque::new()));
        let (bindings, subscribers) = (Rc::clone(&store), subscribers());
        let next_faults = Rc::clone(&faults);
        let relay = Rc::new(RefCell::new(Relay::default()));
        let asked_relay = Rc::clone(&relay);
        let server = sim.add(
            Setup::new("server", server).udp(SERVER).tcp(SERVER).answer_after(delay).answering(
                move |_, question| {
                    if let Question::Media { ticket, commands } = question {
                        let replies = asked_relay.borrow_mut().take(commands);
                        return Some(Answer::Media { ticket: *ticket, replies });
                    }
                    let fault = || next_faults.borrow_mut().pop_front();
                    Some(answer(&bindings, &subscribers, question, fault))
                },
            ),
        );
        Self { sim, server, store, service, relay, faults }
    }

    /// Another server for the same domain, secret and store in the place of the first.
    pub(crate) fn restart(&mut self) {
        let seed = self.sim.draw_octets();
        let server = Server::new(config(self.sim.now(), self.service.clone()), seed);
        self.sim.restart(self.server, server);
    }

    /// Another server, which does what a configuration says and has no users.
    pub(crate) fn edge(&mut self, address: &str, text: &str) -> Handle<Server> {
        let service = Service::of(&check(text).config.unwrap(), None);
        let config = config_at(address, self.sim.now(), service);
        let edge = Server::new(config, self.sim.draw_octets());
        let (bindings, subscribers) = (Memory::new(), MemorySubscribers::default());
        self.sim.add(
            Setup::new("edge", edge).udp(address).tcp(address).answering(move |_, question| {
                Some(answer(&bindings, &subscribers, question, || None))
            }),
        )
    }

    /// A peer that says what the test tells it, by UDP and TCP.
    pub(crate) fn peer(&mut self, name: &str, address: &str) -> Handle<RawPeer> {
        self.sim.add(Setup::new(name, RawPeer::silent()).udp(address).tcp(address))
    }

    /// A phone that follows a script, by UDP.
    pub(crate) fn phone(&mut self, name: &str, address: &str, script: Script) -> Handle<Phone> {
        let phone = Phone::new(name, address, self.sim.draw_octets(), script);
        self.sim.add(Setup::new(name, phone).udp(address))
    }

    /// A phone that follows a script and is bound to the user of its name.
    pub(crate) fn bound(&mut self, user: &str, address: &str, script: Script) -> Handle<Phone> {
        self.bind(user, &format!("sip:{user}@{address}"), 1000);
        self.phone(user, address, script)
    }

    /// Binds a contact to a user, as a REGISTER would.
    pub(crate) fn bind(&self, user: &str, contact: &str, q: u16) {
        self.bind_with(user, contact, |binding| binding.q = q);
    }

    pub(crate) fn bind_with(&self, user: &str, contact: &str, more: impl FnOnce(&mut Binding)) {
        let mut binding = Binding {
            contact: UriBuf::parse(contact).unwrap(),
            params: "".into(),
            q: 1000,
            expires: self.sim.now() + Duration::from_secs(86_400),
            call_id: format!("binding-{contact}").into(),
            cseq: 1,
            path: Vec::new(),
            reg_id: None,
            refreshed: Time::EPOCH,
            gruus_since: Time::EPOCH,
            source: None,
        };
        more(&mut binding);
        let aor = Aor::from_canonical(format!("{user}@{DOMAIN}"));
        let set = self.store.bindings(&aor).unwrap();
        let mut bindings = set.bindings;
        bindings.push(binding);
        let commit = Commit { aor, expected_version: set.version, bindings };
        self.store.commit(commit, Reply::new(|result| assert!(result.is_ok())));
    }

    /// Binds a contact that is reached over TCP by the address that its REGISTER came from.
    pub(crate) fn bind_over_tcp(&self, user: &str, contact: &str, remote: &str) {
        self.bind_with(user, contact, |binding| {
            binding.source = Some(Source {
                transport: Transport::Tcp,
                remote: remote.parse().unwrap(),
                local: SERVER.parse().unwrap(),
            });
        });
    }

    /// The contacts that are stored for a user.
    pub(crate) fn stored(&self, user: &str) -> Vec<String> {
        let aor = Aor::from_canonical(format!("{user}@{DOMAIN}"));
        let set = self.store.bindings(&aor).unwrap();
        set.live(self.sim.now()).map(|binding| binding.contact.as_str().to_owned()).collect()
    }

    /// Has a peer send a message to the server by UDP.
    pub(crate) fn send(&mut self, peer: Handle<RawPeer>, text: &Text) {
        let flow = self.sim.flow(peer, self.server);
        self.send_over(peer, flow, text);
    }

    /// Has a peer send a message to the server by TCP.
    pub(crate) fn send_by_tcp(&mut self, peer: Handle<RawPeer>, text: &Text) {
        let flow = self.sim.flow_over(Transport::Tcp, peer, self.server);
        self.send_over(peer, flow, text);
    }

    pub(crate) fn send_over(&mut self, peer: Handle<RawPeer>, flow: Flow, text: &Text) {
        let octets = text.write(self.sim.address(peer), flow.transport);
        self.sim.send(peer, flow, octets);
    }

    /// Has a peer send a request, lets three seconds pass, and gives the last response.
    pub(crate) fn ask(&mut self, peer: Handle<RawPeer>, text: &Text) -> Response {
        let before = self.sim.node(peer).responses().len();
        self.send(peer, text);
        self.sim.run_for(Duration::from_secs(3));
        let mut responses = self.sim.node(peer).responses();
        assert!(responses.len() > before, "no response came");
        responses.pop().unwrap()
    }

    /// As [`ask`](Self::ask), for the status alone.
    pub(crate) fn status(&mut self, peer: Handle<RawPeer>, text: &Text) -> u16 {
        self.ask(peer, text).status().as_u16()
    }

    /// Has a peer send a request, and answers the challenge with credentials of this user.
    pub(crate) fn ask_as(
        &mut self,
        peer: Handle<RawPeer>,
        user: &str,
        password: &str,
        text: &Text,
    ) -> Response {
        let text = text.clone().again();
        let challenge = self.ask(peer, &text);
        let text = text.clone().next_cseq().answering(&challenge, user, password);
        self.ask(peer, &text)
    }

    /// The statuses that a peer has heard, one after the other, repetitions left out.
    pub(crate) fn statuses(&self, peer: Handle<RawPeer>) -> Vec<u16> {
        let mut statuses: Vec<_> =
            self.sim.node(peer).responses().iter().map(|heard| heard.status().as_u16()).collect();
        statuses.dedup();
        statuses
    }

    /// The requests of a method that a phone has heard.
    pub(crate) fn heard(&self, phone: Handle<Phone>, method: &str) -> Vec<Request> {
        let heard = self.sim.node(phone).heard.iter();
        heard.filter(|request| request.method().as_str() == method).cloned().collect()
    }

    pub(crate) fn events(&self) -> Vec<ServerEvent> {
        self.sim.events(self.server).iter().map(|(_, event)| event.clone()).collect()
    }

    pub(crate) fn run_for_seconds(&mut self, seconds: u64) {
        self.sim.run_for(Duration::from_secs(seconds));
    }

    /// Lets everything end, and checks that nothing is left behind.
    pub(crate) fn settle(&mut self) {
        self.settle_in_silence(0);
    }

    /// The same when so many requests other than INVITE rightly got no answer.
    pub(crate) fn settle_in_silence(&mut self, unanswered: u64) {
        self.sim.run_until_idle();
        let server = self.sim.node(self.server);
        assert_eq!(server.pending(), 0, "requests that wait for ever");
        let counters = server.endpoint().counters();
        assert!(server.is_idle(), "something is remembered: {server:?}");
        assert_eq!(counters.unanswered, unanswered, "requests that were not answered");
    }
}

/// A media relay as the server sees it: it puts its own address into what it is given.
#[derive(Debug, Default)]
pub(crate) struct Relay {
    pub(crate) asked: Vec<ng::Command>,
    pub(crate) is_gone: bool,
}

impl Relay {
    fn take(&mut self, commands: &[ng::Command]) -> Vec<Option<ng::Reply>> {
        let reply = |command: &ng::Command| match command {
            _ if self.is_gone => None,
            ng::Command::Ping => Some(ng::Reply::Pong),
            ng::Command::Offer { sdp, .. } | ng::Command::Answer { sdp, .. } => {
                Some(ng::Reply::Done(Some(sdp.replace("c=IN IP4 192.0.2", "c=IN IP4 203.0.113"))))
            }
            ng::Command::Delete { .. } => Some(ng::Reply::Done(None)),
        };
        self.asked.extend_from_slice(commands);
        commands.iter().map(reply).collect()
    }
}

fn config(now: Time, service: Service) -> ServerConfig {
    config_at(SERVER, now, service)
}

fn config_at(address: &str, now: Time, service: Service) -> ServerConfig {
    let listener = |transport| Listener {
        transport,
        local: address.parse().unwrap(),
        sent_by: address.into(),
    };
    ServerConfig {
        endpoint: EndpointConfig {
            listeners: vec![listener(Transport::Udp), listener(Transport::Tcp)],
            ..EndpointConfig::default()
        },
        service,
        authenticator: Authenticator::new(Settings::for_realm(DOMAIN), &SECRET, now),
        secret: SECRET,
        guard: guard::Settings::default(),
        bans: Vec::new(),
        has_colleagues: false,
        tends_trunks: true,
    }
}

fn usual() -> Service {
    Service::new(Domains::new([DOMAIN]).with_alias(ALIAS, DOMAIN))
}

pub(crate) fn password(user: &str) -> String {
    user.chars().rev().collect()
}

fn subscribers() -> MemorySubscribers {
    let account =
        |user: &str| Account::new(user, DOMAIN, Ha1Set::compute(user, DOMAIN, &password(user)));
    ["alice", "bob", "carol", "dave"].into_iter().map(account).collect()
}

fn answer(
    store: &Memory,
    subscribers: &MemorySubscribers,
    question: &Question,
    next_fault: impl FnOnce() -> Option<CommitFault>,
) -> Answer {
    match question.clone() {
        Question::Bindings { ticket, aor } => {
            Answer::Bindings { ticket, set: store.bindings(&aor).ok() }
        }
        Question::Commit { ticket, aor, expected_version, bindings } => {
            if let Some(fault) = next_fault() {
                return Answer::Committed { ticket, result: Err(fault) };
            }
            let result = Arc::new(Mutex::new(Err(CommitFault::Conflict)));
            let told = Arc::clone(&result);
            let reply = Reply::new(move |outcome| {
                let outcome: Result<u64, _> = outcome;
                *told.lock().unwrap() = outcome.map(|_| ()).map_err(|_| CommitFault::Conflict);
            });
            store.commit(Commit { aor, expected_version, bindings }, reply);
            let result = result.lock().unwrap().clone();
            Answer::Committed { ticket, result }
        }
        Question::Subscriber { ticket, user, domain } => {
            let found = subscribers.subscriber(&user, &domain);
            Answer::Subscriber { ticket, ha1: found.map(|found| found.ha1) }
        }
        Question::Media { ticket, commands } => {
            Answer::Media { ticket, replies: vec![None; commands.len()] }
        }
    }
}
