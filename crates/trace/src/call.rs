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

#[cfg(test)]
mod tests {
    use antiphon_sip::Transport;

    use super::*;

    fn record(millis: u64, text: String) -> Record {
        let address = |text: &str| text.parse().unwrap();
        let (from, to) = (address("192.0.2.1:5060"), address("192.0.2.2:5060"));
        Record::new(Time::from_micros(millis * 1000), from, to, Transport::Udp, text)
    }

    fn request(call_id: &str, version: &str) -> String {
        format!(
            "OPTIONS sip:bob@example.com {version}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
             From: <sip:alice@example.com>;tag=1\r\nTo: <sip:bob@example.com>\r\n\
             Call-ID: {call_id}\r\nCSeq: 1 OPTIONS\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
        )
    }

    #[test]
    fn messages_are_grouped_by_call_id_rfc3261_8_1_1_4() {
        let records = [
            record(1, request("one", "SIP/2.0")),
            record(2, request("ONE", "SIP/2.0")),
            record(3, "\r\n\r\n".to_owned()),
            record(4, "GET / HTTP/1.1\r\n\r\n".to_owned()),
            record(501, request("one", "SIP/2.0")),
            record(502, request("ONE", "SIP/3.0")),
        ];
        let calls = calls(&records);
        let seen: Vec<_> = calls
            .iter()
            .map(|call| {
                let repeated: Vec<_> =
                    call.messages.iter().map(|message| message.repeated).collect();
                (call.call_id.as_str(), call.duration().as_millis(), repeated)
            })
            .collect();
        // A Call-ID is compared octet by octet, and a malformed message still has its own.
        assert_eq!(seen, [("one", 500, vec![false, true]), ("ONE", 500, vec![false, false])]);
    }

    #[test]
    fn messages_are_told_in_a_few_words() {
        let told = |text: String| Summary::of(&text.into()).to_string();
        assert_eq!(told(request("one", "SIP/2.0")), "OPTIONS sip:bob@example.com");
        assert_eq!(
            told(request("one", "SIP/3.0")),
            "OPTIONS sip:bob@example.com SIP/3.0 [Version Not Supported]"
        );
        assert_eq!(told("\r\n\r\n".to_owned()), "keep-alive");
        assert_eq!(told("\0".to_owned()), "keep-alive");
        assert_eq!(told("x".to_owned()), "1 octet, not SIP");
    }
}
