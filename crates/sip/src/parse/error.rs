//! What a message did wrong: where, against which rule, and what that deserves.

use std::fmt;

use super::scan::SyntaxError;
use crate::header::HeaderError;
use crate::name::StatusCode;

/// A message that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParseError {
    /// Octets from the start of the message to the fault.
    pub offset: usize,
    /// The rule that was broken.
    pub rule: Rule,
}

impl ParseError {
    /// What the fault deserves if the message is a request; a broken response is always dropped
    /// (RFC 3261 §8.1.3, RFC 4475 §3.1.2.19).
    #[must_use]
    pub const fn verdict(&self) -> Verdict {
        match self.rule {
            Rule::NotSip => Verdict::Drop,
            Rule::Version => Verdict::Answer(StatusCode::VERSION_NOT_SUPPORTED),
            Rule::UriTooLong => Verdict::Answer(StatusCode::REQUEST_URI_TOO_LONG),
            Rule::HeadTooLong | Rule::TooManyFields | Rule::BodyTooLong => {
                Verdict::Answer(StatusCode::MESSAGE_TOO_LARGE)
            }
            _ => Verdict::Answer(StatusCode::BAD_REQUEST),
        }
    }
}

/// What a broken request deserves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing: it is no SIP, or nobody could be answered.
    Drop,
    /// This response.
    Answer(StatusCode),
}

/// The rules that a message can break on its way in. `Display` gives the sentence that goes into
/// the reason phrase (RFC 3261 §21.4.1 asks for one that names the fault).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// The first line is neither a Request-Line nor a Status-Line (§7.1, §7.2).
    NotSip,
    /// Another version than SIP/2.0 (§7.1).
    Version,
    /// More than single spaces between the parts of the start line, or something behind them.
    StartLine,
    /// The method is no token (§25.1).
    Method,
    /// The status code is not between 100 and 699 (§7.2).
    StatusCode,
    /// The Request-URI leaves the grammar (§19.1.1), or has `<>`, spaces or headers.
    RequestUri(SyntaxError),
    /// The Request-URI is longer than [`Limits::request_uri`](super::Limits::request_uri).
    UriTooLong,
    /// A line ends in something other than CRLF (§7).
    LineEnd,
    /// A header line has no colon, or its name is no token (§7.3.1).
    FieldName,
    /// No empty line ends the header (§7).
    NoEndOfHead,
    /// Start line and header fields exceed [`Limits::head`](super::Limits::head).
    HeadTooLong,
    /// More lines than [`Limits::fields`](super::Limits::fields).
    TooManyFields,
    /// A mandatory field is missing, repeated or malformed (§8.1.1, §20).
    Header(HeaderError),
    /// The methods of the request line and of CSeq differ (§8.1.1.5).
    CSeqMethod,
    /// Content-Length promises more octets than the datagram has (§18.3).
    BodyTooShort,
    /// A message on a stream has no Content-Length (§18.3, §20.14).
    NoContentLength,
    /// The body exceeds [`Limits::body`](super::Limits::body).
    BodyTooLong,
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotSip => "Not a SIP message",
            Self::Version => "Version Not Supported",
            Self::StartLine => "Malformed start line",
            Self::Method => "Method is not a token",
            Self::StatusCode => "Status code out of range",
            Self::RequestUri(error) => return write!(f, "Malformed Request-URI: {error}"),
            Self::UriTooLong => "Request-URI Too Long",
            Self::LineEnd => "Line does not end in CRLF",
            Self::FieldName => "Header line without a field name and colon",
            Self::NoEndOfHead => "No empty line after the header fields",
            Self::HeadTooLong => "Header fields too long",
            Self::TooManyFields => "Too many header fields",
            Self::Header(error) => return error.fmt(f),
            Self::CSeqMethod => "CSeq method differs from request method",
            Self::BodyTooShort => "Content-Length larger than the datagram",
            Self::NoContentLength => "Missing Content-Length header field on a stream",
            Self::BodyTooLong => "Message Too Large",
        })
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} (octet {})", self.rule, self.offset)
    }
}

impl std::error::Error for ParseError {}
