//! The fields that every message has (RFC 3261 §8.1.1), each checked once: the top Via, From, To,
//! Call-ID and CSeq; and with them Max-Forwards and Content-Length.
//!
//! Where they stand is noted while the lines are split, so that none has to be looked for.

use super::error::{ParseError, Rule};
use super::scan::{Scanner, SyntaxError};
use super::usual;
use crate::header::{
    CSeq, CallId, ContentLength, Field, From, HeaderError, HeaderFault, ListField, MaxForwards, To,
    Via, parse_value,
};
use crate::message::{Essentials, Line, Span, TopVia};
use crate::name::{HeaderName, Method};

/// Where the fields stand that are asked of every message.
#[derive(Default)]
pub(super) struct Places {
    via: Place,
    from: Place,
    to: Place,
    call_id: Place,
    cseq: Place,
    max_forwards: Place,
    content_length: Place,
}

/// The value of the first line with a name, and how many such lines there are.
#[derive(Default, Clone, Copy)]
struct Place {
    value: Span,
    times: u16,
}

impl Place {
    fn first(self) -> Option<Span> {
        (self.times > 0).then_some(self.value)
    }
}

impl Places {
    pub(super) fn note(&mut self, line: &Line) {
        let place = match line.name {
            Some(HeaderName::Via) => &mut self.via,
            Some(HeaderName::From) => &mut self.from,
            Some(HeaderName::To) => &mut self.to,
            Some(HeaderName::CallId) => &mut self.call_id,
            Some(HeaderName::CSeq) => &mut self.cseq,
            Some(HeaderName::MaxForwards) => &mut self.max_forwards,
            Some(HeaderName::ContentLength) => &mut self.content_length,
            _ => return,
        };
        if place.times == 0 {
            place.value = value_of(line);
        }
        place.times = place.times.saturating_add(1);
    }
}

/// The split head.
pub(super) struct Fields<'a> {
    pub(super) octets: &'a [u8],
    pub(super) lines: &'a [Line],
    pub(super) places: &'a Places,
}

impl<'a> Fields<'a> {
    pub(super) fn essentials(&self) -> Result<Essentials, ParseError> {
        let via = self.places.via.first().ok_or_else(|| self.missing(HeaderName::Via))?;
        let top_via = self.top_via(via)?;
        let (from, from_tag) = self.party::<From<'_>>(self.places.from, From::tag)?;
        let (to, to_tag) = self.party::<To<'_>>(self.places.to, To::tag)?;
        let call_id = self.call_id()?;
        let (cseq, cseq_method) = self.cseq()?;
        Ok(Essentials { top_via, from, from_tag, to, to_tag, call_id, cseq, cseq_method })
    }

    /// What a request must keep beyond what every message must.
    pub(super) fn check_request(
        &self,
        method: &Method,
        essentials: &Essentials,
    ) -> Result<(), ParseError> {
        if essentials.cseq_method.of(self.octets) != method.as_str().as_bytes() {
            let offset = essentials.cseq_method.start();
            return Err(ParseError { offset, rule: Rule::CSeqMethod });
        }
        let place = self.places.max_forwards;
        if place.times == 0 {
            return Ok(());
        }
        let value = self.only(HeaderName::MaxForwards, place)?;
        match usual::number(value.of(self.octets)) {
            Some(0..=255) => Ok(()),
            _ => self.parse::<MaxForwards>(value).map(|_| ()),
        }
    }

    /// Content-Length; several equal ones are taken as one, two different ones are an error
    /// (RFC 4475 §3.3.9).
    pub(super) fn content_length(&self) -> Result<Option<usize>, ParseError> {
        let place = self.places.content_length;
        let Some(value) = place.first() else { return Ok(None) };
        let length = self.length(value)?;
        if place.times > 1 {
            self.all_lengths_are(length)?;
        }
        Ok(Some(length))
    }

