//! A telephone that follows a script. Its transactions are real: it retransmits, acknowledges and
//! lets itself be cancelled.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_core::endpoint::{ClientId, Endpoint, EndpointConfig, Event, Listener, ServerId};
use antiphon_core::flow::Flow;
use antiphon_core::node::{Input, Node, Output};
use antiphon_core::time::Time;
use antiphon_sip::{
    HeaderName, Limits, Message, Method, Request, Response, StatusCode, Transport, parse,
};

use crate::text::Text;
use crate::world::SERVER;

/// What a phone does with what it hears.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    invite: Vec<Say>,
    other: u16,
}

/// One response to an INVITE.
#[derive(Debug, Clone)]
struct Say {
    after: Duration,
    status: u16,
    headers: Vec<(HeaderName, String)>,
}

impl Script {
    /// Rings at once and answers after some seconds.
    pub(crate) fn answers(seconds: u64) -> Self {
        Self::says(&[(0, 180), (seconds, 200)])
    }

    /// Rings and never answers.
    pub(crate) fn rings() -> Self {
        Self::says(&[(0, 180)])
    }

    /// Gives a final response at once.
    pub(crate) fn refuses(status: u16) -> Self {
        Self::says(&[(0, status)])
    }

    /// Says these statuses, each after so many seconds.
    pub(crate) fn says(statuses: &[(u64, u16)]) -> Self {
        let say = |&(seconds, status): &(u64, u16)| Say {
            after: Duration::from_secs(seconds),
            status,
            headers: Vec::new(),
        };
        Self { invite: statuses.iter().map(say).collect(), other: 200 }
    }

    /// The same with a header in the last response to an INVITE.
    pub(crate) fn with(mut self, name: HeaderName, value: &str) -> Self {
        self.invite.last_mut().unwrap().headers.push((name, value.into()));
        self
    }

    /// Answers requests other than INVITE with this.
    pub(crate) fn others(mut self, status: u16) -> Self {
        self.other = status;
        self
    }
}

pub(crate) struct Phone {
    name: String,
    address: SocketAddr,
    endpoint: Endpoint,
    script: Script,
    /// Every request that it heard, ACK and CANCEL too, retransmissions left out except of ACK.
    pub(crate) heard: Vec<Request>,
    /// The calls that it placed and that ended with a 200 to its BYE.
    pub(crate) completed: usize,
    /// What went wrong with those it placed.
    pub(crate) troubles: Vec<String>,
    pending: Vec<Pending>,
    accepted: Vec<Accepted>,
    placed: HashMap<ClientId, Placed>,
    hangups: Vec<(Time, Text)>,
    outputs: VecDeque<Output<(), ()>>,
}

struct Pending {
    at: Time,
    id: ServerId,
    response: Response,
}

/// A 2xx that waits for its ACK (RFC 3261 §13.3.1.4).
struct Accepted {
    id: ServerId,
    response: Response,
    next: Time,
    interval: Duration,
    give_up: Time,
}

enum Placed {
    Invite(Box<PlacedInvite>),
    Bye,
}

struct PlacedInvite {
    text: Text,
    /// Sent again for every repeated 2xx.
    ack: Option<Request>,
}

/// Tells a phone to call a URI and to hang up a second after the answer.
pub(crate) struct Call(pub(crate) String);

impl Phone {
    pub(crate) fn new(name: &str, address: &str, seed: [u8; 32], script: Script) -> Self {
        let listener = Listener {
            transport: Transport::Udp,
            local: address.parse().unwrap(),
            sent_by: address.into(),
        };
        let config = EndpointConfig { listeners: vec![listener], ..EndpointConfig::default() };
        Self {
            name: name.into(),
            address: address.parse().unwrap(),
            endpoint: Endpoint::new(config, seed),
            script,
            heard: Vec::new(),
            completed: 0,
            troubles: Vec::new(),
            pending: Vec::new(),
            accepted: Vec::new(),
            placed: HashMap::new(),
            hangups: Vec::new(),
            outputs: VecDeque::new(),
        }
    }

    fn to_server(&self) -> Flow {
        Flow {
            transport: Transport::Udp,
            local: self.address,
            remote: SERVER.parse().unwrap(),
            connection: None,
        }
    }

    fn drain(&mut self, now: Time) {
        while let Some(event) = self.endpoint.next_event() {
            match event {
                Event::Request { id, request, .. } => {
                    self.arrive(now, id, &request);
                    self.heard.push(*request);
                }
                Event::Ack { request, .. } => {
                    self.accepted.retain(|accepted| {
                        accepted.response.call_id() != request.call_id()
                            || accepted.response.to_tag() != request.to_tag()
                    });
                    self.heard.push(*request);
                }
                Event::Cancelled { id, cancel } => {
                    self.pending.retain(|pending| pending.id != id);
                    let request = self.endpoint.server_request(id).unwrap();
                    let response = Response::builder(request, StatusCode::REQUEST_TERMINATED)
                        .to_tag(self.endpoint.tag_of(id))
                        .build();
                    self.endpoint.respond(now, id, response).unwrap();
                    self.heard.push(*cancel);
                }
                Event::Response { id, response, .. } => self.told(now, id, &response),
                Event::Failed { id, failure } => {
                    if self.placed.remove(&id).is_some() {
                        self.troubles.push(format!("{failure:?}"));
                    }
                }
                Event::StrayCancel { .. } | Event::StrayResponse { .. } => {}
                Event::Acknowledged { .. } | Event::Unacknowledged { .. } => {}
            }
        }
        while let Some(transmit) = self.endpoint.next_transmit() {
            self.outputs.push_back(Output::Transmit(transmit));
        }
    }

