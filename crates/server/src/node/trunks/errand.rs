//! Requests of the server's own: REGISTER at a trunk, OPTIONS to its servers. Each is located
//! (RFC 3263), goes from one server to the next when one is of no use, and answers challenges with
//! the trunk's credentials.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::auth::ClientError;
use antiphon_core::auth::client::{Attempt, AuthHeader, Outgoing, Side};
use antiphon_core::endpoint::{ClientId, Failure};
use antiphon_core::flow::{Destination, Flow};
use antiphon_core::locate::{self, Hop, HopHost, Next, Reach, Search};
use antiphon_core::node::ResolveId;
use antiphon_core::proxy::{challenges, is_challenge};
use antiphon_core::time::Time;
use antiphon_sip::header::MinExpires;
use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode, Transport, UriBuf};

use super::{Server, Trunk, TrunkId};

/// The bit of a [`ResolveId`] that says that an errand asks: neither the proxy, which counts from 0,
/// nor the endpoint, which has the bit above.
const OWN: u64 = 1 << 62;

/// Requests of one errand at most: a challenge, a stale nonce and a 423 on each of two servers.
/// Beyond that somebody makes fun of us.
const MAX_REQUESTS: u32 = 8;

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Purpose {
    /// To know whether this server is there.
    Probe(Arc<str>),
    Register,
    Unregister,
}

/// A request of the server's own, on its way.
#[derive(Debug)]
pub(super) struct Errand {
    pub(super) trunk: TrunkId,
    pub(super) purpose: Purpose,
    /// The Contact of the last request, where it has one.
    pub(super) contact: Option<UriBuf>,
    to: UriBuf,
    hop: Hop,
    servers: Servers,
    /// Where it is now.
    at: Option<Destination>,
    /// How long one server may say nothing.
    patience: Option<Duration>,
    attempt: Attempt,
    credentials: Vec<AuthHeader>,
    /// Method, Request-URI and CSeq of what was sent last.
    last: Option<Request>,
    requests: u32,
    /// The best that was heard of the servers that were of no use.
    refused: Option<Response>,
    was_sent: bool,
}

#[derive(Debug)]
enum Servers {
    One(Option<locate::Server>),
    Found(Box<Search>),
}

/// What came of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The final response.
    Response(Response),
    /// A challenge that cannot be answered.
    NoCredentials(Response, ClientError),
    /// No server said anything.
    Silence,
    /// No server could be reached.
    Unreachable,
}

/// Those on their way.
#[derive(Debug, Default)]
pub(super) struct Errands {
    all: HashMap<u64, Errand>,
    clients: HashMap<ClientId, u64>,
    resolving: HashMap<ResolveId, (u64, locate::Question)>,
    questions: Vec<(ResolveId, locate::Question, Box<str>)>,
    next: u64,
}

impl Errands {
    pub(super) fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub(super) fn has(&self, client: ClientId) -> bool {
        self.clients.contains_key(&client)
    }

    pub(super) fn next_resolve(&mut self) -> Option<(ResolveId, locate::Question, Box<str>)> {
        self.questions.pop()
    }

    /// Nobody wants to know any more what comes of those for this trunk.
    pub(super) fn stop(&mut self, trunk: TrunkId) {
        self.all.retain(|_, errand| errand.trunk != trunk);
        self.clients.retain(|_, id| self.all.contains_key(id));
        self.resolving.retain(|_, (id, _)| self.all.contains_key(id));
    }

    fn add(&mut self, errand: Errand) -> u64 {
        let id = self.next;
        self.next += 1;
        self.all.insert(id, errand);
        id
    }
}

impl Errand {
    /// The next request of a trunk's registration.
    pub(super) fn registration(trunk: &Trunk, purpose: Purpose) -> Option<Self> {
        let to = trunk.trunk.registration.as_ref()?.asked_at();
        Self::new(trunk, purpose, to, None)
    }

