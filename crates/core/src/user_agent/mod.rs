//! The user agent (RFC 3261 §8, §10.2, §11, §13 to §15): places and receives calls, registers,
//! asks, sends messages.
//!
//! Two things are kept apart. An *action* is one thing somebody asked for; it may take several
//! requests (with credentials, to another target) and ends with exactly one [`Outcome`]. A *call*
//! is what an INVITE begins; it outlives the action that placed it and ends with
//! [`Event::Ended`].
//!
//! Where to begin: [`Command`] and [`Event`]; then `drive.rs`, which gives every input to the step
//! that it is for. The rooms stand on each other, and no file imports from one above it:
//!
//! - `words/`: what is commanded, told and asked. Values of the interface.
//! - `message.rs`: what is read out of messages, and put into them, in more than one room.
//! - `state/`: what is remembered from one input to the next. Knows no step.
//! - [`UserAgent`], here: the owner of all state.
//! - the steps, each an `impl UserAgent` of its own: `requests/` (an action and what it sends),
//!   `calls/`, `keeping/` (registrations, publications, subscriptions), `answers/` (what comes in
//!   outside of a call). One step goes on with another by a method of the user agent, across
//!   rooms too; what such a method is, `pub(in crate::user_agent)` says.
//! - `drive.rs`: the inputs, timers and outputs ([`Node`](crate::node::Node)).

use std::collections::{HashMap, VecDeque};

use crate::auth;
use crate::dialog::DialogId;
use crate::endpoint::{ClientId, Endpoint, ServerId};
use crate::locate;
use crate::node::{Output, ResolveId};
use crate::time::Time;

mod answers;
mod calls;
mod drive;
mod keeping;
mod message;
mod requests;
mod state;
mod words;

pub use words::{
    Acceptance, ActionId, Answer, Ask, Attempt, CallId, Command, Conclusion, EndCause, Event,
    Identifiers, Identity, InCall, Incoming, LookUp, Misuse, NoAnswer, Outbound, Outcome, Part,
    Patience, PlaceCall, Playbook, Progress, Publish, Push, Question, Register, Reinvite,
    Reliability, Remembered, Reply, Script, SendMessage, Side, Sign, SignId, Signatures, Step,
    Subscribe, Substate, Unbind, Unregister, UserAgentConfig, is_reserved,
};

use state::{
    Action, ActionKey, Agreements, AnsweredInvite, Call, LatePrack, Memory, Performance, Resolving,
    Subject, Timers, Turns,
};

/// A user agent; see [`Node`](crate::node::Node) for how it is driven.
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
}
