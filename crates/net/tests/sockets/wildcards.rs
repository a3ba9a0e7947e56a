//! Listeners on every address of a family, on a machine that has several: all of 127.0.0.0/8 is the
//! loopback's on Linux.

use std::net::SocketAddr;

use antiphon_core::flow::{Flow, Transmit};
use antiphon_net::{ListenSpec, Net, Settings};
use antiphon_sip::Transport::{Tcp, Udp};
use bytes::Bytes;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::time::timeout;

use crate::common::{Command, PATIENCE, Running, Seen, options, with};

/// More than what one system call takes, in all.
const ROUNDS: usize = 20;

/// A peer that hears one address of the listener's and no other.
async fn peer_of(running: &Running, index: usize, address: &str) -> UdpSocket {
    let wildcard = running.at(index);
    let at = SocketAddr::new(address.parse().unwrap(), wildcard.port());
    let any = if wildcard.is_ipv4() { "127.0.0.1:0" } else { "[::1]:0" };
    let peer = UdpSocket::bind(any).await.unwrap();
    peer.connect(at).await.unwrap();
    peer
}

async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.unwrap().unwrap();
    buffer.truncate(length);
    buffer
}

fn transmit(flow: Flow, text: &str) -> Command {
    let octets = Bytes::from(text.to_owned());
    let (ticket, server_name) = (None, None);
    Command::Send(vec![Transmit {
        flow,
        octets,
        ticket,
        server_name,
        is_open_flow: false,
        connect_within: None,
    }])
}

#[test]
fn datagrams_are_answered_from_the_address_that_they_came_to() {
    with(&[(Udp, "0.0.0.0:0"), (Udp, "[::]:0")], Settings::default(), async |running| {
        for (index, address) in [(0, "127.0.0.1"), (0, "127.0.0.2"), (0, "127.9.8.7"), (1, "::1")] {
            let peer = peer_of(running, index, address).await;
            for round in 0..ROUNDS {
                peer.send(format!("{address} {round}").as_bytes()).await.unwrap();
            }
            for round in 0..ROUNDS {
                let said = Bytes::from(format!("{address} {round}"));
                assert_eq!(receive(&peer).await, said);
                let local = peer.peer_addr().unwrap();
                let flow = Flow { local, ..running.flow(index, peer.local_addr().unwrap()) };
                assert_eq!(running.seen().await, Seen::Datagram(flow, said));
            }
        }
    });
}

#[test]
fn what_leaves_from_several_addresses_at_once_keeps_its_order_for_each() {
    with(&[(Udp, "0.0.0.0:0")], Settings::default(), async |running| {
        let one = peer_of(running, 0, "127.0.0.1").await;
        let other = peer_of(running, 0, "127.0.0.2").await;
        let flow = |peer: &UdpSocket| Flow {
            local: peer.peer_addr().unwrap(),
            ..running.flow(0, peer.local_addr().unwrap())
        };
        let all = (0..ROUNDS).flat_map(|round| {
            [&one, &one, &other].map(|peer| Transmit {
                flow: flow(peer),
                octets: Bytes::from(round.to_string()),
                ticket: None,
                server_name: None,
                is_open_flow: false,
                connect_within: None,
            })
        });
        running.command(Command::Send(all.collect())).await;
        for round in 0..ROUNDS {
            let round = round.to_string().into_bytes();
            assert_eq!(receive(&one).await, round);
            assert_eq!(receive(&one).await, round);
            assert_eq!(receive(&other).await, round);
        }
    });
}

#[test]
fn an_address_that_is_ours_no_longer_is_left_to_the_system() {
    with(&[(Udp, "0.0.0.0:0")], Settings::default(), async |running| {
        let peer = peer_of(running, 0, "127.0.0.1").await;
        // Of the range for documentation (RFC 5737): no machine has it.
        let local = SocketAddr::new("192.0.2.1".parse().unwrap(), running.at(0).port());
        let flow = Flow { local, ..running.flow(0, peer.local_addr().unwrap()) };
        running.command(transmit(flow, "hello")).await;
        assert_eq!(receive(&peer).await, b"hello");
    });
}

#[test]
fn stun_is_answered_from_the_address_that_was_asked_rfc8489_6_3_1() {
    with(&[(Udp, "0.0.0.0:0")], Settings::default(), async |running| {
        let peer = peer_of(running, 0, "127.0.0.2").await;
        peer.send(b"\x00\x01\x00\x00\x21\x12\xa4\x42transaction!").await.unwrap();
        assert!(receive(&peer).await.starts_with(b"\x01\x01"));
    });
}

#[test]
fn a_connection_has_the_address_that_the_peer_chose() {
    with(&[(Tcp, "0.0.0.0:0"), (Tcp, "[::]:0")], Settings::default(), async |running| {
        for (index, address) in [(0, "127.0.0.1"), (0, "127.0.0.2"), (1, "::1")] {
            let at = SocketAddr::new(address.parse().unwrap(), running.at(index).port());
            let mut peer = TcpStream::connect(at).await.unwrap();
            peer.write_all(options("1", "").as_bytes()).await.unwrap();
            let Seen::Message(flow, _) = running.seen().await else { panic!("nothing came") };
            assert_eq!(flow.local, at);
            drop(peer);
            assert_eq!(running.seen().await, Seen::Closed(flow));
        }
    });
}

#[test]
fn a_connection_is_made_from_the_address_of_its_flow() {
    with(&[(Tcp, "0.0.0.0:0")], Settings::default(), async |running| {
        let peer = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let local = SocketAddr::new("127.0.0.3".parse().unwrap(), running.at(0).port());
        let flow = Flow { local, ..running.flow(0, peer.local_addr().unwrap()) };
        running.command(transmit(flow, "hello")).await;
        let (mut stream, from) = timeout(PATIENCE, peer.accept()).await.unwrap().unwrap();
        assert_eq!(from.ip(), local.ip());
        let mut said = [0; 5];
        stream.read_exact(&mut said).await.unwrap();
        assert_eq!(&said, b"hello");
    });
}

#[test]
fn the_system_says_from_where_packets_leave() {
    let bind = |addresses: &[&str]| {
        let specs: Vec<_> =
            addresses.iter().map(|address| ListenSpec::udp(address.parse().unwrap())).collect();
        Net::bind(&specs, Settings::default()).unwrap()
    };
    assert!(bind(&["127.0.0.1:0", "[::1]:0"]).sources().is_none(), "each stands for itself");
    let sources = bind(&["127.0.0.1:0", "0.0.0.0:0"]).sources().unwrap();
    for loopback in ["127.0.0.1", "::1"] {
        let loopback = loopback.parse().unwrap();
        assert_eq!(sources.towards(loopback), Some(loopback));
    }
}