    /// To ask a server whether it is there.
    pub(super) fn probe(trunk: &Trunk, server: &Arc<str>, patience: Duration) -> Option<Self> {
        let to = UriBuf::parse(&format!("sip:{server}")).ok()?;
        Self::new(trunk, Purpose::Probe(Arc::clone(server)), to, Some(patience))
    }

    fn new(
        trunk: &Trunk,
        purpose: Purpose,
        to: UriBuf,
        patience: Option<Duration>,
    ) -> Option<Self> {
        let mut hop = Hop::of(&to.as_uri()).ok()?;
        hop.transport = hop.transport.or(trunk.trunk.transport);
        Some(Self {
            trunk: trunk.id,
            purpose,
            contact: None,
            to,
            servers: Servers::One(hop.place()),
            hop,
            at: None,
            patience,
            attempt: Attempt::default(),
            credentials: Vec::new(),
            last: None,
            requests: 0,
            refused: None,
            was_sent: false,
        })
    }

    fn method(&self) -> Method {
        match self.purpose {
            Purpose::Probe(_) => Method::Options,
            Purpose::Register | Purpose::Unregister => Method::Register,
        }
    }
}

impl Server {
    /// Sends an errand on its way.
    pub(super) fn run_errand(&mut self, now: Time, mut errand: Errand) {
        if matches!(errand.hop.host, HopHost::Name(_)) {
            let reach = Reach::of(&self.endpoint.config().listeners);
            let search = Search::new(errand.hop.clone(), reach, self.endpoint.random());
            errand.servers = Servers::Found(Box::new(search));
        }
        let id = self.trunks.errands.add(errand);
        self.ask_for_errand(id);
        self.go_on(now, id);
    }

    /// The answer of the DNS, if an errand asked for it.
    pub(in crate::node) fn errand_resolved(
        &mut self,
        now: Time,
        resolve: ResolveId,
        answer: &locate::Answer,
    ) {
        let Some((id, question)) = self.trunks.errands.resolving.remove(&resolve) else { return };
        let Some(errand) = self.trunks.errands.all.get_mut(&id) else { return };
        if let Servers::Found(search) = &mut errand.servers {
            search.answered(&question, answer);
        }
        let waits = errand.at.is_none();
        self.ask_for_errand(id);
        if waits {
            self.go_on(now, id);
        }
    }

    /// A response to an errand.
    pub(in crate::node) fn errand_answered(
        &mut self,
        now: Time,
        client: ClientId,
        response: Response,
        flow: &Flow,
    ) {
        if response.status().is_provisional() {
            return;
        }
        let Some(id) = self.trunks.errands.clients.remove(&client) else { return };
        let Some(errand) = self.trunks.errands.all.get_mut(&id) else { return };
        let came_from_there =
            errand.at.as_ref().is_some_and(|at| at.flow.remote.ip() == flow.remote.ip());
        match response.status() {
            // RFC 3263 §4.3: it takes no requests, another may.
            StatusCode::SERVICE_UNAVAILABLE => {
                errand.refused = Some(response);
                errand.at = None;
                self.go_on(now, id);
            }
            // Whether a server is there, it has said by asking who we are.
            status if is_challenge(status) && !matches!(errand.purpose, Purpose::Probe(_)) => {
                self.sign_errand(now, id, response, came_from_there);
            }
            StatusCode::INTERVAL_TOO_BRIEF if errand.purpose == Purpose::Register => {
                self.ask_for_longer(now, id, response);
            }
            _ => self.end_errand(now, id, Outcome::Response(response)),
        }
    }

    /// No response to an errand.
    pub(in crate::node) fn errand_failed(&mut self, now: Time, client: ClientId, _: Failure) {
        let Some(id) = self.trunks.errands.clients.remove(&client) else { return };
        if let Some(errand) = self.trunks.errands.all.get_mut(&id) {
            errand.at = None;
            self.go_on(now, id);
        }
    }

