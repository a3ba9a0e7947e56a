//! Which address a peer can reach us at, when we listen on all of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::sources::source_towards;

/// An address beyond every router, of the ranges for documentation (RFC 5737, RFC 3849), so that
/// only the default route decides.
const FAR_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const FAR_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// The address to write into Via for a listener on `local`: itself, or for a wildcard the one that
/// the system would send from to the outside; the loopback where there is no way outside.
pub(crate) fn usable(local: SocketAddr) -> SocketAddr {
    if !local.ip().is_unspecified() {
        return local;
    }
    let (far, loopback) = match local {
        SocketAddr::V4(_) => (FAR_V4, IpAddr::V4(Ipv4Addr::LOCALHOST)),
        SocketAddr::V6(_) => (FAR_V6, IpAddr::V6(Ipv6Addr::LOCALHOST)),
    };
    let source = source_towards(far).unwrap_or(loopback);
    SocketAddr::new(source, local.port())
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::*;

    #[test]
    fn a_bound_address_stands_for_itself() {
        let local: SocketAddr = "127.0.0.1:5070".parse().unwrap();
        assert_eq!(usable(local), local);
    }

    #[test]
    fn a_wildcard_becomes_an_address_that_can_be_bound() {
        for wildcard in ["0.0.0.0:5070", "[::]:5070"] {
            let local: SocketAddr = wildcard.parse().unwrap();
            let usable = usable(local);
            assert!(!usable.ip().is_unspecified(), "{usable}");
            assert_eq!((usable.port(), usable.is_ipv4()), (5070, local.is_ipv4()));
            UdpSocket::bind((usable.ip(), 0)).unwrap();
        }
    }
}
