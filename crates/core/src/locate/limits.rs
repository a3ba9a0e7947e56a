//! How much of what the DNS says is looked at. Whoever runs a zone decides on its records, so
//! nothing may grow with them.

use std::time::Duration;

/// How long the connection to one address of a host is waited for before another is tried, the first
/// time (RFC 8305 §8: the Connection Attempt Delay), and twice as long each further time.
pub(super) const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// How often an address is left for another of its host before its connection is waited for: until
/// then they have had as long as one connection may take to be made.
pub(super) const MOST_DELAYS: u8 = 3;

/// Records of one answer that are looked at: more than a DNS message of 64 KiB holds of those that
/// lead anywhere.
pub(super) const MAX_RECORDS: usize = 2048;

/// NAPTR services that are tried until one has SRV records: one for each transport spoken here.
pub(super) const MAX_SERVICES: usize = 5;

/// Hosts of a service whose addresses are asked for, best first. As many as servers: the others
/// would never be reached.
pub(super) const MAX_HOSTS: usize = MAX_SERVERS;

/// Addresses of one host and family that are kept: one more than servers, so that it is known when
/// there were more.
pub(super) const MAX_ADDRESSES: usize = MAX_SERVERS + 1;

/// Servers that are tried for one request. They share the time of one transaction, 64*T1, and
/// each needs some of it: with eight a silent one has 4 s, so that three retransmissions reach it
/// and a server that is merely slow has said 100 (RFC 4320 §4.1 lets it take 3.5 s). More would
/// only make failures pile up from hop to hop.
pub const MAX_SERVERS: usize = 8;
