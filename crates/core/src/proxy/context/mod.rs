//! The response context of one request (RFC 3261 §16.7): its branches, the targets that wait for
//! their turn, and the responses held until all branches are done.

mod answers;
mod reach;

use std::collections::VecDeque;
use std::net::IpAddr;

use antiphon_sip::{Method, Request, Response, StatusCode};

use super::account::{self, BranchAccount};
use super::branch::{Branch, BranchState, Pending, Ways};
use super::history::History;
use super::located::Located;
use super::recursion::Redirections;
use super::validate::loop_hash;
use super::watch::{Watch, Watched};
use super::{Disposition, Forwarding, Target, TrustDomain, best, forward};
use crate::auth::client::{Client, ClientError};
use crate::endpoint::{ClientId, Endpoint, ServerId};
use crate::flow::Flow;
use crate::locate::Server;
use crate::time::Time;

#[derive(Debug)]
pub(super) struct Context {
    server: ServerId,
    request: Box<Request>,
    inbound: Flow,
    loop_hash: String,
    route_token: String,
    caller_token: Option<String>,
    /// What the caller wants of us (RFC 3841 §9.1).
    pub(super) disposition: Disposition,
    redirections: Option<Redirections>,
    /// 430 goes upstream as it is.
    pub(super) is_edge: bool,
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
        let Forwarding { token, caller_token, recursion, is_edge, trust, watch, .. } = forwarding;
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
            is_edge,
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

    /// The account of a branch.
    pub(super) fn account(&self, branch: usize) -> Option<&BranchAccount> {
        self.branches.get(branch)?.ways()?.account.as_deref()
    }

    /// The address that a branch was sent to last.
    pub(super) fn remote(&self, branch: usize) -> Option<IpAddr> {
        self.branches.get(branch)?.remote
    }

    /// Answers the challenge that a branch was given, if it may still go on.
    pub(super) fn answer_challenge(
        &mut self,
        now: Time,
        branch: usize,
        response: &Response,
        wallet: &mut Client,
        random: &mut dyn FnMut() -> u64,
    ) -> Result<(), ClientError> {
        let is_wanted = !self.has_given_up() && !self.is_too_late(now) && !self.is_left(branch);
        let ways = self.branches.get_mut(branch).and_then(Branch::ways_mut);
        let ways = ways.filter(|_| is_wanted).ok_or(ClientError::NoChallenge)?;
        let account = ways.account.as_mut().ok_or(ClientError::NoChallenge)?;
        account::answer(account, &ways.copy.request, response, wallet, random)
    }

    /// A branch is to be sent once more.
    pub(super) fn wait(&mut self, branch: usize) {
        if let Some(branch) = self.branches.get_mut(branch) {
            branch.wait();
        }
    }

    /// Whether a branch waits to be sent.
    pub(super) fn is_unsent(&self, branch: usize) -> bool {
        let branch = self.branches.get(branch);
        branch.is_some_and(|branch| matches!(branch.state, BranchState::Unsent(_)))
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

    /// The early dialogs of a branch, to be told of or ended.
    pub(super) fn early_mut(&mut self, branch: usize) -> Option<&mut Vec<Box<str>>> {
        self.branches.get_mut(branch).map(|branch| &mut branch.early)
    }

    /// Whether something is still to come: the response of a branch just ended is not the answer.
    pub(super) fn goes_on(&self) -> bool {
        self.has_pending() || (!self.waiting.is_empty() && !self.has_given_up())
    }

    /// The servers that were left out, because one before them has answered, are tried next.
    pub(super) fn use_spares(&mut self) {
        for target in self.watched.take_spares().into_iter().rev() {
            self.waiting.push_front(target);
        }
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
