//! The header fields of a message: the lines as they came, with edits laid over them.
//!
//! A received message is never copied: a field is a few offsets into the received octets. The text
//! of all fields that are added or rewritten lies in one buffer beside them. Order is kept, because the order of Via, Route and
//! Record-Route is meaning (RFC 3261 §7.3.1), and a line nobody touched is written back as it
//! came, odd spelling, folds and all.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use smallvec::SmallVec;

use super::decimal::Decimal;
use super::{Line, Wire};
use crate::header::{Field, HeaderError, HeaderFault, ListField, parse_list, parse_value};
use crate::name::HeaderName;
use crate::parse::scan::is_token;

/// How many fields a message has before its index needs the heap. A request with three Via, two
/// Record-Route and an offer has about 18.
const INLINE: usize = 20;

/// The index of a head.
pub(crate) type Lines = SmallVec<[Line; INLINE]>;

/// The header fields of one message, in order.
pub struct Headers {
    wire: Wire,
    /// The lines added here, one behind the other, those included that were taken out again: a
    /// message is edited a few times and then sent.
    own: Vec<u8>,
    lines: Lines,
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
    /// The lines that lie in `wire`.
    pub(crate) fn over(wire: Bytes, lines: Lines) -> Self {
        Self { wire: Wire::new(wire), own: Vec::new(), lines }
    }

    /// Of nothing yet: see [`keep`](Self::keep).
    #[inline]
    pub(crate) fn to_be_kept() -> Self {
        Self { wire: Wire::empty(), own: Vec::new(), lines: Lines::new() }
    }

