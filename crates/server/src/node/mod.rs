//! The server as a node: sans I/O, one owner of its endpoint, proxy and authenticator.
//!
//! A request goes through phases, each a file of its own, in the order that `Server::arrive`
//! shows: sanity, route set, own domain?, authenticate, then the registrar, an answer of the
//! server itself, or locate and forward.

mod ask;
mod authenticate;
mod domain;
mod held;
mod itself;
mod locate;
mod offence;
mod quirks;
mod register;
mod route_token;
mod source;

use std::cell::Cell;
use std::collections::{HashMap, VecDeque};

use antiphon_core::auth::Authenticator;
use antiphon_core::endpoint::{Endpoint, EndpointConfig, Event, ServerId};
use antiphon_core::flow::Flow;
use antiphon_core::node::{Input, Node, Output};
use antiphon_core::proxy::{self, Forwarding, Proxy, Recursion, Target, TrustDomain};
use antiphon_core::refusal::Refusal;
use antiphon_core::registrar::{Gruus, Policy};
use antiphon_core::time::Time;
use antiphon_sip::{HeaderName, Method, Request, StatusCode, Uri, UriBuf};

pub use ask::{Answer, CommitFault, Question, Ticket};
pub use domain::Domains;
pub use offence::Offence;

use authenticate::Purpose;
use held::Held;
use offence::{Unroutable, is_own_answer, is_response};
use route_token::{Recorded, RouteTokens, is_token};
use source::flow_of_caller;

use crate::guard::{self, Ban, Guard, Source};

/// What a server is told once.
#[derive(Debug)]
pub struct ServerConfig {
    /// Listeners, timers, limits.
    pub endpoint: EndpointConfig,
    /// The domains it answers for.
    pub domains: Domains,
    /// What the registrar grants.
    pub registrar: Policy,
    /// Digest settings; the realms are the domains.
    pub authenticator: Authenticator,
    /// 32 random octets that stay the same over restarts: route sets and temporary GRUUs made
    /// before one hold after.
    pub secret: [u8; 32],
    /// What extensions leave to choice.
    pub extensions: Extensions,
    /// When a source is slowed and banned.
    pub guard: guard::Settings,
    /// The bans that were in force when the server ended.
    pub bans: Vec<Ban>,
}

/// What the extensions of SIP leave to the choice of a server. The default is to choose nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Extensions {
    /// The proxies that requests of a registered phone are to pass, first hop first, each a URI
    /// with `lr` (RFC 3608 §6.3).
    pub service_route: Vec<UriBuf>,
    /// Seconds after which a phone that hears nothing on its flow may take it for dead
    /// (RFC 5626 §5.4).
    pub flow_timer: Option<u32>,
    /// Whether redirections by the users of our domains are followed here (RFC 3261 §16.7 step 4)
    /// instead of being passed to the caller.
    pub follow_redirections: bool,
    /// Whose word on the identity of callers counts (RFC 3325).
    pub trust: TrustDomain,
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
    /// The location service could not store a change; the request was answered 500.
    StoreFailed {
        /// Whose bindings.
        aor: String,
        /// Why.
        fault: CommitFault,
    },
}

/// What a person or a program tells a server to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// To listen to a source again.
    LiftBan(Source),
}

/// A server.
#[derive(Debug)]
pub struct Server {
    endpoint: Endpoint,
    proxy: Proxy,
    authenticator: Authenticator,
    domains: Domains,
    policy: Policy,
    route_tokens: RouteTokens,
    gruus: Gruus,
    extensions: Extensions,
    guard: Guard,
    held: Held,
    waiting: HashMap<Ticket, Waiting>,
    next_ticket: u64,
    questions: VecDeque<Question>,
    events: VecDeque<ServerEvent>,
    /// Connections of sources that are not listened to.
    closes: VecDeque<Flow>,
}

/// A request in the hands of the phases.
#[derive(Debug)]
struct Arrival {
    id: ServerId,
    request: Request,
    flow: Flow,
    /// What the Route stands for that we made for this call, if it came by one.
    recorded: Option<Recorded>,
    /// Who sent it, when it has signed in.
    identity: Option<UriBuf>,
}

