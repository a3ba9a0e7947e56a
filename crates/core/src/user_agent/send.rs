//! How a request of an action finds its server and gets there.

use std::net::{IpAddr, SocketAddr};

use antiphon_sip::header::Contact;
use antiphon_sip::{Request, Transport, Uri, UriBuf};

use super::action::{Action, ActionKey, Base, State, Waiting};
use super::call::Call;
use super::event::Event;
use super::outcome::{Attempt, Conclusion, Misuse, NoAnswer};
use super::react::Got;
use super::{Resolving, UserAgent};
use crate::endpoint::RequestError;
use crate::flow::{Fault, Flow};
use crate::locate::{Hop, HopHost};
use crate::node::{Output, ResolveId};
use crate::time::Time;

impl UserAgent {
    /// Begins an action.
    pub(super) fn begin(&mut self, now: Time, action: Action) {
        let key = ActionKey(self.number());
        if let Some(id) = action.id {
            self.names.insert(id, key);
        }
        if let Some(call) = action.draft.base.call()
            && let Some(call) = self.calls.get_mut(&call)
        {
            call.actions.push(key);
        }
        self.actions.insert(key, action);
        self.route(now, key);
    }

    /// Finds the server of the current target (RFC 3261 §8.1.2, RFC 3263 §4).
    pub(super) fn route(&mut self, now: Time, key: ActionKey) {
        let Some(action) = self.actions.get(&key) else { return };
        let next_hop = match &action.draft.base {
            Base::Outside { routes, .. } => routes.apply(action.targets.current()).next_hop,
            Base::Dialog(call) => {
                let Some(talking) = self.calls.get_mut(call).and_then(Call::talking) else {
                    return self.conclude(now, key, Conclusion::Misused(Misuse::WrongState), None);
                };
                let dialog = &talking.dialog;
                dialog.routes().apply(dialog.remote_target()).next_hop
            }
            Base::Early(_, dialog) => dialog.routes().apply(dialog.remote_target()).next_hop,
        };
        let uri = next_hop.as_uri();
        let Some(hop) = self.hop(&uri, action.in_dialog()) else {
            return self.went_nowhere(now, key, NoAnswer::NoWayThere);
        };
        let host = hop.host.clone();
        let Some(action) = self.actions.get_mut(&key) else { return };
        action.hop = Some(hop);
        match host {
            HopHost::Address(address) => self.located(now, key, vec![address]),
            HopHost::Name(host) => {
                let id = self.resolve(host.into(), Resolving::Action(key));
                if let Some(action) = self.actions.get_mut(&key) {
                    action.state = State::Locating(id);
                }
                self.arm_action(key);
            }
        }
    }

    /// The next hop that a URI names. Where the URI leaves the transport open, a dialog takes UDP,
    /// as RFC 3263 §4.1 has it and the other side that wrote the URI meant it, unless there is no
    /// UDP here; everything else takes the one that is configured.
    pub(super) fn hop(&self, uri: &Uri<'_>, in_dialog: bool) -> Option<Hop> {
        let mut hop = Hop::of(uri).ok()?;
        let sip = uri.as_sip()?;
        if sip.secure || sip.transport().is_some() {
            return Some(hop);
        }
        let listeners = &self.config.endpoint.listeners;
        let has_udp = listeners.iter().any(|listener| listener.transport == Transport::Udp);
        if !(in_dialog && has_udp) {
            hop.transport = self.config.transport;
            hop.port = sip.port.unwrap_or(hop.transport.default_port());
        }
        Some(hop)
    }

    pub(super) fn resolve(&mut self, host: String, whose: Resolving) -> ResolveId {
        let id = ResolveId(self.number());
        self.resolving.insert(id, whose);
        self.events.push_back(Output::Resolve { id, host });
        id
    }

    /// Takes the addresses of the hop.
    pub(super) fn located(&mut self, now: Time, key: ActionKey, addresses: Vec<IpAddr>) {
        /// Servers of one request at most.
        const MAX_SERVERS: usize = 8;
        let Some(action) = self.actions.get_mut(&key) else { return };
        if addresses.is_empty() {
            return self.went_nowhere(now, key, NoAnswer::Unresolved);
        }
        // Addresses of a family that is not spoken here are no servers.
        let endpoint = &self.endpoint;
        let hop = action.hop.as_ref();
        action.servers = addresses
            .into_iter()
            .filter(|address| hop.is_some_and(|hop| hop.flow(*address, endpoint).is_some()))
            .take(MAX_SERVERS)
            .collect();
        self.send(now, key, true);
    }

    /// Sends the request to the next server. `fresh`: as a new request, not as the same one to
    /// another server (RFC 3263 §4.3).
    pub(super) fn send(&mut self, now: Time, key: ActionKey, fresh: bool) {
        let Some(mut action) = self.actions.remove(&key) else { return };
        let flow = match (action.servers.pop_front(), &action.hop) {
            (Some(address), Some(hop)) => hop.flow(address, &self.endpoint),
            _ => None,
        };
        let Some(flow) = flow else {
            self.actions.insert(key, action);
            return self.went_nowhere(now, key, NoAnswer::Transport(Fault::NoListener));
        };
        let request = self.write_next(&mut action, &flow, fresh);
        let request = match request {
            Ok(request) => request,
            Err(misuse) => {
                self.actions.insert(key, action);
                return self.conclude(now, key, Conclusion::Misused(misuse), None);
            }
        };
        let server = Some((flow.transport, flow.remote));
        let attempt = attempt(&action, now, server, request.cseq());
        action.tried.push(attempt.clone());
        action.bound = own_contact(&request);
        let id = action.id;
        let sent = self.endpoint.request(now, request.clone(), flow, None);
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
        let target = action.targets.current().clone();
        let made = action.credentials.take();
        let realms = self.known_realms(action);
        let attempt = &mut action.auth;
        self.write(&mut action.draft, &target, flow, fresh, |client, outgoing| {
            made.unwrap_or_else(|| {
                let mut headers = client.headers(attempt, outgoing);
                for (side, realm) in realms {
                    headers.extend(client.preempt(attempt, side, &realm, outgoing));
                }
                headers
            })
        })
    }

    /// Notes an attempt that did not come to a request.
    fn went_nowhere(&mut self, now: Time, key: ActionKey, failure: NoAnswer) {
        let Some(action) = self.actions.get_mut(&key) else { return };
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
        target: action.targets.current().clone(),
        server,
        at,
        cseq,
        answered_at: None,
        code: None,
        reason: String::new(),
        failure: None,
        did: None,
    }
}

fn own_contact(request: &Request) -> Option<UriBuf> {
    let contact = request.headers().first::<Contact<'_>>().ok().flatten()?;
    UriBuf::parse(contact.address()?.uri_text).ok()
}
