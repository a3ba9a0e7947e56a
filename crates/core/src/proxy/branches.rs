//! What happens to the branches of a response context (RFC 3261 §16.7 to §16.10).

use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Response, StatusCode};

use super::branch::{Branch, NextWay, Prepared};
use super::servers::retry_after;
use super::{Notice, Place, Proxy, Resolving, TIMER_C, Target, best, forward, refuse};
use crate::endpoint::{ClientId, Endpoint, ServerId};
use crate::locate::{Answer, Hop, NoHop, Question, Server};
use crate::refusal::Refusal;
use crate::time::Time;

impl Proxy {
    /// §16.7 steps 2 and 5: 100 is hop by hop, every other provisional goes on at once.
    pub(super) fn provisional(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        place: Place,
        response: Box<Response>,
    ) {
        self.note_heard(now, place);
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        if response.status() == StatusCode::TRYING || context.is_left(place.branch) {
            return;
        }
        let is_answered = context.answered;
        if context.timer_c(place.branch).is_some() {
            self.stop_timer_c(place);
            self.start_timer_c(now, place);
        }
        if !is_answered {
            self.note_early(place, &response);
            let _ = endpoint.respond(now, place.server, response);
        }
    }

    /// §16.7 steps 5, 9 and 10: a 2xx goes on at once, whatever went before; the other branches
    /// are cancelled.
    pub(super) fn success(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        client: ClientId,
        place: Place,
        response: Box<Response>,
    ) {
        self.note_heard(now, place);
        let is_invite = response.cseq_method() == Method::Invite;
        let context = self.contexts.get_mut(&place.server);
        let was_answered = context.as_ref().is_none_or(|context| context.answered);
        let was_pending = context.is_some_and(|context| context.is_pending(place.branch));
        // Another 2xx to INVITE is another dialog or a repetition: the caller's (§16.7 step 5).
        if is_invite || !was_answered {
            let _ = endpoint.respond(now, place.server, response);
        }
        if !was_pending {
            return;
        }
        if is_invite {
            let lifetime = 64 * endpoint.config().intervals.t1;
            self.settled.push_back((now + lifetime, client));
        } else {
            self.clients.remove(&client);
        }
        self.finish_branch(place, None);
        if !was_answered {
            if let Some(context) = self.contexts.get_mut(&place.server) {
                context.answered = true;
            }
            let is_left_alone = self
                .contexts
                .get(&place.server)
                .is_some_and(|context| context.disposition.no_cancel);
            if is_left_alone {
                return self.stop_waiting(now, endpoint, place);
            }
            let reason = "SIP;cause=200;text=\"Call completed elsewhere\"";
            self.cancel_pending(now, endpoint, place.server, Some(reason));
        }
        self.advance(now, endpoint, place.server);
    }

    /// A final response other than 2xx is held until all branches are done (§16.7 steps 4 and 5).
    pub(super) fn failure(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        place: Place,
        response: Box<Response>,
    ) {
        let status = response.status();
        // RFC 3263 §4.3: a server that takes no requests is as one that cannot be reached.
        if status == StatusCode::SERVICE_UNAVAILABLE {
            let asked = retry_after(&response).map(|seconds| Duration::from_secs(seconds.into()));
            self.note_failed(now, place, asked);
        } else {
            self.note_heard(now, place);
        }
        if status == StatusCode::SERVICE_UNAVAILABLE
            && self.try_another_way(now, endpoint, place, false)
        {
            return;
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            self.tell_unavailable(place, Some(&response));
            self.try_next_server(now, endpoint, place);
        }
        // RFC 5626 §7: neither says anything of the instance; every other answer is its own.
        let is_flow_failure =
            matches!(status, StatusCode::FLOW_FAILED | StatusCode::REQUEST_TIMEOUT);
        if is_flow_failure && self.try_next_flow(now, endpoint, place) {
            return self.end_early(now, endpoint, place, status);
        }
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        if status == StatusCode::REQUEST_TERMINATED && context.has_rung_too_long(place.branch) {
            // It is we who ended it: the caller, who did not, hears that nobody answered.
            return self.fail(now, endpoint, place, StatusCode::REQUEST_TIMEOUT);
        }
        let response = context.follow(now, place.branch, *response);
        self.finish_branch(place, response);
        self.end_early(now, endpoint, place, status);
        if status.as_u16() >= 600 {
            // §16.7 step 5: after a 6xx no new branch is made, and the others end.
            let reason = format!("SIP;cause={}", status.as_u16());
            self.cancel_pending(now, endpoint, place.server, Some(&reason));
        }
        self.advance(now, endpoint, place.server);
    }

