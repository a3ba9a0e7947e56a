//! A branch of a response context (RFC 3261 §16.7): one copy of the request, and the ways by which
//! its target may be reached.

use std::net::IpAddr;
use std::time::Duration;

use antiphon_sip::Request;

use super::account::BranchAccount;
use super::forward::Copy;
use super::located::Located;
use super::{Target, TargetServer};
use crate::endpoint::{ClientId, Endpoint};
use crate::flow::{Destination, Flow};
use crate::locate::{Hop, HopHost, Next, Server};
use crate::time::Time;

#[derive(Debug)]
pub(super) struct Branch {
    pub(super) state: BranchState,
    /// To tags of the early dialogs that the caller knows of (RFC 6228 §6).
    pub(super) early: Vec<Box<str>>,
    /// Where it was sent last.
    pub(super) remote: Option<IpAddr>,
    /// It was given up for something else. Only a 2xx of it still counts.
    pub(super) is_left: bool,
}

#[derive(Debug)]
pub(super) enum BranchState {
    /// Waits for addresses, or is about to be sent.
    Unsent(Box<Ways>),
    /// Waits for a final response.
    Pending(Pending),
    /// Has a final response or never will.
    Done,
}

#[derive(Debug)]
pub(super) struct Pending {
    pub(super) client: ClientId,
    /// When it has rung too long.
    pub(super) timer_c: Option<Time>,
    pub(super) has_rung_too_long: bool,
    /// Whether anything came back.
    pub(super) is_heard: bool,
    pub(super) ways: Box<Ways>,
}

/// How the target of a branch may be reached.
#[derive(Debug)]
pub(super) struct Ways {
    pub(super) copy: Copy,
    /// The flow known for it, and whether it was tried.
    pub(super) flow: Option<(Flow, bool)>,
    /// What that flow is called in Record-Route.
    pub(super) token: Option<String>,
    pub(super) is_kept_flow: bool,
    /// Other flows to the same instance.
    pub(super) next_flows: Vec<Target>,
    /// When the target is one server of several.
    pub(super) server: Option<Box<TargetServer>>,
    /// Who answers its challenges.
    pub(super) account: Option<Box<BranchAccount>>,
    pub(super) located: Located,
    /// Where it went last, if that was found by a search.
    pub(super) sent_to: Option<Server>,
}

/// Where a branch is tried next.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NextWay {
    /// Nowhere.
    None,
    /// At its next server.
    Server,
    /// At its next server, when the DNS has answered.
    Wait,
    /// At the servers of its next hop, which are to be found first.
    LookUp(Hop),
}

/// A branch that is to be sent.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "it lives for a moment; a box would cost more")]
pub(super) enum Prepared {
    /// This, there.
    Ready(Request, Destination),
    /// The DNS has to answer first.
    Wait,
    /// There is nowhere left to send it.
    Nowhere,
}

impl Branch {
    pub(super) fn new(copy: Copy, target: Target) -> Self {
        let flow = target.flow.map(|flow| (flow, false));
        let Target { token, is_kept_flow, next_flows, server, account, .. } = target;
        let account = account.map(|name| Box::new(BranchAccount::new(name)));
        let ways = Ways {
            copy,
            flow,
            token,
            is_kept_flow,
            next_flows,
            server,
            account,
            located: Located::None,
            sent_to: None,
        };
        Self::in_state(BranchState::Unsent(Box::new(ways)))
    }

    pub(super) const fn done() -> Self {
        Self::in_state(BranchState::Done)
    }

    const fn in_state(state: BranchState) -> Self {
        Self { state, early: Vec::new(), remote: None, is_left: false }
    }

    /// Gives it up for something else; the client transaction to be cancelled, if it has one.
    pub(super) fn leave(&mut self) -> Option<ClientId> {
        match &mut self.state {
            BranchState::Pending(pending) => {
                self.is_left = true;
                pending.has_rung_too_long = true;
                pending.ways.located = Located::None;
                Some(pending.client)
            }
            BranchState::Unsent(_) => {
                self.state = BranchState::Done;
                None
            }
            BranchState::Done => None,
        }
    }

    pub(super) const fn ways(&self) -> Option<&Ways> {
        match &self.state {
            BranchState::Unsent(ways) => Some(ways),
            BranchState::Pending(pending) => Some(&pending.ways),
            BranchState::Done => None,
        }
    }

