//! TLS: who is believed, who is refused, and what a bad peer can do to the others.

use std::time::Duration;

use crate::certificates::{Authority, Client, Valid, first, layers, of_openssl, shown};
use crate::common::{Command, PATIENCE, Running, Seen, Setup, options, with_layers, with_two};
use antiphon_core::flow::{Fault, Flow, Ticket, Transmit, Untrusted};
use antiphon_net::{
    Certificate, ClientCertificates, ListenSpec, Net, Notice, Refusal, Settings, Tls, TlsConfig,
    self_signed,
};
use antiphon_sip::Transport::{self, Tls as TLS, Wss};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const LISTEN: &[(Transport, &str)] = &[(TLS, "127.0.0.1:0")];

fn setup(config: &TlsConfig) -> Setup<'static> {
    Setup { listen: LISTEN, settings: Settings::default(), layers: layers(config) }
}

/// An authority and a configuration with one of its certificates, for example.org.
fn usual() -> (Authority, TlsConfig) {
    let authority = Authority::new();
    let certificate = authority.issue(&["sip:example.org", "example.org"], Valid::Now);
    let config = authority.config(vec![certificate]);
    (authority, config)
}

fn to(flow: Flow, name: &str, ticket: u64) -> Transmit {
    let octets = Bytes::from(options("1", ""));
    Transmit {
        flow,
        octets,
        ticket: Some(Ticket(ticket)),
        server_name: Some(name.into()),
        is_open_flow: false,
    }
}

async fn read_to_end(stream: &mut (impl AsyncRead + Unpin)) -> Vec<u8> {
    let mut octets = Vec::new();
    // However it ends, it ends.
    let _ = timeout(PATIENCE, stream.read_to_end(&mut octets)).await.unwrap();
    octets
}

/// Says something and hears it again.
async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin), branch: &str) {
    let message = options(branch, "");
    stream.write_all(message.as_bytes()).await.unwrap();
    let mut heard = vec![0; message.len()];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.unwrap().unwrap();
    assert_eq!(heard, message.as_bytes());
}

/// The flow of the next message.
async fn arrived(running: &mut Running) -> Flow {
    match running.seen().await {
        Seen::Message(flow, _) => flow,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_server_that_cannot_prove_its_name_gets_nothing_rfc5922_7_3() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let names = ["example.org", "sip:example.org"];
    let rows = [
        (authority.issue(&names, Valid::NotAnyMore), Untrusted::Expired),
        (authority.issue(&names, Valid::NotYet), Untrusted::NotYetValid),
        (authority.issue(&["sip:example.net", "example.net"], Valid::Now), Untrusted::OtherName),
        (stranger.issue(&names, Valid::Now), Untrusted::UnknownIssuer),
        (self_signed(&["example.org"]).unwrap(), Untrusted::SelfSigned),
    ];
    let client = authority.config(Vec::new());
    for (certificate, reason) in rows {
        for transport in [TLS, Wss] {
            let listen = &[(transport, "127.0.0.1:0")];
            let settings = Settings::default();
            let server = authority.config(vec![certificate.clone()]);
            let client = Setup { listen, settings, layers: layers(&client) };
            let server = Setup { listen, settings, layers: layers(&server) };
            with_two(client, server, async |client, server| {
                let flow = client.flow(0, server.at(0));
                client.command(Command::Send(vec![to(flow, "example.org", 7)])).await;
                let fault = Fault::Untrusted(reason);
                assert_eq!(client.seen().await, Seen::Undelivered(Ticket(7), fault));
                assert!(matches!(client.seen().await, Seen::Closed(_)));
                let refused = (server.at(0).ip(), Refusal::Untrusted(reason));
                assert_eq!(client.refused().await, refused);
                assert_eq!(client.counts().peers_untrusted, 1);
                assert_eq!(client.counts().connections_failed, 1);
                // The server is told by an alert, and notes it.
                assert_eq!(server.refused().await.1, Refusal::NotTls);
            });
        }
    }
}

#[test]
fn wildcards_are_for_browsers_and_not_for_sip_rfc5922_7_2() {
    let authority = Authority::new();
    let config = authority.config(vec![authority.issue(&["*.example.org"], Valid::Now)]);
    let listen = &[(TLS, "127.0.0.1:0"), (Wss, "127.0.0.1:0")];
    let settings = Settings::default();
    let setup = || Setup { listen, settings, layers: layers(&config) };
    with_two(setup(), setup(), async |client, server| {
        client.command(Command::OnlyListen).await;
        let over_tls = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(over_tls, "sip.example.org", 1)])).await;
        let fault = Fault::Untrusted(Untrusted::OtherName);
        assert_eq!(client.seen().await, Seen::Undelivered(Ticket(1), fault));
        let over_wss = client.flow(1, server.at(1));
        client.command(Command::Send(vec![to(over_wss, "sip.example.org", 2)])).await;
        assert!(matches!(client.seen().await, Seen::Closed(_)));
        assert_eq!(arrived(client).await.transport, Wss);
    });
}

