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
    /// The first line of each, counted from 1; 0 for what is not there. With one for the others, so
    /// that every place is within it.
    first: [u16; OTHERS as usize + 1],
    /// A bit for each that is there again.
    repeated: u8,
}

const VIA: u8 = 0;
const FROM: u8 = 1;
const TO: u8 = 2;
const CALL_ID: u8 = 3;
const CSEQ: u8 = 4;
const MAX_FORWARDS: u8 = 5;
const CONTENT_LENGTH: u8 = 6;
/// What is never asked for.
const OTHERS: u8 = 7;

/// Where a name is noted.
static PLACES: [u8; 256] = {
    let mut places = [OTHERS; 256];
    places[HeaderName::Via as usize] = VIA;
    places[HeaderName::From as usize] = FROM;
    places[HeaderName::To as usize] = TO;
    places[HeaderName::CallId as usize] = CALL_ID;
    places[HeaderName::CSeq as usize] = CSEQ;
    places[HeaderName::MaxForwards as usize] = MAX_FORWARDS;
    places[HeaderName::ContentLength as usize] = CONTENT_LENGTH;
    places
};

impl Places {
    /// Notes that a line with this name is the next to be kept, behind so many.
    #[inline]
    pub(super) fn note(&mut self, name: Option<HeaderName>, index: usize) {
        let place = name.map_or(OTHERS, |name| PLACES[name as usize]);
        if place == OTHERS {
            return;
        }
        let first = &mut self.first[usize::from(place)];
        if *first == 0 {
            // A head of 65,535 octets has less lines than that.
            *first = u16::try_from(index + 1).unwrap_or(u16::MAX);
        } else {
            self.repeated |= 1 << place;
        }
    }
}

/// The split head.
pub(super) struct Fields<'a> {
    pub(super) octets: &'a [u8],
    pub(super) lines: &'a [Line],
    pub(super) places: &'a Places,
}

impl<'a> Fields<'a> {
    /// Puts each in its place, where it stays: none is moved while it is on its way to memory.
    #[inline(always)]
    pub(super) fn read(&self, into: &mut Essentials) -> Result<(), ParseError> {
        let via = self.first(VIA).ok_or_else(|| self.missing(HeaderName::Via))?;
        into.top_via = self.top_via(via)?;
        into.from = self.only(HeaderName::From, FROM)?;
        into.from_tag = self.tag::<From<'_>>(into.from, From::tag)?;
        into.to = self.only(HeaderName::To, TO)?;
        into.to_tag = self.tag::<To<'_>>(into.to, To::tag)?;
        into.call_id = self.call_id()?;
        (into.cseq, into.cseq_method) = self.cseq()?;
        Ok(())
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
        if self.first(MAX_FORWARDS).is_none() {
            return Ok(());
        }
        let value = self.only(HeaderName::MaxForwards, MAX_FORWARDS)?;
        match usual::number(value.of(self.octets)) {
            Some(0..=255) => Ok(()),
            _ => self.parse::<MaxForwards>(value).map(|_| ()),
        }
    }

    /// Content-Length; several equal ones are taken as one, two different ones are an error
    /// (RFC 4475 §3.3.9).
    pub(super) fn content_length(&self) -> Result<Option<usize>, ParseError> {
        let Some(value) = self.first(CONTENT_LENGTH) else { return Ok(None) };
        let length = self.length(value)?;
        if self.is_repeated(CONTENT_LENGTH) {
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

    #[inline(always)]
    fn top_via(&self, value: Span) -> Result<TopVia, ParseError> {
        if let Some(via) = usual::via(self.octets, value) {
            return Ok(via);
        }
        Via::scan(&mut Scanner::new(value.of(self.octets)))
            .map(|via| TopVia::new(&via, self.octets))
            .map_err(|error| syntax(HeaderName::Via, value, error))
    }

    /// The tag of From or To.
    #[inline(always)]
    fn tag<F: Field<'a>>(
        &self,
        value: Span,
        tag: impl FnOnce(&F) -> Option<&'a str>,
    ) -> Result<Option<Span>, ParseError> {
        if let Some(tag) = usual::tag(self.octets, value) {
            return Ok(tag);
        }
        let field = self.parse::<F>(value)?;
        Ok(tag(&field).map(|tag| Span::of_part(self.octets, tag)))
    }

    #[inline(always)]
    fn call_id(&self) -> Result<Span, ParseError> {
        let value = self.only(HeaderName::CallId, CALL_ID)?;
        if !usual::is_call_id(self.octets, value) {
            self.parse::<CallId<'_>>(value)?;
        }
        Ok(value)
    }

    #[inline(always)]
    fn cseq(&self) -> Result<(u32, Span), ParseError> {
        let value = self.only(HeaderName::CSeq, CSEQ)?;
        if let Some(found) = usual::cseq(self.octets, value) {
            return Ok(found);
        }
        let cseq = self.parse::<CSeq<'_>>(value)?;
        Ok((cseq.number, Span::of_part(self.octets, cseq.method)))
    }

    /// The value of the first line of a field.
    #[inline(always)]
    fn first(&self, place: u8) -> Option<Span> {
        let index = usize::from(self.places.first[usize::from(place)]).checked_sub(1)?;
        self.lines.get(index).map(Line::value_span)
    }

    fn is_repeated(&self, place: u8) -> bool {
        self.places.repeated & 1 << place != 0
    }

    /// The value of a field that must stand exactly once.
    #[inline(always)]
    fn only(&self, name: HeaderName, place: u8) -> Result<Span, ParseError> {
        let value = self.first(place).ok_or_else(|| self.missing(name))?;
        if self.is_repeated(place) {
            return Err(repeated(name, self.values(name).nth(1).unwrap_or(value)));
        }
        Ok(value)
    }

    fn values(&self, name: HeaderName) -> impl Iterator<Item = Span> {
        self.lines.iter().filter(move |line| line.name == Some(name)).map(Line::value_span)
    }

    #[cold]
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
