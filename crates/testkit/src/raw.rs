//! A peer that sends what a test gives it and remembers what it gets.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use antiphon_core::flow::{Fault, Flow, Ticket, Transmit};
use antiphon_core::node::{Input, Node, Output};
use antiphon_core::time::Time;
use antiphon_sip::message::ResponseBuilder;
use antiphon_sip::parse::{self, stream::Frame};
use antiphon_sip::{Limits, Message, Request, Response, StatusCode};
use bytes::Bytes;

/// A node without rules: it sends octets when told to, answers with a closure, and keeps what it
/// hears. Use it to see at the level of octets how another node behaves.
pub struct RawPeer {
    answer: Box<Answer>,
    heard: Vec<Heard>,
    closed: Vec<(Time, Flow)>,
    faults: Vec<(Time, Ticket, Fault)>,
    waiting: Vec<(Time, Send)>,
    outputs: VecDeque<Output<(), ()>>,
}

/// What a peer says to each thing it hears.
type Answer = dyn FnMut(&Heard) -> Vec<Send>;

/// Octets for a [`RawPeer`] to send.
#[derive(Debug, Clone)]
pub struct Send {
    /// How long after now.
    pub after: Duration,
    /// Where to.
    pub flow: Flow,
    /// What.
    pub octets: Bytes,
    /// For news of a failure.
    pub ticket: Option<Ticket>,
}

impl Send {
    /// Octets to be sent at once.
    #[must_use]
    pub fn new(flow: Flow, octets: impl Into<Bytes>) -> Self {
        Self { after: Duration::ZERO, flow, octets: octets.into(), ticket: None }
    }

    /// The same, later.
    #[must_use]
    pub const fn after(mut self, after: Duration) -> Self {
        self.after = after;
        self
    }

    /// The same, with news of a failure; see [`RawPeer::faults`].
    #[must_use]
    pub const fn ticket(mut self, ticket: Ticket) -> Self {
        self.ticket = Some(ticket);
        self
    }
}

/// What a [`RawPeer`] received.
#[derive(Debug, Clone)]
pub struct Heard {
    /// When.
    pub at: Time,
    /// On which flow, seen from here.
    pub flow: Flow,
    /// What: a datagram as it came, a message of a stream, `CRLF CRLF` for a ping. Empty for a
    /// message of a stream that is malformed.
    pub octets: Bytes,
}

impl Heard {
    /// The message, parsed; `None` if it is none.
    #[must_use]
    pub fn message(&self) -> Option<Message> {
        parse::datagram(self.octets.clone(), &Limits::default()).ok()
    }

    /// The message if it is a request.
    #[must_use]
    pub fn as_request(&self) -> Option<Request> {
        match self.message()? {
            Message::Request(request) => Some(request),
            Message::Response(_) => None,
        }
    }

    /// The message if it is a response.
    #[must_use]
    pub fn as_response(&self) -> Option<Response> {
        match self.message()? {
            Message::Response(response) => Some(response),
            Message::Request(_) => None,
        }
    }

    /// The octets of a response to this request, To tagged `tag-` and the status code. `None` if
    /// this is no request, or an ACK.
    #[must_use]
    pub fn response(&self, status: StatusCode) -> Option<Bytes> {
        self.response_with(status, |response| response)
    }

    /// As [`response`](Self::response), with more said by the closure.
    #[must_use]
    pub fn response_with(
        &self,
        status: StatusCode,
        more: impl FnOnce(ResponseBuilder<'_>) -> ResponseBuilder<'_>,
    ) -> Option<Bytes> {
        let request = self.as_request()?;
        if *request.method() == antiphon_sip::Method::Ack {
            return None;
        }
        let tagged = Response::builder(&request, status);
        let tagged = match status.as_u16() {
            100 => tagged,
            code => tagged.to_tag(format_args!("tag-{code}")),
        };
        Some(more(tagged).build().to_bytes())
    }

    /// Octets sent back the way this came.
    #[must_use]
    pub fn reply(&self, octets: impl Into<Bytes>) -> Send {
        Send::new(self.flow, octets)
    }
}

impl RawPeer {
    /// A peer that never answers by itself.
    #[must_use]
    pub fn silent() -> Self {
        Self::answering(|_| Vec::new())
    }

