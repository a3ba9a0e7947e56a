//! What is found in a configuration, as a line for a person.

use std::fmt;
use std::path::Path;

use antiphon_server::config::Finding;

/// A finding in a line, with its file.
pub(crate) struct Told<'a> {
    pub(crate) file: &'a Path,
    pub(crate) is_warning: bool,
    pub(crate) finding: &'a Finding,
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { place, problem, suggestion } = self.finding;
        let mark = if self.is_warning { "warning: " } else { "" };
        write!(f, "{}:{}:{}: {mark}{problem}", self.file.display(), place.line, place.column)?;
        match suggestion {
            Some(suggestion) => write!(f, "; did you mean {suggestion}?"),
            None => Ok(()),
        }
    }
}
