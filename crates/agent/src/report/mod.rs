//! What a command tells, for people or for programs.
//!
//! Text: results go to the first writer (standard output), what happens on the way to the second
//! (standard error). JSON: every event and the outcome are one object a line on the first writer;
//! the keys are documented in `docs/json.md` and stay.

mod clean;
mod clock;
mod json;
mod later;
mod names;
mod paint;
mod span;
#[cfg(test)]
mod testing;
mod text;
mod verdict;

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io::{self, Write};
use std::rc::Rc;

use antiphon_core::flow::Flow;
use antiphon_core::time::Time;
use antiphon_core::user_agent::{CallId, Event};
use antiphon_net::{Bound, Direction};

use crate::media::Counts;

pub use clock::day_and_time;
pub(crate) use paint::Paint;
pub(crate) use span::short;
pub(crate) use text::round_trip;
pub(crate) use verdict::{Talked, Verdict};

/// In which form things are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// For people.
    Text {
        /// Whether results and notes may be coloured.
        colour: bool,
    },
    /// One JSON object a line.
    Json,
}

/// Takes what a command tells and writes it. Clones write to the same place.
///
/// A reader that goes away is no error: from then on nothing is written, and the command ends as
/// after Ctrl-C.
#[derive(Clone)]
pub struct Reporter {
    form: Form,
    writers: Rc<RefCell<Writers>>,
    broken: Rc<Cell<bool>>,
}

struct Writers {
    results: Box<dyn Write>,
    notes: Box<dyn Write>,
}

impl Reporter {
    /// A reporter that writes results to the first and notes to the second writer.
    #[must_use]
    pub fn new(form: Form, results: Box<dyn Write>, notes: Box<dyn Write>) -> Self {
        let writers = Rc::new(RefCell::new(Writers { results, notes }));
        Self { form, writers, broken: Rc::default() }
    }

    /// A reporter that says nothing.
    #[must_use]
    pub fn silent() -> Self {
        Self::new(Form::Text { colour: false }, Box::new(io::sink()), Box::new(io::sink()))
    }

    /// Whether results can no longer be written.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken.get()
    }

    /// Tells where the agent listens, and under which name it can be reached.
    pub(crate) fn listening(&self, now: Time, listeners: &[Bound]) {
        match self.form {
            Form::Text { colour } => self.note(&text::listening(listeners, colour)),
            Form::Json => self.result(&json::listening(now, listeners)),
        }
    }

    /// Tells an event.
    pub(crate) fn event(&self, now: Time, event: &Event) {
        match self.form {
            Form::Json => {
                if let Some(line) = json::event(now, event) {
                    self.result(&line);
                }
            }
            Form::Text { colour } => match text::event(event, colour) {
                text::Line::Result(line) => self.result(&line),
                text::Line::Note(line) => self.note(&line),
                text::Line::Nothing => {}
            },
        }
    }

    /// Tells what RTP a call had, once it is over.
    pub(crate) fn rtp(&self, now: Time, call: CallId, counts: &Counts) {
        match self.form {
            Form::Text { colour } => self.note(&text::rtp(counts, colour)),
            Form::Json => self.result(&json::rtp(now, call, counts)),
        }
    }

    /// Shows a message as it comes or goes. Always among the notes, and for people.
    pub(crate) fn message(&self, direction: Direction, flow: &Flow, octets: &[u8]) {
        let colour = matches!(self.form, Form::Text { colour: true });
        self.note(&text::message(direction, flow, octets, colour));
    }

    /// Tells the end of a command.
    pub(crate) fn verdict(&self, now: Time, verdict: &Verdict) {
        match self.form {
            Form::Text { colour } => self.result(&text::verdict(verdict, colour)),
            Form::Json => self.result(&json::verdict(now, verdict)),
        }
    }

    /// Writes text that is a result in itself, for people only.
    pub(crate) fn plain(&self, text: &str) {
        if matches!(self.form, Form::Text { .. }) {
            self.result(text);
        }
    }

    /// Writes an object of its own kind, for programs only.
    pub(crate) fn object(&self, object: &impl serde::Serialize) {
        if self.form == Form::Json {
            self.result(&json::line(object));
        }
    }

    /// Whether programs read it.
    pub(crate) fn is_for_programs(&self) -> bool {
        self.form == Form::Json
    }

    /// Whether people read it, in colour.
    pub(crate) const fn colour(&self) -> bool {
        matches!(self.form, Form::Text { colour: true })
    }

    fn result(&self, line: &str) {
        let mut writers = self.writers.borrow_mut();
        if !self.is_broken() && put(&mut writers.results, line).is_err() {
            self.broken.set(true);
        }
    }

    pub(crate) fn note(&self, line: &str) {
        // Who closed standard error wants no notes.
        let _ = put(&mut self.writers.borrow_mut().notes, line);
    }
}

fn put(writer: &mut dyn Write, line: &str) -> io::Result<()> {
    writer.write_all(line.as_bytes())?;
    if !line.ends_with('\n') {
        writer.write_all(b"\n")?;
    }
    writer.flush()
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("form", &self.form).finish_non_exhaustive()
    }
}
