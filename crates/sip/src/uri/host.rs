//! `host = hostname / IPv4address / IPv6reference` (RFC 3261 §25.1, RFC 5954 §4.1).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};
use crate::parse::sixteen::Sixteen;

/// The host of a URI or of a Via header field. Names compare without regard to case
/// (RFC 3261 §19.1.4).
#[derive(Debug, Clone, Copy)]
pub enum Host<'a> {
    /// A host name as it stands.
    Name(&'a str),
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address; its brackets are put on when it is written.
    V6(Ipv6Addr),
}

impl<'a> Host<'a> {
    /// A host from its text, an IPv6 address in brackets.
    ///
    /// # Errors
    /// [`Expected::Host`] when it is none, [`Expected::End`] when something follows it.
    pub fn parse(text: &'a str) -> Result<Self, SyntaxError> {
        let mut scanner = Scanner::new(text.as_bytes());
        let host = Self::scan(&mut scanner)?;
        if scanner.is_at_end() { Ok(host) } else { Err(scanner.expected(Expected::End)) }
    }

    /// Takes the host at the cursor.
    ///
    /// An IPv6 address must stand in brackets (RFC 5118 §4.2). A name may hold `_` and a last
    /// label that begins with a digit, as RFC 3261 forbids and host names of containers and
    /// Windows domains do; a last label of digits alone makes it an IPv4 address or an error.
    /// Leading zeros in an IPv4 address are refused: readers differ about their meaning.
    ///
    /// # Errors
    /// [`Expected::Host`] when no host is next.
    pub fn scan(scanner: &mut Scanner<'a>) -> Result<Self, SyntaxError> {
        let error = scanner.expected(Expected::Host);
        let rest = scanner.rest();
        if let Some((address, length)) = v4_prefix(rest) {
            scanner.advance(length);
            return Ok(Self::V4(address));
        }
        let (length, kind) = measure(rest).ok_or(error)?;
        let text = as_str(rest.get(..length).unwrap_or_default(), scanner.offset())?;
        let host = Self::of_kind(kind, text).ok_or(error)?;
        scanner.advance(length);
        Ok(host)
    }

    /// The host that a text begins with, and its length.
    pub(super) fn prefix_of(text: &'a str) -> Option<(Self, usize)> {
        if let Some((address, length)) = v4_prefix(text.as_bytes()) {
            return Some((Self::V4(address), length));
        }
        let (length, kind) = measure(text.as_bytes())?;
        Some((Self::of_kind(kind, text.get(..length)?)?, length))
    }

    fn of_kind(kind: Kind, text: &'a str) -> Option<Self> {
        match kind {
            Kind::Name => Some(Self::Name(text)),
            Kind::V4 => v4(text.as_bytes()).map(Self::V4),
            Kind::V6 => v6(text.strip_prefix('[')?.strip_suffix(']')?).map(Self::V6),
        }
    }

    /// The address, when it is one.
    #[must_use]
    pub const fn ip(&self) -> Option<IpAddr> {
        match *self {
            Self::Name(_) => None,
            Self::V4(address) => Some(IpAddr::V4(address)),
            Self::V6(address) => Some(IpAddr::V6(address)),
        }
    }

    /// The name, when it is one.
    #[must_use]
    pub const fn name(&self) -> Option<&'a str> {
        match *self {
            Self::Name(name) => Some(name),
            Self::V4(_) | Self::V6(_) => None,
        }
    }
}

/// What a host seems to be; whether it is a good one of its kind is found when it is read.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Name,
    V4,
    V6,
}

/// The length of the host that `text` begins with.
fn measure(text: &[u8]) -> Option<(usize, Kind)> {
    if text.first() == Some(&b'[') {
        let end = text.iter().take(MAX_V6 + 2).position(|&octet| octet == b']')?;
        return Some((end + 1, Kind::V6));
    }
    measure_name(text)
}

/// Octets of the longest text of an IPv6 address, and one for the extra colon of [`v6`].
const MAX_V6: usize = 45 + 1;

/// The grammar of RFC 3261 lets `hexpart ":" IPv4address` begin with a `hexpart` that ends in
/// `::`, so old elements send `2001:db8:::192.0.2.1`. RFC 5118 §4.10 asks to understand it; the
/// third colon is left out, here and when the address is written.
fn v6(text: &str) -> Option<Ipv6Addr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let (before, after) = text.split_once(":::")?;
    // Only before an embedded IPv4 address: elsewhere three colons were never grammar.
    if !after.contains('.') {
        return None;
    }
    let mut mended = [0; MAX_V6];
    let (head, tail) = mended.get_mut(..text.len() - 1)?.split_at_mut_checked(before.len())?;
    head.copy_from_slice(before.as_bytes());
    let (colons, tail) = tail.split_at_mut_checked(2)?;
    colons.copy_from_slice(b"::");
    tail.copy_from_slice(after.as_bytes());
    std::str::from_utf8(mended.get(..text.len() - 1)?).ok()?.parse().ok()
}

