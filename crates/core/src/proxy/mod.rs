//! The proxy (RFC 3261 §16): forwards a request to the targets of its target set, keeps a response
//! context for it, and gives the caller one answer; or forwards it without state, where that is
//! asked for (§16.11).
//!
//! What the targets are is decided before ([`Forwarding`] names them). The proxy asks for
//! addresses ([`Proxy::next_resolve`]) and keeps Timer C; everything that is sent goes through the
//! [`Endpoint`] that it is lent.
//!
//! A response context lives from the request to its last branch; a 2xx to INVITE that comes
//! later still finds its way for 64*T1.
//!
//! `account` answers challenges, `forward` makes the copy for a target and `leaving` what is sent
//! of it, `history` tells where a request has been, `identity` keeps the names of callers where
//! they belong, `context` keeps the state of one request and `branch` that of one copy, `branches`
//! drives them, `servers` goes from one server of a target to the next, `watch` asks whoever has
//! rules of its own what follows a failure, `early` tells of early dialogs that have ended,
//! `preferences` weighs targets for the caller, `privacy` hides what a proxy can hide, `recursion`
//! follows redirections, `stateless` passes on what has no transaction, `best` chooses the answer.

mod account;
mod best;
mod branch;
mod branches;
mod context;
mod early;
mod forward;
mod history;
mod identity;
mod leaving;
mod located;
mod preferences;
mod privacy;
mod probing;
mod recursion;
mod route;
mod servers;
mod stateless;
mod validate;
mod watch;

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode, UriBuf};
use bytes::Bytes;

use crate::endpoint::{ClientId, Endpoint, Failure, ServerId};
use crate::flow::{Fault, Flow};
use crate::id_map::{IdMap, KEPT, give_back};
use crate::locate::{Answer, Hop, HopHost, Question, Reach, Rests, Search, Server};
use crate::node::ResolveId;
use crate::refusal::Refusal;
use crate::time::Time;
use crate::timer::GRAIN;

pub use account::{challenges, is_challenge};
use context::Context;
pub use history::Origin;
pub use identity::TrustDomain;
pub use preferences::{Disposition, Preferences};
pub use privacy::{provide, provide_if_critical, wants_hidden_session};
pub use recursion::Recursion;
pub use route::{preprocess, strip_maddr};
pub use servers::TargetServer;
use stateless::Waiting;
pub use stateless::{StatelessBranches, StatelessForwarding};
pub use validate::{no_loop, validate};
pub use watch::{Notice, Turn, Watch};

/// Timer C (§16.6 step 11): how long a branch may ring. More than 3 minutes, as the RFC demands.
const TIMER_C: Duration = Duration::from_secs(185);

/// One place that a request is to be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The Request-URI that it gets.
    pub uri: UriBuf,
    /// Preference in thousandths: targets of one value are tried at the same time, lower ones
    /// when all higher ones have failed.
    pub q: u16,
    /// How much the caller prefers it among those of equal `q`, in thousandths
    /// ([`Preferences::of_contact`]).
    pub preference: u16,
    /// Route values to put before those of the request, top first (the Path of a binding).
    pub path: Vec<Box<str>>,
    /// The flow over which it is reached, when that is known better than its URI tells. When it
    /// is gone, the URI is tried unless it names another machine than the flow's.
    pub flow: Option<Flow>,
    /// The user part of our Record-Route value on the side of this target, when `flow` is to be
    /// known again in its dialog; without it the value is that of the request.
    pub token: Option<String>,
    /// Whether `flow` is the only way there is: the phone keeps it open, and its URI leads nowhere
    /// (RFC 5626 §7). When it is gone the branch has failed with 430.
    pub is_kept_flow: bool,
    /// Other flows to the same instance, tried one after the other when the one before has failed
    /// and the instance itself has not answered (RFC 5626 §7). Those of theirs are not looked at.
    pub next_flows: Vec<Self>,
    /// How it came about, for those who want to be told.
    pub origin: Origin,
    /// The body that it gets in the place of the request's, of the same Content-Type.
    pub body: Option<Bytes>,
    /// When it is one server of several that lead to the same place.
    pub server: Option<Box<TargetServer>>,
    /// Whose account answers the challenges of this target ([`Proxy::answer_challenge`]); without
    /// one they go to the caller.
    pub account: Option<Arc<str>>,
}