    #[cold]
    fn all_lengths_are(&self, length: usize) -> Result<(), ParseError> {
        let name = HeaderName::ContentLength;
        for value in self.values(name) {
            if self.length(value)? != length {
                return Err(repeated(name, value));
            }
        }
        Ok(())
    }

    fn length(&self, value: Span) -> Result<usize, ParseError> {
        let length = match usual::number(value.of(self.octets)) {
            Some(length) => u64::from(length),
            None => self.parse::<ContentLength>(value)?.0,
        };
        Ok(usize::try_from(length).unwrap_or(usize::MAX))
    }

    fn top_via(&self, value: Span) -> Result<TopVia, ParseError> {
        let octets = value.of(self.octets);
        if let Some(via) = usual::via(octets) {
            return Ok(TopVia::usual(&via, value.start()));
        }
        Via::scan(&mut Scanner::new(octets))
            .map(|via| TopVia::new(&via, self.octets))
            .map_err(|error| syntax(HeaderName::Via, value, error))
    }

    /// The value and the tag of From or To.
    fn party<F: Field<'a>>(
        &self,
        place: Place,
        tag: impl FnOnce(&F) -> Option<&'a str>,
    ) -> Result<(Span, Option<Span>), ParseError> {
        let value = self.only(F::NAME, place)?;
        let octets = value.of(self.octets);
        if let Some(tag) = usual::tag(octets) {
            return Ok((value, tag.map(|tag| value.part(tag))));
        }
        let field = self.parse::<F>(value)?;
        Ok((value, tag(&field).map(|tag| Span::of_part(self.octets, tag))))
    }

    fn call_id(&self) -> Result<Span, ParseError> {
        let value = self.only(HeaderName::CallId, self.places.call_id)?;
        if !usual::is_call_id(value.of(self.octets)) {
            self.parse::<CallId<'_>>(value)?;
        }
        Ok(value)
    }

    fn cseq(&self) -> Result<(u32, Span), ParseError> {
        let value = self.only(HeaderName::CSeq, self.places.cseq)?;
        let octets = value.of(self.octets);
        if let Some((number, method)) = usual::cseq(octets) {
            return Ok((number, value.part(method..octets.len())));
        }
        let cseq = self.parse::<CSeq<'_>>(value)?;
        Ok((cseq.number, Span::of_part(self.octets, cseq.method)))
    }

    /// The value of a field that must stand exactly once.
    fn only(&self, name: HeaderName, place: Place) -> Result<Span, ParseError> {
        match place.times {
            1 => Ok(place.value),
            0 => Err(self.missing(name)),
            _ => Err(repeated(name, self.values(name).nth(1).unwrap_or(place.value))),
        }
    }

    fn values(&self, name: HeaderName) -> impl Iterator<Item = Span> {
        self.lines.iter().filter(move |line| line.name == Some(name)).map(value_of)
    }

    fn parse<F: Field<'a>>(&self, value: Span) -> Result<F, ParseError> {
        parse_value(value.of(self.octets)).map_err(|error| syntax(F::NAME, value, error))
    }

    /// A missing field is missed at the end of the head.
    #[cold]
    fn missing(&self, name: HeaderName) -> ParseError {
        let offset = self.lines.last().map_or(0, Line::value_end);
        let fault = HeaderFault::Missing;
        ParseError { offset, rule: Rule::Header(HeaderError { name, fault }) }
    }
}

fn value_of(line: &Line) -> Span {
    Span::new(line.value_start(), line.value_end())
}

#[cold]
fn repeated(name: HeaderName, value: Span) -> ParseError {
    let fault = HeaderFault::Repeated;
    ParseError { offset: value.start(), rule: Rule::Header(HeaderError { name, fault }) }
}

#[cold]
fn syntax(name: HeaderName, value: Span, error: SyntaxError) -> ParseError {
    let fault = HeaderFault::Syntax(error);
    let offset = value.start() + error.offset;
    ParseError { offset, rule: Rule::Header(HeaderError { name, fault }) }
}
