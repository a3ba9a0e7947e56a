//! The endpoint: transactions, demultiplexing and timers, one owner for all of them.
//!
//! `receive` takes what arrives, `matching` says to which transaction it belongs, `client` and
//! `server` run the machines, `path` knows the way of a response, `stateless` refuses,
//! `overload` says when, `turn_away` does it before anything is parsed, `urgency` says what goes before,
//! `glance` reads what that needs of a datagram that is not parsed yet, `feedback` tells neighbours of
//! it, `wishes` heeds what they tell.

mod alarms;
mod alias;
mod branch;
mod cancel;
mod chance;
mod client;
mod config;
mod counters;
mod error;
mod event;
mod feedback;
mod gate;
mod glance;
mod matching;
mod overload;
mod own;
mod path;
mod receive;
mod server;
mod slab;
mod sources;
mod stateless;
mod turn_away;
mod urgency;
mod way_back;
mod wishes;

#[cfg(test)]
mod tests;

pub use branch::Branch;
pub use config::{EndpointConfig, Intervals, Listener};
pub use counters::Counters;
pub use error::{Gone, RequestError};
pub use event::{ClientId, Event, Failure, ServerId};
pub use sources::{SourceAddresses, covers};

use std::borrow::{Borrow, BorrowMut, Cow};
use std::collections::{BTreeSet, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_sip::parse::stream::Frame;
use antiphon_sip::{Request, Response, StatusCode, Transport};
use bytes::{Bytes, BytesMut};

use self::alarms::Alarms;
use self::chance::{Chance, KeyMap, KeyedHash, Part};
use self::client::Client;
use self::feedback::Allowances;
use self::overload::Load;
use self::path::ReturnPath;
use self::server::Server;
use self::slab::{Handle, Slab};
use self::way_back::WaysBack;
use self::wishes::Wishes;
use crate::flow::{Destination, Fault, Flow, Ticket, Transmit};
use crate::id_map::give_back;
use crate::locate::{Answer, Question};
use crate::node::{ResolveId, Urgency};
use crate::time::Time;
use crate::transaction::Timing;

/// An endpoint: the transaction and transport layers of RFC 3261 §17 and §18 without sockets and
/// clock.
///
/// After every call that takes `now`, drain [`next_event`](Self::next_event),
/// [`next_transmit`](Self::next_transmit) and [`next_close`](Self::next_close), and ask for the
/// [`deadline`](Self::deadline).
#[derive(Debug)]
pub struct Endpoint {
    config: EndpointConfig,
    chance: Chance,
    hash: KeyedHash,
    clients: Slab<Client>,
    servers: Slab<Server>,
    client_keys: KeyMap<ClientId>,
    server_keys: KeyMap<ServerId>,
    /// Requests without To tag by what makes them the same (§8.2.2.2); empty unless
    /// [`refuse_merged`](EndpointConfig::refuse_merged).
    merge_keys: KeyMap<ServerId>,
    alarms: Alarms,
    /// Transactions over streams by the peer's address, for when a connection is gone.
    streams: BTreeSet<(SocketAddr, Owner)>,
    transmits: VecDeque<Transmit>,
    closes: VecDeque<Flow>,
    aliases: VecDeque<(Flow, SocketAddr)>,
    ways_back: WaysBack,
    events: VecDeque<Event>,
    load: Load,
    /// Where refusals are written that are made in a hurry.
    page: BytesMut,
    wishes: Wishes,
    allowances: Allowances,
    counters: Counters,
}

/// A transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Owner {
    Client(ClientId),
    Server(ServerId),
}

impl Endpoint {
    /// An endpoint. Everything random in it comes from `seed`, which is to be unpredictable
    /// outside of tests. T1, T2 and T4 below a millisecond count as a millisecond.
    #[must_use]
    pub fn new(mut config: EndpointConfig, seed: [u8; 32]) -> Self {
        let Intervals { t1, t2, t4 } = &mut config.intervals;
        for interval in [t1, t2, t4] {
            // A timer that is due when it is set would never let a step end.
            *interval = (*interval).max(Duration::from_millis(1));
        }
        let mut chance = Chance::new(seed);
        let hash = chance.keyed_hash();
        Self {
            config,
            chance,
            hash,
            clients: Slab::new(),
            servers: Slab::new(),
            client_keys: KeyMap::default(),
            server_keys: KeyMap::default(),
            merge_keys: KeyMap::default(),
            alarms: Alarms::default(),
            streams: BTreeSet::new(),
            transmits: VecDeque::new(),
            closes: VecDeque::new(),
            aliases: VecDeque::new(),
            ways_back: WaysBack::default(),
            events: VecDeque::new(),
            load: Load::default(),
            page: BytesMut::new(),
            wishes: Wishes::default(),
            allowances: Allowances::default(),
            counters: Counters::default(),
        }
    }

