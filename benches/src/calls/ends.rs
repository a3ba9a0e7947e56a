//! Both ends of calls without sockets.

use std::collections::VecDeque;
use std::net::SocketAddrV4;

use bytes::Bytes;

use super::callee::Callee;
use super::caller::Caller;
use super::{State, text};
use crate::udp::Outbox;

/// Both ends of calls; whoever has them carries their datagrams.
#[derive(Debug)]
pub(crate) struct Ends {
    caller: Caller,
    callee: Callee,
    addresses: (SocketAddrV4, SocketAddrV4),
    from_caller: Outbox,
    from_callee: Outbox,
    /// From where, and what.
    waiting: VecDeque<(SocketAddrV4, Bytes)>,
    state: State,
}

impl Ends {
    pub(crate) fn new(
        server: SocketAddrV4,
        caller: SocketAddrV4,
        callee: SocketAddrV4,
        calls: u32,
        users: u32,
    ) -> Self {
        Self {
            caller: Caller::new(server, caller, fastrand::u32(..), users, 0),
            callee: Callee::new(callee),
            addresses: (caller, callee),
            from_caller: Outbox::new(server),
            from_callee: Outbox::new(server),
            waiting: VecDeque::new(),
            state: State::new(calls),
        }
    }

    /// Begins a call.
    pub(crate) fn begin(&mut self, number: u32) {
        self.caller.begin(number, &mut self.state, &mut self.from_caller);
        self.collect();
    }

    /// Brings a message of the server to one of the ends.
    pub(crate) fn deliver(&mut self, is_for_callee: bool, message: &[u8]) {
        let Some(number) = text::number(message) else { return };
        let now = self.state.clock.now();
        if is_for_callee {
            self.callee.take(now, number, message, &mut self.state, &mut self.from_callee);
        } else {
            self.caller.take(now, number, message, &mut self.state, &mut self.from_caller);
        }
        self.collect();
    }

    /// The next datagram for the server.
    pub(crate) fn next_datagram(&mut self) -> Option<(SocketAddrV4, Bytes)> {
        self.waiting.pop_front()
    }

    /// Calls whose BYE was answered 200.
    pub(crate) const fn completed(&self) -> u64 {
        self.state.outcome.completed
    }

    fn collect(&mut self) {
        let Self { waiting, addresses: (caller, callee), .. } = self;
        let mut from = |end: SocketAddrV4, outbox: &mut Outbox| {
            outbox.drain(|octets| waiting.push_back((end, Bytes::copy_from_slice(octets))));
        };
        from(*caller, &mut self.from_caller);
        from(*callee, &mut self.from_callee);
    }
}