/// The end of the name at `from`, when it is one of the usual: of letters, digits, `-` and `.`, no
/// two of the latter side by side, and without a digit or a dot at its end. `None` says nothing,
/// nor does the end before a `_`.
#[inline]
pub(super) fn usual_name_end(text: &[u8], from: usize) -> Option<usize> {
    let mut at = from;
    // Whether the octet before is one of the two; so it is for the first.
    let mut before = 1;
    loop {
        let octets = Sixteen::at(text, at)?;
        let (joints, plain) = (octets.are_joints(), octets.plain());
        let behind_joint = joints << 1 | before;
        if joints & behind_joint & ((1 << plain) - 1) != 0 {
            return None;
        }
        at += plain;
        if plain < 16 {
            let is_usual = behind_joint >> plain & 1 == 0 && !text.get(at - 1)?.is_ascii_digit();
            return is_usual.then_some(at);
        }
        before = behind_joint >> 16;
    }
}

/// The length of the name that `text` begins with, and what its last label is; `None` when a label
/// is not well formed: empty, or with `-` at an end. One `.` may end a name.
pub(super) fn measure_name(text: &[u8]) -> Option<(usize, Kind)> {
    let mut before = DOT;
    let mut end = 0;
    while let Some(octet) = text.get(end) {
        let class = CLASSES[usize::from(*octet)];
        if class & (before >> 4) != 0 {
            return None;
        }
        if class == 0 {
            break;
        }
        before = class;
        end += 1;
    }
    let name = text.get(..end)?;
    // As far as the last label, without the dot of the root, with which no name ends in digits.
    let (labels, is_root) = match name.strip_suffix(b".") {
        Some(labels) => (labels, true),
        None => (name, false),
    };
    let is_digits = last_label_is_digits(labels);
    match (labels.last()?, is_digits, is_root) {
        (b'-', ..) | (_, true, true) => None,
        (_, true, false) => Some((end, Kind::V4)),
        (_, false, _) => Some((end, Kind::Name)),
    }
}

fn last_label_is_digits(labels: &[u8]) -> bool {
    let last = labels.iter().rev().find(|octet| !octet.is_ascii_digit());
    matches!(last, None | Some(b'.'))
}

/// The class of an octet of a name, and in the upper half the classes that may not follow.
const CLASSES: [u8; 256] = {
    let mut table = [0; 256];
    let mut octet = 0u8;
    while octet < 128 {
        table[octet as usize] = match octet {
            b'.' => DOT,
            b'-' => HYPHEN,
            b'_' => OTHER,
            _ if octet.is_ascii_alphanumeric() => OTHER,
            _ => 0,
        };
        octet += 1;
    }
    table
};

const OTHER: u8 = 1;
const HYPHEN: u8 = 2 | 4 << 4;
const DOT: u8 = 4 | (2 | 4) << 4;

/// `1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT "." 1*3DIGIT`, each at most 255 and without leading zeros.
fn v4(text: &[u8]) -> Option<Ipv4Addr> {
    let (address, length) = v4_prefix(text)?;
    (length == text.len()).then_some(address)
}

/// The address that `text` begins with, and its length, told in one pass since most hosts in
/// messages are one. `None` says nothing: what follows may make a name of it.
pub(super) fn v4_prefix(text: &[u8]) -> Option<(Ipv4Addr, usize)> {
    let (mut address, mut dots, mut length) = (0_u32, 0, 0);
    let mut part = None;
    for octet in text {
        part = match (octet, part) {
            (b'0'..=b'9', None) => Some(u32::from(octet - b'0')),
            // Behind a leading zero nothing may follow.
            (b'0'..=b'9', Some(value @ 1..=25)) => Some(value * 10 + u32::from(octet - b'0')),
            (b'.', Some(value @ 0..=255)) if dots < 3 => {
                address = address << 8 | value;
                dots += 1;
                None
            }
            _ if CLASSES[usize::from(*octet)] != 0 => return None,
            _ => break,
        };
        length += 1;
    }
    let last = part.filter(|value| dots == 3 && *value <= 255)?;
    Some((Ipv4Addr::from_bits(address << 8 | last), length))
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => write_v4(*address, f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
}

/// The general way to write a number costs ten times as much, and addresses are written in every
/// message.
fn write_v4(address: Ipv4Addr, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut text = [b'.'; 15];
    let mut end = 0;
    for (index, part) in address.octets().into_iter().enumerate() {
        end += usize::from(index > 0);
        for (least, unit) in [(100, 100), (10, 10), (0, 1)] {
            if part >= least {
                text[end] = b'0' + part / unit % 10;
                end += 1;
            }
        }
    }
    // Digits and dots.
    f.write_str(std::str::from_utf8(&text[..end]).unwrap_or_default())
}

impl PartialEq for Host<'_> {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => one.eq_ignore_ascii_case(other),
            (Self::V4(one), Self::V4(other)) => one == other,
            (Self::V6(one), Self::V6(other)) => one == other,
            _ => false,
        }
    }
}

