//! The client side: requests out, and what becomes of them.

use std::borrow::Cow;

use antiphon_sip::name::HeaderName;
use antiphon_sip::{Method, Request, Response, Transport};
use bytes::Bytes;

use super::alarms::Armed;
use super::chance::Key;
use super::feedback::OFFER;
use super::{Branch, ClientId, Endpoint, Event, Failure, Gone, Owner, RequestError};
use crate::flow::{Destination, Fault, Flow};
use crate::time::Time;
use crate::transaction::{
    ClientInvite, ClientNonInvite, Output, Tell, Timer, Timing, parse_own, with_via,
};

/// The most octets of a request that may go over UDP when the path's MTU is not known
/// (RFC 3261 §18.1.1).
const DATAGRAM_MOST: usize = 1_300;

/// A client transaction.
#[derive(Debug)]
pub(super) struct Client {
    key: Key,
    to: Destination,
    /// `None` only within a step.
    state: Option<State>,
    armed: Option<Armed>,
    /// The way that a large request takes when it cannot be delivered over a stream.
    fallback: Option<Box<Fallback>>,
    /// Whether that way was taken.
    retried: bool,
    /// A CANCEL: its outcome is told to nobody (§9.1).
    quiet: bool,
}

#[derive(Debug)]
enum State {
    Invite(ClientInvite),
    NonInvite(ClientNonInvite),
}

#[derive(Debug)]
struct Fallback {
    flow: Flow,
    via: String,
}

/// A request ready to be sent.
struct Written {
    octets: Bytes,
    to: Destination,
    fallback: Option<Box<Fallback>>,
}

#[cfg(test)]
impl Client {
    /// When it is to be woken.
    pub(super) const fn armed(&self) -> Option<Armed> {
        self.armed
    }
}

impl State {
    fn start(invite: bool, sent: Bytes, now: Time, timing: &Timing, out: &mut Output) -> Self {
        if invite {
            Self::Invite(ClientInvite::start(sent, now, timing, out))
        } else {
            Self::NonInvite(ClientNonInvite::start(sent, now, timing, out))
        }
    }

    fn restart(self, sent: Bytes, now: Time, timing: &Timing, out: &mut Output) -> Self {
        match self {
            Self::Invite(state) => Self::Invite(state.restart(sent, now, timing, out)),
            Self::NonInvite(_) => Self::start(false, sent, now, timing, out),
        }
    }

    fn response(
        self,
        response: &Response,
        now: Time,
        timing: &Timing,
        out: &mut Output,
    ) -> Option<Self> {
        let status = response.status();
        match self {
            Self::Invite(state) => {
                state.response(status, response.to_text(), now, timing, out).map(Self::Invite)
            }
            Self::NonInvite(state) => state.response(status, now, timing, out).map(Self::NonInvite),
        }
    }

    fn fire(self, timer: Timer, now: Time, timing: &Timing, out: &mut Output) -> Option<Self> {
        match self {
            Self::Invite(state) => state.fire(timer, now, out).map(Self::Invite),
            Self::NonInvite(state) => state.fire(timer, now, timing, out).map(Self::NonInvite),
        }
    }

    fn next_timer(&self) -> Option<(Timer, Time)> {
        match self {
            Self::Invite(state) => state.next_timer(),
            Self::NonInvite(state) => state.next_timer(),
        }
    }

    const fn pending(&self) -> Option<&Bytes> {
        match self {
            Self::Invite(state) => state.pending(),
            Self::NonInvite(state) => state.pending(),
        }
    }

    const fn unheard(&self) -> Option<&Bytes> {
        match self {
            Self::Invite(state) => state.unheard(),
            Self::NonInvite(state) => state.unheard(),
        }
    }
}

