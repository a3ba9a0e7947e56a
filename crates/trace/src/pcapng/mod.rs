//! Capture files that Wireshark reads: every message in a packet, made up as it could have been
//! on the wire.
//!
//! What went over UDP or TCP is written as raw IP packets, and so is what went over TLS, in clear:
//! nobody needs keys to read it. What travelled inside WebSocket frames or SCTP is known here only
//! as the message that it was, and is written as just that, with its addresses beside it (the
//! module `pdu`): as TCP segments, Wireshark would take it for HTTP.

mod ip;
mod pdu;
mod tcp;

use std::fmt;
use std::io::{self, Write};
use std::time::Duration;

use antiphon_sip::Transport;
use pcap_file::pcapng::PcapNgWriter as Blocks;
use pcap_file::pcapng::blocks::enhanced_packet::EnhancedPacketBlock;
use pcap_file::pcapng::blocks::interface_description::InterfaceDescriptionBlock;
use pcap_file::{DataLink, PcapError};

use self::tcp::Conversations;
use crate::record::Record;

/// The largest packet that Wireshark takes, in octets.
const SNAPLEN: u32 = 262_144;

/// Writes records to a pcapng file.
pub struct PcapngWriter<W: Write> {
    blocks: Blocks<W>,
    conversations: Conversations,
    /// How many interfaces are described in the file.
    interfaces: u32,
    /// The interface of IP packets.
    packets: Option<u32>,
    /// The interface of messages alone.
    messages: Option<u32>,
}

/// Why a record could not be written.
#[derive(Debug)]
pub enum WriteError {
    /// The file could not be written.
    Io(io::Error),
    /// The addresses are of different families.
    Families,
    /// The message fits into no packet: a datagram of more than 65,507 octets, or a message of a
    /// WebSocket of more than a capture file takes.
    TooLong,
}

impl<W: Write> PcapngWriter<W> {
    /// Begins a file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn new(file: W) -> Result<Self, WriteError> {
        Ok(Self {
            blocks: Blocks::new(file)?,
            conversations: Conversations::default(),
            interfaces: 0,
            packets: None,
            messages: None,
        })
    }

    /// Adds a record. On TCP and TLS, the first between two addresses has a handshake in front of it.
    ///
    /// # Errors
    /// When the file cannot be written, or no packet can be made of the record; then nothing was
    /// written of it, and others can follow.
    pub fn write(&mut self, record: &Record) -> Result<(), WriteError> {
        match record.transport {
            Transport::Udp => {
                let packet = ip::datagram(record.from, record.to, &record.octets)?;
                self.ip_packet(record, packet)
            }
            Transport::Tcp | Transport::Tls => {
                for packet in self.conversations.packets(record)? {
                    self.ip_packet(record, packet)?;
                }
                Ok(())
            }
            _ => {
                let packet = pdu::packet(record);
                let interface = self.interface(DataLink::WIRESHARK_UPPER_PDU)?;
                self.packet(record, interface, packet)
            }
        }
    }

    /// Hands everything that was written to the file.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn flush(&mut self) -> Result<(), WriteError> {
        Ok(self.blocks.get_mut().flush()?)
    }

    /// The file.
    pub fn into_inner(self) -> W {
        self.blocks.into_inner()
    }

    fn ip_packet(&mut self, record: &Record, packet: Vec<u8>) -> Result<(), WriteError> {
        let interface = self.interface(DataLink::RAW)?;
        self.packet(record, interface, packet)
    }

    fn packet(&mut self, record: &Record, interface: u32, data: Vec<u8>) -> Result<(), WriteError> {
        let length = u32::try_from(data.len()).ok().filter(|length| *length <= SNAPLEN);
        let mut block = EnhancedPacketBlock::default();
        block.interface_id = interface;
        block.timestamp = Duration::from_micros(record.at.as_micros());
        block.original_len = length.ok_or(WriteError::TooLong)?;
        block.data = data.into();
        self.blocks.write_pcapng_block(block)?;
        Ok(())
    }

    /// The number of the interface with this link type. It is described when it is first needed,
    /// because many readers take no file with two link types.
    fn interface(&mut self, link: DataLink) -> Result<u32, WriteError> {
        let known = match link {
            DataLink::RAW => &mut self.packets,
            _ => &mut self.messages,
        };
        if let Some(number) = *known {
            return Ok(number);
        }
        self.blocks.write_pcapng_block(InterfaceDescriptionBlock {
            linktype: link,
            snaplen: SNAPLEN,
            options: Vec::new(),
        })?;
        let number = self.interfaces;
        *known = Some(number);
        self.interfaces += 1;
        Ok(number)
    }
}

impl<W: Write> fmt::Debug for PcapngWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PcapngWriter")
            .field("conversations", &self.conversations)
            .finish_non_exhaustive()
    }
}

impl From<io::Error> for WriteError {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

impl From<PcapError> for WriteError {
    fn from(error: PcapError) -> Self {
        match error {
            PcapError::IoError(error) => Self::Io(error),
            other => Self::Io(io::Error::other(other)),
        }
    }
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "the capture file cannot be written: {error}"),
            Self::Families => f.write_str("the addresses are of different families"),
            Self::TooLong => f.write_str("the message fits into no packet"),
        }
    }
}

impl std::error::Error for WriteError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io(error) => Some(error),
            Self::Families | Self::TooLong => None,
        }
    }
}
