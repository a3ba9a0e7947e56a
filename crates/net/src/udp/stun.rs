//! The part of a STUN server that a SIP server has on its UDP ports (RFC 5626 §8): it answers
//! Binding requests with the address they came from (RFC 8489).
//!
//! Why no library: docs/decisions/0007-tls.md.

use std::net::{IpAddr, SocketAddr};

use bytes::{BufMut, Bytes, BytesMut};

/// Stands in every message (RFC 8489 §5).
const COOKIE: u32 = 0x2112_a442;

/// Type, length, cookie and transaction (RFC 8489 §5).
const HEADER: usize = 20;

const BINDING_REQUEST: u16 = 0x0001;
const BINDING_SUCCESS: u16 = 0x0101;
const BINDING_ERROR: u16 = 0x0111;

const ERROR_CODE: u16 = 0x0009;
const UNKNOWN_ATTRIBUTES: u16 = 0x000a;
const XOR_MAPPED_ADDRESS: u16 = 0x0020;

/// Attributes that must be understood: of those, the ones that this usage may ignore
/// (RFC 8489 §18.3), since nobody has to sign in for a keep-alive.
const UNDERSTOOD: &[u16] = &[
    0x0001, // MAPPED-ADDRESS
    0x0006, // USERNAME
    0x0008, // MESSAGE-INTEGRITY
    ERROR_CODE,
    UNKNOWN_ATTRIBUTES,
    0x0014, // REALM
    0x0015, // NONCE
    0x001c, // MESSAGE-INTEGRITY-SHA256
    0x001d, // PASSWORD-ALGORITHM
    0x001e, // USERHASH
    XOR_MAPPED_ADDRESS,
];

/// From this number on, attributes may be ignored (RFC 8489 §14).
const OPTIONAL: u16 = 0x8000;

/// What a datagram is, and what to do with it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Datagram {
    /// A request, with its answer.
    Request(Bytes),
    /// What a request of ours was answered, with its transaction: the address that we are seen at;
    /// `None` after an error.
    Answer(Vec<u8>, Option<SocketAddr>),
    /// STUN, but nothing to answer.
    Other,
    /// No STUN: SIP, or nothing at all.
    NotStun,
}

/// Tells STUN from SIP: the first two bits of STUN are zero, where SIP has a letter
/// (RFC 5626 §8), and the cookie stands where it belongs.
pub(crate) fn read(octets: &[u8], source: SocketAddr) -> Datagram {
    let first_bits = octets.first().map(|octet| octet >> 6);
    let cookie = octets.get(4..8);
    let Some(transaction) = octets.get(8..HEADER) else { return Datagram::NotStun };
    if first_bits != Some(0) || cookie != Some(&COOKIE.to_be_bytes()) {
        return Datagram::NotStun;
    }
    match u16_at(octets, 0) {
        Some(BINDING_REQUEST) => {}
        Some(BINDING_SUCCESS) => {
            let seen = mapped(octets, transaction);
            let answer = |seen| Datagram::Answer(transaction.to_vec(), Some(seen));
            return seen.map_or(Datagram::Other, answer);
        }
        Some(BINDING_ERROR) => return Datagram::Answer(transaction.to_vec(), None),
        _ => return Datagram::Other,
    }
    match unknown_attributes(octets) {
        None => Datagram::Other,
        Some(unknown) if unknown.is_empty() => Datagram::Request(success(transaction, source)),
        Some(unknown) => Datagram::Request(refusal(transaction, &unknown)),
    }
}

fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    let two = octets.get(at..at.checked_add(2)?)?;
    two.try_into().ok().map(u16::from_be_bytes)
}

