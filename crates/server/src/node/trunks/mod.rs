//! Trunks: the ways out, and what is known of them while the server runs.
//!
//! `order` says which servers of a trunk a request tries, `rest` and `health` which of them are of
//! use, `probe` asks them, `registration` keeps this server registered, `errand` carries the
//! requests for both, `credentials` answers challenges to requests that leave, `incoming` knows
//! those that come in, `news` is what is told of all this.

mod credentials;
mod errand;
mod health;
mod incoming;
mod login;
mod news;
mod order;
mod probe;
mod registration;
mod rest;

use std::collections::{BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use antiphon_core::auth;
use antiphon_core::locate;
use antiphon_core::node::ResolveId;
use antiphon_core::time::Time;

pub use login::Login;
pub use news::{ServerState, Trouble, TrunkNews, TrunkState};

use errand::Errands;
use health::Health;
use order::server_name;
use registration::Registration;
use rest::{Rest, Use};

use super::{Server, ServerEvent};
use crate::config;

/// Addresses that are remembered of one trunk. The DNS names no more servers for a request
/// (`locate::MAX_SERVERS`), and some change over the days.
const MAX_ADDRESSES: usize = 256;

/// All trunks.
#[derive(Debug, Default)]
pub(super) struct Trunks {
    all: Vec<Trunk>,
    errands: Errands,
    /// Whose name is being looked up.
    lookups: HashMap<ResolveId, Arc<str>>,
    /// When something is to be done.
    due: Option<Time>,
    /// Whether something is to be told of how they are.
    is_changed: bool,
    /// The server ends: what is registered is taken back, and nothing else is begun.
    is_leaving: bool,
    has_left: bool,
    /// Whether this node asks the servers and registers; a colleague does otherwise.
    is_tending: bool,
    /// How the Call-IDs of its requests begin.
    next_id: u64,
}

/// Names a trunk as it was configured at one time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct TrunkId(u64);

/// A trunk.
#[derive(Debug)]
struct Trunk {
    id: TrunkId,
    trunk: config::Trunk,
    login: Option<Login>,
    wallet: Option<auth::Client>,
    /// Where its servers were found.
    addresses: BTreeSet<IpAddr>,
    servers: Vec<TrunkServer>,
    registration: Option<Registration>,
    is_down: bool,
    stage: Stage,
}

/// The life of a trunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Nothing was done yet.
    New,
    Running,
    /// It is in no configuration any more.
    Gone,
    /// Its registration is being removed.
    Ending,
}

/// A server of a trunk.
#[derive(Debug)]
struct TrunkServer {
    name: Arc<str>,
    rest: Option<Rest>,
    health: Health,
    next_probe: Option<Time>,
}

