//! The loop itself: binding, time, questions, names, the end.

use std::net::IpAddr;
use std::time::Duration;

use crate::common::{Command, PATIENCE, Seen, options, with};
use antiphon_core::flow::{Ticket, Transmit};
use antiphon_core::locate::{Question, RecordKind, Silence};
use antiphon_core::node::ResolveId;
use antiphon_net::{BindError, ListenSpec, Net, Settings};
use antiphon_sip::Transport::{Sctp, Tcp, Udp};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::timeout;

#[test]
fn a_taken_address_is_named_with_what_to_do() {
    for transport in [Udp, Tcp] {
        let any = ListenSpec { transport, addr: "127.0.0.1:0".parse().unwrap() };
        let first = Net::bind(&[any], Settings::default()).unwrap();
        let addr = first.listeners().next().unwrap().local;
        assert_ne!(addr.port(), 0);
        let error = Net::bind(&[ListenSpec { transport, addr }], Settings::default()).unwrap_err();
        assert!(matches!(error, BindError::AddressInUse { .. }), "{error:?}");
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("{}:{addr} is in use", transport.as_uri_param())),
            "{text}"
        );
        assert!(!text.contains('\n'));
    }
}

#[test]
fn an_address_of_another_machine_and_another_transport_are_refused() {
    let elsewhere = ListenSpec::udp("203.0.113.7:0".parse().unwrap());
    let error = Net::bind(&[elsewhere], Settings::default()).unwrap_err();
    assert!(matches!(error, BindError::NotAvailable { .. }), "{error:?}");
    let addr = "127.0.0.1:0".parse().unwrap();
    let sctp = ListenSpec { transport: Sctp, addr };
    let error = Net::bind(&[sctp], Settings::default()).unwrap_err();
    assert!(matches!(error, BindError::Unsupported { transport: Sctp }), "{error:?}");
    for secure in [ListenSpec::tls(addr), ListenSpec::wss(addr)] {
        let error = Net::bind(&[secure], Settings::default()).unwrap_err();
        assert!(matches!(error, BindError::NoTls { .. }), "{error:?}");
    }
}

#[test]
fn a_wildcard_is_advertised_by_an_address_that_can_be_reached() {
    let specs =
        [ListenSpec::udp("0.0.0.0:0".parse().unwrap()), ListenSpec::tcp("[::]:0".parse().unwrap())];
    let net = Net::bind(&specs, Settings::default()).unwrap();
    for (bound, core) in net.listeners().zip(net.core_listeners()) {
        assert!(bound.local.ip().is_unspecified());
        assert!(!bound.advertised.ip().is_unspecified());
        assert_eq!(bound.advertised.port(), bound.local.port());
        assert_eq!(core.local, bound.local);
        let sent_by: std::net::SocketAddr = core.sent_by.parse().unwrap();
        assert_eq!(sent_by, bound.advertised);
    }
}

#[test]
fn both_families_can_have_the_same_port() {
    let v4 = Net::bind(&[ListenSpec::udp("0.0.0.0:0".parse().unwrap())], Settings::default());
    let port = v4.as_ref().unwrap().listeners().next().unwrap().local.port();
    let v6: IpAddr = "::".parse().unwrap();
    Net::bind(&[ListenSpec::udp((v6, port).into())], Settings::default()).unwrap();
}

#[test]
fn a_buffer_smaller_than_asked_for_is_told() {
    let settings = Settings { receive_buffer: 1 << 30, ..Settings::default() };
    let net = Net::bind(&[ListenSpec::udp("127.0.0.1:0".parse().unwrap())], settings).unwrap();
    let notice = net.notices().first().unwrap().to_string();
    assert!(notice.contains("receive buffer") && !notice.contains('\n'), "{notice}");
}

#[test]
fn a_deadline_wakes_the_node() {
    with(&[], Settings::default(), async |running| {
        running.command(Command::WakeAfter(Duration::from_millis(20))).await;
        assert_eq!(running.seen().await, Seen::Deadline);
        running.command(Command::WakeAfter(Duration::ZERO)).await;
        assert_eq!(running.seen().await, Seen::Deadline);
    });
}

