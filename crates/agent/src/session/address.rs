//! From which address of this machine a target is reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use antiphon_sip::uri::SipUri;
use antiphon_sip::{Host, UriBuf};
use tokio::net::{UdpSocket, lookup_host};

/// Any port does: nothing is sent.
const ANY_PORT: u16 = 5060;

/// The address that the system sends from towards the host of the URI. `None` when the URI names
/// no host that has an address, or there is no way to it: the request itself will find out, and
/// tell.
pub(super) async fn towards(uri: &UriBuf) -> Option<IpAddr> {
    let target = match host(uri.as_uri().as_sip()?) {
        Host::V4(ip) => IpAddr::V4(ip),
        Host::V6(ip) => IpAddr::V6(ip),
        Host::Name(name) => lookup_host((name, ANY_PORT)).await.ok()?.next()?.ip(),
    };
    source(target).await
}

/// Where the next hop is: `maddr` comes before the host (RFC 3263 §4).
fn host<'a>(uri: &SipUri<'a>) -> Host<'a> {
    let maddr = uri.params.get("maddr").flatten();
    maddr.and_then(|maddr| Host::parse(maddr).ok()).unwrap_or(uri.host)
}

async fn source(target: IpAddr) -> Option<IpAddr> {
    let any = match target {
        IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let socket = UdpSocket::bind((any, 0)).await.ok()?;
    socket.connect(SocketAddr::new(target, ANY_PORT)).await.ok()?;
    let source = socket.local_addr().ok()?.ip();
    (!source.is_unspecified()).then_some(source)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(flavor = "current_thread")]
    async fn the_loopback_is_reached_from_itself() {
        for (uri, expected) in [
            ("sip:bob@127.0.0.1:5070", Some("127.0.0.1")),
            ("sip:bob@192.0.2.1;maddr=127.0.0.1", Some("127.0.0.1")),
            ("tel:+4420", None),
        ] {
            let expected = expected.map(|ip| ip.parse::<IpAddr>().unwrap());
            assert_eq!(towards(&uri.parse().unwrap()).await, expected, "{uri}");
        }
    }
}