impl Trunks {
    /// None so far. One of several workers tends them.
    pub(super) fn new(is_tending: bool) -> Self {
        Self { is_tending, ..Self::default() }
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Whether nothing of its own is on its way.
    pub(super) fn is_idle(&self) -> bool {
        self.errands.is_empty()
    }

    pub(super) const fn deadline(&self) -> Option<Time> {
        self.due
    }

    pub(super) fn next_resolve(&mut self) -> Option<(ResolveId, locate::Question, Box<str>)> {
        self.errands.next_resolve()
    }

    /// Whether a client transaction is one of the server's own.
    pub(super) fn has(&self, client: antiphon_core::endpoint::ClientId) -> bool {
        self.errands.has(client)
    }

    fn get(&self, id: TrunkId) -> Option<&Trunk> {
        self.all.iter().find(|trunk| trunk.id == id)
    }

    fn get_mut(&mut self, id: TrunkId) -> Option<&mut Trunk> {
        self.all.iter_mut().find(|trunk| trunk.id == id)
    }

    fn named_mut(&mut self, name: &str) -> Option<&mut Trunk> {
        self.all.iter_mut().find(|trunk| &*trunk.trunk.name == name && trunk.is_there())
    }

    /// A server has failed; `asked` is its Retry-After.
    pub(super) fn failed(&mut self, now: Time, name: &str, asked: Option<Duration>) {
        for server in self.servers_mut(name) {
            server.rest = Rest::after(now, server.rest, asked);
        }
        self.is_changed = true;
        self.rearm();
    }

    /// A server has answered a call.
    pub(super) fn works(&mut self, now: Time, name: &str) {
        let mut is_changed = false;
        for server in self.servers_mut(name) {
            if server.rest.is_some_and(|rest| rest.ends_with_an_answer(now)) {
                server.rest = None;
                is_changed = true;
            }
        }
        if is_changed {
            self.is_changed = true;
            self.rearm();
        }
    }

    /// Whether a server rests: only then it matters that one has answered.
    pub(super) fn has_resting(&self) -> bool {
        self.all.iter().flat_map(|trunk| &trunk.servers).any(|server| server.rest.is_some())
    }

    fn servers_mut(&mut self, name: &str) -> impl Iterator<Item = &mut TrunkServer> {
        let servers = self.all.iter_mut().flat_map(|trunk| &mut trunk.servers);
        servers.filter(move |server| &*server.name == name)
    }

    /// A name that is looked up may be that of a trunk.
    pub(super) fn note_lookup(&mut self, id: ResolveId, host: &str) {
        let of_trunk = self.all.iter().find(|trunk| {
            let mut hosts = trunk.trunk.targets.iter().map(|target| target.host.host.as_str());
            hosts.any(|target| target.eq_ignore_ascii_case(host)) || trunk.has_registrar(host)
        });
        if let Some(trunk) = of_trunk {
            self.lookups.insert(id, Arc::clone(&trunk.trunk.name));
        }
    }

    /// The addresses of a trunk that an answer of the DNS tells.
    pub(super) fn looked_up(&mut self, id: ResolveId, answer: &locate::Answer) -> Vec<IpAddr> {
        let Some(name) = self.lookups.remove(&id) else { return Vec::new() };
        let records = answer.as_deref().unwrap_or_default();
        let addresses: Vec<_> = records.iter().filter_map(locate::Record::address).collect();
        if let Some(trunk) = self.named_mut(&name) {
            addresses.iter().for_each(|address| trunk.note_address(*address));
        }
        addresses
    }

    fn note_address(&mut self, id: TrunkId, ip: IpAddr) {
        if let Some(trunk) = self.get_mut(id) {
            trunk.note_address(ip);
        }
    }

    fn forget_gone(&mut self, id: TrunkId) {
        self.all.retain(|trunk| trunk.id != id || trunk.is_there());
        self.is_changed = true;
    }

    /// When something is to be done next.
    fn rearm(&mut self) {
        let trunks = self.all.iter().filter(|_| !self.is_leaving);
        self.due = trunks.filter_map(Trunk::due).min();
    }

    /// How they are.
    fn states(&self, now: Time) -> Vec<TrunkState> {
        let known = self.all.iter().filter(|trunk| trunk.is_there());
        known.map(|trunk| trunk.state(now)).collect()
    }
}

impl Trunk {
    fn new(id: TrunkId, trunk: config::Trunk, login: Option<Login>) -> Self {
        let servers = trunk.targets.iter().map(|target| TrunkServer {
            name: server_name(&trunk, target),
            rest: None,
            health: Health::default(),
            next_probe: None,
        });
        Self {
            id,
            wallet: login.as_ref().map(Login::wallet),
            login,
            addresses: literal_addresses(&trunk),
            servers: servers.collect(),
            registration: None,
            is_down: false,
            stage: Stage::New,
            trunk,
        }
    }

    /// A call goes to a server.
    fn is_called(&mut self, now: Time, server: &str) {
        let known = self.servers.iter_mut().find(|known| *known.name == *server);
        if let Some(rest) = known.and_then(|known| known.rest.as_mut()) {
            rest.is_called(now);
        }
    }

    /// Whether it is in the configuration.
    const fn is_there(&self) -> bool {
        matches!(self.stage, Stage::New | Stage::Running)
    }

    fn due(&self) -> Option<Time> {
        match self.stage {
            Stage::New | Stage::Gone => return Some(Time::EPOCH),
            Stage::Ending => return None,
            Stage::Running => {}
        }
        let registration = self.registration.as_ref().and_then(Registration::due);
        self.servers.iter().filter_map(TrunkServer::due).chain(registration).min()
    }

    /// The configuration was read again: what was given up is tried again.
    fn asked_again(mut self) -> Self {
        let registration = self.registration.as_mut().filter(|own| own.is_stopped());
        if let Some(registration) = registration {
            registration.begin_anew();
            self.stage = Stage::New;
        }
        self
    }

    fn is_at(&self, ip: IpAddr) -> bool {
        self.addresses.contains(&ip.to_canonical())
    }

