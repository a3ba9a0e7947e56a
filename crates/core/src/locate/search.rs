//! From a name to the places it stands for, question by question (RFC 3263 §4.1, §4.2).

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use antiphon_sip::Transport;

use super::addresses::Place;
use super::hop::{Hop, HopHost};
use super::limits::{MAX_HOSTS, MAX_RECORDS, MAX_SERVERS, MAX_SERVICES};
use super::order::{Draw, services, srv_order};
use super::question::{Answer, Question, Record, RecordData, RecordKind, Silence, Srv};
use super::reach::Reach;
use super::server::Server;
use crate::endpoint::Listener;

/// The search for the servers of one request. It asks ([`next_question`](Self::next_question)), is
/// answered ([`answered`](Self::answered)), and gives servers one by one ([`next`](Self::next)):
/// the first as soon as it is known to be the first, the others when those before have failed
/// (§4.3).
#[derive(Debug, Clone)]
pub struct Search {
    hop: Hop,
    reach: Reach,
    draw: Draw,
    stage: Stage,
    questions: VecDeque<Question>,
    waiting: Vec<Question>,
    places: VecDeque<Place>,
    /// Servers that rest: tried when there are no others.
    resting: VecDeque<Server>,
    given: Vec<Server>,
    /// Whether one of our own listeners may be the server.
    may_be_own: bool,
    why: Option<Why>,
}

#[derive(Debug, Clone)]
enum Stage {
    /// Which transports does the domain offer?
    Naptr,
    /// Which hosts offer this service? The first is being asked about, the others follow if it has
    /// none.
    Service { services: VecDeque<(Transport, Box<str>)>, usual: Transport },
    /// The domain says nothing of transports: which does it offer, of those spoken here?
    Services { heard: Vec<(Transport, Box<str>, Option<Answer>)> },
    /// Which addresses have the hosts?
    Places { are_named: bool },
    /// There is nothing to be found.
    Nowhere,
}

/// What a search gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// A server to be tried.
    Server(Server),
    /// An answer has to come first.
    Wait,
    /// There are no more.
    Over,
}

/// Why a name leads nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Why {
    /// What the DNS says of the name itself.
    Name(Silence),
    /// What the DNS says of the hosts that it names for the service.
    Hosts(Silence),
    /// The domain says that it does not offer the service (SRV with target `.`, RFC 2782).
    NoService,
    /// Every address is one of ours.
    Ourselves,
    /// No listener of ours speaks the transport.
    Transport,
}

impl Search {
    /// Begins to search for a hop. `random` spreads the load among servers of equal priority. A
    /// hop whose host is an address needs no search and finds nothing here; see [`Hop::place`].
    #[must_use]
    pub fn new(hop: Hop, reach: Reach, random: u64) -> Self {
        let mut search = Self {
            hop,
            reach,
            draw: Draw::new(random),
            stage: Stage::Nowhere,
            questions: VecDeque::new(),
            waiting: Vec::new(),
            places: VecDeque::new(),
            resting: VecDeque::new(),
            given: Vec::new(),
            may_be_own: false,
            why: None,
        };
        search.begin();
        search
    }

    /// The same, for a name that may well lead to ourselves.
    #[must_use]
    pub fn may_be_own(self) -> Self {
        Self { may_be_own: true, ..self }
    }

    /// What is to be asked next.
    pub fn next_question(&mut self) -> Option<Question> {
        self.questions.pop_front()
    }

    /// Takes the answer to a question. Those that were not asked are ignored.
    pub fn answered(&mut self, question: &Question, answer: &Answer) {
        let Some(at) = self.waiting.iter().position(|waiting| waiting == question) else { return };
        self.waiting.swap_remove(at);
        match question.kind {
            RecordKind::Naptr => self.naptr(answer),
            RecordKind::Srv => self.srv(question, answer),
            RecordKind::A | RecordKind::Aaaa => {
                let same = self.places.iter_mut().filter(|place| place.host == question.name);
                same.for_each(|place| place.take(question.kind, answer, &self.reach));
            }
        }
    }

    /// The next server. None is given twice, none is one of our own listeners unless that
    /// [may be](Self::may_be_own), and at most
    /// [`MAX_SERVERS`] are given; those for which `rests` says so come last.
    pub fn next(&mut self, listeners: &[Listener], rests: impl Fn(&Server) -> bool) -> Next {
        if self.given.len() >= MAX_SERVERS {
            return Next::Over;
        }
        self.further(listeners, rests)
    }