/// The attributes that should be understood and are not; `None` when the lengths do not fit
/// together (RFC 8489 §6.3).
fn unknown_attributes(octets: &[u8]) -> Option<Vec<u16>> {
    let mut rest = octets.get(HEADER..)?;
    if usize::from(u16_at(octets, 2)?) != rest.len() {
        return None;
    }
    let mut unknown = Vec::new();
    while !rest.is_empty() {
        let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        if kind < OPTIONAL && !UNDERSTOOD.contains(&kind) {
            unknown.push(kind);
        }
        // Each attribute ends on a multiple of four octets (RFC 8489 §14).
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
    Some(unknown)
}

/// XOR-MAPPED-ADDRESS (RFC 8489 §14.2): the source, disguised from those who rewrite addresses
/// wherever they see them.
fn success(transaction: &[u8], source: SocketAddr) -> Bytes {
    const IPV4: u8 = 1;
    const IPV6: u8 = 2;
    let [first, second, ..] = COOKIE.to_be_bytes();
    let mut value = BytesMut::with_capacity(20);
    value.put_u8(0);
    value.put_u8(if source.is_ipv4() { IPV4 } else { IPV6 });
    value.put_u16(source.port() ^ u16::from_be_bytes([first, second]));
    match source.ip() {
        IpAddr::V4(address) => value.put_u32(address.to_bits() ^ COOKIE),
        IpAddr::V6(address) => {
            let mask = COOKIE.to_be_bytes().into_iter().chain(transaction.iter().copied());
            value.extend(address.octets().into_iter().zip(mask).map(|(octet, mask)| octet ^ mask));
        }
    }
    message(BINDING_SUCCESS, transaction, &[(XOR_MAPPED_ADDRESS, &value)])
}

/// A request of ours (RFC 5626 §4.4.2).
pub(crate) fn request(transaction: &[u8; 12]) -> Bytes {
    message(BINDING_REQUEST, transaction, &[])
}

/// The address in XOR-MAPPED-ADDRESS.
fn mapped(octets: &[u8], transaction: &[u8]) -> Option<SocketAddr> {
    let mut rest = octets.get(HEADER..)?;
    loop {
        let (kind, length) = (u16_at(rest, 0)?, usize::from(u16_at(rest, 2)?));
        if kind == XOR_MAPPED_ADDRESS {
            return undisguised(rest.get(4..4 + length)?, transaction);
        }
        rest = rest.get(4 + length.next_multiple_of(4)..)?;
    }
}

fn undisguised(value: &[u8], transaction: &[u8]) -> Option<SocketAddr> {
    let mask = || COOKIE.to_be_bytes().into_iter().chain(transaction.iter().copied());
    let plain: Vec<u8> =
        value.get(4..)?.iter().zip(mask()).map(|(octet, mask)| octet ^ mask).collect();
    let [first, second, ..] = COOKIE.to_be_bytes();
    let port = u16_at(value, 2)? ^ u16::from_be_bytes([first, second]);
    let address = match plain.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(plain).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(plain).ok()?),
        _ => return None,
    };
    Some(SocketAddr::new(address, port))
}

/// 420 Unknown Attribute (RFC 8489 §6.3.1).
fn refusal(transaction: &[u8], unknown: &[u16]) -> Bytes {
    const CODE: &[u8] = b"\0\0\x04\x14Unknown Attribute";
    let list: Vec<u8> = unknown.iter().flat_map(|kind| kind.to_be_bytes()).collect();
    message(BINDING_ERROR, transaction, &[(ERROR_CODE, CODE), (UNKNOWN_ATTRIBUTES, &list)])
}

