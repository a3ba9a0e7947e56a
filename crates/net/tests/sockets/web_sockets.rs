//! SIP over WebSocket (RFC 7118).

use std::time::Duration;

use antiphon_core::flow::{Flow, Transmit};
use antiphon_net::{Layers, Refusal, Settings, WebSocket};
use antiphon_sip::Transport::{Ws, Wss};
use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::certificates::{Authority, Client, Valid, layers};
use crate::common::{Command, PATIENCE, Running, Seen, Setup, options, with_layers};
use crate::lazy::{fill, never_ends};

type Peer<S = TcpStream> = WebSocketStream<S>;

fn setup(settings: Settings) -> Setup<'static> {
    Setup { listen: &[(Ws, "127.0.0.1:0")], settings, layers: Layers::default() }
}

/// Makes a handshake with these header fields.
async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    headers: &[(&'static str, &'static str)],
) -> Result<Peer<S>, Error> {
    let mut request = "ws://example.org/".into_client_request()?;
    for (name, value) in headers {
        request.headers_mut().append(*name, HeaderValue::from_static(value));
    }
    client_async(request, stream).await.map(|(stream, _)| stream)
}

const SIP: (&str, &str) = ("sec-websocket-protocol", "sip");

async fn connect(running: &Running) -> Peer {
    let stream = TcpStream::connect(running.at(0)).await.unwrap();
    handshake(stream, &[SIP]).await.unwrap()
}

async fn next(peer: &mut Peer<impl AsyncRead + AsyncWrite + Unpin>) -> Message {
    timeout(PATIENCE, peer.next()).await.unwrap().unwrap().unwrap()
}

/// Says something, hears it again, and gives the flow as the node sees it.
async fn exchange(
    running: &mut Running,
    peer: &mut Peer<impl AsyncRead + AsyncWrite + Unpin>,
    branch: &str,
) -> Flow {
    let message = options(branch, "");
    peer.send(Message::text(&message)).await.unwrap();
    assert_eq!(next(peer).await, Message::text(&message));
    match running.seen().await {
        Seen::Message(flow, octets) => {
            assert_eq!(octets, message);
            flow
        }
        other => panic!("{other:?}"),
    }
}

fn status(error: Error) -> StatusCode {
    match error {
        Error::Http(response) => response.status(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_handshake_must_offer_the_subprotocol_sip_rfc7118_4_1() {
    with_layers(setup(Settings::default()), async |running| {
        let local = running.at(0);
        let stream = || TcpStream::connect(local);
        handshake(stream().await.unwrap(), &[SIP]).await.unwrap();
        for offer in ["chat, sip", "sip,chat", "chat\r\nSec-WebSocket-Protocol: sip"] {
            let mut stream = stream().await.unwrap();
            let request = format!(
                "GET / HTTP/1.1\r\nHost: example.org\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {offer}\r\n\r\n"
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            let mut answer = Vec::new();
            while !answer.ends_with(b"\r\n\r\n") {
                answer.push(timeout(PATIENCE, stream.read_u8()).await.unwrap().unwrap());
            }
            let answer = String::from_utf8(answer).unwrap().to_lowercase();
            assert!(answer.starts_with("http/1.1 101 "), "{answer}");
            assert!(answer.contains("\r\nsec-websocket-protocol: sip\r\n"), "{answer}");
        }
        for headers in [&[][..], &[("sec-websocket-protocol", "chat, sips")]] {
            let error = handshake(stream().await.unwrap(), headers).await.unwrap_err();
            assert_eq!(status(error), StatusCode::BAD_REQUEST);
        }
        assert_eq!(running.refused().await.1, Refusal::NotWebSocket);
        let mut peer = stream().await.unwrap();
        peer.write_all(options("1", "").as_bytes()).await.unwrap();
        let mut rest = Vec::new();
        let _ = timeout(PATIENCE, peer.read_to_end(&mut rest)).await.unwrap();
        while running.counts().connections_open > 0 {
            running.seen().await;
        }
        assert_eq!(running.counts().handshakes_failed, 3);
    });
}

#[test]
fn pages_of_other_web_sites_are_kept_out_rfc6455_10_2() {
    let web_socket = WebSocket {
        origins: Some(vec!["https://phone.example.org".into()]),
        ..WebSocket::default()
    };
    let layers = Layers { web_socket, ..Layers::default() };
    with_layers(Setup { layers, ..setup(Settings::default()) }, async |running| {
        let connect = async |headers| {
            let stream = TcpStream::connect(running.listeners[0].local).await.unwrap();
            handshake(stream, headers).await
        };
        connect(&[SIP, ("origin", "https://phone.example.org")]).await.unwrap();
        // No browser, no Origin.
        connect(&[SIP]).await.unwrap();
        let error = connect(&[SIP, ("origin", "https://evil.example")]).await.unwrap_err();
        assert_eq!(status(error), StatusCode::FORBIDDEN);
        assert_eq!(running.refused().await.1, Refusal::Origin);
    });
}

#[test]
fn text_and_binary_are_taken_and_text_is_sent_when_it_is_text_rfc7118_4_2() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        let flow = exchange(running, &mut peer, "1").await;
        assert_eq!(flow.transport, Ws);
        let text = options("2", "");
        peer.send(Message::binary(text.clone())).await.unwrap();
        assert_eq!(next(&mut peer).await, Message::text(&text));
        let mut octets = options("3", "abcd").into_bytes();
        let length = octets.len();
        octets[length - 2] = 0xff;
        peer.send(Message::binary(octets.clone())).await.unwrap();
        assert_eq!(next(&mut peer).await, Message::binary(octets));
    });
}

#[test]
fn a_message_without_content_length_is_whole_rfc7118_5() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        let message = options("1", "").replace("Content-Length: 0\r\n", "") + "body";
        peer.send(Message::text(&message)).await.unwrap();
        // The node writes it anew, with a length.
        assert_eq!(next(&mut peer).await, Message::text(options("1", "body")));
    });
}

