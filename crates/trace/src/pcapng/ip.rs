//! IP packets around what was sent.

use std::net::{IpAddr, SocketAddr};

use etherparse::{IpHeaders, PacketBuilder, PacketBuilderStep, TcpHeader};

use super::WriteError;

/// What most systems begin with.
const HOPS: u8 = 64;

/// The largest payload of a UDP datagram over IPv4: 65,535 less 20 and 8.
const LARGEST: usize = 65_507;

/// A packet with a UDP datagram.
pub(super) fn datagram(
    from: SocketAddr,
    to: SocketAddr,
    octets: &[u8],
) -> Result<Vec<u8>, WriteError> {
    if octets.len() > LARGEST {
        return Err(WriteError::TooLong);
    }
    let builder = header(from, to)?.udp(from.port(), to.port());
    let mut packet = Vec::with_capacity(builder.size(octets.len()));
    builder.write_to_vec(&mut packet, octets).map_err(|_| WriteError::TooLong)?;
    Ok(packet)
}

/// A packet with a TCP segment; the ports are in its header already.
pub(super) fn segment(
    from: SocketAddr,
    to: SocketAddr,
    tcp: TcpHeader,
    octets: &[u8],
) -> Result<Vec<u8>, WriteError> {
    let builder = header(from, to)?.tcp_header(tcp);
    let mut packet = Vec::with_capacity(builder.size(octets.len()));
    builder.write_to_vec(&mut packet, octets).map_err(|_| WriteError::TooLong)?;
    Ok(packet)
}

fn header(from: SocketAddr, to: SocketAddr) -> Result<PacketBuilderStep<IpHeaders>, WriteError> {
    match (from.ip(), to.ip()) {
        (IpAddr::V4(from), IpAddr::V4(to)) => {
            Ok(PacketBuilder::ipv4(from.octets(), to.octets(), HOPS))
        }
        (IpAddr::V6(from), IpAddr::V6(to)) => {
            Ok(PacketBuilder::ipv6(from.octets(), to.octets(), HOPS))
        }
        _ => Err(WriteError::Families),
    }
}
