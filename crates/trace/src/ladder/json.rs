//! A ladder for programs.

use antiphon_core::time::Time;
use serde::Serialize;

use super::Ladder;
use crate::record::Fate;

/// The form in which a ladder is given to programs, with `serde`. Fields may be added; those that
/// are here keep their names and meaning.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LadderJson {
    /// What stands above it: `Call-ID ...`, or nothing.
    pub title: String,
    /// When the first message was seen, in microseconds since the Unix epoch.
    pub start_us: u64,
    /// The columns from left to right.
    pub participants: Vec<ParticipantJson>,
    /// The arrows from top to bottom.
    pub messages: Vec<MessageJson>,
}

/// A column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ParticipantJson {
    /// Its name, or its address if it has none.
    pub name: String,
    /// The addresses it was seen with, as `192.0.2.1:5060` or `[2001:db8::1]:5060`.
    pub addresses: Vec<String>,
}

/// An arrow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MessageJson {
    /// Microseconds since `start_us`.
    pub at_us: u64,
    /// The sender's place among the participants, from 0.
    pub from: usize,
    /// The receiver's place among the participants, from 0.
    pub to: usize,
    /// The message in a few words: `INVITE (SDP)`, `200 OK (BYE)`.
    pub label: String,
    /// The transport as Via writes it: `UDP`, `TLS`.
    pub transport: String,
    /// Whether it is a retransmission.
    pub repeated: bool,
    /// `arrived`, `doubled` or `lost`.
    pub fate: &'static str,
    /// The message. What is not UTF-8 in it is replaced by U+FFFD.
    pub text: String,
}

impl Ladder {
    /// The ladder for programs.
    #[must_use]
    pub fn json(&self) -> LadderJson {
        let start = self.start();
        let micros = |at: Time| at.as_micros().saturating_sub(start.as_micros());
        LadderJson {
            title: self.title.clone(),
            start_us: start.as_micros(),
            participants: self
                .participants
                .iter()
                .map(|participant| ParticipantJson {
                    name: participant.name.clone(),
                    addresses: participant.addresses.iter().map(ToString::to_string).collect(),
                })
                .collect(),
            messages: self
                .steps
                .iter()
                .map(|step| MessageJson {
                    at_us: micros(step.at),
                    from: step.from,
                    to: step.to,
                    label: step.label.clone(),
                    transport: step.transport.to_string(),
                    repeated: step.repeated,
                    fate: fate(step.fate),
                    text: String::from_utf8_lossy(&step.octets).into_owned(),
                })
                .collect(),
        }
    }
}

const fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Arrived => "arrived",
        Fate::Doubled => "doubled",
        Fate::Lost => "lost",
    }
}
