//! Responses (RFC 3261 §7.2).

use bytes::{BufMut, Bytes, BytesMut};

use super::build::ResponseBuilder;
use super::decimal::Decimal;
use super::{Essentials, Headers, Request, Span};
use crate::header::{NameAddr, Via};
use crate::name::{HeaderName, Method, StatusCode};
use crate::parse::scan::Scanner;

/// A response, received or built here.
#[derive(Debug, Clone)]
pub struct Response {
    status: StatusCode,
    reason: Reason,
    headers: Headers,
    body: Bytes,
    essentials: Essentials,
}

#[derive(Debug, Clone)]
enum Reason {
    Wire(Span),
    Own(Box<str>),
}

impl Response {
    #[inline(always)]
    pub(crate) fn from_wire(
        status: StatusCode,
        reason: Span,
        headers: Headers,
        body: Bytes,
        essentials: Essentials,
    ) -> Self {
        Self { status, reason: Reason::Wire(reason), headers, body, essentials }
    }

    /// Begins the response to a request: Via, From, To, Call-ID and CSeq are copied from it
    /// (RFC 3261 §8.2.6.2).
    #[must_use]
    pub fn builder(request: &Request, status: StatusCode) -> ResponseBuilder<'_> {
        ResponseBuilder::new(request, status)
    }

    /// The status code.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The reason phrase as sent; text for a person, never to be acted on (§7.2). Octets that are
    /// no UTF-8 make it empty.
    #[must_use]
    pub fn reason(&self) -> &str {
        match &self.reason {
            Reason::Wire(span) => span.text(self.headers.wire()),
            Reason::Own(text) => text,
        }
    }

    /// Puts another code and phrase in place, as a proxy does that makes 503 into 500 (§16.7).
    pub fn set_status(&mut self, status: StatusCode, reason: &str) {
        self.status = status;
        self.reason = Reason::Own(reason.replace(['\r', '\n'], " ").into());
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The header fields, to be edited; as [`Request::headers_mut`].
    pub const fn headers_mut(&mut self) -> &mut Headers {
        &mut self.headers
    }

    /// The body; empty when there is none.
    #[must_use]
    pub const fn body(&self) -> &Bytes {
        &self.body
    }

    /// Puts another body of the same Content-Type in place, and its length into Content-Length
    /// (RFC 3261 §20.14).
    pub fn set_body(&mut self, body: impl Into<Bytes>) {
        self.body = body.into();
        self.headers.set(HeaderName::ContentLength, self.body.len());
    }

    /// The Call-ID.
    #[must_use]
    pub fn call_id(&self) -> &str {
        self.essentials.call_id.text(self.headers.wire())
    }

    /// The sequence number of CSeq.
    #[must_use]
    pub const fn cseq(&self) -> u32 {
        self.essentials.cseq
    }

    /// The method of CSeq, which says to what this is the answer.
    #[must_use]
    pub fn cseq_method(&self) -> Method {
        Method::from_bytes(self.essentials.cseq_method.of(self.headers.wire().octets()))
            .unwrap_or(Method::Invite)
    }

    /// The method of CSeq as written.
    #[must_use]
    pub fn cseq_method_text(&self) -> &str {
        self.essentials.cseq_method.text(self.headers.wire())
    }

    /// The value of From.
    #[must_use]
    pub fn from_text(&self) -> &str {
        self.essentials.from.text(self.headers.wire())
    }

    /// The tag of From.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        self.essentials.from_tag.map(|tag| tag.text(self.headers.wire()))
    }

    /// The value of To.
    #[must_use]
    pub fn to_text(&self) -> &str {
        self.essentials.to.text(self.headers.wire())
    }

    /// The tag of To.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        self.essentials.to_tag.map(|tag| tag.text(self.headers.wire()))
    }

    /// To, parsed. `None` only in a response that was built with something that is none.
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'_>> {
        NameAddr::scan(&mut Scanner::new(self.to_text().as_bytes())).ok()
    }

    /// The branch of the topmost Via as received, by which the transaction is found (§17.1.3).
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.essentials.top_via.branch.map(|branch| branch.text(self.headers.wire()))
    }

    /// `sent-by` of the topmost Via as received; a response whose top Via is not ours is dropped
    /// (§18.1.2).
    #[must_use]
    pub fn sent_by(&self) -> &str {
        self.essentials.top_via.sent_by.text(self.headers.wire())
    }

    /// Whether the topmost Via as received has `oc` (RFC 7339 §4.1).
    #[must_use]
    pub const fn has_overload_control(&self) -> bool {
        self.essentials.top_via.oc
    }

    /// The topmost Via as it stands now; `None` once the last was taken off.
    #[must_use]
    pub fn top_via(&self) -> Option<Via<'_>> {
        self.headers.first::<Via<'_>>().ok().flatten()
    }

    /// Writes the message; see [`Request::write`].
    pub fn write(&self, out: &mut BytesMut) {
        out.reserve(self.written_len());
        self.write_into_room(out);
    }

    fn write_into_room(&self, out: &mut BytesMut) {
        let reason = self.reason();
        out.put_slice(b"SIP/2.0 ");
        out.put_slice(Decimal::of(self.status.as_u16()).octets());
        out.put_u8(b' ');
        out.put_slice(reason.as_bytes());
        out.put_slice(b"\r\n");
        super::request::finish(&self.headers, &self.body, out);
    }

    /// The octets as they go on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.written_len());
        self.write_into_room(&mut out);
        out.freeze()
    }

    fn written_len(&self) -> usize {
        let line = self.reason().len() + "SIP/2.0 200 \r\n".len();
        line + super::request::finished_len(&self.headers, &self.body)
    }
}
