//! The usual spelling of a SIP URI, told without taking it apart: no password, no escapes, no IPv6
//! address, no headers. What is `Some` here the general grammar takes as well; `None` says nothing.

use std::net::Ipv4Addr;

use super::host::{self, Kind};
use super::octets::{self, PARAM, PARAM_RECEIVED, USER_RECEIVED};
use crate::parse::sixteen::run_end;

/// The end of the `sip:` or `sips:` URI at `from`, if what stands there cannot belong to it: the
/// caller sees to that.
pub(crate) fn usual_sip(text: &[u8], from: usize) -> Option<usize> {
    let start = from
        + match text.get(from..)? {
            [b's', b'i', b'p', b':', ..] => 4,
            [b's', b'i', b'p', b's', b':', ..] => 5,
            _ => return None,
        };
    // A host is made of octets that a user may have; an "@" tells which it was.
    let user_end = plain(text, start, USER_RECEIVED);
    let host =
        if text.get(user_end) == Some(&b'@') && user_end > start { user_end + 1 } else { start };
    let mut at = usual_hostport(text, host)?;
    while text.get(at) == Some(&b';') {
        at = piece(text, at + 1, PARAM)?;
        if text.get(at) == Some(&b'=') {
            at = piece(text, at + 1, PARAM_RECEIVED)?;
        }
    }
    Some(at)
}

/// The end of the `host [ ":" port ]` at `from`.
pub(crate) fn usual_hostport(text: &[u8], from: usize) -> Option<usize> {
    let colon = host_end(text, from)?;
    if text.get(colon) != Some(&b':') {
        return Some(colon);
    }
    usual_port(text.get(colon + 1..)?).map(|digits| colon + 1 + digits)
}

/// The parts of an `IPv4address [ ":" port ]` that is the whole text, as most of what names a hop is.
pub(crate) fn v4_hostport(text: &str) -> Option<(Ipv4Addr, Option<u16>)> {
    let (address, length) = host::v4_prefix(text.as_bytes())?;
    let Some(digits) = text.get(length..)?.strip_prefix(':') else {
        return (length == text.len()).then_some((address, None));
    };
    if usual_port(digits.as_bytes())? < digits.len() {
        return None;
    }
    Some((address, Some(digits.parse().ok()?)))
}

/// The end of the host name or IPv4 address at `from`.
#[inline]
fn host_end(text: &[u8], from: usize) -> Option<usize> {
    let rest = text.get(from..)?;
    let is_address = rest.first()?.is_ascii_digit();
    if !is_address && let Some(end) = host::usual_name_end(text, from) {
        return Some(end);
    }
    if is_address && let Some((_, length)) = host::v4_prefix(rest) {
        return Some(from + length);
    }
    match host::measure_name(rest)? {
        (length, Kind::Name) => Some(from + length),
        (_, Kind::V4 | Kind::V6) => None,
    }
}

/// How many octets the port takes that `text` begins with. Most ports of telephones are chosen by
/// their system and have five digits, of which not every number is a port.
fn usual_port(text: &[u8]) -> Option<usize> {
    let (mut digits, mut port) = (0, 0);
    while let Some(digit @ b'0'..=b'9') = text.get(digits)
        && digits < 6
    {
        port = port * 10 + u32::from(digit - b'0');
        digits += 1;
    }
    ((1..6).contains(&digits) && port <= u32::from(u16::MAX)).then_some(digits)
}

/// The end of a name or value of at least one octet.
fn piece(text: &[u8], from: usize, class: u8) -> Option<usize> {
    let end = plain(text, from, class);
    (end > from).then_some(end)
}

/// The end of the run of octets of `class` that begins at `from`.
fn plain(text: &[u8], from: usize, class: u8) -> usize {
    run_end(text, from, |octet| octets::is(octet, class))
}