    /// Answers a challenge at the server that gave it; whoever else answers gets nothing.
    fn sign_errand(&mut self, now: Time, id: u64, response: Response, came_from_there: bool) {
        let endpoint = &mut self.endpoint;
        let super::Trunks { all, errands, .. } = &mut self.trunks;
        let Some(errand) = errands.all.get_mut(&id) else { return };
        let trunk = all.iter_mut().find(|trunk| trunk.id == errand.trunk);
        let wallet = trunk.and_then(|trunk| trunk.wallet.as_mut()).filter(|_| came_from_there);
        let (Some(wallet), Some(last)) = (wallet, &errand.last) else {
            return self.end_errand(now, id, Outcome::Response(response));
        };
        let outgoing =
            Outgoing { method: last.method().as_str(), uri: last.uri_text(), body: last.body() };
        let asked = challenges(response.headers());
        let mut random = || endpoint.random();
        match wallet.answer(&mut errand.attempt, &outgoing, &asked, &mut random) {
            Ok(answer) => {
                errand.credentials = answer.headers;
                self.send_errand(now, id);
            }
            Err(error) => self.end_errand(now, id, Outcome::NoCredentials(response, error)),
        }
    }

    /// 423: the registrar wants to be asked for longer (RFC 3261 §10.2.8).
    fn ask_for_longer(&mut self, now: Time, id: u64, response: Response) {
        let least = response.headers().field::<MinExpires>().ok().flatten().map(|field| field.0);
        let errand = self.trunks.errands.all.get(&id).map(|errand| errand.trunk);
        let trunk = errand.and_then(|trunk| self.trunks.get_mut(trunk));
        let registration = trunk.and_then(|trunk| trunk.registration.as_mut());
        match (registration, least) {
            (Some(registration), Some(least)) if least > registration.expires => {
                registration.expires = least;
                self.send_errand(now, id);
            }
            _ => self.end_errand(now, id, Outcome::Response(response)),
        }
    }

    fn ask_for_errand(&mut self, id: u64) {
        let errands = &mut self.trunks.errands;
        let Some(errand) = errands.all.get_mut(&id) else { return };
        let Servers::Found(search) = &mut errand.servers else { return };
        while let Some(question) = search.next_question() {
            let HopHost::Name(host) = &search.hop().host else { return };
            let resolve = ResolveId(errands.next | OWN);
            errands.next += 1;
            errands.resolving.insert(resolve, (id, question.clone()));
            errands.questions.push((resolve, question, host.clone()));
        }
    }

    /// To the next server, if there is one.
    fn go_on(&mut self, now: Time, id: u64) {
        loop {
            let Some(errand) = self.trunks.errands.all.get_mut(&id) else { return };
            let next = match &mut errand.servers {
                Servers::One(server) => server.take().map_or(Next::Over, Next::Server),
                Servers::Found(search) => search.next(&self.endpoint.config().listeners, |_| false),
            };
            match next {
                Next::Wait => return,
                Next::Server(server) => {
                    let Some(mut to) = errand.hop.destination(&server, &self.endpoint) else {
                        continue;
                    };
                    to.patience = errand.patience;
                    errand.at = Some(to);
                    errand.credentials.clear();
                    errand.attempt = Attempt::default();
                    return self.send_errand(now, id);
                }
                Next::Over => {
                    let outcome = match (errand.refused.take(), errand.was_sent) {
                        (Some(response), _) => Outcome::Response(response),
                        (None, true) => Outcome::Silence,
                        (None, false) => Outcome::Unreachable,
                    };
                    return self.end_errand(now, id, outcome);
                }
            }
        }
    }

