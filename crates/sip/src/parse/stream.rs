//! Cutting messages out of a stream by Content-Length (RFC 3261 §18.3).

use std::mem;

use bytes::{Buf, BytesMut};
use memchr::memmem;

use super::head::{self, Framing};
use super::{Limits, Rejected};
use crate::message::Message;

const PING: &[u8] = b"\r\n\r\n";
const PONG: &[u8] = b"\r\n";

/// What a stream carries.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "a frame is handed over once; a box would cost more")]
pub enum Frame {
    /// A message.
    Message(Message),
    /// A message that is wrong but whose end is known: answer it and go on.
    Rejected(Box<Rejected>),
    /// The end of this message cannot be found, so none behind it can: answer it and close.
    Broken(Box<Rejected>),
    /// A double CRLF, which asks for a single one (RFC 5626 §3.5.1).
    Ping,
    /// A single CRLF, which answers a double one.
    Pong,
}

/// Collects the octets of one stream and gives its messages. It never holds more than one message
/// of the allowed size plus what was pushed last.
#[derive(Debug)]
pub struct Framer {
    limits: Limits,
    buffer: BytesMut,
    state: State,
    hears_pongs: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Looking for the empty line; the first `searched` octets hold none.
    Head { searched: usize },
    /// The message is this long.
    Body { total: usize },
    /// Framing is lost; nothing more comes.
    Broken,
}

/// What stands between two messages.
enum Between {
    /// A double CRLF.
    Ping,
    /// A single one.
    Pong,
    /// Not enough to tell.
    Undecided,
    /// The next message.
    Message,
}

impl Framer {
    /// A framer for a new stream.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (buffer, state) = (BytesMut::new(), State::Head { searched: 0 });
        Self { limits, buffer, state, hears_pongs: false }
    }

    /// The same for a stream that pings are sent over: a single CRLF is not the beginning of a ping
    /// of the other side, but its pong (RFC 5626 §4.4.1).
    #[must_use]
    pub fn hearing_pongs(self) -> Self {
        Self { hears_pongs: true, ..self }
    }

    /// Takes octets that arrived. Drain [`next_frame`](Self::next_frame) after every push.
    pub fn push(&mut self, octets: &[u8]) {
        if self.state != State::Broken {
            self.buffer.extend_from_slice(octets);
        }
    }

    /// Whether part of a message is waiting for the rest. Line ends alone are none: some send a
    /// single one to keep the stream open.
    #[must_use]
    pub fn is_within_message(&self) -> bool {
        !PING.starts_with(&self.buffer) && self.state != State::Broken
    }

    /// The next message, `None` until more octets are pushed.
    pub fn next_frame(&mut self) -> Option<Frame> {
        if let State::Head { searched: 0 } = self.state {
            match self.skip_line_ends() {
                Between::Ping => return Some(Frame::Ping),
                Between::Pong => return Some(Frame::Pong),
                Between::Undecided => return None,
                Between::Message => {}
            }
        }
        if let State::Head { searched } = self.state {
            self.find_end(searched)?;
        }
        match self.state {
            State::Body { total } if self.buffer.len() >= total => Some(self.cut(total)),
            State::Broken if !self.buffer.is_empty() => Some(self.give_up()),
            _ => None,
        }
    }

    /// Takes the CRLFs that stand between messages (§7.5).
    fn skip_line_ends(&mut self) -> Between {
        loop {
            if self.hears_pongs && self.buffer.starts_with(PONG) {
                self.buffer.advance(PONG.len());
                return Between::Pong;
            }
            if self.buffer.starts_with(PING) {
                self.buffer.advance(PING.len());
                return Between::Ping;
            }
            // A part of a ping, or nothing at all: the rest will tell.
            if PING.starts_with(&self.buffer) {
                return Between::Undecided;
            }
            if !self.buffer.starts_with(b"\r\n") {
                return Between::Message;
            }
            self.buffer.advance(2);
        }
    }

    /// Looks for the end of the head and then knows the length of the message.
    fn find_end(&mut self, searched: usize) -> Option<()> {
        let from = searched.saturating_sub(3);
        let Some(found) = memmem::find(self.buffer.get(from..)?, b"\r\n\r\n") else {
            if self.buffer.len() > self.limits.head {
                self.state = State::Broken;
                return Some(());
            }
            self.state = State::Head { searched: self.buffer.len() };
            return None;
        };
        let end = from + found + 4;
        let length = (end <= self.limits.head)
            .then(|| head::framed_length(self.buffer.get(..end)?))
            .flatten();
        self.state = match length {
            Some(length) if length <= self.limits.body => State::Body { total: end + length },
            _ => State::Broken,
        };
        Some(())
    }

    fn cut(&mut self, total: usize) -> Frame {
        let octets = if self.buffer.len() == total {
            // A rest without octets would keep their memory as long as nothing comes.
            mem::take(&mut self.buffer)
        } else {
            self.buffer.split_to(total)
        };
        self.state = State::Head { searched: 0 };
        match head::message(octets.freeze(), &self.limits, Framing::Stream) {
            Ok(message) => Frame::Message(message),
            Err(rejected) => Frame::Rejected(rejected),
        }
    }

    /// The head that could not be framed, refused for whatever the parser finds wrong with it.
    fn give_up(&mut self) -> Frame {
        let octets = self.buffer.split().freeze();
        match head::message(octets, &self.limits, Framing::Stream) {
            Err(rejected) => Frame::Broken(rejected),
            // A whole message without fault cannot have lost its framing.
            Ok(message) => Frame::Message(message),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_on_which_nothing_is_begun_holds_no_memory() {
        let message = b"OPTIONS sip:bob@example.org SIP/2.0\r\n\
            Via: SIP/2.0/TCP h;branch=z9hG4bK1\r\nFrom: <sip:a@h>;tag=1\r\nTo: <sip:b@h>\r\n\
            Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
        let mut framer = Framer::new(Limits::default());
        framer.push(message);
        framer.push(message);
        assert!(matches!(framer.next_frame(), Some(Frame::Message(_))));
        assert_ne!(framer.buffer.capacity(), 0);
        let last = framer.next_frame();
        assert!(matches!(last, Some(Frame::Message(_))));
        assert_eq!(framer.buffer.capacity(), 0);
    }
}
