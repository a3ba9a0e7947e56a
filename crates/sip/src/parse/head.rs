//! One pass over the head of a message: start line, then the lines of the header, split but not
//! parsed. Only what every element needs at once is parsed here (RFC 3261 §8.1.1): the top Via,
//! From, To, Call-ID and CSeq.

use bytes::Bytes;
use memchr::{memchr, memchr2};

use super::Limits;
use super::error::{ParseError, Rule};
use super::rejected::Rejected;
use super::scan::{Scanner, is_token};
use crate::header::{
    CSeq, CallId, ContentLength, Field, From, HeaderError, HeaderFault, ListField, MaxForwards, To,
    Via, parse_value,
};
use crate::message::{
    Essentials, Headers, Message, Request, Response, Span, StartLine, TopVia, WireLine,
};
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
    octets: Bytes,
    limits: &Limits,
    framing: Framing,
) -> Result<Message, Box<Rejected>> {
    let octets = without_leading_line_ends(octets);
    let mut head = Head { start: None, headers: Headers::over(octets.clone()), end: 0 };
    match head.read(&octets, limits, framing) {
        Ok(message) => Ok(message),
        Err(error) => Err(Box::new(Rejected::new(error, head.start, head.headers))),
    }
}

/// Leading CRLFs are ignored (§7.5); they are the keep-alives of RFC 5626 §3.5.1.
fn without_leading_line_ends(octets: Bytes) -> Bytes {
    let blank = octets.iter().take_while(|octet| matches!(octet, b'\r' | b'\n')).count();
    octets.slice(blank..)
}

/// The head as far as it was read, so that an error can still say who sent it.
struct Head {
    start: Option<StartLine>,
    headers: Headers,
    /// Behind the empty line.
    end: usize,
}

impl Head {
    fn read(
        &mut self,
        octets: &Bytes,
        limits: &Limits,
        framing: Framing,
    ) -> Result<Message, ParseError> {
        let limit = limits.head.min(usize::from(u16::MAX));
        let head = octets.get(..limit.min(octets.len())).unwrap_or_default();
        let too_long = octets.len() > limit;
        let mut reader = LineReader { octets: head, at: 0, too_long };

        let line = reader.start_line()?;
        let (start, fault) = start_line(line, limits)?;
        self.start = Some(start);
        // Fields are split even when the start line is at fault: they tell whom to answer.
        self.split(&mut reader, limits.fields)?;
        self.end = reader.at;
        if let Some(fault) = fault {
            return Err(fault);
        }
        let essentials = essentials(&self.headers, octets)?;
        if let Some(StartLine::Request { method, .. }) = &self.start {
            check_request(method, &self.headers, &essentials, octets)?;
        }
        let body = body(octets, &self.headers, self.end, limits, framing)?;
        let headers = std::mem::take(&mut self.headers);
        match self.start.take() {
            None => Err(ParseError { offset: 0, rule: Rule::NotSip }),
            Some(StartLine::Request { method, uri }) => {
                Ok(Message::Request(Request::from_wire(method, uri, headers, body, essentials)))
            }
            Some(StartLine::Response { status, reason }) => Ok(Message::Response(
                Response::from_wire(status, reason, headers, body, essentials),
            )),
        }
    }

    fn split(&mut self, reader: &mut LineReader<'_>, max: usize) -> Result<(), ParseError> {
        while let Some(line) = reader.field()? {
            if self.headers.len() >= max {
                return Err(ParseError {
                    offset: usize::from(line.start),
                    rule: Rule::TooManyFields,
                });
            }
            let name = HeaderName::from_bytes(
                reader
                    .octets
                    .get(usize::from(line.start)..usize::from(line.name_end))
                    .unwrap_or_default(),
            );
            self.headers.push_wire(name, line);
        }
        Ok(())
    }
}

/// Splits lines; folds (§7.3.1) stay inside the line they continue.
struct LineReader<'a> {
    octets: &'a [u8],
    at: usize,
    too_long: bool,
}

