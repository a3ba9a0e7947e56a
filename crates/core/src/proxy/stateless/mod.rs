//! What goes on without a transaction: requests where that is asked for, with their CANCELs and
//! their ACKs (RFC 3261 §16.11), and the ACK of a 2xx always (§13.2.2.4). Nothing is kept of them
//! but a request that waits for its way to be found.

mod branches;
mod response;

use antiphon_sip::{Method, Request, StatusCode};

pub use branches::StatelessBranches;

use super::forward::{self, Copy};
use super::history::History;
use super::leaving::Leaving;
use super::{Origin, Proxy, Resolving, Target, TrustDomain};
use crate::endpoint::{Branch, Endpoint};
use crate::flow::{Destination, Flow};
use crate::locate::{Answer, HopHost, Next, Question, Search};
use crate::time::Time;

/// Requests that may wait for their way to be found at one time. Their senders repeat them, so one
/// that is dropped when look-ups are slow comes again.
const MAX_WAITING: usize = 1024;

/// A request that is to be forwarded without state.
#[derive(Debug)]
pub struct StatelessForwarding {
    /// The request, our own Route values taken off, its topmost Via stamped.
    pub request: Box<Request>,
    /// How it came. By UDP: a response to anything else belongs to its connection, which nobody
    /// would remember.
    pub inbound: Flow,
    /// The one place where it is to go, chosen by what stands in the request and what does not
    /// change with time (§16.11).
    pub target: Target,
    /// As [`Forwarding::token`](super::Forwarding::token).
    pub token: String,
    /// As [`Forwarding::caller_token`](super::Forwarding::caller_token).
    pub caller_token: Option<String>,
    /// Whom identities are told to.
    pub trust: TrustDomain,
}

/// A request whose way is being found.
#[derive(Debug)]
pub(super) struct Waiting {
    copy: Box<Request>,
    search: Search,
    sending: Sending,
}

/// How it goes when that is known.
#[derive(Debug)]
enum Sending {
    /// As the ACK of a 2xx, by a branch of its own.
    Ack,
    /// As a request without state.
    Stateless(Box<Unsent>),
}

#[derive(Debug)]
struct Unsent {
    forwarding: StatelessForwarding,
    branch: Branch,
    history: Option<History>,
}

impl Proxy {
    /// Forwards the ACK of a 2xx to its one target, and keeps nothing of it. Nothing can be answered to one that cannot be
    /// forwarded.
    pub fn forward_ack(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        request: Box<Request>,
        target: &Target,
    ) {
        let Ok(copy) = forward::only_copy(request, target) else { return };
        let random = endpoint.random();
        let to = known_way(endpoint, &copy, target);
        self.send_or_search(now, endpoint, copy, to, random, Sending::Ack);
    }

    /// Forwards a request without state (§16.11): no 100, no timer, no fork; sent again, it goes
    /// the same way in the same words. One that has nowhere to go is answered 503.
    pub fn forward_statelessly(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        forwarding: StatelessForwarding,
    ) {
        let StatelessForwarding { request, inbound, target, .. } = &forwarding;
        // The responses are looked for at the listeners' own addresses.
        let listener = endpoint.listener_of(inbound);
        let local = listener.map_or(inbound.local, |listener| listener.local);
        let Some((branch, number)) = self.stateless_branches.of_request(request, local) else {
            return;
        };
        let Ok(mut copy) = forward::copy(request, target) else {
            return refuse(endpoint, &forwarding);
        };
        let mut history = History::of(request);
        if let Some(history) = &mut history {
            history.add(0, &request.uri(), &mut copy.request, &Origin::Chosen);
        }
        let to = known_way(endpoint, &copy, target);
        let unsent = Box::new(Unsent { forwarding, branch, history });
        self.send_or_search(now, endpoint, copy, to, number, Sending::Stateless(unsent));
    }

    /// `number` decides among servers that are as good as each other (RFC 3263 §4.4).
    fn send_or_search(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        copy: Copy,
        to: Option<Destination>,
        number: u64,
        sending: Sending,
    ) {
        let Copy { request: copy, hop } = copy;
        match (to, &hop.host) {
            (Some(to), _) => sending.send(endpoint, copy, to),
            (None, HopHost::Name(_)) if self.stateless.len() < MAX_WAITING => {
                let search = self.search_by(endpoint, hop, number);
                let id = self.next_stateless;
                self.next_stateless += 1;
                let waiting = Waiting { copy, search, sending };
                self.go_on_statelessly(now, endpoint, id, waiting);
            }
            (None, HopHost::Name(_)) => {}
            (None, HopHost::Address(_)) => sending.give_up(endpoint),
        }
    }

    pub(super) fn stateless_answered(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        id: u64,
        question: &Question,
        answer: &Answer,
    ) {
        let Some(mut waiting) = self.stateless.remove(&id) else { return };
        waiting.search.answered(question, answer);
        self.go_on_statelessly(now, endpoint, id, waiting);
    }

    /// Sends to the first server that a listener of ours can reach, once that is known. Which
    /// servers rest changes with time, so that it may not decide where a request without state
    /// goes.
    fn go_on_statelessly(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        id: u64,
        mut waiting: Waiting,
    ) {
        self.ask(&mut waiting.search, Resolving::Stateless(id));
        let is_ack = matches!(waiting.sending, Sending::Ack);
        let rests = |server: &_| is_ack && self.rests.rests(now, server);
        loop {
            match waiting.search.next(&endpoint.config().listeners, rests) {
                Next::Server(server) => {
                    if let Some(to) = waiting.search.hop().destination(&server, endpoint) {
                        return waiting.sending.send(endpoint, waiting.copy, to);
                    }
                }
                Next::Wait => {
                    self.stateless.insert(id, waiting);
                    return;
                }
                Next::Over => return waiting.sending.give_up(endpoint),
            }
        }
    }
}

impl Sending {
    fn send(self, endpoint: &mut Endpoint, mut copy: Box<Request>, to: Destination) {
        let Self::Stateless(unsent) = self else {
            let branch = endpoint.new_branch();
            return endpoint.send_stateless(&mut *copy, to, &branch);
        };
        let Unsent { forwarding, branch, history } = *unsent;
        let StatelessForwarding { inbound, target, token, caller_token, trust, .. } = forwarding;
        let leaving = Leaving {
            trust: &trust,
            history: history.as_ref(),
            inbound: (&inbound, caller_token.as_deref().unwrap_or(&token)),
            outbound: (&to.flow, target.token.as_deref().unwrap_or(&token)),
        };
        leaving.finish(&mut copy, endpoint);
        endpoint.send_stateless(&mut *copy, to, &branch);
    }

    fn give_up(self, endpoint: &mut Endpoint) {
        if let Self::Stateless(unsent) = self {
            refuse(endpoint, &unsent.forwarding);
        }
    }
}

/// The way that needs no search.
fn known_way(endpoint: &Endpoint, copy: &Copy, target: &Target) -> Option<Destination> {
    if let Some(flow) = target.flow {
        return Some(flow.into());
    }
    copy.hop.place().and_then(|server| copy.hop.destination(&server, endpoint))
}

/// Nothing leads there, as §16.9 has it. An ACK is never answered.
fn refuse(endpoint: &mut Endpoint, forwarding: &StatelessForwarding) {
    let StatelessForwarding { request, inbound, .. } = forwarding;
    if *request.method() != Method::Ack {
        endpoint.refuse_statelessly(request, *inbound, StatusCode::SERVICE_UNAVAILABLE);
    }
}