impl Arrival {
    /// Whether one of our users sent it, or it belongs to a dialog that was let in.
    const fn is_from_us(&self) -> bool {
        self.identity.is_some() || self.recorded.is_some()
    }
}

/// A request that waits for an answer of the world outside.
#[derive(Debug)]
enum Waiting {
    Authenticating(Arrival, Box<authenticate::Pending>),
    Registering(Arrival),
    Storing(Arrival, Box<register::Pending>),
    Locating(Arrival),
    /// Nobody is signed in under the name; is there such a user at all?
    Absent(Arrival),
}

impl Server {
    /// A server. `seed` makes everything random in it.
    #[must_use]
    pub fn new(config: ServerConfig, seed: [u8; 32]) -> Self {
        let mut guard = Guard::new(config.guard);
        for ban in config.bans {
            guard.restore(ban);
        }
        Self {
            endpoint: Endpoint::new(config.endpoint, seed),
            proxy: Proxy::default(),
            authenticator: config.authenticator,
            domains: config.domains,
            policy: config.registrar,
            route_tokens: RouteTokens::new(&config.secret),
            gruus: Gruus::new(&config.secret),
            extensions: config.extensions,
            guard,
            held: Held::default(),
            waiting: HashMap::new(),
            next_ticket: 0,
            questions: VecDeque::new(),
            events: VecDeque::new(),
            closes: VecDeque::new(),
        }
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
        let is_waiting = !self.waiting.is_empty() || self.held.len() > 0;
        transactions == 0 && self.proxy.is_idle() && !is_waiting
    }