    /// Sends it to the server where it is.
    fn send_errand(&mut self, now: Time, id: u64) {
        let Some(mut errand) = self.trunks.errands.all.remove(&id) else { return };
        errand.requests += 1;
        let request = self.written(&mut errand).filter(|_| errand.requests <= MAX_REQUESTS);
        let sent = match (request, &errand.at) {
            (Some(request), Some(to)) => {
                errand.last = Some(request.clone());
                self.endpoint.request(now, request, to.clone(), None).ok()
            }
            _ => None,
        };
        let was_sent = sent.is_some();
        if let Some(client) = sent {
            errand.was_sent = true;
            self.trunks.errands.clients.insert(client, id);
        } else {
            errand.at = None;
        }
        self.trunks.errands.all.insert(id, errand);
        if !was_sent {
            self.go_on(now, id);
        }
    }

    /// The request, with a CSeq of its own.
    fn written(&mut self, errand: &mut Errand) -> Option<Request> {
        let flow = errand.at.as_ref()?.flow;
        let sent_by = self.sent_by(&flow);
        let mut builder = Request::builder(errand.method(), errand.to.clone());
        if let Purpose::Probe(_) = errand.purpose {
            let from = format!("<sip:{sent_by}>;tag={}", self.endpoint.new_tag());
            let call_id = self.endpoint.new_call_id();
            builder = builder
                .identity(from, format_args!("<{}>", errand.to), &call_id, 1)
                .header(HeaderName::MaxForwards, 70)
                .header(HeaderName::Accept, "application/sdp");
        } else {
            let contact = self.contact_at(errand.trunk, &flow, &sent_by)?;
            let trunk = self.trunks.get_mut(errand.trunk)?;
            let aor = trunk.trunk.registration.as_ref()?.aor.clone();
            let registration = trunk.registration.as_mut()?;
            registration.cseq = registration.cseq.saturating_add(1);
            let expires =
                if errand.purpose == Purpose::Register { registration.expires } else { 0 };
            let from = format!("<{aor}>;tag={}", registration.from_tag);
            builder = builder
                .identity(from, format_args!("<{aor}>"), &registration.call_id, registration.cseq)
                .header(HeaderName::MaxForwards, 70)
                .header(HeaderName::Contact, format_args!("<{contact}>"))
                .header(HeaderName::Expires, expires)
                // A proxy may put itself in the path of a registration only with this
                // (RFC 3327 §5.1).
                .header(HeaderName::Supported, "path");
            errand.contact = Some(contact);
        }
        for field in &errand.credentials {
            let name = match field.side {
                Side::Server => HeaderName::Authorization,
                Side::Proxy => HeaderName::ProxyAuthorization,
            };
            builder = builder.header(name, &field.value);
        }
        builder.build().ok()
    }

    /// Where the calls of a trunk's registration are to come: the listener that the registration
    /// leaves from, with a user that nobody else can name.
    fn contact_at(&self, trunk: TrunkId, flow: &Flow, sent_by: &str) -> Option<UriBuf> {
        let trunk = self.trunks.get(trunk)?;
        let aor = &trunk.trunk.registration.as_ref()?.aor;
        let user = self.route_tokens.token_of_registration(&trunk.trunk.name, aor.as_str());
        let transport = match flow.transport {
            Transport::Udp => String::new(),
            other => format!(";transport={}", other.as_uri_param()),
        };
        UriBuf::parse(&format!("sip:{user}@{sent_by}{transport}")).ok()
    }

    fn sent_by(&self, flow: &Flow) -> String {
        let own = self.endpoint.sent_by(flow);
        own.map_or_else(|| flow.local.to_string(), std::borrow::Cow::into_owned)
    }

    fn end_errand(&mut self, now: Time, id: u64, outcome: Outcome) {
        let Some(errand) = self.trunks.errands.all.remove(&id) else { return };
        if let Some(at) = errand.at.as_ref().filter(|_| matches!(outcome, Outcome::Response(_))) {
            self.trunks.note_address(errand.trunk, at.flow.remote.ip());
        }
        match &errand.purpose {
            Purpose::Probe(server) => {
                let server = Arc::clone(server);
                self.probed(now, errand.trunk, &server, &outcome);
            }
            Purpose::Register => self.registered_at(now, &errand, outcome),
            Purpose::Unregister => self.unregistered_at(&errand),
        }
    }
}
