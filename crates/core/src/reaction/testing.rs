//! A client on the bench: requests, responses, and a driver that follows every reaction.

use std::time::Duration;

use antiphon_sip::{HeaderName, Method, Request, Response, StatusCode, Transport, UriBuf};

use super::change::{Body, Change};
use super::decision::{Decision, Reaction};
use super::failure::Server;
use super::history::{Budget, History};
use super::inputs::{Got, Inputs, Means, Place, Policy, Purpose};
use super::reaction;

pub(super) fn request(method: Method, uri: &str) -> Request {
    Request::builder(method, UriBuf::parse(uri).unwrap())
        .identity("<sip:alice@example.com>;tag=a", "<sip:bob@example.com>", "call@example.com", 1)
        .header(HeaderName::MaxForwards, 70)
        .build()
        .unwrap()
}

pub(super) fn invite() -> Request {
    invite_to("sip:bob@example.com")
}

pub(super) fn invite_to(uri: &str) -> Request {
    request(Method::Invite, uri)
}

pub(super) fn update() -> Request {
    request(Method::Update, "sip:bob@example.com")
}

pub(super) fn register() -> Request {
    let mut request = request(Method::Register, "sip:example.com");
    request.headers_mut().push(HeaderName::Contact, "<sip:alice@192.0.2.1>");
    request.headers_mut().push(HeaderName::Expires, 3600);
    request
}

pub(super) fn subscribe(expires: u32) -> Request {
    let mut request = request(Method::Subscribe, "sip:bob@example.com");
    request.headers_mut().push(HeaderName::Expires, expires);
    request
}

pub(super) fn publish(tag: Option<&str>, expires: u32) -> Request {
    let mut request = request(Method::Publish, "sip:bob@example.com");
    request.headers_mut().push(HeaderName::Expires, expires);
    if let Some(tag) = tag {
        request.headers_mut().push(HeaderName::SipIfMatch, tag);
    }
    request
}

pub(super) fn message() -> Request {
    with_body("text/plain", "hello")
}

pub(super) fn with_body(content_type: &str, content: &str) -> Request {
    let request = request(Method::Message, "sip:bob@example.com");
    Change::body(Body::new(content_type, content.to_owned())).apply(&request).unwrap()
}

pub(super) fn offering(sdp: &str) -> Request {
    Change::body(Body::new("application/sdp", sdp.to_owned())).apply(&invite()).unwrap()
}

/// A client whose request was sent, and all that a reaction may look at.
#[derive(Debug, Clone)]
pub(super) struct Bench {
    pub(super) request: Request,
    pub(super) place: Place,
    pub(super) purpose: Purpose,
    pub(super) server: Option<Server>,
    pub(super) servers_left: Vec<Server>,
    pub(super) history: History,
    pub(super) means: Means,
    pub(super) policy: Policy,
    pub(super) authentic: bool,
    pub(super) time_left: Option<Duration>,
    pub(super) random: u64,
}

impl Bench {
    pub(super) fn new(request: Request) -> Self {
        let server = Some(Server::new(Transport::Udp, ([192, 0, 2, 9], 5060).into()));
        let target = UriBuf::from(request.uri());
        let mut history = History::new(target, Budget::default());
        history.sent(&request, server);
        Self {
            request,
            place: Place::Outside,
            purpose: Purpose::Once,
            server,
            servers_left: Vec::new(),
            history,
            means: Means::default(),
            policy: Policy::default(),
            authentic: true,
            time_left: None,
            random: 7,
        }
    }

    pub(super) fn inputs<'a>(&'a self, got: Got<'a>) -> Inputs<'a> {
        Inputs {
            got,
            request: &self.request,
            place: self.place,
            purpose: self.purpose,
            server: self.server,
            servers_left: &self.servers_left,
            history: &self.history,
            means: &self.means,
            policy: &self.policy,
            authentic: self.authentic,
            time_left: self.time_left,
            random: self.random,
        }
    }

    pub(super) fn response(
        &self,
        code: u16,
        headers: &[(HeaderName, &str)],
        body: Option<&Body>,
    ) -> Response {
        let status = StatusCode::new(code).unwrap();
        let mut builder = Response::builder(&self.request, status).to_tag("b");
        for (name, value) in headers {
            builder = builder.header(*name, value);
        }
        if let Some(body) = body {
            builder = builder.body(&body.content_type, body.content.clone());
        }
        builder.build()
    }

    pub(super) fn got(&self, got: Got<'_>) -> Decision {
        reaction(&self.inputs(got))
    }

    pub(super) fn with(
        &self,
        code: u16,
        headers: &[(HeaderName, &str)],
        body: Option<&Body>,
    ) -> Decision {
        self.got(Got::Response(&self.response(code, headers, body)))
    }

    /// What is decided about this response.
    pub(super) fn to(&self, code: u16, headers: &[(HeaderName, &str)]) -> Decision {
        self.with(code, headers, None)
    }

    /// The same, and carried out.
    pub(super) fn step(&mut self, code: u16, headers: &[(HeaderName, &str)]) -> Decision {
        let decision = self.to(code, headers);
        self.follow(&decision);
        decision
    }

    /// Carries a decision out as a driver does: the next request is made and noted.
    pub(super) fn follow(&mut self, decision: &Decision) {
        self.history.follow(decision);
        if !decision.reaction.goes_on() {
            return;
        }
        if let Some(change) = decision.reaction.change() {
            self.request = change.apply(&self.request).unwrap();
        }
        match &decision.reaction {
            Reaction::ChooseTarget(redirect)
            | Reaction::RememberTarget(redirect)
            | Reaction::TryTargets(redirect) => self.request.set_uri(redirect.next.uri.clone()),
            Reaction::ChangeScheme { uri } => self.request.set_uri(uri.clone()),
            Reaction::ChangeMethod { to } => {
                self.request = request(to.clone(), self.request.uri_text());
            }
            Reaction::NextServer { server, .. } => {
                self.server = Some(*server);
                self.servers_left.retain(|left| left != server);
            }
            Reaction::Shrink { stream: Some(stream), .. } => self.server = Some(*stream),
            _ => {}
        }
        self.history.sent(&self.request, self.server);
    }
}
