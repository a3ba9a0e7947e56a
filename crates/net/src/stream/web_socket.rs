//! SIP over WebSocket: one message in each message of the WebSocket, text or binary (RFC 7118 §5).

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use antiphon_sip::Limits;
use antiphon_sip::parse::{self, stream::Frame};
use bytes::Bytes;
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

use super::activity::Activity;
use super::carrier::Carrier;
use super::line::{Close, Inbound, Outbound, Stop};
use crate::settings::Settings;

/// Octets read, and gathered for writing, at once.
const BUFFER: usize = 4096;

/// A WebSocket whose handshake is done.
pub(super) struct WebSocket {
    pub(super) stream: WebSocketStream<Paced>,
    pub(super) pace: Pace,
}

/// The library's limits: what is larger than a SIP message may be is refused when its length is
/// read, before anything of it is kept.
pub(super) fn config(settings: &Settings) -> WebSocketConfig {
    let largest = settings.limits.head.saturating_add(settings.limits.body);
    let queue = settings.write_queue_octets.saturating_mul(2);
    WebSocketConfig::default()
        .read_buffer_size(BUFFER)
        .write_buffer_size(BUFFER)
        // Answers to pings that the peer does not read must not gather; a message is written out
        // before the next one comes.
        .max_write_buffer_size(queue.saturating_add(2 * BUFFER))
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest))
}

/// The halves of a WebSocket.
pub(super) fn halves(web_socket: WebSocket, settings: &Settings) -> (Reader, Writer) {
    let (writer, reader) = web_socket.stream.split();
    let reader = Reader {
        messages: reader,
        pace: web_socket.pace,
        limits: settings.limits,
        message_timeout: settings.message_timeout,
        alarm: Box::pin(sleep(Duration::ZERO)),
    };
    (reader, Writer(writer))
}

pub(super) struct Reader {
    messages: SplitStream<WebSocketStream<Paced>>,
    pace: Pace,
    limits: Limits,
    message_timeout: Duration,
    alarm: Pin<Box<Sleep>>,
}

impl Inbound for Reader {
    async fn next(&mut self, activity: &Activity) -> Result<Frame, Stop> {
        loop {
            // Pings have been answered when they come out here (RFC 6455 §5.5.2), and so has a
            // close.
            let message = poll_fn(|cx| self.poll_message(cx)).await?;
            activity.touch();
            let octets = match message {
                Message::Text(text) => Bytes::from(text),
                Message::Binary(octets) => octets,
                Message::Ping(_) | Message::Pong(_) | Message::Close(_) | Message::Frame(_) => {
                    continue;
                }
            };
            if let Some(frame) = frame(octets, &self.limits) {
                return Ok(frame);
            }
        }
    }

    async fn linger(&mut self, time: Duration) {
        let drained = async { while let Some(Ok(_)) = self.messages.next().await {} };
        let _ = timeout(time, drained).await;
    }
}

impl Reader {
    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Result<Message, Stop>> {
        if let Poll::Ready(message) = self.messages.poll_next_unpin(cx) {
            self.pace.end();
            return Poll::Ready(match message {
                Some(Ok(message)) => Ok(message),
                Some(Err(error)) => Err(stop(&error)),
                None => Err(Stop::Closed),
            });
        }
        let Some(end) = self.pace.begun().and_then(|at| at.checked_add(self.message_timeout))
        else {
            return Poll::Pending;
        };
        if self.alarm.deadline() != end {
            self.alarm.as_mut().reset(end);
        }
        ready!(self.alarm.as_mut().poll(cx));
        Poll::Ready(Err(Stop::Unfinished))
    }
}

fn stop(error: &Error) -> Stop {
    match error {
        Error::Capacity(_) => Stop::TooLarge,
        Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) => Stop::Closed,
        // A peer that goes without goodbye breaks a rule, but there is nothing to be told.
        Error::Protocol(
            tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake,
        ) => Stop::Closed,
        _ => Stop::Broken,
    }
}

