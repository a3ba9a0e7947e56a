//! The response context of one request (RFC 3261 §16.7): its branches, the targets that wait for
//! their turn, and the responses held until all branches are done.

use std::collections::VecDeque;
use std::sync::Arc;

use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode};

use super::branch::{Branch, BranchState, NextWay, Pending, Prepared, Ways};
use super::history::History;
use super::located::{Located, Unlocated};
use super::recursion::Redirections;
use super::validate::loop_hash;
use super::watch::{Watch, Watched};
use super::{Disposition, Forwarding, Origin, Target, TrustDomain, best, forward};
use crate::endpoint::{ClientId, Endpoint, Listener, ServerId};
use crate::flow::Flow;
use crate::locate::{Next, Search, Server};
use crate::time::Time;

#[derive(Debug)]
pub(super) struct Context {
    server: ServerId,
    request: Request,
    inbound: Flow,
    loop_hash: String,
    route_token: String,
    caller_token: Option<String>,
    /// What the caller wants of us (RFC 3841 §9.1).
    pub(super) disposition: Disposition,
    redirections: Option<Redirections>,
    trust: TrustDomain,
    history: Option<History>,
    /// Branches that may be open at one time (RFC 5393 §5).
    breadth: u32,
    /// When the caller has stopped waiting: a branch that begins later helps nobody. None for an
    /// INVITE, which is waited for as long as it rings.
    too_late: Option<Time>,
    /// Targets not tried yet, best first.
    waiting: VecDeque<Target>,
    branches: Vec<Branch>,
    held: Vec<Response>,
    pub(super) watched: Watched,
    /// A 2xx went upstream.
    pub(super) answered: bool,
    /// The caller sent CANCEL.
    pub(super) cancelled: bool,
}

impl Context {
    pub(super) fn new(now: Time, endpoint: &Endpoint, forwarding: Forwarding) -> Self {
        let Forwarding { server, request, inbound, mut targets, .. } = forwarding;
        let Forwarding { token, caller_token, recursion, trust, watch, .. } = forwarding;
        let disposition = Disposition::of(&request);
        disposition.arrange(&mut targets);
        let recursion = recursion.filter(|_| !disposition.no_recurse);
        let redirections =
            recursion.map(|recursion| Redirections::new(recursion, &request.uri(), &targets));
        let is_invite = *request.method() == Method::Invite;
        Self {
            server,
            loop_hash: loop_hash(&request),
            breadth: forward::breadth(&request),
            history: History::of(&request),
            request,
            inbound,
            route_token: token,
            caller_token,
            disposition,
            redirections,
            trust,
            too_late: (!is_invite).then(|| now + 64 * endpoint.config().intervals.t1),
            waiting: targets.into(),
            branches: Vec::new(),
            held: Vec::new(),
            watched: Watched::new(watch),
            answered: false,
            cancelled: false,
        }
    }

    pub(super) const fn request(&self) -> &Request {
        &self.request
    }

    pub(super) fn loop_hash(&self) -> &str {
        &self.loop_hash
    }

    /// Whether a branch that has not been given up is not over.
    pub(super) fn has_pending(&self) -> bool {
        self.branches.iter().any(|branch| !branch.is_done() && !branch.is_left)
    }

    /// Whether a branch that has been given up is not over: it may still answer.
    pub(super) fn has_left(&self) -> bool {
        self.branches.iter().any(|branch| !branch.is_done() && branch.is_left)
    }

    /// Whether a branch has been given up for something else.
    pub(super) fn is_left(&self, branch: usize) -> bool {
        self.branches.get(branch).is_some_and(|branch| branch.is_left)
    }

    /// Gives up the branches that are not over; those that are to be cancelled.
    pub(super) fn leave(&mut self) -> Vec<(usize, ClientId)> {
        let mut left = Vec::new();
        for (at, branch) in self.branches.iter_mut().enumerate().filter(|(_, it)| !it.is_left) {
            let spare = branch.ways_mut().and_then(Ways::take_next_server);
            self.watched.note(None, spare);
            left.extend(branch.leave().map(|client| (at, client)));
        }
        left
    }

