//! The server as a node: sans I/O, one owner of its endpoint, proxy and authenticator.
//!
//! A request goes through phases, each a file of its own, in the order that `Server::arrive`
//! shows: sanity, route set, own domain?, authenticate, then the registrar, an answer of the
//! server itself, or the rules, whose steps gather targets, locate users, redirect and forward.

mod ask;
mod authenticate;
mod bound_route;
mod calendar;
mod contact;
mod course;
mod decide;
mod domain;
mod drive;
mod edge;
mod forward;
mod gather;
mod gruu;
mod held;
mod itself;
mod locate;
mod media;
mod moved;
mod offence;
mod quirks;
mod redirect;
mod register;
mod route_token;
mod service;
mod sought;
mod source;
mod stateless;
mod trunks;

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::Arc;

use antiphon_core::auth::Authenticator;
use antiphon_core::endpoint::{Endpoint, EndpointConfig, ServerId};
use antiphon_core::flow::Flow;
use antiphon_core::id_map::IdMap;
use antiphon_core::proxy::{self, Proxy};
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{Aor, Gruus};
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, Method, Request, StatusCode, Uri, UriBuf};

pub use ask::{Answer, CommitFault, Question, Ticket};
pub use domain::Domains;
pub use offence::Offence;
pub use service::Service;
pub(crate) use service::domains;
pub use trunks::{Login, ServerState, Trouble, TrunkNews, TrunkState};

pub use crate::config::Extensions;

use authenticate::Purpose;
use calendar::Calendar;
use course::Course;
use gruu::LocatedAck;
use held::Held;
use media::Desk;
use moved::Moved;
use offence::Unroutable;
use route_token::{Recorded, RouteTokens, derived, is_token};
use sought::Gather;
use trunks::Trunks;

use crate::guard::{self, Ban, Guard, Source, Testimony};
use crate::rules::{Destination, DownTrunks, Hop};

/// What a server is told once.
#[derive(Debug)]
pub struct ServerConfig {
    /// Listeners, timers, limits.
    pub endpoint: EndpointConfig,
    /// What it does.
    pub service: Service,
    /// Digest settings; the realms are the domains.
    pub authenticator: Authenticator,
    /// 32 random octets that stay the same over restarts: route sets and temporary GRUUs made
    /// before one hold after.
    pub secret: [u8; 32],
    /// When a source is slowed and banned.
    pub guard: guard::Settings,
    /// The bans that were in force when the server ended.
    pub bans: Vec<Ban>,
    /// Whether other workers share its work, and are to hear what its guard sees.
    pub has_colleagues: bool,
    /// Whether it registers at trunks and asks their servers if they are there: one of several
    /// workers does.
    pub tends_trunks: bool,
}

/// What a server tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ServerEvent {
    /// The bindings of an address-of-record changed and are stored.
    Registered {
        /// Whose.
        aor: String,
        /// How many contacts it has now.
        contacts: usize,
        /// Where the request came from.
        source: Flow,
    },
    /// Credentials were wrong.
    AuthenticationFailed {
        /// The user name they gave.
        username: String,
        /// Where the request came from.
        source: Flow,
    },
    /// Something was refused that no client does that is what it says. Told once a minute of a
    /// source.
    Refused {
        /// Where the request came from.
        source: Flow,
        /// What it tried.
        offence: Offence,
        /// How often it was refused something since the last time that this was told.
        untold: u32,
    },
    /// A source is not listened to any more.
    Banned(Ban),
    /// Its guard has seen something that those of its colleagues are to know.
    Testified(Testimony),
    /// The media relay does not answer any more, or answers again.
    MediaRelay {
        /// Whether it is gone.
        is_gone: bool,
    },
    /// Something happened to a trunk that whoever runs the server should know of.
    Trunk {
        /// Its name.
        trunk: Arc<str>,
        /// What.
        news: TrunkNews,
    },
    /// How all trunks are, when that has changed.
    Trunks(Vec<TrunkState>),
    /// What was registered at trunks is taken back ([`Command::LeaveTrunks`]).
    TrunksLeft,
    /// The location service could not store a change; the request was answered 500.
    StoreFailed {
        /// Whose bindings.
        aor: String,
        /// Why.
        fault: CommitFault,
    },
}

