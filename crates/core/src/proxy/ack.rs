//! The ACK of a 2xx: forwarded without a transaction, by its Route set or Request-URI alone
//! (RFC 3261 §16.11 with §13.2.2.4).

use std::net::IpAddr;

use antiphon_sip::Request;

use super::forward::{self, Copy};
use super::{Proxy, Resolving, Target};
use crate::endpoint::Endpoint;
use crate::locate::HopHost;
use crate::time::Time;

/// ACKs that may wait for addresses at one time. The callee repeats its 2xx and the caller its
/// ACK, so one that is dropped when look-ups are slow comes again.
const MAX_WAITING: usize = 1024;

impl Proxy {
    /// Forwards an ACK to its one target. Nothing can be answered to one that cannot be forwarded.
    pub fn forward_ack(
        &mut self,
        now: Time,
        endpoint: &mut Endpoint,
        request: &Request,
        target: &Target,
    ) {
        let Ok(copy) = forward::copy(request, target) else { return };
        if let Some(flow) = target.flow {
            return endpoint.send_ack(now, copy.request, flow);
        }
        match copy.hop.host.clone() {
            HopHost::Address(address) => send(now, endpoint, copy, [address]),
            HopHost::Name(name) if self.waiting_acks < MAX_WAITING => {
                self.waiting_acks += 1;
                self.ask(name, Resolving::Ack(Box::new(copy)));
            }
            HopHost::Name(_) => {}
        }
    }
}

/// Sends an ACK to the first address that a listener of ours can reach.
pub(super) fn send(
    now: Time,
    endpoint: &mut Endpoint,
    copy: Copy,
    addresses: impl IntoIterator<Item = IpAddr>,
) {
    let Copy { request, hop } = copy;
    let to = addresses.into_iter().find_map(|address| hop.destination(address, endpoint));
    if let Some(to) = to {
        endpoint.send_ack(now, request, to);
    }
}