impl Target {
    /// A target that is reached by its URI alone.
    #[must_use]
    pub const fn new(uri: UriBuf) -> Self {
        Self {
            uri,
            q: 1000,
            preference: 1000,
            path: Vec::new(),
            flow: None,
            token: None,
            is_kept_flow: false,
            next_flows: Vec::new(),
            origin: Origin::Chosen,
            body: None,
            server: None,
            account: None,
        }
    }
}

/// A request that is to be forwarded.
#[derive(Debug)]
pub struct Forwarding {
    /// The transaction that the caller waits in.
    pub server: ServerId,
    /// The request, our own Route values taken off.
    pub request: Box<Request>,
    /// How it came.
    pub inbound: Flow,
    /// Where it is to go.
    pub targets: Vec<Target>,
    /// The user part of the URI by which this proxy puts itself into the route set, so that
    /// whoever made it knows its own again.
    pub token: String,
    /// The same for the caller's side, when how the request came is to be known again.
    pub caller_token: Option<String>,
    /// Whether redirections are followed here, which is only right for a request to a domain that
    /// this proxy is responsible for (§16.5). `None`: the caller gets them.
    pub recursion: Option<Recursion>,
    /// Whether the element upstream is told of a flow that is gone (430): it owns the bindings, and
    /// this proxy only keeps the flow (RFC 5626 §5.3.1).
    pub is_edge: bool,
    /// Whom identities are told to; what the request says of its sender's has been
    /// [admitted](TrustDomain::admit).
    pub trust: TrustDomain,
    /// Whether whoever has it forwarded is asked what follows a failure.
    pub watch: Option<Watch>,
}

/// All requests that are being forwarded.
#[derive(Debug, Default)]
pub struct Proxy {
    contexts: IdMap<ServerId, Box<Context>>,
    clients: IdMap<ClientId, Place>,
    resolving: IdMap<ResolveId, (Resolving, Question)>,
    questions: VecDeque<(ResolveId, Question, Box<str>)>,
    next_resolve: u64,
    /// What goes without state and waits for its way to be found.
    stateless: HashMap<u64, Waiting>,
    next_stateless: u64,
    stateless_branches: StatelessBranches,
    /// Servers that have failed, over all requests.
    rests: Rests,
    /// The servers that are being asked whether they are there again.
    probes: IdMap<ClientId, Server>,
    own_names: Vec<Box<str>>,
    timer_c: BTreeSet<(Time, Place)>,
    /// INVITE transactions that ended in a 2xx: further 2xx of theirs are passed on until then.
    settled: VecDeque<(Time, ClientId)>,
    /// When targets of a watched request have taken too long.
    no_answer: BTreeSet<(Time, ServerId)>,
    notices: VecDeque<Notice>,
}

/// A branch of a response context.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Place {
    server: ServerId,
    branch: usize,
}

/// What waits for an answer of the DNS.
#[derive(Debug, Clone, Copy)]
enum Resolving {
    Branch(Place),
    Stateless(u64),
}

impl Proxy {
    /// Has it answer for these names and no others: requests to them may come back to it.
    pub fn answer_for(&mut self, names: impl IntoIterator<Item = Box<str>>) {
        self.own_names = names.into_iter().collect();
    }

    /// Has requests that are forwarded without state carry branches by this key; the same key knows
    /// the responses to them again, also after a restart.
    pub fn make_branches_by(&mut self, key: [u8; 16]) {
        self.stateless_branches = StatelessBranches::new(key);
    }

    /// Forwards a request to its target set. An empty set is answered 480 (§16.5).
    pub fn forward(&mut self, now: Time, endpoint: &mut Endpoint, forwarding: Forwarding) {
        let server = forwarding.server;
        let refused = if forwarding.targets.is_empty() {
            Some(StatusCode::TEMPORARILY_UNAVAILABLE)
        } else if forward::breadth(&forwarding.request) == 0 {
            // RFC 5393 §5.3.3: not even one branch may be made.
            Some(StatusCode::MAX_BREADTH_EXCEEDED)
        } else {
            None
        };
        if let Some(status) = refused {
            return refuse(now, endpoint, server, &forwarding.request, &Refusal::new(status));
        }
        let context = Box::new(Context::new(now, endpoint, forwarding));
        if *context.request().method() == Method::Invite {
            // §16.2: the upstream element is to stop retransmitting before any branch answers.
            let trying = Response::builder(context.request(), StatusCode::TRYING).build();
            let _ = endpoint.respond(now, server, trying);
        }
        self.contexts.insert(server, context);
        self.advance(now, endpoint, server);
    }