/// What a person or a program tells a server to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// To know how a colleague has found the trunks.
    HearTrunks(Vec<TrunkState>),
    /// To take back what is registered at trunks, and to begin nothing else there.
    LeaveTrunks,
    /// How far the clock on the wall is ahead of the node's time, or behind it, in seconds: that is
    /// read once and goes on evenly, and the clock may be set.
    SetClock(i64),
    /// To listen to a source again.
    LiftBan(Source),
    /// To know what a colleague's guard has seen.
    Hear(Testimony),
    /// To do something else from now on.
    TakeOver {
        /// What.
        service: Box<Service>,
        /// And when to ban a source.
        guard: guard::Settings,
    },
}

/// A server.
#[derive(Debug)]
pub struct Server {
    endpoint: Endpoint,
    proxy: Proxy,
    authenticator: Authenticator,
    service: Service,
    /// The trunks that are known to be down.
    down: DownTrunks,
    trunks: Trunks,
    /// See [`Command::SetClock`].
    clock_ahead: i64,
    route_tokens: RouteTokens,
    gruus: Gruus,
    moved: Moved,
    calendar: Calendar,
    guard: Guard,
    has_colleagues: bool,
    held: Held,
    desk: Desk,
    waiting: IdMap<Ticket, Waiting>,
    /// ACKs on their way to a user of ours.
    acks: IdMap<Ticket, LocatedAck>,
    /// The requests that the proxy asks about when their targets have failed.
    courses: IdMap<ServerId, Arrival>,
    next_ticket: u64,
    questions: VecDeque<Question>,
    events: VecDeque<ServerEvent>,
    /// Connections of sources that are not listened to.
    closes: VecDeque<Flow>,
}

/// A request in the hands of the phases.
#[derive(Debug, Clone)]
struct Arrival {
    id: ServerId,
    request: Box<Request>,
    flow: Flow,
    /// What the Route stands for that we made for this call, if it came by one.
    recorded: Option<Recorded>,
    /// Whether it goes where that Route leads.
    follows: bool,
    /// Who sent it, when it has signed in.
    identity: Option<UriBuf>,
    /// The trunk that it comes from, if it does.
    trunk: Option<Arc<str>>,
    /// What the rules have said, once they were asked.
    course: Option<Course>,
}

impl Arrival {
    /// Whether one of our users sent it, or it belongs to a dialog that was let in.
    const fn is_from_us(&self) -> bool {
        self.identity.is_some() || (self.recorded.is_some() && self.follows)
    }
}

/// A request that waits for an answer of the world outside.
#[derive(Debug)]
enum Waiting {
    Authenticating(Arrival, Box<authenticate::Pending>),
    Registering(Arrival, Aor),
    Storing(Arrival, Box<register::Pending>),
    Locating(Arrival, Box<locate::Search>),
    /// Nobody is signed in under the name; is there such a user at all?
    Absent(Arrival),
}

impl Server {
    /// A server. `seed` makes everything random in it.
    #[must_use]
    pub fn new(config: ServerConfig, seed: [u8; 32]) -> Self {
        let ServerConfig {
            endpoint,
            service,
            mut authenticator,
            secret,
            guard,
            bans,
            has_colleagues,
            tends_trunks,
        } = config;
        let mut guard = Guard::new(guard);
        for ban in bans {
            guard.restore(ban);
        }
        authenticator.set_realms(service.domains.realms().cloned().collect());
        let mut proxy = Proxy::default();
        proxy.make_branches_by(derived(&secret, "stateless"));
        let endpoint = EndpointConfig { tells_strays: true, ..endpoint };
        proxy.answer_for(service.domains.hosts().map(Into::into));
        let mut server = Self {
            endpoint: Endpoint::new(endpoint, seed),
            proxy,
            authenticator,
            service,
            down: DownTrunks::NONE,
            trunks: Trunks::new(tends_trunks),
            clock_ahead: 0,
            route_tokens: RouteTokens::new(&secret),
            gruus: Gruus::new(&secret),
            moved: Moved::default(),
            calendar: Calendar::default(),
            guard,
            has_colleagues,
            held: Held::default(),
            desk: Desk::default(),
            waiting: IdMap::default(),
            acks: IdMap::default(),
            courses: IdMap::default(),
            next_ticket: 0,
            questions: VecDeque::new(),
            events: VecDeque::new(),
            closes: VecDeque::new(),
        };
        server.take_trunks();
        server
    }

