//! Messages in a stream of octets, cut by Content-Length (RFC 3261 §18.3): TCP and TLS.

use std::io;
use std::time::Duration;

use antiphon_sip::parse::stream::{Frame, Framer};
use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::time::{Instant, timeout, timeout_at};

use super::activity::Activity;
use super::carrier::Carrier;
use super::line::{Close, Inbound, Outbound, Stop};
use crate::settings::Settings;

/// Octets read at once. A SIP message usually fits; a larger one takes a few reads.
const READ: usize = 4096;

/// The halves of such a stream.
pub(super) fn halves(carrier: Carrier, settings: &Settings) -> (Reader, Writer) {
    let (reader, writer) = split(carrier);
    let reader = Reader {
        octets: reader,
        framer: Framer::new(settings.limits),
        buffer: vec![0; READ],
        begun: None,
        message_timeout: settings.message_timeout,
    };
    (reader, Writer(writer))
}

pub(super) struct Reader {
    octets: ReadHalf<Carrier>,
    framer: Framer,
    buffer: Vec<u8>,
    /// When the message was begun whose end has not come yet.
    begun: Option<Instant>,
    message_timeout: Duration,
}

impl Inbound for Reader {
    async fn next(&mut self, activity: &Activity) -> Result<Frame, Stop> {
        loop {
            if let Some(frame) = self.framer.next_frame() {
                self.begun = None;
                return Ok(frame);
            }
            let is_within = self.framer.is_within_message();
            self.begun = is_within.then(|| self.begun.unwrap_or_else(Instant::now));
            let octets = self.octets.read(&mut self.buffer);
            let length = match self.begun.and_then(|at| at.checked_add(self.message_timeout)) {
                Some(end) => timeout_at(end, octets).await.map_err(|_| Stop::Unfinished)?,
                None => octets.await,
            };
            match length.ok().and_then(|length| self.buffer.get(..length)) {
                Some(octets @ [_, ..]) => {
                    activity.touch();
                    self.framer.push(octets);
                }
                _ => return Err(Stop::Closed),
            }
        }
    }

    async fn linger(&mut self, time: Duration) {
        let drained =
            async { while matches!(self.octets.read(&mut self.buffer).await, Ok(1..)) {} };
        let _ = timeout(time, drained).await;
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
