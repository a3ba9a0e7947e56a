//! What is different in the request that is sent next.

use std::hash::Hasher as _;
use std::net::SocketAddr;

use antiphon_sip::{HeaderError, HeaderName, Request, Transport, UriBuf};
use bytes::Bytes;
use siphasher::sip::SipHasher13;

/// The differences between a request and the one sent next. CSeq, branch and credentials are the
/// business of whoever sends it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Change {
    /// Another Request-URI.
    pub uri: Option<UriBuf>,
    /// Header fields, in the order in which they are edited.
    pub edits: Vec<Edit>,
    /// Another body.
    pub body: Option<NewBody>,
}

/// An edit of one header field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Edit {
    /// One line in place of all lines of the name.
    Set(HeaderName, String),
    /// No line of the name.
    Remove(HeaderName),
}

/// What is put in place of the body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewBody {
    /// No body.
    Empty,
    /// Another one.
    Other(Body),
}

/// A body and what its header fields say of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// Content-Type.
    pub content_type: String,
    /// Content-Language, if it has one.
    pub language: Option<String>,
    /// The octets.
    pub content: Bytes,
}

impl Body {
    /// A body without a language.
    #[must_use]
    pub fn new(content_type: impl Into<String>, content: impl Into<Bytes>) -> Self {
        Self { content_type: content_type.into(), language: None, content: content.into() }
    }
}

impl Change {
    /// A change of one header field.
    pub(super) fn set(name: HeaderName, value: impl ToString) -> Self {
        Self::default().and_set(name, value)
    }

    pub(super) fn and_set(mut self, name: HeaderName, value: impl ToString) -> Self {
        self.edits.push(Edit::Set(name, value.to_string()));
        self
    }

    pub(super) fn and_remove(mut self, name: HeaderName) -> Self {
        self.edits.push(Edit::Remove(name));
        self
    }

    /// A change of the body. What described the old one goes.
    pub(super) fn body(body: Body) -> Self {
        let mut change = Self::default()
            .and_remove(HeaderName::ContentEncoding)
            .and_remove(HeaderName::ContentDisposition);
        change.edits.push(match &body.language {
            Some(language) => Edit::Set(HeaderName::ContentLanguage, language.clone()),
            None => Edit::Remove(HeaderName::ContentLanguage),
        });
        change.body = Some(NewBody::Other(body));
        change
    }

    /// A request without a body.
    pub(super) fn no_body() -> Self {
        Self { body: Some(NewBody::Empty), ..Self::default() }
            .and_remove(HeaderName::ContentEncoding)
            .and_remove(HeaderName::ContentLanguage)
            .and_remove(HeaderName::ContentDisposition)
    }

    /// Whether nothing is different.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// The request with the change.
    ///
    /// # Errors
    /// When the request lacks From, To, Call-ID or CSeq, which one that was sent does not.
    pub fn apply(&self, request: &Request) -> Result<Request, HeaderError> {
        let mut edited = request.clone();
        for edit in &self.edits {
            match edit {
                Edit::Set(name, value) => edited.headers_mut().set(*name, value),
                Edit::Remove(name) => drop(edited.headers_mut().remove(*name)),
            }
        }
        if let Some(uri) = &self.uri {
            edited.set_uri(uri.clone());
        }
        match &self.body {
            None => Ok(edited),
            Some(body) => rebuilt(&edited, body),
        }
    }
}

/// The request with another body. Header fields keep their order.
fn rebuilt(request: &Request, body: &NewBody) -> Result<Request, HeaderError> {
    let uri = UriBuf::from(request.uri());
    let mut builder = Request::builder(request.method().clone(), uri).identity(
        request.from_text(),
        request.to_text(),
        request.call_id(),
        request.cseq(),
    );
    for field in request.headers().iter() {
        let identity = [
            HeaderName::From,
            HeaderName::To,
            HeaderName::CallId,
            HeaderName::CSeq,
            HeaderName::ContentType,
            HeaderName::ContentLength,
        ];
        let value = String::from_utf8_lossy(field.value);
        match field.name {
            Some(name) if identity.contains(&name) => {}
            Some(name) => builder = builder.header(name, value),
            None => builder = builder.other_header(field.written, value),
        }
    }
    if let NewBody::Other(body) = body {
        builder = builder.body(&body.content_type, body.content.clone());
    }
    builder.build()
}

/// A request as far as requests of one action are told apart: server, Request-URI, Route, body and
/// the header fields, but for those that differ in every request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fingerprint(u64);

impl Fingerprint {
    /// The fingerprint of a request to a server.
    #[must_use]
    pub fn of(request: &Request, server: Option<(Transport, SocketAddr)>) -> Self {
        let mut hasher = SipHasher13::new();
        let mut part = |octets: &[u8]| {
            hasher.write_usize(octets.len());
            hasher.write(octets);
        };
        if let Some((transport, address)) = server {
            part(transport.as_via().as_bytes());
            part(address.to_string().as_bytes());
        }
        part(request.method().as_str().as_bytes());
        part(request.uri_text().as_bytes());
        part(request.body());
        let differs_always = [
            HeaderName::Via,
            HeaderName::CSeq,
            HeaderName::Authorization,
            HeaderName::ProxyAuthorization,
            HeaderName::ContentLength,
            HeaderName::Timestamp,
            HeaderName::Date,
            // Made anew for every request, from the fields that are looked at.
            HeaderName::Identity,
        ];
        // Edited lines may move: the order is no difference.
        let mut lines: Vec<(&str, &[u8])> = request
            .headers()
            .iter()
            .filter(|field| !field.name.is_some_and(|name| differs_always.contains(&name)))
            .map(|field| (field.name.map_or(field.written, |name| name.as_str()), field.value))
            .collect();
        lines.sort_by_key(|(name, _)| *name);
        for (name, value) in lines {
            part(name.as_bytes());
            part(value);
        }
        Self(hasher.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::invite;
    use super::*;

    #[test]
    fn a_change_is_applied_and_makes_a_difference() {
        let request = invite();
        let same = Fingerprint::of(&request, None);
        let change = Change::set(HeaderName::Expires, 60);
        let changed = change.apply(&request).unwrap();
        assert_eq!(changed.headers().text(HeaderName::Expires), Some("60"));
        assert_ne!(Fingerprint::of(&changed, None), same);
        let back = Change::default().and_remove(HeaderName::Expires).apply(&changed).unwrap();
        assert_eq!(Fingerprint::of(&back, None), same);
    }

    #[test]
    fn another_body_brings_its_own_type_and_length() {
        let change = Change::body(Body::new("text/plain", "hello"));
        let changed = change.apply(&invite()).unwrap();
        assert_eq!(changed.headers().text(HeaderName::ContentType), Some("text/plain"));
        assert_eq!(changed.headers().text(HeaderName::ContentLength), Some("5"));
        assert_eq!(&changed.body()[..], b"hello");
        let bare = Change::no_body().apply(&changed).unwrap();
        assert!(bare.body().is_empty() && !bare.headers().has(HeaderName::ContentType));
    }

    #[test]
    fn cseq_and_credentials_are_no_difference() {
        let mut request = invite();
        let before = Fingerprint::of(&request, None);
        request.headers_mut().set(HeaderName::CSeq, "9 INVITE");
        request.headers_mut().push(HeaderName::Authorization, "Digest realm=\"x\"");
        assert_eq!(Fingerprint::of(&request, None), before);
    }
}
