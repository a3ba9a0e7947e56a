//! What a message remembers of its octets: ranges, never copies.

use std::num::NonZeroU32;

use super::Wire;
use crate::header::{ListField, Via};
use crate::name::{Method, StatusCode, Transport};
use crate::parse::offset_in;
use crate::parse::scan::Scanner;
use crate::parse::usual;

/// A range of the head of a message: start and end in one number, which is loaded and stored at
/// once; in two halves it was waited for wherever it was moved soon after. Its bits are turned over,
/// so that it is never 0 and an `Option` of it is no larger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(NonZeroU32);

impl Default for Span {
    fn default() -> Self {
        Self(NonZeroU32::MAX)
    }
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u32::from(u16::try_from(offset).unwrap_or(u16::MAX));
        // Only what begins and ends at the last offset there is cannot be said; it is as empty as
        // what is said instead.
        Self(NonZeroU32::new(!(narrow(start) << 16 | narrow(end))).unwrap_or(NonZeroU32::MIN))
    }

    pub(crate) fn within(start: usize, len: usize) -> Self {
        Self::new(start, start + len)
    }

    /// The span of `part`, which is a slice of `octets`.
    pub(crate) fn of_part(octets: &[u8], part: &str) -> Self {
        Self::within(offset_in(octets, part.as_bytes()), part.len())
    }

    pub(crate) const fn start(self) -> usize {
        (!self.0.get() >> 16) as usize
    }

    pub(crate) const fn end(self) -> usize {
        (!self.0.get() & 0xffff) as usize
    }

    pub(crate) fn of(self, octets: &[u8]) -> &[u8] {
        octets.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The text; it was UTF-8 when the span was made.
    pub(crate) fn text(self, wire: &Wire) -> &str {
        wire.text(self.start()..self.end())
    }

    /// The same range in a copy of the text that begins `to` instead of `from` octets in.
    pub(crate) fn moved(self, from: usize, to: usize) -> Self {
        let shift = |offset: usize| (offset + to).saturating_sub(from);
        Self::new(shift(self.start()), shift(self.end()))
    }
}

/// The start line as read.
#[derive(Debug, Clone)]
pub(crate) enum StartLine {
    Request { method: Method, uri: Span },
    Response { status: StatusCode, reason: Span },
}

/// The fields of RFC 3261 §8.1.1 that every element needs of every message.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Essentials {
    /// The topmost Via as received; default in a request built here, which gets its own when it
    /// is sent.
    pub(crate) top_via: TopVia,
    pub(crate) from: Span,
    pub(crate) from_tag: Option<Span>,
    pub(crate) to: Span,
    pub(crate) to_tag: Option<Span>,
    pub(crate) call_id: Span,
    pub(crate) cseq: u32,
    pub(crate) cseq_method: Span,
}

/// What the topmost Via says.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TopVia {
    pub(crate) transport: Option<Transport>,
    /// `host [":" port]`, IPv6 brackets included.
    pub(crate) sent_by: Span,
    pub(crate) branch: Option<Span>,
    /// `Some` when the parameter is there (RFC 3581).
    pub(crate) rport: bool,
    /// Whether `received` or `maddr` is there, by which responses may go elsewhere than to
    /// `sent-by` (RFC 3261 §18.2.2).
    pub(crate) steered: bool,
    /// Whether `oc` is there (RFC 7339 §4.1).
    pub(crate) oc: bool,
}

impl TopVia {
    /// Of the Via at the start of a value; of none when it leaves the grammar.
    pub(crate) fn read(value: Span, octets: &[u8]) -> Self {
        if let Some(via) = usual::via(octets, value) {
            return via;
        }
        Via::scan(&mut Scanner::new(value.of(octets)))
            .map_or_else(|_| Self::default(), |via| Self::new(&via, octets))
    }

    pub(crate) fn new(via: &Via<'_>, octets: &[u8]) -> Self {
        Self {
            transport: via.transport(),
            sent_by: Span::of_part(octets, via.sent_by_text()),
            branch: via.branch().map(|branch| Span::of_part(octets, branch)),
            rport: via.rport().is_some(),
            steered: via.params().has("received") || via.params().has("maddr"),
            oc: via.params().has("oc"),
        }
    }
}
