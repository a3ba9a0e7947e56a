//! Capture files, read back with the libraries that others would read them with.

#![expect(clippy::expect_used, reason = "a test that is set up wrongly ends with a panic")]

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_sip::Transport;
use antiphon_trace::pcapng::WriteError;
use antiphon_trace::{PcapngWriter, Record};
use etherparse::{NetSlice, SlicedPacket, TransportSlice};
use pcap_file::DataLink;
use pcap_file::pcapng::{Block, PcapNgReader};

const OPTIONS: &str = "OPTIONS sip:bob@192.0.2.2 SIP/2.0\r\nContent-Length: 0\r\n\r\n";

fn record(micros: u64, from: &str, to: &str, transport: Transport, octets: &[u8]) -> Record {
    let address = |text: &str| -> SocketAddr { text.parse().expect("an address") };
    let at = Time::from_secs(1_767_225_600) + Duration::from_micros(micros);
    Record::new(at, address(from), address(to), transport, octets.to_vec())
}

struct Packet {
    link: DataLink,
    timestamp: Duration,
    data: Vec<u8>,
}

fn write(records: &[Record]) -> Vec<u8> {
    let mut writer = PcapngWriter::new(Vec::new()).expect("a file in memory");
    for record in records {
        writer.write(record).expect("a record that fits");
    }
    writer.into_inner()
}

fn read(file: &[u8]) -> Vec<Packet> {
    let mut reader = PcapNgReader::new(file).expect("a section header");
    let mut links = Vec::new();
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.expect("a well-formed block") {
            Block::InterfaceDescription(interface) => links.push(interface.linktype),
            Block::EnhancedPacket(packet) => packets.push(Packet {
                link: links[usize::try_from(packet.interface_id).expect("a small number")],
                timestamp: packet.timestamp,
                data: packet.data.to_vec(),
            }),
            _ => {}
        }
    }
    packets
}

#[test]
fn a_datagram_stands_in_an_ip_packet_with_right_checksums() {
    for (from, to) in
        [("192.0.2.1:5060", "192.0.2.2:5070"), ("[2001:db8::1]:5060", "[2001:db8::2]:5070")]
    {
        let sent = record(1_500_001, from, to, Transport::Udp, OPTIONS.as_bytes());
        let packets = read(&write(std::slice::from_ref(&sent)));
        let [packet] = &packets[..] else { panic!("one packet") };
        assert_eq!(packet.link, DataLink::RAW);
        assert_eq!(packet.timestamp, Duration::new(1_767_225_601, 500_001_000));
        let sliced = SlicedPacket::from_ip(&packet.data).expect("an IP packet");
        let Some(TransportSlice::Udp(udp)) = sliced.transport else { panic!("UDP") };
        assert_eq!((udp.source_port(), udp.destination_port()), (5060, 5070));
        assert_eq!(udp.payload(), OPTIONS.as_bytes());
        let checksum = match sliced.net {
            Some(NetSlice::Ipv4(ip)) => {
                let header = ip.header().to_header();
                assert_eq!(header.header_checksum, header.calc_header_checksum());
                udp.to_header().calc_checksum_ipv4(&header, udp.payload())
            }
            Some(NetSlice::Ipv6(ip)) => {
                udp.to_header().calc_checksum_ipv6(&ip.header().to_header(), udp.payload())
            }
            _ => panic!("IP"),
        };
        assert_eq!(udp.checksum(), checksum.expect("a short datagram"));
    }
}

