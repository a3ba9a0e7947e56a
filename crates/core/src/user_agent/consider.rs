//! What is looked at when a request has come to its end, and what is noted of it. What is done
//! about it is decided by [`reaction()`](crate::reaction::reaction) and carried out in `client.rs`.

use std::time::Duration;

use antiphon_sip::{OptionTag, Request, Response, StatusCode, Transport};

use super::UserAgent;
use super::action::{Action, ActionKey, Base, Purpose, State};
use super::config::Reliability;
use super::event::Event;
use super::keep::{Phase, Soft};
use super::outcome::NoAnswer;
use crate::flow::Flow;
use crate::reaction::{
    self, Account, Body, Decision, Inputs, Means, Place, Policy, Reaction, Server, Told, reaction,
    told,
};
use crate::time::Time;

/// What came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Got {
    Response(StatusCode),
    Failure(NoAnswer),
}

impl UserAgent {
    /// Decides about what came, and notes it with the last attempt.
    pub(super) fn consider(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
    ) -> Option<Decision> {
        self.pass_over_resting(now, key);
        let random = self.endpoint.random();
        let (mut decision, mut told) = self.decide(now, key, got, response, random, true)?;
        if let (Reaction::AnswerChallenge { realms, .. }, Some(response)) =
            (&decision.reaction, response)
            && !self.make_credentials(key, response, realms)
        {
            // The credentials that there are do not fit what is asked for.
            (decision, told) = self.decide(now, key, got, Some(response), random, false)?;
        }
        self.note(now, key, got, response, &decision, told);
        if let Some(response) = response {
            self.learn(now, key, response, &decision);
        }
        Some(decision)
    }

    fn decide(
        &self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        random: u64,
        with_accounts: bool,
    ) -> Option<(Decision, Told)> {
        let action = self.actions.get(&key)?;
        let request = match &action.last {
            Some(last) => last.clone(),
            None => unsent(action)?,
        };
        let mut means = self.means(action);
        if !with_accounts {
            means.accounts.clear();
        }
        let policy = self.policy(action);
        let proceeding = matches!(&action.state, State::Waiting(waiting) if waiting.answered);
        let inputs = Inputs {
            got: match (got, response) {
                (Got::Response(_), Some(response)) => reaction::Got::Response(response),
                (Got::Failure(NoAnswer::Timeout), _) => reaction::Got::Timeout { proceeding },
                _ => reaction::Got::TransportError,
            },
            request: &request,
            place: self.place(action),
            purpose: purpose(action),
            server: action.server,
            servers_left: &action.servers,
            history: &action.history,
            means: &means,
            policy: &policy,
            authentic: action.authentic,
            time_left: action.deadline.map(|deadline| deadline.since(now)),
            random,
        };
        let decision = reaction(&inputs);
        let told = told(&inputs, &decision);
        Some((decision, told))
    }

    fn place(&self, action: &Action) -> Place {
        let Some(call) = action.draft.base.call() else {
            // A subscription's dialog was begun here.
            return if action.in_dialog() { Place::Dialog { owner: true } } else { Place::Outside };
        };
        // Whoever placed the call made its Call-ID (RFC 3261 §14.1).
        Place::Dialog { owner: self.calls.get(&call).is_some_and(|call| call.action.is_some()) }
    }

    fn means(&self, action: &Action) -> Means {
        let account =
            |account: &crate::auth::Account| Account { realm: account.realm().map(str::to_owned) };
        let floors = self.auth.floors().map(|(realm, strength)| (realm.to_owned(), strength));
        let listeners = &self.config.endpoint.listeners;
        Means {
            accounts: self.config.accounts.iter().map(account).collect(),
            floors: floors.collect(),
            stream: self.stream_of(action),
            own_addresses: listeners.iter().map(|listener| listener.local).collect(),
            publication: publication(action),
            still_wanted: matches!(&action.purpose, Purpose::Keep(upkeep) if upkeep.is_kept()),
            cancelled: matches!(&action.state, State::Waiting(waiting) if waiting.stopped.is_some()),
            ..Means::default()
        }
    }

    /// The same server by TCP, if its URI leaves the transport open (RFC 3263 §4.1).
    fn stream_of(&self, action: &Action) -> Option<Server> {
        let server = action.server.filter(|server| server.transport == Transport::Udp)?;
        let stream = Server::new(Transport::Tcp, server.address);
        let is_there = self.endpoint.listener_for(stream.transport, stream.address).is_some();
        (action.transport_is_open && is_there).then_some(stream)
    }

