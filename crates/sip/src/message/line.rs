//! One field line: where it stands. The octets are those that were received, or those that
//! [`Headers`](super::Headers) keeps for the lines that were added here.

use super::Span;
use crate::name::HeaderName;

/// A line as offsets, sixteen octets of them: a request carries twenty lines wherever it is moved.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Line {
    /// `None` for a name that no table has.
    pub(crate) name: Option<HeaderName>,
    /// Whether it was added here.
    pub(super) own: bool,
    name_len: u16,
    /// From the start to the value.
    value_at: u16,
    /// From the end of the value to the end, CRLF included.
    trailing: u16,
    start: u32,
    end: u32,
}

impl Line {
    /// A line, all places but the length of the name counted from the start of the octets; `end`
    /// lies behind the CRLF.
    pub(crate) fn at(
        name: Option<HeaderName>,
        start: usize,
        name_len: usize,
        value_start: usize,
        value_end: usize,
        end: usize,
    ) -> Self {
        // A received head ends within sixteen bits (see `Limits::head`), and lines made here have
        // short names; only the value of one of those may be longer.
        Self {
            name,
            own: false,
            name_len: narrow(name_len),
            value_at: narrow(value_start - start),
            trailing: narrow(end - value_end),
            start: place(start),
            end: place(end),
        }
    }

    /// A line `Name:[SP]value CRLF` up to `end`.
    #[inline]
    pub(crate) fn usual(
        name: Option<HeaderName>,
        start: usize,
        name_len: u8,
        blank: bool,
        end: usize,
    ) -> Self {
        #[expect(clippy::cast_possible_truncation, reason = "a head is shorter than 4 GiB")]
        let (start, end) = (start as u32, end as u32);
        let value_at = u16::from(name_len) + 1 + u16::from(blank);
        Self { name, own: false, name_len: name_len.into(), value_at, trailing: 2, start, end }
    }

    /// The same line, standing in the octets that [`Headers`](super::Headers) keeps for its own.
    pub(super) fn of_own(self) -> Self {
        Self { own: true, ..self }
    }

    /// The same line in a copy of the octets that begins so much further behind.
    pub(super) fn moved(&self, by: usize) -> Self {
        Self { start: place(self.start() + by), end: place(self.end() + by), ..*self }
    }

    pub(crate) fn start(&self) -> usize {
        self.start as usize
    }

    pub(crate) fn end(&self) -> usize {
        self.end as usize
    }

    /// The whole line, CRLF included.
    pub(crate) fn whole<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        octets.get(self.start()..self.end()).unwrap_or_default()
    }

    /// The name as written.
    pub(crate) fn written<'a>(&self, octets: &'a [u8]) -> &'a str {
        let name = self.whole(octets).get(..usize::from(self.name_len)).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }

    pub(crate) fn value_start(&self) -> usize {
        self.start() + usize::from(self.value_at)
    }

    pub(crate) fn value_end(&self) -> usize {
        self.end() - usize::from(self.trailing)
    }

    /// The place of the value in a received head, which ends within sixteen bits.
    pub(crate) fn value_span(&self) -> Span {
        Span::new(self.value_start(), self.value_end())
    }

    /// The value, white space around it taken off.
    pub(crate) fn value<'a>(&self, octets: &'a [u8]) -> &'a [u8] {
        octets.get(self.value_start()..self.value_end()).unwrap_or_default()
    }
}

fn narrow(length: usize) -> u16 {
    u16::try_from(length).unwrap_or(u16::MAX)
}

fn place(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
