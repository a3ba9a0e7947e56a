//! Cutting the head of a message into lines (RFC 3261 §7, §7.3.1).

use super::error::{ParseError, Rule};
use super::scan::is_token;
use super::sixteen::Sixteen;
use super::usual_names::Written;
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
        let rest = self.octets.get(self.at..).unwrap_or_default();
        if let Some((line, _)) = usual_line(rest, self.at) {
            self.at = line.end();
            return Ok(Some(line));
        }
        self.other_field()
    }

    /// Hands over the field lines that come next, as long as they are spelt as most are.
    #[inline(always)]
    pub(super) fn usual_fields<E>(
        &mut self,
        mut keep: impl FnMut(Line) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut rest = self.octets.get(self.at..).unwrap_or_default();
        while let Some((line, behind)) = usual_line(rest, self.octets.len() - rest.len()) {
            rest = behind;
            keep(line)?;
        }
        self.at = self.octets.len() - rest.len();
        Ok(())
    }

    /// The next field line when it is not as most are, `None` at the empty line.
    #[cold]
    pub(super) fn other_field(&mut self) -> Result<Option<Line>, ParseError> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        if rest.starts_with(b"\r\n") {
            self.at += 2;
            return Ok(None);
        }
        self.any_line().map(Some)
    }

    /// A line with blanks before the colon or about the value, folds, or a fault.
    fn any_line(&mut self) -> Result<Line, ParseError> {
        let start = self.at;
        let Name { known, len, colon } = self.name(start)?;
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
        Ok(Line::at(known, start, len, value_start, value_to - trailing, self.at))
    }

    /// `HCOLON` allows blanks before the colon (§25.1).
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

/// The line that `text` begins with, which stands `start` octets into the head, and what stands
/// behind it; when it is `Name:[SP]value CRLF` with a name of less than 16 octets, with nothing to
/// be taken off and no fold behind it.
#[inline(always)]
fn usual_line(text: &[u8], start: usize) -> Option<(Line, &[u8])> {
    let first = text.first_chunk()?;
    let name_len = Sixteen::new(first).first(b':')?;
    let colon = usize::from(name_len);
    if colon == 0 {
        return None;
    }
    let name = match Written::new(first, colon).usual() {
        Some(name) => Some(name),
        None => other_name(first.get(..colon)?)?,
    };
    let end = find_line_end(text)?;
    let (line, behind) = text.split_at_checked(end)?;
    let behind = behind.strip_prefix(b"\r\n")?;
    if matches!(behind.first()?, b' ' | b'\t') {
        return None;
    }
    // Nothing is left of it when the line ends before the colon.
    let value = line.get(colon + 1..)?;
    let blank = value.first() == Some(&b' ');
    let value = if blank { value.get(1..)? } else { value };
    if is_blank(*value.first()?) || is_blank(*value.last()?) {
        return None;
    }
    Some((Line::usual(name, start, name_len, blank, start + end + 2), behind))
}

/// The name that is not one of the usual, if it is one at all.
#[cold]
fn other_name(written: &[u8]) -> Option<Option<HeaderName>> {
    let name = HeaderName::from_bytes(written);
    // The table holds nothing but tokens.
    (name.is_some() || written.iter().copied().all(is_token)).then_some(name)
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The place of the first CR or LF, sixteen octets at a time: lines are short for a call of
/// `memchr` each.
#[inline]
fn find_line_end(text: &[u8]) -> Option<usize> {
    let mut rest = text;
    while let Some((octets, behind)) = rest.split_first_chunk() {
        let ends = Sixteen::new(octets).are_line_ends();
        if ends != 0 {
            return Some(text.len() - rest.len() + ends.trailing_zeros() as usize);
        }
        rest = behind;
    }
    let place = rest.iter().position(|octet| matches!(octet, b'\r' | b'\n'))?;
    Some(text.len() - rest.len() + place)
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
