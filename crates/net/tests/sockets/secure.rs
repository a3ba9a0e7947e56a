//! TLS: what goes through connections that are made, and what becomes of them.

use std::time::Duration;

use antiphon_core::flow::Flow;
use antiphon_net::{Certificate, ListenSpec, Net, Notice, Refusal, Settings, Tls, TlsConfig};
use antiphon_sip::Transport::Tls as TLS;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::certificates::{Authority, Client, Valid, first, layers, shown};
use crate::common::{Command, PATIENCE, Seen, Setup, options, with_layers, with_two};
use crate::lazy::{fill, never_ends};
use crate::tls::{arrived, exchange, read_to_end, setup, to, usual};

#[test]
fn secrets_are_written_where_it_was_asked_for_alone() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys");
    let authority = Authority::new();
    let server = authority.config(vec![authority.issue(&["sip:example.org"], Valid::Now)]);
    for (key_log, lines) in [(None, 0), (Some(path.clone()), 5)] {
        let client = TlsConfig { key_log, ..authority.config(Vec::new()) };
        with_two(setup(&client), setup(&server), async |client, server| {
            client.command(Command::OnlyListen).await;
            let flow = client.flow(0, server.at(0));
            client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
            arrived(client).await;
        });
        let log = std::fs::read_to_string(&path).unwrap_or_default();
        assert_eq!(log.lines().count(), lines, "{log}");
        assert!(log.lines().all(|line| line.split(' ').count() == 3), "{log}");
    }
}

#[test]
fn half_a_message_inside_tls_and_then_silence_ends_the_connection() {
    let (authority, config) = usual();
    let settings = Settings { message_timeout: Duration::from_millis(50), ..Settings::default() };
    with_layers(Setup { settings, ..setup(&config) }, async |running| {
        let client = Client::trusting(&authority.pem, &[]);
        let stream = TcpStream::connect(running.at(0)).await.unwrap();
        let mut peer = client.connect("example.org", stream).await.unwrap();
        exchange(&mut peer, "1").await;
        arrived(running).await;
        peer.write_all(b"OPTIONS sip:bob@").await.unwrap();
        assert_eq!(read_to_end(&mut peer).await, b"");
        assert_eq!(running.refused().await.1, Refusal::Unfinished);
        assert_eq!(running.counts().messages_unfinished, 1);
        assert!(matches!(running.seen().await, Seen::Closed(_)));
    });
}

#[test]
fn a_reload_drops_no_connection_and_new_ones_get_the_new_certificate() {
    let (authority, config) = usual();
    let tls = Tls::new(&config).unwrap();
    let mut setup = setup(&config);
    setup.layers.tls = Some(tls.clone());
    with_layers(setup, async |running| {
        // A fresh client each time, since a resumed session would show no certificate anew.
        let connect = async || {
            let stream = TcpStream::connect(running.listeners[0].local).await.unwrap();
            let client = Client::trusting(&authority.pem, &[]);
            client.connect("example.org", stream).await.unwrap()
        };
        let mut old = Vec::new();
        for _ in 0..200 {
            old.push(connect().await);
        }
        let renewed = authority.issue(&["sip:example.org", "example.org"], Valid::Now);
        let broken = Certificate { chain: Vec::new(), ..renewed.clone() };
        tls.reload(&authority.config(vec![broken])).unwrap_err();
        assert_eq!(shown(&connect().await), first(&config.certificates[0]), "still the old one");
        tls.reload(&authority.config(vec![renewed.clone()])).unwrap();
        let mut new = connect().await;
        assert_eq!(shown(&new), first(&renewed));
        exchange(&mut new, "new").await;
        for stream in &mut old {
            assert_eq!(shown(stream), first(&config.certificates[0]));
            exchange(stream, "old").await;
        }
        assert!(running.counts().connections_open >= 201);
    });
}

#[test]
fn a_peer_that_does_not_read_costs_the_others_nothing() {
    let (authority, config) = usual();
    let settings = Settings { write_queue_octets: 100_000, ..Settings::default() };
    with_layers(Setup { settings, ..setup(&config) }, async |running| {
        let client = Client::trusting(&authority.pem, &[]);
        let connect = async || {
            let stream = TcpStream::connect(running.listeners[0].local).await.unwrap();
            client.connect("example.org", stream).await.unwrap()
        };
        let (mut lazy, mut busy) = (connect().await, connect().await);
        exchange(&mut lazy, "1").await;
        let stalled = arrived(running).await;
        exchange(&mut busy, "2").await;
        arrived(running).await;
        fill(running, stalled).await;
        exchange(&mut busy, "3").await;
    });
}

#[test]
fn a_write_into_tls_that_does_not_end_is_given_up() {
    let (authority, config) = usual();
    let settings = Settings {
        stall_timeout: Duration::from_millis(50),
        write_queue_octets: usize::MAX,
        ..Settings::default()
    };
    with_layers(Setup { settings, ..setup(&config) }, async |running| {
        let client = Client::trusting(&authority.pem, &[]);
        let stream = TcpStream::connect(running.at(0)).await.unwrap();
        let mut lazy = client.connect("example.org", stream).await.unwrap();
        exchange(&mut lazy, "1").await;
        let flow = arrived(running).await;
        never_ends(running, flow).await;
    });
}

#[test]
fn a_large_message_goes_through_tls_whole() {
    let (authority, config) = usual();
    with_layers(setup(&config), async |running| {
        let client = Client::trusting(&authority.pem, &[]);
        let stream = TcpStream::connect(running.at(0)).await.unwrap();
        let mut peer = client.connect("example.org", stream).await.unwrap();
        let message = options("1", &"x".repeat(200_000));
        peer.write_all(message.as_bytes()).await.unwrap();
        peer.flush().await.unwrap();
        let mut heard = vec![0; message.len()];
        timeout(PATIENCE, peer.read_exact(&mut heard)).await.unwrap().unwrap();
        assert_eq!(heard, message.as_bytes());
        arrived(running).await;
        // Goodbye is said in TLS as well, so that a cut can be told from an end (RFC 8446 §6.1).
        let flow =
            Flow { connection: None, ..running.flow(0, peer.get_ref().0.local_addr().unwrap()) };
        running.command(Command::Close(flow)).await;
        let mut rest = Vec::new();
        timeout(PATIENCE, peer.read_to_end(&mut rest)).await.unwrap().unwrap();
        assert_eq!(rest, b"");
    });
}

#[test]
fn without_a_certificate_a_listener_only_connects() {
    let (authority, server) = usual();
    let config = authority.config(Vec::new());
    let specs = [ListenSpec::tls("127.0.0.1:0".parse().unwrap())];
    let net = Net::bind_with(&specs, Settings::default(), layers(&config)).unwrap();
    let local = net.listeners().next().unwrap().local;
    assert_eq!(net.notices().last(), Some(&Notice::OnlyConnects { transport: TLS, local }));
    drop(net);
    with_two(setup(&config), setup(&server), async |client, server| {
        client.command(Command::OnlyListen).await;
        let flow = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
        arrived(client).await;
        let refused = TcpStream::connect(client.at(0)).await.unwrap_err();
        assert_eq!(refused.kind(), std::io::ErrorKind::ConnectionRefused);
    });
}