    /// The best answer of the targets that were tried last, if whoever watches is to be asked what
    /// follows it: once, and not when nothing can follow.
    pub(super) fn question(&mut self) -> Option<StatusCode> {
        let tried = self.watched.take_tried()?;
        best::best_status(&tried).filter(|_| !self.is_over())
    }

    /// Other targets in place of those that wait.
    pub(super) fn replace(&mut self, mut targets: Vec<Target>, watch: Option<Watch>) {
        if self.has_given_up() {
            return self.end(None);
        }
        self.disposition.arrange(&mut targets);
        if let Some(redirections) = &mut self.redirections {
            redirections.note(&targets);
        }
        self.waiting = targets.into();
        self.watched.go_on(watch);
    }

    /// Nothing more is tried; a response that is given here goes before all that were received.
    pub(super) fn end(&mut self, verdict: Option<Response>) {
        self.waiting.clear();
        self.watched.go_on(None);
        self.watched.verdict = verdict;
    }

    /// Whether a branch still waits for its final response or for its turn.
    pub(super) fn is_open(&self, branch: usize) -> bool {
        self.branches.get(branch).is_some_and(|branch| !branch.is_done())
    }

    /// Whether a branch was sent and waits for its final response.
    pub(super) fn is_pending(&self, branch: usize) -> bool {
        self.pending(branch).is_some()
    }

    /// The targets to be tried now, each with the breadth that it may use in turn: all that share
    /// the highest preference, as far as Max-Breadth lets them go at the same time
    /// (RFC 5393 §5.3.3; the rest follows serially).
    pub(super) fn next_group(&mut self, now: Time) -> Vec<(Target, u32)> {
        if self.is_too_late(now) {
            self.waiting.clear();
        }
        self.watched.begin_group();
        let Some(first) = self.waiting.front() else { return Vec::new() };
        let rank = (first.q, first.preference);
        let same = self.waiting.iter().take_while(|it| (it.q, it.preference) == rank);
        let count = same.zip(0..self.breadth).count();
        let breadths = shares(self.breadth, count);
        self.waiting.drain(..count).zip(breadths).collect()
    }

    pub(super) fn push(&mut self, branch: Branch) -> usize {
        self.branches.push(branch);
        self.branches.len() - 1
    }

    /// The one server that the URI of a branch names by its address.
    pub(super) fn set_server(&mut self, branch: usize, server: Server) {
        if let Some(ways) = self.branches.get_mut(branch).and_then(Branch::ways_mut) {
            ways.located = Located::One(server);
        }
    }

    /// The search for the servers of a branch.
    pub(super) fn set_search(&mut self, branch: usize, search: Search) {
        if let Some(ways) = self.branches.get_mut(branch).and_then(Branch::ways_mut) {
            ways.located = Located::Found(Box::new(search), None);
        }
    }

    pub(super) fn search_mut(&mut self, branch: usize) -> Option<&mut Search> {
        match &mut self.branches.get_mut(branch)?.ways_mut()?.located {
            Located::Found(search, _) => Some(search),
            Located::None | Located::One(_) => None,
        }
    }

    /// The response that a branch counts as having given that could not be sent anywhere. It says
    /// why its name leads nowhere.
    pub(super) fn unsendable(
        &self,
        branch: usize,
        status: StatusCode,
        endpoint: &Endpoint,
    ) -> Response {
        let mut response = self.local_response(status, endpoint);
        let ways = self.branches.get(branch).and_then(Branch::ways);
        if let Some(Located::Found(search, _)) = ways.map(|ways| &ways.located)
            && search.found_nothing()
        {
            response.headers_mut().push(HeaderName::Warning, Unlocated(search));
        }
        response
    }

    /// Whether a branch waits to be sent.
    pub(super) fn is_unsent(&self, branch: usize) -> bool {
        let branch = self.branches.get(branch);
        branch.is_some_and(|branch| matches!(branch.state, BranchState::Unsent(_)))
    }

    /// The server that a branch went to, if it is one of several that the DNS may name.
    pub(super) fn sent_to(&self, branch: usize) -> Option<Server> {
        self.branches.get(branch)?.ways()?.sent_to
    }

