//! The highest rate that a server bears.

use crate::failure::Failure;

use super::context::{Context, is_clean};
use super::kind::Kind;
use super::servers::Setup;

/// Rates that are tried for the highest one, in calls a second.
const LADDER: [u32; 12] =
    [1_000, 2_000, 3_000, 4_000, 5_000, 6_500, 8_000, 10_000, 12_500, 15_000, 18_000, 22_000];

impl Context {
    /// The highest rate at which every call is completed and nothing sent twice, in calls a
    /// second; found once per server and run.
    pub(crate) fn highest_rate(&mut self, kind: Kind) -> Result<u32, Failure> {
        if let Some((_, rate)) = self.highest.iter().find(|(have, _)| *have == kind) {
            return Ok(*rate);
        }
        let rate = if self.is_quick { 1_000 } else { self.climb(kind)? };
        self.highest.push((kind, rate));
        Ok(rate)
    }

    fn climb(&mut self, kind: Kind) -> Result<u32, Failure> {
        const SECONDS: u32 = 3;
        let _server = self.serve(kind, &Setup::default())?;
        let mut highest = LADDER.first().copied().unwrap_or(1);
        let mut misses = 0;
        for rate in LADDER {
            let results = self.load.calls(rate, rate * SECONDS, self.users())?;
            if is_clean(&results, rate * SECONDS)? {
                (highest, misses) = (rate, 0);
                continue;
            }
            // The machine may have had other work for a moment.
            misses += 1;
            if misses == 2 {
                break;
            }
        }
        println!("    highest rate of {}: {highest} calls/s", kind.name());
        Ok(highest)
    }
}
