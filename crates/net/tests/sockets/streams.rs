//! TCP over real sockets.

use std::net::{SocketAddr, TcpListener as StdListener};
use std::time::{Duration, Instant};

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_net::{Refusal, Settings};
use antiphon_sip::Transport::{Tcp, Udp};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use crate::common::{Command, PATIENCE, Running, Seen, options, with};
use crate::lazy::{fill, never_ends, refused_while_dripping};

async fn read(stream: &mut TcpStream, length: usize) -> Vec<u8> {
    let mut octets = vec![0; length];
    timeout(PATIENCE, stream.read_exact(&mut octets)).await.unwrap().unwrap();
    octets
}

async fn read_to_end(stream: &mut TcpStream) -> Vec<u8> {
    let mut octets = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut octets)).await.unwrap().unwrap();
    octets
}

async fn accept(listener: &TcpListener) -> TcpStream {
    timeout(PATIENCE, listener.accept()).await.unwrap().unwrap().0
}

/// Sends a message, reads it back, and gives the flow as the node sees it.
async fn exchange(running: &mut Running, peer: &mut TcpStream, branch: &str) -> Flow {
    let message = options(branch, "");
    peer.write_all(message.as_bytes()).await.unwrap();
    assert_eq!(read(peer, message.len()).await, message.as_bytes());
    match running.seen().await {
        Seen::Message(flow, octets) => {
            assert_eq!(octets, message.as_bytes());
            flow
        }
        other => panic!("{other:?}"),
    }
}

/// An address at which nobody listens.
fn closed_port() -> SocketAddr {
    StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn send(flow: Flow, octets: impl Into<Bytes>, ticket: u64) -> Transmit {
    Transmit {
        flow,
        octets: octets.into(),
        ticket: Some(Ticket(ticket)),
        server_name: None,
        is_open_flow: false,
        connect_within: None,
    }
}

#[test]
fn a_message_comes_back_over_both_address_families() {
    for ip in ["127.0.0.1:0", "[::1]:0"] {
        with(&[(Udp, ip), (Tcp, ip)], Settings::default(), async |running| {
            let mut peer = TcpStream::connect(running.at(1)).await.unwrap();
            let flow = exchange(running, &mut peer, "1").await;
            assert_eq!((flow.transport, flow.local), (Tcp, running.at(1)));
            assert_eq!(flow.remote, peer.local_addr().unwrap());
            drop(peer);
            assert_eq!(running.seen().await, Seen::Closed(flow));
            assert_eq!(running.handle.counters().read().connections_open, 0);
        });
    }
}

#[test]
fn messages_are_cut_by_content_length_wherever_segments_end_rfc3261_18_3() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        peer.set_nodelay(true).unwrap();
        let first = options("1", "body");
        for octet in first.as_bytes() {
            peer.write_all(&[*octet]).await.unwrap();
            tokio::task::yield_now().await;
        }
        assert_eq!(read(&mut peer, first.len()).await, first.as_bytes());
        let two = options("2", "") + "\r\n\r\n" + &options("3", "more");
        peer.write_all(two.as_bytes()).await.unwrap();
        let answer = options("2", "") + "\r\n" + &options("3", "more");
        assert_eq!(read(&mut peer, answer.len()).await, answer.as_bytes());
        assert!(matches!(running.seen().await, Seen::Message(_, octets) if octets == first));
        assert!(matches!(running.seen().await, Seen::Message(..)));
        assert!(matches!(running.seen().await, Seen::Ping(_)));
        assert!(matches!(running.seen().await, Seen::Message(..)));
    });
}

#[test]
fn lost_framing_is_answered_and_the_connection_closed_rfc3261_18_3() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        let broken = options("1", "").replace("Content-Length: 0", "Content-Length: none");
        peer.write_all((broken + &"x".repeat(20_000)).as_bytes()).await.unwrap();
        assert_eq!(read_to_end(&mut peer).await, b"broken");
        // What the peer still sends meets an open socket, and no reset that would take away the
        // answer.
        peer.write_all(b"more").await.unwrap();
        drop(peer);
        let Seen::Broken(flow) = running.seen().await else { panic!("not broken") };
        assert_eq!(running.seen().await, Seen::Closed(flow));
    });
}