    /// Something came back. The first time it is told which server that says is there.
    pub(super) fn heard(&mut self, branch: usize) -> Option<Server> {
        let pending = self.pending_mut(branch)?;
        let is_first = !std::mem::replace(&mut pending.is_heard, true);
        pending.ways.sent_to.filter(|_| is_first)
    }

    /// Whether anything came back.
    pub(super) fn is_heard(&self, branch: usize) -> bool {
        self.pending(branch).is_some_and(|pending| pending.is_heard)
    }

    /// Where a branch that got no answer of use is tried next. A branch that is to be looked up
    /// has nothing pending any more.
    pub(super) fn next_way(
        &mut self,
        now: Time,
        branch: usize,
        is_flow_gone: bool,
        endpoint: &Endpoint,
        rests: impl Fn(&Server) -> bool,
    ) -> NextWay {
        if self.has_given_up() || self.is_too_late(now) || self.is_left(branch) {
            return NextWay::None;
        }
        let Some(branch) = self.branches.get_mut(branch) else { return NextWay::None };
        let Some(ways) = branch.ways_mut() else { return NextWay::None };
        match ways.located.look_ahead(endpoint, rests) {
            Next::Server(_) => return NextWay::Server,
            Next::Wait => {
                branch.wait();
                return NextWay::Wait;
            }
            Next::Over => {}
        }
        let way = if is_flow_gone { ways.behind_flow() } else { NextWay::None };
        if way != NextWay::None {
            branch.wait();
        }
        way
    }

    /// Puts the history into the copy for a branch that is about to begin.
    pub(super) fn add_history(&mut self, copy: &mut Request, origin: &Origin) {
        let branch = self.branches.len();
        if let Some(history) = &mut self.history {
            history.add(branch, &self.request.uri(), copy, origin);
        }
    }

    /// Learns the history that a response tells, and takes off it what it must not tell the caller.
    pub(super) fn receive(&mut self, branch: usize, response: &mut Response) {
        if let Some(history) = &mut self.history {
            history.answered(branch, response);
            history.tell(response);
            if !self.trust.trusts(self.inbound.remote.ip()) {
                history.hide(response.headers_mut());
            }
        }
        let callee = self.branches.get(branch).and_then(|branch| branch.remote);
        self.trust.release_response(response, callee, self.inbound.remote.ip());
    }

    /// The early dialogs of a branch, to be told of or ended.
    pub(super) fn early_mut(&mut self, branch: usize) -> Option<&mut Vec<Box<str>>> {
        self.branches.get_mut(branch).map(|branch| &mut branch.early)
    }

    /// Whether something is still to come: the response of a branch just ended is not the answer.
    pub(super) fn goes_on(&self) -> bool {
        self.has_pending() || (!self.waiting.is_empty() && !self.has_given_up())
    }

    /// What a redirection names becomes targets, to be tried before those that wait anyway, if
    /// redirections are followed; the rest of it, if any, is still a response to be held.
    pub(super) fn follow(&mut self, now: Time, mut response: Response) -> Option<Response> {
        let is_list = matches!(response.status().as_u16(), 300..=302);
        let may_go_on = is_list && !self.has_given_up() && !self.is_too_late(now);
        let Some(redirections) = self.redirections.as_mut().filter(|_| may_go_on) else {
            return Some(response);
        };
        let (mut targets, is_left) = redirections.take(&mut response);
        self.disposition.arrange(&mut targets);
        for target in targets.into_iter().rev() {
            self.waiting.push_front(target);
        }
        is_left.then_some(response)
    }

    /// Another flow to the instance that a branch could not reach, with the breadth of that branch
    /// (RFC 5626 §7).
    pub(super) fn next_flow(&mut self, now: Time, branch: usize) -> Option<(Target, u32)> {
        if self.has_given_up() || self.is_too_late(now) || self.is_left(branch) {
            return None;
        }
        let ways = self.branches.get_mut(branch)?.ways_mut()?;
        let mut flows = std::mem::take(&mut ways.next_flows).into_iter();
        let target = Target { next_flows: Vec::new(), ..flows.next()? };
        let breadth = forward::breadth(&ways.copy.request);
        Some((Target { next_flows: flows.collect(), ..target }, breadth))
    }