    /// The endpoint, for its counters.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Whether it remembers nothing of any request: nothing would be lost if it stopped now.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        let counters = self.endpoint.counters();
        let transactions = counters.server_transactions + counters.client_transactions;
        let is_waiting = !self.waiting.is_empty()
            || !self.acks.is_empty()
            || !self.courses.is_empty()
            || self.held.len() > 0
            || !self.desk.is_idle()
            || !self.trunks.is_idle();
        transactions == 0 && self.proxy.is_idle() && !is_waiting
    }

    /// How many requests wait for their final response from elsewhere.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.proxy.pending() + self.waiting.len() + self.held.len()
    }

    /// The order of the phases.
    fn arrive(&mut self, now: Time, id: ServerId, request: Box<Request>, flow: Flow) {
        let mut arrival = Arrival {
            id,
            request,
            flow,
            recorded: None,
            follows: false,
            identity: None,
            trunk: None,
            course: None,
        };
        // First of all, since a phone may name this server as its outbound proxy in whatever it
        // sends here, and since what is left decides what a loop is.
        match self.take_off(&mut arrival.request, &flow) {
            Ok(recorded) => {
                arrival.follows = recorded.is_some_and(|it| {
                    self.follows_its_route(&arrival.request, &it)
                        || self.follows_who_moved(&arrival.request)
                });
                arrival.recorded = recorded;
                arrival.forget_own_flow();
            }
            Err(unroutable) => return self.refuse_unroutable(now, &arrival, &unroutable),
        }
        arrival.trunk = self.recognize(&mut arrival.request, flow.remote.ip());
        // An OPTIONS that ran out of hops here may be answered here (RFC 3261 §16.3 step 3); so is
        // everything else that is meant for this server itself.
        if self.is_for_the_server_itself(&arrival.request) {
            return self.serve_itself(now, arrival);
        }
        if let Err(refusal) = self.validate(&arrival.request) {
            return self.refuse(now, &arrival, &refusal);
        }
        if arrival.recorded.is_none() && self.is_for_beyond(&arrival.request) {
            return self.pass_beyond(now, arrival);
        }
        match self.who_must_sign_in(&arrival) {
            Some(domain) => self.authenticate(now, arrival, Purpose::Forward, &domain),
            None => self.route(now, arrival),
        }
    }

    /// Where a request goes whose sender is known or need not be.
    fn route(&mut self, now: Time, arrival: Arrival) {
        self.note_place(&arrival);
        if arrival.recorded.is_none() && !arrival.request.headers().has(HeaderName::Route) {
            return self.ask_the_rules(now, arrival);
        }
        let mut in_dialog = self.dialog_target(&arrival.request, arrival.recorded);
        // RFC 5626 §5.3.1: when that flow is gone, so is the phone: 430.
        in_dialog.is_kept_flow = arrival.is_from_beyond();
        // One that is for a GRUU is for a contact of that instance (RFC 5627 §6.1).
        if in_dialog.flow.is_some() && !self.is_for_gruu(&arrival.request) {
            return self.forward(now, arrival, vec![in_dialog]);
        }
        let request = &arrival.request;
        let has_route = request.headers().has(HeaderName::Route);
        let is_in_dialog = arrival.recorded.is_some() && request.to_tag().is_some();
        let is_located = is_in_dialog && self.is_for_gruu(request);
        if (has_route && !is_located) || (is_in_dialog && !self.is_this_server(&request.uri())) {
            return self.forward(now, arrival, vec![in_dialog]);
        }
        if is_in_dialog {
            // A GRUU, or an address-of-record in the place of a contact.
            let hop = Hop { to: Destination::Uri(in_dialog.uri), q: 1000 };
            return self.gather(now, arrival, Gather::new(vec![hop]));
        }
        self.ask_the_rules(now, arrival);
    }

    fn validate(&self, request: &Request) -> Result<(), Refusal> {
        proxy::validate(request)?;
        proxy::no_loop(request, &self.endpoint)
    }

    fn cancel(&mut self, now: Time, id: ServerId, cancel: &Request) {
        let waiting = self.waiting.iter().find(|(_, waiting)| waiting.arrival().id == id);
        if let Some((&ticket, _)) = waiting
            && let Some(waiting) = self.waiting.remove(&ticket)
            && !waiting.arrival().is_in_proxy()
        {
            // The look-up it waits for has lost its purpose; its answer will find nobody.
            let refusal = Refusal::new(StatusCode::REQUEST_TERMINATED);
            return self.refuse(now, waiting.arrival(), &refusal);
        }
        if !self.leave_line(now, id) {
            self.proxy.cancelled(now, &mut self.endpoint, id, cancel);
        }
    }

    fn answered(&mut self, now: Time, answer: Answer) {
        if let Answer::Media { ticket, replies } = answer {
            return self.relay_answered(now, ticket, replies);
        }
        let Some(waiting) = self.waiting.remove(&answer.ticket()) else {
            if let Answer::Bindings { ticket, set } = answer {
                self.located_ack(now, ticket, set.as_ref());
            }
            return;
        };
        match (waiting, answer) {
            (Waiting::Authenticating(arrival, pending), Answer::Subscriber { ha1, .. }) => {
                self.judge(now, arrival, &pending, ha1.as_ref());
            }
            (Waiting::Registering(arrival, aor), Answer::Bindings { set, .. }) => {
                self.update(now, arrival, aor, set);
            }
            (Waiting::Locating(arrival, search), Answer::Bindings { set, .. }) => {
                self.located(now, arrival, *search, set);
            }
            (Waiting::Absent(arrival), Answer::Subscriber { ha1, .. }) => {
                self.absent(now, arrival, ha1.is_some());
            }
            (Waiting::Storing(arrival, pending), Answer::Committed { result, .. }) => {
                self.stored(now, arrival, *pending, result);
            }
            // An answer of another kind than the question is a fault of the program around us.
            (waiting, _) => {
                let refusal = Refusal::new(StatusCode::SERVER_INTERNAL_ERROR);
                self.refuse(now, waiting.arrival(), &refusal);
            }
        }
    }

    fn ask(&mut self, waiting: Waiting, question: impl FnOnce(Ticket) -> Question) {
        let ticket = self.new_ticket();
        self.waiting.insert(ticket, waiting);
        self.questions.push_back(question(ticket));
    }

    const fn new_ticket(&mut self) -> Ticket {
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        ticket
    }

    /// The end of a step that came to nothing: the step that follows, or the answer.
    fn conclude(&mut self, now: Time, arrival: Arrival, refusal: &Refusal) {
        if let Some(arrival) = self.follow(now, arrival, refusal.status) {
            self.refuse(now, &arrival, refusal);
        }
    }

    fn refuse(&mut self, now: Time, arrival: &Arrival, refusal: &Refusal) {
        if arrival.is_in_proxy() {
            return self.proxy.conclude(now, &mut self.endpoint, arrival.id, refusal);
        }
        let response = refusal.response(&arrival.request, &self.endpoint.tag_of(arrival.id));
        // An ended transaction has nobody waiting for the answer.
        let _ = self.endpoint.respond(now, arrival.id, response);
    }

    /// Takes off what names this server and nothing else (§16.4), and says what the Route that we
    /// made for this call stands for, if one was among it.
    fn take_off(&self, request: &mut Request, flow: &Flow) -> Result<Option<Recorded>, Unroutable> {
        let is_own = |uri: &Uri<'_>| self.is_this_server(uri);
        let is_forged = Cell::new(false);
        let recorded = proxy::preprocess(request, is_own, |uri, request| {
            let recorded = self.route_tokens.read(uri, request.call_id());
            let recorded = recorded.or_else(|| self.route_tokens.read_edge(uri));
            let recorded = recorded.filter(|_| is_own(uri));
            if recorded.is_none() && is_token(uri) && is_own(uri) {
                is_forged.set(true);
            }
            recorded
        })?;
        if recorded.is_none() && is_forged.get() {
            return Err(Unroutable::Forged);
        }
        proxy::strip_maddr(request, flow, |host_port| self.endpoint.is_own(host_port));
        Ok(recorded)
    }
}

impl Waiting {
    const fn arrival(&self) -> &Arrival {
        match self {
            Self::Authenticating(arrival, _)
            | Self::Registering(arrival, _)
            | Self::Storing(arrival, _)
            | Self::Locating(arrival, _)
            | Self::Absent(arrival) => arrival,
        }
    }
}

/// The methods that this server takes for itself (RFC 3261 §20.5).
const ALLOW: &str = "OPTIONS, REGISTER";

/// Whether a method asks for something that exists, so that 405 is right and not 501.
fn is_known(method: &Method) -> bool {
    !matches!(method, Method::Other(_))
}