    /// Keeps a line of the octets that [`lay_over`](Self::lay_over) will be given.
    #[inline]
    pub(crate) fn keep(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// The lines.
    pub(crate) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// Lays the kept lines over the octets that they lie in, the first `len` of these.
    #[inline]
    pub(crate) fn lay_over(&mut self, octets: &Bytes, len: usize) {
        self.wire = Wire::over(octets, len);
    }

    /// The octets under the untouched lines.
    pub(crate) const fn wire(&self) -> &Wire {
        &self.wire
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
            written: line.written(self.under(line)),
            value: line.value(self.under(line)),
        })
    }

    /// The values of every line with this name, in order.
    pub fn values(&self, name: HeaderName) -> impl DoubleEndedIterator<Item = &[u8]> {
        self.lines
            .iter()
            .filter(move |line| line.name == Some(name))
            .map(|line| line.value(self.under(line)))
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
        // The first line with an element, and no other, is looked at.
        let first = self.values(F::NAME).find_map(|value| parse_list::<F>(value).next());
        first
            .transpose()
            .map_err(|error| HeaderError { name: F::NAME, fault: HeaderFault::Syntax(error) })
    }

    /// Adds a line behind all others.
    pub fn push(&mut self, name: HeaderName, value: impl fmt::Display) {
        let line = self.own_line(name, &value);
        self.lines.push(line);
    }

    /// Adds a line whose name no table has. A name that is no token is not added.
    pub fn push_other(&mut self, name: &str, value: impl fmt::Display) {
        if !is_line_name(name) {
            return;
        }
        let known = HeaderName::from_bytes(name.as_bytes());
        let line = write_line(&mut self.own, known, name, &value);
        self.lines.push(line.of_own());
    }

    /// Adds a line before the first with the same name, or on top of all when there is none: the
    /// place for Via, Route, Record-Route and Path of a hop.
    pub fn push_top(&mut self, name: HeaderName, value: impl fmt::Display) {
        let line = self.own_line(name, &value);
        self.lines.insert(self.position(name).unwrap_or(0), line);
    }

    /// As [`push_top`](Self::push_top), for a value in parts, at a third of the cost.
    pub fn push_top_parts(&mut self, name: HeaderName, value: &[&str]) {
        let line = write_parts(self.own_room(), name, value).of_own();
        self.lines.insert(self.position(name).unwrap_or(0), line);
    }

    /// Puts one line in place of every line with this name, at the place of the first; at the end
    /// when there is none.
    pub fn set(&mut self, name: HeaderName, value: impl fmt::Display) {
        let line = self.own_line(name, &value);
        self.put(name, line);
    }

    fn put(&mut self, name: HeaderName, line: Line) {
        let Some(at) = self.position(name) else { return self.lines.push(line) };
        let mut others = self.lines.iter_mut().skip(at);
        if let Some(first) = others.next() {
            *first = line;
        }
        if others.any(|line| line.name == Some(name)) {
            let mut index = 0;
            self.lines.retain(|line| {
                index += 1;
                index <= at + 1 || line.name != Some(name)
            });
        }
    }

    /// As [`set`](Self::set), for a number, at a third of the cost.
    pub fn set_number(&mut self, name: HeaderName, number: u32) {
        let digits = Decimal::of(number);
        let line = write_raw_line(self.own_room(), name, &[digits.octets()]).of_own();
        self.put(name, line);
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
            Some(rest) => self.lines[at] = self.own_line(name, &rest),
        }
    }

    /// Puts `element` in place of the first element of a list field. Nothing happens when the
    /// field is not there.
    pub fn replace_first(&mut self, name: HeaderName, element: impl fmt::Display) {
        let Some(at) = self.position(name) else { return };
        self.lines[at] = match self.behind_first_element(at) {
            None => self.own_line(name, &element),
            Some(rest) => self.own_line(name, &format_args!("{element}, {rest}")),
        };
    }

    /// Puts `new` in place of `old` in the first line with this name that holds it. What stands
    /// around it stays as it was written, but for folds. Nothing happens when none does;
    /// the empty text stands nowhere.
    pub fn replace_part(&mut self, name: HeaderName, old: &str, new: &str) {
        let holds = |line: &Line| {
            let value = line.value(self.under(line));
            let at = value.windows(old.len().max(1)).position(|part| part == old.as_bytes())?;
            Some(at..at + old.len())
        };
        let mut lines = self.lines.iter().enumerate().filter(|(_, line)| line.name == Some(name));
        let found = lines.find_map(|(index, line)| Some((index, *line, holds(line)?)));
        let Some((index, line, part)) = found else { return };
        let value = String::from_utf8_lossy(line.value(self.under(&line))).into_owned();
        let (Some(before), Some(behind)) = (value.get(..part.start), value.get(part.end..)) else {
            return;
        };
        self.lines[index] = self.own_line(name, &format_args!("{before}{new}{behind}"));
    }

    fn behind_first_element(&self, at: usize) -> Option<String> {
        let line = self.lines.get(at)?;
        let value = line.value(self.under(line));
        // Most values are one element, which is told at a glance.
        memchr::memchr(b',', value)?;
        let rest = value.get(first_element_len(value) + 1..)?;
        let rest = String::from_utf8_lossy(rest);
        let rest = rest.trim();
        (!rest.is_empty()).then(|| rest.to_owned())
    }

    fn own_line(&mut self, name: HeaderName, value: &dyn fmt::Display) -> Line {
        write_line(self.own_room(), Some(name), name.as_str(), value).of_own()
    }

    /// Where the lines added here stand.
    fn own_room(&mut self) -> &mut Vec<u8> {
        if self.own.capacity() == 0 {
            // What a proxy adds on the way: Via, Record-Route, Max-Forwards.
            self.own.reserve(OWN_CAPACITY);
        }
        &mut self.own
    }

    /// The octets that a line stands in.
    fn under(&self, line: &Line) -> &[u8] {
        if line.own { &self.own } else { self.wire.octets() }
    }

    fn position(&self, name: HeaderName) -> Option<usize> {
        self.lines.iter().position(|line| line.name == Some(name))
    }

    /// Writes every line; runs of untouched lines go in one piece.
    pub fn write(&self, out: &mut BytesMut) {
        let mut lines = self.lines.iter();
        let Some(first) = lines.next() else { return };
        let (mut own, mut run) = (first.own, first.start()..first.end());
        let flush = |own: bool, run, out: &mut BytesMut| {
            let octets: &[u8] = if own { &self.own } else { self.wire.octets() };
            out.put_slice(octets.get::<std::ops::Range<usize>>(run).unwrap_or_default());
        };
        for line in lines {
            if line.own == own && line.start() == run.end {
                run.end = line.end();
            } else {
                flush(own, std::mem::replace(&mut run, line.start()..line.end()), out);
                own = line.own;
            }
        }
        flush(own, run, out);
    }

    /// Octets that [`write`](Self::write) will produce.
    #[must_use]
    pub fn written_len(&self) -> usize {
        self.lines.iter().map(|line| line.end() - line.start()).sum()
    }
}

