//! Registrations through a node without sockets: each a challenge and its answer, with the accounts
//! and the bindings in memory.

use std::time::Duration;

use antiphon_core::auth::Ha1Set;
use antiphon_core::flow::{Flow, Transmit};
use antiphon_core::node::{Input, Node as _, Output};
use antiphon_core::time::Time;
use antiphon_server::node::{Answer, Command, CommitFault, Question, Server};
use antiphon_sip::Transport;
use antiphon_store::{
    Account, Bindings as _, Commit, Memory, MemorySubscribers, Reply, Subscribers as _,
};
use bytes::Bytes;

use crate::digest::{self, Algorithm, Credentials};
use crate::fault::Fault;
use crate::registrations::{PASSWORD, request};
use crate::template::Template;
use crate::text;
use crate::workers::{CALLEE, SERVER, config};

/// Users that register in turn.
const USERS: u32 = 100;

/// As many transactions linger as would at 4,000 registrations a second.
const BETWEEN: Duration = Duration::from_micros(250);

/// Makes so many registrations.
pub(crate) fn run(times: u32, algorithm: Algorithm) -> Result<(), Fault> {
    let mut world = World::new(algorithm);
    for number in 0..times {
        world.now = world.now + BETWEEN;
        while world.node.deadline().is_some_and(|deadline| deadline <= world.now) {
            world.hand(Input::Deadline);
        }
        world.register(number)?;
    }
    Ok(())
}

struct World {
    node: Server,
    subscribers: MemorySubscribers,
    store: Memory,
    request: Template,
    algorithm: Algorithm,
    now: Time,
    /// What the node sent last.
    sent: Option<Bytes>,
}

impl World {
    fn new(algorithm: Algorithm) -> Self {
        let now = Time::from_secs(1_700_000_000);
        let domain = SERVER.ip().to_string();
        let account = |number: u32| {
            let user = user(number);
            let ha1 = Ha1Set::compute(&user, &domain, PASSWORD);
            Account::new(&user, &domain, ha1)
        };
        Self {
            node: Server::new(config(now), [7; 32]),
            subscribers: (0..USERS).map(account).collect(),
            store: Memory::new(),
            request: Template::new(&request(SERVER, CALLEE, 7)),
            algorithm,
            now,
            sent: None,
        }
    }

    fn register(&mut self, number: u32) -> Result<(), Fault> {
        let user = number % USERS;
        let challenge = self.send(number, user, "a\r\nCSeq: 1 REGISTER\r\n");
        let uri = format!("sip:{}", SERVER.ip());
        let username = self::user(user);
        let who =
            Credentials { username: &username, password: PASSWORD, method: "REGISTER", uri: &uri };
        let line = digest::authorization(&challenge, self.algorithm, &who);
        let line = line.ok_or_else(|| Fault::usage("no challenge"))?;
        let answer = self.send(number, user, &format!("b\r\nCSeq: 2 REGISTER\r\n{line}"));
        match text::status(&answer) {
            Some(200) => Ok(()),
            _ => Err(Fault::usage("a registration was refused")),
        }
    }

    /// A request, and the answer to it.
    fn send(&mut self, number: u32, user: u32, rest: &str) -> Bytes {
        let mut octets = Vec::new();
        self.request.write(number, user, &mut octets);
        octets.extend_from_slice(rest.as_bytes());
        octets.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        let flow = Flow {
            transport: Transport::Udp,
            local: SERVER.into(),
            remote: CALLEE.into(),
            connection: None,
        };
        self.hand(Input::Datagram { flow, octets: octets.into() });
        self.sent.take().unwrap_or_default()
    }

    fn hand(&mut self, input: Input<Answer, Command>) {
        self.node.handle(self.now, input);
        while let Some(output) = self.node.next_output() {
            match output {
                Output::Transmit(Transmit { octets, .. }) => self.sent = Some(octets),
                Output::Question(question) => {
                    if let Some(answer) = self.answer(question) {
                        self.node.handle(self.now, Input::Answer(answer));
                    }
                }
                // Nothing else is asked for a registration.
                _ => {}
            }
        }
    }

    fn answer(&self, question: Question) -> Option<Answer> {
        match question {
            Question::Bindings { ticket, aor } => {
                Some(Answer::Bindings { ticket, set: self.store.bindings(&aor).ok() })
            }
            Question::Subscriber { ticket, user, domain } => {
                let subscriber = self.subscribers.subscriber(&user, &domain);
                Some(Answer::Subscriber { ticket, ha1: subscriber.map(|found| found.ha1) })
            }
            Question::Commit { ticket, aor, expected_version, bindings } => {
                let (reply, answer) = Reply::channel();
                self.store.commit(Commit { aor, expected_version, bindings }, reply);
                let result = answer.wait().map(drop).map_err(|_| CommitFault::Conflict);
                Some(Answer::Committed { ticket, result })
            }
            Question::Media { .. } => None,
        }
    }
}

fn user(number: u32) -> String {
    format!("u{number:09}")
}