impl Endpoint {
    pub(super) fn start_client(
        &mut self,
        now: Time,
        request: &mut Request,
        to: Destination,
        branch: Option<Branch>,
    ) -> Result<ClientId, RequestError> {
        if matches!(request.method(), Method::Ack | Method::Cancel) {
            return Err(RequestError::Method);
        }
        if self.is_full() {
            return Err(RequestError::TooMany);
        }
        if self.is_kept_back(now, to.flow.remote, request) {
            self.counters.kept_back += 1;
            return Err(RequestError::KeptBack);
        }
        let branch = branch.unwrap_or_else(|| self.new_branch());
        let key = self.client_key(branch.as_str(), request.method().as_str());
        let invite = *request.method() == Method::Invite;
        let written = self.write(request, to, &branch)?;
        self.insert_client(now, key, invite, written, false)
    }

    /// Sends a request that nobody waits for an answer to.
    pub(super) fn send_statelessly(
        &mut self,
        request: &mut Request,
        to: Destination,
        branch: &Branch,
    ) {
        let Some(via) = self.via(&to.flow, branch) else { return };
        request.headers_mut().push_top_parts(HeaderName::Via, &via.parts());
        self.transmit(to, request.to_bytes(), None);
    }

    pub(super) fn cancel_client(
        &mut self,
        now: Time,
        id: ClientId,
        reason: Option<&str>,
    ) -> Result<(), Gone> {
        self.clients.get(id.handle()).ok_or(Gone)?;
        self.step_client(now, id, |state, timing, out| {
            Some(match state {
                State::Invite(state) => State::Invite(state.cancel(reason, now, timing, out)),
                other => other,
            })
        });
        Ok(())
    }

    /// Takes a response (§17.1.3, §18.1.2).
    pub(super) fn take_response(&mut self, now: Time, flow: Flow, response: Box<Response>) {
        let Some(id) = self.client_of(&response) else {
            if self.config.tells_strays && self.is_own(response.sent_by()) {
                return self.events.push_back(Event::StrayResponse { response, flow });
            }
            self.counters.stray_responses += 1;
            return;
        };
        self.follow_connection(id, &flow);
        if self.config.offers_overload_control && response.has_overload_control() {
            self.take_feedback(now, flow.remote, &response);
        }
        let told = self
            .step_client(now, id, |state, timing, out| state.response(&response, now, timing, out));
        if told == Some(Tell::Response) {
            self.events.push_back(Event::Response { id, response, flow });
        }
    }

    pub(super) fn client_due(&mut self, now: Time, id: ClientId) {
        let Some(client) = self.clients.get_mut(id.handle()) else { return };
        client.armed = None;
        while let Some(client) = self.clients.get(id.handle())
            && let Some((timer, at)) = client.state.as_ref().and_then(State::next_timer)
            && at <= now
        {
            let told =
                self.step_client(now, id, |state, timing, out| state.fire(timer, now, timing, out));
            if told == Some(Tell::Timeout) {
                self.events.push_back(Event::Failed { id, failure: Failure::Timeout });
            }
        }
        if let Some(client) = self.clients.get_mut(id.handle()) {
            let next = client.state.as_ref().and_then(State::next_timer);
            self.alarms.arm(&mut client.armed, Owner::Client(id), next);
        }
    }

    pub(super) fn client_undelivered(
        &mut self,
        now: Time,
        id: ClientId,
        retried: bool,
        fault: Fault,
    ) {
        let Some(client) = self.clients.get(id.handle()) else { return };
        if client.retried != retried {
            return;
        }
        let Some(state) = &client.state else { return };
        match state {
            // An INVITE that was answered did arrive: this is late news of an earlier datagram.
            State::Invite(ClientInvite::Proceeding(_))
                if !client.to.flow.transport.is_reliable() => {}
            State::Invite(state) if !state.ends_when_undelivered() => {}
            _ => self.fail_client(now, id, fault),
        }
    }

    pub(super) fn client_closed(&mut self, now: Time, id: ClientId, closed: &Flow) {
        let Some(client) = self.clients.get(id.handle()) else { return };
        let same = client.to.flow.transport == closed.transport
            && match client.to.flow.connection {
                Some(connection) => Some(connection) == closed.connection,
                None => client.to.flow.local == closed.local,
            };
        if same && client.state.as_ref().is_some_and(|state| state.pending().is_some()) {
            self.fail_client(now, id, Fault::Closed);
        }
    }

