//! Registrations at a steady rate: REGISTER, 401, REGISTER with credentials, 200.

use std::net::{SocketAddrV4, UdpSocket};

use crate::arguments::Arguments;
use crate::clock::{Clock, Pace, SECOND};
use crate::digest::{self, Algorithm, Credentials};
use crate::fault::Fault;
use crate::histogram::Histogram;
use crate::repeats::Repeats;
use crate::template::{NUMBER, Template, USER};
use crate::text;
use crate::udp::{self, Inbox, Outbox, Patience};

/// The password of every account of the bench.
pub(crate) const PASSWORD: &str = "secret";

/// Registrations that are begun before arrived messages are looked at again.
const BEGUN_AT_ONCE: usize = 16;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Idle,
    Asking,
    Proving,
    Ended,
}

#[derive(Debug, Clone, Default)]
struct Registration {
    stage: Stage,
    sent_at: u64,
    /// The second request, as it was sent.
    proof: Vec<u8>,
}

/// Makes the registrations and prints how they went.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let mut bench = Bench::new(arguments)?;
    bench.run()?;
    bench.print();
    Ok(())
}

struct Bench {
    request: Template,
    uri: String,
    algorithm: Algorithm,
    users: u32,
    socket: UdpSocket,
    out: Outbox,
    clock: Clock,
    pace: Pace,
    registrations: Vec<Registration>,
    repeats: Repeats<(u32, Stage)>,
    ended: usize,
    stored: u64,
    failed: u64,
    retransmissions: u64,
    challenge: Histogram,
    answer: Histogram,
}

impl Bench {
    fn new(arguments: &Arguments) -> Result<Self, Fault> {
        let server = arguments.address("server")?;
        let contact = arguments.address("contact")?;
        let socket = udp::bind(contact)?;
        let count: u32 = arguments.required("count")?;
        let request = request(server, contact, fastrand::u32(..));
        Ok(Self {
            request: Template::new(&request),
            uri: format!("sip:{}", server.ip()),
            algorithm: arguments.or("algorithm", Algorithm::Md5)?,
            users: arguments.required::<u32>("users")?.max(1),
            socket,
            out: Outbox::new(server),
            clock: Clock::start(),
            pace: Pace::new(arguments.required("rate")?, count),
            registrations: vec![Registration::default(); count as usize],
            repeats: Repeats::new(),
            ended: 0,
            stored: 0,
            failed: 0,
            retransmissions: 0,
            challenge: Histogram::new(),
            answer: Histogram::new(),
        })
    }

    fn run(&mut self) -> Result<(), Fault> {
        const PATIENCE: u64 = 8 * SECOND;
        let mut inbox = Inbox::new();
        self.clock = Clock::start();
        while self.ended < self.registrations.len()
            && (self.pace.due().is_some() || self.clock.now() < self.pace.last_at() + PATIENCE)
        {
            self.begin();
            self.repeat();
            self.out.flush(&self.socket)?;
            let arrived = inbox.fill(&self.socket, Patience::None)?;
            let now = self.clock.now();
            for (_, message) in inbox.iter() {
                self.take(now, message);
            }
            self.out.flush(&self.socket)?;
            if arrived == 0 {
                self.sleep()?;
            }
        }
        Ok(())
    }

    fn begin(&mut self) {
        for _ in 0..BEGUN_AT_ONCE {
            let now = self.clock.now();
            let Some(number) = self.pace.take(now) else { break };
            if let Some(registration) = self.registrations.get_mut(number as usize) {
                registration.stage = Stage::Asking;
                registration.sent_at = now;
            }
            self.ask(number);
            self.repeats.push(now, 0, (number, Stage::Asking));
        }
    }

    fn ask(&mut self, number: u32) {
        let user = number % self.users;
        self.out.push(|octets| {
            self.request.write(number, user, octets);
            octets.extend_from_slice(b"a\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n");
        });
    }

