//! Connections that are used backwards (RFC 5923).

use std::net::SocketAddr;

use antiphon_core::flow::{Flow, Ticket, Transmit};
use antiphon_net::{ClientCertificates, Settings};
use antiphon_sip::Transport::Tls as TLS;
use bytes::Bytes;

use crate::certificates::{Authority, Valid, layers};
use crate::common::{Command, Running, Seen, Setup, with_two};

/// A client that shows `certificate` or none sends something; the connection as the server sees it.
async fn meet(client: &mut Running, server: &mut Running, has_certificate: bool) -> Flow {
    client.command(Command::OnlyListen).await;
    server.command(Command::OnlyListen).await;
    let flow = client.flow(0, server.at(0));
    client.command(Command::Send(vec![to(flow, "example.org", "hello", 1)])).await;
    if has_certificate {
        assert!(matches!(server.seen().await, Seen::Authenticated(..)));
    }
    let Seen::Message(flow, _) = server.seen().await else { panic!("nothing came") };
    flow
}

fn to(flow: Flow, name: &str, branch: &str, ticket: u64) -> Transmit {
    let octets = Bytes::from(crate::common::options(branch, ""));
    let (ticket, server_name) = (Some(Ticket(ticket)), Some(name.into()));
    Transmit { flow, octets, ticket, server_name, is_open_flow: false, connect_within: None }
}

fn both(has_certificate: bool, body: impl AsyncFnOnce(&mut Running, &mut Running)) {
    let authority = Authority::new();
    let mut serving = authority.config(vec![authority.issue(&["sip:example.org"], Valid::Now)]);
    serving.clients = ClientCertificates::Asked(authority.pem.clone());
    let shown = authority.issue(&["sip:example.net", "sip:example.com"], Valid::Now);
    let client = authority.config(if has_certificate { vec![shown] } else { Vec::new() });
    let setup = |config: &_| Setup {
        listen: &[(TLS, "127.0.0.1:0")],
        settings: Settings::default(),
        layers: layers(config),
    };
    with_two(setup(&client), setup(&serving), body);
}

/// What the server sends to an address and a name: whether it comes over the connection that the
/// client made.
async fn comes_back(
    client: &mut Running,
    server: &mut Running,
    (address, name): (SocketAddr, &str),
    branch: &str,
) -> bool {
    let made = server.counts().connections_made;
    let flow = server.flow(0, address);
    server.command(Command::Send(vec![to(flow, name, branch, 7)])).await;
    if let Ok(Seen::Message(..)) =
        tokio::time::timeout(crate::common::PATIENCE, either(client, server)).await
    {
        return server.counts().connections_made == made;
    }
    false
}

/// What the client hears or the server is told, whichever comes first.
async fn either(client: &mut Running, server: &mut Running) -> Seen {
    tokio::select! {
        seen = client.seen() => seen,
        seen = server.seen() => seen,
    }
}

#[test]
fn a_request_goes_backwards_to_the_domains_that_the_client_has_proved_rfc5923_8_2() {
    both(true, async |client, server| {
        let flow = meet(client, server, true).await;
        // Nobody listens at the address that the client's Via names.
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        let net = (address, "example.net");
        assert!(!comes_back(client, server, net, "before").await, "it has not said so");
        while !matches!(server.seen().await, Seen::Closed(_)) {}
        server.command(Command::Alias(flow, address)).await;
        assert!(comes_back(client, server, net, "one").await);
        assert!(comes_back(client, server, (address, "EXAMPLE.com"), "two").await);
        // Another domain at the same address is another peer (RFC 5923 §9.3), and so is another
        // port.
        assert!(!comes_back(client, server, (address, "example.edu"), "three").await);
        while !matches!(server.seen().await, Seen::Closed(_)) {}
        let other = ("127.0.0.1:2".parse().unwrap(), "example.net");
        assert!(!comes_back(client, server, other, "four").await);
    });
}

#[test]
fn who_has_shown_no_certificate_has_no_alias_rfc5923_9_2() {
    both(false, async |client, server| {
        let flow = meet(client, server, false).await;
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        server.command(Command::Alias(flow, address)).await;
        assert!(!comes_back(client, server, (address, "example.net"), "one").await);
    });
}

#[test]
fn a_connection_that_is_gone_stands_for_nothing_rfc5923_8_2() {
    both(true, async |client, server| {
        let flow = meet(client, server, true).await;
        let address: SocketAddr = "127.0.0.1:1".parse().unwrap();
        server.command(Command::Alias(flow, address)).await;
        assert!(comes_back(client, server, (address, "example.net"), "one").await);
        server.command(Command::Close(flow)).await;
        assert!(!comes_back(client, server, (address, "example.net"), "two").await);
    });
}
