//! Messages without the packets that carried them, in the format that Wireshark calls exported
//! PDUs (LINKTYPE_WIRESHARK_UPPER_PDU): tags with the protocol and the addresses, an end tag, the
//! message. Each tag is a number and a length of sixteen bits and a value filled up to four
//! octets, all in network order.

use std::net::{IpAddr, SocketAddr};

use crate::record::Record;

/// The name of the dissector.
const DISSECTOR: u16 = 12;
const IPV4_SOURCE: u16 = 20;
const IPV4_DESTINATION: u16 = 21;
const IPV6_SOURCE: u16 = 22;
const IPV6_DESTINATION: u16 = 23;
const PORT_TYPE: u16 = 24;
const SOURCE_PORT: u16 = 25;
const DESTINATION_PORT: u16 = 26;

/// Among the port types: TCP. A dissector of SIP then takes the message as one of a stream.
const TCP: u32 = 2;

/// The message of a record behind its tags.
pub(super) fn packet(record: &Record) -> Vec<u8> {
    let mut packet = Vec::with_capacity(record.octets.len() + 80);
    tag(&mut packet, DISSECTOR, b"sip");
    address(&mut packet, record.from, IPV4_SOURCE, IPV6_SOURCE);
    address(&mut packet, record.to, IPV4_DESTINATION, IPV6_DESTINATION);
    tag(&mut packet, PORT_TYPE, &TCP.to_be_bytes());
    tag(&mut packet, SOURCE_PORT, &u32::from(record.from.port()).to_be_bytes());
    tag(&mut packet, DESTINATION_PORT, &u32::from(record.to.port()).to_be_bytes());
    // The end of the tags: number and length zero.
    packet.extend([0; 4]);
    packet.extend(&record.octets);
    packet
}

fn address(packet: &mut Vec<u8>, address: SocketAddr, ipv4: u16, ipv6: u16) {
    match address.ip() {
        IpAddr::V4(address) => tag(packet, ipv4, &address.octets()),
        IpAddr::V6(address) => tag(packet, ipv6, &address.octets()),
    }
}

/// Every value here is far shorter than 65,536 octets.
fn tag(packet: &mut Vec<u8>, number: u16, value: &[u8]) {
    let filled = value.len().next_multiple_of(4);
    packet.extend(number.to_be_bytes());
    packet.extend(u16::try_from(filled).unwrap_or_default().to_be_bytes());
    packet.extend(value);
    packet.resize(packet.len() + filled - value.len(), 0);
}
