//! Why a reaction was not carried out: a limit, a fault of the response, or something missing here.

use std::fmt;
use std::time::Duration;

use antiphon_sip::HeaderName;

use super::Kind;
use super::challenge_fault::ChallengeFault;
use super::row::Key;

/// A reaction that was not carried out, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// What would have been done.
    pub kind: Kind,
    /// Why it was not.
    pub cause: Cause,
}

/// Why a reaction was not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A limit of the action or of security.
    Limit(Limit),
    /// The response lacks what it must carry.
    Fault(Fault),
    /// Something is missing here.
    Lack(Lack),
    /// None of the challenges can be answered.
    Challenges(Vec<ChallengeFault>),
}

/// A limit that kept from going on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Limit {
    /// Requests of one action.
    Requests(u8),
    /// Targets of one action.
    Targets(u8),
    /// 3xx one behind the other.
    RedirectDepth(u8),
    /// Servers of one request.
    Servers(u8),
    /// The bound of the row.
    Bound(Key),
    /// The wait that the response asks for is too long to be waited by itself.
    OneWait(Duration),
    /// All waits of the action together.
    AllWaits(Duration),
    /// The action ends before the wait does.
    TimeLeft(Duration),
    /// The next request would equal one that was sent before.
    NoProgress,
    /// Every Contact was tried before: a loop (RFC 3261 §8.1.3.4).
    NothingNew,
    /// sips: is never changed to sip: (RFC 5630 §5.1.1).
    SipsToSip,
    /// What was reached by TLS is not reached in the clear.
    ClearText,
    /// A proxy that is neither of the target's domain nor of the server that named it.
    ForeignProxy,
    /// Less protection: unencrypted, unsigned, RTP for SRTP.
    LessProtection,
    /// More disclosure: identity, location, privacy.
    MoreDisclosure,
    /// A mechanism weaker than the one in use.
    WeakerSecurity,
    /// An extension that the action cannot do without.
    Insisted,
    /// A Contact that is no place to send to: multicast, unspecified, loopback.
    NoPlace,
    /// The response did not come from where the request went.
    Stranger,
    /// Redirects are not followed.
    NotFollowed,
}

/// What is wrong with a response.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// The header field.
    pub header: HeaderName,
    /// What is wrong with it.
    pub kind: FaultKind,
}

/// How a header field of a response is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FaultKind {
    /// It is not there.
    Missing,
    /// It leaves its grammar.
    Malformed,
    /// Its value is larger than anything sensible.
    Excessive,
    /// What it asks for is the case already.
    Useless,
    /// There are several where one is meant.
    Several,
}

/// What is missing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Lack {
    /// Another form of the body, or a smaller one.
    OtherBody,
    /// Another offer that both sides could take.
    OtherOffer,
    /// A key to sign with.
    Key,
    /// Another way to sign.
    Signature,
    /// A token that proves who referred (RFC 3892 §5).
    ReferralToken,
    /// The extension that the server needs.
    Extension,
    /// A mechanism that both sides know.
    Mechanism,
    /// A priority the person is entitled to.
    Priority,
    /// A domain to which a number could be sent.
    Domain,
    /// The person's word.
    Word,
    /// A further server.
    Server,
    /// The state to be published.
    Publication,
    /// A key to decrypt for the other side.
    Encryption,
    /// The request is not one that this reaction is for.
    Occasion,
    /// Something left to take out.
    Ballast,
}

impl Fault {
    pub(super) const fn missing(header: HeaderName) -> Self {
        Self { header, kind: FaultKind::Missing }
    }

    pub(super) const fn malformed(header: HeaderName) -> Self {
        Self { header, kind: FaultKind::Malformed }
    }

    pub(super) const fn useless(header: HeaderName) -> Self {
        Self { header, kind: FaultKind::Useless }
    }

    pub(super) const fn excessive(header: HeaderName) -> Self {
        Self { header, kind: FaultKind::Excessive }
    }
}

impl From<Limit> for Cause {
    fn from(limit: Limit) -> Self {
        Self::Limit(limit)
    }
}

impl From<Fault> for Cause {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<Lack> for Cause {
    fn from(lack: Lack) -> Self {
        Self::Lack(lack)
    }
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was not done: {}", self.kind, self.cause)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Limit(limit) => limit.fmt(f),
            Self::Fault(fault) => fault.fmt(f),
            Self::Lack(lack) => lack.fmt(f),
            Self::Challenges(faults) => {
                for (index, fault) in faults.iter().enumerate() {
                    if index > 0 {
                        f.write_str("; ")?;
                    }
                    fault.fmt(f)?;
                }
                Ok(())
            }
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Requests(limit) => write!(f, "{limit} requests were sent, which is the limit"),
            Self::Targets(limit) => write!(f, "{limit} targets are the limit"),
            Self::RedirectDepth(limit) => {
                write!(f, "{limit} redirects behind each other are the limit")
            }
            Self::Servers(limit) => write!(f, "{limit} servers were tried, which is the limit"),
            Self::Bound(key) => write!(f, "it was done as often as {key} allows"),
            Self::OneWait(wait) => {
                write!(f, "a wait of {} s is too long to be waited here", wait.as_secs())
            }
            Self::AllWaits(limit) => {
                write!(f, "all waits together would be longer than {} s", limit.as_secs())
            }
            Self::TimeLeft(left) => {
                write!(f, "only {} s are left, less than the wait", left.as_secs())
            }
            Self::NoProgress => f.write_str("the next request would equal an earlier one"),
            Self::NothingNew => f.write_str("every address it names was tried before"),
            Self::SipsToSip => f.write_str("a sips: address is never changed to sip:"),
            Self::ClearText => f.write_str("what was reached by TLS is not reached in the clear"),
            Self::ForeignProxy => {
                f.write_str("the proxy it names is neither its own nor of the called domain")
            }
            Self::LessProtection => f.write_str("it would protect less"),
            Self::MoreDisclosure => f.write_str("it would disclose more"),
            Self::WeakerSecurity => f.write_str("it would be weaker than what is in use"),
            Self::Insisted => f.write_str("the extension is what was asked for"),
            Self::NoPlace => f.write_str("the address it names is no place to send to"),
            Self::Stranger => f.write_str("the response came from elsewhere"),
            Self::NotFollowed => f.write_str("redirects are not followed"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let header = self.header;
        match self.kind {
            FaultKind::Missing => write!(f, "the response has no {header}"),
            FaultKind::Malformed => write!(f, "the {header} of the response cannot be read"),
            FaultKind::Excessive => write!(f, "the {header} of the response is beyond all sense"),
            FaultKind::Useless => {
                write!(f, "the {header} of the response asks for nothing that could be changed")
            }
            FaultKind::Several => write!(f, "the response has more than one {header}"),
        }
    }
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OtherBody => "there is no other form of the body that would do",
            Self::OtherOffer => "there is no other offer that would do",
            Self::Key => "there is no key here to sign it with",
            Self::Signature => "there is no other way to sign it here",
            Self::ReferralToken => "a Referred-By token (RFC 3892) cannot be made here",
            Self::Extension => "the extension is not implemented here, or not allowed",
            Self::Mechanism => "there is no mechanism that both sides know",
            Self::Priority => "there is no priority that it knows and the person is entitled to",
            Self::Domain => "no domain is known to which the number could be sent",
            Self::Word => "it needs the person's word",
            Self::Server => "there is no other server",
            Self::Publication => "the state to be published is not at hand",
            Self::Encryption => "it cannot be encrypted for the other side here",
            Self::Occasion => "the request is not one that it is for",
            Self::Ballast => "nothing is left that could be taken out",
        })
    }
}