#[test]
fn a_self_signed_certificate_is_believed_by_those_who_were_given_it() {
    let certificate = self_signed(&["example.org", "127.0.0.1", "::1"]).unwrap();
    let server = TlsConfig {
        certificates: vec![certificate.clone()],
        trust_system: false,
        ..TlsConfig::default()
    };
    let client =
        TlsConfig { certificates: Vec::new(), trusted: certificate.chain, ..server.clone() };
    with_two(setup(&client), setup(&server), async |client, server| {
        client.command(Command::OnlyListen).await;
        let flow = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
        arrived(client).await;
        client.command(Command::Send(vec![to(flow, "127.0.0.1", 2)])).await;
        arrived(client).await;
    });
    // Another of the same name is another.
    let renewed =
        TlsConfig { certificates: vec![self_signed(&["example.org"]).unwrap()], ..server.clone() };
    with_two(setup(&client), setup(&renewed), async |client, server| {
        let flow = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
        let fault = Fault::Untrusted(Untrusted::SelfSigned);
        assert_eq!(client.seen().await, Seen::Undelivered(Ticket(1), fault));
    });
}

#[test]
fn a_certificate_that_calls_itself_an_authority_is_believed_by_those_who_were_given_it() {
    let rows = [
        (Valid::Now, "example.org", None),
        (Valid::Now, "example.net", Some(Untrusted::OtherName)),
        (Valid::NotAnyMore, "example.org", Some(Untrusted::Expired)),
        (Valid::NotYet, "example.org", Some(Untrusted::NotYetValid)),
    ];
    for (valid, name, expected) in rows {
        let certificate = of_openssl(&["example.org"], valid);
        let other = of_openssl(&["example.org"], valid);
        for (is_given, trusted) in [(true, &certificate.chain), (false, &other.chain)] {
            let server = TlsConfig {
                certificates: vec![certificate.clone()],
                trust_system: false,
                ..TlsConfig::default()
            };
            let client =
                TlsConfig { certificates: Vec::new(), trusted: trusted.clone(), ..server.clone() };
            with_two(setup(&client), setup(&server), async |client, server| {
                client.command(Command::OnlyListen).await;
                let flow = client.flow(0, server.at(0));
                client.command(Command::Send(vec![to(flow, name, 1)])).await;
                let in_time = valid == Valid::Now;
                let expected = match expected {
                    // Nobody looks at the name of what is not believed.
                    _ if in_time && !is_given => Some(Untrusted::SelfSigned),
                    expected => expected,
                };
                match expected {
                    None => drop(arrived(client).await),
                    Some(reason) => {
                        let undelivered = Seen::Undelivered(Ticket(1), Fault::Untrusted(reason));
                        assert_eq!(client.seen().await, undelivered);
                    }
                }
            });
        }
    }
}

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
fn a_connection_to_one_domain_is_none_to_another_at_its_address_rfc5922_7_3() {
    let authority = Authority::new();
    let certificates = ["one.example", "two.example"]
        .map(|name| authority.issue(&[&format!("sip:{name}"), name], Valid::Now));
    let config = authority.config(certificates.to_vec());
    with_two(setup(&config), setup(&config), async |client, server| {
        client.command(Command::OnlyListen).await;
        let flow = client.flow(0, server.at(0));
        let mut ways = Vec::new();
        for name in ["one.example", "two.example", "one.example", "TWO.example"] {
            client.command(Command::Send(vec![to(flow, name, 1)])).await;
            ways.push(arrived(client).await);
        }
        assert_eq!(client.counts().connections_made, 2);
        assert_ne!(ways[0], ways[1]);
        assert_eq!(ways[..2], ways[2..]);
        // Whom neither certificate is for has no connection, though two are open.
        client.command(Command::Send(vec![to(flow, "three.example", 9)])).await;
        let fault = Fault::Untrusted(Untrusted::OtherName);
        assert_eq!(client.seen().await, Seen::Undelivered(Ticket(9), fault));
    });
}