impl<'a> LineReader<'a> {
    fn start_line(&mut self) -> Result<&'a [u8], ParseError> {
        let end = self.line_end(0).map_err(|mut error| {
            // Octets without any line are no SIP at all.
            if error.rule == Rule::NoEndOfHead {
                error.rule = Rule::NotSip;
            }
            error
        })?;
        self.at = end + 2;
        Ok(self.octets.get(..end).unwrap_or_default())
    }

    /// The next field line, `None` at the empty line.
    fn field(&mut self) -> Result<Option<WireLine>, ParseError> {
        let start = self.at;
        if self.octets.get(start..start + 2) == Some(b"\r\n") {
            self.at = start + 2;
            return Ok(None);
        }
        let name_end = self.name_end(start)?;
        let mut end = self.line_end(start)?;
        while matches!(self.octets.get(end + 2), Some(b' ' | b'\t')) {
            end = self.line_end(end + 2)?;
        }
        self.at = end + 2;
        let mut value_start = name_end;
        while matches!(self.octets.get(value_start), Some(b' ' | b'\t')) {
            value_start += 1;
        }
        // The colon stands here: `name_end` made sure of it.
        value_start += 1;
        let value = self.octets.get(value_start..end).unwrap_or_default();
        let leading = value.iter().take_while(|octet| is_blank(**octet)).count();
        let trailing = value.iter().rev().take_while(|octet| is_blank(**octet)).count();
        let value_start = value_start + leading;
        let value_end = value_start.max(end - trailing.min(end - value_start));
        Ok(Some(WireLine {
            start: narrow(start),
            name_end: narrow(name_end),
            value_start: narrow(value_start),
            value_end: narrow(value_end),
            end: narrow(end + 2),
        }))
    }

    /// The end of the field name; `HCOLON` allows blanks before the colon (§25.1).
    fn name_end(&self, start: usize) -> Result<usize, ParseError> {
        let rest = self.octets.get(start..).unwrap_or_default();
        let name = rest.iter().take_while(|octet| is_token(**octet)).count();
        let blanks =
            rest.iter().skip(name).take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        if name == 0 || rest.get(name + blanks) != Some(&b':') {
            if rest.is_empty() {
                return Err(self.cut_off(start));
            }
            return Err(ParseError { offset: start, rule: Rule::FieldName });
        }
        Ok(start + name)
    }

    /// Where the CRLF of the line at `start` stands. A CR or LF of its own is refused: elements
    /// that read it differently would see different messages.
    fn line_end(&self, start: usize) -> Result<usize, ParseError> {
        let rest = self.octets.get(start..).unwrap_or_default();
        let Some(length) = memchr2(b'\r', b'\n', rest) else { return Err(self.cut_off(start)) };
        let end = start + length;
        match (self.octets.get(end), self.octets.get(end + 1)) {
            (Some(b'\r'), Some(b'\n')) => Ok(end),
            (Some(b'\r'), None) => Err(self.cut_off(start)),
            _ => Err(ParseError { offset: end, rule: Rule::LineEnd }),
        }
    }

    fn cut_off(&self, start: usize) -> ParseError {
        let rule = if self.too_long { Rule::HeadTooLong } else { Rule::NoEndOfHead };
        ParseError { offset: start, rule }
    }
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// Offsets into the head fit sixteen bits because [`Head::read`] cuts the head there.
fn narrow(offset: usize) -> u16 {
    u16::try_from(offset).unwrap_or(u16::MAX)
}

/// The start line, and what is wrong with it although it is one: a request with a bad URI can
/// still be answered.
fn start_line(line: &[u8], limits: &Limits) -> Result<(StartLine, Option<ParseError>), ParseError> {
    if line.len() >= 8 && line[..8].eq_ignore_ascii_case(b"SIP/2.0 ") {
        return Ok((status_line(line)?, None));
    }
    request_line(line, limits)
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
    line: &[u8],
    limits: &Limits,
) -> Result<(StartLine, Option<ParseError>), ParseError> {
    let not_sip = ParseError { offset: 0, rule: Rule::NotSip };
    let method_end = memchr(b' ', line).ok_or(not_sip)?;
    let version_start = line
        .windows(5)
        .rposition(|part| part.eq_ignore_ascii_case(b" SIP/"))
        .filter(|start| *start >= method_end)
        .ok_or(not_sip)?
        + 1;
    let method = Method::from_bytes(line.get(..method_end).unwrap_or_default())
        .ok_or(ParseError { offset: 0, rule: Rule::Method })?;
    let uri = Span::new((method_end + 1).min(version_start - 1), version_start - 1);
    let fault = request_line_fault(line, uri, version_start, limits);
    Ok((StartLine::Request { method, uri }, fault))
}

