//! Cutting the head of a message into lines (RFC 3261 §7, §7.3.1).

use super::error::{ParseError, Rule};
use super::scan::is_token;
use crate::message::Line;
use crate::name::HeaderName;

/// Splits lines; folds (§7.3.1) stay inside the line they continue.
pub(super) struct LineReader<'a> {
    octets: &'a [u8],
    at: usize,
    too_long: bool,
}

impl<'a> LineReader<'a> {
    /// A reader of the lines from `at` on. `too_long` says that the octets were cut off at a
    /// limit, and is told when the head does not end before.
    pub(super) const fn new(octets: &'a [u8], at: usize, too_long: bool) -> Self {
        Self { octets, at, too_long }
    }

    /// Octets taken so far.
    pub(super) const fn offset(&self) -> usize {
        self.at
    }

    pub(super) fn start_line(&mut self) -> Result<&'a [u8], ParseError> {
        let end = self.line_end(0, 0).map_err(|mut error| {
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
    pub(super) fn field(&mut self) -> Result<Option<Line>, ParseError> {
        let start = self.at;
        let rest = self.octets.get(start..).unwrap_or_default();
        if rest.starts_with(b"\r\n") {
            self.at = start + 2;
            return Ok(None);
        }
        let Name { known, len, colon } = match usual_name(rest) {
            Some(name) => name,
            None => self.name(start)?,
        };
        let value_from = start + colon + 1;
        let mut value_to = self.line_end(start, value_from)?;
        while matches!(self.octets.get(value_to + 2), Some(b' ' | b'\t')) {
            value_to = self.line_end(value_to + 2, value_to + 2)?;
        }
        self.at = value_to + 2;
        let value = self.octets.get(value_from..value_to).unwrap_or_default();
        let leading = value.iter().take_while(|octet| is_blank(**octet)).count();
        let value = value.get(leading..).unwrap_or_default();
        let trailing = value.iter().rev().take_while(|octet| is_blank(**octet)).count();
        let value_start = value_from + leading;
        Ok(Some(Line::at(known, start, len, value_start, value_to - trailing, self.at)))
    }

    /// Any field name; `HCOLON` allows blanks before the colon (§25.1).
    #[cold]
    fn name(&self, start: usize) -> Result<Name, ParseError> {
        let rest = self.octets.get(start..).unwrap_or_default();
        let len = rest.iter().take_while(|octet| is_token(**octet)).count();
        let blanks =
            rest.iter().skip(len).take_while(|octet| matches!(octet, b' ' | b'\t')).count();
        if len == 0 || rest.get(len + blanks) != Some(&b':') {
            if rest.is_empty() {
                return Err(self.cut_off(start));
            }
            return Err(ParseError { offset: start, rule: Rule::FieldName });
        }
        let known = HeaderName::from_bytes(rest.get(..len).unwrap_or_default());
        Ok(Name { known, len, colon: len + blanks })
    }

    /// Where the CRLF stands of the line at `start`, which has none before `from`. A CR or LF of
    /// its own is refused: elements that read it differently would see different messages.
    fn line_end(&self, start: usize, from: usize) -> Result<usize, ParseError> {
        let rest = self.octets.get(from..).unwrap_or_default();
        let Some(length) = find_line_end(rest) else { return Err(self.cut_off(start)) };
        let end = from + length;
        match rest.get(length..) {
            Some([b'\r', b'\n', ..]) => Ok(end),
            Some([b'\r']) => Err(self.cut_off(start)),
            _ => Err(ParseError { offset: end, rule: Rule::LineEnd }),
        }
    }

    fn cut_off(&self, start: usize) -> ParseError {
        let rule = if self.too_long { Rule::HeadTooLong } else { Rule::NoEndOfHead };
        ParseError { offset: start, rule }
    }
}

/// A field name at the start of a line.
struct Name {
    known: Option<HeaderName>,
    len: usize,
    /// Where the colon stands.
    colon: usize,
}

/// A name of the table with its colon right behind it. The table holds nothing but tokens, so that
/// no octet has to be looked at twice.
fn usual_name(rest: &[u8]) -> Option<Name> {
    let len = find_colon(rest)?;
    let known = HeaderName::from_bytes(rest.get(..len)?)?;
    Some(Name { known: Some(known), len, colon: len })
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The place of the first colon among the first 16 octets, eight at a time.
fn find_colon(text: &[u8]) -> Option<usize> {
    for (index, octets) in text.as_chunks::<8>().0.iter().take(2).enumerate() {
        // An octet that is a colon becomes 0.
        let found = below(u64::from_le_bytes(*octets) ^ each(b':'), 1);
        if found != 0 {
            return Some(index * 8 + place(found));
        }
    }
    None
}

/// The place of the first CR or LF, eight octets at a time: lines are short, and a call of
/// `memchr` for each costs more than it saves (525 instructions against 1,100 for 15 lines).
fn find_line_end(text: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let rest = text.get(from..)?;
        let (chunks, tail) = rest.as_chunks::<8>();
        // CR is the greater of the two; what else lies below it is rare in a head.
        let found = chunks.iter().enumerate().find_map(|(index, octets)| {
            let found = below(u64::from_le_bytes(*octets), b'\r' + 1);
            (found != 0).then(|| index * 8 + place(found))
        });
        let control = match found {
            Some(at) => at,
            None => {
                let at = tail.iter().position(|octet| *octet <= b'\r')?;
                chunks.len() * 8 + at
            }
        };
        if matches!(rest.get(control), Some(b'\r' | b'\n')) {
            return Some(from + control);
        }
        from += control + 1;
    }
}

/// Marks the octets below `limit` with their highest bit. Only the first mark is to be trusted:
/// the subtraction borrows from the octets behind it.
const fn below(octets: u64, limit: u8) -> u64 {
    octets.wrapping_sub(each(limit)) & !octets & each(0x80)
}

/// The place of the first mark.
const fn place(marks: u64) -> usize {
    (marks.trailing_zeros() / 8) as usize
}

/// Eight times the same octet.
const fn each(octet: u8) -> u64 {
    u64::from_le_bytes([octet; 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_end_is_found_wherever_it_stands() {
        for length in 0..40 {
            for place in 0..length {
                for octet in 0..=u8::MAX {
                    for filler in [b'x', b'\t', 0xff, 0x8d, 0] {
                        let mut text = vec![filler; length];
                        text[place] = octet;
                        let expected = text.iter().position(|octet| matches!(octet, b'\r' | b'\n'));
                        assert_eq!(find_line_end(&text), expected, "{text:?}");
                        let colon = text.iter().position(|octet| *octet == b':');
                        let within = text.len() / 8 * 8;
                        let expected = colon.filter(|at| *at < within.min(16));
                        assert_eq!(find_colon(&text), expected, "{text:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn two_line_ends_side_by_side_give_the_first_rfc3261_7() {
        for length in 0..20 {
            let text = [vec![b'x'; length], b"\r\n\r\n".to_vec()].concat();
            assert_eq!(find_line_end(&text), Some(length));
        }
    }
}
