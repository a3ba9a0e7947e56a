//! The highest rate that a server bears, and the most that it completes.

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

    /// The most calls that a server completes in a second, whatever is offered: looked for from its
    /// highest rate upwards, since where nothing is lost a server has not yet shown all it can do.
    pub(crate) fn peak(&mut self, kind: Kind) -> Result<u32, Failure> {
        const SECONDS: u32 = 3;
        let highest = self.highest_rate(kind)?;
        if self.is_quick {
            return Ok(highest);
        }
        let _server = self.serve(kind, &Setup::default())?;
        let (mut peak, mut rate) = (0, highest);
        // Half as much again as it can do is beyond the peak.
        while rate / 3 * 2 <= peak.max(highest) {
            let results = self.load.impatient_calls(rate, rate * SECONDS, self.users())?;
            peak = peak.max(results.whole("completed_per_second")?);
            rate = rate / 5 * 6;
        }
        println!("    peak of {}: {peak} calls/s", kind.name());
        Ok(peak)
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