/// Octets reserved with the first line added to a message.
const OWN_CAPACITY: usize = 384;

/// Whether a line of ours may have this name: a token, and no longer than any name ever was.
pub(super) fn is_line_name(name: &str) -> bool {
    (1..=1024).contains(&name.len()) && name.bytes().all(is_token)
}

/// Writes a line behind what stands in `text` and says where.
pub(super) fn write_line(
    text: &mut Vec<u8>,
    known: Option<HeaderName>,
    name: &str,
    value: &dyn fmt::Display,
) -> Line {
    use fmt::Write as _;
    let start = text.len();
    text.extend_from_slice(name.as_bytes());
    text.extend_from_slice(b": ");
    let value_start = text.len();
    // Only a `Display` that fails of itself can fail here; what it wrote stays its value.
    let _ = write!(OneLine(text), "{value}");
    let value_end = text.len();
    text.extend_from_slice(b"\r\n");
    Line::at(known, start, name.len(), value_start, value_end, text.len())
}

/// The same for a value in parts.
fn write_parts(text: &mut Vec<u8>, name: HeaderName, value: &[&str]) -> Line {
    let start = text.len();
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b": ");
    let value_start = text.len();
    for part in value {
        text.extend_from_slice(part.as_bytes());
    }
    let value_end = text.len();
    keep_to_one_line(text.get_mut(value_start..).unwrap_or_default());
    text.extend_from_slice(b"\r\n");
    Line::at(Some(name), start, name.as_str().len(), value_start, value_end, text.len())
}

/// The same for a value in parts that are known to be none but one line, or folded as they came.
pub(super) fn write_raw_line(text: &mut Vec<u8>, name: HeaderName, value: &[&[u8]]) -> Line {
    let start = text.len();
    text.extend_from_slice(name.as_str().as_bytes());
    text.extend_from_slice(b": ");
    let value_start = text.len();
    for part in value {
        text.extend_from_slice(part);
    }
    let value_end = text.len();
    text.extend_from_slice(b"\r\n");
    Line::at(Some(name), start, name.as_str().len(), value_start, value_end, text.len())
}

/// Text on its way into a value. A line end would start a field of its own, so it is written as a
/// space.
pub(super) struct OneLine<'a>(pub(super) &'a mut Vec<u8>);

impl fmt::Write for OneLine<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let from = self.0.len();
        self.0.extend_from_slice(text.as_bytes());
        keep_to_one_line(self.0.get_mut(from..).unwrap_or_default());
        Ok(())
    }
}

fn keep_to_one_line(text: &mut [u8]) {
    if memchr::memchr2(b'\r', b'\n', text).is_some() {
        for octet in text.iter_mut().filter(|octet| matches!(octet, b'\r' | b'\n')) {
            *octet = b' ';
        }
    }
}

impl Clone for Headers {
    fn clone(&self) -> Self {
        // By slice, because lines are plain octets: one by one they cost a fifth more.
        let lines = Lines::from_slice(&self.lines);
        Self { wire: self.wire.clone(), own: self.own.clone(), lines }
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

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(self.iter().map(|field| (field.written, String::from_utf8_lossy(field.value))))
            .finish()
    }
}
