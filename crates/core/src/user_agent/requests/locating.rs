//! How a request of an action finds its server (RFC 3261 §8.1.2, RFC 3263 §4).

use antiphon_sip::{Response, StatusCode, Transport, Uri};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, Got, Held, Resolving, State};
use super::super::words::{Event, LookUp, NoAnswer};
use crate::flow::Fault;
use crate::locate::{self, Answer, Hop, Next, Question, Reach, Search};
use crate::node::{Output, ResolveId};
use crate::reaction::Server;
use crate::time::Time;

impl UserAgent {
    /// The next hop that a URI names. Where the URI leaves the transport open, requests outside of
    /// dialogs take the one that is configured; so do those within a dialog if there is no UDP
    /// here, which is what the other side meant (RFC 3263 §4.1).
    pub(in crate::user_agent) fn hop(&self, uri: &Uri<'_>, in_dialog: bool) -> Option<Hop> {
        let mut hop = Hop::of(uri).ok()?;
        if hop.is_secure || hop.transport.is_some() {
            return Some(hop);
        }
        let listeners = &self.config.endpoint.listeners;
        let has_udp = listeners.iter().any(|listener| listener.transport == Transport::Udp);
        if !(in_dialog && has_udp) {
            hop.transport = self.config.transport;
        }
        Some(hop)
    }

    /// Begins to search for the servers of a hop; the first is sent to as soon as it is known.
    pub(in crate::user_agent) fn locate(&mut self, now: Time, key: ActionKey, hop: Hop) {
        if let Some(server) = hop.place() {
            let Some(action) = self.actions.get_mut(&key) else { return };
            action.search = None;
            action.servers.clear();
            action.server = Some(Server::new(server.transport, server.address));
            return self.send(now, key, true);
        }
        let reach = Reach::of(&self.config.endpoint.listeners);
        let search = Search::new(hop, reach, self.endpoint.random());
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.search = Some(Box::new(search));
        action.held = None;
        action.state = State::Locating;
        self.search_on(now, key);
    }

    /// The DNS has answered for an action.
    pub(in crate::user_agent) fn action_answered(
        &mut self,
        now: Time,
        key: ActionKey,
        (question, asked): (Question, Time),
        answer: Answer,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let Some(search) = &mut action.search else { return };
        search.answered(&question, &answer);
        if let Some(action) = action.id {
            let look_up = LookUp { question, answer, asked, answered: now };
            self.tell(Event::LookedUp { action, look_up });
        }
        self.search_on(now, key);
    }

    /// Asks what is to be asked next; sends the request if it waits for a server that is known now.
    fn search_on(&mut self, now: Time, key: ActionKey) {
        self.ask_for(now, key);
        let Some(action) = self.actions.get_mut(&key) else { return };
        if !matches!(action.state, State::Locating) {
            return;
        }
        match self.look_ahead(now, key) {
            Next::Wait => self.arm_action(key),
            next => match self.actions.get_mut(&key).and_then(|action| action.held.take()) {
                Some(Held { got, response }) => self.settle(now, key, got, response.as_ref()),
                None => self.first(now, key, next),
            },
        }
    }

    /// Sends to the first server, if there is one.
    fn first(&mut self, now: Time, key: ActionKey, next: Next) {
        let Next::Server(server) = next else {
            let listeners = &self.config.endpoint.listeners;
            let action = self.actions.get_mut(&key);
            let Some(search) = action.and_then(|action| action.search.as_mut()) else { return };
            // Only who has asked for the last server knows why there is none.
            search.next(listeners, |_| false);
            let why = search.why();
            return self.went_nowhere(now, key, NoAnswer::Unlocated(why));
        };
        let server = Server::new(server.transport, server.address);
        self.tell_servers(now, key);
        self.take_server(now, key, server);
        self.send(now, key, true);
    }

    /// Asks the questions of an action's search.
    fn ask_for(&mut self, now: Time, key: ActionKey) {
        let mut questions = Vec::new();
        if let Some(search) = self.actions.get_mut(&key).and_then(|action| action.search.as_mut()) {
            questions.extend(std::iter::from_fn(|| search.next_question()));
        }
        for question in questions {
            self.resolve(now, question, Resolving::Action(key));
        }
    }

