//! The addresses of one host, in the order in which they are tried.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use antiphon_sip::Transport;

use super::limits::{ATTEMPT_DELAY, MAX_ADDRESSES, MOST_DELAYS};
use super::question::{Answer, Record, RecordKind, Silence};
use super::reach::Reach;
use super::server::Server;

/// A host that offers the service.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) transport: Transport,
    pub(super) host: Box<str>,
    pub(super) port: u16,
    v6: Family,
    v4: Family,
    /// The family that the next address is of, if there is the choice (RFC 8305 §4).
    v4_is_next: bool,
    /// Addresses whose connections are being made while others were tried, and how often each has
    /// been left.
    slow: VecDeque<(IpAddr, u8)>,
    /// How often the address that was taken last has been left.
    times_left: u8,
}

/// The addresses of one family.
#[derive(Debug, Clone)]
enum Family {
    /// Not spoken here, or not asked for.
    Unwanted,
    /// Asked for.
    Open,
    /// Those that were not taken yet.
    Known(VecDeque<IpAddr>),
    /// There are none.
    Silent(Silence),
}

impl Place {
    /// A host whose addresses of these families are asked for.
    pub(super) fn new(transport: Transport, host: Box<str>, port: u16, reach: &Reach) -> Self {
        let family = |spoken| if spoken { Family::Open } else { Family::Unwanted };
        Self {
            transport,
            host,
            port,
            v6: family(reach.speaks_v6(transport)),
            v4: family(reach.speaks_v4(transport)),
            v4_is_next: false,
            slow: VecDeque::new(),
            times_left: 0,
        }
    }

    /// The kinds of records that are asked for. IPv6 first, so that of two answers that come
    /// together it is the first.
    pub(super) fn wanted(&self) -> impl Iterator<Item = RecordKind> {
        let open = |family: &Family, kind| matches!(family, Family::Open).then_some(kind);
        [open(&self.v6, RecordKind::Aaaa), open(&self.v4, RecordKind::A)].into_iter().flatten()
    }

    /// Takes the addresses of a family.
    pub(super) fn take(&mut self, kind: RecordKind, answer: &Answer, reach: &Reach) {
        let family = match kind {
            RecordKind::A => &mut self.v4,
            RecordKind::Aaaa => &mut self.v6,
            RecordKind::Naptr | RecordKind::Srv => return,
        };
        if !matches!(family, Family::Open) {
            return;
        }
        *family = match answer {
            Err(silence) => Family::Silent(*silence),
            Ok(records) => known(records, kind, |address| reach.fits(self.transport, *address)),
        };
    }

    /// The addresses that were left while their connections were being made.
    pub(super) fn left_behind(&self) -> impl Iterator<Item = Server> {
        let at = |(address, _): &(IpAddr, u8)| SocketAddr::new(*address, self.port);
        let server = |address| Server { transport: self.transport, address };
        self.slow.iter().map(at).map(server)
    }

    /// Whether a server may be one of this host.
    pub(super) fn is_of(&self, server: &Server) -> bool {
        (self.transport, self.port) == (server.transport, server.address.port())
    }

    /// Whether an answer is still to come.
    pub(super) const fn is_open(&self) -> bool {
        matches!(self.v6, Family::Open) || matches!(self.v4, Family::Open)
    }

    /// The next address: the families in turn, IPv6 first, so that a family that does not work costs
    /// one attempt and not all (RFC 8305 §4; RFC 7984 §4: never those of two hosts in turn). One
    /// that there is likely no way to comes behind.
    pub(super) fn next(&mut self, reach: &Reach) -> Option<IpAddr> {
        if let Some(fresh) = self.fresh(reach) {
            self.times_left = 0;
            return Some(fresh);
        }
        if self.is_open() {
            return None;
        }
        let (address, times_left) = self.slow.pop_front()?;
        self.times_left = times_left;
        Some(address)
    }

    /// Takes back the address that was given last: its turn comes again when all others have had
    /// theirs.
    pub(super) fn take_back(&mut self, address: IpAddr) {
        self.slow.push_back((address, self.times_left.saturating_add(1)));
    }

    /// How long the address that was given last is waited for before it is
    /// [taken back](Self::take_back); `None` for the only one, or when all have been waited for long
    /// enough.
    pub(super) fn attempt_delay(&self) -> Option<Duration> {
        // An answer that is still to come may name another.
        let has_others = self.left() > 0;
        let is_early = self.times_left < MOST_DELAYS;
        (has_others && is_early).then(|| ATTEMPT_DELAY * (1 << self.times_left))
    }

    fn fresh(&mut self, reach: &Reach) -> Option<IpAddr> {
        let fits = |address: IpAddr| reach.fits(self.transport, address);
        let takes_v4 = match (self.v6.first(), self.v4.first()) {
            (None, None) => return None,
            (Some(_), None) => false,
            (None, Some(_)) => true,
            (Some(v6), Some(v4)) if fits(v6) != fits(v4) => fits(v4),
            (Some(_), Some(_)) => self.v4_is_next,
        };
        self.v4_is_next = !takes_v4;
        if takes_v4 { self.v4.pop() } else { self.v6.pop() }
    }

    /// How many addresses were not taken yet; one while none is known.
    pub(super) fn left(&self) -> usize {
        let known = self.v6.left() + self.v4.left() + self.slow.len();
        if self.is_open() { known.max(1) } else { known }
    }

    /// Why it has no address: of two answers the one that says less about the host, as it may be
    /// the one that is in the way.
    pub(super) fn silence(&self) -> Silence {
        let said = |family: &Family| match family {
            Family::Silent(silence) => Some(*silence),
            _ => None,
        };
        let weight = |silence: &Silence| match silence {
            Silence::NoAnswer => 6,
            Silence::Busy => 5,
            Silence::Failed => 4,
            Silence::AliasLoop => 3,
            Silence::NoName => 2,
            Silence::NoSuchName => 1,
            Silence::NoRecord => 0,
        };
        let said = [said(&self.v6), said(&self.v4)].into_iter().flatten();
        said.max_by_key(weight).unwrap_or(Silence::NoRecord)
    }
}

impl Family {
    fn first(&self) -> Option<IpAddr> {
        match self {
            Self::Known(addresses) => addresses.front().copied(),
            _ => None,
        }
    }

    fn pop(&mut self) -> Option<IpAddr> {
        match self {
            Self::Known(addresses) => addresses.pop_front(),
            _ => None,
        }
    }

    fn left(&self) -> usize {
        match self {
            Self::Known(addresses) => addresses.len(),
            _ => 0,
        }
    }
}

/// The addresses of an answer, each once, those that there is likely a way to first.
fn known(records: &[Record], kind: RecordKind, fits: impl Fn(&IpAddr) -> bool) -> Family {
    let is_of_kind = |address: &IpAddr| address.is_ipv4() == (kind == RecordKind::A);
    let mut addresses: Vec<IpAddr> = Vec::new();
    for address in records.iter().filter_map(Record::address).filter(is_of_kind) {
        if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        return Family::Silent(Silence::NoRecord);
    }
    addresses.sort_by_key(|address| !fits(address));
    Family::Known(addresses.into())
}
