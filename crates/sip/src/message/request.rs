//! Requests (RFC 3261 §7.1).

use std::sync::OnceLock;

use bytes::{BufMut, Bytes, BytesMut};

use super::build::RequestBuilder;
use super::{Essentials, Headers, Span};
use crate::header::via::SentBy;
use crate::header::{NameAddr, Via};
use crate::name::{HeaderName, Method, Transport};
use crate::parse::scan::Scanner;
use crate::uri::{Places, Uri, UriBuf};

/// A request, received or built here.
#[derive(Debug, Clone)]
pub struct Request {
    method: Method,
    uri: RequestUri,
    /// Where the parts of that URI stand, once somebody has asked for it.
    uri_places: OnceLock<Places>,
    headers: Headers,
    body: Bytes,
    essentials: Essentials,
}

#[derive(Debug, Clone)]
enum RequestUri {
    Wire(Span),
    Own(UriBuf),
}

impl Request {
    #[inline(always)]
    pub(crate) fn from_wire(
        method: Method,
        uri: Span,
        headers: Headers,
        body: Bytes,
        essentials: Essentials,
    ) -> Self {
        let uri = RequestUri::Wire(uri);
        Self { method, uri, uri_places: OnceLock::new(), headers, body, essentials }
    }

    pub(crate) fn from_parts(
        method: Method,
        uri: UriBuf,
        headers: Headers,
        body: Bytes,
        essentials: Essentials,
    ) -> Self {
        let uri = RequestUri::Own(uri);
        Self { method, uri, uri_places: OnceLock::new(), headers, body, essentials }
    }

    pub(super) const fn essentials(&self) -> &Essentials {
        &self.essentials
    }

    /// Begins a request of our own. It gets its Via when it is sent.
    #[must_use]
    pub fn builder(method: Method, uri: UriBuf) -> RequestBuilder {
        RequestBuilder::new(method, uri)
    }

