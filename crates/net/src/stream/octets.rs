//! Messages in a stream of octets, cut by Content-Length (RFC 3261 §18.3): TCP and TLS.

use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use antiphon_sip::parse::stream::{Frame, Framer};
use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWriteExt, ReadBuf, ReadHalf, WriteHalf, split};
use tokio::time::{Sleep, sleep, timeout};

use super::activity::Activity;
use super::carrier::Carrier;
use super::line::{Close, Inbound, Outbound, Stop};
use crate::settings::Settings;

/// Octets read at once. A SIP message usually fits; a larger one takes a few reads.
const READ: usize = 4096;

/// The halves of such a stream, that we opened or the peer did.
pub(super) fn halves(carrier: Carrier, settings: &Settings, is_client: bool) -> (Reader, Writer) {
    let (reader, writer) = split(carrier);
    let framer = Framer::new(settings.limits);
    let reader = Reader {
        octets: reader,
        framer: if is_client { framer.hearing_pongs() } else { framer },
        alarm: None,
        message_timeout: settings.message_timeout,
    };
    (reader, Writer(writer))
}

pub(super) struct Reader {
    octets: ReadHalf<Carrier>,
    framer: Framer,
    /// Goes off when the message that was begun has not come to its end in time.
    alarm: Option<Pin<Box<Sleep>>>,
    message_timeout: Duration,
}

impl Inbound for Reader {
    #[expect(
        clippy::manual_async_fn,
        reason = "an async function has room for its arguments twice, for each connection"
    )]
    fn next(&mut self, activity: &Activity) -> impl Future<Output = Result<Frame, Stop>> + Send {
        async move {
            loop {
                if let Some(frame) = self.framer.next_frame() {
                    self.alarm = None;
                    return Ok(frame);
                }
                if !self.framer.is_within_message() {
                    self.alarm = None;
                } else if self.alarm.is_none() {
                    self.alarm = Some(Box::pin(sleep(self.message_timeout)));
                }
                poll_fn(|cx| self.poll_fill(cx)).await?;
                activity.touch();
            }
        }
    }

    async fn linger(&mut self, time: Duration) {
        let drained = async { while poll_fn(|cx| self.poll_read(cx, |_, _| ())).await.is_ok() {} };
        let _ = timeout(time, drained).await;
    }
}

impl Reader {
    /// Reads more of what the framer is to cut.
    fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Stop>> {
        if let Poll::Ready(read) = self.poll_read(cx, Framer::push) {
            return Poll::Ready(read);
        }
        match &mut self.alarm {
            Some(alarm) => alarm.as_mut().poll(cx).map(|()| Err(Stop::Unfinished)),
            None => Poll::Pending,
        }
    }

    /// Reads into a buffer that is there for the moment only: one that each connection kept would
    /// be most of what an idle one costs.
    fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        take: impl FnOnce(&mut Framer, &[u8]),
    ) -> Poll<Result<(), Stop>> {
        let mut room = [MaybeUninit::uninit(); READ];
        let mut buffer = ReadBuf::uninit(&mut room);
        let read = Pin::new(&mut self.octets).poll_read(cx, &mut buffer);
        read.map(|read| match (read, buffer.filled()) {
            (Ok(()), octets @ [_, ..]) => {
                take(&mut self.framer, octets);
                Ok(())
            }
            _ => Err(Stop::Closed),
        })
    }
}

pub(super) struct Writer(WriteHalf<Carrier>);

impl Outbound for Writer {
    async fn write(&mut self, message: Bytes) -> io::Result<()> {
        self.0.write_all(&message).await?;
        // TLS may still hold records that the kernel had no room for.
        self.0.flush().await
    }

    async fn close(&mut self, _: Close) {
        // The peer may have closed already, which is what was wanted.
        let _ = self.0.shutdown().await;
    }
}
