//! Counting tests from what their runners print.

use std::fmt;
use std::ops::AddAssign;

/// How many tests passed, failed and were skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) passed: u32,
    pub(crate) failed: u32,
    pub(crate) skipped: u32,
}

impl Tally {
    /// Adds up the lines of `cargo test` (one for each test binary) and of `cargo nextest`
    /// (one at the end).
    pub(crate) fn of_lines<'a>(lines: impl IntoIterator<Item = &'a str>) -> Self {
        let mut tally = Self::default();
        for line in lines {
            if let Some(counts) = counts_of(line) {
                tally += counts;
            }
        }
        tally
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped += other.skipped;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 { write!(f, ", {} skipped", self.skipped) } else { Ok(()) }
    }
}

/// The counts of a summary line; `None` for every other line.
fn counts_of(line: &str) -> Option<Tally> {
    let line = line.trim();
    let is_summary = line.starts_with("test result:")
        || (line.starts_with("Summary [") && line.contains(" run:"));
    if !is_summary {
        return None;
    }
    let mut tally = Tally::default();
    let words: Vec<&str> =
        line.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    for pair in words.windows(2) {
        let &[number, label] = pair else { continue };
        let Ok(number) = number.parse::<u32>() else { continue };
        match label {
            "passed" => tally.passed += number,
            // nextest counts a test that ran out of time apart from the failed ones.
            "failed" | "timed" => tally.failed += number,
            "ignored" | "skipped" => tally.skipped += number,
            _ => {}
        }
    }
    Some(tally)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_binary_of_cargo_test_counts() {
        let lines = [
            "running 3 tests",
            "test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s",
            "test result: FAILED. 1 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out",
        ];
        assert_eq!(Tally::of_lines(lines), Tally { passed: 4, failed: 2, skipped: 1 });
    }

    #[test]
    fn the_summary_of_nextest_counts_once() {
        let lines = [
            "        PASS [   0.004s] antiphon-sip name::tests::x",
            "     Summary [   0.128s] 24 tests run: 20 passed, 3 failed, 1 timed out, 2 skipped",
            "     Summary [   0.128s] 1/24 test run: 1 passed, 0 skipped",
        ];
        assert_eq!(Tally::of_lines(lines), Tally { passed: 21, failed: 4, skipped: 2 });
    }

    #[test]
    fn the_last_line_is_plain() {
        assert_eq!(Tally { passed: 7, failed: 0, skipped: 0 }.to_string(), "7 passed, 0 failed");
    }
}
