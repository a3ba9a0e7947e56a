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
    #[inline(always)]
    pub(super) fn field(&mut self) -> Result<Option<Line>, ParseError> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        if let Some(line) = usual_line(rest, self.at) {
            self.at = line.end();
            return Ok(Some(line));
        }
        if rest.starts_with(b"\r\n") {
            self.at += 2;
            return Ok(None);
        }
        self.any_line().map(Some)
    }

    /// A line with blanks before the colon or about the value, folds, or a fault.
    #[cold]
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

/// The line at the start of `rest`, which is `start` octets into the head, when it is
/// `Name:[SP]value CRLF` with nothing to be taken off and no fold behind it.
#[inline(always)]
fn usual_line(rest: &[u8], start: usize) -> Option<Line> {
    let (colon, words) = find_colon(rest)?;
    let name = usual_name(words).or_else(|| HeaderName::from_bytes(rest.get(..colon)?));
    // The table holds nothing but tokens.
    if name.is_none() && !is_name(rest.get(..colon)?) {
        return None;
    }
    let behind = rest.get(colon + 1..)?;
    let end = find_line_end(behind)?;
    if !matches!(behind.get(end..)?, [b'\r', b'\n', next, ..] if !matches!(next, b' ' | b'\t')) {
        return None;
    }
    let blank = usize::from(behind.first() == Some(&b' '));
    match behind.get(blank..end)? {
        [first, .., last] if !is_blank(*first) && !is_blank(*last) => {}
        [only] if !is_blank(*only) => {}
        _ => return None,
    }
    let value = start + colon + 1;
    Some(Line::at(name, start, colon, value + blank, value + end, value + end + 2))
}

const fn is_blank(octet: u8) -> bool {
    matches!(octet, b' ' | b'\t' | b'\r' | b'\n')
}

/// The place of the first colon among the first 16 octets, and what stands before it.
#[inline]
fn find_colon(text: &[u8]) -> Option<(usize, (u64, u64))> {
    let (low, high) = words(text.first_chunk()?);
    // An octet that is a colon becomes 0.
    match (below(low ^ each(b':'), 1), below(high ^ each(b':'), 1)) {
        (0, 0) => None,
        (0, mark) => Some((8 + place(mark), (low, before(high, mark)))),
        (mark, _) => Some((place(mark), (before(low, mark), 0))),
    }
}

/// The octets before the first mark.
#[inline]
const fn before(octets: u64, marks: u64) -> u64 {
    octets & ((marks & marks.wrapping_neg()) >> 7).wrapping_sub(1)
}

/// The names that most lines have, spelt as most are, told by all their octets at once, before the table
/// of all names and spellings is asked.
macro_rules! usual_names {
    ($($Name:ident)+) => {
        #[inline]
        fn usual_name(words: (u64, u64)) -> Option<HeaderName> {
            $(if words == const { words_of(HeaderName::$Name.as_str().as_bytes()) } {
                return Some(HeaderName::$Name);
            })+
            None
        }

        #[cfg(test)]
        const USUAL_NAMES: &[HeaderName] = &[$(HeaderName::$Name),+];
    };
}

usual_names! {
    Via From To CallId CSeq MaxForwards ContentLength Contact Route RecordRoute
    Allow Supported UserAgent ContentType Expires SessionExpires
}

/// The octets of a name, of which there are 16 at most, as [`find_colon`] gives them.
const fn words_of(name: &[u8]) -> (u64, u64) {
    let mut octets = [0; 16];
    octets.split_at_mut(name.len()).0.copy_from_slice(name);
    words(&octets)
}

fn is_name(written: &[u8]) -> bool {
    !written.is_empty() && written.iter().copied().all(is_token)
}

/// The place of the first CR or LF, sixteen octets at a time: lines are short for a call of
/// `memchr` each.
#[inline]
fn find_line_end(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    while let Some(octets) = text.get(at..)?.first_chunk() {
        let (low, high) = words(octets);
        // CR is the greater of the two; what else lies below it is rare in a head.
        let (low, high) = (below(low, b'\r' + 1), below(high, b'\r' + 1));
        at += match (low, high) {
            (0, 0) => 16,
            (0, high) => 8 + place(high),
            (low, _) => place(low),
        };
        if low | high != 0 {
            if is_line_end(text.get(at)) {
                return Some(at);
            }
            at += 1;
        }
    }
    text.get(at..)?.iter().position(|octet| is_line_end(Some(octet))).map(|place| at + place)
}

const fn is_line_end(octet: Option<&u8>) -> bool {
    matches!(octet, Some(b'\r' | b'\n'))
}

#[inline]
const fn words(octets: &[u8; 16]) -> (u64, u64) {
    let both = u128::from_le_bytes(*octets);
    #[expect(clippy::cast_possible_truncation, reason = "the low half is meant")]
    let low = both as u64;
    (low, (both >> 64) as u64)
}

/// Marks the octets below `limit` with their highest bit. Only the first mark is to be trusted:
/// the subtraction borrows from the octets behind it.
#[inline]
const fn below(octets: u64, limit: u8) -> u64 {
    octets.wrapping_sub(each(limit)) & !octets & each(0x80)
}

/// The place of the first mark.
#[inline]
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
                        let expected = colon.filter(|at| *at < 16 && text.len() >= 16);
                        let found = find_colon(&text);
                        assert_eq!(found.map(|(at, _)| at), expected, "{text:?}");
                        if let Some((at, before)) = found {
                            assert_eq!(before, words_of(&text[..at]));
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn usual_names_are_those_of_the_table() {
        for name in USUAL_NAMES {
            assert_eq!(usual_name(words_of(name.as_str().as_bytes())), Some(*name));
            assert_eq!(usual_name(words_of(&name.as_str().as_bytes()[1..])), None, "{name}");
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