#[test]
fn what_is_no_sip_is_handed_on_as_such_counted_and_told() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        peer.send(Message::text("hello")).await.unwrap();
        assert_eq!(next(&mut peer).await, Message::text("broken"));
        assert!(matches!(running.seen().await, Seen::Broken(_)));
        assert_eq!(running.refused().await.1, Refusal::NotSip);
        assert_eq!(running.counts().messages_rejected, 1);
    });
}

#[test]
fn a_frame_of_64_mib_is_refused_by_its_length_alone() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        exchange(running, &mut peer, "1").await;
        // Only the header of the frame, masked, and not one octet of what it announces.
        let length = (64_u64 << 20).to_be_bytes();
        let header = [&[0x81, 0x80 | 127][..], &length, &[1, 2, 3, 4]].concat();
        peer.get_mut().write_all(&header).await.unwrap();
        let Message::Close(Some(close)) = next(&mut peer).await else { panic!("not closed") };
        assert_eq!(close.code, CloseCode::Size);
        assert_eq!(running.refused().await.1, Refusal::TooLarge);
        assert_eq!(running.counts().messages_too_large, 1);
        drop(peer);
        assert!(matches!(running.seen().await, Seen::Closed(_)));
    });
}

#[test]
fn frames_without_mask_and_text_that_is_none_end_the_connection_rfc6455_5_1() {
    with_layers(setup(Settings::default()), async |running| {
        let frames = [&[0x81, 2, b'h', b'i'][..], &[0x81, 0x80 | 2, 0, 0, 0, 0, 0xff, 0xff]];
        for (count, frame) in (1..).zip(frames) {
            let mut peer = connect(running).await;
            peer.get_mut().write_all(frame).await.unwrap();
            let Message::Close(Some(close)) = next(&mut peer).await else { panic!("not closed") };
            assert_eq!(close.code, CloseCode::Protocol);
            drop(peer);
            assert!(matches!(running.seen().await, Seen::Closed(_)));
            assert_eq!(running.counts().messages_rejected, count);
        }
        assert_eq!(running.refused().await.1, Refusal::NotFrames);
        assert!(running.is_quiet());
    });
}

#[test]
fn many_small_frames_make_no_message_larger_than_the_limits() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        // A first frame that is not the last, then one continuation after the other.
        let frame = |first: u8| {
            let header = [first, 0x80 | 126, 0x80, 0, 0, 0, 0, 0];
            [&header[..], &[b'x'; 0x8000]].concat()
        };
        let stream = peer.get_mut();
        stream.write_all(&frame(0x01)).await.unwrap();
        // The node stops reading at some point, and the connection is cut.
        for _ in 0..64 {
            if stream.write_all(&frame(0x00)).await.is_err() {
                break;
            }
        }
        assert_eq!(running.refused().await.1, Refusal::TooLarge);
    });
}

