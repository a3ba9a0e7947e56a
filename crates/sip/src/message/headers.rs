//! The header fields of a message: the lines as they came, with edits laid over them.
//!
//! A received message is never copied: a field is four offsets into the received octets. An added
//! or rewritten field has a text of its own. Order is kept, because the order of Via, Route and
//! Record-Route is meaning (RFC 3261 §7.3.1), and a line nobody touched is written back as it
//! came, odd spelling, folds and all.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use crate::header::{Field, HeaderError, HeaderFault, ListField, parse_list, parse_value};
use crate::name::HeaderName;
use crate::parse::scan::is_token;

/// How many fields a message has before its index needs the heap. A request with three Via, two
/// Record-Route and an offer has about 18.
const INLINE: usize = 20;

/// The header fields of one message, in order.
#[derive(Clone, Default)]
pub struct Headers {
    wire: Bytes,
    lines: SmallVec<[Line; INLINE]>,
}

/// One field line.
#[derive(Clone)]
struct Line {
    /// `None` for a name that no table has.
    name: Option<HeaderName>,
    text: Text,
}

#[derive(Clone)]
enum Text {
    Wire(WireLine),
    Own(Box<OwnLine>),
}

/// Where a line stands in the received octets.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WireLine {
    pub(crate) start: u16,
    pub(crate) name_end: u16,
    pub(crate) value_start: u16,
    pub(crate) value_end: u16,
    /// Behind the CRLF.
    pub(crate) end: u16,
}

#[derive(Clone)]
struct OwnLine {
    /// `Name: value`, without line end.
    text: String,
    name_end: usize,
}

/// A header field as it stands in the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FieldRef<'a> {
    /// Its name if the tables have it.
    pub name: Option<HeaderName>,
    /// Its name as written; a compact form stays one.
    pub written: &'a str,
    /// Its value, white space around it taken off, folds left in.
    pub value: &'a [u8],
}

impl Headers {
    /// An empty set whose untouched lines will lie in `wire`.
    pub(crate) fn over(wire: Bytes) -> Self {
        Self { wire, lines: SmallVec::new() }
    }

    /// The octets under the untouched lines.
    pub(crate) const fn wire(&self) -> &Bytes {
        &self.wire
    }

    pub(crate) fn push_wire(&mut self, name: Option<HeaderName>, line: WireLine) {
        self.lines.push(Line { name, text: Text::Wire(line) });
    }

