//! The steps of a chore: each announced on one line and closed with the time that it took.

use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::tally::Tally;

/// Runs steps in order and keeps the count of the tests that they ran.
#[derive(Debug)]
pub(crate) struct Steps {
    started: Instant,
    tally: Tally,
}

impl Steps {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), tally: Tally::default() }
    }

    /// A step that either passes or stops the chore.
    pub(crate) fn step(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        println!("==> {name}");
        let started = Instant::now();
        let outcome = work();
        let word = if outcome.is_ok() { "ok" } else { "FAILED" };
        println!("    {word}, {}", seconds(started.elapsed()));
        outcome
    }

    /// A step that runs tests. Failed tests do not stop the chore: the later suites are run as
    /// well, so that one run tells everything, and [`Steps::finish`] fails.
    pub(crate) fn tests(
        &mut self,
        name: &str,
        work: impl FnOnce() -> Result<Tally, Failure>,
    ) -> Result<(), Failure> {
        let mut tally = Tally::default();
        self.step(name, || work().map(|counted| tally = counted))?;
        println!("    {tally}");
        self.tally += tally;
        Ok(())
    }

    /// The last line: how many tests ran, and how they ended.
    pub(crate) fn finish(self) -> Result<(), Failure> {
        println!("==> done in {}", seconds(self.started.elapsed()));
        println!("{}", self.tally);
        if self.tally.failed == 0 { Ok(()) } else { Err(Failure::tree("tests failed")) }
    }
}

fn seconds(elapsed: Duration) -> String {
    format!("{:.1} s", elapsed.as_secs_f64())
}
