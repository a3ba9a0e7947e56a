//! The PROXY protocol, versions 1 and 2: the address of a peer behind a load balancer
//! (<https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt>).

use std::net::SocketAddr;

use proxy_header::{ParseConfig, ProxyHeader};
use tokio::io::{AsyncRead, AsyncReadExt};

/// Version 2 begins with these octets (§2.2); no header of version 1 is shorter.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// The longest header of version 1 (§2.1).
const LONGEST_TEXT: usize = 107;

/// Octets that may follow the fixed part of version 2: addresses, and what load balancers add about
/// TLS. The protocol allows 65,535, which nobody needs.
const LONGEST_REST: usize = 2048;

/// No header, or one that cannot be read.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct NoHeader;

/// Reads the header and not one octet more, since TLS follows. Gives the source that it names:
/// `None` when the load balancer speaks for itself, to see whether we are alive.
pub(super) async fn source(
    stream: &mut (impl AsyncRead + Unpin),
) -> Result<Option<SocketAddr>, NoHeader> {
    let header = header(stream).await?;
    let config = ParseConfig { include_tlvs: false, ..ParseConfig::default() };
    let (header, _) = ProxyHeader::parse(&header, config).map_err(|_| NoHeader)?;
    Ok(header.proxied_address().map(|address| address.source))
}

async fn header(stream: &mut (impl AsyncRead + Unpin)) -> Result<Vec<u8>, NoHeader> {
    let mut header = vec![0; SIGNATURE.len()];
    stream.read_exact(&mut header).await.map_err(|_| NoHeader)?;
    if header == SIGNATURE {
        read(stream, &mut header, 4).await?;
        let length = match header.get(14..16) {
            Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
            _ => return Err(NoHeader),
        };
        if length > LONGEST_REST {
            return Err(NoHeader);
        }
        read(stream, &mut header, length).await?;
        return Ok(header);
    }
    if !header.starts_with(b"PROXY ") {
        return Err(NoHeader);
    }
    // Octet by octet, since only the end of the line tells where it is.
    while !header.ends_with(b"\r\n") {
        if header.len() >= LONGEST_TEXT {
            return Err(NoHeader);
        }
        read(stream, &mut header, 1).await?;
    }
    Ok(header)
}

/// Appends so many octets.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    header: &mut Vec<u8>,
    count: usize,
) -> Result<(), NoHeader> {
    let from = header.len();
    header.resize(from + count, 0);
    let into = header.get_mut(from..).ok_or(NoHeader)?;
    stream.read_exact(into).await.map_err(|_| NoHeader)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is read, and how much is left.
    fn read(octets: &[u8]) -> (Result<Option<SocketAddr>, NoHeader>, usize) {
        let mut rest = octets;
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let source = runtime.block_on(source(&mut rest));
        (source, rest.len())
    }

    fn v2(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    #[test]
    fn the_source_is_read_and_what_follows_stays() {
        let v4: SocketAddr = "192.0.2.7:5071".parse().unwrap();
        let v6: SocketAddr = "[2001:db8::7]:5071".parse().unwrap();
        let in_v4 = [&[192, 0, 2, 7, 198, 51, 100, 1][..], &5071_u16.to_be_bytes(), &[0x13, 0xc5]];
        let with_more = [&in_v4.concat()[..], &[0x04, 0, 2, 0, 0]].concat();
        for (header, source) in [
            (b"PROXY TCP4 192.0.2.7 198.51.100.1 5071 5061\r\n".to_vec(), Some(v4)),
            (b"PROXY TCP6 2001:db8::7 2001:db8::1 5071 5061\r\n".to_vec(), Some(v6)),
            (b"PROXY UNKNOWN\r\n".to_vec(), None),
            (v2(0x21, 0x11, &in_v4.concat()), Some(v4)),
            (v2(0x21, 0x11, &with_more), Some(v4)),
            (v2(0x20, 0x00, &[]), None),
        ] {
            let octets = [&header[..], b"OPTIONS"].concat();
            assert_eq!(read(&octets), (Ok(source), 7), "{:?}", header.escape_ascii().to_string());
        }
    }

    #[test]
    fn anything_else_is_no_header() {
        let endless = [&b"PROXY TCP4 "[..], &[b'1'; 200]].concat();
        for octets in [
            b"".to_vec(),
            b"PROXY".to_vec(),
            b"OPTIONS sip:bob@example.org SIP/2.0\r\n".to_vec(),
            b"PROXY TCP4 192.0.2.7 198.51.100.1 5071\r\n".to_vec(),
            b"PROXY TCP4 example.org 198.51.100.1 5071 5061\r\n".to_vec(),
            endless,
            v2(0x31, 0x11, &[0; 12]),
            v2(0x21, 0x11, &[0; 4]),
            v2(0x21, 0x11, &vec![0; LONGEST_REST + 1]),
        ] {
            assert_eq!(read(&octets).0, Err(NoHeader), "{:?}", octets.escape_ascii().to_string());
        }
    }
}