    /// A branch ends in a final response that is made here.
    pub(super) fn fail(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        place: Place,
        status: StatusCode,
    ) {
        let Some(context) = self.contexts.get(&place.server) else { return };
        let response = context.local_response(status, endpoint);
        self.finish_branch(place, Some(response));
        self.end_early(now, endpoint, place, status);
        self.advance(now, endpoint, place.server);
    }

    /// §16.9: the next server of the same target is as good as the first, and so is its URI when
    /// its flow is gone. Whether there was one, or one may still be found.
    pub(super) fn try_another_way(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        place: Place,
        is_flow_gone: bool,
    ) -> bool {
        let Some(context) = self.contexts.get_mut(&place.server) else { return false };
        let rests = |server: &Server| self.rests.keeps_away(now, server);
        let way = context.next_way(now, place.branch, is_flow_gone, endpoint, rests);
        if way != NextWay::None {
            self.stop_timer_c(place);
        }
        match way {
            NextWay::None => return false,
            NextWay::Wait => {}
            NextWay::Server => self.send(now, endpoint, place),
            NextWay::LookUp(hop) => self.look_up(now, endpoint, place, hop),
        }
        self.advance(now, endpoint, place.server);
        true
    }

    /// RFC 5626 §7: a flow that failed gives its place to the next one of the same instance.
    /// Whether there was one.
    pub(super) fn try_next_flow(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        place: Place,
    ) -> bool {
        let context = self.contexts.get_mut(&place.server);
        let next = context.and_then(|context| context.next_flow(now, place.branch));
        let Some((target, breadth)) = next else { return false };
        self.finish_branch(place, None);
        self.start(now, endpoint, place.server, target, breadth);
        self.advance(now, endpoint, place.server);
        true
    }

    /// §16.8: Timer C of a branch ran out. One that never answered has failed long before
    /// (Timer B), so there is always something to cancel.
    pub(super) fn rang_too_long(&mut self, now: Time, endpoint: &mut Endpoint, place: Place) {
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        let Some(client) = context.ring_too_long(place.branch) else { return };
        if endpoint.cancel(now, client, None).is_err() {
            self.clients.remove(&client);
            self.fail(now, endpoint, place, StatusCode::REQUEST_TIMEOUT);
        }
    }

    /// Does what the state of a context calls for: starts the next group of targets, or answers
    /// when all branches are done.
    pub(super) fn advance(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId) {
        loop {
            let Some(context) = self.contexts.get_mut(&server) else { return };
            if context.has_pending() || (context.watched.is_asked && !context.is_over()) {
                return;
            }
            if let Some(answer) = context.question() {
                context.watched.is_asked = true;
                self.stop_no_answer(server);
                return self.notices.push_back(Notice::Failed { server, answer: Some(answer) });
            }
            let group = context.next_group(now);
            if group.is_empty() {
                // What was given up may still answer, and a 2xx goes before all else.
                if context.has_left() {
                    return;
                }
                return self.answer(now, endpoint, server);
            }
            self.start_no_answer(now, server);
            for (target, breadth) in group {
                self.start(now, endpoint, server, target, breadth);
            }
        }
    }

