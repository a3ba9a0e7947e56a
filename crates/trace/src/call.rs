//! Grouping messages into calls.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::time::Duration;

use antiphon_core::time::Time;
use bytes::Bytes;

use crate::record::Record;
use crate::summary::Summary;

/// All messages with one Call-ID (RFC 3261 §8.1.1.4), in the order in which they were seen.
#[derive(Debug, Clone)]
pub struct Call {
    /// The Call-ID.
    pub call_id: String,
    /// The messages.
    pub messages: Vec<CallMessage>,
}

/// One message of a call.
#[derive(Debug, Clone)]
pub struct CallMessage {
    /// The message as it was seen.
    pub record: Record,
    /// The message in a few words.
    pub summary: Summary,
    /// Whether the same octets went the same way before: a retransmission (RFC 3261 §17).
    pub repeated: bool,
}

impl Call {
    /// When its first message was seen.
    #[must_use]
    pub fn start(&self) -> Time {
        self.messages.first().map_or(Time::EPOCH, |message| message.record.at)
    }

    /// From its first message to its last.
    #[must_use]
    pub fn duration(&self) -> Duration {
        let last = self.messages.last().map_or(Time::EPOCH, |message| message.record.at);
        last.since(self.start())
    }
}

/// Groups records into calls, in the order in which the calls begin. What has no Call-ID is left
/// out.
pub fn calls<'a>(records: impl IntoIterator<Item = &'a Record>) -> Vec<Call> {
    let mut calls: Vec<Call> = Vec::new();
    let mut index: HashMap<String, usize> = HashMap::new();
    for message in messages(records) {
        let Some(call_id) = message.summary.call_id.clone() else { continue };
        let at = *index.entry(call_id.clone()).or_insert_with(|| {
            calls.push(Call { call_id, messages: Vec::new() });
            calls.len() - 1
        });
        if let Some(call) = calls.get_mut(at) {
            call.messages.push(message);
        }
    }
    calls
}

/// Reads every record, whether it belongs to a call or not.
pub fn messages<'a>(
    records: impl IntoIterator<Item = &'a Record>,
) -> impl Iterator<Item = CallMessage> {
    let mut seen: HashSet<(SocketAddr, SocketAddr, Bytes)> = HashSet::new();
    records.into_iter().map(move |record| {
        let summary = Summary::of(&record.octets);
        let is_new = seen.insert((record.from, record.to, record.octets.clone()));
        let repeated = !is_new && summary.call_id.is_some();
        CallMessage { record: record.clone(), summary, repeated }
    })
}