/// What a message is. The WebSocket keeps its bounds, so it is read like a datagram, where
/// Content-Length may be missing (RFC 7118 §5). A double CRLF is no SIP, but some clients in
/// browsers, which cannot send pings, keep their connection alive with it and wait for the answer.
fn frame(octets: Bytes, limits: &Limits) -> Option<Frame> {
    if octets.iter().all(|octet| matches!(octet, b'\r' | b'\n')) {
        return match &octets[..] {
            [b'\r', b'\n', b'\r', b'\n', ..] => Some(Frame::Ping),
            b"\r\n" => Some(Frame::Pong),
            _ => None,
        };
    }
    Some(match parse::datagram(octets, limits) {
        Ok(message) => Frame::Message(message),
        Err(rejected) => Frame::Rejected(rejected),
    })
}

pub(super) struct Writer(SplitSink<WebSocketStream<Paced>, Message>);

impl Outbound for Writer {
    /// As text if it is, which clients in browsers like better, otherwise binary (RFC 7118 §4.2).
    async fn write(&mut self, message: Bytes) -> io::Result<()> {
        let message = match Utf8Bytes::try_from(message.clone()) {
            Ok(text) => Message::Text(text),
            Err(_) => Message::Binary(message),
        };
        self.0.send(message).await.map_err(io::Error::other)
    }

    async fn close(&mut self, why: Close) {
        let code = match why {
            Close::Done => CloseCode::Normal,
            Close::TooLarge => CloseCode::Size,
            Close::Broken => CloseCode::Protocol,
        };
        let frame = CloseFrame { code, reason: Utf8Bytes::default() };
        // The peer may have closed already, which is what was wanted.
        let _ = self.0.send(Message::Close(Some(frame))).await;
    }
}

/// When the message was begun that is being read. The library does not tell of a part of a message,
/// so what is read below it is watched.
#[derive(Debug, Clone)]
pub(super) struct Pace {
    started: Instant,
    /// Milliseconds since then, plus one; zero between messages.
    begun: Arc<AtomicU64>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { started: Instant::now(), begun: Arc::default() }
    }

    fn begin(&self) {
        let now = u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX - 1);
        let _ = self.begun.compare_exchange(0, now + 1, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn end(&self) {
        self.begun.store(0, Ordering::Relaxed);
    }

    fn begun(&self) -> Option<Instant> {
        let since = self.begun.load(Ordering::Relaxed).checked_sub(1)?;
        self.started.checked_add(Duration::from_millis(since))
    }
}

/// Notes when octets come.
#[derive(Debug)]
pub(super) struct Paced {
    pub(super) carrier: Carrier,
    pub(super) pace: Pace,
}

impl AsyncRead for Paced {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let before = into.filled().len();
        let result = ready!(Pin::new(&mut this.carrier).poll_read(cx, into));
        if into.filled().len() > before {
            this.pace.begin();
        }
        Poll::Ready(result)
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        octets: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.get_mut().carrier).poll_write(cx, octets)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().carrier).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().carrier).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(octets: &'static [u8]) -> &'static str {
        match frame(Bytes::from_static(octets), &Limits::default()) {
            None => "nothing",
            Some(Frame::Ping) => "ping",
            Some(Frame::Pong) => "pong",
            Some(Frame::Message(_)) => "message",
            Some(Frame::Rejected(_)) => "rejected",
            Some(Frame::Broken(_)) => "broken",
        }
    }

    #[test]
    fn a_message_needs_no_content_length_rfc7118_5() {
        let message = b"OPTIONS sip:bob@example.org SIP/2.0\r\n\
            Via: SIP/2.0/WS df7jal23ls0d.invalid;branch=z9hG4bK1\r\n\
            Max-Forwards: 70\r\n\
            From: <sip:alice@example.org>;tag=1\r\n\
            To: <sip:bob@example.org>\r\n\
            Call-ID: 1\r\n\
            CSeq: 1 OPTIONS\r\n\r\nbody";
        let Some(Frame::Message(parsed)) = frame(Bytes::from_static(message), &Limits::default())
        else {
            panic!("not a message");
        };
        assert!(parsed.to_bytes().ends_with(b"body"));
    }

    #[test]
    fn keep_alives_of_browsers_are_known_and_anything_else_is_rejected() {
        assert_eq!(kind(b"\r\n\r\n"), "ping");
        assert_eq!(kind(b"\r\n"), "pong");
        assert_eq!(kind(b""), "nothing");
        assert_eq!(kind(b"hello"), "rejected");
        assert_eq!(kind(b"\xff\xff"), "rejected");
    }
}
