//! How a journal is written: a head, then one frame for each group of changes.
//!
//! ```text
//! head, 48 bytes:   16 bytes  "antiphon journal"
//!                    8 bytes  format, 1
//!                    8 bytes  generation
//!                   16 bytes  key
//! frame:             8 bytes  length of the body
//!                    8 bytes  checksum of the length, the head's generation and the body
//!                   body
//! body:              8 bytes each: floor, bindings and addresses-of-record after these changes
//!                   then each change: text AOR, 1 byte 0 when it is gone, or 1 and a record
//! ```
//! Numbers are little endian; texts and records are as in [`codec`](crate::codec), with their
//! length before them.
//!
//! The checksum is SipHash under the head's key, which is random: what an earlier generation left
//! in a file that is used again never looks like a frame, nor does anything that a client had
//! stored.

use siphasher::sip::SipHasher13;
use std::hash::Hasher as _;

use super::super::overlay::Overlay;
use crate::codec::{Garbled, Reader, Writer};
use crate::record::Ledger;

const MAGIC: &[u8; 16] = b"antiphon journal";
const FORMAT: u64 = 1;

/// Bytes of the head.
pub(super) const HEAD: usize = 48;
/// Bytes of a frame before its body.
const PREFIX: usize = 16;

/// What a file says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) generation: u64,
    pub(super) key: (u64, u64),
}

/// One group of changes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    pub(super) changes: Overlay,
    pub(super) ledger: Ledger,
}

impl Head {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(MAGIC);
        for number in [FORMAT, self.generation, self.key.0, self.key.1] {
            out.fixed_u64(number);
        }
        out.into_bytes()
    }

    /// The head of a file; none if it has none that was written to its end.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut input = Reader::new(bytes);
        let magic: [u8; 16] = input.array().ok()?;
        let mut number = || input.fixed_u64().ok();
        let (format, generation) = (number()?, number()?);
        let key = (number()?, number()?);
        (magic == *MAGIC && format == FORMAT).then_some(Self { generation, key })
    }

    fn checksum(&self, body: &[u8]) -> u64 {
        let mut hasher = SipHasher13::new_with_keys(self.key.0, self.key.1);
        hasher.write(&(body.len() as u64).to_le_bytes());
        hasher.write(&self.generation.to_le_bytes());
        hasher.write(body);
        hasher.finish()
    }

    /// The bytes of a frame.
    pub(super) fn frame(&self, changes: &Overlay, ledger: &Ledger) -> Vec<u8> {
        let mut out = Writer::default();
        out.bytes(&[0; PREFIX]);
        for number in [ledger.floor, ledger.bindings, ledger.aors] {
            out.fixed_u64(number);
        }
        for (aor, record) in changes.after(None) {
            out.text(aor);
            match record {
                None => out.byte(0),
                Some(record) => {
                    out.byte(1);
                    out.number(record.len() as u64);
                    out.bytes(record);
                }
            }
        }
        let mut bytes = out.into_bytes();
        if let Some((prefix, body)) = bytes.split_at_mut_checked(PREFIX) {
            let (length, sum) = prefix.split_at_mut(PREFIX / 2);
            length.copy_from_slice(&(body.len() as u64).to_le_bytes());
            sum.copy_from_slice(&self.checksum(body).to_le_bytes());
        }
        bytes
    }

    /// The frame at the beginning of `bytes` and its length; none when there is none that was
    /// written to its end.
    pub(super) fn next(&self, bytes: &[u8]) -> Option<(Frame, usize)> {
        let mut input = Reader::new(bytes);
        let length = usize::try_from(input.fixed_u64().ok()?).ok()?;
        let sum = input.fixed_u64().ok()?;
        let end = length.checked_add(PREFIX)?;
        let body = bytes.get(PREFIX..end)?;
        if self.checksum(body) != sum {
            return None;
        }
        read(body).ok().map(|frame| (frame, end))
    }
}

fn read(body: &[u8]) -> Result<Frame, Garbled> {
    let mut input = Reader::new(body);
    let mut number = || input.fixed_u64();
    let ledger = Ledger { floor: number()?, bindings: number()?, aors: number()? };
    let mut changes = Overlay::default();
    while input.end().is_err() {
        let aor = input.text()?;
        let record = match input.byte()? {
            0 => None,
            1 => Some(input.bytes()?.into()),
            _ => return Err(Garbled),
        };
        changes.set(aor, record);
    }
    Ok(Frame { changes, ledger })
}
