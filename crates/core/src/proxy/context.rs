//! The response context of one request (RFC 3261 §16.7): its branches, the targets that wait for
//! their turn, and the responses held until all branches are done.

use std::collections::VecDeque;
use std::net::IpAddr;

use antiphon_sip::{Request, Response, StatusCode};

use super::forward::{self, Copy};
use super::{Target, loop_hash};
use crate::endpoint::{ClientId, Endpoint, Listener};
use crate::flow::Flow;
use crate::time::Time;

#[derive(Debug)]
pub(super) struct Context {
    request: Request,
    inbound: Flow,
    loop_hash: String,
    route_token: String,
    /// Targets not tried yet, best first.
    waiting: VecDeque<Target>,
    branches: Vec<Branch>,
    held: Vec<Response>,
    /// A 2xx went upstream.
    pub(super) answered: bool,
    /// The caller sent CANCEL.
    pub(super) cancelled: bool,
}

#[derive(Debug)]
pub(super) struct Branch {
    state: BranchState,
}

#[derive(Debug)]
enum BranchState {
    /// Waits for addresses, or is about to be sent.
    Unsent(Box<Unsent>),
    /// Waits for a final response.
    Pending { client: ClientId, timer_c: Option<Time>, rang: bool, unsent: Box<Unsent> },
    /// Has a final response or never will.
    Done,
}

#[derive(Debug)]
struct Unsent {
    copy: Copy,
    flow: Option<Flow>,
    addresses: VecDeque<IpAddr>,
}

impl Branch {
    pub(super) fn new(copy: Copy, flow: Option<Flow>) -> Self {
        let unsent = Unsent { copy, flow, addresses: VecDeque::new() };
        Self { state: BranchState::Unsent(Box::new(unsent)) }
    }

    pub(super) const fn done() -> Self {
        Self { state: BranchState::Done }
    }

    const fn unsent_mut(&mut self) -> Option<&mut Unsent> {
        match &mut self.state {
            BranchState::Unsent(unsent) | BranchState::Pending { unsent, .. } => Some(unsent),
            BranchState::Done => None,
        }
    }
}