    /// Whether there is a server that is not given, because as many were as may be.
    #[must_use]
    pub fn is_cut_short(&self, listeners: &[Listener]) -> bool {
        let further = || self.clone().further(listeners, |_| false);
        self.given.len() >= MAX_SERVERS && matches!(further(), Next::Server(_))
    }

    fn further(&mut self, listeners: &[Listener], rests: impl Fn(&Server) -> bool) -> Next {
        while let Some(place) = self.places.front_mut() {
            let Some(address) = place.next(&self.reach) else {
                if place.is_open() {
                    return Next::Wait;
                }
                self.pass();
                continue;
            };
            let server =
                Server { transport: place.transport, address: (address, place.port).into() };
            if !self.may_be_own && server.is_own(listeners) {
                self.why = Some(Why::Ourselves);
            } else if self.given.contains(&server) || self.resting.contains(&server) {
                // Two hosts may have the same address.
            } else if rests(&server) {
                self.resting.push_back(server);
            } else {
                return self.give(server);
            }
        }
        if !self.waiting.is_empty() {
            return Next::Wait;
        }
        self.resting.pop_front().map_or(Next::Over, |server| self.give(server))
    }

    /// The servers that [`next`](Self::next) would give without waiting, none of them taken.
    #[must_use]
    pub fn known(&self, listeners: &[Listener], rests: impl Fn(&Server) -> bool) -> Vec<Server> {
        let mut ahead = self.clone();
        let next = || match ahead.next(listeners, &rests) {
            Next::Server(server) => Some(server),
            Next::Wait | Next::Over => None,
        };
        std::iter::from_fn(next).collect()
    }

    /// How many servers there may be behind those that were given, as far as is known.
    #[must_use]
    pub fn left(&self) -> usize {
        let known: usize = self.places.iter().map(Place::left).sum();
        (known + self.resting.len()).min(MAX_SERVERS.saturating_sub(self.given.len()))
    }

    /// How long a server may say nothing at all, so that all of them together take no longer than
    /// `lifetime`, that of one transaction (64*T1). `None` for the only one, which has all of it.
    #[must_use]
    pub fn patience(&self, lifetime: Duration) -> Option<Duration> {
        let all = u32::try_from(self.given.len() + self.left()).unwrap_or(u32::MAX);
        (all > 1).then(|| lifetime / all)
    }

    /// How long the connection to the server that was given last is to be waited for before it is
    /// [left](Self::leave) for another address of its host (RFC 8305 §5). `None` where there is
    /// nothing to be waited for, or no other.
    #[must_use]
    pub fn attempt_delay(&self) -> Option<Duration> {
        let last = self.given.last().filter(|server| server.transport.is_reliable())?;
        let place = self.places.front().filter(|place| place.is_of(last))?;
        place.attempt_delay()
    }

    /// Another address is to be tried while the connection to the server that was given last is being
    /// made. It is given again when the others have had their turn.
    pub fn leave(&mut self, server: &Server) {
        if self.given.last() != Some(server) {
            return;
        }
        if let Some(place) = self.places.front_mut().filter(|place| place.is_of(server)) {
            place.take_back(server.address.ip());
            self.given.pop();
        }
    }

    /// The servers that were [left](Self::leave) and not given again: another was quicker.
    #[must_use]
    pub fn left_behind(&self) -> Vec<Server> {
        self.places.front().map(|place| place.left_behind().collect()).unwrap_or_default()
    }

    /// Whether no server was given so far.
    #[must_use]
    pub const fn found_nothing(&self) -> bool {
        self.given.is_empty()
    }

    /// Why nothing was found, when [`next`](Self::next) was over before it gave anything.
    #[must_use]
    pub fn why(&self) -> Why {
        self.why.unwrap_or(Why::Name(Silence::NoRecord))
    }

    /// What is searched for.
    #[must_use]
    pub const fn hop(&self) -> &Hop {
        &self.hop
    }

    fn begin(&mut self) {
        let HopHost::Name(name) = self.hop.host.clone() else { return };
        if self.hop.transport.is_some_and(|transport| !self.reach.speaks(transport)) {
            return self.nowhere(Why::Transport);
        }
        match (self.hop.transport, self.hop.port) {
            // §4.2: with a port in the URI, its host is meant and no other.
            (_, Some(_)) => self.look_at_the_name_itself(),
            // §4.2: without NAPTR because the transport is known.
            (Some(transport), None) => {
                let service = (transport, service_name(transport, &name));
                self.ask_service(VecDeque::from([service]), transport);
            }
            (None, None) => {
                self.stage = Stage::Naptr;
                self.ask(RecordKind::Naptr, name);
            }
        }
    }

