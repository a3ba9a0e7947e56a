//! Which octets may stand in which part of a URI (RFC 3261 §25.1), as one table.

use crate::parse::scan::{Expected, SyntaxError};

/// `user` without `escaped`.
pub(super) const USER: u8 = 1;
/// What is taken in a received `user`: [`USER`] and `#`, which phones dial and seldom escape
/// (`sip:*21#@example.com`). It is ambiguous with nothing, for a SIP URI has no fragment.
pub(super) const USER_RECEIVED: u8 = 1 << 1;
/// `password` without `escaped`.
pub(super) const PASSWORD: u8 = 1 << 2;
/// `paramchar` without `escaped`.
pub(super) const PARAM: u8 = 1 << 3;
/// What is taken in a received `pvalue`: [`PARAM`] and `=`, which padded base64 values carry.
pub(super) const PARAM_RECEIVED: u8 = 1 << 4;
/// `hnv-unreserved / unreserved`.
pub(super) const HEADER: u8 = 1 << 5;
/// `reserved` of RFC 2396 §2.2: an escaped one is another character than a plain one.
pub(super) const RESERVED: u8 = 1 << 6;
/// What may stand in a URI whose scheme we do not know: every visible ASCII octet but the
/// delimiters `<`, `>` and `"` (RFC 2396 §2.4.3). Also what is looked at to find where a URI ends.
pub(super) const OPAQUE: u8 = 1 << 7;

const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut index = 0;
    while index < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "the loop ends at 256")]
        let octet = index as u8;
        table[index] = classes_of(octet);
        index += 1;
    }
    table
};

const fn classes_of(octet: u8) -> u8 {
    let mut classes = match octet {
        // unreserved = alphanum / mark
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => USER | PASSWORD | PARAM | HEADER,
        b'-' | b'_' | b'.' | b'!' | b'~' | b'*' | b'\'' | b'(' | b')' => {
            USER | PASSWORD | PARAM | HEADER
        }
        b'+' | b'$' => RESERVED | USER | PASSWORD | PARAM | HEADER,
        b'&' => RESERVED | USER | PASSWORD | PARAM,
        b'=' => RESERVED | USER | PASSWORD | PARAM_RECEIVED,
        b',' => RESERVED | USER | PASSWORD,
        b';' => RESERVED | USER,
        b'?' => RESERVED | USER | HEADER,
        b'/' => RESERVED | USER | PARAM | HEADER,
        b':' => RESERVED | PARAM | HEADER,
        b'@' => RESERVED,
        b'[' | b']' => PARAM | HEADER,
        b'#' => USER_RECEIVED,
        _ => 0,
    };
    if classes & USER != 0 {
        classes |= USER_RECEIVED;
    }
    if classes & PARAM != 0 {
        classes |= PARAM_RECEIVED;
    }
    if octet > b' ' && octet < 0x7f && !matches!(octet, b'<' | b'>' | b'"') {
        classes |= OPAQUE;
    }
    classes
}

/// Whether the octet belongs to the class.
pub(super) const fn is(octet: u8, class: u8) -> bool {
    CLASSES[octet as usize] & class != 0
}

/// The end of the run of octets of `class` and of `escaped` that begins at `from`.
///
/// # Errors
/// [`Expected::Escape`] at a `%` without two hexadecimal digits behind it.
pub(super) fn run(text: &[u8], from: usize, class: u8) -> Result<usize, SyntaxError> {
    let mut at = from;
    while let Some(&octet) = text.get(at) {
        if is(octet, class) {
            at += 1;
        } else if octet == b'%' {
            if escaped(text, at).is_none() {
                return Err(SyntaxError { offset: at, expected: Expected::Escape });
            }
            at += 3;
        } else {
            break;
        }
    }
    Ok(at)
}

/// The octet that the `escaped` at `at` stands for.
pub(super) fn escaped(text: &[u8], at: usize) -> Option<u8> {
    let [b'%', high, low] = text.get(at..)?.first_chunk::<3>()? else { return None };
    Some(hexadecimal(*high)? << 4 | hexadecimal(*low)?)
}

const fn hexadecimal(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
