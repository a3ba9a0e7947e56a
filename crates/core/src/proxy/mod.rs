//! The stateful proxy (RFC 3261 §16): forwards a request to the targets of its target set, keeps
//! a response context for it, and gives the caller one answer.
//!
//! What the targets are is decided before ([`Proxy::forward`] is given them). The proxy asks for
//! addresses ([`Proxy::next_resolve`]) and keeps Timer C; everything that is sent goes through the
//! [`Endpoint`] that it is lent.
//!
//! A response context lives from the request to its last branch; a 2xx to INVITE that comes
//! later still finds its way for 64*T1.

mod best;
mod context;
mod forward;
mod route;
mod validate;

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::hash::{Hash as _, Hasher as _};
use std::net::IpAddr;
use std::time::Duration;

use antiphon_sip::{Method, Request, Response, StatusCode, UriBuf};

use crate::endpoint::{ClientId, Endpoint, Failure, ServerId};
use crate::flow::Flow;
use crate::locate::HopHost;
use crate::node::ResolveId;
use crate::refusal::Refusal;
use crate::time::Time;

use context::{Branch, Context};
pub use route::{Preprocessed, preprocess};
pub use validate::validate;

/// Timer C (§16.6 step 11): how long a branch may ring. More than 3 minutes, as the RFC demands.
const TIMER_C: Duration = Duration::from_secs(185);

/// Addresses tried for one branch at most, so that one name with hundreds of records does not
/// make one call last for hours.
const MAX_ADDRESSES: usize = 8;

/// One place that a request is to be sent to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// The Request-URI that it gets.
    pub uri: UriBuf,
    /// Preference in thousandths: targets of one value are tried at the same time, lower ones
    /// when all higher ones have failed.
    pub q: u16,
    /// Route values to put before those of the request, top first (the Path of a binding).
    pub path: Vec<Box<str>>,
    /// The flow over which it is reached, when that is known better than its URI tells.
    pub flow: Option<Flow>,
}

impl Target {
    /// A target that is reached by its URI alone.
    #[must_use]
    pub const fn new(uri: UriBuf) -> Self {
        Self { uri, q: 1000, path: Vec::new(), flow: None }
    }
}

/// All requests that are being forwarded.
#[derive(Debug, Default)]
pub struct Proxy {
    contexts: HashMap<ServerId, Context>,
    clients: HashMap<ClientId, (ServerId, usize)>,
    resolving: HashMap<ResolveId, (ServerId, usize)>,
    questions: VecDeque<(ResolveId, String)>,
    next_resolve: u64,
    timer_c: BTreeSet<(Time, ServerId, usize)>,
    /// INVITE transactions that ended in a 2xx: further 2xx of theirs are passed on until then.
    settled: VecDeque<(Time, ClientId)>,
}

impl Proxy {
    /// Forwards a request to its target set. An empty set is answered 480 (§16.5). `token` becomes
    /// the user part of the URI by which this proxy puts itself into the route set, so that the
    /// caller knows its own again.
    #[expect(clippy::too_many_arguments, reason = "each is one fact of the request's arrival")]
    pub fn forward(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        request: Request,
        inbound: Flow,
        targets: Vec<Target>,
        token: &str,
    ) {
        if targets.is_empty() {
            let refusal = Refusal::new(StatusCode::TEMPORARILY_UNAVAILABLE);
            return refuse(now, endpoint, server, &request, &refusal);
        }
        if *request.method() == Method::Invite {
            // §16.2: the upstream element is to stop retransmitting before any branch answers.
            let trying = Response::builder(&request, StatusCode::TRYING).build();
            let _ = endpoint.respond(now, server, trying);
        }
        self.contexts.insert(server, Context::new(request, inbound, targets, token));
        self.advance(now, endpoint, server);
    }

    /// Forwards an ACK for a 2xx: without a transaction, by its Route set or Request-URI alone
    /// (§16.11). Gives back what has to be resolved first as a question of no consequence: an ACK
    /// whose next hop is a name that is not known yet waits for it like any branch.
    pub fn forward_ack(&mut self, now: Time, endpoint: &mut Endpoint, request: &Request) {
        let target = Target::new(to_uri_buf(request));
        let Ok(copy) = forward::copy(request, &target) else { return };
        if let HopHost::Address(address) = copy.hop.host
            && let Some(flow) = copy.hop.flow(address, endpoint)
        {
            endpoint.send_ack(now, copy.request, flow);
        }
    }