    fn naptr(&mut self, answer: &Answer) {
        let records = match answer {
            // Where there is no name there is nothing below it either (RFC 8020 §2).
            Err(silence @ (Silence::NoSuchName | Silence::NoName | Silence::AliasLoop)) => {
                return self.nowhere(Why::Name(*silence));
            }
            Err(_) => Vec::new(),
            Ok(records) => data(records).filter_map(naptr_of).collect(),
        };
        let mut services = services(records, self.hop.is_secure, &self.reach);
        services.truncate(MAX_SERVICES);
        match services.first() {
            Some((best, _)) => {
                let best = *best;
                self.ask_service(services.into(), best);
            }
            None => self.ask_all_services(),
        }
    }

    fn ask_service(&mut self, services: VecDeque<(Transport, Box<str>)>, usual: Transport) {
        let Some((_, name)) = services.front() else { return self.look_at_the_name(usual) };
        let name = name.clone();
        self.stage = Stage::Service { services, usual };
        self.ask(RecordKind::Srv, name);
    }

    /// §4.1: without NAPTR, SRV is asked for every transport spoken here. A WebSocket is only taken
    /// where it is named: it is how browsers come in.
    fn ask_all_services(&mut self) {
        let HopHost::Name(name) = &self.hop.host else { return };
        let candidates = [Transport::Udp, Transport::Tcp, Transport::Tls];
        let heard: Vec<_> = candidates
            .into_iter()
            .filter(|transport| self.reach.speaks(*transport))
            .filter(|transport| transport.is_secure() || !self.hop.is_secure)
            .map(|transport| (transport, service_name(transport, name), None))
            .collect();
        let names: Vec<_> = heard.iter().map(|(_, name, _)| name.clone()).collect();
        if names.is_empty() {
            return self.nowhere(Why::Transport);
        }
        self.stage = Stage::Services { heard };
        names.into_iter().for_each(|name| self.ask(RecordKind::Srv, name));
    }

    fn srv(&mut self, question: &Question, answer: &Answer) {
        match std::mem::replace(&mut self.stage, Stage::Nowhere) {
            Stage::Service { mut services, usual } => {
                let Some((transport, _)) = services.pop_front() else { return };
                match Offer::of(answer) {
                    Offer::Hosts(hosts) => self.look_at_hosts(transport, hosts),
                    Offer::Refused => self.nowhere(Why::NoService),
                    Offer::Nothing if services.is_empty() && *answer == Err(Silence::NoAnswer) => {
                        self.nowhere(Why::Name(Silence::NoAnswer));
                    }
                    Offer::Nothing => self.ask_service(services, usual),
                }
            }
            Stage::Services { mut heard } => {
                let same = heard.iter_mut().filter(|(_, name, _)| *name == question.name);
                same.for_each(|(.., heard)| *heard = Some(answer.clone()));
                if heard.iter().all(|(.., heard)| heard.is_some()) {
                    self.choose_service(heard);
                } else {
                    self.stage = Stage::Services { heard };
                }
            }
            other => self.stage = other,
        }
    }

    /// §4.1: any transport for which there is a record may be used; here the first of ours.
    fn choose_service(&mut self, heard: Vec<(Transport, Box<str>, Option<Answer>)>) {
        let (mut is_refused, mut is_silent) = (false, true);
        for (transport, _, answer) in heard {
            let Some(answer) = answer else { continue };
            is_silent &= answer == Err(Silence::NoAnswer);
            match Offer::of(&answer) {
                Offer::Hosts(hosts) => return self.look_at_hosts(transport, hosts),
                Offer::Refused => is_refused = true,
                Offer::Nothing => {}
            }
        }
        match (is_refused, is_silent) {
            (true, _) => self.nowhere(Why::NoService),
            // Nobody would answer the next question either.
            (_, true) => self.nowhere(Why::Name(Silence::NoAnswer)),
            _ => self.look_at_the_name_itself(),
        }
    }

    fn look_at_hosts(&mut self, transport: Transport, hosts: Vec<Srv>) {
        self.stage = Stage::Places { are_named: true };
        let ordered = srv_order(hosts, &mut self.draw);
        for Srv { target, port, .. } in ordered.into_iter().take(MAX_HOSTS) {
            self.places.push_back(Place::new(transport, target, port, &self.reach));
        }
        self.ask_addresses();
    }

