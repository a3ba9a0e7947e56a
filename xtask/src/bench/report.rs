//! What a run found, as docs/benchmarks.md tells it.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

use super::machine;

/// What one bench found.
#[derive(Debug)]
pub(crate) struct Section {
    title: &'static str,
    how: String,
    heads: Vec<String>,
    rows: Vec<Vec<String>>,
    marks: Vec<Mark>,
}

/// A mark of what is to be reached, and what was.
#[derive(Debug)]
pub(crate) struct Mark {
    what: String,
    wanted: String,
    found: String,
    is_reached: bool,
}

impl Section {
    /// `how` says in a sentence or two what was done.
    pub(crate) fn new(title: &'static str, how: impl Into<String>, heads: &[&str]) -> Self {
        let heads = heads.iter().map(|head| (*head).to_owned()).collect();
        Self { title, how: how.into(), heads, rows: Vec::new(), marks: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: impl IntoIterator<Item = impl ToString>) {
        self.rows.push(cells.into_iter().map(|cell| cell.to_string()).collect());
    }

    /// A mark that is reached when the value is not above the limit.
    pub(crate) fn at_most(&mut self, what: &str, value: f64, limit: f64, unit: &str) {
        self.mark(what, format!("≤ {limit}{unit}"), shown(value, limit, unit), value <= limit);
    }

    /// A mark that is reached when the value is not below the limit.
    pub(crate) fn at_least(&mut self, what: &str, value: f64, limit: f64, unit: &str) {
        self.mark(what, format!("≥ {limit}{unit}"), shown(value, limit, unit), value >= limit);
    }

    pub(crate) fn mark(&mut self, what: &str, wanted: String, found: String, is_reached: bool) {
        self.marks.push(Mark { what: what.to_owned(), wanted, found, is_reached });
    }

    pub(crate) fn to_markdown(&self) -> String {
        let mut text = format!("## {}\n\n{}\n\n", self.title, self.how);
        table(&mut text, &self.heads, &self.rows);
        text
    }
}

/// With so many digits that a value that misses a limit does not look like it.
fn shown(value: f64, limit: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "not measured".to_owned();
    }
    let rounded = format!("{value:.2}");
    let hides_it = rounded == format!("{limit:.2}") && value != limit;
    if hides_it { format!("{value:.3}{unit}") } else { format!("{rounded}{unit}") }
}

/// What a whole run found.
#[derive(Debug)]
pub(crate) struct Report {
    root: PathBuf,
    sections: Vec<Section>,
}

impl Report {
    pub(crate) fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), sections: Vec::new() }
    }

    pub(crate) fn push(&mut self, section: Section) {
        self.sections.push(section);
    }

    pub(crate) fn write(&self) -> Result<(), Failure> {
        let path = self.root.join("docs/benchmarks.md");
        let written = std::fs::write(&path, self.to_markdown());
        written.map_err(|error| Failure::usage(format!("{}: {error}", path.display())))?;
        println!("written: {}", path.display());
        Ok(())
    }

    fn to_markdown(&self) -> String {
        let mut text = String::from(INTRODUCTION);
        for line in machine::describe(&self.root) {
            let _ = writeln!(text, "- {line}");
        }
        text.push_str("\n## Marks\n\n");
        let marks: Vec<Vec<String>> = self.sections.iter().flat_map(rows_of_marks).collect();
        let heads = ["", "wanted", "found", ""].map(str::to_owned);
        table(&mut text, &heads, &marks);
        for section in &self.sections {
            text.push('\n');
            text.push_str(&section.to_markdown());
        }
        text
    }
}

const INTRODUCTION: &str = "\
# Benchmarks

Written by `cargo xtask bench`; nothing here is edited by hand. The ratios are between servers in
one run on one machine; absolute figures differ from machine to machine.
[performance.md](performance.md) says where the time goes, and why marks are missed.

The server is pinned to core 0, the load to core 1; everything goes over UDP on the loopback. The
load is `benches/`, both ends of every call in one thread, the same for all three servers; SIPp
cross-checks it. A call is INVITE 100 180 200 ACK BYE 200, the BYE right behind the ACK, through a
record-routing stateful proxy that looks the callee up among registered users. The bare relay
receives and sends the same datagrams and reads none of them (it makes no 100, so it sends one
datagram less than a proxy). CPU is what the scheduler gave all threads of a server
(/proc/PID/task/*/schedstat). Where rounds are made, the servers take turns, and the figure is the
median, with the smallest and the largest in brackets. Antiphon keeps every registration on disk
before it answers; Kamailio keeps them in memory, with `benches/kamailio/kamailio.cfg`.

";

fn rows_of_marks(section: &Section) -> Vec<Vec<String>> {
    let row = |mark: &Mark| {
        let verdict = if mark.is_reached { "reached" } else { "**missed**" };
        vec![mark.what.clone(), mark.wanted.clone(), mark.found.clone(), verdict.to_owned()]
    };
    section.marks.iter().map(row).collect()
}

fn table(text: &mut String, heads: &[String], rows: &[Vec<String>]) {
    let rule: Vec<String> = heads.iter().map(|_| "---".to_owned()).collect();
    for row in [heads, &rule].into_iter().chain(rows.iter().map(Vec::as_slice)) {
        let _ = writeln!(text, "| {} |", row.join(" | "));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missed_mark_is_told_as_such() {
        let mut section = Section::new("A", "So.", &["x"]);
        section.at_most("time", 2.0, 1.5, " ms");
        section.at_least("speed", 2.0, 1.5, "");
        section.at_most("unknown", f64::NAN, 1.5, "");
        section.at_most("nearly", 0.274, 0.27, " ×");
        section.at_most("just", 0.27, 0.27, " ×");
        let rows = rows_of_marks(&section);
        assert_eq!(rows[0], ["time", "≤ 1.5 ms", "2.00 ms", "**missed**"]);
        assert_eq!(rows[1], ["speed", "≥ 1.5", "2.00", "reached"]);
        assert_eq!(rows[2], ["unknown", "≤ 1.5", "not measured", "**missed**"]);
        assert_eq!(rows[3], ["nearly", "≤ 0.27 ×", "0.274 ×", "**missed**"]);
        assert_eq!(rows[4], ["just", "≤ 0.27 ×", "0.27 ×", "reached"]);
    }

    #[test]
    fn tables_are_markdown() {
        let mut section = Section::new("A", "So.", &["x", "y"]);
        section.row(["1", "2"]);
        assert!(section.to_markdown().ends_with("| x | y |\n| --- | --- |\n| 1 | 2 |\n"));
    }
}
