//! Several loops that share the work of the same listeners.

use std::collections::{BTreeSet, HashMap};
use std::net::TcpListener as StdListener;

use crate::common::{Command, PATIENCE, Running, Seen, options, with_loops};
use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_net::{BindError, Layers, ListenSpec, Net, Settings};
use antiphon_sip::Transport::{Tcp, Udp};
use bytes::Bytes;
use futures_util::future::select_all;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

const LOOPS: usize = 3;

/// Calls enough for every loop to have some: the chance that one has none is below 10^-17.
const CALLS: usize = 100;

/// The next thing that any of the loops tells, and which.
async fn seen(running: &mut [Running]) -> (usize, Seen) {
    let all = running.iter_mut().map(|running| Box::pin(running.seen()));
    let (seen, index, _) = select_all(all).await;
    (index, seen)
}

/// What each call's messages were seen by, after all of them were.
async fn owners(running: &mut [Running], messages: usize) -> HashMap<String, BTreeSet<usize>> {
    let mut owners: HashMap<String, BTreeSet<usize>> = HashMap::new();
    for _ in 0..messages {
        let (index, seen) = seen(running).await;
        let (Seen::Datagram(_, octets) | Seen::Message(_, octets)) = seen else {
            panic!("{seen:?}");
        };
        let text = String::from_utf8(octets.to_vec()).unwrap();
        let call = text.lines().find(|line| line.starts_with("Call-ID")).unwrap();
        owners.entry(call.to_owned()).or_default().insert(index);
    }
    owners
}

fn assert_each_call_has_one(owners: &HashMap<String, BTreeSet<usize>>) {
    assert_eq!(owners.len(), CALLS);
    assert!(owners.values().all(|loops| loops.len() == 1), "{owners:?}");
    let busy: BTreeSet<_> = owners.values().flatten().collect();
    assert_eq!(busy.len(), LOOPS, "every loop has some of the calls");
}

#[test]
fn all_datagrams_of_a_call_meet_in_one_loop_and_are_answered_from_the_same_address() {
    with_loops(LOOPS, &[(Udp, "127.0.0.1:0")], async |running| {
        let peers = [
            UdpSocket::bind("127.0.0.1:0").await.unwrap(),
            UdpSocket::bind("127.0.0.1:0").await.unwrap(),
        ];
        let server = running[0].at(0);
        for call in 0..CALLS {
            for peer in &peers {
                let message = options(&format!("call{call}"), "");
                peer.send_to(message.as_bytes(), server).await.unwrap();
                let mut octets = vec![0; message.len()];
                let (length, from) =
                    timeout(PATIENCE, peer.recv_from(&mut octets)).await.unwrap().unwrap();
                assert_eq!((&octets[..length], from), (message.as_bytes(), server));
            }
        }
        assert_each_call_has_one(&owners(running, 2 * CALLS).await);
    });
}

#[test]
fn what_a_connection_carries_goes_to_the_loops_of_its_calls_and_back() {
    with_loops(LOOPS, &[(Tcp, "127.0.0.1:0")], async |running| {
        let mut peer = TcpStream::connect(running[0].at(0)).await.unwrap();
        for call in 0..CALLS {
            let message = options(&format!("call{call}"), "");
            peer.write_all(message.as_bytes()).await.unwrap();
            let mut octets = vec![0; message.len()];
            timeout(PATIENCE, peer.read_exact(&mut octets)).await.unwrap().unwrap();
            assert_eq!(octets, message.as_bytes());
        }
        assert_each_call_has_one(&owners(running, CALLS).await);
        drop(peer);
        for running in running {
            assert!(matches!(running.seen().await, Seen::Closed(_)), "all learn that it is gone");
        }
    });
}

#[test]
fn every_loop_learns_what_became_of_its_own() {
    with_loops(LOOPS, &[(Tcp, "127.0.0.1:0")], async |running| {
        let nobody = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        for (index, running) in running.iter_mut().enumerate() {
            let ticket = Ticket(40 + u64::try_from(index).unwrap());
            let flow = Flow { connection: None, ..running.flow(0, nobody) };
            let octets = Bytes::from(options("lost", ""));
            let lost = Transmit {
                flow,
                octets,
                ticket: Some(ticket),
                server_name: None,
                is_open_flow: false,
                connect_within: None,
            };
            running.command(Command::Send(vec![lost])).await;
            // The others are told that the connection is gone.
            loop {
                match running.seen().await {
                    Seen::Closed(_) => {}
                    seen => break assert_eq!(seen, Seen::Undelivered(ticket, Fault::Refused)),
                }
            }
        }
    });
}

#[test]
fn a_port_that_loops_share_is_taken_for_everybody_else() {
    let any = ListenSpec::udp("127.0.0.1:0".parse().unwrap());
    let bind = |spec, loops| Net::bind_for(&[spec], Settings::default(), Layers::default(), loops);
    let first = bind(any, 2).unwrap();
    let same = ListenSpec::udp(first.listeners().next().unwrap().local);
    for loops in [1, 2] {
        let error = bind(same, loops).unwrap_err();
        assert!(matches!(error, BindError::AddressInUse { .. }), "{error:?}");
    }
}
