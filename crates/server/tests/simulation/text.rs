//! Requests as text.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, Ordering};

use antiphon_sip::header::{Contact, RecordRoute};
use antiphon_sip::{Response, Transport};

use crate::digest;

/// A request that a peer sends. What is not said has a usual value.
#[derive(Debug, Clone)]
pub(crate) struct Text {
    method: String,
    uri: String,
    from: String,
    to: String,
    call_id: String,
    cseq: u32,
    branch: String,
    via: Option<String>,
    max_forwards: String,
    headers: Vec<(String, String)>,
    body: String,
}

static NUMBER: AtomicU32 = AtomicU32::new(1);

fn number() -> u32 {
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

impl Text {
    /// A request from a stranger to `uri`, a call of its own.
    pub(crate) fn new(method: &str, uri: &str) -> Self {
        let number = number();
        Self {
            method: method.into(),
            uri: uri.into(),
            from: "<sip:stranger@elsewhere.example>;tag=from".into(),
            to: format!("<{uri}>"),
            call_id: format!("call-{number}"),
            cseq: 1,
            branch: format!("z9hG4bK-{number}"),
            via: None,
            max_forwards: "Max-Forwards: 70\r\n".into(),
            headers: Vec::new(),
            body: String::new(),
        }
    }

    /// An INVITE from a stranger with a Contact.
    pub(crate) fn invite(uri: &str) -> Self {
        Self::new("INVITE", uri).header("Contact", "<sip:stranger@192.0.2.1:5060>")
    }

    /// A REGISTER for a user of the server's domain, without Contact.
    pub(crate) fn register(user: &str) -> Self {
        let aor = format!("sip:{user}@example.org");
        Self::new("REGISTER", "sip:example.org").from(&aor).to(&format!("<{aor}>"))
    }

    /// The same request to another Request-URI.
    pub(crate) fn uri(mut self, uri: &str) -> Self {
        uri.clone_into(&mut self.uri);
        self
    }

    pub(crate) fn from(mut self, uri: &str) -> Self {
        self.from = format!("<{uri}>;tag=from");
        self
    }

    /// The whole value of From.
    pub(crate) fn whole_from(mut self, value: &str) -> Self {
        value.clone_into(&mut self.from);
        self
    }

    /// The whole value of To.
    pub(crate) fn to(mut self, value: &str) -> Self {
        value.clone_into(&mut self.to);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// With a session description.
    pub(crate) fn sdp(mut self, sdp: &str) -> Self {
        sdp.clone_into(&mut self.body);
        self.header("Content-Type", "application/sdp")
    }

    pub(crate) fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(other, _)| other != name);
        self
    }

    /// The same with other Route values.
    pub(crate) fn edit_routes(mut self, edit: impl Fn(&str) -> String) -> Self {
        for (name, value) in &mut self.headers {
            if name == "Route" {
                *value = edit(value);
            }
        }
        self
    }

    pub(crate) fn max_forwards(mut self, value: &str) -> Self {
        self.max_forwards = format!("Max-Forwards: {value}\r\n");
        self
    }

    pub(crate) fn call_id(mut self, call_id: &str) -> Self {
        call_id.clone_into(&mut self.call_id);
        self
    }

    pub(crate) fn cseq(mut self, cseq: u32) -> Self {
        self.cseq = cseq;
        self
    }

    /// Another Via than that of the sender.
    pub(crate) fn via(mut self, via: &str) -> Self {
        self.via = Some(via.into());
        self
    }

    /// The same request as a new one: a new transaction with the next CSeq.
    pub(crate) fn next_cseq(mut self) -> Self {
        self.cseq += 1;
        self.again()
    }

    /// The same request in a new transaction.
    pub(crate) fn again(mut self) -> Self {
        self.branch = format!("z9hG4bK-{}", number());
        self
    }

    /// The CANCEL of this request.
    pub(crate) fn cancel(&self) -> Self {
        let (headers, body) = (Vec::new(), String::new());
        Self { method: "CANCEL".into(), headers, body, ..self.clone() }
    }

    /// The ACK of a response other than 2xx.
    pub(crate) fn ack_of(&self, response: &Response) -> Self {
        let to = response.to_text().to_owned();
        let (headers, body) = (Vec::new(), String::new());
        Self { method: "ACK".into(), headers, body, to, ..self.clone() }
    }

    /// A request of the caller in the dialog that a 2xx made (RFC 3261 §12.2.1.1): to its Contact,
    /// by its Record-Route values from last to first.
    pub(crate) fn in_dialog(&self, method: &str, response: &Response) -> Self {
        let routes = response.headers().list::<RecordRoute<'_>>();
        let mut routes: Vec<_> = routes.map(|route| route.unwrap().to_string()).collect();
        routes.reverse();
        let uri = contact(response);
        let cseq = self.cseq + u32::from(method != "ACK");
        let to = response.to_text().to_owned();
        let (method, headers, body) = (method.into(), Vec::new(), String::new());
        let mut request = Self { method, uri, headers, body, to, cseq, ..self.clone() };
        if !routes.is_empty() {
            request = request.header("Route", &routes.join(", "));
        }
        request.again()
    }

    /// The request with the answer to the first challenge of a response.
    pub(crate) fn answering(self, response: &Response, user: &str, password: &str) -> Self {
        let (name, value) = digest::answer(response, &self.method, &self.uri, user, password);
        self.header(name, &value)
    }

    pub(crate) fn write(&self, sender: SocketAddr, transport: Transport) -> String {
        use std::fmt::Write as _;
        let Self { method, uri, from, to, call_id, cseq, branch, max_forwards, .. } = self;
        let via = self
            .via
            .clone()
            .unwrap_or_else(|| format!("SIP/2.0/{transport} {sender};branch={branch}"));
        let mut text = format!("{method} {uri} SIP/2.0\r\nVia: {via}\r\n{max_forwards}");
        let _ = write!(text, "From: {from}\r\nTo: {to}\r\nCall-ID: {call_id}\r\n");
        let _ = write!(text, "CSeq: {cseq} {method}\r\n");
        for (name, value) in &self.headers {
            let _ = write!(text, "{name}: {value}\r\n");
        }
        text + &format!("Content-Length: {}\r\n\r\n{}", self.body.len(), self.body)
    }
}

/// The URI of the first Contact of a response.
pub(crate) fn contact(response: &Response) -> String {
    match response.headers().first::<Contact<'_>>() {
        Ok(Some(Contact::Addr(address))) => address.uri.to_string(),
        other => panic!("no contact: {other:?}"),
    }
}
