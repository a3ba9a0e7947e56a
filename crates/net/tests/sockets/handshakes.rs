//! TLS: handshakes that are none, take for ever, or are too many.

use std::time::Duration;

use antiphon_core::flow::{Fault, Ticket};
use antiphon_net::{Refusal, Settings};
use antiphon_sip::Transport::{self, Tls as TLS, Wss};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::certificates::{Client, layers};
use crate::common::{Command, PATIENCE, Seen, Setup, options, with_layers};
use crate::lazy::refused_while_dripping;
use crate::tls::{arrived, exchange, read_to_end, setup, to, usual};

#[test]
fn garbage_instead_of_a_handshake_is_refused_counted_and_told_once() {
    let (_, config) = usual();
    with_layers(setup(&config), async |running| {
        for count in 1..=3 {
            let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
            peer.write_all(options("1", "").as_bytes()).await.unwrap();
            let answer = read_to_end(&mut peer).await;
            assert!(answer.is_empty() || answer[0] == 21, "an alert at most: {answer:?}");
            assert!(matches!(running.seen().await, Seen::Closed(_)));
            assert_eq!(running.counts().handshakes_failed, count);
            let local = peer.local_addr().unwrap().ip();
            if count == 1 {
                assert_eq!(running.refused().await, (local, Refusal::NotTls));
            } else {
                assert!(running.is_quiet());
            }
        }
    });
}

#[test]
fn a_peer_that_makes_no_handshake_is_given_up() {
    let (_, config) = usual();
    for transport in [TLS, Wss, Transport::Ws] {
        let settings =
            Settings { handshake_timeout: Duration::from_millis(50), ..Settings::default() };
        let listen = &[(transport, "127.0.0.1:0")];
        with_layers(Setup { listen, settings, layers: layers(&config) }, async |running| {
            let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
            assert_eq!(read_to_end(&mut peer).await, b"");
            assert_eq!(running.refused().await.1, Refusal::NoHandshake);
            assert_eq!(running.counts().handshakes_timed_out, 1);
        });
    }
}

#[test]
fn a_handshake_of_single_octets_is_given_up_as_well() {
    let (_, config) = usual();
    let settings =
        Settings { handshake_timeout: Duration::from_millis(200), ..Settings::default() };
    with_layers(Setup { settings, ..setup(&config) }, async |running| {
        let mut slow = TcpStream::connect(running.at(0)).await.unwrap();
        // A record that announces a ClientHello of 512 octets.
        let hello = [0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3];
        let octets = hello.iter().chain(std::iter::repeat(&0));
        assert_eq!(refused_while_dripping(running, &mut slow, octets).await, Refusal::NoHandshake);
        assert_eq!(running.counts().handshakes_timed_out, 1);
    });
}

#[test]
fn a_server_that_makes_no_handshake_is_given_up() {
    let (_, config) = usual();
    for transport in [TLS, Wss, Transport::Ws] {
        let settings =
            Settings { handshake_timeout: Duration::from_millis(50), ..Settings::default() };
        let listen = &[(transport, "127.0.0.1:0")];
        with_layers(Setup { listen, settings, layers: layers(&config) }, async |running| {
            let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let flow = running.flow(0, silent.local_addr().unwrap());
            running.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
            let seen = running.seen().await;
            assert_eq!(seen, Seen::Undelivered(Ticket(1), Fault::TimedOut));
        });
    }
}

#[test]
fn a_server_that_speaks_something_else_is_noticed_at_once() {
    let (_, config) = usual();
    for transport in [TLS, Wss, Transport::Ws] {
        let listen = &[(transport, "127.0.0.1:0"), (Transport::Tcp, "127.0.0.1:0")];
        let settings = Settings::default();
        with_layers(Setup { listen, settings, layers: layers(&config) }, async |running| {
            let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
            let flow = running.flow(0, other.local_addr().unwrap());
            running.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
            let (mut peer, _) = timeout(PATIENCE, other.accept()).await.unwrap().unwrap();
            peer.write_all(b"220 mail.example.org ESMTP\r\n\r\n").await.unwrap();
            let seen = running.seen().await;
            assert_eq!(seen, Seen::Undelivered(Ticket(1), Fault::Handshake));
        });
    }
}

