//! How a set of bindings is written: a compact format of our own, because the fields are few, the
//! size counts a million times, and a format that says its version can be changed.
//!
//! ```text
//! 1 byte    format, 2
//! 8 bytes   version of the set, little endian
//! 8 bytes   when the first binding ends, microseconds, little endian
//! number    how many bindings, then each:
//!   text      contact URI          text  parameters
//!   number    q                    8 bytes  when it ends
//!   text      Call-ID              4 bytes  CSeq
//!   number    Path values, then each: text
//!   number    reg-id, 0 for none   8 bytes  when it was refreshed
//!   number    since when temporary GRUUs hold, microseconds
//!   1 byte    0, or 1 and the source: text transport, address remote, address local
//! ```
//! A number is written seven bits at a time, least first; a text is its length as a number and
//! UTF-8; an address is 4 or 6, the octets, the port, and for 6 the flow label and the scope.
//!
//! Format 1, which is read and not written, has no reg-id and no times but that of the end.
//!
//! What is read may have been damaged on disk: every length is checked against what is there, and
//! nothing is reserved on the word of a length.

mod read;
mod write;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6};

use antiphon_core::registrar::{Binding, BindingSet, Source};
use antiphon_core::time::Time;
use antiphon_sip::{Transport, UriBuf};

pub(crate) use read::Reader;
pub(crate) use write::Writer;

const FORMAT: u8 = 2;
/// Before there were flows (RFC 5626) and GRUUs (RFC 5627).
const FORMAT_1: u8 = 1;
const IPV4: u8 = 4;
const IPV6: u8 = 6;
const MAX_Q: u16 = 1000;

/// What is said about a set before its bindings, readable without reading them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) version: u64,
    /// When the first of the bindings ends.
    pub(crate) earliest: Time,
    /// How many bindings there are.
    pub(crate) count: u64,
}

/// The bytes are not what [`encode`] wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Garbled;

/// The bytes of a set.
pub(crate) fn encode(version: u64, bindings: &[Binding]) -> Vec<u8> {
    let earliest = bindings.iter().map(|binding| binding.expires).min().unwrap_or_default();
    let mut out = Writer::default();
    out.byte(FORMAT);
    out.fixed_u64(version);
    out.fixed_u64(earliest.as_micros());
    out.number(bindings.len() as u64);
    for binding in bindings {
        write_binding(&mut out, binding);
    }
    out.into_bytes()
}

/// The head of a set, without a look at its bindings.
pub(crate) fn head(bytes: &[u8]) -> Result<Head, Garbled> {
    read_head(&mut Reader::new(bytes)).map(|(_, head)| head)
}

/// A set from its bytes.
pub(crate) fn decode(bytes: &[u8]) -> Result<BindingSet, Garbled> {
    let mut input = Reader::new(bytes);
    let (format, head) = read_head(&mut input)?;
    let mut bindings = Vec::new();
    for _ in 0..head.count {
        bindings.push(read_binding(&mut input, format)?);
    }
    input.end()?;
    Ok(BindingSet { version: head.version, bindings })
}

fn read_head(input: &mut Reader<'_>) -> Result<(u8, Head), Garbled> {
    let format = input.byte()?;
    if !matches!(format, FORMAT | FORMAT_1) {
        return Err(Garbled);
    }
    let head = Head {
        version: input.fixed_u64()?,
        earliest: Time::from_micros(input.fixed_u64()?),
        count: input.number()?,
    };
    Ok((format, head))
}

fn write_binding(out: &mut Writer, binding: &Binding) {
    out.text(binding.contact.as_str());
    out.text(&binding.params);
    out.number(binding.q.into());
    out.fixed_u64(binding.expires.as_micros());
    out.text(&binding.call_id);
    out.fixed_u32(binding.cseq);
    out.number(binding.path.len() as u64);
    for value in &binding.path {
        out.text(value);
    }
    out.number(binding.reg_id.unwrap_or_default().into());
    out.fixed_u64(binding.refreshed.as_micros());
    out.number(binding.gruus_since.as_micros());
    match &binding.source {
        None => out.byte(0),
        Some(source) => {
            out.byte(1);
            write_source(out, source);
        }
    }
}

fn read_binding(input: &mut Reader<'_>, format: u8) -> Result<Binding, Garbled> {
    let mut binding = Binding {
        contact: UriBuf::parse(input.text()?).map_err(|_| Garbled)?,
        params: input.text()?.into(),
        q: u16::try_from(input.number()?).ok().filter(|q| *q <= MAX_Q).ok_or(Garbled)?,
        expires: Time::from_micros(input.fixed_u64()?),
        call_id: input.text()?.into(),
        cseq: input.fixed_u32()?,
        path: read_path(input)?,
        reg_id: None,
        refreshed: Time::EPOCH,
        gruus_since: Time::EPOCH,
        source: None,
    };
    if format != FORMAT_1 {
        binding.reg_id = Some(read_u32(input)?).filter(|number| *number != 0);
        binding.refreshed = Time::from_micros(input.fixed_u64()?);
        binding.gruus_since = Time::from_micros(input.number()?);
    }
    binding.source = read_source(input)?;
    Ok(binding)
}

fn read_path(input: &mut Reader<'_>) -> Result<Vec<Box<str>>, Garbled> {
    let count = input.number()?;
    let mut path = Vec::new();
    for _ in 0..count {
        path.push(input.text()?.into());
    }
    Ok(path)
}

fn write_source(out: &mut Writer, source: &Source) {
    out.text(source.transport.as_via());
    write_address(out, source.remote);
    write_address(out, source.local);
}

fn read_source(input: &mut Reader<'_>) -> Result<Option<Source>, Garbled> {
    match input.byte()? {
        0 => Ok(None),
        1 => Ok(Some(Source {
            transport: read_transport(input)?,
            remote: read_address(input)?,
            local: read_address(input)?,
        })),
        _ => Err(Garbled),
    }
}

fn read_transport(input: &mut Reader<'_>) -> Result<Transport, Garbled> {
    Transport::from_bytes(input.text()?.as_bytes()).ok_or(Garbled)
}

fn write_address(out: &mut Writer, address: SocketAddr) {
    match address {
        SocketAddr::V4(address) => {
            out.byte(IPV4);
            out.bytes(&address.ip().octets());
            out.fixed_u16(address.port());
        }
        SocketAddr::V6(address) => {
            out.byte(IPV6);
            out.bytes(&address.ip().octets());
            out.fixed_u16(address.port());
            // The scope tells link-local addresses of different interfaces apart (RFC 4007 §6).
            out.number(address.flowinfo().into());
            out.number(address.scope_id().into());
        }
    }
}

fn read_address(input: &mut Reader<'_>) -> Result<SocketAddr, Garbled> {
    match input.byte()? {
        IPV4 => {
            let ip = IpAddr::V4(Ipv4Addr::from(input.array()?));
            Ok(SocketAddr::new(ip, input.fixed_u16()?))
        }
        IPV6 => {
            let ip = Ipv6Addr::from(input.array()?);
            let port = input.fixed_u16()?;
            let (flow, scope) = (read_u32(input)?, read_u32(input)?);
            Ok(SocketAddrV6::new(ip, port, flow, scope).into())
        }
        _ => Err(Garbled),
    }
}

fn read_u32(input: &mut Reader<'_>) -> Result<u32, Garbled> {
    u32::try_from(input.number()?).map_err(|_| Garbled)
}

#[cfg(test)]
mod tests;
