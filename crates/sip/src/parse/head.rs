//! The head of a message: start line, then the lines of the header, split but not parsed. Only what
//! every element needs at once is parsed, in [`essentials`](super::essentials).

use std::ops::Range;

use bytes::{Buf, Bytes};
use memchr::memchr;

use super::error::{ParseError, Rule};
use super::essentials::{Fields, Places};
use super::lines::LineReader;
use super::rejected::Rejected;
use super::scan::Scanner;
use super::{Limits, usual};
use crate::header::{ContentLength, parse_value};
use crate::message::{Essentials, Headers, Line, Message, Request, Response, Span, StartLine};
use crate::name::{HeaderName, Method, StatusCode};
use crate::uri::Uri;

/// Where the end of a message comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// The datagram ends it, or Content-Length before that.
    Datagram,
    /// Content-Length has cut it out of a stream already.
    Stream,
}

/// Parses a whole message.
pub(super) fn message(
    mut octets: Bytes,
    limits: &Limits,
    framing: Framing,
) -> Result<Message, Box<Rejected>> {
    octets.advance(leading_line_ends(&octets));
    let mut head = Head::new();
    let place = match head.read(&octets, limits, framing) {
        Ok(place) => place,
        Err(error) => return Err(head.rejected(error, octets)),
    };
    let Some(start) = head.start.take() else { return Err(head.rejected(NOT_SIP, octets)) };
    head.headers.lay_over(&octets, place.start);
    let mut body = octets;
    body.advance(place.start);
    body.truncate(place.len());
    let Head { headers, essentials, .. } = head;
    Ok(match start {
        StartLine::Request { method, uri } => {
            Message::Request(Request::from_wire(method, uri, headers, body, essentials))
        }
        StartLine::Response { status, reason } => {
            Message::Response(Response::from_wire(status, reason, headers, body, essentials))
        }
    })
}

const NOT_SIP: ParseError = ParseError { offset: 0, rule: Rule::NotSip };

/// Leading CRLFs are ignored (§7.5); they are the keep-alives of RFC 5626 §3.5.1.
fn leading_line_ends(octets: &[u8]) -> usize {
    octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count()
}

/// The head as far as it was read, so that an error can still say who sent it.
struct Head {
    start: Option<StartLine>,
    /// Over no octets while it is read.
    headers: Headers,
    places: Places,
    essentials: Essentials,
}

impl Head {
    fn new() -> Self {
        let headers = Headers::to_be_kept();
        Self { start: None, headers, places: Places::default(), essentials: Essentials::default() }
    }

    /// Reads it all, and gives where the body is.
    fn read(
        &mut self,
        octets: &[u8],
        limits: &Limits,
        framing: Framing,
    ) -> Result<Range<usize>, ParseError> {
        let limit = limits.head.min(usize::from(u16::MAX));
        let head = octets.get(..limit.min(octets.len())).unwrap_or_default();
        let too_long = octets.len() > limit;
        let mut reader = LineReader::new(head, 0, too_long);

        let line = reader.start_line()?;
        let (start, fault) = start_line(head, line, limits)?;
        self.start = Some(start);
        // Fields are split even when the start line is at fault: they tell whom to answer.
        self.split(&mut reader, limits.fields)?;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let fields = Fields { octets, lines: self.headers.lines(), places: &self.places };
        fields.read(&mut self.essentials)?;
        if let Some(StartLine::Request { method, .. }) = &self.start {
            fields.check_request(method, &self.essentials)?;
        }
        body(&fields, reader.offset(), limits, framing)
    }

    /// A function of its own, so that what the loop carries stays in registers.
    #[inline(never)]
    fn split(&mut self, reader: &mut LineReader<'_>, max: usize) -> Result<(), ParseError> {
        loop {
            reader.usual_fields(|line| self.keep(line, max))?;
            match reader.other_field()? {
                Some(line) => self.keep(line, max)?,
                None => return Ok(()),
            }
        }
    }

    #[cold]
    fn rejected(mut self, error: ParseError, octets: Bytes) -> Box<Rejected> {
        self.headers.lay_over(&octets, octets.len());
        Box::new(Rejected::new(error, self.start, self.headers))
    }

    #[inline]
    fn keep(&mut self, line: Line, max: usize) -> Result<(), ParseError> {
        if self.headers.len() >= max {
            return Err(ParseError { offset: line.start(), rule: Rule::TooManyFields });
        }
        self.places.note(line.name, self.headers.len());
        self.headers.keep(line);
        Ok(())
    }
}

/// The start line, and what is wrong with it although it is one: a request with a bad URI can
/// still be answered.
fn start_line(
    head: &[u8],
    line: &[u8],
    limits: &Limits,
) -> Result<(StartLine, Option<ParseError>), ParseError> {
    if line.len() >= 8 && line[..8].eq_ignore_ascii_case(b"SIP/2.0 ") {
        return Ok((status_line(line)?, None));
    }
    request_line(head, line, limits)
}