#[test]
fn a_refused_connection_is_told_to_everyone_who_waits_for_it_rfc3261_18_4() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let flow = running.flow(0, closed_port());
        running.command(Command::Send(vec![send(flow, "one", 1), send(flow, "two", 2)])).await;
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(1), Fault::Refused));
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(2), Fault::Refused));
        let Seen::Closed(closed) = running.seen().await else { panic!("not closed") };
        assert_eq!(closed.remote, flow.remote);
        assert_eq!(running.handle.counters().read().connections_failed, 1);
    });
}

#[test]
fn a_connection_that_is_not_made_in_time_is_told() {
    let settings = Settings { connect_timeout: Duration::ZERO, ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        // Nobody answers for this address (RFC 5737), or the network says so at once.
        let flow = running.flow(0, "192.0.2.254:5060".parse().unwrap());
        running.command(Command::Send(vec![send(flow, "one", 1)])).await;
        let seen = running.seen().await;
        let faults = [Fault::TimedOut, Fault::Unreachable];
        assert!(
            faults.map(|fault| Seen::Undelivered(Ticket(1), fault)).contains(&seen),
            "{seen:?}"
        );
    });
}

#[test]
fn an_open_connection_is_used_again_rfc3261_18() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let flow = running.flow(0, listener.local_addr().unwrap());
        running.command(Command::Send(vec![send(flow, "one", 1), send(flow, "two", 2)])).await;
        let mut peer = accept(&listener).await;
        assert_eq!(read(&mut peer, 6).await, b"onetwo");
        running.command(Command::Send(vec![send(flow, "three", 3)])).await;
        assert_eq!(read(&mut peer, 5).await, b"three");
        assert_eq!(running.handle.counters().read().connections_made, 1);
        // A message from the peer arrives on that very connection.
        let seen = exchange(running, &mut peer, "1").await;
        assert_eq!(seen, Flow { connection: seen.connection, ..flow });
        drop(peer);
        assert_eq!(running.seen().await, Seen::Closed(seen));
        // By its number it is gone; for anyone to that address a new one is made.
        running.command(Command::Send(vec![send(seen, "four", 4), send(flow, "five", 5)])).await;
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(4), Fault::Closed));
        assert_eq!(read(&mut accept(&listener).await, 4).await, b"five");
    });
}

#[cfg(target_os = "linux")]
#[test]
fn a_connection_leaves_from_the_address_of_its_listener() {
    with(&[(Tcp, "127.0.0.2:0")], Settings::default(), async |running| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let flow = running.flow(0, listener.local_addr().unwrap());
        running.command(Command::Send(vec![send(flow, "one", 1)])).await;
        let peer = accept(&listener).await;
        assert_eq!(peer.peer_addr().unwrap().ip(), running.at(0).ip());
    });
}

#[test]
fn what_goes_back_over_a_flow_makes_no_new_connection_rfc5626_5_3() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let flow = running.flow(0, listener.local_addr().unwrap());
        let back = Transmit { is_open_flow: true, ..send(flow, "one", 1) };
        running.command(Command::Send(vec![back])).await;
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(1), Fault::Closed));
        assert_eq!(running.counts().connections_made, 0);
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        let open = exchange(running, &mut peer, "2").await;
        let back = Transmit { is_open_flow: true, ..send(open, "back", 2) };
        let any = Flow { connection: None, ..back.flow };
        running.command(Command::Send(vec![Transmit { flow: any, ..back }])).await;
        assert_eq!(read(&mut peer, 4).await, b"back");
    });
}

#[test]
fn a_peer_that_does_not_read_is_given_up_and_the_others_are_served() {
    let settings = Settings { write_queue_octets: 100_000, ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut lazy = TcpStream::connect(running.at(0)).await.unwrap();
        let stalled = exchange(running, &mut lazy, "1").await;
        let mut busy = TcpStream::connect(running.at(0)).await.unwrap();
        exchange(running, &mut busy, "2").await;
        fill(running, stalled).await;
        exchange(running, &mut busy, "3").await;
    });
}

