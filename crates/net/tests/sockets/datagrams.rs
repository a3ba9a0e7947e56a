//! UDP over real sockets.

use std::net::UdpSocket as StdSocket;

use crate::common::{Command, PATIENCE, Seen, with};
use antiphon_core::flow::{Fault, Ticket, Transmit};
use antiphon_net::{Direction, Settings};
use antiphon_sip::Transport::{Tcp, Udp};
use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::time::timeout;

async fn receive(socket: &UdpSocket) -> Vec<u8> {
    let mut buffer = vec![0; 65_535];
    let length = timeout(PATIENCE, socket.recv(&mut buffer)).await.unwrap().unwrap();
    buffer.truncate(length);
    buffer
}

#[test]
fn a_datagram_comes_back_over_both_address_families() {
    for ip in ["127.0.0.1:0", "[::1]:0"] {
        let host = with(&[(Udp, ip)], Settings::default(), async |running| {
            let peer = UdpSocket::bind(ip).await.unwrap();
            peer.connect(running.at(0)).await.unwrap();
            peer.send(b"hello").await.unwrap();
            assert_eq!(receive(&peer).await, b"hello");
            let flow = running.flow(0, peer.local_addr().unwrap());
            assert_eq!(running.seen().await, Seen::Datagram(flow, Bytes::from_static(b"hello")));
            let counts = running.handle.counters().read();
            assert_eq!((counts.datagrams_in, counts.datagrams_out), (1, 1));
        });
        let hello = b"hello".to_vec();
        assert_eq!(host.tapped, [(Direction::In, hello.clone()), (Direction::Out, hello)]);
    }
}

#[test]
fn stun_on_the_port_of_sip_is_answered_and_the_node_not_bothered_rfc5626_8() {
    for (ip, length) in [("127.0.0.1:0", 32), ("[::1]:0", 44)] {
        with(&[(Udp, ip)], Settings::default(), async |running| {
            let peer = UdpSocket::bind(ip).await.unwrap();
            peer.connect(running.at(0)).await.unwrap();
            peer.send(b"\x00\x01\x00\x00\x21\x12\xa4\x42transaction!").await.unwrap();
            let answer = receive(&peer).await;
            assert_eq!(answer.len(), length);
            assert!(answer.starts_with(b"\x01\x01") && answer[8..].starts_with(b"transaction!"));
            peer.send(b"after").await.unwrap();
            assert_eq!(receive(&peer).await, b"after");
            let flow = running.flow(0, peer.local_addr().unwrap());
            assert_eq!(running.seen().await, Seen::Datagram(flow, Bytes::from_static(b"after")));
            assert_eq!(running.counts().stun_messages, 1);
        });
    }
}

#[test]
fn more_datagrams_than_one_batch_all_come_back_whole() {
    with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        peer.connect(running.at(0)).await.unwrap();
        // The kernel takes them all before the node runs: nobody here waits in between.
        for number in 0..100_u16 {
            peer.send(&[&number.to_be_bytes()[..], &vec![7; usize::from(number)]].concat())
                .await
                .unwrap();
        }
        for number in 0..100_u16 {
            let octets = receive(&peer).await;
            assert_eq!(octets.get(..2), Some(&number.to_be_bytes()[..]));
            assert_eq!(octets.len(), 2 + usize::from(number));
        }
        let counts = running.handle.counters().read();
        assert_eq!((counts.datagrams_in, counts.datagrams_out), (100, 100));
    });
}

#[test]
fn what_is_turned_away_is_refused_without_bothering_the_node() {
    let host = with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        peer.connect(running.at(0)).await.unwrap();
        // Runs of one size that are longer than what leaves together, and others.
        let mut expected: Vec<Vec<u8>> =
            (0..150).map(|number: u32| format!("{number:0>3}").into_bytes()).collect();
        expected.extend([vec![b'x'; 2000], vec![b'y'; 2000], vec![b'z'; 7]]);
        for octets in &expected {
            peer.send(&[b"refuse ", &octets[..]].concat()).await.unwrap();
        }
        peer.send(b"drop this").await.unwrap();
        peer.send(b"after").await.unwrap();
        expected.push(b"after".to_vec());
        let mut received = Vec::new();
        while received.len() < expected.len() {
            received.push(receive(&peer).await);
        }
        received.sort();
        expected.sort();
        assert_eq!(received, expected);
        let flow = running.flow(0, peer.local_addr().unwrap());
        assert_eq!(running.seen().await, Seen::Datagram(flow, Bytes::from_static(b"after")));
        let counts = running.counts();
        assert_eq!((counts.datagrams_in, counts.datagrams_out), (155, 154));
    });
    let (asked, answered): (Vec<_>, Vec<_>) =
        host.tapped.iter().partition(|(direction, _)| *direction == Direction::In);
    assert_eq!((asked.len(), answered.len()), (155, 154), "whoever watches sees them, too");
}