#[test]
fn handshakes_at_once_are_limited() {
    let (authority, config) = usual();
    let settings = Settings { handshakes: 1, ..Settings::default() };
    with_layers(Setup { settings, ..setup(&config) }, async |running| {
        let client = Client::trusting(&authority.pem, &[]);
        let stream = TcpStream::connect(running.at(0)).await.unwrap();
        let mut done = client.connect("example.org", stream).await.unwrap();
        exchange(&mut done, "1").await;
        // One that is done does not count; one that has not begun does.
        let mut silent = TcpStream::connect(running.at(0)).await.unwrap();
        let mut third = TcpStream::connect(running.at(0)).await.unwrap();
        assert_eq!(read_to_end(&mut third).await, b"");
        assert_eq!(running.refused().await.1, Refusal::TooManyHandshakes);
        exchange(&mut done, "2").await;
        // Given up, it makes room.
        silent.shutdown().await.unwrap();
        read_to_end(&mut silent).await;
        arrived(running).await;
        arrived(running).await;
        assert!(matches!(running.seen().await, Seen::Closed(_)));
        let stream = TcpStream::connect(running.at(0)).await.unwrap();
        exchange(&mut client.connect("example.org", stream).await.unwrap(), "3").await;
    });
}

#[test]
fn a_source_s_connections_count_before_their_handshakes() {
    let (_, config) = usual();
    let settings = Settings { connections_per_source: 2, ..Settings::default() };
    with_layers(Setup { settings, ..setup(&config) }, async |running| {
        let _first = TcpStream::connect(running.at(0)).await.unwrap();
        let _second = TcpStream::connect(running.at(0)).await.unwrap();
        let mut third = TcpStream::connect(running.at(0)).await.unwrap();
        assert_eq!(read_to_end(&mut third).await, b"");
        assert_eq!(running.refused().await.1, Refusal::TooManyConnections);
        assert_eq!(running.counts().connections_refused, 1);
    });
}

#[test]
fn a_flood_from_one_source_is_one_line_and_others_are_served() {
    let (authority, config) = usual();
    let settings = Settings { connections_per_source: 10, ..Settings::default() };
    with_layers(Setup { settings, ..setup(&config) }, async |running| {
        let mut flood = Vec::new();
        for _ in 0..300 {
            flood.push(TcpStream::connect(running.at(0)).await.unwrap());
        }
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        if socket.bind("127.0.0.3:0".parse().unwrap()).is_ok() {
            let client = Client::trusting(&authority.pem, &[]);
            let stream = socket.connect(running.at(0)).await.unwrap();
            exchange(&mut client.connect("example.org", stream).await.unwrap(), "1").await;
        }
        for stream in flood.iter_mut().skip(10) {
            assert_eq!(read_to_end(stream).await, b"");
        }
        let flooding = flood[0].local_addr().unwrap().ip();
        assert_eq!(running.refused().await, (flooding, Refusal::TooManyConnections));
        assert!(running.is_quiet());
        assert_eq!(running.counts().connections_refused, 290);
    });
}

#[test]
fn sip_2_is_negotiated_and_other_protocols_are_refused_rfc7301_3_2() {
    let (authority, config) = usual();
    with_layers(setup(&config), async |running| {
        let stream = TcpStream::connect(running.at(0)).await.unwrap();
        let client = Client::trusting(&authority.pem, &[b"sip/2"]);
        let stream = client.connect("example.org", stream).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"sip/2"[..]));
        let stream = TcpStream::connect(running.at(0)).await.unwrap();
        let client = Client::trusting(&authority.pem, &[b"h2"]);
        client.connect("example.org", stream).await.unwrap_err();
        assert_eq!(running.refused().await.1, Refusal::NotTls);
    });
}
