//! From which addresses of this machine a target is reached.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use antiphon_core::endpoint::Listener;
use antiphon_core::locate::{Answer, Hop, Next, Question, Reach, Search, Server};
use antiphon_net::Dns;
use antiphon_sip::{Transport, UriBuf};
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// Any port does: nothing is sent.
const ANY_PORT: u16 = 5060;

/// What was learnt on the way to the addresses to listen on.
#[derive(Debug, Default)]
pub(super) struct Towards {
    /// Where the system sends from towards the target, one address of each family that there is a
    /// way by. Empty when the URI names nothing that can be found: the request itself will find out,
    /// and tell.
    pub(super) sources: Vec<IpAddr>,
    /// What the DNS was asked, what it said, and how long it took.
    pub(super) look_ups: Vec<(Question, Answer, Duration)>,
}

/// The way towards a URI, over this transport if one was asked for.
pub(super) async fn towards(uri: &UriBuf, transport: Option<Transport>, dns: &Dns) -> Towards {
    let mut towards = Towards::default();
    let Ok(mut hop) = Hop::of(&uri.as_uri()) else { return towards };
    hop.transport = hop.transport.or(transport.filter(|_| !hop.is_secure));
    let servers = match hop.place() {
        Some(server) => vec![server],
        None => towards.find(hop, dns).await,
    };
    for server in servers {
        let address = server.address.ip();
        let is_new = |known: &IpAddr| known.is_ipv4() != address.is_ipv4();
        if towards.sources.iter().all(is_new) {
            towards.sources.extend(source(address).await);
        }
    }
    towards
}

impl Towards {
    async fn find(&mut self, hop: Hop, dns: &Dns) -> Vec<Server> {
        let mut search = Search::new(hop, Reach::of(&everything()), 0);
        let mut servers = Vec::new();
        let mut running = JoinSet::new();
        loop {
            while let Some(question) = search.next_question() {
                let (dns, asked) = (dns.clone(), Instant::now());
                running.spawn(async move {
                    let answer = dns.answer(&question).await;
                    (question, answer, asked.elapsed())
                });
            }
            match search.next(&[], |_| false) {
                Next::Server(server) => servers.push(server),
                Next::Over => return servers,
                Next::Wait => {
                    let Some(Ok((question, answer, took))) = running.join_next().await else {
                        return servers;
                    };
                    search.answered(&question, &answer);
                    self.look_ups.push((question, answer, took));
                }
            }
        }
    }
}

/// Listeners for every transport that an agent may come to speak: which of them it opens follows
/// from what is found.
fn everything() -> Vec<Listener> {
    let transports =
        [Transport::Udp, Transport::Tcp, Transport::Tls, Transport::Ws, Transport::Wss];
    let families = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let listener = |transport, ip| Listener {
        transport,
        local: SocketAddr::new(ip, ANY_PORT),
        sent_by: "".into(),
    };
    let of_both = |transport| families.into_iter().map(move |ip| listener(transport, ip));
    transports.into_iter().flat_map(of_both).collect()
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
            let expected: Vec<IpAddr> =
                expected.map(|ip| ip.parse().unwrap()).into_iter().collect();
            let towards = towards(&uri.parse().unwrap(), None, &Dns::system()).await;
            assert_eq!(towards.sources, expected, "{uri}");
        }
    }
}