#[test]
fn a_large_datagram_is_fragmented_and_not_refused_rfc3261_18_1_1() {
    with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        peer.connect(running.at(0)).await.unwrap();
        peer.send(&[1; 65_000]).await.unwrap();
        assert_eq!(receive(&peer).await, [1; 65_000]);
    });
}

#[test]
fn what_can_never_be_sent_is_told_with_the_reason_rfc3261_18_4() {
    with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let near = running.flow(0, peer.local_addr().unwrap());
        let other_family = running.flow(0, "[::1]:5060".parse().unwrap());
        let mut nowhere = near;
        nowhere.local.set_port(1);
        let stream = antiphon_core::flow::Flow { transport: Tcp, ..near };
        let large = Bytes::from(vec![0; 70_000]);
        let small = Bytes::from_static(b"small");
        let rows = [
            (near, large, Fault::TooLarge),
            (other_family, small.clone(), Fault::Unreachable),
            (nowhere, small.clone(), Fault::NoListener),
            (stream, small.clone(), Fault::NoListener),
        ];
        for (flow, octets, fault) in rows {
            let ticket = Some(Ticket(7));
            let unsendable = Transmit {
                flow,
                octets,
                ticket,
                server_name: None,
                is_open_flow: false,
                connect_within: None,
            };
            let after = Transmit {
                flow: near,
                octets: small.clone(),
                ticket: None,
                server_name: None,
                is_open_flow: false,
                connect_within: None,
            };
            running.command(Command::Send(vec![unsendable, after])).await;
            assert_eq!(running.seen().await, Seen::Undelivered(Ticket(7), fault));
            assert_eq!(receive(&peer).await, b"small", "the next one goes out nevertheless");
        }
    });
}

#[cfg(target_os = "linux")]
#[test]
fn port_unreachable_is_told_to_the_datagram_it_is_about_rfc3261_18_4() {
    for ip in ["127.0.0.1:0", "[::1]:0"] {
        with(&[(Udp, ip)], Settings::default(), async |running| {
            let closed = StdSocket::bind(ip).unwrap().local_addr().unwrap();
            let peer = UdpSocket::bind(ip).await.unwrap();
            let open = running.flow(0, peer.local_addr().unwrap());
            let refused = running.flow(0, closed);
            let send = |flow, octets, ticket| Transmit {
                flow,
                octets: Bytes::from_static(octets),
                ticket: Some(Ticket(ticket)),
                server_name: None,
                is_open_flow: false,
                connect_within: None,
            };
            let all = vec![
                send(open, b"one", 1),
                send(refused, b"two", 2),
                send(open, b"three", 3),
                send(open, b"four", 4),
            ];
            running.command(Command::Send(all)).await;
            assert_eq!(running.seen().await, Seen::Undelivered(Ticket(2), Fault::Refused));
            for expected in [&b"one"[..], b"three", b"four"] {
                assert_eq!(receive(&peer).await, expected);
            }
            // The socket goes on as if nothing had been.
            peer.send_to(b"five", running.at(0)).await.unwrap();
            assert_eq!(receive(&peer).await, b"five");
            assert_eq!(running.seen().await, Seen::Datagram(open, Bytes::from_static(b"five")));
            assert_eq!(running.handle.counters().read().icmp_errors, 1);
        });
    }
}

