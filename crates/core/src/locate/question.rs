//! What the DNS is asked, and what it answers.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One question.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Question {
    /// Which records are wanted.
    pub kind: RecordKind,
    /// Of which name, without the dot at its end.
    pub name: Box<str>,
}

/// The kinds of records that lead to a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RecordKind {
    /// Which transports a domain offers (RFC 3403).
    Naptr,
    /// Which hosts offer a service (RFC 2782).
    Srv,
    /// IPv4 addresses of a host.
    A,
    /// IPv6 addresses of a host.
    Aaaa,
}

/// The records, or why there are none.
pub type Answer = Result<Vec<Record>, Silence>;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// How long it holds, in seconds.
    pub ttl: u32,
    /// What it says.
    pub data: RecordData,
}

/// What a record says. Names have no dot at their end; the root is `.`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecordData {
    /// NAPTR.
    Naptr(Naptr),
    /// SRV.
    Srv(Srv),
    /// A.
    A(Ipv4Addr),
    /// AAAA.
    Aaaa(Ipv6Addr),
}

/// A naming authority pointer (RFC 3403 §4.1). Its texts are as they came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Naptr {
    /// Lower ones are looked at first; with one that fits the higher ones are not looked at.
    pub order: u16,
    /// Among those of one order, lower ones are better.
    pub preference: u16,
    /// What the replacement is: `s` for an SRV record.
    pub flags: Box<str>,
    /// The service, such as `SIP+D2U`.
    pub service: Box<str>,
    /// A rule of rewriting, which SIP does not use.
    pub regexp: Box<str>,
    /// The name to go on with.
    pub replacement: Box<str>,
}

/// A host of a service (RFC 2782).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Srv {
    /// Lower ones are tried first.
    pub priority: u16,
    /// The share among those of one priority.
    pub weight: u16,
    /// The port.
    pub port: u16,
    /// The host; `.` says that the service is not offered.
    pub target: Box<str>,
}

/// Why there are no records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Silence {
    /// There is no such name (NXDOMAIN).
    NoSuchName,
    /// There is the name, but no record of that kind.
    NoRecord,
    /// The DNS server answered that it cannot answer (SERVFAIL, REFUSED and the like).
    Failed,
    /// No DNS server answered in time.
    NoAnswer,
    /// An alias (CNAME) leads in a circle, or over more names than anybody follows.
    AliasLoop,
    /// The text is no name that the DNS could know.
    NoName,
    /// It was not asked: too many questions wait already.
    Busy,
}

impl Question {
    /// A question.
    #[must_use]
    pub fn new(kind: RecordKind, name: impl Into<Box<str>>) -> Self {
        Self { kind, name: name.into() }
    }
}

impl Record {
    /// The address in an A or AAAA record.
    #[must_use]
    pub const fn address(&self) -> Option<IpAddr> {
        match &self.data {
            RecordData::A(address) => Some(IpAddr::V4(*address)),
            RecordData::Aaaa(address) => Some(IpAddr::V6(*address)),
            RecordData::Naptr(_) | RecordData::Srv(_) => None,
        }
    }
}

impl RecordKind {
    /// The name of the kind, as zone files write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Naptr => "NAPTR",
            Self::Srv => "SRV",
            Self::A => "A",
            Self::Aaaa => "AAAA",
        }
    }
}

impl fmt::Display for RecordKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// As the data of a record stands in a zone file.
impl fmt::Display for RecordData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::A(address) => address.fmt(f),
            Self::Aaaa(address) => address.fmt(f),
            Self::Srv(Srv { priority, weight, port, target }) => {
                write!(f, "{priority} {weight} {port} {target}")
            }
            Self::Naptr(Naptr { order, preference, flags, service, regexp, replacement }) => {
                write!(
                    f,
                    "{order} {preference} \"{flags}\" \"{service}\" \"{regexp}\" {replacement}"
                )
            }
        }
    }
}

impl fmt::Display for Silence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoSuchName => "no such name (NXDOMAIN)",
            Self::NoRecord => "no such record",
            Self::Failed => "the DNS server failed",
            Self::NoAnswer => "no answer from the DNS",
            Self::AliasLoop => "its aliases (CNAME) lead in a circle",
            Self::NoName => "not a name of the DNS",
            Self::Busy => "not asked, too many questions wait",
        })
    }
}
