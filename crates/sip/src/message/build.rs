//! Messages of our own: written once into one buffer and indexed while they are written, so that
//! what is built here and what was received are the same type.

use std::fmt::{self, Write as _};

use bytes::{BufMut, Bytes, BytesMut};

use super::{Essentials, Headers, Request, Response, Span, TopVia, WireLine};
use crate::header::{CSeq, CallId, Field, From, HeaderError, HeaderFault, To, parse_value};
use crate::name::{HeaderName, Method, StatusCode};
use crate::uri::UriBuf;

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
        self.page.line(HeaderName::From, from);
        self.page.line(HeaderName::To, to);
        self.page.line(HeaderName::CallId, call_id);
        self.page.line(HeaderName::CSeq, format_args!("{cseq} {}", self.method));
        self.cseq = cseq;
        self
    }

    /// Adds a header field behind the others.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl fmt::Display) -> Self {
        self.page.line(name, value);
        self
    }

    /// Adds a header field that no table has; a name that is no token is left out.
    #[must_use]
    pub fn other_header(mut self, name: &str, value: impl fmt::Display) -> Self {
        self.page.other_line(name, value);
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: impl fmt::Display, body: impl Into<Bytes>) -> Self {
        self.page.body(content_type, body.into());
        self
    }

    /// The request.
    ///
    /// # Errors
    /// When From, To, Call-ID or CSeq are missing or leave their grammar.
    pub fn build(mut self) -> Result<Request, HeaderError> {
        self.page.content_length();
        let (headers, body) = self.page.done();
        let wire = headers.wire().clone();
        let from = essential::<From<'_>>(&headers)?;
        let to = essential::<To<'_>>(&headers)?;
        let _ = essential::<CallId<'_>>(&headers)?;
        let cseq = essential::<CSeq<'_>>(&headers)?;
        let span =
            |name| headers.text(name).map_or_else(Span::default, |text| Span::of_part(&wire, text));
        let essentials = Essentials {
            top_via: TopVia::default(),
            from: span(HeaderName::From),
            from_tag: from.tag().map(|tag| Span::of_part(&wire, tag)),
            to: span(HeaderName::To),
            to_tag: to.tag().map(|tag| Span::of_part(&wire, tag)),
            call_id: span(HeaderName::CallId),
            cseq: self.cseq,
            cseq_method: Span::of_part(&wire, cseq.method),
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
    reason: Option<String>,
    to_tag: Option<String>,
    fields: Vec<(HeaderName, String)>,
    body: Option<(String, Bytes)>,
}

impl<'a> ResponseBuilder<'a> {
    pub(crate) const fn new(request: &'a Request, status: StatusCode) -> Self {
        Self { request, status, reason: None, to_tag: None, fields: Vec::new(), body: None }
    }

    /// A reason phrase other than the registered one.
    #[must_use]
    pub fn reason(mut self, reason: impl fmt::Display) -> Self {
        self.reason = Some(reason.to_string());
        self
    }

    /// The tag that To gets when the request has none (RFC 3261 §8.2.6.2); ignored otherwise.
    #[must_use]
    pub fn to_tag(mut self, tag: impl fmt::Display) -> Self {
        self.to_tag = Some(tag.to_string());
        self
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl fmt::Display) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    /// Copies every line of this field from the request, as Record-Route and Timestamp are.
    #[must_use]
    pub fn copied(mut self, name: HeaderName) -> Self {
        for value in self.request.headers().values(name) {
            self.fields.push((name, String::from_utf8_lossy(value).into_owned()));
        }
        self
    }

    /// Sets the body and its Content-Type.
    #[must_use]
    pub fn body(mut self, content_type: impl fmt::Display, body: impl Into<Bytes>) -> Self {
        self.body = Some((content_type.to_string(), body.into()));
        self
    }

    /// The response.
    #[must_use]
    pub fn build(self) -> Response {
        let request = self.request;
        let mut page = Page::default();
        let reason = self.reason.unwrap_or_else(|| self.status.reason().to_owned());
        let reason = page.preamble(&reason);
        for via in request.headers().values(HeaderName::Via) {
            page.raw_line(HeaderName::Via, via);
        }
        let from = page.raw_line(HeaderName::From, request.from_text().as_bytes());
        let (to, to_tag) = match (request.to_tag(), &self.to_tag) {
            (None, Some(tag)) => {
                let to = page.line(HeaderName::To, format_args!("{};tag={tag}", request.to_text()));
                (to, Some(Span::within(to.start() + request.to_text().len() + 5, tag.len())))
            }
            _ => {
                let to = page.raw_line(HeaderName::To, request.to_text().as_bytes());
                let tag = request.essentials().to_tag;
                (to, tag.map(|tag| tag.moved(request.essentials().to.start(), to.start())))
            }
        };
        let call_id = page.raw_line(HeaderName::CallId, request.call_id().as_bytes());
        let method = request.method().as_str();
        let cseq = page.line(HeaderName::CSeq, format_args!("{} {method}", request.cseq()));
        for (name, value) in &self.fields {
            page.line(*name, value);
        }
        if let Some((content_type, body)) = self.body {
            page.body(content_type, body);
        }
        page.content_length();
        let from_tag = request.essentials().from_tag;
        let (headers, body) = page.done();
        let top_via = headers
            .first()
            .ok()
            .flatten()
            .map_or_else(TopVia::default, |via| TopVia::new(&via, headers.wire()));
        let cseq_end = cseq.start() + cseq.of(headers.wire()).len();
        let essentials = Essentials {
            top_via,
            from,
            from_tag: from_tag
                .map(|tag| tag.moved(request.essentials().from.start(), from.start())),
            to,
            to_tag,
            call_id,
            cseq: request.cseq(),
            cseq_method: Span::new(cseq_end - method.len(), cseq_end),
        };
        Response::from_wire(self.status, reason, headers, body, essentials)
    }
}

/// A head being written, with its index.
#[derive(Debug, Clone, Default)]
struct Page {
    text: BytesMut,
    lines: Vec<(Option<HeaderName>, WireLine)>,
    body: Bytes,
}

impl Page {
    /// Text before the first line that the index refers to (the reason phrase).
    fn preamble(&mut self, text: &str) -> Span {
        let clean = text.replace(['\r', '\n'], " ");
        self.text.put_slice(clean.as_bytes());
        self.text.put_slice(b"\r\n");
        Span::new(0, clean.len())
    }

    fn line(&mut self, name: HeaderName, value: impl fmt::Display) -> Span {
        self.write(Some(name), name.as_str(), |text| {
            let from = text.len();
            let _ = write!(text, "{value}");
            // A line end inside a value would begin a field of its own.
            for octet in text.iter_mut().skip(from) {
                if matches!(octet, b'\r' | b'\n') {
                    *octet = b' ';
                }
            }
        })
    }

    fn other_line(&mut self, name: &str, value: impl fmt::Display) {
        if name.is_empty() || !name.bytes().all(crate::parse::scan::is_token) {
            return;
        }
        let value = value.to_string().replace(['\r', '\n'], " ");
        let known = HeaderName::from_bytes(name.as_bytes());
        self.write(known, name, |text| text.put_slice(value.as_bytes()));
    }

    /// A value taken over from a received message as it stands, folds included.
    fn raw_line(&mut self, name: HeaderName, value: &[u8]) -> Span {
        self.write(Some(name), name.as_str(), |text| text.put_slice(value))
    }

    fn write(
        &mut self,
        known: Option<HeaderName>,
        name: &str,
        value: impl FnOnce(&mut BytesMut),
    ) -> Span {
        let start = self.text.len();
        self.text.put_slice(name.as_bytes());
        self.text.put_slice(b": ");
        let value_start = self.text.len();
        value(&mut self.text);
        let value_end = self.text.len();
        self.text.put_slice(b"\r\n");
        let narrow = |offset: usize| u16::try_from(offset).unwrap_or(u16::MAX);
        self.lines.push((
            known,
            WireLine {
                start: narrow(start),
                name_end: narrow(start + name.len()),
                value_start: narrow(value_start),
                value_end: narrow(value_end),
                end: narrow(self.text.len()),
            },
        ));
        Span::new(value_start, value_end)
    }

    fn body(&mut self, content_type: impl fmt::Display, body: Bytes) {
        self.line(HeaderName::ContentType, content_type);
        self.body = body;
    }

    fn content_length(&mut self) {
        let length = self.body.len();
        self.line(HeaderName::ContentLength, length);
    }

    fn done(self) -> (Headers, Bytes) {
        let mut headers = Headers::over(self.text.freeze());
        for (name, line) in self.lines {
            headers.push_wire(name, line);
        }
        (headers, self.body)
    }
}