    /// A peer that sends what the closure gives for each thing it hears.
    #[must_use]
    pub fn answering(answer: impl FnMut(&Heard) -> Vec<Send> + 'static) -> Self {
        Self {
            answer: Box::new(answer),
            heard: Vec::new(),
            closed: Vec::new(),
            faults: Vec::new(),
            waiting: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    /// A peer that answers every request but ACK with these statuses, one at once, each next
    /// `pause` later.
    #[must_use]
    pub fn responding(statuses: &[StatusCode], pause: Duration) -> Self {
        let statuses = statuses.to_vec();
        Self::answering(move |heard| {
            let mut after = Duration::ZERO;
            let mut sends = Vec::new();
            for status in &statuses {
                let Some(octets) = heard.response(*status) else { continue };
                sends.push(heard.reply(octets).after(after));
                after += pause;
            }
            sends
        })
    }

    /// Puts another closure in place of the answering one.
    pub fn answer_with(&mut self, answer: impl FnMut(&Heard) -> Vec<Send> + 'static) {
        self.answer = Box::new(answer);
    }

    /// Everything it heard, in order.
    #[must_use]
    pub fn heard(&self) -> &[Heard] {
        &self.heard
    }

    /// The requests it heard, in order, retransmissions included.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.heard.iter().filter_map(Heard::as_request).collect()
    }

    /// The responses it heard, in order, retransmissions included.
    #[must_use]
    pub fn responses(&self) -> Vec<Response> {
        self.heard.iter().filter_map(Heard::as_response).collect()
    }

    /// The connections that it lost, and when.
    #[must_use]
    pub fn closed(&self) -> &[(Time, Flow)] {
        &self.closed
    }

    /// What it could not deliver, and when it was told.
    #[must_use]
    pub fn faults(&self) -> &[(Time, Ticket, Fault)] {
        &self.faults
    }

    fn hear(&mut self, at: Time, flow: Flow, octets: Bytes) {
        let heard = Heard { at, flow, octets };
        let sends = (self.answer)(&heard);
        self.heard.push(heard);
        for send in sends {
            self.take(at, send);
        }
    }

    fn take(&mut self, now: Time, send: Send) {
        if send.after.is_zero() {
            self.transmit(send);
        } else {
            self.waiting.push((now + send.after, send));
        }
    }

    fn transmit(&mut self, send: Send) {
        let Send { flow, octets, ticket, .. } = send;
        self.outputs.push_back(Output::Transmit(Transmit {
            flow,
            octets,
            ticket,
            server_name: None,
            is_open_flow: false,
            connect_within: None,
        }));
    }

    fn send_what_is_due(&mut self, now: Time) {
        let (due, waiting): (Vec<_>, Vec<_>) =
            self.waiting.drain(..).partition(|(at, _)| *at <= now);
        self.waiting = waiting;
        for (_, send) in due {
            self.transmit(send);
        }
    }
}

/// What a [`RawPeer`] is told to do.
#[derive(Debug)]
pub enum RawCommand {
    /// Send this.
    Send(Send),
    /// Close this connection.
    Close(Flow),
}

impl Node for RawPeer {
    type Question = ();
    type Answer = ();
    type Command = RawCommand;
    type Event = ();

    fn handle(&mut self, now: Time, input: Input<(), RawCommand>) {
        match input {
            Input::Datagram { flow, octets } => self.hear(now, flow, octets),
            Input::Frame { flow, frame } => self.hear(now, flow, octets_of(&frame)),
            Input::Undelivered { ticket, fault } => self.faults.push((now, ticket, fault)),
            Input::Closed { flow } => self.closed.push((now, flow)),
            Input::Command(RawCommand::Send(send)) => self.take(now, send),
            Input::Command(RawCommand::Close(flow)) => {
                self.outputs.push_back(Output::Close(flow));
            }
            Input::Deadline => self.send_what_is_due(now),
            Input::Resolved { .. } | Input::Answer(()) => {}
        }
    }

    fn next_output(&mut self) -> Option<Output<(), ()>> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        self.waiting.iter().map(|(at, _)| *at).min()
    }
}

impl fmt::Debug for RawPeer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawPeer").field("heard", &self.heard).finish_non_exhaustive()
    }
}

fn octets_of(frame: &Frame) -> Bytes {
    match frame {
        Frame::Message(message) => message.to_bytes(),
        Frame::Ping => Bytes::from_static(b"\r\n\r\n"),
        Frame::Pong => Bytes::from_static(b"\r\n"),
        Frame::Rejected(_) | Frame::Broken(_) => Bytes::new(),
    }
}
