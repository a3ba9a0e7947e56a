//! `host = hostname / IPv4address / IPv6reference` (RFC 3261 §25.1, RFC 5954 §4.1).

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use crate::parse::scan::{Expected, Scanner, SyntaxError, as_str};

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
        if scanner.peek() == Some(b'[') { scan_v6(scanner) } else { scan_name_or_v4(scanner) }
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

fn scan_v6<'a>(scanner: &mut Scanner<'a>) -> Result<Host<'a>, SyntaxError> {
    let error = scanner.expected(Expected::Host);
    let inside = scanner.rest().get(1..).unwrap_or_default();
    let length = inside.iter().take(MAX_V6 + 1).position(|&octet| octet == b']').ok_or(error)?;
    let address = v6(inside.get(..length).unwrap_or_default()).ok_or(error)?;
    scanner.advance(length + 2);
    Ok(Host::V6(address))
}

/// Octets of the longest text of an IPv6 address, and one for the extra colon of [`v6`].
const MAX_V6: usize = 45 + 1;

/// The grammar of RFC 3261 lets `hexpart ":" IPv4address` begin with a `hexpart` that ends in
/// `::`, so old elements send `2001:db8:::192.0.2.1`. RFC 5118 §4.10 asks to understand it; the
/// third colon is left out, here and when the address is written.
fn v6(text: &[u8]) -> Option<Ipv6Addr> {
    if let Some(address) = address(text) {
        return Some(address);
    }
    let extra = text.windows(3).position(|colons| colons == b":::")?;
    let mut mended = [0; MAX_V6];
    let (before, after) = (text.get(..extra)?, text.get(extra + 1..)?);
    mended.get_mut(..extra)?.copy_from_slice(before);
    mended.get_mut(extra..text.len() - 1)?.copy_from_slice(after);
    // Only before an embedded IPv4 address: elsewhere three colons were never grammar.
    if !after.contains(&b'.') {
        return None;
    }
    address(mended.get(..text.len() - 1)?)
}

/// The standard library reads addresses from text only.
fn address<T: FromStr>(octets: &[u8]) -> Option<T> {
    std::str::from_utf8(octets).ok()?.parse().ok()
}

fn scan_name_or_v4<'a>(scanner: &mut Scanner<'a>) -> Result<Host<'a>, SyntaxError> {
    let error = scanner.expected(Expected::Host);
    let start = scanner.offset();
    let text = scanner.take_while(is_name_octet);
    match last_label(text).ok_or(error)? {
        Label::Digits => address(text).map(Host::V4).ok_or(error),
        Label::Name => Ok(Host::Name(as_str(text, start)?)),
    }
}

const fn is_name_octet(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'.' | b'_')
}

enum Label {
    Digits,
    Name,
}

/// What the last label of a name is; `None` when the labels are not well formed: empty, or with
/// `-` at an end. One `.` may end a name.
fn last_label(text: &[u8]) -> Option<Label> {
    let mut digits = true;
    let mut before = b'.';
    let (rooted, labels) = match text.split_last() {
        Some((b'.', labels)) => (true, labels),
        _ => (false, text),
    };
    for &octet in labels {
        match (before, octet) {
            (b'.', b'.' | b'-') | (b'-', b'.') => return None,
            (b'.', _) => digits = octet.is_ascii_digit(),
            (_, b'.') => {}
            _ => digits &= octet.is_ascii_digit(),
        }
        before = octet;
    }
    match before {
        // Nothing at all, or a name that ends in "..", or in "-".
        b'.' | b'-' => None,
        _ if digits && !rooted => Some(Label::Digits),
        _ if digits => None,
        _ => Some(Label::Name),
    }
}

impl fmt::Display for Host<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::V4(address) => address.fmt(f),
            Self::V6(address) => write!(f, "[{address}]"),
        }
    }
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
    fn a_last_label_of_digits_must_make_an_ipv4_address_rfc3261_25_1() {
        assert_eq!(Host::parse("192.0.2.4"), Ok(Host::V4(Ipv4Addr::new(192, 0, 2, 4))));
        for bad in ["2001", "192.0.2", "192.0.2.256", "192.0.2.4.", "a.1", "192.0.2.04"] {
            assert!(Host::parse(bad).is_err(), "{bad}");
        }
    }
}
