//! Keep-alives that are out, and flows that did not answer theirs (RFC 5626 §4.4).

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_core::flow::Flow;
use antiphon_sip::Transport;
use tokio::time::Instant;

/// The first interval between two STUN requests, doubled with each (RFC 8489 §6.2.1).
const RTO: Duration = Duration::from_millis(500);

/// So often a STUN request is sent (RFC 8489 §6.2.1).
const REQUESTS: u32 = 7;

/// So many times the first interval the last one is waited for (RFC 8489 §6.2.1).
const LAST: u32 = 16;

/// Keep-alives that may be out at once: a user agent has one for each flow that it has registered.
const MOST: usize = 256;

/// What is to be done about a flow.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Ask again by STUN.
    Again(Flow, [u8; 12]),
    /// It is dead.
    Dead(Flow),
}

/// The keep-alives that are out.
#[derive(Debug, Default)]
pub(super) struct Pulses {
    out: Vec<Pulse>,
    /// As which address STUN says that we are seen, by our own and the peer's.
    seen: HashMap<(SocketAddr, SocketAddr), SocketAddr>,
    keys: RandomState,
    last: u64,
}

#[derive(Debug)]
struct Pulse {
    flow: Flow,
    kind: Kind,
    next: Instant,
}

#[derive(Debug)]
enum Kind {
    /// A double CRLF, which anything that comes answers.
    Crlf,
    Stun {
        transaction: [u8; 12],
        sent: u32,
    },
}

impl Pulses {
    /// A stream was sent a double CRLF, which is to be answered until then.
    pub(super) fn pinged(&mut self, flow: Flow, until: Instant) {
        if self.out.len() < MOST && !self.out.iter().any(|pulse| pulse.flow == flow) {
            self.out.push(Pulse { flow, kind: Kind::Crlf, next: until });
        }
    }

    /// The transaction of a STUN request that is to be sent; `None` when one is out already.
    pub(super) fn ask(&mut self, now: Instant, flow: Flow) -> Option<[u8; 12]> {
        if self.out.len() >= MOST || self.out.iter().any(|pulse| pulse.flow == flow) {
            return None;
        }
        let transaction = self.transaction();
        let kind = Kind::Stun { transaction, sent: 1 };
        self.out.push(Pulse { flow, kind, next: now + RTO });
        Some(transaction)
    }

    /// A stream has said something, or is gone.
    pub(super) fn heard(&mut self, flow: &Flow) {
        if !self.out.is_empty() {
            let is_it = |pulse: &Pulse| pulse.flow.connection == flow.connection;
            self.out.retain(|pulse| !(matches!(pulse.kind, Kind::Crlf) && is_it(pulse)));
        }
    }

    /// STUN has answered; `None` stands for an error. The flow, if it is dead: after an error, and
    /// when we are seen at another address than before (RFC 5626 §4.4.2).
    pub(super) fn answered(
        &mut self,
        remote: SocketAddr,
        answered: &[u8],
        mapped: Option<SocketAddr>,
    ) -> Option<Flow> {
        let is_it = |pulse: &Pulse| {
            let Kind::Stun { transaction, .. } = &pulse.kind else { return false };
            transaction == answered && pulse.flow.remote == remote
        };
        let at = self.out.iter().position(is_it)?;
        let flow = self.out.swap_remove(at).flow;
        let key = (flow.local, flow.remote);
        let Some(mapped) = mapped else {
            self.seen.remove(&key);
            return Some(flow);
        };
        if self.seen.len() >= MOST && !self.seen.contains_key(&key) {
            self.seen.clear();
        }
        let before = self.seen.insert(key, mapped);
        before.is_some_and(|before| before != mapped).then_some(flow)
    }

    /// When something is due.
    pub(super) fn next(&self) -> Option<Instant> {
        self.out.iter().map(|pulse| pulse.next).min()
    }

