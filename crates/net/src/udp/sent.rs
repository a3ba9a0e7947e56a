//! The datagrams sent last, to find the one that a report is about.

use std::collections::VecDeque;

use antiphon_core::flow::{Fault, Ticket};

use super::{Datagram, Report};

/// Datagrams remembered. An ICMP error comes within a round trip, in which a busy server sends a
/// few hundred requests; what is forgotten only means that a transaction waits for its timer.
const REMEMBERED: usize = 1024;

/// The last datagrams that somebody holds a ticket for.
#[derive(Debug, Default)]
pub(super) struct Sent(VecDeque<Datagram>);

impl Sent {
    pub(super) fn remember(&mut self, datagram: Datagram) {
        if datagram.ticket.is_none() {
            return;
        }
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(datagram);
    }

    /// Tells the tickets of the datagrams that went where the report says and begin as it quotes.
    /// A sender who does not see our datagrams cannot quote them, so a forged report finds nothing;
    /// one that quotes nothing is left to the timers for the same reason.
    pub(super) fn take_matching(
        &mut self,
        report: &Report,
        undelivered: &mut dyn FnMut(Ticket, Fault),
    ) {
        if report.quoted.is_empty() {
            return;
        }
        self.0.retain(|datagram| {
            let matches =
                datagram.remote == report.remote && datagram.octets.starts_with(&report.quoted);
            match datagram.ticket {
                Some(ticket) if matches => undelivered(ticket, report.fault),
                _ => {}
            }
            !matches
        });
    }
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use bytes::Bytes;

    use super::*;

    fn datagram(remote: &str, octets: &'static [u8], ticket: u64) -> Datagram {
        let remote = remote.parse().unwrap();
        let (source, ticket) = (None, Some(Ticket(ticket)));
        Datagram { remote, source, octets: Bytes::from_static(octets), ticket }
    }

    fn told(sent: &mut Sent, remote: &str, quoted: &[u8]) -> Vec<u64> {
        let remote: SocketAddr = remote.parse().unwrap();
        let report = Report { remote, fault: Fault::Refused, quoted: quoted.to_vec() };
        let mut told = Vec::new();
        sent.take_matching(&report, &mut |ticket, _| told.push(ticket.0));
        told
    }

    #[test]
    fn a_report_finds_the_datagram_it_quotes_once_rfc3261_18_4() {
        let mut sent = Sent::default();
        sent.remember(datagram("192.0.2.1:5060", b"INVITE branch=a", 1));
        sent.remember(datagram("192.0.2.1:5060", b"INVITE branch=b", 2));
        sent.remember(datagram("192.0.2.2:5060", b"INVITE branch=b", 3));
        assert_eq!(told(&mut sent, "192.0.2.1:5060", b"INVITE branch=b"), [2]);
        assert_eq!(told(&mut sent, "192.0.2.1:5060", b"INVITE branch=b"), []);
        assert_eq!(told(&mut sent, "192.0.2.1:5061", b"INVITE"), []);
        assert_eq!(told(&mut sent, "192.0.2.1:5060", b"INVITE"), [1]);
    }

    #[test]
    fn a_report_that_quotes_nothing_finds_nothing() {
        let mut sent = Sent::default();
        sent.remember(datagram("192.0.2.1:5060", b"INVITE", 1));
        assert_eq!(told(&mut sent, "192.0.2.1:5060", b""), []);
    }

    #[test]
    fn only_the_last_are_remembered() {
        let mut sent = Sent::default();
        for ticket in 0..2000 {
            sent.remember(datagram("192.0.2.1:5060", b"INVITE", ticket));
        }
        assert_eq!(told(&mut sent, "192.0.2.1:5060", b"INVITE").len(), REMEMBERED);
    }
}