#[cfg(target_os = "linux")]
#[test]
fn the_next_batch_does_not_pay_for_the_last_one_s_error() {
    with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let closed = StdSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let open = running.flow(0, peer.local_addr().unwrap());
        let send = |flow, ticket| Transmit {
            flow,
            octets: Bytes::from(format!("datagram {ticket}")),
            ticket: Some(Ticket(ticket)),
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        };
        // Whatever the size of a batch, the refused one is the last of some.
        for refused in 30..34 {
            let all = (0..40).map(|ticket| {
                send(if ticket == refused { running.flow(0, closed) } else { open }, ticket)
            });
            running.command(Command::Send(all.collect())).await;
            for ticket in (0..40).filter(|ticket| *ticket != refused) {
                assert_eq!(receive(&peer).await, format!("datagram {ticket}").as_bytes());
            }
            assert_eq!(running.seen().await, Seen::Undelivered(Ticket(refused), Fault::Refused));
        }
        assert_eq!(running.handle.counters().read().datagrams_failed, 0);
    });
}

#[test]
fn beyond_the_queue_datagrams_are_dropped_and_counted() {
    let settings = Settings { datagram_queue: 10, ..Settings::default() };
    with(&[(Udp, "127.0.0.1:0")], settings, async |running| {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let flow = running.flow(0, peer.local_addr().unwrap());
        let octets = Bytes::from_static(b"x");
        let all = vec![
            Transmit {
                flow,
                octets,
                ticket: None,
                server_name: None,
                is_open_flow: false,
                connect_within: None
            };
            25
        ];
        running.command(Command::Send(all)).await;
        for _ in 0..10 {
            assert_eq!(receive(&peer).await, b"x");
        }
        let counts = running.handle.counters().read();
        assert_eq!((counts.datagrams_out, counts.datagrams_dropped), (10, 15));
    });
}

#[test]
fn of_many_that_wait_what_is_urgent_goes_first() {
    with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        let target = running.listeners[0].local;
        // The node runs in this thread, so all of them have arrived when it looks.
        let texts = (0..100).map(|number| number.to_string());
        for text in texts.chain((0..5).map(|number| format!("!{number}"))) {
            peer.send_to(text.as_bytes(), target).unwrap();
        }
        let mut order = Vec::new();
        while order.len() < 105 {
            if let Seen::Datagram(_, octets) = running.seen().await {
                order.push(String::from_utf8(octets.to_vec()).unwrap());
            }
        }
        let urgent = order.iter().position(|text| text.starts_with('!')).unwrap();
        assert!((1..100).contains(&urgent), "{order:?}");
        assert_eq!(order[urgent..urgent + 5], ["!0", "!1", "!2", "!3", "!4"]);
        order.retain(|text| !text.starts_with('!'));
        assert!(order.iter().map(|text| text.parse::<u32>().unwrap()).eq(0..100), "{order:?}");
    });
}

#[test]
fn datagrams_that_keep_the_loop_busy_do_not_hold_up_what_else_happens() {
    with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let peer = StdSocket::bind("127.0.0.1:0").unwrap();
        let target = running.listeners[0].local;
        // The node runs in this thread, so all of this has happened when it looks.
        for number in 0..200 {
            peer.send_to(format!("{number}").as_bytes(), target).unwrap();
        }
        assert!(running.handle.try_command(Command::Ask(2)).is_ok());
        let mut before = 0;
        while running.seen().await != Seen::Answer(2) {
            before += 1;
        }
        assert!(before < 200);
        for _ in before..200 {
            assert!(matches!(running.seen().await, Seen::Datagram(..)));
        }
    });
}

#[test]
fn stun_asks_whether_a_flow_lives_and_as_whom_we_are_seen_rfc5626_4_4_2() {
    with(&[(Udp, "127.0.0.1:0")], Settings::default(), async |running| {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let flow = running.flow(0, peer.local_addr().unwrap());
        // XOR-MAPPED-ADDRESS with a port of our choice.
        let answer = |request: &[u8], port: u16| {
            let port = (port ^ 0x2112).to_be_bytes();
            let value = [&[0, 1][..], &port, &[192 ^ 0x21, 0x12, 2 ^ 0xa4, 1 ^ 0x42]].concat();
            [&[1, 1, 0, 12][..], &request[4..20], &[0, 0x20, 0, 8], &value].concat()
        };
        for (count, port) in (1..).zip([5060, 5060, 5061]) {
            running.command(Command::KeepAlive(flow)).await;
            let request = receive(&peer).await;
            assert_eq!(request[..4], [0, 1, 0, 0]);
            peer.send_to(&answer(&request, port), running.at(0)).await.unwrap();
            while running.counts().stun_messages < count {
                tokio::task::yield_now().await;
            }
        }
        assert_eq!(running.seen().await, Seen::Closed(flow), "we are seen elsewhere now");
    });
}
