//! The user agent (RFC 3261 §8, §10.2, §11, §13 to §15): places and receives calls, registers, asks,
//! sends messages.
//!
//! Two things are kept apart. An *action* is one thing somebody asked for; it may take several
//! requests (with credentials, to another target) and ends with exactly one [`Outcome`]. A *call*
//! is what an INVITE begins; it outlives the action that placed it and ends with
//! [`Event::Ended`].
//!
//! Where to begin: [`Command`] and [`Event`]; then `send.rs`, where the requests of an action go
//! out, `client.rs`, where what [`reaction`](crate::reaction) decides about their answers is carried
//! out, and `server.rs`, where requests come in.

use std::collections::{HashMap, VecDeque};

use crate::auth;
use crate::dialog::DialogId;
use crate::endpoint::{self, ClientId, Endpoint, ServerId};
use crate::locate;
use crate::node::{Input, Node, Output, ResolveId};
use crate::time::Time;

mod accept;
mod agreement;
mod challenge;
mod choose;
mod client;
mod conclude;
mod consider;
mod dialog_requests;
mod early;
mod flow;
mod fork;
mod gate;
mod in_call;
mod incoming;
mod judge;
mod keep;
mod learn;
mod locating;
mod means;
mod message;
mod negotiate;
mod perform;
mod place;
mod publish;
mod register;
mod reliable;
mod send;
mod server;
mod session_timer;
mod sign;
mod state;
mod subscribe;
mod words;
mod write;

pub use words::{
    Acceptance, ActionId, Answer, Ask, Attempt, CallId, Command, Conclusion, EndCause, Event,
    Identifiers, Identity, InCall, Incoming, LookUp, Misuse, NoAnswer, Outbound, Outcome, Part,
    Patience, PlaceCall, Playbook, Progress, Publish, Push, Question, Register, Reinvite,
    Reliability, Remembered, Reply, Script, SendMessage, Side, Sign, SignId, Signatures, Step,
    Subscribe, Substate, Unbind, Unregister, UserAgentConfig,
};

use state::{
    Action, ActionKey, Agreements, AnsweredInvite, Call, HangUp, LatePrack, Memory, Performance,
    Resolving, Subject, Timers, Turns,
};
/// A user agent; see [`Node`] for how it is driven.
#[derive(Debug)]
pub struct UserAgent {
    config: UserAgentConfig,
    endpoint: Endpoint,
    auth: auth::Client,
    memory: Memory,
    actions: HashMap<ActionKey, Action>,
    names: HashMap<ActionId, ActionKey>,
    calls: HashMap<CallId, Call>,
    dialogs: HashMap<DialogId, CallId>,
    clients: HashMap<ClientId, ActionKey>,
    servers: HashMap<ServerId, CallId>,
    /// INVITEs that had a 2xx: more may come, of other forks (RFC 3261 §13.2.2.4).
    answered: HashMap<ClientId, AnsweredInvite>,
    /// Questions to the DNS, and since when they wait.
    resolving: HashMap<ResolveId, (Resolving, locate::Question, Time)>,
    /// Requests that are being answered by the playbook.
    performances: HashMap<ServerId, Performance>,
    turns: Turns,
    /// Reliable provisional responses whose call was refused before they were acknowledged.
    late_pracks: VecDeque<LatePrack>,
    /// What was agreed on with first hops (RFC 3329).
    agreements: Agreements,
    /// Judges the credentials that the playbook's challenges ask for.
    guard: Option<auth::Authenticator>,
    timers: Timers<Subject>,
    events: VecDeque<Output<Question, Event>>,
    last_number: u64,
    last_call: u64,
    shutting_down: bool,
}

impl UserAgent {
    /// A user agent. `seed` makes tags, branches and Call-IDs and is to be unpredictable outside
    /// of tests.
    #[must_use]
    pub fn new(mut config: UserAgentConfig, seed: [u8; 32]) -> Self {
        // A request that comes by two ways is one too many for a user agent (RFC 3261 §8.2.2.2).
        config.endpoint.refuse_merged = true;
        let mut auth = auth::Client::new(config.auth, config.accounts.clone());
        auth.set_floors(std::mem::take(&mut config.algorithms));
        Self {
            endpoint: Endpoint::new(config.endpoint.clone(), seed),
            auth,
            memory: Memory::new(std::mem::take(&mut config.remembered)),
            config,
            actions: HashMap::new(),
            names: HashMap::new(),
            calls: HashMap::new(),
            dialogs: HashMap::new(),
            clients: HashMap::new(),
            servers: HashMap::new(),
            answered: HashMap::new(),
            resolving: HashMap::new(),
            performances: HashMap::new(),
            turns: Turns::default(),
            late_pracks: VecDeque::new(),
            agreements: HashMap::new(),
            guard: None,
            timers: Timers::new(),
            events: VecDeque::new(),
            last_number: 0,
            last_call: 0,
            shutting_down: false,
        }
    }