#[test]
fn clients_prove_who_they_are_when_they_have_to_rfc5922_7_4() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let names = ["sip:example.org", "127.0.0.1"];
    let mut server = authority.config(vec![authority.issue(&names, Valid::Now)]);
    server.clients = ClientCertificates::Required(authority.pem.clone());
    let client = |certificates| authority.config(certificates);
    let rows: [(Vec<Certificate>, Option<Untrusted>); 3] = [
        (vec![authority.issue(&["sip:example.net"], Valid::Now)], None),
        (Vec::new(), Some(Untrusted::Missing)),
        // One that the server's authorities do not vouch for is not even shown.
        (vec![stranger.issue(&["sip:example.net"], Valid::Now)], Some(Untrusted::Missing)),
    ];
    for (certificates, refusal) in rows {
        with_two(setup(&client(certificates)), setup(&server), async |client, server| {
            client.command(Command::OnlyListen).await;
            let flow = client.flow(0, server.at(0));
            client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
            match refusal {
                None => {
                    assert_eq!(arrived(client).await.remote, server.at(0));
                    let Seen::Authenticated(flow, domains) = server.seen().await else {
                        panic!("not told")
                    };
                    assert_eq!(domains, ["example.net"]);
                    assert_eq!(arrived(server).await, flow);
                }
                Some(reason) => {
                    assert_eq!(server.refused().await.1, Refusal::Untrusted(reason));
                    assert_eq!(server.counts().peers_untrusted, 1);
                    while !matches!(client.seen().await, Seen::Closed(_)) {}
                }
            }
        });
    }
    server.clients = ClientCertificates::Asked(authority.pem.clone());
    with_two(setup(&client(Vec::new())), setup(&server), async |client, server| {
        client.command(Command::OnlyListen).await;
        let flow = client.flow(0, server.at(0));
        client.command(Command::Send(vec![to(flow, "example.org", 1)])).await;
        arrived(client).await;
    });
}

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
        for octet in hello.iter().chain(std::iter::repeat(&0)) {
            if slow.write_all(&[*octet]).await.is_err() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(running.refused().await.1, Refusal::NoHandshake);
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
        // Five of them are more than eight times the queue.
        let octets = Bytes::from(vec![b'x'; 180_000]);
        let send = |ticket| Transmit {
            flow: stalled,
            octets: octets.clone(),
            ticket: Some(Ticket(ticket)),
            server_name: None,
            is_open_flow: false,
        };
        running.command(Command::Send((0..5).map(send).collect())).await;
        let mut told = Vec::new();
        loop {
            match running.seen().await {
                Seen::Undelivered(ticket, Fault::Stalled | Fault::Closed) => told.push(ticket.0),
                Seen::Closed(flow) => break assert_eq!(flow, stalled),
                other => panic!("{other:?}"),
            }
        }
        told.sort_unstable();
        assert_eq!(told, [0, 1, 2, 3, 4]);
        assert_eq!(running.counts().connections_stalled, 1);
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
        let octets = Bytes::from(vec![b'x'; 64 * 1024 * 1024]);
        let endless = Transmit {
            flow,
            octets,
            ticket: Some(Ticket(1)),
            server_name: None,
            is_open_flow: false,
        };
        running.command(Command::Send(vec![endless])).await;
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(1), Fault::Stalled));
        assert_eq!(running.seen().await, Seen::Closed(flow));
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