    /// Sends a branch to its next server.
    pub(super) fn send(&mut self, now: Time, endpoint: &mut Endpoint, place: Place) {
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        if !context.is_open(place.branch) {
            return;
        }
        let rests = |server: &Server| self.rests.keeps_away(now, server);
        let sent = match context.prepare(place.branch, endpoint, rests) {
            Prepared::Wait => return,
            // No server, or none that a listener of ours can reach.
            Prepared::Nowhere => None,
            Prepared::Ready(mut request, to) => {
                let branch = endpoint.new_branch_with(context.loop_hash());
                endpoint.request(now, &mut request, to, Some(branch)).ok()
            }
        };
        let Some(client) = sent else { return self.unsendable(now, endpoint, place) };
        context.sent(place.branch, client);
        if let Some(server) = context.sent_to(place.branch) {
            self.rests.tries(now, &server);
        }
        self.probe_wanted(now, endpoint, place);
        let Some(context) = self.contexts.get(&place.server) else { return };
        let is_invite = *context.request().method() == Method::Invite;
        self.clients.insert(client, place);
        if is_invite {
            self.start_timer_c(now, place);
        }
    }

    /// A branch could not even be sent: another flow of the instance, or it is over.
    fn unsendable(&mut self, now: Time, endpoint: &mut Endpoint, place: Place) {
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        if let Some((target, breadth)) = context.next_flow(now, place.branch) {
            context.finish(place.branch, None);
            return self.start(now, endpoint, place.server, target, breadth);
        }
        self.tell_unavailable(place, None);
        self.try_next_server(now, endpoint, place);
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        let status = if context.is_kept_flow(place.branch) {
            StatusCode::FLOW_FAILED
        } else {
            StatusCode::SERVICE_UNAVAILABLE
        };
        let response = context.unsendable(place.branch, status, endpoint);
        context.finish(place.branch, Some(response));
    }

