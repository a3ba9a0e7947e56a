//! Running one test with many seeds.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The environment variable that narrows [`for_seeds`] to one seed.
const VARIABLE: &str = "ANTIPHON_SEED";

/// Runs a test with every seed of a range, and names the seed when one fails. With
/// `ANTIPHON_SEED` set, only that seed runs, whether it lies in the range or not.
///
/// # Panics
/// With the message of the test and its seed, when the test fails for a seed.
pub fn for_seeds(seeds: Range<u64>, test: impl Fn(u64)) {
    let chosen = std::env::var(VARIABLE).ok().and_then(|seed| seed.parse().ok());
    let seeds = chosen.map_or(seeds, |seed: u64| seed..seed.saturating_add(1));
    for seed in seeds {
        let Err(failure) = catch_unwind(AssertUnwindSafe(|| test(seed))) else { continue };
        let message = failure
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| failure.downcast_ref::<&str>().copied());
        match message {
            Some(message) => {
                panic!("with seed {seed} (run it alone with {VARIABLE}={seed}): {message}")
            }
            None => resume_unwind(failure),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_failing_seed_is_named() {
        let failure = catch_unwind(|| {
            for_seeds(0..9, |seed| assert!(seed < 4, "too large"));
        });
        let failure = failure.unwrap_err();
        let message = failure.downcast_ref::<String>().unwrap();
        assert_eq!(message, "with seed 4 (run it alone with ANTIPHON_SEED=4): too large");
    }
}
