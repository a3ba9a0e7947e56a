//! Responses that cannot be delivered where their request came from: the servers of the name in the
//! topmost Via are looked up (RFC 3263 §5, RFC 3261 §18.2.2).
//!
//! A numeric `sent-by` is tried at its port and the source address alone, which is what is left of
//! §5 when whoever wrote the Via must not be able to choose whom we send to.

use std::collections::{HashMap, VecDeque};

use antiphon_sip::{Host, Transport};
use bytes::Bytes;

use super::{Endpoint, Owner, ServerId};
use crate::flow::Flow;
use crate::locate::{Answer, Hop, HopHost, Next, Question, Reach, Search};
use crate::node::ResolveId;
use crate::transaction::parse_own_response;

/// Transactions that look for another way at one time. More lose theirs together only when a whole
/// network is gone, and what they have to say is lost then, as it was before.
const MOST: usize = 1024;

/// The bit of a [`ResolveId`] that says that the endpoint itself asks; who drives it counts from
/// zero.
const OWN: u64 = 1 << 63;

/// The transactions whose responses look for another way.
#[derive(Debug, Default)]
pub(super) struct WaysBack {
    lost: HashMap<ServerId, Lost>,
    asked: HashMap<ResolveId, (ServerId, Question)>,
    questions: VecDeque<(ResolveId, Question)>,
    last: u64,
}

/// A transaction whose responses came nowhere.
#[derive(Debug, Default)]
struct Lost {
    /// Begun with the first response that is there to be sent: a 2xx to INVITE is not kept, but
    /// comes again by itself (RFC 6026 §7.1).
    search: Option<Search>,
    /// What is to be sent, the last response.
    octets: Option<Bytes>,
    /// Whether a way was found since.
    has_way: bool,
}

impl WaysBack {
    /// A transaction has ended.
    pub(super) fn forget(&mut self, id: ServerId) {
        if !self.lost.is_empty() {
            self.lost.remove(&id);
        }
    }

    pub(super) fn next_question(&mut self) -> Option<(ResolveId, Question)> {
        self.questions.pop_front()
    }

    fn ask(&mut self, id: ServerId) {
        let Some(search) = self.lost.get_mut(&id).and_then(|lost| lost.search.as_mut()) else {
            return;
        };
        while let Some(question) = search.next_question() {
            self.last += 1;
            let asked = ResolveId(OWN | self.last);
            self.asked.insert(asked, (id, question.clone()));
            self.questions.push_back((asked, question));
        }
    }
}

impl Endpoint {
    /// What a transaction has sent came nowhere: its last response, if it is kept, and all further
    /// ones go to the next server of its `sent-by`.
    pub(super) fn lose_way_back(&mut self, id: ServerId, last: Option<Bytes>) {
        if !self.ways_back.lost.contains_key(&id) && self.ways_back.lost.len() >= MOST {
            return;
        }
        let lost = self.ways_back.lost.entry(id).or_default();
        lost.has_way = false;
        lost.octets = last.or(lost.octets.take());
        self.look_for_way_back(id);
    }

    /// A response is sent, by the way that there is: one of a transaction that looks for another goes
    /// that way as well, once it is found.
    pub(super) fn note_for_way_back(&mut self, id: ServerId, octets: &Bytes) {
        if self.ways_back.lost.is_empty() {
            return;
        }
        let Some(lost) = self.ways_back.lost.get_mut(&id) else { return };
        lost.octets = Some(octets.clone());
        if lost.search.is_none() {
            self.look_for_way_back(id);
        }
    }

    /// Takes the answer to a question of the endpoint's own; whether it was one.
    pub(super) fn way_back_answered(&mut self, id: ResolveId, answer: &Answer) -> bool {
        if id.0 & OWN == 0 {
            return false;
        }
        let Some((server, question)) = self.ways_back.asked.remove(&id) else { return true };
        let lost = self.ways_back.lost.get_mut(&server);
        if let Some(search) = lost.and_then(|lost| lost.search.as_mut()) {
            search.answered(&question, answer);
            self.look_for_way_back(server);
        }
        true
    }

    fn look_for_way_back(&mut self, id: ServerId) {
        self.begin_search_back(id);
        self.ways_back.ask(id);
        let Some(lost) = self.ways_back.lost.get_mut(&id).filter(|lost| !lost.has_way) else {
            return;
        };
        let Some(search) = &mut lost.search else { return };
        while let Next::Server(server) = search.next(&self.config.listeners, |_| false) {
            let flow = self.config.flow_to(server.transport, server.address);
            let Some(flow) = flow else { continue };
            lost.has_way = true;
            let octets = lost.octets.clone();
            return self.go_back_over(id, flow, octets);
        }
    }

    /// Begins to search, once there is a response whose Via tells for whom.
    fn begin_search_back(&mut self, id: ServerId) {
        let Some(lost) = self.ways_back.lost.get(&id).filter(|lost| lost.search.is_none()) else {
            return;
        };
        let Some(hop) = lost.octets.as_ref().and_then(|octets| self.hop_back(id, octets)) else {
            return;
        };
        let search = Search::new(hop, Reach::of(&self.config.listeners), self.random());
        if let Some(lost) = self.ways_back.lost.get_mut(&id) {
            lost.search = Some(search);
        }
    }

    /// The name in the topmost Via as a next hop, by the transport of the request (§5).
    fn hop_back(&self, id: ServerId, octets: &Bytes) -> Option<Hop> {
        let transport = self.servers.get(id.handle())?.path.transport();
        if matches!(transport, Transport::Ws | Transport::Wss) {
            // Nobody connects to those (RFC 7118 §5).
            return None;
        }
        let response = parse_own_response(octets)?;
        let via = response.top_via()?;
        let Host::Name(name) = via.host() else { return None };
        Some(Hop {
            host: HopHost::Name(name.into()),
            domain: None,
            port: via.sent_by().port,
            transport: Some(transport),
            is_secure: transport.is_secure(),
        })
    }

    /// Has the responses of a transaction take another way from now on.
    fn go_back_over(&mut self, id: ServerId, flow: Flow, octets: Option<Bytes>) {
        let Some(server) = self.servers.get_mut(id.handle()) else { return };
        self.streams.remove(&(server.path.flow.remote, Owner::Server(id)));
        server.path = server.path.over(flow);
        let path = server.path;
        if flow.transport.is_reliable() {
            self.streams.insert((flow.remote, Owner::Server(id)));
        }
        if let Some(octets) = octets {
            self.transmit(path.to(&octets), octets, Some(Owner::Server(id).ticket(true)));
        }
    }
}