#[test]
fn questions_are_answered_at_once_or_from_another_thread() {
    with(&[], Settings::default(), async |running| {
        running.command(Command::Ask(2)).await;
        assert_eq!(running.seen().await, Seen::Answer(2));
        running.command(Command::Ask(3)).await;
        assert_eq!(running.seen().await, Seen::Answer(3));
    });
}

#[test]
fn too_many_questions_are_not_asked() {
    let settings = Settings { lookup_queue: 0, ..Settings::default() };
    with(&[], settings, async |running| {
        let question = Question::new(RecordKind::A, "localhost");
        running.command(Command::Resolve(ResolveId(1), question)).await;
        assert_eq!(running.seen().await, Seen::Resolved(ResolveId(1), Err(Silence::Busy)));
        assert_eq!(running.handle.counters().read().lookups_refused, 1);
    });
}

#[test]
fn in_the_grace_period_old_connections_are_served_and_new_ones_are_not() {
    with(&[(Tcp, "127.0.0.1:0")], Settings::default(), async |running| {
        let mut peer = TcpStream::connect(running.at(0)).await.unwrap();
        let message = options("1", "");
        peer.write_all(message.as_bytes()).await.unwrap();
        let Seen::Message(flow, _) = running.seen().await else { panic!("no message") };
        running.shutdown.begin(PATIENCE);
        running.command(Command::Ask(2)).await;
        assert_eq!(running.seen().await, Seen::Answer(2));
        assert!(TcpStream::connect(running.at(0)).await.is_err());
        let octets = Bytes::from_static(b"goodbye");
        let goodbye = Transmit {
            flow,
            octets,
            ticket: Some(Ticket(1)),
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        };
        running.command(Command::Send(vec![goodbye])).await;
        running.command(Command::Ask(4)).await;
        assert_eq!(running.seen().await, Seen::Answer(4));
        running.shutdown.finish();
        let mut octets = Vec::new();
        timeout(PATIENCE, peer.read_to_end(&mut octets)).await.unwrap().unwrap();
        assert_eq!(octets, (message + "goodbye").as_bytes());
        assert!(running.handle.command(Command::Ask(6)).await.is_err());
    });
}

#[test]
fn the_end_comes_when_the_grace_period_is_over_whatever_is_open() {
    let settings = Settings { flush_timeout: Duration::from_millis(50), ..Settings::default() };
    with(&[(Udp, "127.0.0.1:0"), (Tcp, "127.0.0.1:0")], settings, async |running| {
        let peer = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let mut lazy = TcpStream::connect(running.at(1)).await.unwrap();
        lazy.write_all(options("1", "").as_bytes()).await.unwrap();
        let Seen::Message(flow, _) = running.seen().await else { panic!("no message") };
        let endless = Transmit {
            flow,
            octets: vec![0; 64 << 20].into(),
            ticket: None,
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        };
        let unanswered = running.flow(1, "192.0.2.254:5060".parse().unwrap());
        let never = Transmit {
            flow: unanswered,
            octets: Bytes::from_static(b"x"),
            ticket: None,
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        };
        running.command(Command::Send(vec![endless, never])).await;
        let last = running.flow(0, peer.local_addr().unwrap());
        let last = Transmit {
            flow: last,
            octets: Bytes::from_static(b"last"),
            ticket: None,
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        };
        running.command(Command::Send(vec![last])).await;
        let mut buffer = [0; 16];
        let length = timeout(PATIENCE, peer.recv(&mut buffer)).await.unwrap().unwrap();
        assert_eq!(buffer.get(..length), Some(&b"last"[..]));
        running.shutdown.begin(Duration::from_millis(20));
        while running.handle.command(Command::Ask(2)).await.is_ok() {
            tokio::task::yield_now().await;
        }
        drop(lazy);
    });
}
