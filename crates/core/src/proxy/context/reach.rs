//! How the branches of a response context reach their targets: servers that the DNS names, other
//! flows of an instance, other servers of a trunk (RFC 3263 §4.3, RFC 5626 §7).

use std::sync::Arc;

use antiphon_sip::{HeaderName, Request, Response, StatusCode};

use super::super::branch::{Branch, NextWay, Prepared, Ways};
use super::super::leaving::Leaving;
use super::super::located::{Located, Unlocated};
use super::super::{Target, forward};
use super::Context;
use crate::endpoint::Endpoint;
use crate::locate::{Hop, Next, Search, Server};
use crate::time::Time;

impl Context {
    /// The one server that the URI of a branch names by its address.
    pub(in super::super) fn set_server(&mut self, branch: usize, server: Server) {
        if let Some(ways) = self.branches.get_mut(branch).and_then(Branch::ways_mut) {
            ways.located = Located::One(server);
        }
    }

    /// The search for the servers of a branch.
    pub(in super::super) fn set_search(&mut self, branch: usize, search: Search) {
        if let Some(ways) = self.branches.get_mut(branch).and_then(Branch::ways_mut) {
            ways.located = Located::Found(Box::new(search), None);
        }
    }

    pub(in super::super) fn search_mut(&mut self, branch: usize) -> Option<&mut Search> {
        match &mut self.branches.get_mut(branch)?.ways_mut()?.located {
            Located::Found(search, _) => Some(search),
            Located::None | Located::One(_) => None,
        }
    }

    /// The response that a branch counts as having given that could not be sent anywhere. It says
    /// why its name leads nowhere.
    pub(in super::super) fn unsendable(
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

    /// The ways of a branch that is not done.
    pub(in super::super) fn ways_of(&mut self, branch: usize) -> Option<&mut Ways> {
        self.branches.get_mut(branch)?.ways_mut()
    }

    /// The server that a branch went to, if it is one of several that the DNS may name.
    pub(in super::super) fn sent_to(&self, branch: usize) -> Option<Server> {
        self.branches.get(branch)?.ways()?.sent_to
    }

    /// Where a branch that got no answer of use is tried next. A branch that is to be looked up
    /// has nothing pending any more.
    pub(in super::super) fn next_way(
        &mut self,
        now: Time,
        branch: usize,
        is_flow_gone: bool,
        endpoint: &Endpoint,
        rests: impl Fn(&Server) -> bool,
    ) -> NextWay {
        let Some(branch) = self.may_go_on(now, branch) else { return NextWay::None };
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

    /// A branch that may still be tried elsewhere.
    fn may_go_on(&mut self, now: Time, branch: usize) -> Option<&mut Branch> {
        if self.has_given_up() || self.is_too_late(now) || self.is_left(branch) {
            return None;
        }
        self.branches.get_mut(branch)
    }

    /// Another flow to the instance that a branch could not reach, with the breadth of that branch
    /// (RFC 5626 §7).
    pub(in super::super) fn next_flow(
        &mut self,
        now: Time,
        branch: usize,
    ) -> Option<(Target, u32)> {
        let ways = self.may_go_on(now, branch)?.ways_mut()?;
        let mut flows = std::mem::take(&mut ways.next_flows).into_iter();
        let target = Target { next_flows: Vec::new(), ..flows.next()? };
        let breadth = forward::breadth(&ways.copy.request);
        Some((Target { next_flows: flows.collect(), ..target }, breadth))
    }

    /// The next server of a branch's target, with the breadth of that branch.
    pub(in super::super) fn next_server(
        &mut self,
        now: Time,
        branch: usize,
    ) -> Option<(Target, u32)> {
        let ways = self.may_go_on(now, branch)?.ways_mut()?;
        let breadth = forward::breadth(&ways.copy.request);
        Some((ways.take_next_server()?, breadth))
    }

    /// The next hop of a branch.
    pub(in super::super) fn hop(&self, branch: usize) -> Option<&Hop> {
        let ways = self.branches.get(branch)?.ways()?;
        Some(&ways.copy.hop)
    }

    /// The name of the server that a branch was sent to.
    pub(in super::super) fn server_of(&self, branch: usize) -> Option<Arc<str>> {
        let ways = self.branches.get(branch)?.ways()?;
        ways.server.as_ref().map(|server| Arc::clone(&server.name))
    }

    /// Whether the branch has no other way than a flow that the phone keeps open.
    pub(in super::super) fn is_kept_flow(&self, branch: usize) -> bool {
        let ways = self.branches.get(branch).and_then(Branch::ways);
        ways.is_some_and(|ways| ways.is_kept_flow)
    }

    /// The copy for the next address of a branch, with our Record-Route, and the way it takes.
    pub(in super::super) fn prepare(
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
        let Some(ways) = branch.ways_mut() else { return Prepared::Nowhere };
        let mut request = Request::clone(&ways.copy.request);
        if let Some(account) = &mut ways.account {
            account.sign(&mut request);
        }
        let leaving = Leaving {
            trust: &self.trust,
            history: self.history.as_ref(),
            inbound: (&self.inbound, self.caller_token.as_deref().unwrap_or(&self.route_token)),
            outbound: (&flow, ways.token.as_deref().unwrap_or(&self.route_token)),
        };
        leaving.finish(&mut request, endpoint);
        Prepared::Ready(request, to)
    }
}