    /// Cancels what rings and tries nothing more.
    pub(super) fn cancel_pending(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        reason: Option<&str>,
    ) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        for client in context.give_up() {
            let _ = endpoint.cancel(now, client, reason);
        }
    }

    /// RFC 3841 §9.1, `no-cancel`: what rings goes on ringing, but nothing new is tried.
    fn stop_waiting(&mut self, now: Time, endpoint: &mut Endpoint, place: Place) {
        if let Some(context) = self.contexts.get_mut(&place.server) {
            context.give_up();
        }
        self.advance(now, endpoint, place.server);
    }

    /// Prepares one branch: the copy, then the addresses of its next hop.
    pub(super) fn start(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        server: ServerId,
        target: Target,
        breadth: u32,
    ) {
        let Some(context) = self.contexts.get_mut(&server) else { return };
        if let Some(seconds) = target.server.as_ref().and_then(|server| server.rests) {
            let status = StatusCode::SERVICE_UNAVAILABLE;
            let mut response = context.local_response(status, endpoint);
            response.headers_mut().push(HeaderName::RetryAfter, seconds);
            let branch = context.push(Branch::done());
            return context.finish(branch, Some(response));
        }
        let mut copy = match forward::copy_of_breadth(context.request(), &target, breadth) {
            Ok(copy) => copy,
            Err(fault) => {
                let response = context.local_response(no_hop(fault), endpoint);
                let branch = context.push(Branch::done());
                return context.finish(branch, Some(response));
            }
        };
        context.add_history(&mut copy.request, &target.origin);
        let hop = target.flow.is_none().then(|| copy.hop.clone());
        let branch = context.push(Branch::new(copy, target));
        let place = Place { server, branch };
        match hop {
            Some(hop) => self.look_up(now, endpoint, place, hop),
            None => self.send(now, endpoint, place),
        }
    }

    fn look_up(&mut self, now: Time, endpoint: &mut Endpoint, place: Place, hop: Hop) {
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        if let Some(server) = hop.place() {
            context.set_server(place.branch, server);
        } else {
            let mut search = self.search(endpoint, hop);
            self.ask(&mut search, Resolving::Branch(place));
            if let Some(context) = self.contexts.get_mut(&place.server) {
                context.set_search(place.branch, search);
            }
        }
        self.send(now, endpoint, place);
    }

    /// The DNS has answered for a branch: it goes on, if it waits for that.
    pub(super) fn branch_answered(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        place: Place,
        question: &Question,
        answer: &Answer,
    ) {
        let Some(mut context) = self.contexts.remove(&place.server) else { return };
        if let Some(search) = context.search_mut(place.branch) {
            search.answered(question, answer);
            self.ask(search, Resolving::Branch(place));
        }
        let is_unsent = context.is_unsent(place.branch);
        self.contexts.insert(place.server, context);
        if is_unsent {
            self.send(now, endpoint, place);
            self.advance(now, endpoint, place.server);
        }
    }

    /// A server has answered something.
    pub(super) fn note_heard(&mut self, now: Time, place: Place) {
        let Some(context) = self.contexts.get_mut(&place.server) else { return };
        if let Some(server) = context.heard(place.branch) {
            self.rests.works(&server);
            let ways = context.ways_of(place.branch);
            let slower = ways.map(|ways| ways.left_behind()).unwrap_or_default();
            self.note_left_behind(now, slower);
        }
    }

    /// A server could not be reached, was silent, or takes no requests: it rests (RFC 3263 §4.3).
    pub(super) fn note_failed(&mut self, now: Time, place: Place, asked: Option<Duration>) {
        let Some(context) = self.contexts.get(&place.server) else { return };
        if let Some(server) = context.sent_to(place.branch) {
            self.rests.failed(now, server, asked);
        }
    }

    /// Servers whose connections were still being made when another answered are tried after it the
    /// next time.
    fn note_left_behind(&mut self, now: Time, servers: Vec<Server>) {
        for server in servers {
            self.rests.failed(now, server, None);
        }
    }

    /// The connection to a server is not made yet: another address of its host may be quicker
    /// (RFC 8305 §5).
    pub(super) fn leave_server(&mut self, place: Place) {
        let context = self.contexts.get_mut(&place.server);
        if let Some(ways) = context.and_then(|context| context.ways_of(place.branch)) {
            ways.leave_server();
        }
    }

    fn finish_branch(&mut self, place: Place, response: Option<Response>) {
        self.stop_timer_c(place);
        if let Some(context) = self.contexts.get_mut(&place.server) {
            context.finish(place.branch, response);
        }
    }

    fn start_timer_c(&mut self, now: Time, place: Place) {
        let at = now + TIMER_C;
        if let Some(context) = self.contexts.get_mut(&place.server) {
            context.set_timer_c(place.branch, at);
            self.timer_c.insert((at, place));
        }
    }

    pub(super) fn stop_timer_c(&mut self, place: Place) {
        let context = self.contexts.get(&place.server);
        if let Some(at) = context.and_then(|context| context.timer_c(place.branch)) {
            self.timer_c.remove(&(at, place));
        }
    }

    /// All branches are done: the best response goes upstream, once (§16.7 steps 6 to 8).
    fn answer(&mut self, now: Time, endpoint: &mut Endpoint, server: ServerId) {
        self.stop_no_answer(server);
        let Some(context) = self.contexts.remove(&server) else { return };
        if context.watched.is_watched {
            self.notices.push_back(Notice::Ended { server });
        }
        if context.answered {
            return;
        }
        let cancelled = context.cancelled;
        let is_invite = *context.request().method() == Method::Invite;
        let is_edge = context.is_edge;
        let (request, held, verdict) = context.into_held();
        let verdict = verdict.filter(|_| !cancelled);
        match verdict.or_else(|| best::best(held, cancelled, is_edge)) {
            // RFC 4320 §4.2: a 408 to anything but INVITE comes too late to help anybody.
            Some(best) if !is_invite && best.status() == StatusCode::REQUEST_TIMEOUT => {
                endpoint.abandon(server);
            }
            Some(best) => {
                let _ = endpoint.respond(now, server, best);
            }
            None if !is_invite => endpoint.abandon(server),
            None => {
                let status = if cancelled {
                    StatusCode::REQUEST_TERMINATED
                } else {
                    StatusCode::REQUEST_TIMEOUT
                };
                refuse(now, endpoint, server, &request, &Refusal::new(status));
            }
        }
    }
}

const fn no_hop(fault: NoHop) -> StatusCode {
    match fault {
        NoHop::Scheme => StatusCode::UNSUPPORTED_URI_SCHEME,
        NoHop::Transport => StatusCode::SERVICE_UNAVAILABLE,
    }
}
