//! The server side: requests in, and the responses to them.

use antiphon_sip::{Method, Request, Response, StatusCode};
use bytes::Bytes;

use super::alarms::Armed;
use super::chance::Key;
use super::feedback::Algorithm;
use super::matching::Match;
use super::path::{self, ReturnPath};
use super::{Endpoint, Event, Gone, Owner, ServerId};
use crate::flow::Flow;
use crate::time::Time;
use crate::transaction::{Output, ServerInvite, ServerNonInvite, Tell, Timer, Timing};

/// A server transaction.
#[derive(Debug)]
pub(super) struct Server {
    key: Key,
    /// See [`Endpoint::merge_keys`].
    merge_key: Option<Key>,
    pub(super) path: ReturnPath,
    /// How its sender is told of our load, if it takes part in overload control (RFC 7339 §5.1).
    feedback: Option<Algorithm>,
    /// `None` only within a step.
    state: Option<State>,
    armed: Option<Armed>,
}

#[derive(Debug)]
enum State {
    Invite(ServerInvite),
    NonInvite(ServerNonInvite),
}

impl Server {
    /// Whether the role is to be told that the request is cancelled (§9.2).
    pub(super) fn cancel(&mut self) -> bool {
        match &mut self.state {
            Some(State::Invite(state)) => state.cancel(),
            _ => false,
        }
    }

    pub(super) fn request(&self) -> Option<&Request> {
        match &self.state {
            Some(State::Invite(state)) => state.request(),
            _ => None,
        }
    }

    /// The tag that the role has put into To.
    pub(super) fn tag(&self) -> Option<&str> {
        match &self.state {
            Some(State::Invite(state)) => state.tag(),
            _ => None,
        }
    }

    /// The last response that was sent.
    pub(super) fn last_sent(&self) -> Option<Bytes> {
        self.state.as_ref().and_then(State::last_sent).cloned()
    }

    /// Whether an ACK of RFC 2543, which nothing but the To tag tells from that of another
    /// response, is for this transaction (§17.2.3, RFC 6026 §6).
    fn takes_old_ack(&self, ack: &Request) -> bool {
        match &self.state {
            Some(State::Invite(state)) => state.is_accepted() || state.tag() == ack.to_tag(),
            _ => false,
        }
    }
}

#[cfg(test)]
impl Server {
    /// When it is to be woken.
    pub(super) const fn armed(&self) -> Option<Armed> {
        self.armed
    }
}

impl State {
    fn respond(
        self,
        response: &Response,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<Self> {
        let (status, octets) = (response.status(), response.to_bytes());
        match self {
            Self::Invite(state) => Some(Self::Invite(state.respond(
                status,
                octets,
                response.to_tag(),
                now,
                timing,
                out,
            ))),
            Self::NonInvite(state) => {
                state.respond(status, octets, now, timing, out).map(Self::NonInvite)
            }
        }
    }

    fn repeated(&self, out: &mut Output) {
        match self {
            Self::Invite(state) => state.repeated(out),
            Self::NonInvite(state) => state.repeated(out),
        }
    }

    fn ack(self, now: Time, timing: &Timing, out: &mut Output) -> Option<Self> {
        match self {
            Self::Invite(state) => state.ack(now, timing, out).map(Self::Invite),
            other => Some(other),
        }
    }

    fn fire(self, timer: Timer, now: Time, timing: &Timing, out: &mut Output) -> Option<Self> {
        match self {
            Self::Invite(state) => state.fire(timer, now, timing, out).map(Self::Invite),
            Self::NonInvite(state) => state.fire(timer, now, timing, out).map(Self::NonInvite),
        }
    }

    fn next_timer(&self, timing: &Timing) -> Option<(Timer, Time)> {
        match self {
            Self::Invite(state) => state.next_timer(timing),
            Self::NonInvite(state) => state.next_timer(timing),
        }
    }

    const fn last_sent(&self) -> Option<&Bytes> {
        match self {
            Self::Invite(state) => state.last_sent(),
            Self::NonInvite(state) => state.last_sent(),
        }
    }
}

impl Endpoint {
    /// Takes an ACK: for the transaction of a non-2xx response, or for the role.
    pub(super) fn take_ack(&mut self, now: Time, flow: Flow, mut ack: Box<Request>) {
        let matched = self.server_match(&ack, &Method::Invite);
        let id = self.server_keys.get(&matched.key).copied().filter(|id| {
            let server = self.servers.get(id.handle());
            server.is_some_and(|server| matched.unique || server.takes_old_ack(&ack))
        });
        let told = match id {
            // Nobody waits for it, and nothing was kept.
            None if self.is_of_stateless(&ack) => return,
            None => Some(Tell::AckOfSuccess),
            Some(id) => self.step_server(id, |state, timing, out| state.ack(now, timing, out)),
        };
        match (told, id) {
            (Some(Tell::AckOfSuccess), _) => {
                path::receive(&mut ack, flow);
                self.events.push_back(Event::Ack { request: ack, flow });
            }
            (Some(Tell::Acknowledged), Some(id)) => {
                self.events.push_back(Event::Acknowledged { id });
            }
            _ => self.counters.retransmissions_received += 1,
        }
    }

