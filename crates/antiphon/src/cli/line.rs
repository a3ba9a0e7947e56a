//! The one line that a wrong command line is answered with.

/// What is wrong with a command line, in one line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Line(Box<str>);

impl Line {
    /// From a rendered error: its first paragraph, its tips, and where to read more.
    pub(super) fn of(rendered: &str, command: &str) -> Self {
        let text = rendered.strip_prefix("error: ").unwrap_or(rendered);
        let mut words: Vec<&str> = Vec::new();
        words.extend(text.lines().take_while(|line| !line.trim().is_empty()).map(str::trim));
        let tips = text.lines().filter_map(|line| line.trim().strip_prefix("tip: "));
        let mut line = words.join(" ");
        for tip in tips {
            line.push_str("; ");
            line.push_str(tip);
        }
        Self::new(&line, command)
    }

    /// The fault, and which help to read.
    pub(super) fn new(fault: &str, command: &str) -> Self {
        Self(format!("{fault}; see '{command} --help'").into())
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
