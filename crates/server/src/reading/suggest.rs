//! The nearest of what would have been right.

/// The candidate that a word is most likely a misspelling of: at most a third of its letters are
/// wrong, swapped, missing or too many. Case does not count.
pub(crate) fn nearest<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let word = word.to_lowercase();
    let allowed = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(&word, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

fn distance(word: &str, candidate: &str) -> usize {
    /// Longer words are no misspelling of anything, and the distance takes square time.
    const LONGEST: usize = 64;
    if word.len() > LONGEST {
        return usize::MAX;
    }
    strsim::osa_distance(word, candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_is_suggested_and_nothing_far() {
        let keys = ["listen", "domain", "trunk", "trusted"];
        assert_eq!(nearest("lisen", keys), Some("listen"));
        assert_eq!(nearest("Domains", keys), Some("domain"));
        assert_eq!(nearest("trnuk", keys), Some("trunk"));
        assert_eq!(nearest("registrar", keys), None);
        assert_eq!(nearest("", keys), None);
        assert_eq!(nearest(&"x".repeat(100_000), keys), None);
    }
}
