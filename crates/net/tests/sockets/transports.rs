//! The same round trip over every transport and both address families, as client and as server.

use crate::certificates::{Authority, Valid, layers};
use crate::common::{Command, Running, Seen, Setup, options, with_two};
use antiphon_core::flow::{Flow, Ticket, Transmit};
use antiphon_net::Settings;
use antiphon_sip::Transport::{self, Tcp, Tls, Udp, Ws, Wss};
use bytes::Bytes;

/// The flow and the octets of the next message.
async fn message(running: &mut Running) -> (Flow, Bytes) {
    match running.seen().await {
        Seen::Message(flow, octets) | Seen::Datagram(flow, octets) => (flow, octets),
        other => panic!("{other:?}"),
    }
}

/// One node sends to another, which says it back.
async fn round_trip(
    client: &mut Running,
    server: &mut Running,
    name: Option<&str>,
    branch: &str,
) -> (Flow, Flow) {
    let octets = Bytes::from(options(branch, "a body"));
    let flow = client.flow(0, server.at(0));
    let ticket = Some(Ticket(1));
    let server_name = name.map(Into::into);
    let transmit = Transmit {
        flow,
        octets: octets.clone(),
        ticket,
        server_name,
        is_open_flow: false,
        connect_within: None,
    };
    client.command(Command::Send(vec![transmit])).await;
    let (arrived, heard) = message(server).await;
    assert_eq!(heard, octets);
    let (answered, said_back) = message(client).await;
    assert_eq!(said_back, octets);
    assert_eq!(answered, Flow { connection: answered.connection, ..flow });
    (answered, arrived)
}

fn over(transport: Transport, ip: &str) {
    let authority = Authority::new();
    let names = ["sip:example.org", "example.org", "127.0.0.1", "::1"];
    let config = authority.config(vec![authority.issue(&names, Valid::Now)]);
    let listen = &[(transport, ip)];
    let setup = || Setup { listen, settings: Settings::default(), layers: layers(&config) };
    with_two(setup(), setup(), async |client, server| {
        client.command(Command::OnlyListen).await;
        let (here, there) = round_trip(client, server, None, "1").await;
        assert_eq!((there.transport, there.local), (transport, server.at(0)));
        assert_eq!(there.remote.ip(), client.at(0).ip());
        // The second message takes the same way.
        assert_eq!(round_trip(client, server, None, "2").await, (here, there));
        if transport != Udp {
            assert_eq!(client.counts().connections_made, 1);
            assert_eq!(server.counts().connections_accepted, 1);
        }
        // To a name that the peer can prove there is a way as well.
        let (here, there) = round_trip(client, server, Some("Example.ORG"), "3").await;
        assert_eq!(round_trip(client, server, Some("example.org"), "4").await, (here, there));
    });
}

#[test]
fn a_round_trip_over_udp() {
    over(Udp, "127.0.0.1:0");
    over(Udp, "[::1]:0");
}

#[test]
fn a_round_trip_over_tcp() {
    over(Tcp, "127.0.0.1:0");
    over(Tcp, "[::1]:0");
}

#[test]
fn a_round_trip_over_tls() {
    over(Tls, "127.0.0.1:0");
    over(Tls, "[::1]:0");
}

#[test]
fn a_round_trip_over_websocket_rfc7118_4() {
    over(Ws, "127.0.0.1:0");
    over(Ws, "[::1]:0");
}

#[test]
fn a_round_trip_over_secure_websocket_rfc7118_9_1() {
    over(Wss, "127.0.0.1:0");
    over(Wss, "[::1]:0");
}