    /// How many lines there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All fields in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = FieldRef<'_>> {
        self.lines.iter().map(|line| FieldRef {
            name: line.name,
            written: line.written(&self.wire),
            value: line.value(&self.wire),
        })
    }

    /// The values of every line with this name, in order.
    pub fn values(&self, name: HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.lines
            .iter()
            .filter(move |line| line.name == Some(name))
            .map(|line| line.value(&self.wire))
    }

    /// The value of the first line with this name.
    #[must_use]
    pub fn value(&self, name: HeaderName) -> Option<&[u8]> {
        self.values(name).next()
    }

    /// The value of the first line with this name if it is UTF-8.
    #[must_use]
    pub fn text(&self, name: HeaderName) -> Option<&str> {
        self.value(name).and_then(|value| std::str::from_utf8(value).ok())
    }

    /// Whether a line with this name is there.
    #[must_use]
    pub fn has(&self, name: HeaderName) -> bool {
        self.lines.iter().any(|line| line.name == Some(name))
    }

    /// The values of every line with a name that no table has, such as `X-Account`.
    pub fn other_values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        self.iter()
            .filter(move |field| field.name.is_none() && field.written.eq_ignore_ascii_case(name))
            .map(|field| field.value)
    }

    /// The field `F`, parsed; `None` when it is not there.
    ///
    /// # Errors
    /// When it stands there twice or leaves its grammar.
    pub fn field<'a, F: Field<'a>>(&'a self) -> Result<Option<F>, HeaderError> {
        let mut values = self.values(F::NAME);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(HeaderError { name: F::NAME, fault: HeaderFault::Repeated });
        }
        parse_value(value)
            .map(Some)
            .map_err(|error| HeaderError { name: F::NAME, fault: HeaderFault::Syntax(error) })
    }

    /// The field `F`, parsed, which must be there.
    ///
    /// # Errors
    /// As [`field`](Self::field), and when it is missing.
    pub fn require<'a, F: Field<'a>>(&'a self) -> Result<F, HeaderError> {
        self.field()?.ok_or(HeaderError { name: F::NAME, fault: HeaderFault::Missing })
    }

    /// Every line of the field `F`, parsed; for fields such as WWW-Authenticate that may stand
    /// several times without being a list (RFC 3261 §7.3.1).
    pub fn each<'a, F: Field<'a>>(&'a self) -> impl Iterator<Item = Result<F, HeaderError>> {
        self.values(F::NAME).map(|value| {
            parse_value(value)
                .map_err(|error| HeaderError { name: F::NAME, fault: HeaderFault::Syntax(error) })
        })
    }

    /// The elements of the list field `F` over all its lines, in order.
    pub fn list<'a, F: ListField<'a> + 'a>(
        &'a self,
    ) -> impl Iterator<Item = Result<F, HeaderError>> + 'a {
        self.values(F::NAME).flat_map(|value| parse_list::<F>(value)).map(|element| {
            element
                .map_err(|error| HeaderError { name: F::NAME, fault: HeaderFault::Syntax(error) })
        })
    }

    /// The first element of the list field `F`.
    ///
    /// # Errors
    /// When the element leaves the grammar.
    pub fn first<'a, F: ListField<'a> + 'a>(&'a self) -> Result<Option<F>, HeaderError> {
        self.list().next().transpose()
    }

    /// Adds a line behind all others.
    pub fn push(&mut self, name: HeaderName, value: impl fmt::Display) {
        self.lines.push(Line::own(name, &value));
    }

    /// Adds a line whose name no table has. A name that is no token is not added.
    pub fn push_other(&mut self, name: &str, value: impl fmt::Display) {
        if name.is_empty() || !name.bytes().all(is_token) {
            return;
        }
        let known = HeaderName::from_bytes(name.as_bytes());
        self.lines.push(Line { name: known, text: Text::own(name, &value) });
    }

    /// Adds a line before the first with the same name, or on top of all when there is none: the
    /// place for Via, Route, Record-Route and Path of a hop.
    pub fn push_top(&mut self, name: HeaderName, value: impl fmt::Display) {
        let at = self.position(name).unwrap_or(0);
        self.lines.insert(at, Line::own(name, &value));
    }

    /// Puts one line in place of every line with this name, at the place of the first; at the end
    /// when there is none.
    pub fn set(&mut self, name: HeaderName, value: impl fmt::Display) {
        let line = Line::own(name, &value);
        match self.position(name) {
            None => self.lines.push(line),
            Some(at) => {
                self.lines[at] = line;
                let mut index = 0;
                self.lines.retain(|line| {
                    index += 1;
                    index <= at + 1 || line.name != Some(name)
                });
            }
        }
    }

    /// Takes out every line with this name and says how many there were.
    pub fn remove(&mut self, name: HeaderName) -> usize {
        let before = self.lines.len();
        self.lines.retain(|line| line.name != Some(name));
        before - self.lines.len()
    }

    /// Takes out the first element of a list field: the whole line when it held no other. What
    /// stands behind it stays as it was written. Nothing happens when the field is not there.
    pub fn pop_first(&mut self, name: HeaderName) {
        let Some(at) = self.position(name) else { return };
        match self.behind_first_element(at) {
            None => {
                self.lines.remove(at);
            }
            Some(rest) => self.lines[at] = Line::own(name, &rest),
        }
    }

    /// Puts `element` in place of the first element of a list field. Nothing happens when the
    /// field is not there.
    pub fn replace_first(&mut self, name: HeaderName, element: impl fmt::Display) {
        let Some(at) = self.position(name) else { return };
        self.lines[at] = match self.behind_first_element(at) {
            None => Line::own(name, &element),
            Some(rest) => Line::own(name, &format_args!("{element}, {rest}")),
        };
    }

    fn behind_first_element(&self, at: usize) -> Option<String> {
        let value = self.lines[at].value(&self.wire);
        let rest = value.get(first_element_len(value) + 1..)?;
        let rest = String::from_utf8_lossy(rest);
        let rest = rest.trim();
        (!rest.is_empty()).then(|| rest.to_owned())
    }

    fn position(&self, name: HeaderName) -> Option<usize> {
        self.lines.iter().position(|line| line.name == Some(name))
    }

    /// Writes every line; runs of untouched lines go in one piece.
    pub fn write(&self, out: &mut BytesMut) {
        let mut run: Option<(u16, u16)> = None;
        for line in &self.lines {
            match &line.text {
                Text::Wire(wire) => match &mut run {
                    Some((_, end)) if *end == wire.start => *end = wire.end,
                    _ => {
                        self.flush(run, out);
                        run = Some((wire.start, wire.end));
                    }
                },
                Text::Own(own) => {
                    self.flush(run.take(), out);
                    out.put_slice(own.text.as_bytes());
                    out.put_slice(b"\r\n");
                }
            }
        }
        self.flush(run, out);
    }

    fn flush(&self, run: Option<(u16, u16)>, out: &mut BytesMut) {
        if let Some((start, end)) = run {
            out.put_slice(slice(&self.wire, start, end));
        }
    }

    /// Octets that [`write`](Self::write) will produce.
    #[must_use]
    pub fn written_len(&self) -> usize {
        self.lines
            .iter()
            .map(|line| match &line.text {
                Text::Wire(wire) => usize::from(wire.end - wire.start),
                Text::Own(own) => own.text.len() + 2,
            })
            .sum()
    }
}