    /// The next server of a branch's target, with the breadth of that branch.
    pub(super) fn next_server(&mut self, now: Time, branch: usize) -> Option<(Target, u32)> {
        if self.has_given_up() || self.is_too_late(now) || self.is_left(branch) {
            return None;
        }
        let ways = self.branches.get_mut(branch)?.ways_mut()?;
        let breadth = forward::breadth(&ways.copy.request);
        Some((ways.take_next_server()?, breadth))
    }

    /// The name of the server that a branch was sent to.
    pub(super) fn server_of(&self, branch: usize) -> Option<Arc<str>> {
        let ways = self.branches.get(branch)?.ways()?;
        ways.server.as_ref().map(|server| Arc::clone(&server.name))
    }

    /// The servers that were left out, because one before them has answered, are tried next.
    pub(super) fn use_spares(&mut self) {
        for target in self.watched.take_spares().into_iter().rev() {
            self.waiting.push_front(target);
        }
    }

    /// Whether the branch has no other way than a flow that the phone keeps open.
    pub(super) fn is_kept_flow(&self, branch: usize) -> bool {
        let ways = self.branches.get(branch).and_then(Branch::ways);
        ways.is_some_and(|ways| ways.is_kept_flow)
    }

    /// The copy for the next address of a branch, with our Record-Route, and the way it takes.
    pub(super) fn prepare(
        &mut self,
        branch: usize,
        endpoint: &Endpoint,
        rests: impl Fn(&Server) -> bool + Copy,
    ) -> Prepared {
        let Some(branch) = self.branches.get_mut(branch) else { return Prepared::Nowhere };
        let Some(ways) = branch.ways_mut() else { return Prepared::Nowhere };
        let to = match ways.next_destination(endpoint, rests) {
            Ok(to) => to,
            Err(Next::Wait) => return Prepared::Wait,
            Err(_) => return Prepared::Nowhere,
        };
        let flow = to.flow;
        branch.remote = Some(flow.remote.ip());
        let Some(ways) = branch.ways() else { return Prepared::Nowhere };
        let mut request = ways.copy.request.clone();
        self.trust.release(&mut request, flow.remote.ip());
        if let Some(history) =
            self.history.as_ref().filter(|_| !self.trust.trusts(flow.remote.ip()))
        {
            history.hide(request.headers_mut());
        }
        if forward::makes_dialog(&request)
            && let Some(inbound) = listener_of(endpoint, &self.inbound)
            && let Some(outbound) = listener_of(endpoint, &flow)
        {
            let user =
                |token: &'_ Option<String>| token.as_ref().unwrap_or(&self.route_token).clone();
            let inbound = (inbound, user(&self.caller_token));
            let outbound = (outbound, user(&ways.token));
            forward::record_route(&mut request, &inbound, &outbound);
        }
        Prepared::Ready(request, to)
    }

    pub(super) fn sent(&mut self, branch: usize, client: ClientId) {
        let Some(branch) = self.branches.get_mut(branch) else { return };
        let ways = match std::mem::replace(&mut branch.state, BranchState::Done) {
            BranchState::Unsent(ways) => ways,
            BranchState::Pending(pending) => pending.ways,
            BranchState::Done => return,
        };
        let pending =
            Pending { client, timer_c: None, has_rung_too_long: false, is_heard: false, ways };
        branch.state = BranchState::Pending(pending);
    }

    pub(super) fn timer_c(&self, branch: usize) -> Option<Time> {
        self.pending(branch)?.timer_c
    }

    pub(super) fn set_timer_c(&mut self, branch: usize, at: Time) {
        if let Some(pending) = self.pending_mut(branch) {
            pending.timer_c = Some(at);
        }
    }

    /// Timer C of a branch ran out: the client transaction to cancel, if the branch still waits.
    /// Its target is tried nowhere else.
    pub(super) fn ring_too_long(&mut self, branch: usize) -> Option<ClientId> {
        let pending = self.pending_mut(branch)?;
        pending.timer_c = None;
        pending.has_rung_too_long = true;
        pending.ways.located = Located::None;
        Some(pending.client)
    }