    /// How many requests wait for their final response from elsewhere.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.proxy.pending() + self.waiting.len() + self.held.len()
    }

    fn drain_endpoint(&mut self, now: Time) {
        while let Some(event) = self.endpoint.next_event() {
            match event {
                Event::Request { id, request, flow } => self.arrive(now, id, request, flow),
                Event::Ack { request, flow } => self.acknowledge(now, request, flow),
                Event::Cancelled { id, cancel } => {
                    self.cancel(now, id, &cancel);
                }
                Event::Response { id, response, .. } => {
                    self.proxy.response(now, &mut self.endpoint, id, response);
                }
                Event::Failed { id, failure } => {
                    self.proxy.failed(now, &mut self.endpoint, id, failure);
                }
                Event::Acknowledged { .. } | Event::Unacknowledged { .. } => {}
            }
        }
    }

    /// The order of the phases.
    fn arrive(&mut self, now: Time, id: ServerId, request: Request, flow: Flow) {
        let mut arrival = Arrival { id, request, flow, recorded: None, identity: None };
        // First of all, since a phone may name this server as its outbound proxy in whatever it
        // sends here, and since what is left decides what a loop is.
        match self.take_off(&mut arrival.request, &flow) {
            Ok(recorded) => arrival.recorded = recorded,
            Err(unroutable) => return self.refuse_unroutable(now, &arrival, &unroutable),
        }
        // An OPTIONS that ran out of hops here may be answered here (RFC 3261 §16.3 step 3); so is
        // everything else that is meant for this server itself.
        if self.is_for_the_server_itself(&arrival.request) {
            return self.serve_itself(now, arrival);
        }
        if let Err(refusal) = self.validate(&arrival.request) {
            return self.refuse(now, &arrival, &refusal);
        }
        match self.who_must_sign_in(&arrival) {
            Some(domain) => self.authenticate(now, arrival, Purpose::Forward, &domain),
            None => self.route(now, arrival),
        }
    }

    /// Where a request goes whose sender is known or need not be.
    fn route(&mut self, now: Time, arrival: Arrival) {
        let in_dialog = self.dialog_target(&arrival.request, arrival.recorded);
        // One that is for a GRUU is for a contact of that instance (RFC 5627 §6.1).
        if in_dialog.flow.is_some() && !self.is_for_gruu(&arrival.request) {
            return self.forward(now, arrival, vec![in_dialog]);
        }
        if !arrival.request.headers().has(HeaderName::Route) && self.is_ours(&arrival.request.uri())
        {
            return self.locate(now, arrival);
        }
        if self.is_user_of_no_domain(&arrival.request) {
            let refusal =
                Refusal::new(StatusCode::NOT_FOUND).because("Not a domain of this server");
            return self.refuse(now, &arrival, &refusal);
        }
        self.forward(now, arrival, vec![in_dialog]);
    }

    /// The target that a request names itself: its Request-URI, by the flow that we recorded for
    /// that side of the dialog unless another element is to come first.
    fn dialog_target(&self, request: &Request, recorded: Option<Recorded>) -> Target {
        let flow = recorded.and_then(|recorded| recorded.flow);
        let flow = flow.filter(|_| !request.headers().has(HeaderName::Route));
        let token = |flow| self.route_tokens.token_of_flow(request.call_id(), &flow);
        Target { flow, token: flow.map(token), ..Target::new(UriBuf::from(request.uri())) }
    }

    fn validate(&self, request: &Request) -> Result<(), Refusal> {
        proxy::validate(request)?;
        proxy::no_loop(request, &self.endpoint)
    }

    fn forward(&mut self, now: Time, arrival: Arrival, targets: Vec<Target>) {
        let call_id = arrival.request.call_id();
        let token = self.route_tokens.token(call_id);
        let caller_token =
            flow_of_caller(&arrival).map(|flow| self.route_tokens.token_of_flow(call_id, &flow));
        let Arrival { id: server, mut request, flow: inbound, identity, .. } = arrival;
        let trust = self.extensions.trust.clone();
        trust.admit(&mut request, inbound.remote.ip(), identity.as_ref());
        self.take_off_own_credentials(&mut request);
        let recursion = self.recursion(&request);
        let forwarding =
            Forwarding { server, request, inbound, targets, token, caller_token, recursion, trust };
        self.proxy.forward(now, &mut self.endpoint, forwarding);
    }

    /// Whether a redirection of this request is for us to follow: only of one to our own users.
    fn recursion(&self, request: &Request) -> Option<Recursion> {
        let is_followed = self.extensions.follow_redirections
            && self.is_ours(&request.uri())
            && !request.headers().has(HeaderName::Route);
        let own_hosts = || self.domains.hosts().map(Into::into).collect();
        is_followed.then(|| Recursion { own_hosts: own_hosts() })
    }

    /// An ACK of a 2xx follows its dialog's route set; it is never challenged or answered
    /// (RFC 3261 §22.1, §16.11).
    fn acknowledge(&mut self, now: Time, request: Request, flow: Flow) {
        let mut request = request;
        let recorded = match self.take_off(&mut request, &flow) {
            Ok(recorded) => recorded,
            Err(Unroutable::Malformed(_)) => return,
            Err(Unroutable::Forged) => return self.tell(now, flow, Offence::ForgedRoute),
        };
        // Without a Route that we made for this call we would be a relay for strangers.
        if recorded.is_some() && self.validate(&request).is_ok() {
            self.take_off_own_credentials(&mut request);
            let target = self.dialog_target(&request, recorded);
            self.proxy.forward_ack(now, &mut self.endpoint, &request, &target);
        }
    }

    fn cancel(&mut self, now: Time, id: ServerId, cancel: &Request) {
        let waiting = self.waiting.iter().find(|(_, waiting)| waiting.arrival().id == id);
        if let Some((&ticket, _)) = waiting {
            // The look-up it waits for has lost its purpose; its answer will find nobody.
            if let Some(waiting) = self.waiting.remove(&ticket) {
                let refusal = Refusal::new(StatusCode::REQUEST_TERMINATED);
                self.refuse(now, waiting.arrival(), &refusal);
            }
            return;
        }
        self.proxy.cancelled(now, &mut self.endpoint, id, cancel);
    }

    fn answered(&mut self, now: Time, answer: Answer) {
        let Some(waiting) = self.waiting.remove(&answer.ticket()) else { return };
        match (waiting, answer) {
            (Waiting::Authenticating(arrival, pending), Answer::Subscriber { ha1, .. }) => {
                self.judge(now, arrival, &pending, ha1.as_ref());
            }
            (Waiting::Registering(arrival), Answer::Bindings { set, .. }) => {
                self.update(now, arrival, set);
            }
            (Waiting::Locating(arrival), Answer::Bindings { set, .. }) => {
                self.located(now, arrival, set);
            }
            (Waiting::Absent(arrival), Answer::Subscriber { ha1, .. }) => {
                self.absent(now, &arrival, ha1.is_some());
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
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.waiting.insert(ticket, waiting);
        self.questions.push_back(question(ticket));
    }

    fn refuse(&mut self, now: Time, arrival: &Arrival, refusal: &Refusal) {
        let response = refusal.response(&arrival.request, &self.endpoint.tag_of(arrival.id));
        // An ended transaction has nobody waiting for the answer.
        let _ = self.endpoint.respond(now, arrival.id, response);
    }

    /// Takes off what names this server and nothing else (§16.4), and says what the Route that we
    /// made for this call stands for, if one was among it.
    fn take_off(&self, request: &mut Request, flow: &Flow) -> Result<Option<Recorded>, Unroutable> {
        let call_id = request.call_id().to_owned();
        let is_own = |uri: &Uri<'_>| self.is_this_server(uri);
        let is_forged = Cell::new(false);
        let recorded = proxy::preprocess(request, is_own, |uri| {
            let recorded = self.route_tokens.read(uri, &call_id).filter(|_| is_own(uri));
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
            | Self::Registering(arrival)
            | Self::Storing(arrival, _)
            | Self::Locating(arrival)
            | Self::Absent(arrival) => arrival,
        }
    }
}

impl Node for Server {
    type Question = Question;
    type Answer = Answer;
    type Command = Command;
    type Event = ServerEvent;

    fn handle(&mut self, now: Time, input: Input<Answer, Self::Command>) {
        match input {
            Input::Datagram { flow, octets }
                if self.is_shut_out(now, &flow, is_response(&octets)) => {}
            Input::Frame { flow, frame } if self.is_shut_out(now, &flow, is_own_answer(&frame)) => {
                self.closes.push_back(flow);
            }
            Input::Datagram { flow, octets } => self.endpoint.handle_datagram(now, flow, octets),
            Input::Frame { flow, frame } => self.endpoint.handle_frame(now, flow, frame),
            Input::Undelivered { ticket, fault } => {
                self.endpoint.handle_undelivered(now, ticket, fault);
            }
            Input::Closed { flow } => self.endpoint.handle_closed(now, flow),
            Input::Resolved { id, addresses } => {
                self.proxy.resolved(now, &mut self.endpoint, id, &addresses);
            }
            Input::Answer(answer) => self.answered(now, answer),
            Input::Command(Command::LiftBan(source)) => {
                self.guard.lift(source);
            }
            Input::Deadline => {
                self.endpoint.handle_deadline(now);
                self.proxy.handle_deadline(now, &mut self.endpoint);
                self.release(now);
            }
        }
        self.drain_endpoint(now);
    }

    fn next_output(&mut self) -> Option<Output<Question, ServerEvent>> {
        if let Some(transmit) = self.endpoint.next_transmit() {
            return Some(Output::Transmit(transmit));
        }
        if let Some(question) = self.questions.pop_front() {
            return Some(Output::Question(question));
        }
        if let Some((id, host)) = self.proxy.next_resolve() {
            return Some(Output::Resolve { id, host });
        }
        if let Some(flow) = self.endpoint.next_close().or_else(|| self.closes.pop_front()) {
            return Some(Output::Close(flow));
        }
        self.events.pop_front().map(Output::Event)
    }

    fn deadline(&self) -> Option<Time> {
        let deadlines = self.endpoint.deadline().into_iter().chain(self.proxy.deadline());
        deadlines.chain(self.held.deadline()).min()
    }
}

/// The methods that this server takes for itself (RFC 3261 §20.5).
const ALLOW: &str = "OPTIONS, REGISTER";

/// Whether a method asks for something that exists, so that 405 is right and not 501.
fn is_known(method: &Method) -> bool {
    !matches!(method, Method::Other(_))
}
