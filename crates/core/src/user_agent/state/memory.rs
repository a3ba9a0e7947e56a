//! What outlives an action: servers that rest, and addresses that have changed. It is bounded,
//! and only an authentic response changes it.

use std::time::Duration;

use antiphon_sip::UriBuf;

use super::super::words::Remembered;
use crate::locate::{self, Rests};
use crate::reaction::Server;
use crate::time::Time;

/// Entries of each kind at most; of addresses the oldest goes.
const MAX_ENTRIES: usize = 256;

/// What a user agent has learnt.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    rests: Rests,
    moved: Vec<Remembered>,
    /// 302 with an expiry (§21.3.3).
    elsewhere: Vec<(Remembered, Time)>,
}

impl Memory {
    pub(crate) fn new(moved: Vec<Remembered>) -> Self {
        Self { moved, ..Self::default() }
    }

    pub(crate) fn rest(&mut self, now: Time, server: Server, duration: Duration) {
        self.rests.failed(now, server.place(), Some(duration));
    }

    /// A server whose connection was still being made when another answered.
    pub(crate) fn left_behind(&mut self, now: Time, server: locate::Server) {
        self.rests.failed(now, server, None);
    }

    pub(crate) fn rests(&self, now: Time, server: &locate::Server) -> bool {
        self.rests.rests(now, server)
    }

    pub(crate) fn tries(&mut self, now: Time, server: &locate::Server) {
        self.rests.tries(now, server);
    }

    pub(crate) fn works(&mut self, server: &locate::Server) {
        self.rests.works(server);
    }

    /// Remembers, in place of what was known of the address.
    pub(crate) fn remember(&mut self, entry: Remembered) {
        self.moved.retain(|known| !same(&known.old, &entry.old));
        if self.moved.len() >= MAX_ENTRIES {
            self.moved.remove(0);
        }
        self.moved.push(entry);
    }

    /// Whether there was something to forget.
    pub(crate) fn forget(&mut self, old: &UriBuf) -> bool {
        let before = self.moved.len();
        self.moved.retain(|known| !same(&known.old, old));
        self.elsewhere.retain(|(known, _)| !same(&known.old, old));
        self.moved.len() < before
    }

    pub(crate) fn keep(&mut self, now: Time, entry: Remembered, duration: Duration) {
        self.elsewhere.retain(|(known, until)| *until > now && !same(&known.old, &entry.old));
        if self.elsewhere.len() < MAX_ENTRIES {
            self.elsewhere.push((entry, now + duration));
        }
    }

    /// What is tried in place of an address. A sips: address is never given up for a sip: one
    /// (RFC 5630 §5.1.1), wherever the entry came from.
    pub(crate) fn of(&self, now: Time, asked: &UriBuf) -> Vec<UriBuf> {
        let kept = self.elsewhere.iter().filter(|(_, until)| *until > now).map(|(entry, _)| entry);
        let mut known = kept.chain(&self.moved);
        let Some(entry) = known.find(|entry| same(&entry.old, asked)) else { return Vec::new() };
        let secure = asked.is_sips();
        entry.new.iter().filter(|new| !secure || new.is_sips()).cloned().collect()
    }
}

fn same(one: &UriBuf, other: &UriBuf) -> bool {
    one.as_uri().is_equivalent(&other.as_uri())
}