    /// A response of a branch.
    pub fn response(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        client: ClientId,
        response: Response,
    ) {
        let Some(&(server, branch)) = self.clients.get(&client) else { return };
        let mut response = response;
        // §16.7 step 3: what is below our Via is for the element upstream.
        response.headers_mut().pop_first(antiphon_sip::HeaderName::Via);
        if response.headers().value(antiphon_sip::HeaderName::Via).is_none() {
            return;
        }
        if response.status().is_provisional() {
            self.provisional(now, endpoint, server, branch, response);
        } else if response.status().is_success() {
            self.success(now, endpoint, client, server, branch, response);
        } else {
            self.clients.remove(&client);
            self.finish_branch(server, branch, Some(response));
            self.advance(now, endpoint, server);
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
        let Some((server, branch)) = self.clients.remove(&client) else { return };
        let Some(context) = self.contexts.get_mut(&server) else { return };
        // §16.9: the next address of the same target is as good as the first.
        if !context.is_over() && context.has_another_address(branch) {
            self.send(now, endpoint, server, branch);
            return;
        }
        let status = match failure {
            Failure::Timeout => StatusCode::REQUEST_TIMEOUT,
            // §16.9: a transport error counts as a 503 of that branch.
            Failure::Transport(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        let response = context.local_response(status, endpoint);
        self.finish_branch(server, branch, response);
        self.advance(now, endpoint, server);
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
        context.drop_waiting();
        let reason = cancel.headers().text(antiphon_sip::HeaderName::Reason).map(str::to_owned);
        self.cancel_pending(now, endpoint, server, reason.as_deref());
        self.advance(now, endpoint, server);
    }

    /// The addresses of a name that was asked for.
    pub fn resolved(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        id: ResolveId,
        addresses: &[IpAddr],
    ) {
        let Some((server, branch)) = self.resolving.remove(&id) else { return };
        let Some(context) = self.contexts.get_mut(&server) else { return };
        context.set_addresses(branch, addresses.iter().copied().take(MAX_ADDRESSES));
        self.send(now, endpoint, server, branch);
        self.advance(now, endpoint, server);
    }

    /// The next name whose addresses are wanted.
    pub fn next_resolve(&mut self) -> Option<(ResolveId, String)> {
        self.questions.pop_front()
    }

    /// When [`handle_deadline`](Self::handle_deadline) is wanted.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let timer_c = self.timer_c.first().map(|(at, ..)| *at);
        let settled = self.settled.front().map(|(at, _)| *at);
        timer_c.into_iter().chain(settled).min()
    }

    /// Timer C (§16.8): a branch that rang too long is cancelled; one that never answered has
    /// timed out.
    pub fn handle_deadline(&mut self, now: Time, endpoint: &mut Endpoint) {
        while let Some(&(at, client)) = self.settled.front()
            && at <= now
        {
            self.settled.pop_front();
            self.clients.remove(&client);
        }
        while let Some(&(at, server, branch)) = self.timer_c.first()
            && at <= now
        {
            self.timer_c.pop_first();
            if let Some(context) = self.contexts.get_mut(&server)
                && let Some(client) = context.ring_too_long(branch)
            {
                let _ = endpoint.cancel(now, client, None);
            }
        }
    }

    /// How many requests wait for their final response.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.contexts.len()
    }

    /// §16.7 steps 2 and 5: 100 is hop by hop, every other provisional goes on at once.
    fn provisional(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        branch: usize,
        response: Response,
    ) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        context.note_provisional(branch);
        if response.status() == StatusCode::TRYING {
            return;
        }
        if let Some(before) = context.timer_c(branch) {
            self.timer_c.remove(&(before, server, branch));
            let at = now + TIMER_C;
            self.timer_c.insert((at, server, branch));
            context.set_timer_c(branch, at);
        }
        if !context.is_answered() {
            let _ = endpoint.respond(now, server, response);
        }
    }

    /// §16.7 steps 5, 9 and 10: a 2xx goes on at once, whatever went before; the other branches
    /// are cancelled.
    fn success(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        client: ClientId,
        server: ServerId,
        branch: usize,
        response: Response,
    ) {
        let is_invite = response.cseq_method() == Method::Invite;
        let Some(context) = self.contexts.get_mut(&server) else {
            // Everything else of this request is over: a late or repeated 2xx to INVITE still
            // belongs to the caller (§16.7 step 5).
            if is_invite {
                let _ = endpoint.respond(now, server, response);
            }
            return;
        };
        let is_first = !context.is_answered();
        if is_first || is_invite {
            context.answered = true;
            let _ = endpoint.respond(now, server, response);
        }
        if is_invite {
            let lifetime = 64 * endpoint.config().intervals.t1;
            self.settled.push_back((now + lifetime, client));
        } else {
            self.clients.remove(&client);
        }
        if let Some(context) = self.contexts.get_mut(&server) {
            context.drop_waiting();
        }
        self.finish_branch(server, branch, None);
        if is_first {
            let reason = "SIP;cause=200;text=\"Call completed elsewhere\"";
            self.cancel_pending(now, endpoint, server, Some(reason));
        }
        self.advance(now, endpoint, server);
    }

