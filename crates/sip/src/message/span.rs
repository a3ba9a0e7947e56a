//! What a message remembers of its octets: ranges, never copies.

use std::ops::Range;

use super::Wire;
use crate::header::{ListField, Via};
use crate::name::{Method, StatusCode, Transport};
use crate::parse::offset_in;
use crate::parse::scan::Scanner;
use crate::parse::usual::{self, UsualVia};

/// A range of the head of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    start: u16,
    end: u16,
}

impl Span {
    pub(crate) fn new(start: usize, end: usize) -> Self {
        let narrow = |offset: usize| u16::try_from(offset).unwrap_or(u16::MAX);
        Self { start: narrow(start), end: narrow(end) }
    }

    pub(crate) fn within(start: usize, len: usize) -> Self {
        Self::new(start, start + len)
    }

    /// The span of `part`, which is a slice of `octets`.
    pub(crate) fn of_part(octets: &[u8], part: &str) -> Self {
        Self::within(offset_in(octets, part.as_bytes()), part.len())
    }

    /// The span of a part, which is counted from the start of this one.
    pub(crate) fn part(self, part: Range<usize>) -> Self {
        Self::new(self.start() + part.start, self.start() + part.end)
    }

    pub(crate) fn start(self) -> usize {
        usize::from(self.start)
    }

    pub(crate) fn of(self, octets: &[u8]) -> &[u8] {
        octets.get(usize::from(self.start)..usize::from(self.end)).unwrap_or_default()
    }

    /// The text; it was UTF-8 when the span was made.
    pub(crate) fn text(self, wire: &Wire) -> &str {
        wire.text(usize::from(self.start)..usize::from(self.end))
    }

    /// The same range in a copy of the text that begins `to` instead of `from` octets in.
    pub(crate) fn moved(self, from: usize, to: usize) -> Self {
        let shift = |offset: u16| (usize::from(offset) + to).saturating_sub(from);
        Self::new(shift(self.start), shift(self.end))
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
#[derive(Debug, Clone, Copy, Default)]
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
        let text = value.of(octets);
        if let Some(via) = usual::via(text) {
            return Self::usual(&via, value.start());
        }
        Via::scan(&mut Scanner::new(text))
            .map_or_else(|_| Self::default(), |via| Self::new(&via, octets))
    }

    /// Of a Via whose value begins at `start`.
    pub(crate) fn usual(via: &UsualVia, start: usize) -> Self {
        let value = Span::new(start, start);
        Self {
            transport: via.transport,
            sent_by: value.part(via.sent_by.clone()),
            branch: via.branch.clone().map(|branch| value.part(branch)),
            rport: via.rport,
            steered: via.steered,
            oc: via.oc,
        }
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
