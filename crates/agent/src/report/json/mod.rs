//! For programs: one object a line. `docs/json.md` documents the keys; a key once there stays and
//! keeps its meaning.

mod event;
mod parts;
mod verdict;

use std::time::Duration;

use antiphon_core::time::Time;
use antiphon_core::user_agent::{CallId, Event};
use antiphon_net::Bound;
use serde::Serialize;

use super::verdict::Verdict;
use crate::media::Counts;
use event::{Told, told};
use verdict::VerdictObject;

/// An object as a line, without its end.
pub(super) fn line(object: &impl Serialize) -> String {
    // Strings, numbers and lists of them always have a JSON form.
    serde_json::to_string(object).unwrap_or_default()
}

pub(super) fn listening(now: Time, listeners: &[Bound]) -> String {
    let listeners =
        listeners.iter().filter(|bound| bound.accepts).map(ToString::to_string).collect();
    line(&Stamped { event: Told::Listening { listeners }, time: seconds(now) })
}

pub(super) fn event(now: Time, event: &Event) -> Option<String> {
    told(event).map(|event| line(&Stamped { event, time: seconds(now) }))
}

pub(super) fn rtp(now: Time, call: CallId, counts: &Counts) -> String {
    let event = Told::Rtp { call: call.0, rtp: counts.into() };
    line(&Stamped { event, time: seconds(now) })
}

pub(super) fn verdict(now: Time, verdict: &Verdict) -> String {
    line(&Stamped {
        event: Told::Outcome(Box::new(VerdictObject::new(verdict))),
        time: seconds(now),
    })
}

/// A line: its kind first, its moment last.
#[derive(Serialize)]
struct Stamped<'a> {
    #[serde(flatten)]
    event: Told<'a>,
    time: f64,
}

/// Seconds since the Unix epoch.
fn seconds(time: Time) -> f64 {
    Duration::from_micros(time.as_micros()).as_secs_f64()
}