    fn finish_branch(&mut self, server: ServerId, branch: usize, response: Option<Response>) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        if let Some(at) = context.timer_c(branch) {
            self.timer_c.remove(&(at, server, branch));
        }
        context.finish(branch, response);
    }

    /// Does what the state of a context calls for: starts the next group of targets, or answers
    /// when all branches are done.
    fn advance(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId) {
        loop {
            let Some(context) = self.contexts.get_mut(&server) else { return };
            if context.is_global_failure() {
                // §16.7 step 5: after a 6xx no new branch is made, and the others end.
                context.drop_waiting();
                self.cancel_pending(now, endpoint, server, None);
            }
            let Some(context) = self.contexts.get_mut(&server) else { return };
            if context.has_pending() {
                return;
            }
            let group = context.next_group();
            if group.is_empty() {
                return self.answer(now, endpoint, server);
            }
            for branch in group {
                self.start(now, endpoint, server, branch);
            }
        }
    }

    /// Prepares one branch: the copy, then the addresses of its next hop.
    fn start(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId, target: Target) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        let copy = match forward::copy(context.request(), &target) {
            Ok(copy) => copy,
            Err(fault) => {
                let status = match fault {
                    crate::locate::NoHop::Scheme => StatusCode::UNSUPPORTED_URI_SCHEME,
                    crate::locate::NoHop::Transport => StatusCode::SERVICE_UNAVAILABLE,
                };
                let response = context.local_response(status, endpoint);
                let branch = context.push(Branch::done());
                context.finish(branch, response);
                return;
            }
        };
        let host = copy.hop.host.clone();
        let branch = context.push(Branch::new(copy, target.flow));
        match host {
            _ if target.flow.is_some() => self.send(now, endpoint, server, branch),
            HopHost::Address(address) => {
                context.set_addresses(branch, [address]);
                self.send(now, endpoint, server, branch);
            }
            HopHost::Name(name) => {
                let id = ResolveId(self.next_resolve);
                self.next_resolve += 1;
                self.resolving.insert(id, (server, branch));
                self.questions.push_back((id, name.into()));
            }
        }
    }

    /// Sends a branch to its next address.
    fn send(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId, branch: usize) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        if context.is_over() {
            context.finish(branch, None);
            return;
        }
        let prepared = context.prepare(branch, endpoint);
        let Some((request, flow)) = prepared else {
            // No address, or none that a listener of ours can reach.
            let response =
                context.local_response(StatusCode::SERVICE_UNAVAILABLE, endpoint);
            context.finish(branch, response);
            return;
        };
        let is_invite = *request.method() == Method::Invite;
        let suffix = context.loop_hash().to_owned();
        let id = endpoint.new_branch().with_suffix(&suffix);
        match endpoint.request(now, request, flow, Some(id)) {
            Ok(client) => {
                self.clients.insert(client, (server, branch));
                let timer_c = is_invite.then(|| now + TIMER_C);
                if let Some(at) = timer_c {
                    self.timer_c.insert((at, server, branch));
                }
                context.sent(branch, client, timer_c);
            }
            Err(_) => {
                let response =
                    context.local_response(StatusCode::SERVICE_UNAVAILABLE, endpoint);
                context.finish(branch, response);
            }
        }
    }

    fn cancel_pending(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        reason: Option<&str>,
    ) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        for client in context.cancel_pending() {
            let _ = endpoint.cancel(now, client, reason);
        }
        // Branches still waiting for addresses have sent nothing, so nothing is to be cancelled.
        context.drop_unsent();
    }

    /// All branches are done: the best response goes upstream, once (§16.7 steps 6 to 8).
    fn answer(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId) {
        let Some(context) = self.contexts.remove(&server) else { return };
        if context.is_answered() {
            return;
        }
        let cancelled = context.cancelled;
        let is_invite = *context.request().method() == Method::Invite;
        let (request, held) = context.into_held();
        match best::best(held, cancelled) {
            // RFC 4320 §4.2: a 408 to anything but INVITE comes too late to help anybody.
            Some(best) if !is_invite && best.status() == StatusCode::REQUEST_TIMEOUT => {
                endpoint.abandon(server);
            }
            Some(best) => {
                let _ = endpoint.respond(now, server, best);
            }
            None if cancelled => {
                let refusal = Refusal::new(StatusCode::REQUEST_TERMINATED);
                refuse(now, endpoint, server, &request, &refusal);
            }
            None if is_invite => {
                let refusal = Refusal::new(StatusCode::REQUEST_TIMEOUT);
                refuse(now, endpoint, server, &request, &refusal);
            }
            None => endpoint.abandon(server),
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
    let tag = endpoint.new_tag();
    let _ = endpoint.respond(now, server, refusal.response(request, &tag));
}

fn to_uri_buf(request: &Request) -> UriBuf {
    UriBuf::from(request.uri())
}

/// What the branch of a forwarded request ends in (§16.6 step 8): a hash over everything that
/// decides where the request goes, so that a request which comes back unchanged is known
/// (RFC 5393 §4.2.1).
#[must_use]
pub(crate) fn loop_hash(request: &Request) -> String {
    use antiphon_sip::HeaderName;
    let mut hasher = DefaultHasher::new();
    request.uri_text().hash(&mut hasher);
    request.from_tag().hash(&mut hasher);
    request.to_tag().hash(&mut hasher);
    request.call_id().hash(&mut hasher);
    request.cseq().hash(&mut hasher);
    for name in [HeaderName::Route, HeaderName::ProxyRequire, HeaderName::ProxyAuthorization] {
        for value in request.headers().values(name) {
            value.hash(&mut hasher);
        }
    }
    format!("{:016x}", hasher.finish())
}
