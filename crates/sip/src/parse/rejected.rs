//! A message that was refused, and the answer that can still be made of it.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};

use super::error::{ParseError, Verdict};
use super::scan::Scanner;
use crate::header::{ListField, Via};
use crate::message::{Headers, StartLine};
use crate::name::{HeaderName, Method, StatusCode};

/// A message that broke a rule, with as much of it as could be split.
#[derive(Debug)]
pub struct Rejected {
    error: ParseError,
    start: Option<StartLine>,
    headers: Headers,
}

impl Rejected {
    pub(super) const fn new(error: ParseError, start: Option<StartLine>, headers: Headers) -> Self {
        Self { error, start, headers }
    }

    /// What is wrong and where.
    #[must_use]
    pub const fn error(&self) -> ParseError {
        self.error
    }

    /// The method, if it is a request.
    #[must_use]
    pub const fn method(&self) -> Option<&Method> {
        match &self.start {
            Some(StartLine::Request { method, .. }) => Some(method),
            _ => None,
        }
    }

    /// The header fields up to the fault.
    #[must_use]
    pub const fn headers(&self) -> &Headers {
        &self.headers
    }

    /// The status that the answer would have: `None` when nothing is to be sent, because the
    /// message is a response, an ACK (RFC 3261 §17), no SIP, or does not say whom to answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        let method = self.method()?;
        match self.error.verdict() {
            Verdict::Answer(status)
                if *method != Method::Ack && self.headers.has(HeaderName::Via) =>
            {
                Some(status)
            }
            _ => None,
        }
    }

    /// The answer, made without any state: the fields that can be copied are, the reason phrase
    /// names the fault (§21.4.1), and the topmost Via tells the sender how it was seen (§18.2.1).
    #[must_use]
    pub fn response(&self, source: SocketAddr, to_tag: &str) -> Option<Bytes> {
        let status = self.status()?;
        let mut out = BytesMut::with_capacity(512);
        out.put_slice(format!("SIP/2.0 {} {}\r\n", status.as_u16(), self.error.rule).as_bytes());
        for (index, via) in self.headers.values(HeaderName::Via).enumerate() {
            out.put_slice(b"Via: ");
            match (index, Via::scan(&mut Scanner::new(via))) {
                // Only a line of one element can be written anew without losing the others.
                (0, Ok(top)) if !via.contains(&b',') => {
                    out.put_slice(top.received_from(source).to_string().as_bytes());
                }
                _ => out.put_slice(via),
            }
            out.put_slice(b"\r\n");
        }
        for name in [HeaderName::From, HeaderName::To, HeaderName::CallId, HeaderName::CSeq] {
            let Some(value) = self.headers.value(name) else { continue };
            out.put_slice(name.as_str().as_bytes());
            out.put_slice(b": ");
            out.put_slice(value);
            if name == HeaderName::To && !has_tag(value) {
                out.put_slice(format!(";tag={to_tag}").as_bytes());
            }
            out.put_slice(b"\r\n");
        }
        out.put_slice(b"Content-Length: 0\r\n\r\n");
        Some(out.freeze())
    }
}

/// Whether a To value, which may be the malformed one, seems to have a tag already.
fn has_tag(value: &[u8]) -> bool {
    value.windows(5).any(|part| part.eq_ignore_ascii_case(b";tag="))
}
