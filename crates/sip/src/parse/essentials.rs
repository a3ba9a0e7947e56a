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
    /// The first line of each.
    first: [u16; OTHERS + 1],
    /// A bit for each that is there.
    seen: u8,
    /// A bit for each that is there again.
    repeated: u8,
}

const VIA: usize = 0;
const FROM: usize = 1;
const TO: usize = 2;
const CALL_ID: usize = 3;
const CSEQ: usize = 4;
const MAX_FORWARDS: usize = 5;
const CONTENT_LENGTH: usize = 6;
/// Noted like the rest, so that nothing has to be decided for each line, and never asked for.
const OTHERS: usize = 7;

/// Where a name is noted.
const PLACES: [usize; 256] = {
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
        let bit = 1 << place;
        if self.seen & bit == 0 {
            // A head of 65,535 octets has less lines than that.
            self.first[place] = u16::try_from(index).unwrap_or(u16::MAX);
        } else {
            self.repeated |= bit;
        }
        self.seen |= bit;
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
        let via = self.first(VIA).ok_or_else(|| self.missing(HeaderName::Via))?;
        let top_via = self.top_via(via)?;
        let (from, from_tag) = self.party::<From<'_>>(FROM, From::tag)?;
        let (to, to_tag) = self.party::<To<'_>>(TO, To::tag)?;
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
        place: usize,
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
        let value = self.only(HeaderName::CallId, CALL_ID)?;
        if !usual::is_call_id(value.of(self.octets)) {
            self.parse::<CallId<'_>>(value)?;
        }
        Ok(value)
    }

    fn cseq(&self) -> Result<(u32, Span), ParseError> {
        let value = self.only(HeaderName::CSeq, CSEQ)?;
        let octets = value.of(self.octets);
        if let Some((number, method)) = usual::cseq(octets) {
            return Ok((number, value.part(method..octets.len())));
        }
        let cseq = self.parse::<CSeq<'_>>(value)?;
        Ok((cseq.number, Span::of_part(self.octets, cseq.method)))
    }

    /// The value of the first line of a field.
    fn first(&self, place: usize) -> Option<Span> {
        if self.places.seen & 1 << place == 0 {
            return None;
        }
        self.lines.get(usize::from(self.places.first[place])).map(value_of)
    }

    fn is_repeated(&self, place: usize) -> bool {
        self.places.repeated & 1 << place != 0
    }

    /// The value of a field that must stand exactly once.
    fn only(&self, name: HeaderName, place: usize) -> Result<Span, ParseError> {
        let value = self.first(place).ok_or_else(|| self.missing(name))?;
        if self.is_repeated(place) {
            return Err(repeated(name, self.values(name).nth(1).unwrap_or(value)));
        }
        Ok(value)
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