    /// What is due now.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due> {
        let at = self.out.iter().position(|pulse| pulse.next <= now)?;
        let pulse = self.out.get_mut(at)?;
        if let Kind::Stun { transaction, sent } = &mut pulse.kind
            && *sent < REQUESTS
        {
            *sent += 1;
            let factor = if *sent == REQUESTS { LAST } else { 1 << (*sent - 1) };
            pulse.next = now + RTO * factor;
            return Some(Due::Again(pulse.flow, *transaction));
        }
        let flow = self.out.swap_remove(at).flow;
        self.seen.remove(&(flow.local, flow.remote));
        Some(Due::Dead(flow))
    }

    /// 96 bits that nobody else knows (RFC 8489 §5).
    fn transaction(&mut self) -> [u8; 12] {
        self.last += 1;
        let [one, two] = [0_u8, 1].map(|half| self.keys.hash_one((self.last, half)).to_be_bytes());
        let mut transaction = [0; 12];
        for (octet, random) in transaction.iter_mut().zip(one.into_iter().chain(two)) {
            *octet = random;
        }
        transaction
    }
}

/// Whether keep-alives of a transport are CRLFs and not STUN.
pub(super) fn is_by_crlf(transport: Transport) -> bool {
    transport.is_reliable()
}

#[cfg(test)]
mod tests {
    use antiphon_core::flow::ConnectionId;

    use super::*;

    fn flow(transport: Transport) -> Flow {
        let connection = transport.is_reliable().then_some(ConnectionId(7));
        let (local, remote) =
            ("192.0.2.1:5060".parse().unwrap(), "192.0.2.2:5060".parse().unwrap());
        Flow { transport, local, remote, connection }
    }

    #[test]
    fn stun_is_repeated_seven_times_and_then_the_flow_is_dead_rfc5626_4_4_2() {
        let (mut pulses, start) = (Pulses::default(), Instant::now());
        let flow = flow(Transport::Udp);
        let transaction = pulses.ask(start, flow).unwrap();
        assert!(pulses.ask(start, flow).is_none(), "one is out");
        for millis in [500, 1500, 3500, 7500, 15_500, 31_500] {
            let at = start + Duration::from_millis(millis);
            assert_eq!(pulses.next(), Some(at));
            assert_eq!(pulses.due(at), Some(Due::Again(flow, transaction)));
        }
        let end = start + Duration::from_millis(39_500);
        assert_eq!((pulses.next(), pulses.due(end)), (Some(end), Some(Due::Dead(flow))));
        assert_eq!(pulses.next(), None);
    }

    #[test]
    fn another_address_is_another_flow_rfc5626_4_4_2() {
        let (mut pulses, start) = (Pulses::default(), Instant::now());
        let flow = flow(Transport::Udp);
        let seen = |port: u16| Some(SocketAddr::from(([203, 0, 113, 1], port)));
        let mut answer = |mapped| {
            let transaction = pulses.ask(start, flow).unwrap();
            assert_eq!(pulses.answered(flow.local, &transaction, mapped), None, "another peer");
            pulses.answered(flow.remote, &transaction, mapped)
        };
        assert_eq!([answer(seen(1)), answer(seen(1))], [None, None]);
        assert_eq!([answer(seen(2)), answer(seen(2))], [Some(flow), None]);
        assert_eq!(answer(None), Some(flow), "an error");
    }

    #[test]
    fn a_stream_without_a_pong_is_dead_rfc5626_4_4_1() {
        let (mut pulses, start) = (Pulses::default(), Instant::now());
        let flow = flow(Transport::Tls);
        let until = start + Duration::from_secs(10);
        pulses.pinged(flow, until);
        pulses.heard(&flow);
        assert_eq!(pulses.next(), None);
        pulses.pinged(flow, until);
        assert_eq!(pulses.due(start), None);
        assert_eq!(pulses.due(until), Some(Due::Dead(flow)));
    }
}
