//! The server's decisions alone: calls through nodes without sockets, each node in a thread of its
//! own, as a server on several cores shards them by Call-ID.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Barrier;
use std::thread;
use std::time::Duration;

use antiphon_core::auth::Authenticator;
use antiphon_core::auth::server::Settings;
use antiphon_core::endpoint::{EndpointConfig, Listener};
use antiphon_core::flow::{Flow, Transmit};
use antiphon_core::node::{Input, Node as _, Output};
use antiphon_core::registrar::{Aor, Binding};
use antiphon_core::time::Time;
use antiphon_server::guard;
use antiphon_server::node::{Answer, Command, Domains, Question, Server, ServerConfig, Service};
use antiphon_sip::{Transport, UriBuf};
use antiphon_store::{Bindings as _, Commit, Memory, Reply};

use crate::arguments::Arguments;
use crate::calls::Ends;
use crate::fault::Fault;

pub(crate) const SERVER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5060);
const CALLER: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5070);
pub(crate) const CALLEE: SocketAddrV4 = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 5080);
const USERS: u32 = 1_000;

/// A call comes so often on the clock of a node, so that as many transactions linger as would on
/// one core at 2,000 calls a second.
const BETWEEN_CALLS: Duration = Duration::from_micros(500);

/// Runs the calls through one node a thread and prints what one call cost.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let calls: u32 = arguments.required("calls")?;
    let threads: usize = arguments.or("threads", 1)?;
    let barrier = Barrier::new(threads);
    let mut results = Vec::new();
    thread::scope(|scope| {
        let worker = || {
            let mut world = World::new(calls)?;
            barrier.wait();
            world.run(calls)
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            results.push(worker.join().unwrap_or_else(|_| Err(Fault::usage("a thread ended"))));
        }
    });
    let costs = results.into_iter().collect::<Result<Vec<u64>, Fault>>()?;
    let total: u64 = costs.iter().sum();
    println!("threads {threads}");
    println!("cpu_per_call_ns {}", total / (u64::from(calls).max(1) * threads as u64));
    Ok(())
}

/// One node, both ends of its calls, and its location service.
struct World {
    node: Server,
    store: Memory,
    ends: Ends,
    now: Time,
    completed: u64,
}

impl World {
    fn new(calls: u32) -> Result<Self, Fault> {
        let now = Time::from_secs(1_700_000_000);
        let store = Memory::new();
        for user in 0..USERS {
            bind(&store, user, now)?;
        }
        Ok(Self {
            node: Server::new(config(now), [7; 32]),
            store,
            ends: Ends::new(SERVER, CALLER, CALLEE, calls, USERS),
            now,
            completed: 0,
        })
    }

    /// All calls, one after the other; the time that this thread spent on them, in nanoseconds.
    fn run(&mut self, calls: u32) -> Result<u64, Fault> {
        let before = thread_nanoseconds()?;
        for number in 0..calls {
            self.now = self.now + BETWEEN_CALLS;
            while self.node.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.hand(Input::Deadline);
            }
            self.ends.begin(number);
            self.exchange();
        }
        let after = thread_nanoseconds()?;
        self.completed = self.ends.completed();
        if self.completed == u64::from(calls) {
            return Ok(after.saturating_sub(before));
        }
        Err(Fault::usage(format!("{} of {calls} calls were completed", self.completed)))
    }

    /// Carries datagrams until nobody has any left.
    fn exchange(&mut self) {
        while let Some((from, octets)) = self.ends.next_datagram() {
            let flow = Flow {
                transport: Transport::Udp,
                local: SERVER.into(),
                remote: from.into(),
                connection: None,
            };
            self.hand(Input::Datagram { flow, octets });
        }
    }

    fn hand(&mut self, input: Input<Answer, Command>) {
        self.node.handle(self.now, input);
        while let Some(output) = self.node.next_output() {
            match output {
                Output::Transmit(Transmit { flow, octets, .. }) => {
                    self.ends.deliver(flow.remote == CALLEE.into(), &octets);
                }
                Output::Question(Question::Bindings { ticket, aor }) => {
                    let set = self.store.bindings(&aor).ok();
                    self.node.handle(self.now, Input::Answer(Answer::Bindings { ticket, set }));
                }
                // Nothing else is asked for a call.
                _ => {}
            }
        }
    }
}

fn bind(store: &Memory, user: u32, now: Time) -> Result<(), Fault> {
    let contact = format!("sip:u{user:09}@{CALLEE}");
    let binding = Binding {
        contact: UriBuf::parse(&contact).map_err(|_| Fault::usage("not a contact"))?,
        params: "".into(),
        q: 1000,
        expires: now + Duration::from_secs(86_400),
        call_id: format!("{user}-bench").into(),
        cseq: 1,
        path: Vec::new(),
        reg_id: None,
        refreshed: now,
        gruus_since: Time::EPOCH,
        source: None,
    };
    let aor = Aor::from_canonical(format!("u{user:09}@{}", SERVER.ip()));
    let commit = Commit { aor, expected_version: 0, bindings: vec![binding] };
    let (reply, answer) = Reply::channel();
    store.commit(commit, reply);
    answer.wait().map(drop).map_err(|error| Fault::setup(&error))
}

/// A server for the users of its own address, with nothing else configured.
pub(crate) fn config(now: Time) -> ServerConfig {
    let realm = SERVER.ip().to_string();
    let listener = Listener {
        transport: Transport::Udp,
        local: SERVER.into(),
        sent_by: SERVER.to_string().into(),
    };
    ServerConfig {
        endpoint: EndpointConfig { listeners: vec![listener], ..EndpointConfig::default() },
        service: Service::new(Domains::new([realm.as_str()])),
        authenticator: Authenticator::new(Settings::for_realm(&realm), &[7; 32], now),
        secret: [7; 32],
        guard: guard::Settings::default(),
        bans: Vec::new(),
        has_colleagues: false,
        tends_trunks: true,
    }
}

/// What the scheduler has given this thread.
fn thread_nanoseconds() -> Result<u64, Fault> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")?;
    let first = text.split_ascii_whitespace().next().and_then(|number| number.parse().ok());
    first.ok_or_else(|| Fault::usage("no schedstat"))
}
