//! Over which transports and address families this side can send at all.

use std::net::IpAddr;

use antiphon_sip::Transport;

use crate::endpoint::Listener;

/// What the listeners of this side reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    families: [[Access; 2]; Transport::ALL.len()],
}

/// How far the listeners of one transport and family reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Access {
    /// There is none.
    None,
    /// They are all on this machine's loopback.
    Loopback,
    /// Wherever the system routes to.
    Any,
}

impl Reach {
    /// What these listeners reach.
    #[must_use]
    pub fn of(listeners: &[Listener]) -> Self {
        let mut reach = Self { families: [[Access::None; 2]; Transport::ALL.len()] };
        for Listener { transport, local, .. } in listeners {
            let access = if local.ip().is_loopback() { Access::Loopback } else { Access::Any };
            let families = reach.families.get_mut(*transport as usize);
            let known = families.and_then(|families| families.get_mut(family(local.ip())));
            if let Some(known) = known {
                *known = access.max(*known);
            }
        }
        reach
    }

    /// Whether a transport is spoken at all.
    #[must_use]
    pub fn speaks(&self, transport: Transport) -> bool {
        self.speaks_v4(transport) || self.speaks_v6(transport)
    }

    pub(super) fn speaks_v4(&self, transport: Transport) -> bool {
        self.access(transport, 0) != Access::None
    }

    pub(super) fn speaks_v6(&self, transport: Transport) -> bool {
        self.access(transport, 1) != Access::None
    }

    /// Whether there is likely a way to an address: a listener on the loopback reaches nothing
    /// else (RFC 6724 §5, rules 1 and 2).
    pub(super) fn fits(&self, transport: Transport, address: IpAddr) -> bool {
        match self.access(transport, family(address)) {
            Access::None => false,
            Access::Loopback => address.is_loopback(),
            Access::Any => true,
        }
    }

    fn access(&self, transport: Transport, family: usize) -> Access {
        let families = self.families.get(transport as usize);
        families.and_then(|families| families.get(family)).copied().unwrap_or(Access::None)
    }
}

const fn family(address: IpAddr) -> usize {
    match address {
        IpAddr::V4(_) => 0,
        IpAddr::V6(_) => 1,
    }
}
