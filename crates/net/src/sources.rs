//! From which address of this machine packets leave: what the system's routing table says.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use antiphon_core::endpoint::SourceAddresses;
use socket2::{Domain, Protocol, Socket, Type};

/// How long the system's word is taken. A question costs a few microseconds, and a route that
/// changes must not go unnoticed for longer than a request is sent again.
const FRESH: Duration = Duration::from_secs(4);

/// Answers kept, as many as a busy server has peers within that time. Addresses in requests can ask
/// for any; when they fill it, it starts anew.
const MOST: usize = 4096;

/// The routing table of the system, with the last answers.
#[derive(Debug, Default)]
pub(crate) struct SystemSources {
    /// Whoever has it holds it for a look-up in a table: it is shared, as a configuration is.
    known: Mutex<HashMap<IpAddr, (Option<IpAddr>, Instant)>>,
}

impl SourceAddresses for SystemSources {
    fn towards(&self, remote: IpAddr) -> Option<IpAddr> {
        let now = Instant::now();
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((source, at)) = known.get(&remote)
            && now.duration_since(*at) < FRESH
        {
            return *source;
        }
        if known.len() >= MOST {
            known.clear();
        }
        let source = source_towards(remote);
        known.insert(remote, (source, now));
        source
    }
}

/// The address that the system picks on the way to `remote`. Connecting a datagram socket sends
/// nothing; it only asks the routing table.
pub(crate) fn source_towards(remote: IpAddr) -> Option<IpAddr> {
    const ANY_PORT: u16 = 9;
    let (remote, wildcard): (_, IpAddr) = match remote {
        IpAddr::V4(_) => (remote, Ipv4Addr::UNSPECIFIED.into()),
        IpAddr::V6(_) => (remote, Ipv6Addr::UNSPECIFIED.into()),
    };
    let remote = SocketAddr::new(remote, ANY_PORT);
    let socket = Socket::new(Domain::for_address(remote), Type::DGRAM, Some(Protocol::UDP)).ok()?;
    // Some systems tell no address of a socket that is not bound.
    socket.bind(&SocketAddr::new(wildcard, 0).into()).ok()?;
    socket.connect(&remote.into()).ok()?;
    let source = socket.local_addr().ok()?.as_socket()?.ip();
    (!source.is_unspecified()).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_loopback_is_reached_from_itself_and_asked_about_once() {
        let sources = SystemSources::default();
        for loopback in ["127.0.0.1", "::1"] {
            let loopback: IpAddr = loopback.parse().unwrap();
            assert_eq!(sources.towards(loopback), Some(loopback));
            assert_eq!(sources.towards(loopback), Some(loopback));
        }
        assert_eq!(sources.known.lock().unwrap().len(), 2);
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let sources = SystemSources::default();
        for address in 0..2 * u32::try_from(MOST).unwrap() {
            let address = Ipv4Addr::from_bits(0x7f00_0000 + address);
            sources.known.lock().unwrap().insert(address.into(), (None, Instant::now()));
            if sources.known.lock().unwrap().len() >= MOST {
                break;
            }
        }
        sources.towards(Ipv4Addr::LOCALHOST.into());
        sources.towards(Ipv4Addr::new(127, 200, 0, 1).into());
        assert!(sources.known.lock().unwrap().len() <= 2);
    }
}
