//! What the branches of a response context answer, and the history that is told with it
//! (RFC 3261 §16.7, RFC 7044).

use antiphon_sip::{Request, Response, StatusCode};

use super::super::Origin;
use super::super::branch::{Branch, BranchState, Ways};
use super::Context;
use crate::endpoint::Endpoint;
use crate::time::Time;

impl Context {
    /// Puts the history into the copy for a branch that is about to begin.
    pub(in super::super) fn add_history(&mut self, copy: &mut Request, origin: &Origin) {
        let branch = self.branches.len();
        if let Some(history) = &mut self.history {
            history.add(branch, &self.request.uri(), copy, origin);
        }
    }

    /// Learns the history that a response tells, and takes off it what it must not tell the caller.
    pub(in super::super) fn receive(&mut self, branch: usize, response: &mut Response) {
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

    /// What a redirection names becomes targets, to be tried before those that wait anyway, if
    /// redirections are followed; the rest of it, if any, is still a response to be held.
    pub(in super::super) fn follow(
        &mut self,
        now: Time,
        branch: usize,
        mut response: Response,
    ) -> Option<Response> {
        let is_list = matches!(response.status().as_u16(), 300..=302);
        let may_go_on = is_list && !self.has_given_up() && !self.is_too_late(now);
        let Some(redirections) = self.redirections.as_mut().filter(|_| may_go_on) else {
            return Some(response);
        };
        let (mut targets, is_left) = redirections.take(&mut response);
        // What was put in the place of the body holds for whoever is called instead.
        let ways = self.branches.get(branch).and_then(Branch::ways);
        let body =
            ways.map(|ways| ways.copy.request.body()).filter(|it| *it != self.request.body());
        for target in &mut targets {
            target.body = body.cloned();
        }
        self.disposition.arrange(&mut targets);
        for target in targets.into_iter().rev() {
            self.waiting.push_front(target);
        }
        is_left.then_some(response)
    }

    pub(in super::super) fn finish(&mut self, branch: usize, response: Option<Response>) {
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
    pub(in super::super) fn local_response(
        &self,
        status: StatusCode,
        endpoint: &Endpoint,
    ) -> Response {
        Response::builder(&self.request, status).to_tag(endpoint.tag_of(self.server)).build()
    }

    /// What is to be sent: what was given here, or what was held.
    pub(in super::super) fn into_held(mut self) -> (Request, Vec<Response>, Option<Response>) {
        if let Some(history) = &self.history {
            let is_outside = !self.trust.trusts(self.inbound.remote.ip());
            for response in &mut self.held {
                history.tell(response);
                if is_outside {
                    history.hide(response.headers_mut());
                }
            }
        }
        (*self.request, self.held, self.watched.verdict)
    }
}