    /// The endpoint below, for its counters.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Calls at this moment.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.values().filter(|call| call.told).count()
    }

    /// Calls are counted by themselves: their numbers are shown to people.
    const fn next_call(&mut self) -> CallId {
        self.last_call += 1;
        CallId(self.last_call)
    }

    fn number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn tell(&mut self, event: Event) {
        self.events.push_back(Output::Event(event));
    }

    fn command(&mut self, now: Time, command: Command) {
        match command {
            Command::Call(place) => self.place_call(now, place),
            Command::Register(register) => self.register(now, register),
            Command::Unregister(unregister) => self.unregister(now, unregister),
            Command::Publish(publish) => self.publish(now, publish),
            Command::Subscribe(subscribe) => self.subscribe(now, subscribe),
            Command::Options(ask) => self.options(now, ask),
            Command::Message(message) => self.message(now, message),
            Command::InCall(request) => self.request_in_call(now, request),
            Command::Reinvite(reinvite) => self.reinvite(now, reinvite),
            Command::Remember(entry) => self.memory.remember(entry),
            Command::Forget(old) => {
                self.memory.forget(&old);
            }
            Command::Choose { action, pick } => self.chosen(now, action, pick),
            Command::Stop(action) => self.stop(now, action, Conclusion::Stopped),
            Command::Respond { call, reply } => self.respond(now, call, reply),
            Command::Play { call, script } => self.play(now, call, script),
            Command::Media { call, address } => self.media_known(now, call, address),
            Command::Hangup(call) => self.hang_up(now, call, Side::Local, HangUp::Asked),
            Command::Shutdown => self.shut_down(now),
        }
    }

    fn shut_down(&mut self, now: Time) {
        self.shutting_down = true;
        let mut actions: Vec<_> = self.names.keys().copied().collect();
        actions.sort_unstable();
        for action in actions {
            self.stop(now, action, Conclusion::Stopped);
        }
        let mut calls: Vec<_> = self.calls.keys().copied().collect();
        calls.sort_unstable();
        for call in calls {
            self.hang_up(now, call, Side::Local, HangUp::Asked);
        }
    }

    fn tell_idle(&mut self) {
        if self.shutting_down && self.actions.is_empty() && self.calls.is_empty() {
            self.shutting_down = false;
            self.tell(Event::Idle);
        }
    }

    fn resolved(&mut self, now: Time, id: ResolveId, answer: locate::Answer) {
        match self.resolving.remove(&id) {
            Some((Resolving::Action(key), question, asked)) => {
                self.action_answered(now, key, (question, asked), answer);
            }
            Some((Resolving::Ack(call), question, _)) => {
                self.ack_answered(now, call, &question, &answer);
            }
            None => {}
        }
    }

    fn run_timers(&mut self, now: Time) {
        while let Some(subject) = self.timers.take_due(now) {
            match subject {
                Subject::Action(key) => self.action_due(now, key),
                Subject::Call(call) => self.call_due(now, call),
                Subject::Performance(server) => self.performance_due(now, server),
                Subject::Flow(key) => self.flow_due(now, key),
                Subject::Answered(client) => {
                    self.answered.remove(&client);
                }
            }
        }
    }

    fn take_endpoint_events(&mut self, now: Time) {
        while let Some(event) = self.endpoint.next_event() {
            match event {
                endpoint::Event::Request { id, request, flow } => {
                    self.request_came(now, id, request, flow);
                }
                endpoint::Event::Ack { request, .. } => self.ack_came(now, &request),
                endpoint::Event::Cancelled { id, cancel } => self.cancelled(now, id, &cancel),
                endpoint::Event::Response { id, response, flow } => {
                    self.response_came(now, id, &response, &flow);
                }
                endpoint::Event::Failed { id, failure } => self.request_failed(now, id, failure),
                // Not asked for.
                endpoint::Event::StrayCancel { .. } | endpoint::Event::StrayResponse { .. } => {}
                endpoint::Event::Acknowledged { .. } => {}
                endpoint::Event::Unacknowledged { .. } => {}
            }
        }
    }
}

impl Node for UserAgent {
    type Question = Question;
    type Answer = Answer;
    type Command = Command;
    type Event = Event;

    fn handle(&mut self, now: Time, input: Input<Answer, Command>) {
        match input {
            Input::Datagram { flow, octets } => self.endpoint.handle_datagram(now, flow, octets),
            Input::Frame { flow, frame } => self.endpoint.handle_frame(now, flow, frame),
            Input::Undelivered { ticket, fault } => {
                self.endpoint.handle_undelivered(now, ticket, fault);
            }
            Input::Closed { flow } => {
                self.endpoint.handle_closed(now, flow);
                self.take_endpoint_events(now);
                self.flow_closed(now, &flow);
            }
            Input::Resolved { id, answer } if self.endpoint.handle_resolved(id, &answer) => {}
            Input::Resolved { id, answer } => self.resolved(now, id, answer),
            Input::Command(command) => self.command(now, command),
            Input::Answer(Answer::Signed { id, signature }) => self.signed(now, id, signature),
            Input::Deadline => {
                self.endpoint.handle_deadline(now);
                self.take_endpoint_events(now);
                self.run_timers(now);
            }
        }
        self.take_endpoint_events(now);
        self.tell_idle();
    }

    fn next_output(&mut self) -> Option<Output<Question, Event>> {
        if let Some(transmit) = self.endpoint.next_transmit() {
            return Some(Output::Transmit(transmit));
        }
        if let Some((flow, address)) = self.endpoint.next_alias() {
            return Some(Output::Alias { flow, address });
        }
        if let Some((id, question)) = self.endpoint.next_resolve() {
            return Some(Output::Resolve { id, question });
        }
        if let Some(flow) = self.endpoint.next_close() {
            return Some(Output::Close(flow));
        }
        self.events.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        [self.endpoint.deadline(), self.timers.earliest()].into_iter().flatten().min()
    }
}