#[test]
fn a_connection_has_a_handshake_and_running_sequence_numbers() {
    let long = vec![b'x'; 5000];
    let (alice, bob) = ("192.0.2.1:49152", "192.0.2.2:5060");
    let packets = read(&write(&[
        record(0, alice, bob, Transport::Tcp, OPTIONS.as_bytes()),
        record(10, bob, alice, Transport::Tcp, &long),
        record(20, alice, bob, Transport::Tcp, b"\r\n\r\n"),
    ]));
    let mut next: BTreeMap<u16, u32> = BTreeMap::new();
    let mut streams: BTreeMap<u16, Vec<u8>> = BTreeMap::new();
    let mut flags = Vec::new();
    for packet in &packets {
        let sliced = SlicedPacket::from_ip(&packet.data).expect("an IP packet");
        let Some(TransportSlice::Tcp(tcp)) = sliced.transport else { panic!("TCP") };
        let Some(NetSlice::Ipv4(ip)) = sliced.net else { panic!("IPv4") };
        let checksum = tcp.calc_checksum_ipv4(ip.header().source(), ip.header().destination());
        assert_eq!(tcp.checksum(), checksum.expect("a short segment"));
        let from = tcp.source_port();
        let expected = *next.entry(from).or_insert(0);
        assert_eq!(tcp.sequence_number(), expected);
        if tcp.ack() {
            let other = if from == 5060 { 49152 } else { 5060 };
            assert_eq!(tcp.acknowledgment_number(), next[&other]);
        }
        let length = u32::try_from(tcp.payload().len()).expect("a short segment");
        next.insert(from, expected + length + u32::from(tcp.syn()));
        streams.entry(from).or_default().extend(tcp.payload());
        flags.push((tcp.syn(), tcp.ack()));
    }
    assert_eq!(flags[..3], [(true, false), (true, true), (false, true)]);
    assert!(flags[3..].iter().all(|flags| *flags == (false, true)));
    assert_eq!(streams[&49152], [OPTIONS.as_bytes(), b"\r\n\r\n"].concat());
    assert_eq!(streams[&5060], long);
}

#[test]
fn a_message_of_a_web_socket_stands_alone_behind_tags_with_its_addresses() {
    let sent = record(0, "192.0.2.1:49152", "192.0.2.2:443", Transport::Wss, OPTIONS.as_bytes());
    let packets = read(&write(&[sent]));
    let [packet] = &packets[..] else { panic!("one packet") };
    assert_eq!(packet.link, DataLink::WIRESHARK_UPPER_PDU);
    let tags: &[&[u8]] = &[
        b"\x00\x0c\x00\x04sip\x00",
        b"\x00\x14\x00\x04\xc0\x00\x02\x01",
        b"\x00\x15\x00\x04\xc0\x00\x02\x02",
        b"\x00\x18\x00\x04\x00\x00\x00\x02",
        b"\x00\x19\x00\x04\x00\x00\xc0\x00",
        b"\x00\x1a\x00\x04\x00\x00\x01\xbb",
        b"\x00\x00\x00\x00",
    ];
    assert_eq!(packet.data, [&tags.concat(), OPTIONS.as_bytes()].concat());
}

#[test]
fn a_file_without_web_sockets_has_one_link_type() {
    let (alice, bob) = ("192.0.2.1:5060", "192.0.2.2:5060");
    let udp = record(0, alice, bob, Transport::Udp, OPTIONS.as_bytes());
    let wss = record(0, alice, bob, Transport::Wss, OPTIONS.as_bytes());
    let links = |records: &[Record]| -> Vec<DataLink> {
        read(&write(records)).iter().map(|packet| packet.link).collect()
    };
    let tls = record(0, alice, bob, Transport::Tls, b"x");
    // A handshake, the octet, its acknowledgement.
    assert_eq!(links(&[udp.clone(), tls]), [DataLink::RAW; 6]);
    let both = [DataLink::WIRESHARK_UPPER_PDU, DataLink::RAW, DataLink::WIRESHARK_UPPER_PDU];
    assert_eq!(links(&[wss.clone(), udp, wss]), both);
}

#[test]
fn what_fits_into_no_packet_is_left_out() {
    let (alice, bob) = ("192.0.2.1:5060", "192.0.2.2:5060");
    let mut writer = PcapngWriter::new(Vec::new()).expect("a file in memory");
    let long = record(0, alice, bob, Transport::Udp, &vec![b'x'; 65_508]);
    assert!(matches!(writer.write(&long), Err(WriteError::TooLong)));
    let long = record(0, alice, bob, Transport::Wss, &vec![b'x'; 262_144]);
    assert!(matches!(writer.write(&long), Err(WriteError::TooLong)));
    let astray = record(0, alice, "[2001:db8::1]:5060", Transport::Tcp, b"x");
    assert!(matches!(writer.write(&astray), Err(WriteError::Families)));
    writer.write(&record(0, alice, bob, Transport::Udp, b"x")).expect("others follow");
    assert_eq!(read(&writer.into_inner()).len(), 1);
}