    /// §4.1: UDP for a SIP URI, TLS for a SIPS URI, unless that is not spoken here.
    fn look_at_the_name_itself(&mut self) {
        let usual = self.hop.usual_transport();
        let others = [Transport::Tcp, Transport::Tls].into_iter().filter(|transport| {
            self.hop.transport.is_none() && (transport.is_secure() || !self.hop.is_secure)
        });
        let spoken =
            std::iter::once(usual).chain(others).find(|transport| self.reach.speaks(*transport));
        match spoken {
            Some(transport) => self.look_at_the_name(transport),
            None => self.nowhere(Why::Transport),
        }
    }

    /// §4.2: no SRV record, or a port in the URI: the addresses of the name itself.
    fn look_at_the_name(&mut self, transport: Transport) {
        let HopHost::Name(name) = self.hop.host.clone() else { return };
        self.stage = Stage::Places { are_named: false };
        let port = self.hop.port.unwrap_or(transport.default_port());
        self.places.push_back(Place::new(transport, name, port, &self.reach));
        self.ask_addresses();
    }

    fn ask_addresses(&mut self) {
        let wanted: Vec<_> = self
            .places
            .iter()
            .flat_map(|place| place.wanted().map(|kind| Question::new(kind, place.host.clone())))
            .collect();
        for question in wanted {
            if !self.waiting.contains(&question) {
                self.ask(question.kind, question.name);
            }
        }
    }

    fn ask(&mut self, kind: RecordKind, name: Box<str>) {
        let question = Question::new(kind, name);
        self.waiting.push(question.clone());
        self.questions.push_back(question);
    }

    fn nowhere(&mut self, why: Why) {
        self.stage = Stage::Nowhere;
        self.why = Some(why);
    }

    fn give(&mut self, server: Server) -> Next {
        self.given.push(server);
        Next::Server(server)
    }

    /// Leaves a host that has no more addresses.
    fn pass(&mut self) {
        let Some(place) = self.places.pop_front() else { return };
        let silence = place.silence();
        let are_named = matches!(self.stage, Stage::Places { are_named: true });
        self.why.get_or_insert(if are_named { Why::Hosts(silence) } else { Why::Name(silence) });
    }
}

/// What an answer says about a service.
enum Offer {
    Hosts(Vec<Srv>),
    /// It is decidedly not offered (RFC 2782: a single record whose target is the root).
    Refused,
    Nothing,
}

impl Offer {
    fn of(answer: &Answer) -> Self {
        let Ok(records) = answer else { return Self::Nothing };
        let all: Vec<_> = data(records).filter_map(srv_of).collect();
        let (hosts, refusals): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|record| !matches!(&*record.target, "." | ""));
        match (hosts.is_empty(), refusals.is_empty()) {
            (false, _) => Self::Hosts(hosts),
            (true, false) => Self::Refused,
            (true, true) => Self::Nothing,
        }
    }
}

fn data(records: &[Record]) -> impl Iterator<Item = &RecordData> {
    records.iter().take(MAX_RECORDS).map(|record| &record.data)
}

fn naptr_of(data: &RecordData) -> Option<super::Naptr> {
    match data {
        RecordData::Naptr(naptr) => Some(naptr.clone()),
        _ => None,
    }
}

fn srv_of(data: &RecordData) -> Option<Srv> {
    match data {
        RecordData::Srv(srv) => Some(srv.clone()),
        _ => None,
    }
}

/// The name of the SRV record of a transport (RFC 3263 §4.1, §4.2).
fn service_name(transport: Transport, domain: &str) -> Box<str> {
    let prefix = match transport {
        Transport::Udp => "_sip._udp",
        Transport::Tcp => "_sip._tcp",
        Transport::Tls => "_sips._tcp",
        Transport::Sctp => "_sip._sctp",
        Transport::TlsSctp => "_sips._sctp",
        Transport::Ws => "_sip._ws",
        Transport::Wss => "_sips._ws",
    };
    format!("{prefix}.{domain}").into()
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name(Silence::NoSuchName) => "the DNS knows no such name (NXDOMAIN)",
            Self::Name(Silence::NoRecord) => "the name has no address in the DNS",
            Self::Name(silence) => return silence.fmt(f),
            Self::Hosts(Silence::NoSuchName | Silence::NoRecord) => {
                "the servers that the DNS names have no address"
            }
            Self::Hosts(silence) => {
                return write!(f, "the servers that the DNS names cannot be found: {silence}");
            }
            Self::NoService => "the DNS says that the domain does not offer this (SRV \".\")",
            Self::Ourselves => "the DNS leads back to this program itself",
            Self::Transport => "no listener here speaks its transport",
        })
    }
}
