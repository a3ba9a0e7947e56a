//! The ladders of the calls that were played.

use antiphon_sip::Method;
use antiphon_trace::call::{Call, CallMessage, calls};
use antiphon_trace::ladder::{Lines, Style};
use antiphon_trace::summary::Kind;
use antiphon_trace::{Ladder, Names};
use serde::Serialize;

use super::Demo;
use crate::session::Kept;

/// One call as it was seen.
#[derive(Debug)]
pub(super) struct Picture {
    call: Call,
    names: Names,
}

/// One message of a call, for programs.
#[derive(Debug, Serialize)]
pub(super) struct MessageObject<'a> {
    from: &'a str,
    to: &'a str,
    summary: String,
    milliseconds: f64,
}

/// The calls in the order in which they were placed, as many as were placed.
pub(super) fn of(demo: &Demo, kept: &Kept, placed: usize) -> Vec<Picture> {
    let records = kept.records();
    let found = calls(&records).into_iter().filter(|call| call.messages.iter().any(is_invite));
    found.take(placed).map(|call| Picture { names: names(demo, &call), call }).collect()
}

fn is_invite(message: &CallMessage) -> bool {
    matches!(&message.summary.kind, Kind::Request { method, .. } if *method == Method::Invite)
}

/// Who is who: the server is known, the caller sends first, the third one is the callee.
fn names(demo: &Demo, call: &Call) -> Names {
    let mut names = Names::new();
    names.add(demo.server, "server");
    let caller = call.messages.first().map(|message| message.record.from);
    for message in &call.messages {
        for address in [message.record.from, message.record.to] {
            if Some(address) == caller {
                names.add(address, &demo.caller.user);
            } else if address != demo.server {
                names.add(address, &demo.callee.user);
            }
        }
    }
    names
}

impl Picture {
    /// The ladder, with the whole messages if they are wanted.
    pub(super) fn text(&self, demo: &Demo) -> String {
        let style = Style { width: demo.width, lines: Lines::Unicode, messages: demo.messages };
        Ladder::of_call(&self.call, &self.names).text(&style)
    }

    pub(super) fn call_id(&self) -> &str {
        &self.call.call_id
    }

    pub(super) fn messages(&self) -> Vec<MessageObject<'_>> {
        let start = self.call.start();
        let named = |address| self.names.of(address).unwrap_or_default();
        let object = |message: &CallMessage| MessageObject {
            from: named(message.record.from),
            to: named(message.record.to),
            summary: message.summary.label(),
            milliseconds: message.record.at.since(start).as_secs_f64() * 1000.0,
        };
        // The names live as long as the picture.
        self.call.messages.iter().map(object).collect()
    }
}
