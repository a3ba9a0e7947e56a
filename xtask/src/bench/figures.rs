//! Medians and spreads.

use std::fmt;

/// What one thing measured in several rounds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figure(Vec<f64>);

impl Figure {
    pub(crate) fn add(&mut self, value: f64) {
        self.0.push(value);
        self.0.sort_by(f64::total_cmp);
    }

    /// The middle one; 0 when there is none.
    pub(crate) fn median(&self) -> f64 {
        self.0.get(self.0.len() / 2).copied().unwrap_or_default()
    }
}

/// The median and, in brackets, the smallest and the largest.
impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Some(least), Some(most)) = (self.0.first(), self.0.last()) else {
            return f.write_str("–");
        };
        let digits = if *most < 10.0 { 2 } else { 0 };
        let median = self.median();
        if self.0.len() == 1 {
            return write!(f, "{median:.digits$}");
        }
        write!(f, "{median:.digits$} ({least:.digits$}–{most:.digits$})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_whatever_the_order() {
        let mut figure = Figure::default();
        for value in [30.0, 10.0, 20.0] {
            figure.add(value);
        }
        assert_eq!(figure.to_string(), "20 (10–30)");
    }
}