/// Octets up to the first comma that is neither in quotes nor in angle brackets, which is what
/// separates elements in every list field of RFC 3261 §25.1.
fn first_element_len(value: &[u8]) -> usize {
    let (mut quoted, mut bracketed, mut escaped) = (false, false, false);
    for (index, octet) in value.iter().enumerate() {
        if escaped {
            escaped = false;
            continue;
        }
        match octet {
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'<' if !quoted => bracketed = true,
            b'>' if !quoted => bracketed = false,
            b',' if !quoted && !bracketed => return index,
            _ => {}
        }
    }
    value.len()
}

impl Line {
    fn own(name: HeaderName, value: &dyn fmt::Display) -> Self {
        Self { name: Some(name), text: Text::own(name.as_str(), value) }
    }

    fn written<'a>(&'a self, wire: &'a [u8]) -> &'a str {
        match &self.text {
            Text::Wire(line) => {
                std::str::from_utf8(slice(wire, line.start, line.name_end)).unwrap_or_default()
            }
            Text::Own(own) => own.text.get(..own.name_end).unwrap_or_default(),
        }
    }

    fn value<'a>(&'a self, wire: &'a [u8]) -> &'a [u8] {
        match &self.text {
            Text::Wire(line) => slice(wire, line.value_start, line.value_end),
            Text::Own(own) => own.text.as_bytes().get(own.name_end + 2..).unwrap_or_default(),
        }
    }
}

impl Text {
    /// A line of its own. A line end inside the value would start a field of its own, so it is
    /// written as a space.
    fn own(name: &str, value: &dyn fmt::Display) -> Self {
        let mut text = format!("{name}: {value}");
        if text.contains(['\r', '\n']) {
            text = text.replace(['\r', '\n'], " ");
        }
        Self::Own(Box::new(OwnLine { text, name_end: name.len() }))
    }
}

fn slice(wire: &[u8], start: u16, end: u16) -> &[u8] {
    wire.get(usize::from(start)..usize::from(end)).unwrap_or_default()
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|field| (field.written, String::from_utf8_lossy(field.value))))
            .finish()
    }
}