impl Eq for Host<'_> {}

impl Hash for Host<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        match self {
            Self::Name(name) => {
                for octet in name.bytes() {
                    state.write_u8(octet.to_ascii_lowercase());
                }
                state.write_u8(0xff);
            }
            Self::V4(address) => address.hash(state),
            Self::V6(address) => address.hash(state),
        }
    }
}

impl From<IpAddr> for Host<'_> {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn v6_of(text: &str) -> Option<Ipv6Addr> {
        match Host::parse(text) {
            Ok(Host::V6(address)) => Some(address),
            _ => None,
        }
    }

    #[test]
    fn an_ipv6_address_stands_in_brackets_rfc5118_4_1_4_2() {
        assert_eq!(v6_of("[2001:db8::10]"), "2001:db8::10".parse().ok());
        assert!(Host::parse("2001:db8::10").is_err());
        assert!(Host::parse("[2001:db8::10").is_err());
        assert!(Host::parse("[2001:db8::10%25eth0]").is_err());
        assert!(Host::parse("[]").is_err());
    }

    #[test]
    fn a_port_inside_the_brackets_is_part_of_the_address_rfc5118_4_3() {
        assert_eq!(v6_of("[2001:db8::10:5070]"), "2001:db8::10:5070".parse().ok());
    }

    #[test]
    fn an_ipv4_mapped_address_is_an_ipv6_address_rfc5118_4_9() {
        assert_eq!(v6_of("[::ffff:192.0.2.10]"), "::ffff:192.0.2.10".parse().ok());
    }

    #[test]
    fn a_third_colon_before_an_ipv4_address_is_tolerated_rfc5118_4_10() {
        let meant = v6_of("[2001:db8::192.0.2.1]");
        assert!(meant.is_some());
        assert_eq!(v6_of("[2001:db8:::192.0.2.1]"), meant);
        assert_eq!(
            Host::parse("[2001:db8:::192.0.2.1]").map(|host| host.to_string()),
            Ok("[2001:db8::c000:201]".to_owned())
        );
        assert_eq!(v6_of("[2001:db8:::1]"), None);
        assert_eq!(v6_of("[2001:db8::::192.0.2.1]"), None);
        assert_eq!(v6_of("[:::192.0.2.1]"), "::192.0.2.1".parse().ok());
    }

    #[test]
    fn host_names_compare_without_regard_to_case_rfc3261_19_1_4() {
        assert_eq!(Host::parse("AtLanTa.CoM"), Host::parse("atlanta.com"));
        assert_ne!(Host::parse("192.0.2.4"), Ok(Host::Name("192.0.2.4")));
    }

    #[test]
    fn labels_are_not_empty_and_do_not_end_in_a_hyphen_rfc3261_25_1() {
        for good in ["a", "a.b.", "xn--a.example", "3f2a1b4e", "a_b.example.com", "1.example"] {
            assert!(matches!(Host::parse(good), Ok(Host::Name(_))), "{good}");
        }
        for bad in ["", ".", "..", "a..b", ".a", "a..", "-a", "a-", "a-.b", "a.-b", "a%41", "a b"] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn every_octet_of_an_address_is_written_as_the_library_writes_it() {
        for octet in 0..=255 {
            for address in [Ipv4Addr::new(octet, 0, 9, octet), Ipv4Addr::new(10, octet, 255, 1)] {
                assert_eq!(Host::V4(address).to_string(), address.to_string());
            }
        }
    }

    #[test]
    fn a_last_label_of_digits_must_make_an_ipv4_address_rfc3261_25_1() {
        assert_eq!(Host::parse("192.0.2.4"), Ok(Host::V4(Ipv4Addr::new(192, 0, 2, 4))));
        for name in ["192.0.2.4.example", "192.0.2.4x", "192.0.2.4-x", "192.0.2.4_", "300.a"] {
            assert_eq!(Host::parse(name), Ok(Host::Name(name)));
        }
        for bad in ["2001", "192.0.2", "192.0.2.256", "192.0.2.4.", "a.1", "192.0.2.04"] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }
}