    fn note_address(&mut self, ip: IpAddr) {
        if self.addresses.len() < MAX_ADDRESSES {
            self.addresses.insert(ip.to_canonical());
        }
    }

    fn has_registrar(&self, host: &str) -> bool {
        let registrar = self.trunk.registration.as_ref().map(config::TrunkRegistration::asked_at);
        registrar.is_some_and(|uri| {
            let uri = uri.as_uri();
            uri.as_sip().is_some_and(|sip| sip.host.to_string().eq_ignore_ascii_case(host))
        })
    }

    fn state(&self, now: Time) -> TrunkState {
        let servers =
            self.servers.iter().map(|server| (Arc::clone(&server.name), server.state(now)));
        TrunkState {
            addresses: self.addresses.iter().copied().collect(),
            name: Arc::clone(&self.trunk.name),
            servers: servers.collect(),
            registration: self.registration.as_ref().map(|own| own.until.filter(|at| *at > now)),
        }
    }
}

impl TrunkServer {
    fn due(&self) -> Option<Time> {
        let rested = self.rest.and_then(|rest| rest.due());
        self.next_probe.into_iter().chain(rested).min()
    }

    fn usable(&self, now: Time) -> Use {
        self.rest.map_or(Use::Ready, |rest| rest.usable(now))
    }

    fn state(&self, now: Time) -> ServerState {
        match (self.usable(now), self.health.is_down()) {
            (Use::NotBefore(until), _) => ServerState::RestingUntil(until),
            (_, true) => ServerState::Down,
            (Use::Last, false) => ServerState::Resting,
            (Use::Ready, false) => ServerState::Up,
        }
    }
}

fn literal_addresses(trunk: &config::Trunk) -> BTreeSet<IpAddr> {
    let hosts = trunk.targets.iter().map(|target| target.host.host.as_str());
    let parsed = hosts.filter_map(|host| host.trim_matches(['[', ']']).parse::<IpAddr>().ok());
    parsed.map(|ip| ip.to_canonical()).collect()
}

impl Server {
    /// Takes the trunks of a configuration. Those that stay as they were are not touched; of those
    /// that are gone the registration is removed.
    pub(super) fn take_trunks(&mut self) {
        let mut left = std::mem::take(&mut self.trunks.all);
        let mut all = Vec::new();
        for trunk in self.service.trunks.clone() {
            let login = self.service.login(&trunk.name).cloned();
            let same =
                |known: &Trunk| known.trunk == trunk && known.login == login && known.is_there();
            match left.iter().position(same) {
                Some(at) => all.push(left.swap_remove(at).asked_again()),
                None => all.push(self.new_trunk(trunk, login, &left)),
            }
        }
        for mut gone in left {
            if gone.stage != Stage::Ending {
                gone.stage = Stage::Gone;
            }
            all.push(gone);
        }
        self.trunks.is_changed |= !all.is_empty();
        self.trunks.all = all;
        let down = self.trunks.all.iter().filter(|trunk| trunk.is_down && trunk.is_there());
        self.down = down.map(|trunk| &*trunk.trunk.name).collect();
        // What is new is begun, and what is gone is ended, at the next deadline.
        self.trunks.rearm();
    }

    fn new_trunk(
        &mut self,
        trunk: config::Trunk,
        login: Option<Login>,
        earlier: &[Trunk],
    ) -> Trunk {
        let id = TrunkId(self.trunks.next_id);
        self.trunks.next_id += 1;
        let mut new = Trunk::new(id, trunk, login);
        if let Some(settings) = &new.trunk.registration {
            let (call_id, tag) = (self.endpoint.new_call_id(), self.endpoint.new_tag());
            new.registration = Some(Registration::new(settings, call_id, tag));
        }
        // A server that is known to rest rests under another configuration, too.
        let known: Vec<&TrunkServer> = earlier.iter().flat_map(|trunk| &trunk.servers).collect();
        for server in &mut new.servers {
            let same = known.iter().find(|known| known.name == server.name);
            server.rest = same.and_then(|known| known.rest);
        }
        new
    }

    /// Does what is due: requests of the server's own.
    pub(super) fn tend_trunks(&mut self, now: Time) {
        if self.trunks.due.is_none_or(|due| due > now) {
            return;
        }
        let ids: Vec<TrunkId> = self.trunks.all.iter().map(|trunk| trunk.id).collect();
        for id in ids {
            self.tend_trunk(now, id);
        }
        self.trunks.rearm();
    }