#[test]
fn a_peer_that_reads_gets_any_amount() {
    let settings =
        Settings { write_queue_octets: 100_000, write_queue_messages: 2, ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        let flow = exchange(running, &mut peer, "1").await;
        for ticket in 0..10 {
            running.command(Command::Send(vec![send(flow, vec![b'x'; 90_000], ticket)])).await;
            assert_eq!(read(&mut peer, 90_000).await, [b'x'; 90_000]);
        }
        exchange(running, &mut peer, "2").await;
        assert_eq!(running.handle.counters().read().connections_stalled, 0);
    });
}

#[test]
fn a_write_that_does_not_end_is_given_up() {
    let settings = Settings {
        stall_timeout: Duration::from_millis(50),
        write_queue_octets: usize::MAX,
        ..Settings::default()
    };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut lazy = TcpStream::connect(running.at(0)).await.unwrap();
        let flow = exchange(running, &mut lazy, "1").await;
        never_ends(running, flow).await;
    });
}

#[test]
fn one_source_may_open_only_so_many_connections() {
    let settings = Settings { connections_per_source: 1, ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut first = TcpStream::connect(running.at(0)).await.unwrap();
        let flow = exchange(running, &mut first, "1").await;
        let mut second = TcpStream::connect(running.at(0)).await.unwrap();
        assert_eq!(read_to_end(&mut second).await, b"");
        assert_eq!(running.handle.counters().read().connections_refused, 1);
        // Another source has its own allowance.
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        if socket.bind("127.0.0.3:0".parse().unwrap()).is_ok() {
            let mut other = socket.connect(running.at(0)).await.unwrap();
            exchange(running, &mut other, "2").await;
            drop(other);
            assert!(matches!(running.seen().await, Seen::Closed(_)));
        }
        drop(first);
        assert_eq!(running.seen().await, Seen::Closed(flow));
        let mut third = TcpStream::connect(running.at(0)).await.unwrap();
        exchange(running, &mut third, "3").await;
    });
}

#[test]
fn there_is_a_limit_of_connections_in_all() {
    let settings = Settings { connections: 1, ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut first = TcpStream::connect(running.at(0)).await.unwrap();
        exchange(running, &mut first, "1").await;
        let flow = running.flow(0, closed_port());
        running.command(Command::Send(vec![send(flow, "one", 1)])).await;
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(1), Fault::Unreachable));
    });
}

#[test]
fn close_comes_after_what_was_sent_before() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        let flow = exchange(running, &mut peer, "1").await;
        running.command(Command::Send(vec![send(flow, "last", 1)])).await;
        running.command(Command::Close(flow)).await;
        running.command(Command::Send(vec![send(flow, "late", 2)])).await;
        assert_eq!(read_to_end(&mut peer).await, b"last");
        drop(peer);
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(2), Fault::Closed));
        assert_eq!(running.seen().await, Seen::Closed(flow));
    });
}

#[test]
fn half_a_message_and_then_silence_ends_the_connection() {
    let settings = Settings { message_timeout: Duration::from_millis(50), ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        // A whole message first: silence between messages is no fault.
        let flow = exchange(running, &mut peer, "1").await;
        peer.write_all(b"OPTIONS sip:bob@").await.unwrap();
        assert_eq!(read_to_end(&mut peer).await, b"");
        assert_eq!(running.seen().await, Seen::Closed(flow));
    });
}

#[test]
fn an_octet_now_and_then_makes_no_message_last_for_ever() {
    let settings = Settings { message_timeout: Duration::from_millis(200), ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut slow = TcpStream::connect(running.at(0)).await.unwrap();
        let mut busy = TcpStream::connect(running.at(0)).await.unwrap();
        let endless = b"OPTIONS sip:bob@example.org SIP/2.0\r\nSubject: ".iter();
        let octets = endless.chain(std::iter::repeat(&b'x'));
        assert_eq!(refused_while_dripping(running, &mut slow, octets).await, Refusal::Unfinished);
        assert!(matches!(running.seen().await, Seen::Closed(_)));
        assert_eq!(running.counts().messages_unfinished, 1);
        exchange(running, &mut busy, "1").await;
    });
}

#[test]
fn a_connection_that_nobody_uses_is_closed() {
    let settings = Settings { idle_timeout: Duration::from_millis(50), ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        assert_eq!(read_to_end(&mut peer).await, b"");
        let Seen::Closed(flow) = running.seen().await else { panic!("not closed") };
        assert_eq!(flow.remote, peer.local_addr().unwrap());
    });
}

