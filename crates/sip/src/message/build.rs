//! Messages of our own: written once into one buffer and indexed while they are written, so that
//! what is built here and what was received are the same type.

use std::fmt::{self, Write as _};
use std::ops::Range;

use bytes::Bytes;

use super::decimal::Decimal;
use super::headers::{OneLine, is_line_name, write_line, write_raw_line};
use super::{Essentials, Headers, Lines, Request, Response, Span, TopVia};
use crate::header::{CSeq, CallId, Field, From, HeaderError, HeaderFault, To, parse_value};
use crate::name::{HeaderName, Method, StatusCode};
use crate::uri::UriBuf;

/// Octets of a message of ours that are written without asking for more memory: some lines, or
/// those of two challenges.
const ROOM: usize = 448;

/// A request being built; see [`Request::builder`].
#[derive(Debug, Clone)]
pub struct RequestBuilder {
    method: Method,
    uri: UriBuf,
    page: Page,
    cseq: u32,
}

impl RequestBuilder {
    pub(crate) fn new(method: Method, uri: UriBuf) -> Self {
        Self { method, uri, page: Page::default(), cseq: 0 }
    }

    /// From, To and Call-ID, as they are to stand in the message, and the number of CSeq
    /// (RFC 3261 §8.1.1).
    #[must_use]
    pub fn identity(
        mut self,
        from: impl fmt::Display,
        to: impl fmt::Display,
        call_id: impl fmt::Display,
        cseq: u32,
    ) -> Self {
        self.page.line(HeaderName::From, &from);
        self.page.line(HeaderName::To, &to);
        self.page.line(HeaderName::CallId, &call_id);
        self.page.line(HeaderName::CSeq, &format_args!("{cseq} {}", self.method));
        self.cseq = cseq;
        self
    }

    /// Adds a header field behind the others.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl fmt::Display) -> Self {
        self.page.line(name, &value);
        self
    }

    /// Adds a header field that no table has; a name that is no token is left out.
    #[must_use]
    pub fn other_header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.page.other_line(name, &value);
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: impl fmt::Display, body: impl Into<Bytes>) -> Self {
        self.page.body(&content_type, body.into());
        self
    }

    /// The request.
    ///
    /// # Errors
    /// When From, To, Call-ID or CSeq are missing or leave their grammar.
    pub fn build(mut self) -> Result<Request, HeaderError> {
        self.page.content_length();
        let (headers, body) = self.page.done();
        let wire = headers.wire().octets();
        let from = essential::<From<'_>>(&headers)?;
        let to = essential::<To<'_>>(&headers)?;
        let _ = essential::<CallId<'_>>(&headers)?;
        let cseq = essential::<CSeq<'_>>(&headers)?;
        let span =
            |name| headers.text(name).map_or_else(Span::default, |text| Span::of_part(wire, text));
        let essentials = Essentials {
            top_via: TopVia::default(),
            from: span(HeaderName::From),
            from_tag: from.tag().map(|tag| Span::of_part(wire, tag)),
            to: span(HeaderName::To),
            to_tag: to.tag().map(|tag| Span::of_part(wire, tag)),
            call_id: span(HeaderName::CallId),
            cseq: self.cseq,
            cseq_method: Span::of_part(wire, cseq.method),
        };
        Ok(Request::from_parts(self.method, self.uri, headers, body, essentials))
    }
}

fn essential<'a, F: Field<'a>>(headers: &'a Headers) -> Result<F, HeaderError> {
    let fault = |fault| HeaderError { name: F::NAME, fault };
    let value = headers.value(F::NAME).ok_or(fault(HeaderFault::Missing))?;
    parse_value(value).map_err(|error| fault(HeaderFault::Syntax(error)))
}

/// A response being built; see [`Response::builder`].
#[derive(Debug, Clone)]
pub struct ResponseBuilder<'a> {
    request: &'a Request,
    status: StatusCode,
    reason: Option<Range<usize>>,
    to_tag: Option<Range<usize>>,
    /// The fields beyond those that every response copies, and the texts of the two above: they
    /// are written behind those, whenever they are given.
    page: Page,
}

impl<'a> ResponseBuilder<'a> {
    pub(crate) fn new(request: &'a Request, status: StatusCode) -> Self {
        Self { request, status, reason: None, to_tag: None, page: Page::default() }
    }

    /// A reason phrase other than the registered one.
    #[must_use]
    pub fn reason(mut self, reason: impl fmt::Display) -> Self {
        self.reason = Some(self.page.note(&reason));
        self
    }

    /// The tag that To gets when the request has none (RFC 3261 §8.2.6.2); ignored otherwise.
    #[must_use]
    pub fn to_tag(mut self, tag: impl fmt::Display) -> Self {
        self.to_tag = Some(self.page.note(&tag));
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl fmt::Display) -> Self {
        self.page.line(name, &value);
        self
    }