impl Context {
    pub(super) fn new(
        request: Request,
        inbound: Flow,
        targets: Vec<Target>,
        route_token: &str,
    ) -> Self {
        let mut targets = targets;
        // Stable: targets of equal preference keep their order.
        targets.sort_by_key(|target| std::cmp::Reverse(target.q));
        let loop_hash = loop_hash(&request);
        Self {
            request,
            inbound,
            loop_hash,
            route_token: route_token.to_owned(),
            waiting: targets.into(),
            branches: Vec::new(),
            held: Vec::new(),
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

    pub(super) const fn is_answered(&self) -> bool {
        self.answered
    }

    /// Whether nothing new may be sent.
    pub(super) fn is_over(&self) -> bool {
        self.answered || self.cancelled || self.is_global_failure()
    }

    pub(super) fn is_global_failure(&self) -> bool {
        self.held.iter().any(|held| held.status().as_u16() >= 600)
    }

    pub(super) fn has_pending(&self) -> bool {
        self.branches.iter().any(|branch| !matches!(branch.state, BranchState::Done))
    }

    /// The targets to be tried now: all that share the highest preference.
    pub(super) fn next_group(&mut self) -> Vec<Target> {
        let Some(first) = self.waiting.front() else { return Vec::new() };
        let q = first.q;
        let count = self.waiting.iter().take_while(|target| target.q == q).count();
        self.waiting.drain(..count).collect()
    }

    pub(super) fn drop_waiting(&mut self) {
        self.waiting.clear();
    }

    pub(super) fn push(&mut self, branch: Branch) -> usize {
        self.branches.push(branch);
        self.branches.len() - 1
    }

    pub(super) fn set_addresses(
        &mut self,
        branch: usize,
        addresses: impl IntoIterator<Item = IpAddr>,
    ) {
        if let Some(unsent) = self.branches.get_mut(branch).and_then(Branch::unsent_mut) {
            unsent.addresses = addresses.into_iter().collect();
        }
    }

    pub(super) fn has_another_address(&mut self, branch: usize) -> bool {
        self.branches
            .get_mut(branch)
            .and_then(Branch::unsent_mut)
            .is_some_and(|unsent| !unsent.addresses.is_empty())
    }

    /// The copy for the next address of a branch, with our Record-Route, and the flow it takes.
    pub(super) fn prepare(
        &mut self,
        branch: usize,
        endpoint: &Endpoint,
    ) -> Option<(Request, Flow)> {
        let inbound = self.inbound;
        let unsent = self.branches.get_mut(branch)?.unsent_mut()?;
        let flow = match unsent.flow.take() {
            Some(flow) => flow,
            None => loop {
                let address = unsent.addresses.pop_front()?;
                if let Some(flow) = unsent.copy.hop.flow(address, endpoint) {
                    break flow;
                }
            },
        };
        let mut request = unsent.copy.request.clone();
        if forward::makes_dialog(&request)
            && let Some(inbound) = listener_of(endpoint, &inbound)
            && let Some(outbound) = listener_of(endpoint, &flow)
        {
            forward::record_route(&mut request, inbound, outbound, &self.route_token);
        }
        Some((request, flow))
    }

    pub(super) fn sent(&mut self, branch: usize, client: ClientId, timer_c: Option<Time>) {
        let Some(branch) = self.branches.get_mut(branch) else { return };
        let state = std::mem::replace(&mut branch.state, BranchState::Done);
        if let BranchState::Unsent(unsent) | BranchState::Pending { unsent, .. } = state {
            branch.state = BranchState::Pending { client, timer_c, rang: false, unsent };
        }
    }

    pub(super) fn note_provisional(&mut self, branch: usize) {
        if let Some(BranchState::Pending { rang, .. }) =
            self.branches.get_mut(branch).map(|branch| &mut branch.state)
        {
            *rang = true;
        }
    }

    pub(super) fn timer_c(&self, branch: usize) -> Option<Time> {
        match self.branches.get(branch)?.state {
            BranchState::Pending { timer_c, .. } => timer_c,
            _ => None,
        }
    }

    pub(super) fn set_timer_c(&mut self, branch: usize, at: Time) {
        if let Some(BranchState::Pending { timer_c, .. }) =
            self.branches.get_mut(branch).map(|branch| &mut branch.state)
        {
            *timer_c = Some(at);
        }
    }

    /// Timer C of a branch ran out: the client transaction to cancel, if the branch still waits.
    pub(super) fn ring_too_long(&mut self, branch: usize) -> Option<ClientId> {
        match &mut self.branches.get_mut(branch)?.state {
            BranchState::Pending { client, timer_c, .. } => {
                *timer_c = None;
                Some(*client)
            }
            _ => None,
        }
    }

    /// The client transactions that wait for a final response. Their branches try no further
    /// address.
    pub(super) fn cancel_pending(&mut self) -> Vec<ClientId> {
        let mut clients = Vec::new();
        for branch in &mut self.branches {
            if let BranchState::Pending { client, unsent, .. } = &mut branch.state {
                unsent.addresses.clear();
                clients.push(*client);
            }
        }
        clients
    }

    pub(super) fn drop_unsent(&mut self) {
        for branch in &mut self.branches {
            if matches!(branch.state, BranchState::Unsent(_)) {
                branch.state = BranchState::Done;
            }
        }
    }

    pub(super) fn finish(&mut self, branch: usize, response: Option<Response>) {
        if let Some(branch) = self.branches.get_mut(branch) {
            branch.state = BranchState::Done;
        }
        self.held.extend(response);
    }

    /// A final response that a branch did not give but counts as having given.
    pub(super) fn local_response(
        &self,
        status: StatusCode,
        endpoint: &mut Endpoint,
    ) -> Option<Response> {
        let tag = endpoint.new_tag();
        Some(Response::builder(&self.request, status).to_tag(tag).build())
    }

    pub(super) fn into_held(self) -> (Request, Vec<Response>) {
        (self.request, self.held)
    }
}

fn listener_of<'a>(endpoint: &'a Endpoint, flow: &Flow) -> Option<&'a Listener> {
    endpoint
        .config()
        .listeners
        .iter()
        .find(|listener| listener.transport == flow.transport && listener.local == flow.local)
}
