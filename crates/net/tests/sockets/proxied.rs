//! Connections that come through a load balancer.

use std::net::SocketAddr;
use std::time::Duration;

use crate::certificates::{Authority, Client, Valid, layers};
use crate::common::{PATIENCE, Running, Seen, Setup, options, with, with_layers};
use antiphon_net::{Layers, Refusal, Settings};
use antiphon_sip::Transport::{Tcp, Tls};
use proxy_header::{ProxiedAddress, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const SOURCE: &str = "203.0.113.9:40000";

fn behind_a_load_balancer() -> Layers {
    Layers { load_balancers: vec!["127.0.0.0/8".parse().unwrap()], ..Layers::default() }
}

fn setup(settings: Settings) -> Setup<'static> {
    Setup { listen: &[(Tcp, "127.0.0.1:0")], settings, layers: behind_a_load_balancer() }
}

fn header(source: &str, version: u8) -> Vec<u8> {
    let destination = "198.51.100.1:5060".parse().unwrap();
    let address = ProxiedAddress::stream(source.parse().unwrap(), destination);
    let header = ProxyHeader::with_address(address);
    let mut octets = Vec::new();
    match version {
        1 => header.encode_v1(&mut octets).unwrap(),
        _ => header.encode_v2(&mut octets).unwrap(),
    }
    octets
}

async fn exchange(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    let message = options("1", "");
    stream.write_all(message.as_bytes()).await.unwrap();
    let mut heard = vec![0; message.len()];
    timeout(PATIENCE, stream.read_exact(&mut heard)).await.unwrap().unwrap();
}

async fn source(running: &mut Running) -> SocketAddr {
    match running.seen().await {
        Seen::Message(flow, _) => {
            assert_eq!(flow.local, running.at(0));
            flow.remote
        }
        other => panic!("{other:?}"),
    }
}

async fn is_closed(mut stream: TcpStream) -> bool {
    let mut rest = Vec::new();
    let _ = timeout(PATIENCE, stream.read_to_end(&mut rest)).await.unwrap();
    rest.is_empty()
}

#[test]
fn the_source_is_the_one_that_the_header_names() {
    for version in [1, 2] {
        with_layers(setup(Settings::default()), async |running| {
            let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
            peer.write_all(&header(SOURCE, version)).await.unwrap();
            exchange(&mut peer).await;
            assert_eq!(source(running).await, SOURCE.parse().unwrap());
            // A load balancer that speaks for itself is itself.
            let mut own = TcpStream::connect(running.at(0)).await.unwrap();
            own.write_all(b"PROXY UNKNOWN\r\n").await.unwrap();
            exchange(&mut own).await;
            assert_eq!(source(running).await, own.local_addr().unwrap());
        });
    }
}

#[test]
fn tls_begins_behind_the_header() {
    let authority = Authority::new();
    let config = authority.config(vec![authority.issue(&["example.org"], Valid::Now)]);
    let layers = Layers { tls: layers(&config).tls, ..behind_a_load_balancer() };
    let listen = &[(Tls, "127.0.0.1:0")];
    with_layers(Setup { listen, settings: Settings::default(), layers }, async |running| {
        for version in [1, 2] {
            let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
            peer.write_all(&header(SOURCE, version)).await.unwrap();
            let client = Client::trusting(&authority.pem, &[]);
            let mut peer = client.connect("example.org", peer).await.unwrap();
            exchange(&mut peer).await;
            assert_eq!(source(running).await, SOURCE.parse().unwrap());
            drop(peer);
            assert!(matches!(running.seen().await, Seen::Closed(_)));
        }
    });
}

#[test]
fn a_load_balancer_without_header_is_refused() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        peer.write_all(options("1", "").as_bytes()).await.unwrap();
        assert!(is_closed(peer).await);
        let (source, refusal) = running.refused().await;
        assert_eq!((source, refusal), (running.at(0).ip(), Refusal::NoProxyHeader));
    });
}

#[test]
fn a_load_balancer_that_says_nothing_is_given_up() {
    let settings = Settings { handshake_timeout: Duration::from_millis(50), ..Settings::default() };
    with_layers(setup(settings), async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        peer.write_all(b"PROXY TCP4 ").await.unwrap();
        assert!(is_closed(peer).await);
        assert_eq!(running.refused().await.1, Refusal::NoHandshake);
    });
}

#[test]
fn nobody_else_can_pretend_an_address() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        peer.write_all(&header(SOURCE, 1)).await.unwrap();
        peer.write_all(options("1", "").as_bytes()).await.unwrap();
        let Seen::Broken(flow) = running.seen().await else { panic!("a message") };
        assert_eq!(flow.remote, peer.local_addr().unwrap());
    });
}

#[test]
fn connections_count_for_the_source_behind_the_load_balancer() {
    let settings = Settings { connections_per_source: 1, ..Settings::default() };
    with_layers(setup(settings), async |running| {
        let connect = async |source| {
            let mut peer = TcpStream::connect(running.listeners[0].local).await.unwrap();
            peer.write_all(&header(source, 2)).await.unwrap();
            peer
        };
        let mut first = connect(SOURCE).await;
        exchange(&mut first).await;
        let mut other = connect("203.0.113.10:40000").await;
        exchange(&mut other).await;
        let second = connect("203.0.113.9:40001").await;
        assert!(is_closed(second).await);
        let refused = ("203.0.113.9".parse().unwrap(), Refusal::TooManyConnections);
        assert_eq!(running.refused().await, refused);
    });
}
