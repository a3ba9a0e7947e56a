//! A call as a ladder: participants side by side, time downwards, one arrow a message.

mod draw;
mod json;
mod layout;
mod names;

use std::fmt;
use std::net::SocketAddr;

use antiphon_core::time::Time;
use antiphon_sip::Transport;
use bytes::Bytes;

use crate::call::{Call, CallMessage, messages};
use crate::record::{Fate, Record};

pub use json::{LadderJson, MessageJson, ParticipantJson};
pub use names::Names;

/// A ladder, ready to be drawn.
#[derive(Debug, Clone)]
pub struct Ladder {
    /// What stands above it; empty for none.
    pub title: String,
    /// The columns from left to right, in the order in which they first send or receive.
    pub participants: Vec<Participant>,
    /// The arrows from top to bottom.
    pub steps: Vec<Step>,
}

/// A column of a ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participant {
    /// Its name, or its address if it has none.
    pub name: String,
    /// The addresses it was seen with.
    pub addresses: Vec<SocketAddr>,
}

/// An arrow of a ladder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// When.
    pub at: Time,
    /// The sender's column.
    pub from: usize,
    /// The receiver's column.
    pub to: usize,
    /// The message in a few words.
    pub label: String,
    /// Over which transport.
    pub transport: Transport,
    /// Whether it is a retransmission.
    pub repeated: bool,
    /// What became of it.
    pub fate: Fate,
    /// The message.
    pub octets: Bytes,
}

/// How a ladder is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Style {
    /// Columns of text. Many participants may need more: a ladder has at least 14 for each.
    pub width: usize,
    /// Which characters lines are made of.
    pub lines: Lines,
    /// Whether the whole messages are printed beneath.
    pub messages: bool,
}

/// Which characters lines are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lines {
    /// Box drawing characters.
    #[default]
    Unicode,
    /// What every terminal and mail program can show.
    Ascii,
}

impl Default for Style {
    fn default() -> Self {
        Self { width: 100, lines: Lines::Unicode, messages: false }
    }
}

impl Ladder {
    /// The ladder of one call, titled with its Call-ID.
    #[must_use]
    pub fn of_call(call: &Call, names: &Names) -> Self {
        let mut ladder = Self::of_messages(call.messages.iter().cloned(), names);
        ladder.title = format!("Call-ID {}", crate::summary::printable(&call.call_id));
        ladder
    }

    /// The ladder of everything there is, calls and what belongs to none.
    pub fn of_records<'a>(records: impl IntoIterator<Item = &'a Record>, names: &Names) -> Self {
        Self::of_messages(messages(records), names)
    }

    fn of_messages(messages: impl Iterator<Item = CallMessage>, names: &Names) -> Self {
        let mut ladder = Self { title: String::new(), participants: Vec::new(), steps: Vec::new() };
        for CallMessage { record, summary, repeated } in messages {
            let from = ladder.column(record.from, names);
            let to = ladder.column(record.to, names);
            ladder.steps.push(Step {
                at: record.at,
                from,
                to,
                label: summary.label(),
                transport: record.transport,
                repeated,
                fate: record.fate,
                octets: record.octets,
            });
        }
        ladder
    }

    /// When the first message was seen.
    #[must_use]
    pub fn start(&self) -> Time {
        self.steps.first().map_or(Time::EPOCH, |step| step.at)
    }

    /// The ladder as text. Each line ends in a line feed.
    #[must_use]
    pub fn text(&self, style: &Style) -> String {
        draw::text(self, style)
    }

    fn column(&mut self, address: SocketAddr, names: &Names) -> usize {
        let name = names.of(address).map_or_else(|| address.to_string(), str::to_owned);
        let known = self.participants.iter().position(|participant| participant.name == name);
        let column = known.unwrap_or_else(|| {
            self.participants.push(Participant { name, addresses: Vec::new() });
            self.participants.len() - 1
        });
        if let Some(participant) = self.participants.get_mut(column)
            && !participant.addresses.contains(&address)
        {
            participant.addresses.push(address);
        }
        column
    }
}

/// The ladder as text, a hundred columns wide, without the messages.
impl fmt::Display for Ladder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(&Style::default()))
    }
}
