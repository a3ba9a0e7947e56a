//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, IsTerminal as _, Write as _};
use std::thread;

use antiphon_agent::{Form, Lines, Reporter};
use terminal_size::{Width, terminal_size};
use tokio::sync::mpsc::{self, error::TrySendError};

/// Writes a result. A reader that went away wants no more of it, which is no fault.
pub(crate) fn print(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// Writes a note. Who closed standard error wants none.
pub(crate) fn note(text: impl Display) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}

/// Writes the one line that says why a command was not done.
pub(crate) fn complain(fault: &impl Display) {
    note(format_args!("antiphon: {fault}"));
}

/// Tells what a command tells on standard output and standard error.
pub(crate) fn reporter(json: bool) -> Reporter {
    let form = if json { Form::Json } else { Form::Text { colour: colour() } };
    Reporter::new(form, Box::new(io::stdout()), Box::new(io::stderr()))
}

/// What a person types, where there is one: both ends of the conversation are a terminal.
pub(crate) fn lines() -> Option<Lines> {
    /// Lines that may wait: a person answers one question at a time. What is typed beyond that is
    /// typed before any question, and answers none.
    const WAITING: usize = 4;
    if !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return None;
    }
    let (sender, lines) = mpsc::channel(WAITING);
    // It ends with the process: nothing can take a thread out of a read.
    thread::spawn(move || {
        for line in io::stdin().lines().map_while(Result::ok) {
            if let Err(TrySendError::Closed(_)) = sender.try_send(line) {
                return;
            }
        }
    });
    Some(lines)
}

/// Columns of text: those of the terminal, unless it is too narrow or so wide that long lines
/// tire; where there is none, what fits most windows and pages.
pub(crate) fn columns() -> usize {
    let terminal = terminal_size().map(|(Width(columns), _)| usize::from(columns));
    terminal.filter(|_| io::stdout().is_terminal()).unwrap_or(100).clamp(60, 120)
}

/// Colours are for terminals, and for people who did not say no (no-color.org).
fn colour() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    let dumb = std::env::var_os("TERM").is_some_and(|value| value == "dumb");
    !refused && !dumb && io::stdout().is_terminal() && io::stderr().is_terminal()
}