    /// The settings.
    #[must_use]
    pub const fn config(&self) -> &EndpointConfig {
        &self.config
    }

    /// Takes a datagram that came over `flow`.
    pub fn handle_datagram(&mut self, now: Time, flow: Flow, octets: Bytes) {
        self.take_datagram(now, flow, octets);
    }

    /// How soon a datagram is to be handled when many wait.
    #[must_use]
    pub fn urgency(octets: &[u8]) -> Urgency {
        urgency::urgency(octets)
    }

    /// The Call-ID of a datagram, by a glance at it; `None` when it has none. All that has one
    /// Call-ID is to be handled by the endpoint that had the first of it.
    #[must_use]
    pub fn call_id(octets: &[u8]) -> Option<&[u8]> {
        glance::call_id(octets)
    }

    /// Takes what a stream carried. A ping is answered with a pong (RFC 5626 §3.5.1); a stream
    /// whose framing is lost is to be closed.
    pub fn handle_frame(&mut self, now: Time, flow: Flow, frame: Frame) {
        self.take_frame(now, flow, frame);
    }

    /// Takes the news that a transmission could not be delivered (RFC 3261 §17.1.4, §18.4). A
    /// response whose connection is gone is sent once more over a new one (§18.2.2).
    pub fn handle_undelivered(&mut self, now: Time, ticket: Ticket, fault: Fault) {
        self.counters.undelivered += 1;
        match Owner::of_ticket(ticket) {
            (Owner::Client(id), retried) => self.client_undelivered(now, id, retried, fault),
            (Owner::Server(id), _) => self.server_undelivered(id),
        }
    }

    /// Takes the news that a connection is gone. Requests that wait for their response over it
    /// have failed; responses that are still to come will take a new connection.
    pub fn handle_closed(&mut self, now: Time, flow: Flow) {
        let first = Owner::Client(ClientId(0));
        let affected: Vec<Owner> = self
            .streams
            .range((flow.remote, first)..)
            .take_while(|(remote, _)| *remote == flow.remote)
            .map(|(_, owner)| *owner)
            .collect();
        for owner in affected {
            match owner {
                Owner::Client(id) => self.client_closed(now, id, &flow),
                Owner::Server(id) => self.server_closed(id, &flow),
            }
        }
    }

    /// Takes the answer to a question; whether it was one of the endpoint's own
    /// ([`next_resolve`](Self::next_resolve)).
    pub fn handle_resolved(&mut self, id: ResolveId, answer: &Answer) -> bool {
        self.way_back_answered(id, answer)
    }

    /// Runs the timers that are due.
    pub fn handle_deadline(&mut self, now: Time) {
        while let Some(owner) = self.alarms.pop_due(now) {
            match owner {
                Owner::Client(id) => self.client_due(now, id),
                Owner::Server(id) => self.server_due(now, id),
            }
        }
        give_back(&mut self.client_keys);
        give_back(&mut self.server_keys);
        give_back(&mut self.merge_keys);
    }