    /// Sends the answer that the endpoint itself gives to a request, by a transaction that has
    /// nothing else to do.
    pub(super) fn answer_at_once(
        &mut self,
        now: Time,
        matched: Match,
        path: ReturnPath,
        octets: Bytes,
    ) {
        let timing = self.timing(&path.flow);
        let mut out = Output::default();
        let state = ServerNonInvite::answered(octets, now, &timing, &mut out);
        // Without room for it, a repeated request will be answered anew.
        if let Some(state) = state
            && !self.is_full()
        {
            let state = State::NonInvite(state);
            self.insert_server(matched.key, None, path, None, state, &timing);
        }
        if let Some(octets) = out.transmit {
            self.transmit(path.flow, octets, None);
        }
    }

    /// Takes a request that is neither ACK nor CANCEL.
    pub(super) fn take_request(&mut self, now: Time, flow: Flow, mut request: Box<Request>) {
        let matched = self.server_match(&request, request.method());
        if self.take_repeated(matched) {
            return;
        }
        let merge_key = self.merge_key(&request);
        let path = path::receive(&mut request, flow);
        self.note_alias(&request, &flow);
        let feedback = self.take_offer(now, &mut request, path.flow.remote);
        if merge_key.is_some_and(|key| self.merge_keys.contains_key(&key)) {
            self.counters.merged += 1;
            self.refuse(&path, &request, StatusCode::LOOP_DETECTED, None);
            return;
        }
        if self.is_shed(now, &path, &request, feedback) {
            return;
        }
        if self.is_full() {
            self.counters.overloaded += 1;
            self.refuse_for_overload(now, &path, &request, feedback);
            return;
        }
        let timing = self.timing(&flow);
        let kept = request.clone();
        let state = if *request.method() == Method::Invite {
            State::Invite(ServerInvite::start(kept, now, &timing))
        } else {
            State::NonInvite(ServerNonInvite::start(kept, now, &timing))
        };
        if let Some(id) = self.insert_server(matched.key, merge_key, path, feedback, state, &timing)
        {
            self.events.push_back(Event::Request { id, request, flow });
        }
    }

    pub(super) fn answer(
        &mut self,
        now: Time,
        id: ServerId,
        response: &Response,
    ) -> Result<(), Gone> {
        let server = self.servers.get(id.handle()).ok_or(Gone)?;
        if let Some(algorithm) = server.feedback {
            let neighbour = server.path.flow.remote;
            let response = &self.with_feedback(now, response, neighbour, algorithm);
            self.step_server(id, |state, timing, out| state.respond(response, now, timing, out));
            return Ok(());
        }
        self.step_server(id, |state, timing, out| state.respond(response, now, timing, out));
        Ok(())
    }

    pub(super) fn abandon_server(&mut self, id: ServerId) {
        let intervals = self.config.intervals;
        let Some(server) = self.servers.get_mut(id.handle()) else { return };
        let timing = Timing::new(intervals, server.path.flow.transport.is_reliable());
        let Some(state) = &mut server.state else { return };
        match state {
            State::Invite(state) => state.abandon(&timing),
            State::NonInvite(state) => state.abandon(),
        }
        let next = state.next_timer(&timing);
        self.alarms.arm(&mut server.armed, Owner::Server(id), next);
    }

    pub(super) fn server_due(&mut self, now: Time, id: ServerId) {
        let Some(server) = self.servers.get_mut(id.handle()) else { return };
        server.armed = None;
        let timing = Timing::new(self.config.intervals, server.path.flow.transport.is_reliable());
        while let Some(server) = self.servers.get(id.handle())
            && let Some(state) = &server.state
            && let Some((timer, at)) = state.next_timer(&timing)
            && at <= now
        {
            let told =
                self.step_server(id, |state, timing, out| state.fire(timer, now, timing, out));
            match told {
                Some(Tell::Unacknowledged) => {
                    self.events.push_back(Event::Unacknowledged { id });
                }
                Some(Tell::Unanswered) => self.answer_for_the_silent(now, id),
                _ => {}
            }
        }
        if let Some(server) = self.servers.get_mut(id.handle()) {
            let next = server.state.as_ref().and_then(|state| state.next_timer(&timing));
            self.alarms.arm(&mut server.armed, Owner::Server(id), next);
        }
    }