    pub(super) fn has_rung_too_long(&self, branch: usize) -> bool {
        !self.cancelled && self.pending(branch).is_some_and(|pending| pending.has_rung_too_long)
    }

    /// Ends what waits for its turn, and gives the client transactions that wait for a final
    /// response. Branches still waiting for addresses have sent nothing, so nothing of theirs is
    /// to be cancelled.
    pub(super) fn give_up(&mut self) -> Vec<ClientId> {
        self.waiting.clear();
        let mut clients = Vec::new();
        for branch in &mut self.branches {
            match &branch.state {
                BranchState::Pending(pending) => clients.push(pending.client),
                BranchState::Unsent(_) => branch.state = BranchState::Done,
                BranchState::Done => {}
            }
        }
        clients
    }

    pub(super) fn finish(&mut self, branch: usize, response: Option<Response>) {
        if let (Some(history), Some(response)) = (&mut self.history, &response) {
            history.answered(branch, response);
        }
        if let Some(branch) = self.branches.get_mut(branch) {
            let spare = branch.ways_mut().and_then(Ways::take_next_server);
            branch.state = BranchState::Done;
            if !branch.is_left {
                self.watched.note(response.as_ref(), spare);
            }
        }
        self.held.extend(response);
    }

    /// A final response that a branch did not give but counts as having given.
    pub(super) fn local_response(&self, status: StatusCode, endpoint: &Endpoint) -> Response {
        Response::builder(&self.request, status).to_tag(endpoint.tag_of(self.server)).build()
    }

    /// What is to be sent: what was given here, or what was held.
    pub(super) fn into_held(mut self) -> (Request, Vec<Response>, Option<Response>) {
        if let Some(history) = &self.history {
            let is_outside = !self.trust.trusts(self.inbound.remote.ip());
            for response in &mut self.held {
                history.tell(response);
                if is_outside {
                    history.hide(response.headers_mut());
                }
            }
        }
        (self.request, self.held, self.watched.verdict)
    }

    /// Whether nothing that could follow is of use to the caller.
    pub(super) const fn is_over(&self) -> bool {
        self.answered || self.cancelled
    }

    /// Whether nothing new may be sent.
    pub(super) fn has_given_up(&self) -> bool {
        let is_global_failure = self.held.iter().any(|held| held.status().as_u16() >= 600);
        self.is_over() || is_global_failure
    }

    fn is_too_late(&self, now: Time) -> bool {
        self.too_late.is_some_and(|at| at <= now)
    }

    fn pending(&self, branch: usize) -> Option<&Pending> {
        match &self.branches.get(branch)?.state {
            BranchState::Pending(pending) => Some(pending),
            _ => None,
        }
    }

    fn pending_mut(&mut self, branch: usize) -> Option<&mut Pending> {
        match &mut self.branches.get_mut(branch)?.state {
            BranchState::Pending(pending) => Some(pending),
            _ => None,
        }
    }
}

/// Divides a breadth among branches, as evenly as it goes.
fn shares(breadth: u32, count: usize) -> impl Iterator<Item = u32> {
    let count = u32::try_from(count).unwrap_or(u32::MAX).max(1);
    let (each, left) = (breadth / count, breadth % count);
    (0..count).map(move |index| each + u32::from(index < left))
}

/// The listener that requests over a flow leave from or came to, as it is after a restart with
/// other listeners too.
fn listener_of<'a>(endpoint: &'a Endpoint, flow: &Flow) -> Option<&'a Listener> {
    endpoint
        .config()
        .listeners
        .iter()
        .find(|listener| listener.transport == flow.transport && listener.local == flow.local)
        .or_else(|| endpoint.listener_for(flow.transport, flow.remote))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn breadth_is_divided_and_none_is_lost_rfc5393_5_3_3() {
        assert_eq!(shares(60, 1).collect::<Vec<_>>(), [60]);
        assert_eq!(shares(60, 7).sum::<u32>(), 60);
        assert_eq!(shares(2, 2).collect::<Vec<_>>(), [1, 1]);
        assert_eq!(shares(5, 3).collect::<Vec<_>>(), [2, 2, 1]);
    }
}