    fn policy(&self, action: &Action) -> Policy {
        let mut policy = self.config.policy.clone();
        let reliable = self.config.reliability;
        policy.allow_md5 &= self.config.auth.allow_md5;
        // Neither is set up here: TLS on demand, and the digest that binds the agreement.
        policy.mechanisms.clear();
        policy.extensions.extend([OptionTag::EarlyDialogTerminated, OptionTag::Timer]);
        if reliable != Reliability::Never {
            policy.extensions.push(OptionTag::Rel100);
        }
        if reliable == Reliability::Required {
            policy.insisted.push(OptionTag::Rel100);
        }
        policy.insisted.extend(asked_for(action));
        let identity = self.config.identity.uri.as_uri();
        if policy.own_domain.is_none() {
            policy.own_domain = identity.as_sip().map(|uri| uri.host.to_string());
        }
        policy.outbound_proxies.extend(self.config.proxy.clone());
        policy
    }

    /// Writes into the history what became of the last request, and tells it.
    fn note(
        &mut self,
        now: Time,
        key: ActionKey,
        got: Got,
        response: Option<&Response>,
        decision: &Decision,
        told: Told,
    ) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        let id = action.id;
        let Some(attempt) = action.tried.last_mut() else { return };
        attempt.answered_at = Some(now);
        attempt.did = Some(decision.reaction.kind());
        attempt.stopped.clone_from(&decision.stopped);
        attempt.told = Some(Box::new(told));
        match got {
            Got::Response(status) => attempt.code = Some(status),
            Got::Failure(failure) => attempt.failure = Some(failure),
        }
        if let Some(response) = response {
            response.reason().clone_into(&mut attempt.reason);
        }
        let attempt = attempt.clone();
        if let Some(action) = id {
            self.tell(Event::Answered { action, attempt });
        }
    }
}

/// Whether a response may change what outlives the action: it came from where the request went,
/// and belongs to it. The branch was compared when its transaction was found.
pub(super) fn is_authentic(
    request: &Request,
    sent: &Flow,
    response: &Response,
    from: &Flow,
) -> bool {
    sent.transport == from.transport
        && sent.remote == from.remote
        && request.call_id() == response.call_id()
        && request.cseq() == response.cseq()
        && request.from_tag() == response.from_tag()
}

/// The time to wait before what is in the way is looked at again.
pub(super) const BUSY: Duration = Duration::from_millis(500);

/// A request for what never came to one: nobody hears it, but it is what is decided about.
fn unsent(action: &Action) -> Option<Request> {
    let target = action.history.targets().current().clone();
    let identity = format!("<{target}>");
    Request::builder(action.draft.method.clone(), target)
        .identity(format_args!("{identity};tag=0"), &identity, "0", 1)
        .build()
        .ok()
}

/// What a first publication would say.
fn publication(action: &Action) -> Option<Body> {
    match &action.purpose {
        Purpose::Keep(upkeep) => match &upkeep.soft {
            Soft::Publication(publication) => Some(publication.state.clone()),
            Soft::Registration | Soft::Subscription(_) => None,
        },
        _ => None,
    }
}

const fn purpose(action: &Action) -> reaction::Purpose {
    match &action.purpose {
        Purpose::Keep(upkeep) if matches!(upkeep.phase, Phase::Kept) => {
            reaction::Purpose::SoftState
        }
        _ => reaction::Purpose::Once,
    }
}

/// The extensions that the commander requires by a header field of their own.
fn asked_for(action: &Action) -> Vec<OptionTag> {
    let required =
        action.draft.headers.iter().filter(|(name, _)| name.eq_ignore_ascii_case("Require"));
    required
        .flat_map(|(_, value)| value.split(','))
        .filter_map(|tag| OptionTag::from_bytes(tag.trim().as_bytes()))
        .take(16)
        .collect()
}

impl Action {
    /// The preloaded route set, for requests outside of a dialog.
    pub(super) const fn routes(&mut self) -> Option<&mut crate::dialog::RouteSet> {
        match &mut self.draft.base {
            Base::Outside { routes, .. } => Some(routes),
            Base::Dialog(_) | Base::Early(..) | Base::Subscription(_) => None,
        }
    }
}