    pub(super) const fn ways_mut(&mut self) -> Option<&mut Ways> {
        match &mut self.state {
            BranchState::Unsent(ways) => Some(ways),
            BranchState::Pending(pending) => Some(&mut pending.ways),
            BranchState::Done => None,
        }
    }

    /// Nothing is pending any more, but the branch is not over.
    pub(super) fn wait(&mut self) {
        self.state = match std::mem::replace(&mut self.state, BranchState::Done) {
            BranchState::Pending(pending) => BranchState::Unsent(pending.ways),
            other => other,
        };
    }

    pub(super) const fn is_done(&self) -> bool {
        matches!(self.state, BranchState::Done)
    }
}

impl Ways {
    /// The server that is tried when this one is of no use, with those behind it.
    pub(super) fn take_next_server(&mut self) -> Option<Target> {
        let server = self.server.as_mut()?;
        let mut rest = std::mem::take(&mut server.next).into_iter();
        let mut first = rest.next()?;
        if let Some(server) = &mut first.server {
            server.next = rest.collect();
        }
        Some(first)
    }

    /// The way that is tried now; `Err` says whether one may still be found.
    pub(super) fn next_destination(
        &mut self,
        endpoint: &Endpoint,
        rests: impl Fn(&Server) -> bool + std::marker::Copy,
    ) -> Result<Destination, Next> {
        if let Some(asking) = self.account.as_mut().and_then(|account| account.asked_by()) {
            return Ok(asking);
        }
        let mut to = self.untried_destination(endpoint, rests)?;
        to.patience = self.patience(to.patience);
        if let Some(account) = &mut self.account {
            account.goes_to(&to);
        }
        Ok(to)
    }

    /// The connection to the server that is tried now is not made yet: its turn comes again.
    pub(super) fn leave_server(&mut self) {
        if let (Located::Found(search, _), Some(server)) = (&mut self.located, &self.sent_to) {
            search.leave(server);
        }
    }

    /// The servers whose connections were not made yet when another answered.
    pub(super) fn left_behind(&self) -> Vec<Server> {
        match &self.located {
            Located::Found(search, _) => search.left_behind(),
            Located::None | Located::One(_) => Vec::new(),
        }
    }

    /// How long the server that is tried now may be without any response, when that is less than
    /// 64*T1: there may be more addresses, and more servers of the same target (RFC 3263 §4.3).
    fn patience(&self, of_address: Option<Duration>) -> Option<Duration> {
        let server = self.server.as_ref().filter(|server| !server.next.is_empty());
        let of_server = server.and_then(|server| server.patience);
        of_address.into_iter().chain(of_server).min()
    }

    fn untried_destination(
        &mut self,
        endpoint: &Endpoint,
        rests: impl Fn(&Server) -> bool + std::marker::Copy,
    ) -> Result<Destination, Next> {
        if let Some((flow, tried @ false)) = &mut self.flow {
            *tried = true;
            return Ok(Destination::back(*flow));
        }
        loop {
            match self.located.take(endpoint, rests) {
                Next::Server(server) => {
                    let Some(mut to) = self.copy.hop.destination(&server, endpoint) else {
                        continue;
                    };
                    if let Located::Found(search, _) = &self.located {
                        self.sent_to = Some(server);
                        to.patience = search.patience(64 * endpoint.config().intervals.t1);
                        to.connect_within = search.attempt_delay();
                    }
                    return Ok(to);
                }
                other => return Err(other),
            }
        }
    }

    /// What the URI tells, when the flow is gone. An address other than that of the flow is one
    /// behind an address translator: here it would be somebody else's.
    pub(super) fn behind_flow(&mut self) -> NextWay {
        if self.is_kept_flow {
            return NextWay::None;
        }
        let Some((flow, _)) = self.flow.take() else { return NextWay::None };
        self.token = None;
        let hop = &self.copy.hop;
        let is_elsewhere = match hop.host {
            HopHost::Address(address) => address != flow.remote.ip(),
            HopHost::Name(_) => false,
        };
        // Over a stream only what was open was tried, which is not all that the place may offer.
        let is_same = !flow.transport.is_reliable()
            && hop.place().is_some_and(|place| {
                place.transport == flow.transport && place.address.port() == flow.remote.port()
            });
        if is_elsewhere || is_same {
            return NextWay::None;
        }
        NextWay::LookUp(hop.clone())
    }
}
