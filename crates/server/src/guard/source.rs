//! What is banned together: one IPv4 address, or the network of one IPv6 subscriber.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

/// Bits of an IPv6 address that name a link; whoever has one has all addresses on it, and can take
/// another for each request (RFC 4291 §2.5.4, RFC 7421).
const PREFIX: u32 = 64;

/// An address, or the 64-bit network of an IPv6 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The address; the lowest of a network.
    address: IpAddr,
    is_network: bool,
}

impl Source {
    /// The source that an address belongs to. Link-local addresses and the loopback stand for
    /// themselves: their networks are not one subscriber's.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V6(v6) if !v6.is_loopback() && !v6.is_unicast_link_local() => {
                let network = v6.to_bits() & !(u128::MAX >> PREFIX);
                Self { address: IpAddr::V6(Ipv6Addr::from_bits(network)), is_network: true }
            }
            address => Self { address, is_network: false },
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)?;
        if self.is_network { write!(f, "/{PREFIX}") } else { Ok(()) }
    }
}

/// Neither an address nor a network of 64 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SourceError;

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("must be an address such as 192.0.2.1 or a network such as 2001:db8::/64")
    }
}

impl std::error::Error for SourceError {}

impl FromStr for Source {
    type Err = SourceError;

    /// Reads an address, or what is displayed.
    fn from_str(text: &str) -> Result<Self, SourceError> {
        let (address, is_network) = match text.strip_suffix("/64") {
            Some(address) => (address, true),
            None => (text, false),
        };
        let source = Self::of(address.parse().map_err(|_| SourceError)?);
        if is_network && !source.is_network { Err(SourceError) } else { Ok(source) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_subscriber_is_one_source_and_each_ipv4_address_another() {
        let text = |address: &str| Source::of(address.parse().unwrap()).to_string();
        assert_eq!(text("192.0.2.1"), "192.0.2.1");
        assert_eq!(text("::ffff:192.0.2.1"), "192.0.2.1");
        assert_eq!(text("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(text("2001:db8:1:2::"), "2001:db8:1:2::/64");
        assert_eq!(text("fe80::1"), "fe80::1");
        assert_eq!(text("::1"), "::1");
    }

    #[test]
    fn what_is_displayed_is_read_again() {
        for text in ["192.0.2.1", "2001:db8:1:2::/64", "fe80::1", "::1"] {
            assert_eq!(text.parse::<Source>().unwrap().to_string(), text);
        }
        assert_eq!("2001:db8::7".parse::<Source>().unwrap().to_string(), "2001:db8::/64");
        for text in ["", "x", "192.0.2.0/24", "192.0.2.1/64", "2001:db8::/48", "fe80::/64"] {
            assert_eq!(text.parse::<Source>(), Err(SourceError), "{text}");
        }
    }
}
