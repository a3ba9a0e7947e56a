//! How long something took, for a person.

use std::time::Duration;

/// A time as one would say it: milliseconds below a second, then seconds, then minutes.
pub(crate) fn short(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0 if time.as_millis() < 10 => format!("{:.1} ms", time.as_secs_f64() * 1000.0),
        0 => format!("{} ms", time.as_millis()),
        1..=59 => format!("{:.1} s", time.as_secs_f64()),
        _ => format!("{} min {} s", seconds / 60, seconds % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_short() {
        let shown = |millis| short(Duration::from_millis(millis));
        assert_eq!(shown(3), "3.0 ms");
        assert_eq!(shown(250), "250 ms");
        assert_eq!(shown(2_340), "2.3 s");
        assert_eq!(shown(125_000), "2 min 5 s");
    }
}