    /// No role has answered. An INVITE gets a 500; any other transaction has ended by now
    /// (RFC 4320 §4.2).
    fn answer_for_the_silent(&mut self, now: Time, id: ServerId) {
        self.counters.unanswered += 1;
        let Some(request) = self.server_request(id) else { return };
        let response = Response::builder(request, StatusCode::SERVER_INTERNAL_ERROR)
            .to_tag(self.tag_of(id))
            .build();
        // It was there a line ago.
        let _ = self.answer(now, id, &response);
    }

    /// A response could not be delivered: once more, over a new connection to the same address, and
    /// then wherever the name in its Via leads (§18.2.2). Its transaction stays (RFC 6026 §7.1).
    pub(super) fn server_undelivered(&mut self, id: ServerId) {
        let has_left = self.leave_connection(id);
        let Some(server) = self.servers.get(id.handle()) else { return };
        let (path, last) = (server.path, server.last_sent());
        match (has_left, last) {
            (false, last) => self.lose_way_back(id, last),
            (true, Some(octets)) => {
                self.transmit(path.to(&octets), octets, Some(Owner::Server(id).ticket(true)));
            }
            // A 2xx to INVITE is not kept; it comes again and takes the new way.
            (true, None) => {}
        }
    }

    pub(super) fn server_closed(&mut self, id: ServerId, closed: &Flow) {
        let Some(server) = self.servers.get(id.handle()) else { return };
        if server.path.flow.connection == closed.connection {
            self.leave_connection(id);
        }
    }

    /// Has the responses of a transaction go over a new connection; whether that is another way
    /// than before.
    fn leave_connection(&mut self, id: ServerId) -> bool {
        let Some(server) = self.servers.get_mut(id.handle()) else { return false };
        let Some(path) = server.path.without_connection() else { return false };
        self.streams.remove(&(server.path.flow.remote, Owner::Server(id)));
        server.path = path;
        self.streams.insert((path.flow.remote, Owner::Server(id)));
        true
    }

    /// Whether the request is a retransmission, which is answered as before or absorbed.
    pub(super) fn take_repeated(&mut self, matched: Match) -> bool {
        let Some(id) = self.server_keys.get(&matched.key).copied() else { return false };
        self.counters.retransmissions_received += 1;
        self.step_server(id, |state, _, out| {
            state.repeated(out);
            Some(state)
        });
        true
    }

    /// One step of a transaction: the machine, then what it asks for.
    fn step_server(
        &mut self,
        id: ServerId,
        step: impl FnOnce(State, &Timing, &mut Output) -> Option<State>,
    ) -> Option<Tell> {
        let intervals = self.config.intervals;
        let server = self.servers.get_mut(id.handle())?;
        let path = server.path;
        let timing = Timing::new(intervals, path.flow.transport.is_reliable());
        let mut out = Output::default();
        server.state = step(server.state.take()?, &timing, &mut out);
        match &server.state {
            Some(state) => {
                let next = state.next_timer(&timing);
                self.alarms.arm(&mut server.armed, Owner::Server(id), next);
            }
            None => self.remove_server(id),
        }
        self.counters.withheld += u64::from(out.withheld);
        if let Some(octets) = out.transmit {
            self.counters.retransmissions_sent += u64::from(out.again);
            self.note_for_way_back(id, &octets);
            self.transmit(path.to(&octets), octets, Some(Owner::Server(id).ticket(false)));
        }
        out.tell
    }

    fn insert_server(
        &mut self,
        key: Key,
        merge_key: Option<Key>,
        path: ReturnPath,
        feedback: Option<Algorithm>,
        state: State,
        timing: &Timing,
    ) -> Option<ServerId> {
        let next = state.next_timer(timing);
        let mut armed = None;
        let server = Server { key, merge_key, path, feedback, state: Some(state), armed };
        let handle = self.servers.insert(server)?;
        let id = ServerId(handle.as_u64());
        self.alarms.arm(&mut armed, Owner::Server(id), next);
        if let Some(server) = self.servers.get_mut(handle) {
            server.armed = armed;
        }
        self.server_keys.insert(key, id);
        if let Some(merge_key) = merge_key {
            self.merge_keys.insert(merge_key, id);
        }
        if path.flow.transport.is_reliable() {
            self.streams.insert((path.flow.remote, Owner::Server(id)));
        }
        self.counters.server_transactions = self.servers.len();
        Some(id)
    }

    pub(super) fn remove_server(&mut self, id: ServerId) {
        let Some(server) = self.servers.remove(id.handle()) else { return };
        self.server_keys.remove(&server.key);
        self.ways_back.forget(id);
        if let Some(merge_key) = server.merge_key {
            self.merge_keys.remove(&merge_key);
        }
        if let Some(armed) = server.armed {
            self.alarms.disarm(armed, Owner::Server(id));
        }
        if server.path.flow.transport.is_reliable() {
            self.streams.remove(&(server.path.flow.remote, Owner::Server(id)));
        }
        self.counters.server_transactions = self.servers.len();
    }
}
