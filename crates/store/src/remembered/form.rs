//! What the file looks like: JSON that a person can read, with a number for its format.

use antiphon_core::time::Time;
use antiphon_sip::UriBuf;
use serde::{Deserialize, Serialize};

use super::Moved;

/// The format that is written and read.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Document {
    format: u32,
    entries: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    identity: String,
    old: String,
    new: Vec<String>,
    /// Seconds since 1970.
    learnt: u64,
    from: String,
}

pub(super) fn write(entries: &[Moved]) -> Vec<u8> {
    let entries = entries.iter().map(Entry::from).collect();
    // Strings, numbers and lists of them always have a JSON form.
    let document = serde_json::to_vec_pretty(&Document { format: FORMAT, entries });
    document.unwrap_or_default()
}

/// The entries; `None` if the octets are not what [`write()`] makes.
pub(super) fn read(octets: &[u8]) -> Option<Vec<Moved>> {
    let document: Document = serde_json::from_slice(octets).ok()?;
    if document.format != FORMAT {
        return None;
    }
    document.entries.into_iter().map(Entry::moved).collect()
}

impl From<&Moved> for Entry {
    fn from(moved: &Moved) -> Self {
        Self {
            identity: moved.identity.to_string(),
            old: moved.old.to_string(),
            new: moved.new.iter().map(ToString::to_string).collect(),
            learnt: moved.learnt.as_secs(),
            from: moved.from.clone(),
        }
    }
}

impl Entry {
    fn moved(self) -> Option<Moved> {
        let new: Option<Vec<_>> = self.new.iter().map(|new| UriBuf::parse(new).ok()).collect();
        Some(Moved {
            identity: UriBuf::parse(&self.identity).ok()?,
            old: UriBuf::parse(&self.old).ok()?,
            new: new?,
            learnt: Time::from_secs(self.learnt),
            from: self.from,
        })
    }
}