/// `SIP-Version SP Status-Code SP Reason-Phrase` (§7.2).
fn status_line(line: &[u8]) -> Result<StartLine, ParseError> {
    let mut scanner = Scanner::new(line);
    scanner.advance(8);
    let out_of_range = ParseError { offset: 8, rule: Rule::StatusCode };
    let code = scanner.number(699).map_err(|_| out_of_range)?;
    let status = u16::try_from(code).ok().and_then(StatusCode::new).ok_or(out_of_range)?;
    // Some senders leave the space behind the code out when the phrase is empty.
    if !scanner.eat(b' ') && !scanner.is_at_end() {
        return Err(ParseError { offset: scanner.offset(), rule: Rule::StartLine });
    }
    let reason = Span::new(scanner.offset(), line.len());
    Ok(StartLine::Response { status, reason })
}

/// `Method SP Request-URI SP SIP-Version` (§7.1).
fn request_line(
    head: &[u8],
    line: &[u8],
    limits: &Limits,
) -> Result<(StartLine, Option<ParseError>), ParseError> {
    let not_sip = ParseError { offset: 0, rule: Rule::NotSip };
    let method_end = memchr(b' ', line).ok_or(not_sip)?;
    let version_start = version_start(line).filter(|start| *start > method_end).ok_or(not_sip)?;
    let method = Method::from_bytes(line.get(..method_end).unwrap_or_default())
        .ok_or(ParseError { offset: 0, rule: Rule::Method })?;
    let uri = Span::new((method_end + 1).min(version_start - 1), version_start - 1);
    let fault = request_line_fault(head, line, uri, version_start, limits);
    Ok((StartLine::Request { method, uri }, fault))
}

/// Where the version begins, behind the last blank that has one behind it.
fn version_start(line: &[u8]) -> Option<usize> {
    if line.ends_with(b" SIP/2.0") {
        return Some(line.len() - 7);
    }
    let blank = line.windows(5).rposition(|part| part.eq_ignore_ascii_case(b" SIP/"))?;
    Some(blank + 1)
}

fn request_line_fault(
    head: &[u8],
    line: &[u8],
    uri: Span,
    version_start: usize,
    limits: &Limits,
) -> Option<ParseError> {
    let version = line.get(version_start + 4..).unwrap_or_default();
    if version != b"2.0" {
        let trailing_space = version.starts_with(b"2.0 ");
        let rule = if trailing_space { Rule::StartLine } else { Rule::Version };
        return Some(ParseError { offset: version_start, rule });
    }
    let text = uri.of(line);
    if text.len() > limits.request_uri {
        return Some(ParseError { offset: uri.start(), rule: Rule::UriTooLong });
    }
    if text.first() == Some(&b' ') || text.last() == Some(&b' ') {
        return Some(ParseError { offset: uri.start(), rule: Rule::StartLine });
    }
    if usual::is_request_uri(head, uri) {
        return None;
    }
    let text = match super::scan::as_str(text, 0) {
        Ok(text) => text,
        Err(error) => return Some(request_uri_fault(uri, error)),
    };
    parse_request_uri(text).err().map(|error| request_uri_fault(uri, error))
}

/// A Request-URI has no headers (RFC 3261 §19.1.1 table 1, RFC 4475 §3.1.2.11): a proxy that
/// passed them on would let a caller write header fields into the next server's request.
fn parse_request_uri(text: &str) -> Result<(), super::scan::SyntaxError> {
    match Uri::parse(text)? {
        Uri::Sip(uri) if uri.headers.is_some() => Err(super::scan::SyntaxError {
            offset: text.find('?').unwrap_or_default(),
            expected: super::scan::Expected::End,
        }),
        _ => Ok(()),
    }
}

fn request_uri_fault(uri: Span, error: super::scan::SyntaxError) -> ParseError {
    ParseError { offset: uri.start() + error.offset, rule: Rule::RequestUri(error) }
}

/// Where the body is, and whether Content-Length is true (§18.3).
fn body(
    fields: &Fields<'_>,
    start: usize,
    limits: &Limits,
    framing: Framing,
) -> Result<Range<usize>, ParseError> {
    let available = fields.octets.len().saturating_sub(start);
    let length = match fields.content_length()? {
        Some(length) => length,
        None if framing == Framing::Stream => {
            return Err(ParseError { offset: start, rule: Rule::NoContentLength });
        }
        None => available,
    };
    if length > limits.body {
        return Err(ParseError { offset: start, rule: Rule::BodyTooLong });
    }
    if length > available {
        return Err(ParseError { offset: start, rule: Rule::BodyTooShort });
    }
    Ok(start..start + length)
}

/// Where a part of the received octets begins. Both are slices of one buffer, so the distance of
/// their addresses is the offset.
pub(crate) fn offset_in(octets: &[u8], part: &[u8]) -> usize {
    (part.as_ptr() as usize).saturating_sub(octets.as_ptr() as usize)
}

/// Content-Length of a whole head on a stream; `None` when it is missing, malformed or told in two
/// different ways, so that the end of the message cannot be known.
pub(super) fn framed_length(head: &[u8]) -> Option<usize> {
    let start = head.windows(2).position(|pair| pair == b"\r\n")? + 2;
    let mut reader = LineReader::new(head, start, false);
    let mut length = None;
    while let Some(line) = reader.field().ok()? {
        if line.name != Some(HeaderName::ContentLength) {
            continue;
        }
        let field: ContentLength = parse_value(line.value(head)).ok()?;
        let octets = usize::try_from(field.0).ok()?;
        if length.is_some_and(|earlier| earlier != octets) {
            return None;
        }
        length = Some(octets);
    }
    length
}
