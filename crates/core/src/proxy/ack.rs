//! The ACK of a 2xx: forwarded without a transaction, by its Route set or Request-URI alone
//! (RFC 3261 §16.11 with §13.2.2.4).

use antiphon_sip::Request;

use super::forward::{self, Copy};
use super::{Proxy, Resolving, Target};
use crate::endpoint::Endpoint;
use crate::locate::{Answer, HopHost, Next, Question, Search};
use crate::time::Time;

/// ACKs that may wait for their way to be found at one time. The callee repeats its 2xx and the
/// caller its ACK, so one that is dropped when look-ups are slow comes again.
const MAX_WAITING: usize = 1024;

/// An ACK whose way is being found.
#[derive(Debug)]
pub(super) struct WaitingAck {
    request: Request,
    search: Search,
}

impl Proxy {
    /// Forwards an ACK to its one target. Nothing can be answered to one that cannot be forwarded.
    pub fn forward_ack(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        request: &Request,
        target: &Target,
    ) {
        let Ok(Copy { request, hop }) = forward::copy(request, target) else { return };
        if let Some(flow) = target.flow {
            return endpoint.send_ack(now, request, flow);
        }
        match (hop.place(), &hop.host) {
            (Some(server), _) => {
                if let Some(to) = hop.destination(&server, endpoint) {
                    endpoint.send_ack(now, request, to);
                }
            }
            (None, HopHost::Name(_)) if self.acks.len() < MAX_WAITING => {
                let search = self.search(endpoint, hop);
                let id = self.next_ack;
                self.next_ack += 1;
                self.go_on_with_ack(now, endpoint, id, WaitingAck { request, search });
            }
            (None, _) => {}
        }
    }

    pub(super) fn ack_answered(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        id: u64,
        question: &Question,
        answer: &Answer,
    ) {
        let Some(mut ack) = self.acks.remove(&id) else { return };
        ack.search.answered(question, answer);
        self.go_on_with_ack(now, endpoint, id, ack);
    }

    /// Sends an ACK to the first server that a listener of ours can reach, once that is known.
    fn go_on_with_ack(&mut self, now: Time, endpoint: &mut Endpoint, id: u64, mut ack: WaitingAck) {
        self.ask(&mut ack.search, Resolving::Ack(id));
        let rests = |server: &_| self.rests.rests(now, server);
        loop {
            match ack.search.next(&endpoint.config().listeners, rests) {
                Next::Server(server) => {
                    let to = ack.search.hop().destination(&server, endpoint);
                    if let Some(to) = to {
                        return endpoint.send_ack(now, ack.request, to);
                    }
                }
                Next::Wait => {
                    self.acks.insert(id, ack);
                    return;
                }
                Next::Over => return,
            }
        }
    }
}
