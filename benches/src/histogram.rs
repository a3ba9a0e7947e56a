//! Times, counted in classes that grow with the time.

/// Classes per doubling: a class is at most 1/32 wider than the times in it.
const STEPS: u64 = 32;
const STEP_BITS: u32 = 5;

/// Counts of times in nanoseconds.
#[derive(Debug, Clone)]
pub(crate) struct Histogram {
    classes: Vec<u64>,
    count: u64,
    largest: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self { classes: vec![0; 64 * 32], count: 0, largest: 0 }
    }

    pub(crate) fn add(&mut self, nanoseconds: u64) {
        if let Some(class) = self.classes.get_mut(class_of(nanoseconds)) {
            *class += 1;
        }
        self.count += 1;
        self.largest = self.largest.max(nanoseconds);
    }

    /// The time that `percent` of all do not exceed, in nanoseconds; 0 when there is none.
    pub(crate) fn percentile(&self, percent: u64) -> u64 {
        let wanted = (self.count * percent).div_ceil(100);
        let mut seen = 0;
        for (class, count) in self.classes.iter().enumerate() {
            seen += count;
            if seen >= wanted && *count > 0 {
                return upper_end(class).min(self.largest);
            }
        }
        0
    }

    /// Prints median, 99th percentile and the largest, in microseconds.
    pub(crate) fn print(&self, name: &str) {
        println!("{name}_median_us {}", self.percentile(50) / 1_000);
        println!("{name}_p99_us {}", self.percentile(99) / 1_000);
        println!("{name}_max_us {}", self.largest / 1_000);
    }
}

fn class_of(value: u64) -> usize {
    let doubling = u64::from(value.max(STEPS).ilog2() - STEP_BITS);
    let step = (value >> doubling) % STEPS;
    let class = if value < STEPS { value } else { (doubling + 1) * STEPS + step };
    usize::try_from(class).unwrap_or(usize::MAX)
}

fn upper_end(class: usize) -> u64 {
    let class = class as u64;
    if class < STEPS {
        return class;
    }
    let doubling = class / STEPS - 1;
    ((STEPS + class % STEPS + 1) << doubling).saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_a_thirtieth() {
        let mut histogram = Histogram::new();
        for value in 1..=100_000 {
            histogram.add(value);
        }
        for percent in [1, 50, 99, 100] {
            let exact = percent * 1_000;
            let found = histogram.percentile(percent);
            assert!(found >= exact && found - exact <= exact / 30, "{percent} %: {found}");
        }
    }

    #[test]
    fn nothing_counted_is_zero() {
        assert_eq!(Histogram::new().percentile(99), 0);
    }
}