    fn arrive(&mut self, now: Time, id: ServerId, request: &Request) {
        let contact = format!("<sip:{}@{}>", self.name, self.address);
        let tag = self.endpoint.tag_of(id);
        let build = |status: u16, headers: &[(HeaderName, String)]| {
            let status = StatusCode::new(status).unwrap();
            let mut builder = Response::builder(request, status)
                .header(HeaderName::Contact, &contact)
                .copied(HeaderName::RecordRoute);
            if status != StatusCode::TRYING {
                builder = builder.to_tag(&tag);
            }
            for (name, value) in headers {
                builder = builder.header(*name, value);
            }
            builder.build()
        };
        if *request.method() != Method::Invite {
            let response = build(self.script.other, &[]);
            return self.endpoint.respond(now, id, response).unwrap();
        }
        for say in self.script.invite.clone() {
            let response = build(say.status, &say.headers);
            self.pending.push(Pending { at: now + say.after, id, response });
        }
        self.say_what_is_due(now);
    }

    fn say_what_is_due(&mut self, now: Time) {
        let (due, pending) = self.pending.drain(..).partition(|pending| pending.at <= now);
        self.pending = pending;
        let due: Vec<Pending> = due;
        for Pending { id, response, .. } in due {
            if response.status().is_success() {
                let interval = Duration::from_millis(500);
                self.accepted.push(Accepted {
                    id,
                    response: response.clone(),
                    next: now + interval,
                    interval,
                    give_up: now + 64 * interval,
                });
            }
            let _ = self.endpoint.respond(now, id, response);
        }
        self.accepted.retain(|accepted| accepted.give_up > now);
        for accepted in &mut self.accepted {
            if accepted.next <= now {
                accepted.interval = (2 * accepted.interval).min(Duration::from_secs(4));
                accepted.next = now + accepted.interval;
                let _ = self.endpoint.respond(now, accepted.id, accepted.response.clone());
            }
        }
        let (due, hangups) = self.hangups.drain(..).partition(|(at, _)| *at <= now);
        self.hangups = hangups;
        let due: Vec<(Time, Text)> = due;
        for (_, bye) in due {
            self.place(now, &bye, Placed::Bye);
        }
    }

    fn place(&mut self, now: Time, text: &Text, placed: Placed) {
        let request = self.request(text);
        let id = self.endpoint.request(now, request, self.to_server(), None).unwrap();
        self.placed.insert(id, placed);
    }

    fn request(&self, text: &Text) -> Request {
        let octets = text.write(self.address, Transport::Udp);
        let Ok(Message::Request(mut request)) = parse::datagram(octets.into(), &Limits::default())
        else {
            panic!("no request: {text:?}")
        };
        request.headers_mut().remove(HeaderName::Via);
        request
    }

    fn told(&mut self, now: Time, id: ClientId, response: &Response) {
        if response.status().is_provisional() {
            return;
        }
        match self.placed.remove(&id) {
            Some(Placed::Invite(mut placed)) if response.status().is_success() => {
                let PlacedInvite { text, ack } = &mut *placed;
                if ack.is_none() {
                    let bye = text.in_dialog("BYE", response);
                    self.hangups.push((now + Duration::from_secs(1), bye));
                    *ack = Some(self.request(&text.in_dialog("ACK", response)));
                }
                if let Some(ack) = ack {
                    self.endpoint.send_ack(now, ack.clone(), self.to_server());
                }
                self.placed.insert(id, Placed::Invite(placed));
            }
            Some(Placed::Bye) if response.status().is_success() => self.completed += 1,
            Some(_) => self.troubles.push(response.status().to_string()),
            None => {}
        }
    }
}

impl Node for Phone {
    type Question = ();
    type Answer = ();
    type Command = Call;
    type Event = ();

    fn handle(&mut self, now: Time, input: Input<(), Call>) {
        match input {
            Input::Datagram { flow, octets } => self.endpoint.handle_datagram(now, flow, octets),
            Input::Frame { flow, frame } => self.endpoint.handle_frame(now, flow, frame),
            Input::Undelivered { ticket, fault } => {
                self.endpoint.handle_undelivered(now, ticket, fault);
            }
            Input::Closed { flow } => self.endpoint.handle_closed(now, flow),
            Input::Command(Call(uri)) => {
                let contact = format!("<sip:{}@{}>", self.name, self.address);
                let text = Text::new("INVITE", &uri).header("Contact", &contact);
                let placed = Box::new(PlacedInvite { text: text.clone(), ack: None });
                self.place(now, &text, Placed::Invite(placed));
            }
            Input::Deadline => {
                self.endpoint.handle_deadline(now);
                self.say_what_is_due(now);
            }
            Input::Resolved { .. } | Input::Answer(()) => {}
        }
        self.drain(now);
    }

    fn next_output(&mut self) -> Option<Output<(), ()>> {
        self.outputs.pop_front()
    }

    fn deadline(&self) -> Option<Time> {
        let pending = self.pending.iter().map(|pending| pending.at);
        let accepted = self.accepted.iter().map(|accepted| accepted.next);
        let hangups = self.hangups.iter().map(|(at, _)| *at);
        pending.chain(accepted).chain(hangups).chain(self.endpoint.deadline()).min()
    }
}