    /// The request could not be delivered: by UDP after all if it went over a stream for its size
    /// (§18.1.1), or it has failed (§17.1.4).
    fn fail_client(&mut self, now: Time, id: ClientId, fault: Fault) {
        if self.fall_back(now, id) {
            return;
        }
        let Some(client) = self.remove_client(id) else { return };
        let pending = client.state.is_some_and(|state| state.pending().is_some());
        if pending && !client.quiet {
            self.events.push_back(Event::Failed { id, failure: Failure::Transport(fault) });
        }
    }

    fn fall_back(&mut self, now: Time, id: ClientId) -> bool {
        let Some(client) = self.clients.get_mut(id.handle()) else { return false };
        let Some(fallback) = client.fallback.take() else { return false };
        let unheard = client.state.as_ref().and_then(State::unheard);
        let Some(octets) = unheard.and_then(|sent| with_via(sent, &fallback.via)) else {
            return false;
        };
        self.streams.remove(&(client.to.flow.remote, Owner::Client(id)));
        client.to = fallback.flow.into();
        client.retried = true;
        self.step_client(now, id, |state, timing, out| {
            Some(state.restart(octets, now, timing, out))
        });
        true
    }

    /// One step of a transaction: the machine, then what it asks for.
    fn step_client(
        &mut self,
        now: Time,
        id: ClientId,
        step: impl FnOnce(State, &Timing, &mut Output) -> Option<State>,
    ) -> Option<Tell> {
        let intervals = self.config.intervals;
        let client = self.clients.get_mut(id.handle())?;
        let timing = Timing::new(intervals, client.to.flow.transport.is_reliable());
        let mut out = Output::default();
        client.state = step(client.state.take()?, &timing, &mut out);
        let (to, retried, quiet) = (client.to.clone(), client.retried, client.quiet);
        match &client.state {
            Some(state) => {
                let next = state.next_timer();
                self.alarms.arm(&mut client.armed, Owner::Client(id), next);
            }
            None => {
                self.remove_client(id);
            }
        }
        if let Some(octets) = out.transmit {
            self.counters.retransmissions_sent += u64::from(out.again);
            self.transmit(to.clone(), octets, Some(Owner::Client(id).ticket(retried)));
        }
        if let Some(octets) = out.cancel {
            self.send_cancel(now, to, octets);
        }
        out.tell.filter(|_| !quiet)
    }

    /// The CANCEL has the branch of its INVITE and a transaction of its own (§9.1).
    fn send_cancel(&mut self, now: Time, to: Destination, octets: Bytes) {
        let Some(cancel) = parse_own(&octets) else { return };
        let Some(branch) = cancel.branch() else { return };
        let key = self.client_key(branch, Method::Cancel.as_str());
        let to = Destination { patience: None, connect_within: None, ..to };
        let written = Written { octets, to, fallback: None };
        // Without a free slot the CANCEL is lost, as it could be in the network; the INVITE ends
        // by its own timer then.
        let _ = self.insert_client(now, key, false, written, true);
    }

    fn insert_client(
        &mut self,
        now: Time,
        key: Key,
        invite: bool,
        written: Written,
        quiet: bool,
    ) -> Result<ClientId, RequestError> {
        let Written { octets, to, fallback } = written;
        let flow = to.flow;
        let timing = self.timing(&flow).with_patience(to.patience);
        let mut out = Output::default();
        let state = State::start(invite, octets, now, &timing, &mut out);
        let next = state.next_timer();
        let mut armed = None;
        let state = Some(state);
        let client = Client { key, to: to.clone(), state, armed, fallback, retried: false, quiet };
        let handle = self.clients.insert(client).ok_or(RequestError::TooMany)?;
        let id = ClientId(handle.as_u64());
        self.alarms.arm(&mut armed, Owner::Client(id), next);
        if let Some(client) = self.clients.get_mut(handle) {
            client.armed = armed;
        }
        self.client_keys.insert(key, id);
        if flow.transport.is_reliable() {
            self.streams.insert((flow.remote, Owner::Client(id)));
        }
        self.counters.client_transactions = self.clients.len();
        if let Some(octets) = out.transmit {
            self.transmit(to, octets, Some(Owner::Client(id).ticket(false)));
        }
        Ok(id)
    }