    fn tend_trunk(&mut self, now: Time, id: TrunkId) {
        let draw = self.endpoint.random();
        let Some(trunk) = self.trunks.get_mut(id) else { return };
        match trunk.stage {
            Stage::Ending => return,
            Stage::Gone => return self.end_trunk(now, id),
            Stage::New | Stage::Running => trunk.stage = Stage::Running,
        }
        if !self.trunks.is_tending {
            return self.leave_to_calls(now, id);
        }
        let Some(trunk) = self.trunks.get_mut(id) else { return };
        if let Some(probe) = trunk.trunk.probe {
            // The first probes of all trunks are spread over a tenth of the interval.
            for server in trunk.servers.iter_mut().filter(|server| server.next_probe.is_none()) {
                let millis = u64::try_from(probe.interval.as_millis()).unwrap_or(u64::MAX) / 10;
                server.next_probe = Some(now + Duration::from_millis(draw % millis.max(1)));
            }
        }
        let is_due = |server: &&TrunkServer| server.due().is_some_and(|at| at <= now);
        let due: Vec<_> =
            trunk.servers.iter().filter(is_due).map(|server| Arc::clone(&server.name)).collect();
        let registers = trunk.registration.as_ref().is_some_and(|own| own.is_to_begin(now));
        for server in due {
            self.probe(now, id, &server);
        }
        if registers {
            self.register_at(now, id);
        }
    }

    /// A colleague asks the servers. Here, one whose rest is over is tried by a call.
    fn leave_to_calls(&mut self, now: Time, id: TrunkId) {
        let Some(trunk) = self.trunks.get_mut(id) else { return };
        for rest in trunk.servers.iter_mut().filter_map(|server| server.rest.as_mut()) {
            if rest.due().is_some_and(|at| at <= now) {
                rest.asks();
                rest.unanswered();
            }
        }
    }

    /// Takes what a colleague has found.
    pub(super) fn hear_trunks(&mut self, states: &[TrunkState]) {
        for state in states {
            let Some(trunk) = self.trunks.named_mut(&state.name) else { continue };
            state.addresses.iter().for_each(|address| trunk.note_address(*address));
            for (name, known) in &state.servers {
                let same = trunk.servers.iter_mut().find(|server| server.name == *name);
                if let Some(server) = same {
                    server.health = Health::heard(*known == ServerState::Down);
                }
            }
            trunk.is_down = trunk.servers.iter().all(|server| server.health.is_down());
            let is_down = trunk.is_down;
            self.down.set(&state.name, is_down);
        }
    }

    /// A trunk that is in no configuration any more.
    fn end_trunk(&mut self, now: Time, id: TrunkId) {
        if let Some(trunk) = self.trunks.get_mut(id) {
            trunk.stage = Stage::Ending;
        }
        if !self.unregister_at(now, id) {
            self.trunks.errands.stop(id);
            self.trunks.forget_gone(id);
        }
    }

    /// Takes back what is registered: the server ends. [`ServerEvent::TrunksLeft`] tells when that
    /// is done.
    pub(super) fn leave_trunks(&mut self, now: Time) {
        self.trunks.is_leaving = true;
        let ids: Vec<TrunkId> = self.trunks.all.iter().map(|trunk| trunk.id).collect();
        for id in ids {
            if !self.unregister_at(now, id) {
                self.trunks.errands.stop(id);
            }
        }
        self.trunks.rearm();
    }

    /// Tells what has changed.
    pub(super) fn tell_trunks(&mut self, now: Time) {
        if std::mem::take(&mut self.trunks.is_changed) {
            self.trunks.rearm();
        } else {
            return self.tell_that_left();
        }
        if self.trunks.is_tending {
            self.events.push_back(ServerEvent::Trunks(self.trunks.states(now)));
        }
        self.tell_that_left();
    }

    fn tell_that_left(&mut self) {
        let Trunks { is_leaving, has_left, errands, .. } = &mut self.trunks;
        if *is_leaving && !*has_left && errands.is_empty() {
            *has_left = true;
            self.events.push_back(ServerEvent::TrunksLeft);
        }
    }

    fn tell_of_trunk(&mut self, id: TrunkId, news: TrunkNews) {
        self.trunks.is_changed = true;
        if let Some(trunk) = self.trunks.get(id) {
            let trunk = Arc::clone(&trunk.trunk.name);
            self.events.push_back(ServerEvent::Trunk { trunk, news });
        }
    }
}