    fn repeat(&mut self) {
        let now = self.clock.now();
        while let Some((times, (number, stage))) = self.repeats.due(now) {
            let Some(registration) = self.registrations.get(number as usize) else { continue };
            if registration.stage != stage {
                continue;
            }
            self.retransmissions += 1;
            self.repeats.push(now, times + 1, (number, stage));
            if stage == Stage::Asking {
                self.ask(number);
            } else {
                self.out.push(|octets| octets.extend_from_slice(&registration.proof));
            }
        }
    }

    fn take(&mut self, now: u64, message: &[u8]) {
        let (Some(status), Some(index)) = (text::status(message), text::number(message)) else {
            return;
        };
        let Some(registration) = self.registrations.get_mut(index) else { return };
        let taken = now.saturating_sub(registration.sent_at);
        match (registration.stage, status) {
            (Stage::Asking, 401) => {
                self.challenge.add(taken);
                self.prove(index, message);
            }
            // The answer to the first request again, while that to the second is awaited.
            (Stage::Proving, 401) if text::field(message, "\nCSeq: ") == Some(b"1 REGISTER") => {}
            (Stage::Asking | Stage::Proving, 200) => {
                self.answer.add(taken);
                self.stored += 1;
                self.end(index);
            }
            (Stage::Asking | Stage::Proving, 300..) => {
                self.failed += 1;
                self.end(index);
            }
            _ => {}
        }
    }

    fn prove(&mut self, index: usize, challenge: &[u8]) {
        let Ok(number) = u32::try_from(index) else { return };
        let user = number % self.users;
        let username = format!("u{user:09}");
        let who = Credentials {
            username: &username,
            password: PASSWORD,
            method: "REGISTER",
            uri: &self.uri,
        };
        let Some(line) = digest::authorization(challenge, self.algorithm, &who) else {
            self.failed += 1;
            return self.end(index);
        };
        let Some(registration) = self.registrations.get_mut(index) else { return };
        let proof = &mut registration.proof;
        self.request.write(number, user, proof);
        proof.extend_from_slice(b"b\r\nCSeq: 2 REGISTER\r\n");
        proof.extend_from_slice(line.as_bytes());
        proof.extend_from_slice(b"Content-Length: 0\r\n\r\n");
        let now = self.clock.now();
        registration.stage = Stage::Proving;
        registration.sent_at = now;
        self.out.push(|octets| octets.extend_from_slice(&registration.proof));
        self.repeats.push(now, 0, (number, Stage::Proving));
    }

    fn end(&mut self, index: usize) {
        if let Some(registration) = self.registrations.get_mut(index) {
            registration.stage = Stage::Ended;
            registration.proof = Vec::new();
        }
        self.ended += 1;
    }

    fn sleep(&self) -> Result<(), Fault> {
        const GRAIN: u64 = SECOND / 100;
        let now = self.clock.now();
        let until_next = self.pace.due().map_or(GRAIN, |due| due.saturating_sub(now));
        udp::wait(&[&self.socket], until_next.min(GRAIN))?;
        Ok(())
    }

    fn print(&self) {
        println!("completed {}", self.stored);
        println!("failed {}", self.failed);
        println!("retransmissions {}", self.retransmissions);
        println!("rate {}", self.pace.achieved());
        self.challenge.print("challenge");
        self.answer.print("answer");
    }
}

/// The request up to the branch's last letter: Via comes last of what both requests share.
pub(crate) fn request(server: SocketAddrV4, contact: SocketAddrV4, run: u32) -> String {
    let domain = server.ip();
    format!(
        "REGISTER sip:{domain} SIP/2.0\r\nMax-Forwards: 70\r\n\
         From: <sip:u{USER}@{domain}>;tag={NUMBER}\r\nTo: <sip:u{USER}@{domain}>\r\n\
         Call-ID: {NUMBER}-{run:08x}@callers.invalid\r\n\
         Contact: <sip:u{USER}@{contact}>\r\nExpires: 3600\r\n\
         Via: SIP/2.0/UDP {contact};branch=z9hG4bK{run:08x}{NUMBER}"
    )
}