    /// Adds a header field that no table has; a name that is no token is left out.
    #[must_use]
    pub fn other_header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.page.other_line(name, &value);
        self
    }

    /// Copies every line of this field from the request, as Record-Route and Timestamp are.
    #[must_use]
    pub fn copied(mut self, name: HeaderName) -> Self {
        for value in self.request.headers().values(name) {
            self.page.raw_line(name, &[value]);
        }
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: impl fmt::Display, body: impl Into<Bytes>) -> Self {
        self.page.body(&content_type, body.into());
        self
    }

    /// The response.
    #[must_use]
    pub fn build(self) -> Response {
        let Self { request, status, reason, to_tag, page: more } = self;
        let received = request.essentials();
        let mut page = Page::with_room(request.headers().wire().octets().len() + more.text.len());
        let reason = match reason {
            Some(reason) => more.text.get(reason).unwrap_or_default(),
            None => status.reason().as_bytes(),
        };
        let reason = page.preamble(reason);
        let mut top_via = None;
        for value in request.headers().values(HeaderName::Via) {
            let copy = page.raw_line(HeaderName::Via, &[value]);
            top_via.get_or_insert(copy);
        }
        let from = page.raw_line(HeaderName::From, &[request.from_text().as_bytes()]);
        let to_text = request.to_text().as_bytes();
        let (to, to_tag) = match to_tag.and_then(|tag| more.text.get(tag)) {
            Some(tag) if request.to_tag().is_none() => {
                let to = page.raw_line(HeaderName::To, &[to_text, b";tag=", tag]);
                (to, Some(Span::within(to.start() + to_text.len() + 5, tag.len())))
            }
            _ => {
                let to = page.raw_line(HeaderName::To, &[to_text]);
                (to, received.to_tag.map(|tag| tag.moved(received.to.start(), to.start())))
            }
        };
        let call_id = page.raw_line(HeaderName::CallId, &[request.call_id().as_bytes()]);
        let method = request.method().as_str();
        let number = Decimal::of(request.cseq());
        let cseq = [number.octets(), b" ", method.as_bytes()];
        let cseq = page.raw_line(HeaderName::CSeq, &cseq);
        let method_start = cseq.of(&page.text).len() - method.len();
        let essentials = Essentials {
            top_via: top_via.map_or_else(TopVia::default, |value| TopVia::read(value, &page.text)),
            from,
            from_tag: received.from_tag.map(|tag| tag.moved(received.from.start(), from.start())),
            to,
            to_tag,
            call_id,
            cseq: request.cseq(),
            cseq_method: Span::within(cseq.start() + method_start, method.len()),
        };
        page.append(more);
        page.content_length();
        let (headers, body) = page.done();
        Response::from_wire(status, reason, headers, body, essentials)
    }
}

/// A head being written, with its index.
#[derive(Debug, Clone, Default)]
struct Page {
    text: Vec<u8>,
    lines: Lines,
    body: Bytes,
}

impl Page {
    fn with_room(octets: usize) -> Self {
        Self { text: Vec::with_capacity(octets), ..Self::default() }
    }

    /// Makes room for some lines at once before the first.
    fn begin(&mut self) {
        if self.text.capacity() == 0 {
            self.text.reserve(ROOM);
        }
    }

    /// Text that belongs to no line.
    fn note(&mut self, text: &dyn fmt::Display) -> Range<usize> {
        self.begin();
        let start = self.text.len();
        // Only a `Display` that fails of itself can fail here.
        let _ = write!(OneLine(&mut self.text), "{text}");
        start..self.text.len()
    }

    /// Text before the first line that the index refers to (the reason phrase).
    fn preamble(&mut self, text: &[u8]) -> Span {
        self.text.extend_from_slice(text);
        self.text.extend_from_slice(b"\r\n");
        Span::new(0, text.len())
    }

    fn line(&mut self, name: HeaderName, value: &dyn fmt::Display) -> Span {
        self.begin();
        let line = write_line(&mut self.text, Some(name), name.as_str(), value);
        self.lines.push(line);
        Span::new(line.value_start(), line.value_end())
    }

    fn other_line(&mut self, name: &str, value: &dyn fmt::Display) {
        if !is_line_name(name) {
            return;
        }
        let known = HeaderName::from_bytes(name.as_bytes());
        self.lines.push(write_line(&mut self.text, known, name, value));
    }

    /// A value taken over from a received message as it stands, folds included.
    fn raw_line(&mut self, name: HeaderName, value: &[&[u8]]) -> Span {
        let line = write_raw_line(&mut self.text, name, value);
        self.lines.push(line);
        Span::new(line.value_start(), line.value_end())
    }

    fn body(&mut self, content_type: &dyn fmt::Display, body: Bytes) {
        self.line(HeaderName::ContentType, content_type);
        self.body = body;
    }

    fn content_length(&mut self) {
        let length = u64::try_from(self.body.len()).unwrap_or(u64::MAX);
        self.raw_line(HeaderName::ContentLength, &[Decimal::of(length).octets()]);
    }

    /// Puts the lines and the body of another page behind.
    fn append(&mut self, other: Self) {
        let by = self.text.len();
        self.text.extend_from_slice(&other.text);
        self.lines.extend(other.lines.iter().map(|line| line.moved(by)));
        self.body = other.body;
    }

    fn done(self) -> (Headers, Bytes) {
        (Headers::over(self.text.into(), self.lines), self.body)
    }
}