fn message(kind: u16, transaction: &[u8], attributes: &[(u16, &[u8])]) -> Bytes {
    let mut body = BytesMut::new();
    for (kind, value) in attributes {
        body.put_u16(*kind);
        // None is longer than the datagram whose answer it is.
        body.put_u16(u16::try_from(value.len()).unwrap_or(u16::MAX));
        body.put_slice(value);
        body.put_bytes(0, value.len().next_multiple_of(4) - value.len());
    }
    let mut out = BytesMut::with_capacity(HEADER + body.len());
    out.put_u16(kind);
    out.put_u16(u16::try_from(body.len()).unwrap_or(u16::MAX));
    out.put_u32(COOKIE);
    out.put_slice(transaction);
    out.put_slice(&body);
    out.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The transaction of the examples in RFC 5769 §2.
    const TRANSACTION: &[u8; 12] = b"\xb7\xe7\xa7\x01\xbc\x34\xd6\x86\xfa\x87\xdf\xae";

    fn request(attributes: &[(u16, &[u8])]) -> Vec<u8> {
        message(BINDING_REQUEST, TRANSACTION, attributes).to_vec()
    }

    fn answer(octets: &[u8], source: &str) -> Bytes {
        match read(octets, source.parse().unwrap()) {
            Datagram::Request(answer) => answer,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_binding_request_is_answered_with_its_source_rfc5626_8() {
        // The addresses and their disguise are those of RFC 5769 §2.2 and §2.3.
        let v4 = answer(&request(&[]), "192.0.2.1:32853");
        assert_eq!(v4.get(..8), Some(&b"\x01\x01\x00\x0c\x21\x12\xa4\x42"[..]));
        assert_eq!(v4.get(8..20), Some(&TRANSACTION[..]));
        assert_eq!(v4.get(20..), Some(&b"\x00\x20\x00\x08\x00\x01\xa1\x47\xe1\x12\xa6\x43"[..]));
        let v6 = answer(&request(&[]), "[2001:db8:1234:5678:11:2233:4455:6677]:32853");
        assert_eq!(
            v6.get(20..),
            Some(
                &b"\x00\x20\x00\x14\x00\x02\xa1\x47\
                   \x01\x13\xa9\xfa\xa5\xd3\xf1\x79\xbc\x25\xf4\xb5\xbe\xd2\xb9\xd9"[..]
            )
        );
    }

    #[test]
    fn the_address_in_an_answer_is_read_rfc8489_14_2() {
        for source in ["192.0.2.1:32853", "[2001:db8:1234:5678:11:2233:4455:6677]:32853"] {
            let octets = answer(&super::request(TRANSACTION), source);
            let seen = read(&octets, "192.0.2.9:3478".parse().unwrap());
            assert_eq!(seen, Datagram::Answer(TRANSACTION.to_vec(), source.parse().ok()));
        }
        let error = answer(&request(&[(0x7fff, b"")]), "192.0.2.1:1");
        let seen = read(&error, "192.0.2.9:3478".parse().unwrap());
        assert_eq!(seen, Datagram::Answer(TRANSACTION.to_vec(), None));
    }

    #[test]
    fn attributes_that_must_be_understood_are_refused_when_they_are_not_rfc8489_6_3_1() {
        let known = request(&[(0x8022, b"name"), (0x0006, b"user:name")]);
        assert_eq!(u16_at(&answer(&known, "192.0.2.1:1"), 0), Some(BINDING_SUCCESS));
        let unknown = request(&[(0x0003, b"abcd"), (0x8022, b"x"), (0x0024, b"efgh")]);
        let answer = answer(&unknown, "192.0.2.1:1");
        assert_eq!(u16_at(&answer, 0), Some(BINDING_ERROR));
        assert_eq!(answer.get(20..28), Some(&b"\x00\x09\x00\x15\x00\x00\x04\x14"[..]));
        assert!(answer.ends_with(b"\x00\x0a\x00\x04\x00\x03\x00\x24"));
        assert_eq!(unknown_attributes(&answer), Some(Vec::new()), "well formed");
    }

    #[test]
    fn sip_and_keep_alives_are_not_stun_rfc5626_8() {
        let source = "192.0.2.1:1".parse().unwrap();
        for octets in [
            &b""[..],
            b"\r\n\r\n",
            b"\x00\x01",
            b"OPTIONS sip:example.org SIP/2.0\r\n",
            b"\r\n\r\nOPTIONS sip:example.org SIP/2.0\r\n",
            b"\x00\x01\x00\x00\x00\x00\x00\x00............",
        ] {
            assert_eq!(read(octets, source), Datagram::NotStun, "{octets:?}");
        }
    }

    #[test]
    fn what_is_no_request_or_does_not_fit_is_not_answered_rfc8489_6_3() {
        let source = "192.0.2.1:1".parse().unwrap();
        let indication = message(0x0011, TRANSACTION, &[]);
        let success = message(BINDING_SUCCESS, TRANSACTION, &[]);
        let mut short = request(&[(0x0006, b"user")]);
        short.pop();
        let mut overlong = request(&[(0x0006, b"user")]);
        if let Some(octet) = overlong.get_mut(HEADER + 3) {
            *octet = 200;
        }
        for octets in [&indication[..], &success, &short, &overlong] {
            assert_eq!(read(octets, source), Datagram::Other, "{octets:?}");
        }
    }
}
