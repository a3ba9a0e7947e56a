//! Calls at a steady rate: INVITE 100 180 200 ACK BYE 200, both ends in one thread.
//!
//! SIPp spends more on a call than a good server does; this load allocates nothing per message
//! and sends in batches, so that the server is what is measured. Both ends know each call by the
//! number in its Call-ID.

mod callee;
mod caller;
mod ends;
mod outcome;

use std::net::UdpSocket;

use crate::arguments::Arguments;
use crate::clock::{Clock, Pace, SECOND};
use crate::fault::Fault;
use crate::repeats::Repeats;
use crate::text;
use crate::udp::{self, Inbox, Outbox, Patience};
use callee::Callee;
use caller::Caller;
use outcome::Outcome;

pub(crate) use ends::Ends;

/// Calls that are begun before arrived messages are looked at again.
const BEGUN_AT_ONCE: usize = 16;

/// Where a call stands for its caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Stage {
    #[default]
    Idle,
    Calling,
    Proceeding,
    Open,
    HangingUp,
    Ended,
}

/// One call, as both ends know it. The times are those of the last message of their kind.
#[derive(Debug, Default)]
struct Call {
    stage: Stage,
    user: u32,
    invited_at: u64,
    answered_at: u64,
    acknowledged_at: u64,
    bye_answered_at: u64,
    /// The ACK was sent a second time: one that comes late proves nothing about the order.
    is_ack_repeated: bool,
    /// The callee has seen the ACK.
    is_acknowledged: bool,
    /// The callee has seen the BYE.
    is_hung_up: bool,
    /// ACK and BYE, and where the second begins.
    requests: Vec<u8>,
    bye_at: usize,
    /// The callee's 200 for the INVITE.
    answer: Vec<u8>,
}

/// What is sent again until somebody answers.
#[derive(Debug, Clone, Copy)]
enum Repeat {
    Invite(u32),
    Answer(u32),
    Bye(u32),
}

/// What both ends write to.
#[derive(Debug)]
struct State {
    clock: Clock,
    calls: Vec<Call>,
    repeats: Repeats<Repeat>,
    outcome: Outcome,
    /// Buffers of calls that have ended.
    spare: Vec<Vec<u8>>,
}

impl State {
    fn new(calls: u32) -> Self {
        Self {
            clock: Clock::start(),
            calls: (0..calls).map(|_| Call::default()).collect(),
            repeats: Repeats::new(),
            outcome: Outcome::new(),
            spare: Vec::new(),
        }
    }

    fn end(&mut self, number: usize) {
        let Some(call) = self.calls.get_mut(number) else { return };
        call.stage = Stage::Ended;
        self.spare.push(std::mem::take(&mut call.requests));
        self.spare.push(std::mem::take(&mut call.answer));
        self.outcome.ended += 1;
    }

    fn buffer(&mut self) -> Vec<u8> {
        let mut buffer = self.spare.pop().unwrap_or_default();
        buffer.clear();
        buffer
    }
}

/// Places the calls and prints how they went.
pub(crate) fn run(arguments: &Arguments) -> Result<(), Fault> {
    let mut bench = Bench::new(arguments)?;
    bench.run()?;
    bench.state.outcome.print(&bench.pace);
    Ok(())
}

struct Bench {
    caller: Caller,
    callee: Callee,
    caller_socket: UdpSocket,
    callee_socket: UdpSocket,
    to_server: Outbox,
    from_callee: Outbox,
    inbox: Inbox,
    pace: Pace,
    patience: u64,
    state: State,
}

impl Bench {
    fn new(arguments: &Arguments) -> Result<Self, Fault> {
        let server = arguments.address("server")?;
        let callee_socket = udp::bind(arguments.address("callee")?)?;
        let caller_socket = udp::bind(std::net::SocketAddrV4::new(*server.ip(), 0))?;
        let count: u32 = arguments.required("calls")?;
        let open: u32 = arguments.or("open", 0)?;
        let users: u32 = arguments.or("users", 1)?;
        let run = fastrand::u32(..);
        Ok(Self {
            caller: Caller::new(server, udp::local(&caller_socket)?, run, users, open),
            callee: Callee::new(udp::local(&callee_socket)?),
            caller_socket,
            callee_socket,
            to_server: Outbox::new(server),
            from_callee: Outbox::new(server),
            inbox: Inbox::new(),
            pace: Pace::new(arguments.required("rate")?, count),
            patience: arguments.or("patience", 8)? * SECOND,
            state: State::new(count),
        })
    }

    fn run(&mut self) -> Result<(), Fault> {
        self.state.clock = Clock::start();
        while !self.is_over() {
            self.begin_calls();
            self.repeat();
            self.flush()?;
            let arrived = self.receive()?;
            self.flush()?;
            if arrived == 0 {
                self.sleep()?;
            }
        }
        Ok(())
    }

    fn is_over(&self) -> bool {
        let all = self.state.outcome.ended == self.state.calls.len();
        all || (self.pace.due().is_none()
            && self.state.clock.now() > self.pace.last_at() + self.patience)
    }

    fn begin_calls(&mut self) {
        for _ in 0..BEGUN_AT_ONCE {
            let now = self.state.clock.now();
            let Some(number) = self.pace.take(now) else { break };
            self.caller.begin(number, &mut self.state, &mut self.to_server);
        }
        if self.pace.due().is_some() {
            self.state.outcome.ended_in_time = self.state.outcome.completed;
        }
    }

    fn repeat(&mut self) {
        let now = self.state.clock.now();
        while let Some((times, what)) = self.state.repeats.due(now) {
            let repeated = match what {
                Repeat::Invite(number) => {
                    self.caller.repeat_invite(number, &self.state, &mut self.to_server)
                }
                Repeat::Bye(number) => {
                    self.caller.repeat_bye(number, &self.state, &mut self.to_server)
                }
                Repeat::Answer(number) => {
                    self.callee.repeat_answer(number, &self.state, &mut self.from_callee)
                }
            };
            if repeated {
                self.state.outcome.retransmissions += 1;
                self.state.repeats.push(now, times + 1, what);
            }
        }
    }

    /// Takes a batch at each end; says how many messages came.
    fn receive(&mut self) -> Result<usize, Fault> {
        let at_callee = self.inbox.fill(&self.callee_socket, Patience::None)?;
        let now = self.state.clock.now();
        for (_, message) in self.inbox.iter() {
            let Some(number) = text::number(message) else { continue };
            self.callee.take(now, number, message, &mut self.state, &mut self.from_callee);
        }
        let at_caller = self.inbox.fill(&self.caller_socket, Patience::None)?;
        let now = self.state.clock.now();
        for (_, message) in self.inbox.iter() {
            let Some(number) = text::number(message) else { continue };
            self.caller.take(now, number, message, &mut self.state, &mut self.to_server);
        }
        Ok(at_callee + at_caller)
    }

    fn flush(&mut self) -> Result<(), Fault> {
        self.to_server.flush(&self.caller_socket)?;
        self.from_callee.flush(&self.callee_socket)?;
        Ok(())
    }

    fn sleep(&self) -> Result<(), Fault> {
        // Repeats are due on a grain that nobody measures.
        const GRAIN: u64 = SECOND / 100;
        let now = self.state.clock.now();
        let until_next = self.pace.due().map_or(GRAIN, |due| due.saturating_sub(now));
        udp::wait(&[&self.caller_socket, &self.callee_socket], until_next.min(GRAIN))?;
        Ok(())
    }
}