    /// A response of a branch.
    pub fn response(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        client: ClientId,
        response: Box<Response>,
    ) {
        if self.probe_answered(now, client, &response) {
            return;
        }
        let Some(&place) = self.clients.get(&client) else { return };
        let mut response = response;
        // §16.7 step 3: what is below our Via is for the element upstream.
        response.headers_mut().pop_first(HeaderName::Via);
        match self.contexts.get_mut(&place.server) {
            Some(context) => context.receive(place.branch, &mut response),
            // A 2xx that comes again: the first has told what may be told, and whose word this is
            // and who hears it is known no more.
            None => {
                response.headers_mut().remove(HeaderName::PAssertedIdentity);
            }
        }
        let has_way_back = response.headers().has(HeaderName::Via);
        match (response.status(), has_way_back) {
            (status, false) if status.is_provisional() => {}
            // A response for nobody must not be forwarded; its branch is over all the same.
            (_, false) => {
                self.clients.remove(&client);
                self.fail(now, endpoint, place, StatusCode::BAD_GATEWAY);
            }
            (status, true) if status.is_provisional() => {
                self.provisional(now, endpoint, place, response);
            }
            (status, true) if status.is_success() => {
                self.success(now, endpoint, client, place, response);
            }
            (_, true) => {
                self.clients.remove(&client);
                self.failure(now, endpoint, place, response);
            }
        }
    }

    /// A branch got no final response.
    pub fn failed(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        client: ClientId,
        failure: Failure,
    ) {
        if self.probe_failed(now, client, failure) {
            return;
        }
        let Some(place) = self.clients.remove(&client) else { return };
        let is_flow_gone = matches!(failure, Failure::Transport(fault) if fault != Fault::TooLarge);
        let is_only_slow = failure == Failure::Transport(Fault::NotYet);
        if is_only_slow {
            self.leave_server(place);
        }
        // RFC 3263 §4.3: a server that has answered at all is not down.
        let context = self.contexts.get(&place.server);
        let is_silent = failure == Failure::Timeout
            && !context.is_some_and(|context| context.is_heard(place.branch));
        if (is_flow_gone && !is_only_slow) || is_silent {
            self.note_failed(now, place, None);
        }
        let may_go_elsewhere = failure != Failure::Timeout || is_silent;
        if may_go_elsewhere && self.try_another_way(now, endpoint, place, is_flow_gone) {
            return;
        }
        if self.try_next_flow(now, endpoint, place) {
            return;
        }
        self.tell_unavailable(place, None);
        let context = self.contexts.get(&place.server);
        let is_kept = context.is_some_and(|context| context.is_kept_flow(place.branch));
        let status = match failure {
            Failure::Timeout => StatusCode::REQUEST_TIMEOUT,
            // RFC 5626 §11.5: nothing else leads to that phone.
            Failure::Transport(_) if is_kept => StatusCode::FLOW_FAILED,
            // §16.9: a transport error counts as a 503 of that branch.
            Failure::Transport(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        self.try_next_server(now, endpoint, place);
        self.fail(now, endpoint, place, status);
    }

    /// The caller gave up: every branch that rings is cancelled, nothing new is tried (§16.10).
    pub fn cancelled(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        cancel: &Request,
    ) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        context.cancelled = true;
        let reason = cancel.headers().text(HeaderName::Reason);
        self.cancel_pending(now, endpoint, server, reason);
        self.advance(now, endpoint, server);
    }

    /// The answer to a question that was asked.
    pub fn resolved(&mut self, now: Time, endpoint: &mut Endpoint, id: ResolveId, answer: &Answer) {
        match self.resolving.remove(&id) {
            Some((Resolving::Branch(place), question)) => {
                self.branch_answered(now, endpoint, place, &question, answer);
            }
            Some((Resolving::Stateless(id), question)) => {
                self.stateless_answered(now, endpoint, id, &question, answer);
            }
            None => {}
        }
    }

    /// The next question to the DNS, and for which name's sake it is asked.
    pub fn next_resolve(&mut self) -> Option<(ResolveId, Question, Box<str>)> {
        self.questions.pop_front()
    }

    /// When [`handle_deadline`](Self::handle_deadline) is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.to_be_done().into_iter().chain(self.to_be_forgotten()).min()
    }

