//! How a request of an action finds its server and gets there.

use std::net::SocketAddr;

use antiphon_sip::header::Contact;
use antiphon_sip::{HeaderName, Request, Transport, UriBuf};

use super::super::UserAgent;
use super::super::state::{Action, ActionKey, Base, Call, Got, State, Waiting, wants_tls};
use super::super::words::{Attempt, Conclusion, Event, Misuse, NoAnswer};
use crate::auth;
use crate::endpoint::RequestError;
use crate::flow::{Destination, Fault, Flow};
use crate::time::Time;

impl UserAgent {
    /// Begins an action.
    pub(in crate::user_agent) fn begin(&mut self, now: Time, mut action: Action) {
        let key = ActionKey(self.number());
        if let Some(id) = action.id {
            self.names.insert(id, key);
        }
        if let Some(call) = action.draft.base.call()
            && let Some(call) = self.calls.get_mut(&call)
        {
            call.actions.push(key);
        }
        if !action.in_dialog() {
            action.history = self.new_history(now, &action);
            action.manner = self.first_manner(&action);
        }
        self.actions.insert(key, action);
        self.route(now, key);
    }

    /// Finds the server of the current target (RFC 3261 §8.1.2, RFC 3263 §4).
    pub(in crate::user_agent) fn route(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let next_hop = match &action.draft.base {
            Base::Outside { routes, .. } => {
                routes.apply(action.history.targets().current()).next_hop
            }
            Base::Dialog(call) => {
                let Some(talking) = self.calls.get_mut(call).and_then(Call::talking) else {
                    return self.conclude(now, key, Conclusion::Misused(Misuse::WrongState), None);
                };
                let dialog = &talking.dialog;
                // What a 3xx moves within a dialog keeps the route set (§12.2.1.2).
                let moved = action.is_moved().then(|| action.history.targets().current());
                dialog.routes().apply(moved.unwrap_or(dialog.remote_target())).next_hop
            }
            Base::Early(_, dialog) => dialog.routes().apply(dialog.remote_target()).next_hop,
            Base::Subscription(dialog) => dialog.routes().apply(dialog.remote_target()).next_hop,
        };
        let uri = next_hop.as_uri();
        let Some(hop) = self.hop(&uri, action.in_dialog()) else {
            return self.went_nowhere(now, key, NoAnswer::NoWayThere);
        };
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.hop = Some(hop.clone());
        action.transport_is_open = uri.as_sip().is_some_and(|sip| sip.transport().is_none());
        action.server = None;
        action.servers.clear();
        self.locate(now, key, hop);
    }

    /// Sends the request to its server. `fresh`: as a new request, not as the same one to another
    /// server (RFC 3263 §4.3).
    pub(in crate::user_agent) fn send(&mut self, now: Time, key: ActionKey, fresh: bool) {
        let server = self.actions.get(&key).and_then(|action| action.server);
        if server.is_some_and(|one| wants_tls(&self.agreements, one.transport, one.address)) {
            return self.go_over_tls(now, key);
        }
        let Some(mut action) = self.actions.remove(&key) else { return };
        let Some(to) = self.destination(&action) else {
            self.actions.insert(key, action);
            return self.went_nowhere(now, key, NoAnswer::Transport(Fault::NoListener));
        };
        let flow = to.flow;
        let request = self.write_next(&mut action, &flow, fresh);
        let request = match request {
            Ok(request) => request,
            Err(misuse) => {
                self.actions.insert(key, action);
                return self.conclude(now, key, Conclusion::Misused(misuse), None);
            }
        };
        let signed = self.with_identity(now, &mut action, request, to);
        self.actions.insert(key, action);
        match signed {
            Some((request, to)) => self.send_out(now, key, request, to),
            // It goes on when the signature has come.
            None => self.arm_action(key),
        }
    }