    /// The method.
    #[must_use]
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The Request-URI.
    #[must_use]
    pub fn uri(&self) -> Uri<'_> {
        let text = self.uri_text();
        if let Some(uri) = self.uri_places.get().and_then(|places| places.read(text)) {
            return uri;
        }
        // It was parsed once already; should that ever fail here, it is a URI of no scheme that
        // anybody serves, and is refused as such.
        let uri = Uri::parse(text).unwrap_or(Uri::Other { scheme: "", rest: text });
        if let Some(places) = Places::of(&uri, text) {
            // Should another thread have been faster, it has found the same.
            let _ = self.uri_places.set(places);
        }
        uri
    }

    /// The Request-URI as written.
    #[must_use]
    pub fn uri_text(&self) -> &str {
        match &self.uri {
            RequestUri::Wire(span) => span.text(self.headers.wire()),
            RequestUri::Own(uri) => uri.as_str(),
        }
    }

    /// The Request-URI as written, to be kept.
    #[must_use]
    pub fn uri_buf(&self) -> UriBuf {
        match &self.uri {
            RequestUri::Wire(span) => UriBuf::checked(span.text(self.headers.wire())),
            RequestUri::Own(uri) => uri.clone(),
        }
    }

    /// Puts another Request-URI in place (RFC 3261 §16.6 step 2).
    pub fn set_uri(&mut self, uri: UriBuf) {
        self.uri = RequestUri::Own(uri);
        self.uri_places = OnceLock::new();
    }

    /// The header fields.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The header fields, to be edited. From, To, Call-ID and CSeq, as [`Request`] gives them,
    /// stay what they were received as: they lie in the octets that the fields hold, so the fields
    /// of another message must not be put in the place of these.
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

    /// The sequence number of CSeq; its method is that of the request.
    #[must_use]
    pub const fn cseq(&self) -> u32 {
        self.essentials.cseq
    }

    /// The value of From.
    #[must_use]
    pub fn from_text(&self) -> &str {
        self.essentials.from.text(self.headers.wire())
    }

    /// The tag of From; only elements of RFC 2543 send none.
    #[must_use]
    pub fn from_tag(&self) -> Option<&str> {
        self.essentials.from_tag.map(|tag| tag.text(self.headers.wire()))
    }

    /// The value of To.
    #[must_use]
    pub fn to_text(&self) -> &str {
        self.essentials.to.text(self.headers.wire())
    }

    /// The tag of To, which a request in a dialog has.
    #[must_use]
    pub fn to_tag(&self) -> Option<&str> {
        self.essentials.to_tag.map(|tag| tag.text(self.headers.wire()))
    }

    /// From, parsed. `None` only in a request that was built with something that is none.
    #[must_use]
    pub fn from(&self) -> Option<NameAddr<'_>> {
        NameAddr::scan(&mut Scanner::new(self.from_text().as_bytes())).ok()
    }

    /// To, parsed; as [`from`](Self::from).
    #[must_use]
    pub fn to(&self) -> Option<NameAddr<'_>> {
        NameAddr::scan(&mut Scanner::new(self.to_text().as_bytes())).ok()
    }

    /// The branch of the topmost Via as received (RFC 3261 §8.1.1.7).
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        self.essentials.top_via.branch.map(|branch| branch.text(self.headers.wire()))
    }

    /// `sent-by` of the topmost Via as received: host, and port if one is given.
    #[must_use]
    pub fn sent_by(&self) -> &str {
        self.essentials.top_via.sent_by.text(self.headers.wire())
    }

    /// `sent-by` of the topmost Via as received, in its parts; `None` in a request built here.
    #[must_use]
    pub fn sent_by_parts(&self) -> Option<SentBy<'_>> {
        SentBy::parse(self.sent_by()).ok()
    }

    /// Whether the topmost Via as received says nothing of where responses go but by `sent-by`:
    /// it has neither `rport`, `received` nor `maddr` (RFC 3261 §18.2.2, RFC 3581 §4).
    #[must_use]
    pub const fn has_plain_via(&self) -> bool {
        !self.essentials.top_via.rport && !self.essentials.top_via.steered
    }

    /// Whether the topmost Via as received has `oc`: its sender takes part in overload control
    /// (RFC 7339 §5.1).
    #[must_use]
    pub const fn has_overload_control(&self) -> bool {
        self.essentials.top_via.oc
    }

    /// The transport that the topmost Via as received names, if the tables know it.
    #[must_use]
    pub const fn via_transport(&self) -> Option<Transport> {
        self.essentials.top_via.transport
    }

    /// Whether the topmost Via as received has `rport` (RFC 3581 §3).
    #[must_use]
    pub const fn wants_rport(&self) -> bool {
        self.essentials.top_via.rport
    }

    /// The topmost Via as it stands now.
    #[must_use]
    pub fn top_via(&self) -> Option<Via<'_>> {
        self.headers.first::<Via<'_>>().ok().flatten()
    }

    /// Writes the message: every line nobody touched as it was received. A missing
    /// Content-Length is added, so that the message may go over a stream (§18.3).
    pub fn write(&self, out: &mut BytesMut) {
        out.reserve(self.written_len());
        self.write_into_room(out);
    }

    fn write_into_room(&self, out: &mut BytesMut) {
        let method = self.method.as_str();
        let uri = self.uri_text();
        out.put_slice(method.as_bytes());
        out.put_u8(b' ');
        out.put_slice(uri.as_bytes());
        out.put_slice(b" SIP/2.0\r\n");
        finish(&self.headers, &self.body, out);
    }

    /// The octets as they go on the wire.
    #[must_use]
    pub fn to_bytes(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(self.written_len());
        self.write_into_room(&mut out);
        out.freeze()
    }

    fn written_len(&self) -> usize {
        let line = self.method.as_str().len() + self.uri_text().len() + "  SIP/2.0\r\n".len();
        line + finished_len(&self.headers, &self.body)
    }
}

/// Octets that [`finish`] writes.
pub(super) fn finished_len(headers: &Headers, body: &[u8]) -> usize {
    let missing = if headers.has(HeaderName::ContentLength) { 0 } else { CONTENT_LENGTH_MOST };
    headers.written_len() + missing + "\r\n".len() + body.len()
}

/// Octets of the longest Content-Length line.
const CONTENT_LENGTH_MOST: usize = "Content-Length: 18446744073709551615\r\n".len();

/// Header fields, the empty line and the body.
pub(super) fn finish(headers: &Headers, body: &[u8], out: &mut BytesMut) {
    headers.write(out);
    if !headers.has(HeaderName::ContentLength) {
        out.put_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    out.put_slice(b"\r\n");
    out.put_slice(body);
}
