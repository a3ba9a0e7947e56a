//! How the DNS is asked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The port of a DNS server (RFC 1035 §4.2).
const PORT: u16 = 53;

/// How the DNS is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DnsConfig {
    /// The servers, asked one after the other until one answers. Empty: those of the system.
    pub servers: Vec<SocketAddr>,
    /// How long one question may take in all; 4 s. With three questions one behind the other
    /// (NAPTR, SRV, addresses) a DNS that is dead is known to be dead within 12 s, well before a
    /// person gives up.
    pub timeout: Duration,
    /// Answers that are kept; 4,096, which at some hundred octets each are one or two megabytes. 0
    /// keeps none.
    pub cache: u32,
}

impl Default for DnsConfig {
    fn default() -> Self {
        Self { servers: Vec::new(), timeout: Duration::from_secs(4), cache: 4096 }
    }
}

impl DnsConfig {
    /// A server as it is typed: an address, with a port or without.
    #[must_use]
    pub fn server(text: &str) -> Option<SocketAddr> {
        let address = || text.trim_matches(['[', ']']).parse::<IpAddr>().ok();
        let server = text.parse().ok().or_else(|| Some(SocketAddr::new(address()?, PORT)));
        server.filter(|server| server.port() != 0 && !server.ip().is_unspecified())
    }

    /// How long one DNS server may take; then it, or the next one, is asked once more. Two of them
    /// end before the question does.
    pub(super) fn one_try(&self) -> Duration {
        self.timeout * 19 / 40
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_has_the_port_53_unless_it_says_another() {
        for (text, server) in [
            ("192.0.2.53", "192.0.2.53:53"),
            ("192.0.2.53:5353", "192.0.2.53:5353"),
            ("2001:db8::53", "[2001:db8::53]:53"),
            ("[2001:db8::53]", "[2001:db8::53]:53"),
            ("[2001:db8::53]:54", "[2001:db8::53]:54"),
        ] {
            assert_eq!(DnsConfig::server(text), server.parse().ok(), "{text}");
        }
        for wrong in ["", "dns.example.org", "192.0.2.53:", "192.0.2.53:0", "0.0.0.0", "1.2.3"] {
            assert_eq!(DnsConfig::server(wrong), None, "{wrong}");
        }
    }
}