    fn remove_client(&mut self, id: ClientId) -> Option<Client> {
        let client = self.clients.remove(id.handle())?;
        if self.client_keys.get(&client.key) == Some(&id) {
            self.client_keys.remove(&client.key);
        }
        if let Some(armed) = client.armed {
            self.alarms.disarm(armed, Owner::Client(id));
        }
        if client.to.flow.transport.is_reliable() {
            self.streams.remove(&(client.to.flow.remote, Owner::Client(id)));
        }
        self.counters.client_transactions = self.clients.len();
        Some(client)
    }

    /// What a request leads to over a stream goes over the connection that its response came by:
    /// the CANCEL, say, and the news that it is closed.
    fn follow_connection(&mut self, id: ClientId, flow: &Flow) {
        let Some(client) = self.clients.get_mut(id.handle()) else { return };
        if client.to.flow.connection.is_none()
            && flow.connection.is_some()
            && client.to.flow.transport == flow.transport
            && client.to.flow.remote == flow.remote
        {
            client.to.flow.connection = flow.connection;
        }
    }

    /// Puts our Via on top and chooses the transport by the size (§18.1.1).
    fn write(
        &self,
        request: &mut Request,
        to: Destination,
        branch: &Branch,
    ) -> Result<Written, RequestError> {
        let flow = to.flow;
        let via = self.via(&flow, branch).ok_or(RequestError::NoListener)?;
        request.headers_mut().push_top_parts(HeaderName::Via, &via.parts());
        let octets = request.to_bytes();
        if flow.transport != Transport::Udp || octets.len() <= DATAGRAM_MOST {
            return Ok(Written { octets, to, fallback: None });
        }
        let Some(stream) = self.config.flow_to(Transport::Tcp, flow.remote) else {
            return Ok(Written { octets, to, fallback: None });
        };
        let Some(stream_via) = self.via(&stream, branch) else {
            return Ok(Written { octets, to, fallback: None });
        };
        request.headers_mut().replace_first(HeaderName::Via, stream_via.parts().concat());
        let fallback = Some(Box::new(Fallback { flow, via: via.parts().concat() }));
        Ok(Written { octets: request.to_bytes(), to: stream.into(), fallback })
    }

    /// Our Via for a flow. Over UDP it asks for the port (RFC 3581 §3), so that the response finds
    /// its way back through an address translator.
    fn via<'a>(&'a self, flow: &Flow, branch: &'a Branch) -> Option<OwnVia<'a>> {
        let is_alias = self.config.offers_alias && flow.transport == Transport::Tls;
        Some(OwnVia {
            transport: flow.transport.as_via(),
            sent_by: self.config.sent_by(flow)?,
            branch: branch.as_str(),
            rport: if flow.transport.is_reliable() { "" } else { ";rport" },
            alias: if is_alias { ";alias" } else { "" },
            offer: if self.config.offers_overload_control { OFFER } else { "" },
        })
    }
}

/// A Via of ours before it is written.
struct OwnVia<'a> {
    transport: &'static str,
    sent_by: Cow<'a, str>,
    branch: &'a str,
    rport: &'static str,
    alias: &'static str,
    offer: &'static str,
}

impl OwnVia<'_> {
    fn parts(&self) -> [&str; 9] {
        let Self { transport, sent_by, branch, rport, alias, offer } = self;
        ["SIP/2.0/", transport, " ", sent_by, ";branch=", branch, rport, alias, offer]
    }
}