#[test]
fn pings_are_answered_rfc6455_5_5_2_and_so_are_double_crlfs() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        peer.send(Message::Ping(Bytes::from_static(b"alive?"))).await.unwrap();
        assert_eq!(next(&mut peer).await, Message::Pong(Bytes::from_static(b"alive?")));
        peer.send(Message::text("\r\n\r\n")).await.unwrap();
        assert_eq!(next(&mut peer).await, Message::text("\r\n"));
        assert!(matches!(running.seen().await, Seen::Ping(_)));
        exchange(running, &mut peer, "1").await;
    });
}

#[test]
fn half_a_frame_and_then_silence_ends_the_connection() {
    let settings = Settings { message_timeout: Duration::from_millis(50), ..Settings::default() };
    with_layers(setup(settings), async |running| {
        let mut peer = connect(running).await;
        let flow = exchange(running, &mut peer, "1").await;
        peer.get_mut().write_all(&[0x81, 0x80 | 100, 1, 2, 3, 4, 5]).await.unwrap();
        assert_eq!(running.seen().await, Seen::Closed(flow));
        assert_eq!(running.refused().await.1, Refusal::Unfinished);
    });
}

#[test]
fn closing_says_goodbye_after_what_was_sent_before_rfc6455_7_1_2() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        let flow = exchange(running, &mut peer, "1").await;
        let octets = Bytes::from_static(b"last");
        let last = Transmit {
            flow,
            octets,
            ticket: None,
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        };
        running.command(Command::Send(vec![last])).await;
        running.command(Command::Close(flow)).await;
        assert_eq!(next(&mut peer).await, Message::text("last"));
        let Message::Close(Some(close)) = next(&mut peer).await else { panic!("not closed") };
        assert_eq!(close.code, CloseCode::Normal);
        // The library answers the goodbye when it is read on.
        assert!(timeout(PATIENCE, peer.next()).await.unwrap().is_none());
        assert_eq!(running.seen().await, Seen::Closed(flow));
    });
}

#[test]
fn a_goodbye_of_the_peer_ends_the_connection() {
    with_layers(setup(Settings::default()), async |running| {
        let mut peer = connect(running).await;
        let flow = exchange(running, &mut peer, "1").await;
        peer.close(None).await.unwrap();
        assert_eq!(running.seen().await, Seen::Closed(flow));
        assert!(running.is_quiet());
    });
}

/// Lets a peer not read, and another go on.
async fn stall<S: AsyncRead + AsyncWrite + Unpin>(
    running: &mut Running,
    mut lazy: Peer<S>,
    mut busy: Peer<S>,
) {
    let stalled = exchange(running, &mut lazy, "1").await;
    exchange(running, &mut busy, "2").await;
    fill(running, stalled).await;
    exchange(running, &mut busy, "3").await;
}

#[test]
fn a_peer_that_does_not_read_costs_the_others_nothing() {
    let settings = Settings { write_queue_octets: 100_000, ..Settings::default() };
    with_layers(setup(settings), async |running| {
        let (lazy, busy) = (connect(running).await, connect(running).await);
        stall(running, lazy, busy).await;
    });
    let authority = Authority::new();
    let config = authority.config(vec![authority.issue(&["example.org"], Valid::Now)]);
    let listen = &[(Wss, "127.0.0.1:0")];
    with_layers(Setup { listen, settings, layers: layers(&config) }, async |running| {
        let connect = async || {
            let stream = TcpStream::connect(running.listeners[0].local).await.unwrap();
            let client = Client::trusting(&authority.pem, &[b"http/1.1"]);
            let stream = client.connect("example.org", stream).await.unwrap();
            handshake(stream, &[SIP]).await.unwrap()
        };
        let (lazy, busy) = (connect().await, connect().await);
        stall(running, lazy, busy).await;
    });
}

#[test]
fn a_write_into_a_web_socket_that_does_not_end_is_given_up() {
    let settings = Settings {
        stall_timeout: Duration::from_millis(50),
        write_queue_octets: 32 << 20,
        ..Settings::default()
    };
    with_layers(setup(settings), async |running| {
        let mut lazy = connect(running).await;
        let flow = exchange(running, &mut lazy, "1").await;
        never_ends(running, flow).await;
    });
}