#[test]
fn silence_between_messages_is_not_half_a_message() {
    let settings = Settings {
        message_timeout: Duration::from_millis(20),
        idle_timeout: Duration::from_millis(200),
        ..Settings::default()
    };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        exchange(running, &mut peer, "1").await;
        let since = Instant::now();
        assert_eq!(read_to_end(&mut peer).await, b"");
        assert!(since.elapsed() > Duration::from_millis(100), "{:?}", since.elapsed());
    });
}

/// A connection that the node has made, from both sides.
async fn made(running: &mut Running) -> (TcpStream, Flow) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let flow = running.flow(0, listener.local_addr().unwrap());
    running.command(Command::OnlyListen).await;
    running.command(Command::Send(vec![send(flow, "one", 1)])).await;
    let mut peer = accept(&listener).await;
    assert_eq!(read(&mut peer, 3).await, b"one");
    peer.write_all(options("1", "").as_bytes()).await.unwrap();
    let Seen::Message(flow, _) = running.seen().await else { panic!("no message") };
    (peer, flow)
}

#[test]
fn a_stream_is_kept_alive_by_crlf_rfc5626_4_4_1() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let (mut peer, flow) = made(running).await;
        for _ in 0..3 {
            running.command(Command::KeepAlive(flow)).await;
            assert_eq!(read(&mut peer, 4).await, b"\r\n\r\n");
            peer.write_all(b"\r\n").await.unwrap();
            assert_eq!(running.seen().await, Seen::Pong(flow));
        }
    });
}

#[test]
fn a_stream_without_a_pong_is_cut_rfc5626_4_4_1() {
    let settings = Settings { pong_timeout: Duration::from_millis(50), ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let (_peer, flow) = made(running).await;
        running.command(Command::KeepAlive(flow)).await;
        assert_eq!(running.seen().await, Seen::Closed(flow));
        running.command(Command::KeepAlive(flow)).await;
        assert_eq!(running.seen().await, Seen::Closed(flow), "it is gone already");
    });
}

#[test]
fn a_single_crlf_is_no_message_that_was_begun() {
    let settings = Settings { message_timeout: Duration::from_millis(50), ..Settings::default() };
    with(&[(Tcp, "127.0.0.1:0")], settings, async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        let flow = exchange(running, &mut peer, "1").await;
        for round in 0..4 {
            peer.write_all(b"\r\n").await.unwrap();
            // Whoever begins a message after it is given up.
            let mut half = TcpStream::connect(running.at(0)).await.unwrap();
            half.write_all(b"OPTIONS ").await.unwrap();
            assert!(matches!(running.seen().await, Seen::Closed(other) if other != flow));
            assert_eq!(exchange(running, &mut peer, &format!("2{round}")).await, flow);
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn what_does_not_wait_for_a_connection_is_given_back_and_the_connection_made_all_the_same_rfc8305_5()
 {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        // Room for one connection that is not accepted, and it is taken: whoever else comes is not
        // answered.
        let socket =
            socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
        let any: SocketAddr = "127.0.0.1:0".parse().unwrap();
        socket.bind(&any.into()).unwrap();
        socket.listen(0).unwrap();
        socket.set_nonblocking(true).unwrap();
        let peer = TcpListener::from_std(socket.into()).unwrap();
        let address = peer.local_addr().unwrap();
        let _first = TcpStream::connect(address).await.unwrap();

        let flow = running.flow(0, address);
        let within = Some(Duration::from_millis(50));
        let hasty = Transmit { connect_within: within, ..send(flow, "hasty", 1) };
        running.command(Command::Send(vec![hasty, send(flow, "patient", 2)])).await;
        assert_eq!(running.seen().await, Seen::Undelivered(Ticket(1), Fault::NotYet));
        timeout(PATIENCE, peer.accept()).await.unwrap().unwrap();
        let (mut stream, _) = timeout(PATIENCE, peer.accept()).await.unwrap().unwrap();
        running.command(Command::Send(vec![send(flow, " more", 3)])).await;
        assert_eq!(read(&mut stream, 12).await, b"patient more");
        assert_eq!(running.counts().connections_made, 1);
    });
}