    /// When [`handle_deadline`](Self::handle_deadline) is wanted next. It may be earlier than the
    /// next timer: a timer that was stopped keeps its entry until then.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        self.alarms.next()
    }

    /// When [`handle_deadline`](Self::handle_deadline) is wanted at the latest: transactions that
    /// only have to be forgotten by then need nobody to be woken for each.
    #[must_use]
    pub fn latest_deadline(&self) -> Option<Time> {
        self.alarms.latest()
    }

    /// What is to be sent next.
    pub fn next_transmit(&mut self) -> Option<Transmit> {
        self.transmits.pop_front()
    }

    /// Which connection is to be closed next, once what was sent before is written.
    pub fn next_close(&mut self) -> Option<Flow> {
        self.closes.pop_front()
    }

    /// The next question to the DNS: where a response goes that cannot be delivered where its
    /// request came from (RFC 3263 §5). The numbers of those who drive the endpoint have to be
    /// below 2^63.
    pub fn next_resolve(&mut self) -> Option<(ResolveId, Question)> {
        self.ways_back.next_question()
    }

    /// The next connection that its peer takes requests over, and the address that it stands for
    /// (RFC 5923 §8.2): [`Output::Alias`](crate::node::Output::Alias).
    pub fn next_alias(&mut self) -> Option<(Flow, SocketAddr)> {
        self.aliases.pop_front()
    }

    /// What happened next.
    pub fn next_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// Sends a request by a new client transaction, INVITE or not by its method. Our Via is put on
    /// top, with `branch` or one made here.
    ///
    /// A request of more than 1,300 octets for UDP goes by TCP to the same address if there is a
    /// TCP listener, and by UDP after all when that cannot be delivered (RFC 3261 §18.1.1).
    ///
    /// # Errors
    /// See [`RequestError`]. Nothing was sent then.
    pub fn request(
        &mut self,
        now: Time,
        mut request: impl BorrowMut<Request>,
        to: impl Into<Destination>,
        branch: Option<Branch>,
    ) -> Result<ClientId, RequestError> {
        self.start_client(now, request.borrow_mut(), to.into(), branch)
    }

    /// Sends an ACK that belongs to no transaction: that of a 2xx, made here or forwarded
    /// (§13.2.2.4, §16.6). Our Via with a branch of its own is put on top; it goes that way
    /// whatever its size, as nobody would notice that it did not arrive. Without a listener for
    /// that way nothing is sent.
    pub fn send_ack(
        &mut self,
        _now: Time,
        mut request: impl BorrowMut<Request>,
        to: impl Into<Destination>,
    ) {
        let branch = self.new_branch();
        self.send_statelessly(request.borrow_mut(), to.into(), &branch);
    }

    /// Sends a request without a transaction, whatever its method: our Via with `branch` is put on
    /// top, and nobody is told what becomes of it (§16.11). Without a listener for that way nothing
    /// is sent.
    pub fn send_stateless(
        &mut self,
        mut request: impl BorrowMut<Request>,
        to: impl Into<Destination>,
        branch: &Branch,
    ) {
        self.send_statelessly(request.borrow_mut(), to.into(), branch);
    }

    /// Sends a response without a transaction, by UDP from the listener at `local` to where its
    /// topmost Via says, which is that of the element upstream (§16.11, §18.2.2).
    pub fn pass_response(&mut self, response: &Response, local: SocketAddr) {
        if let Some(flow) = path::by_topmost_via(response, local) {
            self.transmit(flow, response.to_bytes(), None);
        }
    }

    /// Answers a request that has no transaction, and makes none (§8.2.7). Its topmost Via is
    /// stamped already.
    pub fn refuse_statelessly(&mut self, request: &Request, flow: Flow, status: StatusCode) {
        let Some(via) = request.top_via() else { return };
        let path = ReturnPath::new(&via, flow);
        self.refuse(&path, request, status, None);
    }

    /// Forgets a request: its transaction ends without a trace, as if it had never been, so that
    /// the same request sent again is another one. For who forwards without state (§16.11).
    pub fn forget(&mut self, id: ServerId) {
        self.remove_server(id);
    }

    /// Sends a response by its server transaction.
    ///
    /// What may not be sent is not, and that is no error: a response behind a final one, except
    /// further 2xx to INVITE; to other methods than INVITE a 408, a provisional response other
    /// than 100, and a 100 too early (RFC 4320 §4).
    ///
    /// # Errors
    /// [`Gone`] when the transaction has ended.
    pub fn respond(
        &mut self,
        now: Time,
        id: ServerId,
        response: impl Borrow<Response>,
    ) -> Result<(), Gone> {
        self.answer(now, id, response.borrow())
    }

    /// Sends a response and forgets the request, so that nothing is kept of it: the same request sent
    /// again is answered anew. For challenges, so that requests without credentials cost no memory
    /// (§8.2.7); not for INVITE, whose response would then be sent once only. The tag in To is to
    /// be that of [`stateless_tag`](Self::stateless_tag).
    ///
    /// # Errors
    /// [`Gone`] when the transaction has ended.
    pub fn respond_once(
        &mut self,
        now: Time,
        id: ServerId,
        response: &Response,
    ) -> Result<(), Gone> {
        let sent = self.answer(now, id, response);
        self.remove_server(id);
        sent
    }

    /// Cancels a pending INVITE (§9.1). The CANCEL is held until a provisional response has come,
    /// and not sent at all once a final one has. An INVITE that gets no final response within
    /// 64*T1 behind it fails with [`Failure::Timeout`]. For other methods nothing happens.
    ///
    /// `reason` is the value of a Reason header field (RFC 3326).
    ///
    /// # Errors
    /// [`Gone`] when the transaction has ended.
    pub fn cancel(&mut self, now: Time, id: ClientId, reason: Option<&str>) -> Result<(), Gone> {
        self.cancel_client(now, id, reason)
    }

    /// Says that a request will never be answered, as RFC 4320 §4.2 wants it when it is too late:
    /// its transaction absorbs repeated requests for as long as it would have waited, and ends
    /// without a word.
    pub fn abandon(&mut self, id: ServerId) {
        self.abandon_server(id);
    }

    /// A new tag for From or To: 80 random bits (§19.3).
    pub fn new_tag(&mut self) -> String {
        String::from_utf8_lossy(&self.chance.letters::<16>()).into_owned()
    }

    /// The tag of ours for the To of responses in this transaction, always the same: the endpoint
    /// uses it in the responses that it makes itself, so that whoever uses it too has one tag in
    /// the responses to an INVITE and to its CANCEL (§9.2).
    #[must_use]
    pub fn tag_of(&self, id: ServerId) -> String {
        self.hash.of(b't', &[Part::Number(id.0)]).letters()
    }

    /// A new Call-ID: [what ours begin with](EndpointConfig::own_calls), and 130 random bits
    /// (§8.1.1.4).
    pub fn new_call_id(&mut self) -> String {
        let letters = self.chance.letters::<26>();
        [&*self.config.own_calls, &String::from_utf8_lossy(&letters)].concat()
    }

    /// A new branch: 80 random bits behind the magic cookie (§8.1.1.7).
    pub fn new_branch(&mut self) -> Branch {
        self.new_branch_with("")
    }

    /// The same with something behind it, such as the hash by which a proxy tells a loop from a
    /// spiral (§16.6 step 8). What is not a letter or a digit is left out.
    pub fn new_branch_with(&mut self, suffix: &str) -> Branch {
        let letters = self.chance.letters::<16>();
        Branch::new(std::str::from_utf8(&letters).unwrap_or_default(), suffix)
    }

    /// A random number.
    pub fn random(&mut self) -> u64 {
        self.chance.number()
    }

    /// The first listener that fits the transport and the address family of `remote`.
    #[must_use]
    pub fn listener_for(&self, transport: Transport, remote: SocketAddr) -> Option<&Listener> {
        self.config.listener_for(transport, remote)
    }

    /// The listener that a flow leaves from or came to; if there is none any more, the first that
    /// fits.
    #[must_use]
    pub fn listener_of(&self, flow: &Flow) -> Option<&Listener> {
        self.config.listener_of(flow)
    }

    /// The flow to a peer, from the first listener that fits transport and address family. On a
    /// stream it asks for any connection.
    #[must_use]
    pub fn flow_to(&self, transport: Transport, remote: SocketAddr) -> Option<Flow> {
        self.config.flow_to(transport, remote)
    }

    /// `host[:port]` of ours as the peer of a flow is told it, in Via, Contact and Record-Route.
    #[must_use]
    pub fn sent_by(&self, flow: &Flow) -> Option<Cow<'_, str>> {
        self.config.sent_by(flow)
    }

    /// Whether `host[:port]`, of a Via or a Route, is one of our listeners, by the name in its Via
    /// or by its address. A missing port is that of the listener's transport.
    #[must_use]
    pub fn is_own(&self, sent_by: &str) -> bool {
        self.config.is_own(sent_by)
    }

    /// The same for a host and port that were parsed already.
    #[must_use]
    pub fn is_own_host(&self, host: antiphon_sip::Host<'_>, port: Option<u16>) -> bool {
        self.config.is_own_host(host, port)
    }

    /// The request of an INVITE server transaction that has no final response yet.
    #[must_use]
    pub fn server_request(&self, id: ServerId) -> Option<&Request> {
        self.servers.get(id.handle()).and_then(Server::request)
    }

    /// What was counted.
    #[must_use]
    pub const fn counters(&self) -> &Counters {
        &self.counters
    }

    fn timing(&self, flow: &Flow) -> Timing {
        Timing::new(self.config.intervals, flow.transport.is_reliable())
    }

    fn is_full(&self) -> bool {
        self.clients.len() + self.servers.len() >= self.config.max_transactions
    }

    fn transmit(&mut self, to: impl Into<Destination>, octets: Bytes, ticket: Option<Ticket>) {
        let Destination { flow, server_name, is_open_flow, connect_within, .. } = to.into();
        self.counters.sent += 1;
        let transmit = Transmit { flow, octets, ticket, server_name, is_open_flow, connect_within };
        self.transmits.push_back(transmit);
    }
}

/// The bit of a [`Ticket`] that says that it is of a server transaction.
const SERVER: u64 = 1 << 63;

/// The bit of a [`Ticket`] that says that it is of the second transport of a request.
const RETRIED: u64 = 1 << 62;

impl Owner {
    fn ticket(self, retried: bool) -> Ticket {
        let number = match self {
            Self::Client(id) => id.0,
            Self::Server(id) => id.0 | SERVER,
        };
        Ticket(if retried { number | RETRIED } else { number })
    }

    /// The owner, and whether it was the second transport of the request.
    fn of_ticket(ticket: Ticket) -> (Self, bool) {
        let number = ticket.0 & !(SERVER | RETRIED);
        let owner = if ticket.0 & SERVER == 0 {
            Self::Client(ClientId(number))
        } else {
            Self::Server(ServerId(number))
        };
        (owner, ticket.0 & RETRIED != 0)
    }
}

impl ClientId {
    fn handle(self) -> Handle {
        Handle::from_u64(self.0)
    }
}

impl ServerId {
    fn handle(self) -> Handle {
        Handle::from_u64(self.0)
    }
}
