//! Patterns: regular expressions of the kind that is matched in linear time.

use regex::{Captures, Regex, RegexBuilder};

use crate::reading::fault::Problem;
use crate::reading::reader::{FromValue, Item, Reader};

/// Octets that one compiled pattern may take. A number plan fits many times; a pattern such as
/// `(a{1000}){1000}` does not.
const SIZE_LIMIT: usize = 256 * 1024;

/// A regular expression that must match the whole of a text.
#[derive(Debug, Clone)]
pub(crate) struct Pattern {
    text: Box<str>,
    regex: Regex,
}

impl Pattern {
    fn new(text: &str) -> Result<Self, regex::Error> {
        // By itself first, so that an error shows the pattern as it was written.
        compile(text)?;
        let regex = compile(&format!(r"\A(?:{text})\z"))?;
        Ok(Self { text: text.into(), regex })
    }

    /// The pattern as it was written.
    pub(crate) fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    pub(crate) fn captures<'t>(&self, text: &'t str) -> Option<Captures<'t>> {
        self.regex.captures(text)
    }

    /// The names of its groups, in order; the whole match is not among them.
    pub(crate) fn groups(&self) -> impl Iterator<Item = Option<&str>> {
        self.regex.capture_names().skip(1)
    }
}

/// By what was written: whether two expressions match the same texts is not asked.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for Pattern {}

fn compile(text: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(text).size_limit(SIZE_LIMIT).build()
}

impl FromValue for Pattern {
    fn kind() -> String {
        "a regular expression for the whole text".to_owned()
    }

    fn from_value(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<Self> {
        let text = reader.text(item, Self::kind)?;
        match Self::new(text) {
            Ok(pattern) => Some(pattern),
            Err(error) => {
                reader.fault(&item.span(), Problem::Pattern(in_one_line(&error).into()));
                None
            }
        }
    }
}

/// Of the library's drawing of the fault, the line that says what it is.
fn in_one_line(error: &regex::Error) -> String {
    match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("it would take more than {} KiB", limit / 1024)
        }
        other => {
            let text = other.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_for_the_whole_text() {
        let pattern = Pattern::new("a|ab").unwrap();
        assert!(pattern.matches("ab") && pattern.matches("a"));
        assert!(!pattern.matches("abc") && !pattern.matches("xa"));
    }

    #[test]
    fn what_would_backtrack_for_ever_cannot_be_written_or_ends_at_once() {
        assert!(Pattern::new(r"(a)\1").is_err(), "back references need backtracking");
        assert!(Pattern::new(r"(?=a)b").is_err(), "so does looking around");
        assert!(Pattern::new("(a{1000}){1000}").is_err());
        let evil = Pattern::new("(a+)+b").unwrap();
        assert!(!evil.matches(&"a".repeat(100_000)));
    }
}
