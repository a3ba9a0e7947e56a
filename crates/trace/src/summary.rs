//! A message in a few words.

use std::fmt;

use antiphon_sip::parse::{self, Rejected};
use antiphon_sip::{HeaderName, Limits, Message, Method, StatusCode};
use bytes::Bytes;

/// Characters of anything a peer chose that are shown in one line.
const SHOWN: usize = 80;

/// What a message is, in a few words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What kind of message.
    pub kind: Kind,
    /// The Call-ID, if one could be read.
    pub call_id: Option<String>,
    /// The number of CSeq, if it could be read.
    pub cseq: Option<u32>,
    /// Whether the body is, or contains, a session description.
    pub sdp: bool,
}

/// What kind of message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A request.
    Request {
        /// Its method.
        method: Method,
        /// Its Request-URI.
        uri: String,
    },
    /// A response.
    Response {
        /// Its status code.
        status: StatusCode,
        /// Its reason phrase.
        reason: String,
        /// The method of its CSeq.
        method: String,
    },
    /// A message that breaks a rule.
    Malformed {
        /// Its first line.
        line: String,
        /// What is wrong with it.
        fault: String,
    },
    /// Line ends alone, which keep a flow alive (RFC 5626 §3.5.1).
    KeepAlive,
    /// Something that is no SIP message.
    Other {
        /// Its length in octets.
        octets: usize,
    },
}

impl Summary {
    /// Reads a message.
    #[must_use]
    pub fn of(octets: &Bytes) -> Self {
        if octets.iter().all(|octet| matches!(octet, b'\r' | b'\n' | 0)) {
            return Self::bare(Kind::KeepAlive);
        }
        match parse::datagram(octets.clone(), &Limits::default()) {
            Ok(message) => Self::of_message(&message),
            Err(rejected) => Self::of_rejected(&rejected, octets),
        }
    }

    /// Sums up a message that was parsed already.
    #[must_use]
    pub fn of_message(message: &Message) -> Self {
        let (kind, cseq) = match message {
            Message::Request(request) => {
                let uri = printable(request.uri_text());
                (Kind::Request { method: request.method().clone(), uri }, request.cseq())
            }
            Message::Response(response) => {
                let reason = printable(response.reason());
                let method = printable(response.cseq_method_text());
                let kind = Kind::Response { status: response.status(), reason, method };
                (kind, response.cseq())
            }
        };
        Self {
            kind,
            call_id: Some(message.call_id().to_owned()),
            cseq: Some(cseq),
            sdp: has_sdp(message.headers()),
        }
    }

    fn of_rejected(rejected: &Rejected, octets: &Bytes) -> Self {
        let first = octets.split(|octet| *octet == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(first);
        if !line.contains("SIP/") {
            return Self::bare(Kind::Other { octets: octets.len() });
        }
        let call_id = rejected.headers().text(HeaderName::CallId).map(str::to_owned);
        let fault = printable(&rejected.error().rule.to_string());
        let kind = Kind::Malformed { line: printable(line.trim_end()), fault };
        Self { kind, call_id, cseq: None, sdp: has_sdp(rejected.headers()) }
    }

    const fn bare(kind: Kind) -> Self {
        Self { kind, call_id: None, cseq: None, sdp: false }
    }

    /// The words that stand on the arrow of a ladder: `INVITE (SDP)`, `200 OK (INVITE, SDP)`.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.kind {
            Kind::Request { method, .. } if self.sdp => format!("{method} (SDP)"),
            Kind::Request { method, .. } => method.to_string(),
            _ => self.to_string(),
        }
    }
}

/// `INVITE sip:bob@example.com (SDP)`, `200 OK (INVITE, SDP)`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Request { method, uri } => {
                write!(f, "{method} {uri}")?;
                if self.sdp { f.write_str(" (SDP)") } else { Ok(()) }
            }
            Kind::Response { status, reason, method } => {
                let sdp = if self.sdp { ", SDP" } else { "" };
                write!(f, "{} {reason} ({method}{sdp})", status.as_u16())
            }
            Kind::Malformed { line, fault } => write!(f, "{line} [{fault}]"),
            Kind::KeepAlive => f.write_str("keep-alive"),
            Kind::Other { octets: 1 } => f.write_str("1 octet, not SIP"),
            Kind::Other { octets } => write!(f, "{octets} octets, not SIP"),
        }
    }
}

fn has_sdp(headers: &antiphon_sip::Headers) -> bool {
    let Some(content_type) = headers.value(HeaderName::ContentType) else { return false };
    let content_type = content_type.to_ascii_lowercase();
    // A multipart body with an offer in it nearly always is of this type (RFC 5621 §3.1).
    content_type.starts_with(b"application/sdp") || content_type.starts_with(b"multipart/mixed")
}

/// A peer's text made fit for a terminal: no control characters, not too long.
pub(crate) fn printable(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).map(harmless).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// A control character could move the cursor or change colours; so could those that turn the
/// direction of writing.
pub(crate) const fn harmless(character: char) -> char {
    match character {
        '\u{0}'..='\u{1f}' | '\u{7f}'..='\u{9f}' => '\u{fffd}',
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => '\u{fffd}',
        _ => character,
    }
}