    /// Sends a request that is written, and signed if it is to be.
    pub(super) fn send_out(
        &mut self,
        now: Time,
        key: ActionKey,
        request: Request,
        to: Destination,
    ) {
        let Some(mut action) = self.actions.remove(&key) else { return };
        let flow = to.flow;
        let server = Some((flow.transport, flow.remote));
        let attempt = attempt(&action, now, server, request.cseq());
        action.tried.push(attempt.clone());
        action.history.sent(&request, action.server);
        if let Some(server) = action.server {
            self.memory.tries(now, &server.place());
        }
        action.bound = own_contact(&request);
        action.last = Some(request.clone());
        let id = action.id;
        let sent = self.endpoint.request(now, request.clone(), to, None);
        match sent {
            Ok(client) => {
                let waiting = Waiting { client, request, flow, answered: false, stopped: None };
                action.state = State::Waiting(Box::new(waiting));
                action.ring_deadline = None;
                self.clients.insert(client, key);
                self.actions.insert(key, action);
                self.arm_action(key);
                if let Some(action) = id {
                    self.tell(Event::Attempt { action, attempt });
                }
            }
            Err(error) => {
                self.actions.insert(key, action);
                let fault = match error {
                    RequestError::NoListener => Fault::NoListener,
                    _ => Fault::Stalled,
                };
                self.settle(now, key, Got::Failure(NoAnswer::Transport(fault)), None);
            }
        }
    }

    /// Writes the next request: with the credentials just made, or with those that its realms
    /// are known to want.
    fn write_next(
        &mut self,
        action: &mut Action,
        flow: &Flow,
        fresh: bool,
    ) -> Result<Request, Misuse> {
        let made = action.credentials.take();
        let realms = self.known_realms(action);
        let mut request = self.write(action, flow, fresh)?;
        let outgoing = auth::Outgoing {
            method: request.method().as_str(),
            uri: request.uri_text(),
            body: request.body(),
        };
        let credentials = match made {
            Some(made) => made,
            None => {
                let mut headers = self.auth.headers(&action.auth, &outgoing);
                for (side, realm) in realms {
                    let given = self.auth.preempt(&mut action.auth, side, &realm, &outgoing);
                    if given.is_some() {
                        action.history.gave_credentials(side, &realm);
                    }
                    headers.extend(given);
                }
                headers
            }
        };
        self.keep_agreement(action, &credentials, &mut request);
        for credential in credentials {
            let name = match credential.side {
                auth::Side::Server => HeaderName::Authorization,
                auth::Side::Proxy => HeaderName::ProxyAuthorization,
            };
            request.headers_mut().push(name, credential.value);
        }
        Ok(request)
    }

    /// The way to the server of an action: from the listener of ours that fits transport and
    /// address family.
    fn destination(&self, action: &Action) -> Option<Destination> {
        let (server, hop) = (action.server?, action.hop.as_ref()?);
        let to = hop.over(self.endpoint.flow_to(server.transport, server.address)?);
        let lifetime = 64 * self.config.endpoint.intervals.t1;
        let search = action.search.as_ref();
        let patience = search.and_then(|search| search.patience(lifetime));
        let connect_within = search.and_then(|search| search.attempt_delay());
        Some(Destination { patience, connect_within, ..to })
    }

    /// Notes an attempt that did not come to a request.
    pub(super) fn went_nowhere(&mut self, now: Time, key: ActionKey, failure: NoAnswer) {
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.last = None;
        action.authentic = false;
        let nowhere = attempt(action, now, None, 0);
        action.tried.push(nowhere);
        self.settle(now, key, Got::Failure(failure), None);
    }
}

/// A request that is about to go to this server.
fn attempt(
    action: &Action,
    at: Time,
    server: Option<(Transport, SocketAddr)>,
    cseq: u32,
) -> Attempt {
    Attempt {
        method: action.draft.method.clone(),
        target: action.history.targets().current().clone(),
        server,
        at,
        cseq,
        answered_at: None,
        code: None,
        reason: String::new(),
        failure: None,
        did: None,
        stopped: Vec::new(),
        told: None,
    }
}

fn own_contact(request: &Request) -> Option<UriBuf> {
    let contact = request.headers().first::<Contact<'_>>().ok().flatten()?;
    UriBuf::parse(contact.address()?.uri_text).ok()
}