    /// When [`handle_deadline`](Self::handle_deadline) is wanted at the latest: what only has to
    /// be forgotten by then needs nobody to be woken for each.
    #[must_use]
    pub fn latest_deadline(&self) -> Option<Time> {
        let forgotten = self.to_be_forgotten().map(|at| at + GRAIN);
        self.to_be_done().into_iter().chain(forgotten).min()
    }

    fn to_be_done(&self) -> Option<Time> {
        let timer_c = self.timer_c.first().map(|(at, _)| *at);
        let no_answer = self.no_answer.first().map(|(at, _)| *at);
        timer_c.into_iter().chain(no_answer).min()
    }

    fn to_be_forgotten(&self) -> Option<Time> {
        self.settled.front().map(|(at, _)| *at)
    }

    /// Timer C (§16.8): a branch that rang too long is cancelled.
    pub fn handle_deadline(&mut self, now: Time, endpoint: &mut Endpoint) {
        while let Some(&(at, client)) = self.settled.front()
            && at <= now
        {
            self.settled.pop_front();
            self.clients.remove(&client);
        }
        while let Some(&(at, place)) = self.timer_c.first()
            && at <= now
        {
            self.timer_c.pop_first();
            self.rang_too_long(now, endpoint, place);
        }
        while let Some(&(at, server)) = self.no_answer.first()
            && at <= now
        {
            self.no_answer.pop_first();
            self.took_too_long(now, endpoint, server);
        }
        give_back(&mut self.contexts);
        give_back(&mut self.clients);
        if self.settled.is_empty() {
            self.settled.shrink_to(KEPT);
        }
    }

    /// Whether a request waits for its final response.
    #[must_use]
    pub fn is_forwarding(&self, server: ServerId) -> bool {
        self.contexts.contains_key(&server)
    }

    /// The request that a client transaction of this proxy stands for, as it was received; `None`
    /// when it has its final response.
    #[must_use]
    pub fn request_of(&self, client: ClientId) -> Option<&Request> {
        let place = self.clients.get(&client)?;
        self.contexts.get(&place.server).map(|context| context.request())
    }

    /// How many requests wait for their final response.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.contexts.len()
    }

    /// Whether nothing is remembered of any request.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.contexts.is_empty()
            && self.clients.is_empty()
            && self.probes.is_empty()
            && self.resolving.is_empty()
            && self.stateless.is_empty()
            && self.timer_c.is_empty()
            && self.no_answer.is_empty()
    }

    /// The search for a hop. A name of ours may lead here again, for another user, and a loop is
    /// seen then (§16.3 step 4); any other name that does would only come back.
    fn search(&self, endpoint: &mut Endpoint, hop: Hop) -> Search {
        let random = endpoint.random();
        self.search_by(endpoint, hop, random)
    }

    fn search_by(&self, endpoint: &Endpoint, hop: Hop, random: u64) -> Search {
        let is_ours = matches!(&hop.host, HopHost::Name(name) if self.is_own_name(name));
        let reach = Reach::of(&endpoint.config().listeners);
        let search = Search::new(hop, reach, random);
        if is_ours { search.may_be_own() } else { search }
    }

    fn is_own_name(&self, name: &str) -> bool {
        self.own_names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }

    /// Asks what a search wants to know.
    fn ask(&mut self, search: &mut Search, waiting: Resolving) {
        while let Some(question) = search.next_question() {
            let id = ResolveId(self.next_resolve);
            self.next_resolve += 1;
            self.resolving.insert(id, (waiting, question.clone()));
            let HopHost::Name(host) = &search.hop().host else { continue };
            self.questions.push_back((id, question, host.clone()));
        }
    }
}

/// Answers a request here.
fn refuse(
    now: Time,
    endpoint: &mut Endpoint,
    server: ServerId,
    request: &Request,
    refusal: &Refusal,
) {
    let response = refusal.response(request, &endpoint.tag_of(server));
    // An ended transaction has nobody waiting for the answer.
    let _ = endpoint.respond(now, server, response);
}