    pub(in crate::user_agent) fn resolve(
        &mut self,
        now: Time,
        question: Question,
        whose: Resolving,
    ) {
        let id = ResolveId(self.number());
        self.resolving.insert(id, (whose, question.clone(), now));
        self.events.push_back(Output::Resolve { id, question });
    }

    /// The servers of an action's hop that were not tried yet, as far as they are known.
    pub(super) fn know_servers(&mut self, now: Time, key: ActionKey) {
        let servers = self.known_servers(now, key);
        if let Some(action) = self.actions.get_mut(&key)
            && action.search.is_some()
        {
            action.servers = servers;
        }
    }

    fn known_servers(&self, now: Time, key: ActionKey) -> Vec<Server> {
        let Some(search) = self.actions.get(&key).and_then(|action| action.search.as_ref()) else {
            return Vec::new();
        };
        let known =
            search.known(&self.config.endpoint.listeners, |server| self.memory.rests(now, server));
        known.into_iter().map(|server| Server::new(server.transport, server.address)).collect()
    }

    /// Takes a server out of the search, with those before it, which are passed over.
    pub(super) fn take_server(&mut self, now: Time, key: ActionKey, server: Server) {
        let listeners = &self.config.endpoint.listeners;
        let Some(action) = self.actions.get_mut(&key) else { return };
        if let Some(search) = &mut action.search {
            let rests = |server: &locate::Server| self.memory.rests(now, server);
            while let Next::Server(next) = search.next(listeners, rests)
                && next != server.place()
            {}
        }
        action.servers.retain(|other| *other != server);
        action.server = Some(server);
    }

    /// Goes on with another address of the same host while a connection is being made (RFC 8305 §5).
    /// Whether there was one.
    pub(super) fn try_beside(&mut self, now: Time, key: ActionKey) -> bool {
        let Some(action) = self.actions.get_mut(&key) else { return false };
        if let Some(attempt) = action.tried.last_mut() {
            attempt.answered_at = Some(now);
            attempt.failure = Some(NoAnswer::Transport(Fault::NotYet));
        }
        let told = action.id.zip(action.tried.last().cloned());
        if action.waiting().is_some_and(|waiting| waiting.stopped.is_some()) {
            return false;
        }
        let (Some(search), Some(server)) = (&mut action.search, action.server) else {
            return false;
        };
        search.leave(&server.place());
        let Next::Server(next) = self.look_ahead(now, key) else { return false };
        if let Some((action, attempt)) = told {
            self.tell(Event::Answered { action, attempt });
        }
        self.take_server(now, key, Server::new(next.transport, next.address));
        self.send(now, key, false);
        true
    }

    /// Whether a failure has to wait for the DNS: another server would be tried, and there may be
    /// one.
    pub(in crate::user_agent) fn holds(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
    ) -> bool {
        let Some(action) = self.actions.get(&key) else { return false };
        if !goes_elsewhere(action, got) || self.look_ahead(now, key) != Next::Wait {
            return false;
        }
        let Some(action) = self.actions.get_mut(&key) else { return false };
        action.held = Some(Held { got, response: response.cloned() });
        action.state = State::Locating;
        self.arm_action(key);
        true
    }

    /// What the search would give next.
    fn look_ahead(&self, now: Time, key: ActionKey) -> Next {
        let Some(search) = self.actions.get(&key).and_then(|action| action.search.as_ref()) else {
            return Next::Over;
        };
        let listeners = &self.config.endpoint.listeners;
        search.as_ref().clone().next(listeners, |server| self.memory.rests(now, server))
    }

    /// Tells in which order the servers will be tried.
    fn tell_servers(&mut self, now: Time, key: ActionKey) {
        let servers = self.known_servers(now, key);
        let Some(action) = self.actions.get(&key).and_then(|action| action.id) else { return };
        let servers =
            servers.into_iter().map(|server| (server.transport, server.address)).collect();
        self.tell(Event::Located { action, servers });
    }
}

/// Whether a failure is one after which another server is tried (RFC 3263 §4.3).
fn goes_elsewhere(action: &Action, got: Got) -> bool {
    match got {
        Got::Response(status) => status == StatusCode::SERVICE_UNAVAILABLE,
        Got::Failure(NoAnswer::Transport(_)) => true,
        Got::Failure(NoAnswer::Timeout) => {
            !matches!(&action.state, State::Waiting(waiting) if waiting.answered)
        }
        Got::Failure(_) => false,
    }
}