fn request_line_fault(
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

/// The fields that every message has (§8.1.1), each checked once here.
fn essentials(headers: &Headers, octets: &Bytes) -> Result<Essentials, ParseError> {
    let at = |value: &[u8]| offset_in(octets, value);
    let via_value = headers
        .value(HeaderName::Via)
        .ok_or_else(|| header_fault(headers, octets, missing(HeaderName::Via)))?;
    let via = Via::scan(&mut Scanner::new(via_value))
        .map_err(|error| syntax(octets, via_value, HeaderName::Via, error))?;
    let top_via = TopVia::new(&via, octets);
    let from_value = single(headers, octets, HeaderName::From)?;
    let from: From<'_> = parse(octets, from_value)?;
    let to_value = single(headers, octets, HeaderName::To)?;
    let to: To<'_> = parse(octets, to_value)?;
    let call_id_value = single(headers, octets, HeaderName::CallId)?;
    let _: CallId<'_> = parse(octets, call_id_value)?;
    let cseq_value = single(headers, octets, HeaderName::CSeq)?;
    let cseq: CSeq<'_> = parse(octets, cseq_value)?;
    Ok(Essentials {
        top_via,
        from: Span::within(at(from_value), from_value.len()),
        from_tag: from.tag().map(|tag| Span::within(at(tag.as_bytes()), tag.len())),
        to: Span::within(at(to_value), to_value.len()),
        to_tag: to.tag().map(|tag| Span::within(at(tag.as_bytes()), tag.len())),
        call_id: Span::within(at(call_id_value), call_id_value.len()),
        cseq: cseq.number,
        cseq_method: Span::within(at(cseq.method.as_bytes()), cseq.method.len()),
    })
}

/// What a request must keep beyond what every message must.
fn check_request(
    method: &Method,
    headers: &Headers,
    essentials: &Essentials,
    octets: &Bytes,
) -> Result<(), ParseError> {
    if essentials.cseq_method.of(octets) != method.as_str().as_bytes() {
        return Err(ParseError { offset: essentials.cseq_method.start(), rule: Rule::CSeqMethod });
    }
    match headers.field::<MaxForwards>() {
        Ok(_) => Ok(()),
        Err(error) => Err(header_fault(headers, octets, error)),
    }
}

/// The body, and whether Content-Length is true (§18.3).
fn body(
    octets: &Bytes,
    headers: &Headers,
    start: usize,
    limits: &Limits,
    framing: Framing,
) -> Result<Bytes, ParseError> {
    let available = octets.len().saturating_sub(start);
    let length = match content_length(headers, octets)? {
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
    Ok(octets.slice(start..start + length))
}

/// Content-Length; several equal ones are taken as one, two different ones are an error
/// (RFC 4475 §3.3.9).
pub(super) fn content_length(
    headers: &Headers,
    octets: &Bytes,
) -> Result<Option<usize>, ParseError> {
    let mut length = None;
    for value in headers.values(HeaderName::ContentLength) {
        let field: ContentLength = parse(octets, value)?;
        let octet_count = usize::try_from(field.0).unwrap_or(usize::MAX);
        if length.is_some_and(|earlier| earlier != octet_count) {
            let fault = HeaderFault::Repeated;
            let rule = Rule::Header(HeaderError { name: HeaderName::ContentLength, fault });
            return Err(ParseError { offset: offset_in(octets, value), rule });
        }
        length = Some(octet_count);
    }
    Ok(length)
}

fn single<'a>(
    headers: &'a Headers,
    octets: &Bytes,
    name: HeaderName,
) -> Result<&'a [u8], ParseError> {
    let mut values = headers.values(name);
    let first = values.next().ok_or_else(|| header_fault(headers, octets, missing(name)))?;
    match values.next() {
        None => Ok(first),
        Some(second) => Err(ParseError {
            offset: offset_in(octets, second),
            rule: Rule::Header(HeaderError { name, fault: HeaderFault::Repeated }),
        }),
    }
}

fn parse<'a, F: Field<'a>>(octets: &Bytes, value: &'a [u8]) -> Result<F, ParseError> {
    parse_value(value).map_err(|error| syntax(octets, value, F::NAME, error))
}

const fn missing(name: HeaderName) -> HeaderError {
    HeaderError { name, fault: HeaderFault::Missing }
}

fn syntax(
    octets: &Bytes,
    value: &[u8],
    name: HeaderName,
    error: super::scan::SyntaxError,
) -> ParseError {
    ParseError {
        offset: offset_in(octets, value) + error.offset,
        rule: Rule::Header(HeaderError { name, fault: HeaderFault::Syntax(error) }),
    }
}

/// Places the fault of a header field: at its value, or at the end of the head when it is missing.
fn header_fault(headers: &Headers, octets: &Bytes, error: HeaderError) -> ParseError {
    let value = match error.fault {
        HeaderFault::Missing => None,
        HeaderFault::Repeated => headers.values(error.name).next_back(),
        HeaderFault::Syntax(_) => headers.value(error.name),
    };
    let offset = match (value, error.fault) {
        (None, _) => headers
            .iter()
            .next_back()
            .map_or(0, |last| offset_in(octets, last.value) + last.value.len()),
        (Some(value), HeaderFault::Syntax(fault)) => offset_in(octets, value) + fault.offset,
        (Some(value), _) => offset_in(octets, value),
    };
    ParseError { offset, rule: Rule::Header(error) }
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
    let mut reader = LineReader { octets: head, at: start, too_long: false };
    let mut length = None;
    while let Some(line) = reader.field().ok()? {
        let part = |from: u16, to: u16| head.get(usize::from(from)..usize::from(to));
        let name = part(line.start, line.name_end)?;
        if HeaderName::from_bytes(name) != Some(HeaderName::ContentLength) {
            continue;
        }
        let field: ContentLength = parse_value(part(line.value_start, line.value_end)?).ok()?;
        let octets = usize::try_from(field.0).ok()?;
        if length.is_some_and(|earlier| earlier != octets) {
            return None;
        }
        length = Some(octets);
    }
    length
}
