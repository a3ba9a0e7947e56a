//! Messages and times for the tests of the machines.

use std::time::Duration;

use antiphon_sip::Request;
use bytes::Bytes;

use super::{Timing, parse_own};
use crate::endpoint::Intervals;
use crate::time::Time;

/// The To of a response.
pub(super) const TO: &str = "<sip:bob@biloxi.example>;tag=99sa0xk";

const INVITE: &str = "INVITE sip:bob@biloxi.example SIP/2.0\r\n\
    Via: SIP/2.0/UDP pc33.atlanta.example;branch=z9hG4bKkjshdyff\r\n\
    Via: SIP/2.0/UDP below.example;branch=z9hG4bKbelow\r\n\
    Route: <sip:p1.example;lr>, <sip:p2.example;lr>\r\n\
    To: <sip:bob@biloxi.example>\r\n\
    From: Alice <sip:alice@atlanta.example>;tag=88sja8x\r\n\
    Route: <sip:p3.example;lr>\r\n\
    Max-Forwards: 69\r\n\
    Require: 100rel\r\n\
    Timestamp: 54.2\r\n\
    Call-ID: 987asjd97y7atg\r\n\
    CSeq: 986759 INVITE\r\n\
    Content-Length: 0\r\n\r\n";

/// An INVITE as sent.
pub(super) fn invite() -> Bytes {
    Bytes::from_static(INVITE.as_bytes())
}

/// A BYE as sent.
pub(super) fn bye() -> Bytes {
    Bytes::from(INVITE.replace("INVITE", "BYE"))
}

/// The request in octets.
pub(super) fn request(octets: &Bytes) -> Box<Request> {
    Box::new(parse_own(octets).unwrap())
}

/// Milliseconds after the start.
pub(super) fn at(millis: u64) -> Time {
    Time::from_secs(1_000_000) + Duration::from_millis(millis)
}

/// The intervals of the RFC with another T1, in milliseconds.
pub(super) fn intervals(t1: u64) -> Intervals {
    Intervals { t1: Duration::from_millis(t1), ..Intervals::default() }
}

/// Over UDP.
pub(super) fn unreliable() -> Timing {
    Timing::new(Intervals::default(), false)
}

/// Over a stream.
pub(super) fn reliable() -> Timing {
    Timing::new(Intervals::default(), true)
}

/// The text of octets.
pub(super) fn text(octets: &Bytes) -> &str {
    std::str::from_utf8(octets).unwrap()
}
